// tasks.c: tasks from modules, their memory and threads, and their end.
#include <l4/alloc.h>
#include <l4/frames.h>
#include <l4/library.h>
#include <l4/print.h>
#include <l4/string.h>
#include <l4/thread.h>

#include "root.h"

#define UTCB_AREA_BITS 13

_Static_assert(L4_TASK_THREAD_MAX * L4_UTCB_SIZE == 1u << UTCB_AREA_BITS, "room for all UTCBs");

static word_t first_number(word_t task)
{
    return l4_user_base(l4_kip) + L4_TASK_FIRST_NUMBER + task * L4_TASK_THREAD_MAX;
}

static l4_thread_id thread_id(const struct task *task, word_t index)
{
    return l4_global_id(l4_thread_number(task->first) + index, 1);
}

struct task *task_of_thread(struct root *root, l4_thread_id thread)
{
    word_t index = l4_task_of(thread);
    return index < root->task_count && root->tasks[index].state ? &root->tasks[index] : NULL;
}

// ---- Memory -------------------------------------------------------------------------------------

bool task_add_segment(struct task *task, word_t start, word_t end, word_t rights)
{
    if (task->segment_count == SEGMENT_MAX)
        return false;
    for (word_t i = 0; i < task->segment_count; i++) {
        if (start < task->segments[i].end && task->segments[i].start < end)
            return false;
    }
    word_t *frames = l4_alloc_zeroed((end - start) / L4_PAGE_SIZE * sizeof(word_t));
    if (!frames)
        return false;
    task->segments[task->segment_count++] =
        (struct segment){.start = start, .end = end, .rights = rights, .frames = frames};
    return true;
}

struct segment *task_segment(struct task *task, word_t address)
{
    for (word_t i = 0; i < task->segment_count; i++) {
        struct segment *segment = &task->segments[i];
        if (address >= segment->start && address < segment->end)
            return segment;
    }
    return NULL;
}

word_t task_frame(struct segment *segment, word_t address)
{
    word_t page = address & ~(L4_PAGE_SIZE - 1);
    word_t *frame = &segment->frames[(page - segment->start) / L4_PAGE_SIZE];
    if (*frame)
        return *frame;
    *frame = l4_frame_take();
    if (!*frame)
        return 0;
    word_t low = page > segment->file_start ? page : segment->file_start;
    word_t high = page + L4_PAGE_SIZE < segment->file_end ? page + L4_PAGE_SIZE : segment->file_end;
    if (low < high)
        memcpy((void *)(uintptr_t)(*frame + (low - page)),
               segment->file + (low - segment->file_start), high - low);
    return *frame;
}

static void give_memory_back(struct task *task)
{
    for (word_t i = 0; i < task->segment_count; i++) {
        struct segment *segment = &task->segments[i];
        for (word_t page = 0; page < (segment->end - segment->start) / L4_PAGE_SIZE; page++) {
            if (segment->frames[page])
                l4_frame_give(segment->frames[page]);
        }
        l4_free(segment->frames);
    }
    task->segment_count = 0;
}

// ---- Threads ------------------------------------------------------------------------------------

l4_thread_id task_add_thread(struct task *task, l4_thread_id pager)
{
    for (word_t i = 1; i < L4_TASK_THREAD_MAX; i++) {
        if (task->threads & 1u << i)
            continue;
        word_t utcb = L4_UTCB_AREA_BASE + i * L4_UTCB_SIZE;
        if (!l4_thread_control(thread_id(task, i), task->first, task->first, pager, utcb))
            return L4_NIL_THREAD;
        task->threads |= (uint16_t)(1u << i);
        return thread_id(task, i);
    }
    return L4_NIL_THREAD;
}

void task_end(struct root *root, struct task *task, enum l4_task_state state, word_t status)
{
    for (word_t i = 0; i < IRQ_MAX; i++) {
        if (root->irq_owner[i] == task) {
            l4_irq_dissociate(i);
            root->irq_owner[i] = NULL;
        }
    }
    // The first thread is the last to go: the others name their space by it.
    for (word_t i = L4_TASK_THREAD_MAX; i-- > 0;) {
        if (task->threads & 1u << i)
            l4_thread_delete(thread_id(task, i));
    }
    task->threads = 0;
    give_memory_back(task);
    task->state = state;
    task->status = status;
    if (root->console == task)
        root->console = NULL;
}

