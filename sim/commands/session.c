#include "sim/commands/session.h"

#include "cpu/run.h"
#include "sim/commands/console.h"
#include "sim/commands/outputs.h"
#include "sim/commands/trace_log.h"
#include "sim/core/check.h"
#include "sim/machine/story.h"
#include "sim/report/json_lines.h"
#include "sim/report/ledger_json.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define POLL_CYCLES 2000000
#define PATHS_PRINTED 20
#define SPACES_PRINTED 12
#define RULES_FOLDER "rules" /* beside the command */
#define BLAME_PRINTED 12

/* --- options ---------------------------------------------------------------------------------- */

static void set_gdb(struct session *s, const char *address)
{
    s->debugged = strcmp(address, "none") != 0;
    if (s->debugged)
        s->gdb_address = gdb_address_parse(address);
}

static void add_serial(struct session *s, const char *spec)
{
    if (s->serials >= MACHINE_UARTS)
        usage_error("--serial %s: there are only %d ports", spec, MACHINE_UARTS);
    s->serial[s->serials++] = spec;
}

bool session_option(struct session *s, int letter, const char *value)
{
    switch (letter) {
    case 'y': symbols_add(&s->symbols, value); break;
    case 'l': s->ledger = value; break;
    case 'W': s->window_spec = value; break;
    case 'J': s->window_file = value; break;
    case 'N': s->timeline_file = value; break;
    case 'd': s->log = value; break;
    case 'p': s->with_paths = true; break;
    case 'F': s->with_paths = s->with_profile = true; break;
    case 'r': guest_names_read_file(&s->names, value); break;
    case 'B': s->with_blame = true; break;
    case 'v': s->screen = true; break;
    case 'H': s->hash = true; break;
    case '1': set_gdb(s, "1234"); break;
    case '2': s->gdb_waits = true; break;
    case 'G': set_gdb(s, value); break;
    case 'q': s->quiet = true; break;
    case 'O': add_serial(s, value); break;
    default: return false;
    }
    return true;
}

/* "file:PATH" is a file; nothing else of --serial is. */
static const char *serial_file(const char *spec)
{
    return spec && strncmp(spec, "file:", 5) == 0 ? spec + 5 : NULL;
}

static void check_outputs(const struct session *s, const char *const *read)
{
    const struct output list[] = {
        {"ledger", s->ledger, OUTPUT_REPORT},
        {"window-json", s->window_file, OUTPUT_REPORT},
        {"timeline", s->timeline_file, OUTPUT_REPORT},
        {"record", s->record, OUTPUT_RECORDING},
        {"record-input", s->record_input, OUTPUT_RECORDING},
        {"serial", serial_file(s->serial[0]), OUTPUT_STREAM},
        {"serial", serial_file(s->serial[1]), OUTPUT_STREAM},
        {NULL, NULL, OUTPUT_REPORT},
    };
    outputs_check(list, read);
}

void session_open_console(const struct session *s, struct console *k)
{
    for (unsigned i = 0; i < s->serials; i++)
        console_set_output(k, (int)i, s->serial[i]);
    if (s->serials == 0)
        console_set_output(k, 0, "stdio");
    if (s->record_input)
        console_log_input(k, s->record_input);
}

void session_check(struct session *s, const char *model, const char *const *read)
{
    if (s->window_file && !s->window_spec)
        usage_error("--window-json %s: which window? --window says", s->window_file);
    if (s->window_spec)
        window_init(&s->window, &s->symbols, s->window_spec);
    if (s->window_spec && strcmp(model, "flat") == 0)
        usage_error("--window %s: the flat model has no cycles to show; accepted is a timed one",
                    s->window_spec);
    if (s->with_paths && strcmp(model, "flat") == 0)
        usage_error("--paths: the flat model has no cycles to tell; accepted is a timed one");
    if (s->with_profile && !s->ledger)
        usage_error("--profile: into which file? --ledger FILE.json says; `isochron annotate` "
                    "reads it");
    if (s->with_blame && strcmp(model, "flat") == 0)
        usage_error("--blame: the flat model has no caches; accepted is a timed one, as p5");
    if (s->timeline_file && strcmp(model, "flat") == 0)
        usage_error("--timeline: the flat model has no cycles to tell; accepted is a timed one");
    check_outputs(s, read);
    if (s->gdb_waits && !s->debugged)
        set_gdb(s, "1234");
}

