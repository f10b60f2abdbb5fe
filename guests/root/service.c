// service.c: the root server's loop: faults and exceptions of its tasks, and what they ask for.
#include <l4/console.h>
#include <l4/library.h>
#include <l4/print.h>
#include <l4/protocols.h>
#include <l4/server.h>
#include <l4/string.h>
#include <l4/thread.h>

#include "root.h"

#define CONSOLE_PATIENCE 10000u // microseconds that we wait for a console that is busy
#define FLUSH_PATIENCE 2000000u // microseconds for it to send what it has
#define STATUS_OF_DEATH 100u    // the machine's status after a task died of exception n: 100 + n

// ---- Printing and finishing ---------------------------------------------------------------------

// The message in the MRs, without an answer. The console may be busy for a moment; it may also wait
// for us, with a fault, and then this fails.
static bool tell_console(const struct task *console)
{
    return !l4_tag_failed(l4_send_timeout(console->first, l4_period(CONSOLE_PATIENCE)));
}

static bool say_to_console(const struct task *console, const char *text, word_t length)
{
    word_t saved[L4_MR_COUNT], *mr = l4_utcb();
    memcpy(saved, mr, sizeof(saved));
    mr[0] = l4_make_tag(L4_CONSOLE_LOG, (length + 3) / 4 + 1, 0);
    mr[1] = length;
    memcpy(mr + 2, text, length);
    bool sent = tell_console(console);
    memcpy(mr, saved, sizeof(saved));
    return sent;
}

void say(const struct root *root, const char *format, ...)
{
    char text[L4_CONSOLE_CHUNK];
    va_list arguments;
    va_start(arguments, format);
    word_t length = (word_t)l4_vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length >= sizeof(text))
        length = sizeof(text) - 1;
    if (root->console && say_to_console(root->console, text, length))
        return;
    for (word_t i = 0; i < length; i++)
        l4_serial_put(text[i]);
}

// Asks the console to say when everything has gone out, which is when the machine ends.
static void ask_for_flush(struct root *root)
{
    l4_msg_begin(L4_CONSOLE_FLUSH);
    root->flush_asked = root->console && tell_console(root->console);
}

static void finish(struct root *root, int status)
{
    root->status = status;
    root->finishing = true;
    root->finish_by = l4_system_clock() + FLUSH_PATIENCE;
    if (!root->console)
        l4_exit(status);
    ask_for_flush(root);
}

// The machine is done when all tasks are that end at all.
static void finish_if_done(struct root *root)
{
    word_t running = 0, ended = 0;
    for (word_t i = 0; i < root->task_count; i++) {
        running += root->tasks[i].state == L4_TASK_RUNNING;
        ended += root->tasks[i].state == L4_TASK_EXITED || root->tasks[i].state == L4_TASK_DIED;
    }
    if (root->started && !root->finishing && running == 0 && ended > 0)
        finish(root, root->status);
}

static void end(struct root *root, struct task *task, enum l4_task_state state, word_t status)
{
    task_end(root, task, state, status);
    if (state == L4_TASK_DIED)
        status += STATUS_OF_DEATH;
    if ((int)status > root->status)
        root->status = (int)status;
    finish_if_done(root);
}

// ---- Faults and exceptions ----------------------------------------------------------------------

// The reply to a fault of the thread: a map item, or the end of its task.
static enum l4_disposition answer_fault(struct root *root, l4_thread_id thread, word_t address,
                                        word_t access, word_t ip)
{
    struct task *task = task_of_thread(root, thread);
    if (!task || (task->state != L4_TASK_RUNNING && task->state != L4_TASK_SERVING))
        return L4_NO_REPLY;
    l4_fpage fpage = task_fpage(task, address, access);
    if (fpage == L4_NIL_FPAGE) {
        say(root, "root: task %u (%s) stopped: %s fault at %08x, thread %08x, eip %08x\n",
            task->index, task->name, access & L4_WRITABLE ? "write" : "read", address, thread, ip);
        end(root, task, L4_TASK_DIED, 14);
        return L4_NO_REPLY;
    }
    task->fault_count++;
    l4_put_page_fault_reply(l4_map_item(fpage, address & ~(l4_fpage_size(fpage) - 1)));
    return L4_REPLY;
}

