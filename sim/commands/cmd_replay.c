/* replay, verify, checkpoint: what can be done with a recorded run. */
#include "sim/commands/commands.h"
#include "sim/commands/console.h"
#include "sim/commands/outputs.h"
#include "sim/commands/session.h"
#include "sim/core/check.h"
#include "sim/replay/replay.h"
#include "sim/report/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct session session;
    struct console *console;
    struct replay *replay;
    const char *path, *out, *at;
    uint64_t from, to;
    bool has_from, listed;
};

static void job_begin(struct job *j)
{
    memset(j, 0, sizeof *j);
    session_init(&j->session);
    j->console = console_new();
    j->to = UINT64_MAX;
}

static void set_trace(struct job *j, const char *command, const char *path)
{
    if (j->path)
        usage_error("%s: '%s' and '%s': accepted is one trace", command, j->path, path);
    j->path = path;
}

static void job_open(struct job *j, const char *command)
{
    if (!j->path)
        usage_error("%s: which trace? `isochron %s --help` explains", command, command);
    struct machine_host host = console_host(j->console);
    j->replay = replay_open(j->path, &host);
    if (!j->has_from)
        j->from = j->replay->first;
    if (j->from > j->replay->last || j->to <= j->from)
        usage_error("%s: --from %" PRIu64 " --to %" PRIu64 ": the trace goes from %" PRIu64
                    " to %" PRIu64,
                    command, j->from, j->to, j->replay->first, j->replay->last);
}

static void job_end(struct job *j)
{
    session_free(&j->session);
    replay_free(j->replay);
    console_free(j->console);
}

/* Warns of a trace that ends where its recorder was killed. */
static void say_cut(const struct replay *r)
{
    if (!r->ended)
        fprintf(stderr, "isochron: %s was not finished; it is good up to cycle %" PRIu64 "\n",
                r->trace->path, r->last);
}

/* Goes to `from` exactly: to the checkpoint before it and on from there, unwatched. */
static void go_to_start(struct job *j)
{
    struct replay *r = j->replay;
    replay_seek(r, j->from);
    if (r->machine->clock.now < j->from) {
        replay_until(r, j->from);
        machine_run(r->machine);
    }
}

/* Makes one instance of a path the part to replay. It is looked for in a run of its own, which
 * nobody hears: what a path is called is known when it is over. */
static void find_instance(struct job *j)
{
    struct session *s = &j->session;
    struct machine *m = j->replay->machine;
    struct machine_host host = m->host;
    struct instance_list list;
    if (!m->cpu->model->timed)
        usage_error("--at %s: the flat model has no paths; accepted is a trace of --model p5",
                    j->at);
    if (j->to > j->replay->last)
        j->to = j->replay->last;
    m->host = (struct machine_host){0};
    session_watch_paths(s);
    instances_start(&list, &s->watch, m->cpu, &s->paths);
    replay_until(j->replay, j->to);
    machine_run(m);
    json_t *paths = session_paths(s);
    instances_find(&list, paths, j->at, &j->from, &j->to);
    json_decref(paths);
    instances_free(&list, &s->watch);
    session_unwatch_paths(s);
    go_to_start(j);
    m->host = host;
}

/* --- replay ----------------------------------------------------------------------------------- */

static const struct option_spec replay_specs[] = {
    {"which part", NULL, NULL, 0},
    {"from", "CYCLE", "count and watch from here on (k, M, G); default: the trace's begin", 'f'},
    {"to", "CYCLE", "stop there; default: the trace's end", 't'},
    {"at", "NAME#N", "only one instance of a kernel path: the N-th (from 1) that has this name "
                     "in the table of --paths, between --from and --to", 'A'},
    {"serial", "stdio|file:PATH|null", "where COM1 goes (default stdio); again for COM2",
     'O' | REPEATS},
    SESSION_OPTIONS,
    {"help", NULL, "this text", 'h'},
};

static void replay_help(void)
{
    puts("usage: isochron replay [OPTIONS] TRACE\n\n"
         "Lives a recorded run again, cycle for cycle, from the nearest checkpoint. The trace\n"
         "holds all it needs: images, typed characters, names of code.");
    options_help(replay_specs, ARRAY_COUNT(replay_specs));
    puts("\nexamples:\n"
         "  isochron run -kernel vmlinux -initrd initrd.cpio --record boot.iso\n"
         "  isochron replay boot.iso --from 400M --to 500M --ledger part.json\n"
         "  isochron replay traces/ipc.iso --at 'ipc.fast.cross_space#100' --ledger one.json");
}

