/* explain: an interval of a recorded run, priced again with one thing ideal at a time. */
#include "sim/commands/commands.h"
#include "sim/commands/session.h"
#include "sim/core/check.h"
#include "sim/replay/replay.h"
#include "sim/report/cells.h"
#include "sim/report/ledger_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_CYCLES 2000000

struct job {
    struct replay *replay;
    struct session session;
    struct whatif whatif;
    struct explain explain;
    struct cells cells;
    const char *trace, *path, *mark, *format;
    uint64_t from, to, warm;
    uint64_t quality[QUALITY_COUNT]; /* what had been charged when counting began */
    bool has_from;
};

static const struct option_spec specs[] = {
    {"which part", NULL, NULL, 0},
    {"from", "CYCLE", "price from here on (k, M, G); default: the trace's begin", 'f'},
    {"to", "CYCLE", "to there; default: the trace's end", 't'},
    {"path", "NAME#N", "one instance of a kernel path: the N-th (from 1) that has this name in "
                       "the table that `explain` prints", 'p'},
    {"warm", "CYCLES", "let the ideal caches see so much of what came before (default 2M)", 'w'},
    {"what to see", NULL, NULL, 0},
    {"ideal", "LIST", "only these, as a list with commas; they stand below", 'i'},
    {"cells", "SYMBOL", "a program marks what belongs together: running through SYMBOL begins a "
                        "cell (EAX: its name, \"\" only ends the one before; EDX: how many "
                        "operations); what each cell's cycles consist of is told", 'c'},
    {"rules", "FILE", "names of kernel paths by this file; default: that of rules/ beside the "
                      "command which is for the kernel that runs", 'r'},
    {"symbols", "FILE[@OFFSET]", "names of code beside the trace's own", 'y' | REPEATS},
    {"quiet", NULL, "no progress on stderr", 'q'},
    {"paths", "N", "how many paths to list (default 12)", 'n'},
    {"format", "text|json|csv", "tables (default), or every figure", 'F'},
    {"help", NULL, "this text", 'h'},
};

static void help(void)
{
    puts("usage: isochron explain [OPTIONS] TRACE\n\n"
         "Replays an interval of a recorded run and prices it again with one thing ideal at a\n"
         "time: what would the same instructions have cost if TLB entries survived CR3 writes,\n"
         "if caches had no conflicts, if every branch were predicted ...? Differences are exact.\n"
         "The run is the recorded one: same instructions, same interrupts at the same places,\n"
         "same readings of clocks; time in HLT stays what it was. What is ideal only prices.\n"
         "Savings do not add up where they overlap: `interaction` is what all of them together\n"
         "save less their sum.");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nwhat can be ideal");
    for (unsigned i = 0; i < whatif_kind_count; i++)
        printf("  %-10s %s\n", whatif_kinds[i].name, whatif_kinds[i].text);
    puts("\nexamples:\n"
         "  isochron explain traces/fault.iso\n"
         "  isochron explain traces/ipc.iso --ideal tagged,tlb --from 20M --to 30M\n"
         "  isochron explain traces/fault.iso --path page_fault.user_pager#40\n"
         "  isochron explain traces/ring-large.iso --cells ring_cell");
}

/* --- the command line ------------------------------------------------------------------------- */

static unsigned kind_named(const char *name, size_t length)
{
    for (unsigned i = 0; i < whatif_kind_count; i++)
        if (strlen(whatif_kinds[i].name) == length &&
            strncmp(whatif_kinds[i].name, name, length) == 0)
            return i;
    usage_error("--ideal %.*s: `isochron explain --help` lists what can be ideal", (int)length,
                name);
}

static void choose_ideals(struct explain *e, const char *list)
{
    e->kinds = 0;
    for (const char *p = list; *p;) {
        size_t length = strcspn(p, ",");
        unsigned kind = kind_named(p, length);
        for (unsigned i = 0; i < e->kinds; i++)
            if (e->kind[i] == kind)
                usage_error("--ideal %s: %s stands there twice", list, whatif_kinds[kind].name);
        e->kind[e->kinds++] = kind;
        p += length + (p[length] != 0);
    }
    if (!e->kinds)
        usage_error("--ideal '%s': `isochron explain --help` lists what can be ideal", list);
}

static void take_option(struct job *j, int letter, const char *value)
{
    static const char *const formats[] = {"text", "json", "csv", NULL};
    switch (letter) {
    case 'f': j->from = option_number("from", value); j->has_from = true; break;
    case 't': j->to = option_number("to", value); break;
    case 'p': j->path = value; break;
    case 'c': j->mark = value; break;
    case 'w': j->warm = option_number("warm", value); break;
    case 'i': choose_ideals(&j->explain, value); break;
    case 'n': j->explain.paths_most = (unsigned)option_within("paths", value, 0, UINT32_MAX); break;
    case 'F': option_accepts("format", j->format = value, formats); break;
    case 'h': help(); exit(EXIT_DONE);
    case 1:
        if (j->trace)
            usage_error("explain: '%s' and '%s': accepted is one trace", j->trace, value);
        j->trace = value;
        break;
    default: session_option(&j->session, letter, value); break;
    }
}