// ---- Starting -----------------------------------------------------------------------------------

// The module's text is "path/name arguments". Without a name, the task is called by its number.
static const char *split_text(struct task *task, const char *text)
{
    word_t length = 0, name = 0;
    for (; text[length] && text[length] != ' '; length++) {
        if (text[length] == '/')
            name = length + 1;
    }
    word_t size = length - name < L4_NAME_SIZE - 1 ? length - name : L4_NAME_SIZE - 1;
    memcpy(task->name, text + name, size);
    if (size == 0)
        l4_snprintf(task->name, L4_NAME_SIZE, "task%u", task->index);
    while (text[length] == ' ')
        length++;
    return text + length;
}

static bool add_start_area(const struct root *root, struct task *task, const char *command_line)
{
    if (!task_add_segment(task, L4_START_AREA, L4_START_AREA + L4_PAGE_SIZE, L4_READABLE))
        return false;
    word_t frame = task_frame(task_segment(task, L4_START_AREA), L4_START_AREA);
    struct l4_start_area *area = (struct l4_start_area *)(uintptr_t)frame;
    if (!area)
        return false;
    area->magic = L4_START_MAGIC;
    area->root = l4_my_global_id();
    area->names = root->names;
    area->first = task->first;
    area->task = task->index;
    area->thread_max = L4_TASK_THREAD_MAX;
    l4_copy_string(area->name, task->name, sizeof(area->name));
    l4_copy_string(area->command_line, command_line, sizeof(area->command_line));
    return true;
}

static void set_priority(const struct task *task, const char *command_line)
{
    char text[8];
    if (!l4_option(command_line, "prio", text, sizeof(text)))
        return;
    word_t priority = strtoul(text, NULL, 10);
    l4_set_priority(task->first, priority < PRIORITY_MAX ? priority : PRIORITY_MAX);
}

// NULL, or what went wrong; the task has no threads then.
static const char *start(struct root *root, struct task *task, const struct l4_boot_module *module,
                         const char *command_line)
{
    word_t entry, me = l4_my_global_id();
    const char *wrong = elf_load(task, (const uint8_t *)(uintptr_t)module->start,
                                 module->end - module->start, &entry);
    if (wrong)
        return wrong;
    if (!add_start_area(root, task, command_line))
        return "no memory";
    if (!l4_space_create(task->first, me, me, l4_make_fpage(L4_KIP_AREA_BASE, 12, 0),
                         l4_make_fpage(L4_UTCB_AREA_BASE, UTCB_AREA_BITS, 0)))
        return "the kernel refuses the space";
    task->threads = 1;
    set_priority(task, command_line);
    if (l4_tag_failed(l4_send_start(task->first, entry, L4_START_AREA)))
        return "the kernel refuses the start message";
    return NULL;
}

static void start_module(struct root *root, struct task *task, const struct l4_boot_module *module,
                         const char *command_line)
{
    const char *wrong = NULL;
    if (!l4_sigma0_get_range(module->start, module->end - module->start))
        wrong = "sigma0 refuses the module's memory";
    else
        wrong = start(root, task, module, command_line);
    if (!wrong) {
        task->state = L4_TASK_RUNNING;
        return;
    }
    say(root, "root: task %u (%s) not started: %s (error %u)\n", task->index, task->name, wrong,
        l4_error_code());
    task_end(root, task, L4_TASK_DIED, 1);
    root->status = 1;
}

void tasks_start(struct root *root, const struct l4_boot_module *modules, word_t count,
                 const struct l4_boot_access *access)
{
    static char text[1024];
    if (count > TASK_MAX) {
        say(root, "root: %u modules, of which only %u become tasks\n", count, TASK_MAX);
        count = TASK_MAX;
    }
    root->task_count = count;
    for (word_t i = 0; i < count; i++) {
        struct task *task = &root->tasks[i];
        task->index = i;
        task->first = l4_global_id(first_number(i), 1);
        l4_boot_text(access, &modules[i], text, sizeof(text));
        split_text(task, text);
        if (strcmp(task->name, "names") == 0)
            root->names = task->first;
    }
    for (word_t i = 0; i < count; i++) {
        struct task *task = &root->tasks[i];
        l4_boot_text(access, &modules[i], text, sizeof(text));
        const char *command_line = split_text(task, text);
        start_module(root, task, &modules[i], command_line);
    }
    root->started = true;
}