static void replay_option(struct job *j, int letter, const char *value)
{
    switch (letter) {
    case 'h': replay_help(); exit(EXIT_DONE);
    case 'f':
        j->from = option_number("from", value);
        j->has_from = true;
        break;
    case 't': j->to = option_number("to", value); break;
    case 'A': j->at = value; break;
    case 1: set_trace(j, "replay", value); break;
    default: session_option(&j->session, letter, value); break;
    }
}

int cmd_replay(int argc, char **argv)
{
    struct job j;
    struct options o = OPTIONS("replay", replay_specs, argc, argv);
    const char *value;
    job_begin(&j);
    for (int c; (c = options_next(&o, &value));)
        replay_option(&j, c, value);
    job_open(&j, "replay");
    struct replay *r = j.replay;
    say_cut(r);
    replay_symbols(r, &j.session.symbols);
    session_check(&j.session, r->manifest.model, (const char *[]){j.path, NULL});
    session_open_console(&j.session, j.console);
    go_to_start(&j);
    console_share_terminal(j.console, &j.session.progress);
    session_catch_signals(&j.session);
    session_attach(&j.session, r->machine, j.to < r->last ? j.to : r->last);
    if (j.at)
        find_instance(&j);
    session_count_from_here(&j.session);
    j.session.warm = r->machine->clock.now > 0;
    replay_until(r, j.to);
    session_watch(&j.session);
    session_remember(&j.session, r, false);
    session_run(&j.session);
    console_flush(j.console);
    int code = session_end(&j.session);
    job_end(&j);
    return code;
}

/* --- verify ----------------------------------------------------------------------------------- */

static const struct option_spec verify_specs[] = {
    {"quiet", NULL, "no progress on stderr", 'q'},
    {"help", NULL, "this text", 'h'},
};

static void verify_help(void)
{
    puts("usage: isochron verify TRACE\n\n"
         "Replays a trace and compares every recorded hash and state with the machine's own.\n"
         "Exit code 0: it is the same run to the last cycle; 4: it diverges, and the first\n"
         "difference is told.\n");
    options_help(verify_specs, ARRAY_COUNT(verify_specs));
}

static void run_verifying(struct job *j, enum replay_verifying what)
{
    struct replay *r = j->replay;
    replay_verify(r, what);
    replay_seek(r, j->from);
    replay_until(r, UINT64_MAX);
    session_run(&j->session);
    replay_finish(r);
}

/* The hashes have told where; the states round it tell what. */
static void say_difference(struct job *j)
{
    struct replay *r = j->replay;
    printf("%s: diverges %s\n", j->path, r->message);
    run_verifying(j, VERIFY_STATES);
    if (r->diverged)
        printf("first difference of a recorded state: %s\n", r->message);
    else
        printf("no recorded state shows the difference\n");
}

/* Prints what it came to; whether it is the same run. */
static bool say_verdict(struct job *j)
{
    const struct replay *r = j->replay;
    const struct machine *m = r->machine;
    if (r->diverged) {
        say_difference(j);
        return false;
    }
    bool same = m->clock.now == r->last && (!r->ended || m->cpu->instructions == r->instructions);
    if (same)
        printf("%s: the same run from cycle %" PRIu64 " to %" PRIu64 ", %" PRIu64
               " hashes and states compared\n",
               j->path, r->first, r->last, r->checked);
    else
        printf("%s: diverges: the run ends at cycle %" PRIu64 " after %" PRIu64
               " instructions, recorded %" PRIu64 " and %" PRIu64 "\n",
               j->path, m->clock.now, m->cpu->instructions, r->last, r->instructions);
    return same;
}

int cmd_verify(int argc, char **argv)
{
    struct job j;
    struct options o = OPTIONS("verify", verify_specs, argc, argv);
    const char *value;
    job_begin(&j);
    for (int c; (c = options_next(&o, &value));) {
        if (c == 'h') {
            verify_help();
            return EXIT_DONE;
        }
        if (c == 1)
            set_trace(&j, "verify", value);
        else
            session_option(&j.session, c, value);
    }
    job_open(&j, "verify");
    say_cut(j.replay);
    session_attach(&j.session, j.replay->machine, j.replay->last);
    run_verifying(&j, VERIFY_ALL);
    progress_end(&j.session.progress);
    bool same = say_verdict(&j);
    check_set_last_words(NULL, NULL);
    job_end(&j);
    return same ? EXIT_DONE : EXIT_DIVERGED;
}