/* --- while it runs ---------------------------------------------------------------------------- */

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGPIPE); /* who reads the guest's serial line has gone */
}

void session_catch_signals(struct session *s)
{
    sigset_t caught;
    if (s->debugged)
        return;
    ending_signals(&caught);
    int fd = signalfd(-1, &caught, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd > 0 && sigprocmask(SIG_BLOCK, &caught, NULL) == 0)
        s->signals = fd;
}

/* A second signal does what it does to any program. */
static void poll_signals(struct session *s)
{
    struct signalfd_siginfo info;
    sigset_t caught;
    if (!s->signals || read(s->signals, &info, sizeof info) != sizeof info)
        return;
    s->signal = (int)info.ssi_signo;
    machine_stop(s->machine);
    ending_signals(&caught);
    sigprocmask(SIG_UNBLOCK, &caught, NULL);
}

static void poll_host(void *owner)
{
    struct session *s = owner;
    struct machine *m = s->machine;
    poll_signals(s);
    if (s->poll)
        s->poll(s->owner);
    progress_show(&s->progress, m->clock.now, m->cpu->instructions);
    event_schedule_observer(&m->clock, &s->poll_event, m->clock.now + POLL_CYCLES);
}

/* Before the program stops with a message: a usable terminal, and where the guest was. */
static void last_words(void *owner, char *where, size_t size)
{
    struct session *s = owner;
    const struct cpu *c = s->machine->cpu;
    if (s->restore)
        s->restore(s->owner);
    progress_end(&s->progress);
    if (!c || !c->op)
        return;
    char symbol[128];
    symbols_format(&s->symbols, c->seg[CS].base + c->op->eip, symbol, sizeof symbol);
    snprintf(where, size, "; cycle %" PRIu64 ", CS:EIP %04x:%08x%s%s", c->clock->now,
             c->seg[CS].selector, c->op->eip, *symbol ? " " : "", symbol);
}

void session_init(struct session *s)
{
    symbols_init(&s->symbols);
    event_init(&s->poll_event, poll_host, s, 200);
}

void session_attach(struct session *s, struct machine *m, uint64_t limit_cycles)
{
    s->machine = m;
    check_set_last_words(last_words, s);
    m->cpu->place_of = symbols_place;
    m->cpu->place_owner = &s->symbols;
    if (s->log)
        trace_log_start(m, s->log);
    if (s->debugged)
        s->gdb = gdb_new(m, &s->gdb_address, s->gdb_waits);
    progress_start(&s->progress, s->quiet, m->clock.now, limit_cycles);
    poll_host(s);
}

/* The files that lie beside the command. */
static void read_rules(struct session *s)
{
    char folder[4096];
    ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - sizeof RULES_FOLDER);
    s->names.symbols = &s->symbols;
    if (s->names.kernels || n <= 0)
        return;
    folder[n] = 0;
    char *slash = strrchr(folder, '/');
    if (!slash)
        return;
    memcpy(slash + 1, RULES_FOLDER, sizeof RULES_FOLDER);
    guest_names_read_folder(&s->names, folder);
}

static const char *space_now(void *owner)
{
    const struct session *s = owner;
    const struct space *now = &s->spaces.list[s->spaces.now];
    return *now->name ? now->name : NULL;
}

static void watch_spaces(struct session *s)
{
    read_rules(s);
    spaces_start(&s->spaces, &s->watch, s->machine->cpu);
    spaces_set_namer(&s->spaces, guest_names_name, &s->names);
    s->symbols.space_of = space_now;
    s->symbols.space_owner = s;
}

static void watch_paths(struct session *s)
{
    paths_start(&s->paths, &s->spaces, &s->watch, s->machine->cpu);
    const struct guest_kernel *kernel = guest_names_choose(&s->names, s->machine->cpu);
    if (kernel)
        path_rules_read(&s->rules, kernel->file);
    paths_set_rules(&s->paths, &s->rules, &s->symbols);
}