static enum l4_disposition on_page_fault(void *context, l4_thread_id from, l4_tag tag)
{
    return answer_fault(context, from, l4_page_fault_address(), l4_page_fault_access(tag),
                        l4_page_fault_ip());
}

static enum l4_disposition on_exception(void *context, l4_thread_id from, l4_tag tag)
{
    struct root *root = context;
    struct task *task = task_of_thread(root, from);
    struct l4_exception e;
    (void)tag;
    if (!task)
        return L4_NO_REPLY;
    l4_get_exception(&e);
    say(root, "root: task %u (%s) died: exception %u, error %x, thread %08x, eip %08x, esp %08x\n",
        task->index, task->name, e.vector, e.error_code, from, e.eip, e.esp);
    end(root, task, L4_TASK_DIED, e.vector);
    return L4_NO_REPLY;
}

// ---- Requests -----------------------------------------------------------------------------------

static enum l4_disposition on_exit(void *context, l4_thread_id from, l4_tag tag)
{
    struct task *task = task_of_thread(context, from);
    (void)tag;
    if (task)
        end(context, task, L4_TASK_EXITED, l4_mr(1));
    return L4_NO_REPLY;
}

static enum l4_disposition on_finish(void *context, l4_thread_id from, l4_tag tag)
{
    (void)from, (void)tag;
    finish(context, (int)l4_mr(1));
    return L4_NO_REPLY;
}

static enum l4_disposition on_serve(void *context, l4_thread_id from, l4_tag tag)
{
    struct root *root = context;
    struct task *task = task_of_thread(root, from);
    (void)tag;
    if (!task)
        return l4_server_result(L4_ROOT_REFUSED);
    task->state = L4_TASK_SERVING;
    if (strcmp(task->name, "console") == 0)
        root->console = task;
    finish_if_done(root);
    return l4_server_result(L4_ROOT_OK);
}

static enum l4_disposition on_thread(void *context, l4_thread_id from, l4_tag tag)
{
    struct task *task = task_of_thread(context, from);
    word_t pager = l4_mr(1);
    (void)tag;
    if (!task)
        return l4_server_result(L4_ROOT_REFUSED);
    l4_thread_id thread = task_add_thread(task, pager);
    l4_server_result(thread ? L4_ROOT_OK : L4_ROOT_FULL);
    l4_msg_word(thread);
    return L4_REPLY;
}

static enum l4_disposition on_unthread(void *context, l4_thread_id from, l4_tag tag)
{
    struct task *task = task_of_thread(context, from);
    l4_thread_id thread = l4_mr(1);
    (void)tag;
    // The first thread holds the space together and goes with the task.
    if (!task || task_of_thread(context, thread) != task || thread == task->first)
        return l4_server_result(L4_ROOT_REFUSED);
    word_t index = l4_thread_number(thread) - l4_thread_number(task->first);
    if (!(task->threads & 1u << index))
        return l4_server_result(L4_ROOT_NO_SUCH);
    l4_thread_delete(thread);
    task->threads &= (uint16_t)~(1u << index);
    return thread == from ? L4_NO_REPLY : l4_server_result(L4_ROOT_OK);
}

static enum l4_disposition on_irq(void *context, l4_thread_id from, l4_tag tag)
{
    struct root *root = context;
    struct task *task = task_of_thread(root, from);
    word_t line = l4_mr(1), taking = l4_mr(2);
    (void)tag;
    if (!task || line >= IRQ_MAX || (root->irq_owner[line] && root->irq_owner[line] != task))
        return l4_server_result(L4_ROOT_REFUSED);
    if (!(taking ? l4_irq_associate(line, from) : l4_irq_dissociate(line)))
        return l4_server_result(L4_ROOT_REFUSED);
    root->irq_owner[line] = taking ? task : NULL;
    return l4_server_result(L4_ROOT_OK);
}

static enum l4_disposition on_task(void *context, l4_thread_id from, l4_tag tag)
{
    struct root *root = context;
    word_t index = l4_mr(1);
    (void)from, (void)tag;
    if (index >= root->task_count)
        return l4_server_result(L4_ROOT_NO_SUCH);
    const struct task *task = &root->tasks[index];
    word_t name[L4_NAME_SIZE / 4];
    memcpy(name, task->name, sizeof(name));
    l4_server_result(L4_ROOT_OK);
    l4_msg_word(task->state);
    l4_msg_word(task->first);
    l4_msg_word(task->status);
    l4_msg_word(task->fault_count);
    for (word_t i = 0; i < L4_NAME_SIZE / 4; i++)
        l4_msg_word(name[i]);
    return L4_REPLY;
}

