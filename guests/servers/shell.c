// shell.c: a small shell on the console: names, tasks, memory, the clock, and the end.
#include <l4/console.h>
#include <l4/deadline.h>
#include <l4/ipc.h>
#include <l4/kip.h>
#include <l4/library.h>
#include <l4/memory.h>
#include <l4/names.h>
#include <l4/print.h>
#include <l4/string.h>
#include <l4/task.h>
#include <l4/timer.h>

struct command {
    const char *name, *arguments, *help;
    void (*run)(const char *argument);
};

static void list_names(const char *argument)
{
    char name[L4_NAME_SIZE];
    l4_thread_id thread;
    (void)argument;
    for (word_t i = 0; (thread = l4_names_entry(i, name)) != L4_NIL_THREAD; i++)
        l4_printf("%-16s thread %08x (number %u)\n", name, thread, l4_thread_number(thread));
}

static void list_tasks(const char *argument)
{
    static const char *const states[] = {"absent", "running", "serving", "exited", "died",
                                         "data"};
    struct l4_task_info info;
    (void)argument;
    for (word_t i = 0; l4_root_task(i, &info) == L4_ROOT_OK; i++)
        l4_printf("%2u %-16s %-8s thread %08x status %u faults %u\n", i, info.name,
                  info.state < 6 ? states[info.state] : "?", info.first, info.status,
                  info.fault_count);
}

static void kill_task(const char *argument)
{
    char *end;
    word_t task = strtoul(argument, &end, 0);
    if (end == argument)
        l4_printf("kill: which task? see tasks\n");
    else if (l4_root_kill(task) != L4_ROOT_OK)
        l4_printf("kill: there is no task %u that runs\n", task);
}

static void start_task(const char *argument)
{
    char *end;
    word_t task = strtoul(argument, &end, 0);
    if (end == argument)
        l4_printf("start: which task? see tasks\n");
    else if (l4_root_start(task) != L4_ROOT_OK)
        l4_printf("start: there is no task %u that has ended and can start\n", task);
}

static void show_counts(const char *argument)
{
    struct l4_root_counts counts;
    (void)argument;
    if (l4_root_counts(&counts) == L4_ROOT_OK)
        l4_printf("in use: %u frames, %u blocks of 4 MB, %u threads, %u spaces\n", counts.frames,
                  counts.blocks, counts.threads, counts.spaces);
}

// Asks a server for its numbers.
static bool ask_state(const char *name, word_t label, word_t *state, word_t count)
{
    l4_thread_id server = l4_names_lookup(name);
    l4_msg_begin(label);
    if (!server || l4_tag_failed(l4_call(server)) || l4_tag_untyped(l4_mr(0)) < count) {
        l4_printf("there is no %s server\n", name);
        return false;
    }
    for (word_t i = 0; i < count; i++)
        state[i] = l4_mr(i + 1);
    return true;
}

static void show_memory(const char *argument)
{
    word_t state[4];
    (void)argument;
    if (ask_state("memory", L4_MEMORY_STATE, state, 4))
        l4_printf("%u frames spare, %u in use; %u dataspaces, %u regions\n", state[0], state[1],
                  state[2], state[3]);
}

static void show_console(const char *argument)
{
    word_t state[4];
    (void)argument;
    if (ask_state("console", L4_CONSOLE_STATE, state, 4))
        l4_printf("%u bytes out, %u in, %u interrupts, %u lost\n", state[0], state[1], state[2],
                  state[3]);
}

// The worst since it was asked the last time.
static void show_deadline(const char *argument)
{
    struct l4_deadline d;
    (void)argument;
    if (ask_state("deadline", L4_DEADLINE_STATE, &d.beats, sizeof(d) / sizeof(word_t)))
        l4_printf("%u beats, %u lost; at the worst it ran after %u ns and was done after %u ns; "
                  "%u after its deadline of %u ns\n",
                  d.beats, d.lost, d.start_ns, d.end_ns, d.missed, d.deadline_ns);
}

static void show_clock(const char *argument)
{
    (void)argument;
    l4_printf("%llu microseconds\n", l4_system_clock());
}

static void sleep_command(const char *argument)
{
    word_t milliseconds = strtoul(argument, NULL, 0);
    if (!l4_timer_sleep((l4_clock)milliseconds * 1000))
        l4_printf("sleep: there is no timer server\n");
}

static void show_kernel(const char *argument)
{
    const struct l4_kernel_descriptor *kernel = l4_kernel_descriptor(l4_kip);
    (void)argument;
    l4_printf("%s; API %08x, kernel %08x, %u kHz\n", kernel->version_string, l4_kip->api_version,
              kernel->kernel_id, l4_processor_descriptor(l4_kip, 0)->internal_khz);
}

static void echo(const char *argument)
{
    l4_printf("%s\n", argument);
}

static void exit_command(const char *argument)
{
    l4_root_finish((int)strtoul(argument, NULL, 0));
}

static void help(const char *argument);

static const struct command commands[] = {
    {"help", "", "this list", help},
    {"names", "", "who is registered with the name server", list_names},
    {"tasks", "", "the root server's tasks", list_tasks},
    {"kill", "TASK", "end a task", kill_task},
    {"start", "TASK", "a task that has ended, again", start_task},
    {"counts", "", "what tasks have of the root server", show_counts},
    {"memory", "", "the memory server's state", show_memory},
    {"console", "", "the console server's state", show_console},
    {"deadline", "", "how late the thread with a deadline was", show_deadline},
    {"clock", "", "the kernel's clock", show_clock},
    {"sleep", "MILLISECONDS", "through the timer server", sleep_command},
    {"kernel", "", "what the kernel says of itself", show_kernel},
    {"echo", "TEXT", "the text", echo},
    {"exit", "STATUS", "stop the machine", exit_command},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void help(const char *argument)
{
    (void)argument;
    for (word_t i = 0; i < COMMAND_COUNT; i++)
        l4_printf("%-8s %-13s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
}

static void run(char *line)
{
    char *argument = strchr(line, ' ');
    if (argument)
        *argument++ = 0;
    for (word_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, line) == 0) {
            commands[i].run(argument ? argument : "");
            return;
        }
    }
    if (line[0])
        l4_printf("%s: no such command; see help\n", line);
}

int l4_main(const char *command_line)
{
    char line[256];
    (void)command_line;
    l4_names_wait("console");
    for (;;) {
        l4_printf("> ");
        if (l4_read_line(line, sizeof(line)) < 0)
            l4_panic("there is no console to read from");
        run(line);
    }
}