/* --- checkpoint ------------------------------------------------------------------------------- */

static const struct option_spec checkpoint_specs[] = {
    {"from", "CYCLE", "the cut begins here (k, M, G)", 'f'},
    {"to", "CYCLE", "and ends here; default: the trace's end", 't'},
    {"out", "FILE", "the trace to write, a new file; without it the checkpoints are listed", 'o'},
    {"every", "CYCLES", "a checkpoint every so many cycles in the cut", 'e'},
    {"quiet", NULL, "no progress on stderr", 'q'},
    {"help", NULL, "this text", 'h'},
};

static void checkpoint_help(void)
{
    puts("usage: isochron checkpoint [OPTIONS] TRACE\n\n"
         "Lists what a trace holds, or cuts a part out of it as a trace of its own, which\n"
         "replays from its first cycle without what came before.\n");
    options_help(checkpoint_specs, ARRAY_COUNT(checkpoint_specs));
    puts("\nexample:\n"
         "  isochron checkpoint boot.iso --from 400M --to 410M --out part.iso");
}

static void list(const struct replay *r)
{
    const struct manifest *a = &r->manifest;
    printf("machine %s, model %s, %u MB; %s\n", a->config.name, a->model,
           a->config.ram_bytes >> 20, r->ended ? r->end : "not finished");
    for (size_t i = 0; i < json_array_size(a->images); i++) {
        const char *role, *name, *sum;
        if (json_unpack(json_array_get(a->images, i), "{s:s,s:s,s:s}", "role", &role, "name",
                        &name, "sha256", &sum) == 0)
            printf("%-8s %-24s sha256 %s\n", role, name, sum);
    }
    printf("%zu inputs; cycles %" PRIu64 " to %" PRIu64 "\n", r->input_count, r->first, r->last);
    printf("\n%16s  %10s  %s\n", "checkpoint at", "KB in file", "");
    for (size_t i = 0; i < r->trace->count; i++) {
        const struct trace_chunk *c = &r->trace->chunks[i];
        struct trace_moment at;
        if (c->kind != TRACE_STATE)
            continue;
        trace_peek(r->trace, i, &at, sizeof at);
        printf("%16" PRIu64 "  %10" PRIu64 "  %s\n", at.cycle, (c->stored + 1023) / 1024,
               c->flags & TRACE_AFTER_RESET ? "after a reset" : "");
    }
}

static void cut(struct job *j, cycle_t every)
{
    struct replay *r = j->replay;
    struct symbols *symbols = &j->session.symbols;
    replay_symbols(r, symbols);
    go_to_start(j);
    struct recorder *recorder = recorder_new(r->machine, j->out, &r->manifest, symbols, 0, every);
    replay_record(r, recorder);
    replay_until(r, j->to);
    session_attach(&j->session, r->machine, j->to < r->last ? j->to : r->last);
    session_run(&j->session);
    progress_end(&j->session.progress);
    check_set_last_words(NULL, NULL);
    recorder_free(recorder);
}

int cmd_checkpoint(int argc, char **argv)
{
    struct job j;
    struct options o = OPTIONS("checkpoint", checkpoint_specs, argc, argv);
    const char *value;
    uint64_t every = 0;
    job_begin(&j);
    for (int c; (c = options_next(&o, &value));)
        switch (c) {
        case 'h': checkpoint_help(); return EXIT_DONE;
        case 'f': j.from = option_number("from", value); j.has_from = true; break;
        case 't': j.to = option_number("to", value); break;
        case 'o': j.out = value; break;
        case 'e': every = option_within("every", value, 1, UINT64_MAX); break;
        case 1: set_trace(&j, "checkpoint", value); break;
        default: session_option(&j.session, c, value); break;
        }
    job_open(&j, "checkpoint");
    if (!j.out && (j.has_from || j.to != UINT64_MAX || every))
        usage_error("checkpoint: --from, --to and --every are of a cut; --out FILE says where to");
    outputs_check((const struct output[]){{"out", j.out, OUTPUT_RECORDING}, {0}},
                  (const char *[]){j.path, NULL});
    if (j.out)
        cut(&j, every);
    else
        list(j.replay);
    job_end(&j);
    return EXIT_DONE;
}