static enum l4_disposition on_kill(void *context, l4_thread_id from, l4_tag tag)
{
    struct root *root = context;
    word_t index = l4_mr(1);
    (void)tag;
    if (index >= root->task_count || (root->tasks[index].state != L4_TASK_RUNNING &&
                                      root->tasks[index].state != L4_TASK_SERVING))
        return l4_server_result(L4_ROOT_NO_SUCH);
    struct task *task = &root->tasks[index];
    bool itself = task_of_thread(root, from) == task;
    end(root, task, L4_TASK_EXITED, 0);
    return itself ? L4_NO_REPLY : l4_server_result(L4_ROOT_OK);
}

static enum l4_disposition on_start(void *context, l4_thread_id from, l4_tag tag)
{
    struct root *root = context;
    word_t index = l4_mr(1);
    (void)from, (void)tag;
    if (index >= root->task_count || (root->tasks[index].state != L4_TASK_EXITED &&
                                      root->tasks[index].state != L4_TASK_DIED))
        return l4_server_result(L4_ROOT_NO_SUCH);
    bool started = task_start_again(root, &root->tasks[index]);
    return l4_server_result(started ? L4_ROOT_OK : L4_ROOT_REFUSED);
}

static enum l4_disposition on_counts(void *context, l4_thread_id from, l4_tag tag)
{
    struct l4_root_counts counts = root_counts(context);
    (void)from, (void)tag;
    l4_server_result(L4_ROOT_OK);
    l4_msg_word(counts.frames);
    l4_msg_word(counts.blocks);
    l4_msg_word(counts.threads);
    l4_msg_word(counts.spaces);
    return L4_REPLY;
}

// The page with the address out of what answers a fault there.
static l4_fpage one_page(l4_fpage fpage, word_t address)
{
    word_t offset = address & (l4_fpage_size(fpage) - 1) & ~(L4_PAGE_SIZE - 1);
    return l4_make_fpage(l4_fpage_base(fpage) + offset, L4_PAGE_BITS, fpage & L4_FULLY_ACCESSIBLE);
}

// For a pager between us and the thread: the page goes to the pager, which must be a server.
static enum l4_disposition on_page(void *context, l4_thread_id from, l4_tag tag)
{
    struct task *pager = task_of_thread(context, from);
    word_t address = l4_mr(2);
    (void)tag;
    if (!pager || pager->state != L4_TASK_SERVING)
        return l4_server_result(L4_ROOT_REFUSED);
    if (answer_fault(context, l4_mr(1), address, l4_mr(3), l4_mr(4)) != L4_REPLY)
        return l4_server_result(L4_ROOT_NO_SUCH);
    // The pager maps all of memory at its physical address plus a constant of its own.
    l4_fpage page = one_page(l4_mr(2), address);
    l4_put_page_fault_reply(l4_map_item(page, l4_fpage_base(page)));
    return L4_REPLY;
}

// A page of the task's memory, for a second place in its space.
static enum l4_disposition on_frame(void *context, l4_thread_id from, l4_tag tag)
{
    struct task *task = task_of_thread(context, from);
    word_t address = l4_mr(1);
    (void)tag;
    l4_fpage fpage = task ? task_fpage(task, address, L4_READABLE) : L4_NIL_FPAGE;
    if (fpage == L4_NIL_FPAGE)
        return l4_server_result(L4_ROOT_NO_SUCH);
    l4_put_page_fault_reply(l4_map_item(one_page(fpage, address), 0));
    return L4_REPLY;
}

static enum l4_disposition on_module(void *context, l4_thread_id from, l4_tag tag)
{
    struct root *root = context;
    struct task *task = task_of_thread(root, from);
    word_t address = l4_mr(1);
    char name[L4_NAME_SIZE];
    (void)tag;
    memcpy(name, l4_utcb() + 2, sizeof(name));
    name[sizeof(name) - 1] = 0;
    for (word_t i = 0; i < root->task_count; i++) {
        const struct l4_boot_module *module = &root->modules[i];
        if (root->tasks[i].state != L4_TASK_DATA || strcmp(root->tasks[i].name, name) != 0)
            continue;
        if (!task || !task_lend(task, address, module))
            return l4_server_result(L4_ROOT_REFUSED);
        l4_server_result(L4_ROOT_OK);
        l4_msg_word(module->end - module->start);
        return L4_REPLY;
    }
    return l4_server_result(L4_ROOT_NO_SUCH);
}