static void start_timeline(struct session *s)
{
    const struct machine_config *m = &s->machine->config;
    timeline_start(&s->timeline, &s->paths, &s->watch, s->timeline_file, m->name,
                   (double)m->clock_num / (double)m->clock_den);
}

static void after_reset(void *owner)
{
    struct session *s = owner;
    if (s->after_reset)
        s->after_reset(s->after_reset_owner);
    blame_reset(&s->blame);
}

/* A reset empties caches and TLBs, and is no instruction's doing. */
static void watch_blame(struct session *s)
{
    struct machine *m = s->machine;
    blame_start(&s->blame, &s->spaces, &s->watch, m->cpu);
    s->after_reset = m->after_reset;
    s->after_reset_owner = m->after_reset_owner;
    m->after_reset = after_reset;
    m->after_reset_owner = s;
}

void session_watch_paths(struct session *s)
{
    watch_spaces(s);
    watch_paths(s);
}

void session_unwatch_paths(struct session *s)
{
    paths_free(&s->paths, &s->watch);
    spaces_free(&s->spaces, &s->watch);
    s->symbols.space_of = NULL;
    s->paths.cpu = NULL;
    s->spaces.cpu = NULL;
}

void session_watch(struct session *s)
{
    if (s->window_spec)
        window_start(&s->window, &s->watch, s->machine->cpu);
    if (s->with_paths || s->timeline_file || s->with_blame ||
        (s->symbols.spaced && s->machine->cpu->model->timed))
        watch_spaces(s);
    if (s->with_paths || s->timeline_file)
        watch_paths(s);
    if (s->with_profile)
        profile_start(&s->profile, &s->paths, &s->watch, s->machine->cpu);
    if (s->timeline_file)
        start_timeline(s);
    if (s->with_blame)
        watch_blame(s);
}

void session_remember(struct session *s, struct replay *replay, bool recorded)
{
    struct gdb_target target = {.machine = s->machine, .symbols = &s->symbols};
    if (!s->gdb)
        return;
    if (s->watch.count || s->ledger || s->log)
        target.no_history = "reports and logs follow it, and those only go on";
    else
        target.history = s->history = history_new(s->machine, replay);
    if (replay)
        target.read_only = "a recorded run stays as it was; `isochron run` makes another";
    else if (recorded)
        target.read_only = "this run is being recorded, and a trace does not hold what gdb writes";
    gdb_set_target(s->gdb, &target);
}

void session_run(struct session *s)
{
    if (s->gdb)
        gdb_run(s->gdb);
    else
        machine_run(s->machine);
}