static void open_trace(struct job *j)
{
    if (!j->trace)
        usage_error("explain: which trace? `isochron explain --help` explains");
    j->replay = replay_open(j->trace, &(struct machine_host){0});
    struct replay *r = j->replay;
    if (strcmp(r->manifest.model, "flat") == 0)
        usage_error("explain: %s was recorded on the flat model, which has no cycles to explain",
                    j->trace);
    if (!j->has_from)
        j->from = r->first;
    if (j->to > r->last)
        j->to = r->last;
    if (j->from < r->first || j->to <= j->from)
        usage_error("explain: --from %" PRIu64 " --to %" PRIu64 ": the trace goes from %" PRIu64
                    " to %" PRIu64, j->from, j->to, r->first, r->last);
    replay_symbols(r, &j->session.symbols);
    session_attach(&j->session, r->machine, j->to);
}

/* --- running ---------------------------------------------------------------------------------- */

static void refuse_reset(void *owner)
{
    usage_error("explain: %s: the guest resets the machine in the interval; accepted is one "
                "without", ((struct job *)owner)->trace);
}

static void run_to(struct job *j, cycle_t cycle)
{
    struct machine *m = j->replay->machine;
    if (m->clock.now >= cycle)
        return;
    replay_until(j->replay, cycle);
    machine_run(m);
}

static void end_paths(struct session *s)
{
    paths_free(&s->paths, &s->watch);
    spaces_free(&s->spaces, &s->watch);
    s->paths.cpu = NULL;
    s->spaces.cpu = NULL;
}

/* The interval of the one instance that was asked for: found in a run of its own, for what a path
 * is called is known when it is over. */
static void find_instance(struct job *j)
{
    struct session *s = &j->session;
    struct instance_list list;
    replay_seek(j->replay, j->from);
    run_to(j, j->from);
    session_watch(s);
    instances_start(&list, &s->watch, s->machine->cpu, &s->paths);
    run_to(j, j->to);
    json_t *paths = session_paths(s);
    instances_find(&list, paths, j->path, &j->from, &j->to);
    json_decref(paths);
    instances_free(&list, &s->watch);
    end_paths(s);
}

static void run_whatif(struct job *j)
{
    struct replay *r = j->replay;
    struct session *s = &j->session;
    struct machine *m = r->machine;
    if (!m->cpu->model->twin)
        usage_error("explain: the %s model cannot price a run a second time; accepted is a trace "
                    "of --model p5", m->cpu->model->name);
    cycle_t start = j->from - r->first > j->warm ? j->from - j->warm : r->first;
    replay_seek(r, start);
    run_to(j, start);
    m->after_reset = refuse_reset;
    m->after_reset_owner = j;
    session_watch(s);
    explain_add_runs(&j->explain, &j->whatif);
    whatif_start(&j->whatif, &s->watch, m->cpu, &s->paths);
    if (j->mark)
        cells_start(&j->cells, &s->watch, m->cpu, &s->spaces, &s->symbols, &j->whatif, j->mark);
    run_to(j, j->from);
    j->from = m->clock.now;
    memcpy(j->quality, m->ledger.quality, sizeof j->quality);
    whatif_count_from_here(&j->whatif);
    run_to(j, j->to);
    whatif_stop(&j->whatif, &s->watch);
    j->to = m->clock.now;
}

/* With cells, their tables stand in the place of the others. */
static void print_report(struct job *j)
{
    json_t *paths = session_paths(&j->session);
    json_t *report = explain_json(&j->explain, &j->whatif, paths);
    json_object_set_new(report, "quality",
                        quality_json(j->replay->machine->ledger.quality, j->quality));
    json_object_set_new(report, "trace", json_string(j->trace));
    json_object_set_new(report, "machine", json_string(j->replay->manifest.config.name));
    json_object_set_new(report, "from", json_integer((json_int_t)j->from));
    json_object_set_new(report, "to", json_integer((json_int_t)j->to));
    if (j->mark)
        json_object_set_new(report, "cells", cells_json(&j->cells, &j->explain));
    explain_print(&j->explain, report, j->format, stdout);
    json_decref(report);
    json_decref(paths);
}

int cmd_explain(int argc, char **argv)
{
    struct job j = {.to = UINT64_MAX, .warm = WARM_CYCLES, .format = "text"};
    struct options o = OPTIONS("explain", specs, argc, argv);
    const char *value;
    session_init(&j.session);
    j.session.with_paths = true;
    explain_init(&j.explain);
    for (int c; (c = options_next(&o, &value));)
        take_option(&j, c, value);
    open_trace(&j);
    if (j.path)
        find_instance(&j);
    run_whatif(&j);
    progress_end(&j.session.progress);
    print_report(&j);
    if (j.mark)
        cells_free(&j.cells, &j.session.watch);
    whatif_free(&j.whatif);
    check_set_last_words(NULL, NULL);
    session_free(&j.session);
    replay_free(j.replay);
    return EXIT_DONE;
}