static enum l4_disposition on_space(void *context, l4_thread_id from, l4_tag tag)
{
    struct task *task = task_of_thread(context, from);
    struct space_wish wish = {
        .kip = l4_mr(1), .utcbs = l4_mr(2), .utcb = l4_mr(3), .control = l4_mr(4),
        .keeper = from};
    (void)tag;
    if (!task || !space_control_allowed(wish.control))
        return l4_server_result(L4_ROOT_REFUSED);
    l4_thread_id thread = space_make(context, task, &wish);
    l4_server_result(thread ? L4_ROOT_OK : L4_ROOT_FULL);
    l4_msg_word(thread);
    return L4_REPLY;
}

static enum l4_disposition on_unspace(void *context, l4_thread_id from, l4_tag tag)
{
    struct task *task = task_of_thread(context, from);
    (void)tag;
    return l4_server_result(task && space_end(context, task, l4_mr(1)) ? L4_ROOT_OK
                                                                       : L4_ROOT_NO_SUCH);
}

static enum l4_disposition on_priority(void *context, l4_thread_id from, l4_tag tag)
{
    struct task *task = task_of_thread(context, from);
    l4_thread_id thread = l4_mr(1);
    word_t priority = l4_mr(2);
    (void)tag;
    // Of the others the first thread is the scheduler: it needs no help.
    if (!task || thread != task->first || priority > PRIORITY_MAX)
        return l4_server_result(L4_ROOT_REFUSED);
    return l4_server_result(l4_set_priority(thread, priority) ? L4_ROOT_OK : L4_ROOT_REFUSED);
}

// The console's answer to finish(): everything has gone out.
static enum l4_disposition on_flushed(void *context, l4_thread_id from, l4_tag tag)
{
    struct root *root = context;
    (void)tag;
    if (root->finishing && root->console && task_of_thread(root, from) == root->console)
        l4_exit(root->status);
    return L4_NO_REPLY;
}

static l4_time patience(void *context)
{
    const struct root *root = context;
    return root->finishing ? l4_period(CONSOLE_PATIENCE) : L4_NEVER;
}

static void expired(void *context)
{
    struct root *root = context;
    if (!root->finishing)
        return;
    if (!root->console || l4_system_clock() >= root->finish_by)
        l4_exit(root->status);
    if (!root->flush_asked)
        ask_for_flush(root);
}

static const struct l4_operation operations[] = {
    {L4_LABEL_PAGE_FAULT, 2, on_page_fault},
    {L4_LABEL_SYSTEM_EXCEPTION, L4_EXCEPTION_WORDS, on_exception},
    {L4_LABEL_ARCH_EXCEPTION, L4_EXCEPTION_WORDS, on_exception},
    {L4_ROOT_EXIT, 1, on_exit},
    {L4_ROOT_FINISH, 1, on_finish},
    {L4_ROOT_SERVE, 0, on_serve},
    {L4_ROOT_THREAD, 1, on_thread},
    {L4_ROOT_UNTHREAD, 1, on_unthread},
    {L4_ROOT_IRQ, 2, on_irq},
    {L4_ROOT_TASK, 1, on_task},
    {L4_ROOT_KILL, 1, on_kill},
    {L4_ROOT_PAGE, 4, on_page},
    {L4_ROOT_PRIORITY, 2, on_priority},
    {L4_ROOT_START, 1, on_start},
    {L4_ROOT_COUNTS, 0, on_counts},
    {L4_ROOT_MODULE, 1 + L4_NAME_SIZE / 4, on_module},
    {L4_ROOT_FRAME, 1, on_frame},
    {L4_ROOT_SPACE, 4, on_space},
    {L4_ROOT_UNSPACE, 1, on_unspace},
    {0, 1, on_flushed},
};

void root_serve(struct root *root)
{
    finish_if_done(root);
    const struct l4_server server = {
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .context = root,
        .patience = patience,
        .expired = expired,
    };
    l4_server_run(&server);
}
