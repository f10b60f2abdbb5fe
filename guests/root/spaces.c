// spaces.c: spaces that tasks make, such as those of a Linux server's processes. ThreadControl and
// SpaceControl are for privileged spaces only, so a task asks for both at once. The space's only
// thread has the task's for pager, scheduler and redirector: whatever it does is the task's
// business.
#include <l4/foreign.h>
#include <l4/frames.h>
#include <l4/thread.h>

#include "root.h"

#define SPACE_FIRST_NUMBER (L4_TASK_FIRST_NUMBER + TASK_MAX * L4_TASK_THREAD_MAX)
#define VERSIONS 63u // of a thread's number: the low six bits are not 0

static l4_thread_id space_id(const struct root *root, word_t index)
{
    return l4_global_id(l4_user_base(l4_kip) + SPACE_FIRST_NUMBER + index,
                        root->spaces[index].version);
}

static void delete(struct root *root, word_t index)
{
    l4_thread_delete(space_id(root, index));
    root->spaces[index].owner = NULL;
}

l4_thread_id space_make(struct root *root, struct task *task, const struct space_wish *wish)
{
    word_t index = 0;
    while (index < SPACE_MAX && root->spaces[index].owner)
        index++;
    if (index == SPACE_MAX)
        return L4_NIL_THREAD;
    struct space *space = &root->spaces[index];
    space->version = space->version % VERSIONS + 1;
    l4_thread_id id = space_id(root, index);
    if (!l4_thread_control(id, id, wish->keeper, L4_NIL_THREAD, L4_UTCB_UNCHANGED))
        return L4_NIL_THREAD;
    space->owner = task;
    if (l4_space_control(id, wish->control, wish->kip, wish->utcbs, wish->keeper, NULL) &&
        l4_thread_control(id, id, L4_NIL_THREAD, wish->keeper, wish->utcb))
        return id;
    delete(root, index);
    return L4_NIL_THREAD;
}

bool space_control_allowed(word_t control)
{
    return (control & ~L4_SPACE_FOREIGN) == 0;
}

bool space_end(struct root *root, const struct task *task, l4_thread_id thread)
{
    word_t index = l4_thread_number(thread) - l4_user_base(l4_kip) - SPACE_FIRST_NUMBER;
    if (index >= SPACE_MAX || root->spaces[index].owner != task ||
        space_id(root, index) != thread)
        return false;
    delete(root, index);
    return true;
}

void spaces_end(struct root *root, const struct task *task)
{
    for (word_t i = 0; i < SPACE_MAX; i++) {
        if (root->spaces[i].owner == task)
            delete(root, i);
    }
}

struct l4_root_counts root_counts(const struct root *root)
{
    struct l4_root_counts counts = {.frames = l4_frames_in_use(), .blocks = l4_blocks_in_use()};
    for (word_t i = 0; i < root->task_count; i++) {
        counts.spaces += root->tasks[i].threads != 0;
        for (word_t t = 0; t < L4_TASK_THREAD_MAX; t++)
            counts.threads += root->tasks[i].threads >> t & 1;
    }
    for (word_t i = 0; i < SPACE_MAX; i++) {
        counts.spaces += root->spaces[i].owner != NULL;
        counts.threads += root->spaces[i].owner != NULL;
    }
    return counts;
}
