// tasks.c: tasks from modules, their threads, and their end.
#include <l4/library.h>
#include <l4/print.h>
#include <l4/string.h>
#include <l4/thread.h>

#include "root.h"

#define UTCB_AREA_BITS 13
#define VERSIONS 63u // of a thread's number: the low six bits are not 0

_Static_assert(L4_TASK_THREAD_MAX * L4_UTCB_SIZE == 1u << UTCB_AREA_BITS, "room for all UTCBs");

static word_t first_number(word_t task)
{
    return l4_user_base(l4_kip) + L4_TASK_FIRST_NUMBER + task * L4_TASK_THREAD_MAX;
}

static l4_thread_id thread_id(const struct task *task, word_t index)
{
    return l4_global_id(l4_thread_number(task->first) + index, l4_thread_version(task->first));
}

struct task *task_of_thread(struct root *root, l4_thread_id thread)
{
    word_t index = l4_task_of(thread);
    struct task *task = index < root->task_count ? &root->tasks[index] : NULL;
    return task && task->state && l4_thread_version(thread) == l4_thread_version(task->first)
               ? task
               : NULL;
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
    spaces_end(root, task);
    // The first thread is the last to go: the others name their space by it.
    for (word_t i = L4_TASK_THREAD_MAX; i-- > 0;) {
        if (task->threads & 1u << i)
            l4_thread_delete(thread_id(task, i));
    }
    task->threads = 0;
    memory_give_back(task);
    task->state = state;
    task->status = status;
    if (root->console == task)
        root->console = NULL;
}

// ---- Starting -----------------------------------------------------------------------------------

// The module's text is "path/name arguments", where name=NAME is an argument that counts more.
// Without a name, the task is called by its number.
static const char *split_text(struct task *task, const char *text)
{
    word_t length = 0, name = 0;
    for (; text[length] && text[length] != ' '; length++) {
        if (text[length] == '/')
            name = length + 1;
    }
    word_t size = length - name < L4_NAME_SIZE - 1 ? length - name : L4_NAME_SIZE - 1;
    if (!l4_option(text + length, "name", task->name, L4_NAME_SIZE))
        memcpy(task->name, text + name, size);
    if (!task->name[0])
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

// NULL, or what went wrong.
static const char *start(struct root *root, struct task *task, const char *command_line)
{
    const struct l4_boot_module *module = &root->modules[task->index];
    word_t entry, me = l4_my_global_id();
    const char *wrong = elf_load(task, (const uint8_t *)(uintptr_t)module->start,
                                 module->end - module->start, &entry);
    if (!wrong)
        wrong = memory_begin(task, command_line);
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

bool task_start(struct root *root, struct task *task)
{
    static char text[1024];
    l4_boot_text(&root->access, &root->modules[task->index], text, sizeof(text));
    const char *wrong = start(root, task, split_text(task, text));
    if (!wrong) {
        task->state = L4_TASK_RUNNING;
        return true;
    }
    say(root, "root: task %u (%s) not started: %s (error %u)\n", task->index, task->name, wrong,
        l4_error_code());
    task_end(root, task, L4_TASK_DIED, 1);
    return false;
}

bool task_start_again(struct root *root, struct task *task)
{
    word_t version = l4_thread_version(task->first) % VERSIONS + 1;
    task->first = l4_global_id(first_number(task->index), version);
    task->status = task->fault_count = 0;
    return task_start(root, task);
}

// start=no: when somebody asks for it.
static bool starts_later(const char *command_line)
{
    char text[8];
    return l4_option(command_line, "start", text, sizeof(text)) && strcmp(text, "no") == 0;
}

static void start_module(struct root *root, struct task *task)
{
    static char text[1024];
    const struct l4_boot_module *module = &root->modules[task->index];
    l4_boot_text(&root->access, module, text, sizeof(text));
    if (!l4_sigma0_get_range(module->start, module->end - module->start)) {
        say(root, "root: task %u (%s) not started: sigma0 refuses the module's memory\n",
            task->index, task->name);
        task->state = L4_TASK_DIED;
        root->status = 1;
    } else if (!elf_is((const uint8_t *)(uintptr_t)module->start, module->end - module->start)) {
        task->state = L4_TASK_DATA;
    } else if (starts_later(text)) {
        task->state = L4_TASK_EXITED;
    } else if (!task_start(root, task)) {
        root->status = 1;
    }
}

void tasks_start(struct root *root, word_t count)
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
        l4_boot_text(&root->access, &root->modules[i], text, sizeof(text));
        split_text(task, text);
        if (strcmp(task->name, "names") == 0)
            root->names = task->first;
    }
    for (word_t i = 0; i < count; i++)
        start_module(root, &root->tasks[i]);
    root->started = true;
}