void session_count_from_here(struct session *s)
{
    ledger_restart(&s->machine->ledger);
    s->instructions_before = s->machine->cpu->instructions;
    if (s->blame.cpu)
        blame_restart(&s->blame);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void name_of(void *owner, laddr_t la, char *text, size_t size)
{
    symbols_format(owner, la, text, size);
}

static void write_json(const char *path, json_t *object, const struct json_rows *rows)
{
    if (!json_lines_write(object, rows, path))
        usage_error("%s: cannot be written: %s", path, strerror(errno));
    json_decref(object);
}

json_t *session_paths(struct session *s)
{
    json_t *paths = paths_json(&s->paths, &s->symbols);
    path_rules_apply(&s->rules, paths);
    return paths;
}

json_t *session_ledger(struct session *s, struct blame_matrix **later)
{
    struct machine *m = s->machine;
    json_t *o = ledger_json(m, &s->symbols, m->cpu->instructions - s->instructions_before, s->warm);
    if (s->spaces.cpu) {
        json_object_set_new(o, "spaces", spaces_json(&s->spaces));
        json_object_set_new(o, "threads", spaces_threads_json(&s->spaces));
    }
    if (s->paths.cpu)
        json_object_set_new(o, "kernel_paths", session_paths(s));
    if (s->profile.cpu)
        json_object_set_new(o, "profile", profile_json(&s->profile, &s->symbols));
    if (s->blame.cpu)
        json_object_set_new(o, "blame", blame_json(&s->blame, &s->symbols, later));
    return o;
}

static void write_ledger(struct session *s)
{
    struct blame_matrix *matrix = NULL;
    json_t *o = session_ledger(s, &matrix);
    write_json(s->ledger, o, matrix ? blame_matrix_rows(matrix) : NULL);
    if (matrix)
        blame_matrix_free(matrix);
}

/* What was asked for besides the ledger, onto the screen. */
static void print_reports(struct session *s)
{
    json_t *o = session_ledger(s, NULL);
    quality_print(json_object_get(o, "quality"), stdout);
    spaces_report(json_object_get(o, "spaces"), json_object_get(o, "threads"), SPACES_PRINTED,
                  stdout);
    if (s->with_paths)
        paths_report(json_object_get(o, "kernel_paths"), PATHS_PRINTED, stdout);
    if (s->with_blame)
        blame_report(json_object_get(o, "blame"), BLAME_PRINTED, stdout);
    json_decref(o);
}

static void write_results(struct session *s)
{
    struct machine *m = s->machine;
    if (s->window_spec) {
        window_end(&s->window);
        window_print(&s->window, &s->symbols, stdout, console_colours());
        if (s->window_file)
            write_json(s->window_file, window_json(&s->window, &s->symbols), NULL);
    }
    if (s->timeline.out) {
        json_t *paths = session_paths(s);
        timeline_end(&s->timeline, &s->watch, json_object_get(paths, "clusters"));
        json_decref(paths);
    }
    if (s->ledger)
        write_ledger(s);
    else if (s->with_paths || s->with_blame)
        print_reports(s);
    if (s->screen)
        vga_print_text(&m->vga, stdout, console_colours());
    if (s->hash)
        printf("state hash %016" PRIx64 " at cycle %" PRIu64 "\n", machine_hash(m), m->clock.now);
}

static int say_end(struct session *s)
{
    struct machine *m = s->machine;
    cycle_t now = m->clock.now;
    fflush(stdout); /* the two streams may lead to one file */
    switch (m->end) {
    case END_HALTED:
        fprintf(stderr, "isochron: halted at cycle %" PRIu64 "\n", now);
        return EXIT_DONE;
    case END_RESET:
        fprintf(stderr, "isochron: the guest reset the machine at cycle %" PRIu64 "\n", now);
        return EXIT_DONE;
    case END_SHUTDOWN:
        fprintf(stderr, "isochron: triple fault at cycle %" PRIu64 "; ", now);
        story_tell(m->story, stderr, name_of, &s->symbols);
        return EXIT_GUEST_FAILED;
    case END_DEBUG_EXIT:
        return (int)(debug_exit_status(m->exit_value) & 0xFF);
    case END_STOPPED:
    case END_NONE:
        break;
    }
    if (s->signal) {
        fprintf(stderr, "isochron: stopped at cycle %" PRIu64 ": %s\n", now, strsignal(s->signal));
        return 128 + s->signal;
    }
    if (!s->limit_hit)
        return EXIT_DONE;
    fprintf(stderr, "isochron: cycle limit reached at cycle %" PRIu64 "\n", now);
    return EXIT_CYCLE_LIMIT;
}

int session_end(struct session *s)
{
    progress_end(&s->progress);
    if (s->restore)
        s->restore(s->owner);
    write_results(s);
    int code = say_end(s);
    if (s->gdb)
        gdb_free(s->gdb, (unsigned)code);
    if (s->history)
        history_free(s->history);
    check_set_last_words(NULL, NULL);
    return code;
}

void session_free(struct session *s)
{
    if (s->profile.cpu)
        profile_free(&s->profile, &s->watch);
    if (s->blame.cpu)
        blame_free(&s->blame, &s->watch);
    if (s->paths.cpu)
        paths_free(&s->paths, &s->watch);
    if (s->spaces.cpu)
        spaces_free(&s->spaces, &s->watch);
    if (s->window_spec)
        window_free(&s->window);
    guest_names_free(&s->names);
    symbols_free(&s->symbols);
}
