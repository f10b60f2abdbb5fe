/* sweep: one recorded run on processors that differ in one or two values, as a table.
 *
 * A trace's checkpoints hold the caches of the processor that recorded it, and nothing can be made
 * of them for another. So every point begins at the trace's first state with cold caches, a cold
 * predictor and empty pipes, and runs as many instructions as were recorded: the same work, where
 * no interrupt depends on how long it takes. What a processor's values cannot change soundly is
 * refused: typed characters were stamped with cycles of another run, and clocks and memory belong
 * to a machine that has booted already. */
#include "sim/commands/commands.h"
#include "sim/commands/console.h"
#include "sim/commands/session.h"
#include "sim/core/check.h"
#include "sim/replay/replay.h"
#include "sim/report/json_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MOST    2
#define VALUES_MOST  32
#define PATHS_MOST   8
#define SWEEP_SCHEMA "isochron-sweep-1"
/* No model completes more instructions in a cycle: so many cycles never overshoot. */
#define INSTRUCTIONS_A_CYCLE 4

struct key {
    char name[64];
    char value[VALUES_MOST][32];
    unsigned count;
};

struct sweep {
    const char *trace, *format;
    struct key key[KEYS_MOST];
    unsigned keys;
    const char *path[PATHS_MOST];
    unsigned paths;
    const char *rules;
    json_t *rows;
};

/* --- what is asked for ------------------------------------------------------------------------ */

static const struct option_spec specs[] = {
    {"set", "KEY=VALUE,VALUE...", "values of the processor to try; at most twice: then each with "
                                  "each. `isochron machines NAME` lists the keys", 's' | REPEATS},
    {"path", "NAME", "tell this kernel path's instances and mean cycles too; may be repeated",
     'p' | REPEATS},
    {"machine", NULL, "refused, see above", 'm'},
    {"rules", "FILE", "names of spaces and paths by this file, as of `isochron replay`", 'r'},
    {"format", "text|csv|json", "default: text", 'f'},
    {"help", NULL, "this text", 'h'},
};

static void help(void)
{
    puts("usage: isochron sweep [OPTIONS] --set KEY=VALUE,VALUE... TRACE\n\n"
         "Runs a recorded run again on processors that differ in a value or two, and prints\n"
         "what changes: cycles, misses, kernel paths. Each point begins at the trace's first\n"
         "state with cold caches and runs as many instructions as were recorded, so that points\n"
         "compare with each other (not with the recording, whose caches may have been warm), and\n"
         "two sweeps of one trace give the same table, to the cycle. The last column is how much\n"
         "of a point's cycles rests on latencies that are fitted, estimated or from memory.\n\n"
         "Refused: traces with typed characters; clock.*, ram, rtc.*, seed and modules.*, which\n"
         "belong to a machine before it boots (`isochron run --set` takes them); other machines,\n"
         "whose clocks the guest has seen: record it on each, and `isochron diff` them.\n");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nexamples:\n"
         "  isochron sweep traces/ipc.iso --set l1d.ways=1,2,4 --path ipc.fast.same_space\n"
         "  isochron sweep traces/ring-large.iso --set dtlb.entries=16,64 --set l2.size=0,256K\n"
         "  isochron sweep traces/ipc.iso --set bus.dram_hit_lead=5,7,9 --format csv");
}

/* Those of the board and the boot: a trace has them behind it. */
static bool is_fixed(const char *key)
{
    static const char *const fixed[] = {"clock.", "ram", "rtc.", "seed", "modules."};
    for (unsigned i = 0; i < ARRAY_COUNT(fixed); i++)
        if (strncmp(key, fixed[i], strlen(fixed[i])) == 0)
            return true;
    return false;
}

static void read_set(struct sweep *s, const char *text)
{
    const char *equals = strchr(text, '=');
    if (s->keys == KEYS_MOST)
        usage_error("sweep: --set %s: accepted are at most %d keys", text, KEYS_MOST);
    struct key *k = &s->key[s->keys++];
    size_t length = equals ? (size_t)(equals - text) : 0;
    if (length == 0 || length >= sizeof k->name)
        usage_error("sweep: --set %s: accepted is KEY=VALUE,VALUE...", text);
    memcpy(k->name, text, length);
    if (is_fixed(k->name))
        usage_error("sweep: --set %s: the machine of a trace has booted with its %s; accepted are "
                    "the processor's values, caches, TLBs and bus", text, k->name);
    for (const char *p = equals; *p; k->count++) {
        length = strcspn(++p, ",");
        if (k->count == VALUES_MOST || length == 0 || length >= sizeof k->value[0])
            usage_error("sweep: --set %s: accepted are 1 to %d values between commas", text,
                        VALUES_MOST);
        memcpy(k->value[k->count], p, length);
        p += length;
    }
}

static void parse(struct sweep *s, int argc, char **argv)
{
    static const char *const formats[] = {"text", "csv", "json", NULL};
    struct options o = OPTIONS("sweep", specs, argc, argv);
    const char *value;
    for (int c; (c = options_next(&o, &value));)
        switch (c) {
        case 'h': help(); exit(EXIT_DONE);
        case 's': read_set(s, value); break;
        case 'm':
            usage_error("sweep: --machine: a recorded run has booted on its machine and seen its "
                        "clocks; accepted is --set; record it on each (`isochron run --machine`), "
                        "then `isochron diff`");
        case 'p':
            if (s->paths == PATHS_MOST)
                usage_error("sweep: --path %s: accepted are at most %d", value, PATHS_MOST);
            s->path[s->paths++] = value;
            break;
        case 'r': s->rules = value; break;
        case 'f': s->format = formats[option_accepts("format", value, formats)]; break;
        default:
            if (s->trace)
                usage_error("sweep: '%s' and '%s': accepted is one trace", s->trace, value);
            s->trace = value;
        }
    if (!s->trace || !s->keys)
        usage_error("sweep: which trace, and --set of what? `isochron sweep --help` explains");
}

/* --- one point -------------------------------------------------------------------------------- */

static void stop_now(void *owner) { machine_stop(owner); }

/* Exactly so many instructions, or until the guest ends. */
static void run_instructions(struct session *s, uint64_t count)
{
    struct machine *m = s->machine;
    struct event stop;
    event_init(&stop, stop_now, m, 200);
    do {
        uint64_t left = count - (m->cpu->instructions - s->instructions_before);
        if (left < 64) {
            machine_step(m);
            continue;
        }
        event_schedule_observer(&m->clock, &stop, m->clock.now + left / INSTRUCTIONS_A_CYCLE);
        machine_run(m);
        event_cancel(&m->clock, &stop);
    } while (m->end == END_STOPPED && m->cpu->instructions - s->instructions_before < count);
}

/* The ledger of one point; values: an index for each key. */
static json_t *measure(const struct sweep *w, const unsigned *values)
{
    struct session s = {.with_paths = true, .with_blame = true, .quiet = true};
    struct console *console = console_new();
    struct machine_host host = console_host(console);
    struct replay *r = replay_open(w->trace, &host);
    struct machine_config config = r->manifest.config;
    const char *model = r->manifest.model;
    char assignment[128];
    if (strcmp(model, "flat") == 0)
        usage_error("sweep: %s was recorded on the flat model, which has no caches", w->trace);
    if (r->input_count)
        usage_error("sweep: %s holds %zu typed characters, stamped with cycles that another "
                    "processor would not have; accepted are traces without", w->trace,
                    r->input_count);
    if (!r->ended)
        usage_error("sweep: %s was not finished: how many instructions it has is not known",
                    w->trace);
    for (unsigned i = 0; i < w->keys; i++) {
        snprintf(assignment, sizeof assignment, "%s=%s", w->key[i].name,
                 w->key[i].value[values[i]]);
        machine_set(&config, assignment);
    }
    machine_check(&config);
    session_init(&s);
    if (w->rules)
        session_option(&s, 'r', w->rules);
    replay_symbols(r, &s.symbols);
    console_set_output(console, 0, "null");
    replay_seek(r, r->first);
    machine_set_processor(r->machine, &config, model);
    session_attach(&s, r->machine, UINT64_MAX);
    session_count_from_here(&s);
    session_watch(&s);
    run_instructions(&s, r->instructions - s.instructions_before);
    json_t *ledger = session_ledger(&s, NULL);
    check_set_last_words(NULL, NULL);
    session_free(&s);
    replay_free(r);
    console_free(console);
    return ledger;
}

/* --- what is told of it ----------------------------------------------------------------------- */

static const char *const arrays[] = {"l1i", "l1d", "l2", "itlb", "dtlb"};

static json_int_t misses_of(const json_t *ledger, const char *array)
{
    const json_t *list = json_object_get(json_object_get(ledger, "blame"), "arrays"), *a;
    json_int_t sum = 0;
    size_t i;
    json_array_foreach(list, i, a) {
        const char *name = json_string_value(json_object_get(a, "name"));
        bool large = strcmp(array, "dtlb") == 0 && strcmp(name, "dtlb.large") == 0;
        if (strcmp(name, array) == 0 || large)
            sum += json_integer_value(json_object_get(a, "misses"));
    }
    return sum;
}

static json_t *path_json(const json_t *ledger, const char *path)
{
    const json_t *list = json_object_get(json_object_get(ledger, "kernel_paths"), "clusters"), *k;
    json_int_t count = 0, cycles = 0;
    size_t i;
    json_array_foreach(list, i, k) {
        const char *name = json_string_value(json_object_get(k, "name"));
        if (!name || strcmp(name, path) != 0)
            continue;
        count += json_integer_value(json_object_get(k, "count"));
        cycles += json_integer_value(json_object_get(k, "cycles"));
    }
    return json_pack("{s:I,s:I}", "instances", count, "cycles", cycles);
}

static json_t *row_json(const struct sweep *w, const unsigned *values, const json_t *ledger)
{
    json_t *row = json_object(), *set = json_object(), *misses = json_object();
    json_t *paths = json_object();
    for (unsigned i = 0; i < w->keys; i++)
        json_object_set_new(set, w->key[i].name, json_string(w->key[i].value[values[i]]));
    for (unsigned i = 0; i < ARRAY_COUNT(arrays); i++)
        json_object_set_new(misses, arrays[i], json_integer(misses_of(ledger, arrays[i])));
    for (unsigned i = 0; i < w->paths; i++)
        json_object_set_new(paths, w->path[i], path_json(ledger, w->path[i]));
    json_object_set_new(row, "set", set);
    json_object_set(row, "cycles", json_object_get(ledger, "cycles"));
    json_object_set(row, "instructions", json_object_get(ledger, "instructions"));
    json_object_set_new(row, "misses", misses);
    json_object_set_new(row, "paths", paths);
    json_object_set(row, "quality", json_object_get(ledger, "quality"));
    return row;
}

/* Every value of the last key for each of the first. */
static void measure_all(struct sweep *w)
{
    unsigned points = 1;
    for (unsigned i = 0; i < w->keys; i++)
        points *= w->key[i].count;
    for (unsigned n = 0; n < points; n++) {
        unsigned values[KEYS_MOST] = {n, 0};
        if (w->keys == 2) {
            values[0] = n / w->key[1].count;
            values[1] = n % w->key[1].count;
        }
        json_t *ledger = measure(w, values);
        json_array_append_new(w->rows, row_json(w, values, ledger));
        json_decref(ledger);
    }
}

static json_int_t number(const json_t *row, const char *object, const char *key)
{
    const json_t *o = object ? json_object_get(row, object) : row;
    return json_integer_value(json_object_get(o, key));
}

/* A name that no point knows is a mistake; one that some points have not is a result. */
static void check_paths(const struct sweep *w)
{
    for (unsigned p = 0; p < w->paths; p++) {
        json_int_t instances = 0;
        for (size_t i = 0; i < json_array_size(w->rows); i++)
            instances += number(json_object_get(json_array_get(w->rows, i), "paths"), w->path[p],
                                "instances");
        if (!instances)
            usage_error("sweep: --path %s: no point has such a path; accepted are names in the "
                        "table of `isochron replay --paths %s`", w->path[p], w->trace);
    }
}

/* In thousandths of all cycles. */
static json_int_t not_read(const json_t *row)
{
    json_int_t cycles = number(row, NULL, "cycles"), read = number(row, "quality", "read");
    return cycles ? ((cycles - read) * 1000 + cycles / 2) / cycles : 0;
}

static const char *value_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(json_object_get(row, "set"), key));
}

/* As wide as its name and its values are. */
static int key_width(const struct sweep *w, unsigned k)
{
    const json_t *row;
    size_t i, most = strlen(w->key[k].name);
    json_array_foreach(w->rows, i, row) {
        size_t length = strlen(value_of(row, w->key[k].name));
        most = length > most ? length : most;
    }
    return (int)most + 2;
}

static int path_width(const struct sweep *w, unsigned p)
{
    return strlen(w->path[p]) > 9 ? (int)strlen(w->path[p]) : 9;
}

static void print_text_row(const struct sweep *w, const json_t *row)
{
    for (unsigned k = 0; k < w->keys; k++)
        printf("%-*s", key_width(w, k), value_of(row, w->key[k].name));
    json_int_t cycles = number(row, NULL, "cycles"), rest = not_read(row);
    json_int_t instructions = number(row, NULL, "instructions");
    printf("%13" JSON_INTEGER_FORMAT " %9.3f", cycles,
           instructions ? (double)cycles / (double)instructions : 0);
    for (unsigned a = 0; a < ARRAY_COUNT(arrays); a++)
        printf(" %9" JSON_INTEGER_FORMAT, number(row, "misses", arrays[a]));
    for (unsigned p = 0; p < w->paths; p++) {
        const json_t *all = json_object_get(row, "paths");
        json_int_t count = number(all, w->path[p], "instances");
        json_int_t sum = number(all, w->path[p], "cycles");
        printf("  %9" JSON_INTEGER_FORMAT " %*.1f", count, path_width(w, p),
               count ? (double)sum / (double)count : 0);
    }
    printf("  %5" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT " %%\n", rest / 10, rest % 10);
}

static void print_text(const struct sweep *w)
{
    const json_t *row;
    size_t i;
    printf("%s on processors with other values, each from cold caches; %" JSON_INTEGER_FORMAT
           " instructions\n\n", w->trace, number(json_array_get(w->rows, 0), NULL, "instructions"));
    for (unsigned k = 0; k < w->keys; k++)
        printf("%-*s", key_width(w, k), w->key[k].name);
    printf("%13s %9s %9s %9s %9s %9s %9s", "cycles", "each", "l1i", "l1d", "l2", "itlb", "dtlb");
    for (unsigned p = 0; p < w->paths; p++)
        printf("  %9s %*s", "instances", path_width(w, p), w->path[p]);
    printf("  %s\n", "not read");
    json_array_foreach(w->rows, i, row)
        print_text_row(w, row);
    puts("\neach: cycles an instruction; then misses (l1d: reads); of a path: its mean cycles;\n"
         "not read: cycles that rest on latencies that are fitted, estimates or from memory");
}

static void print_csv_row(const struct sweep *w, const json_t *row)
{
    const json_t *all = json_object_get(row, "paths");
    for (unsigned k = 0; k < w->keys; k++)
        printf("%s,", value_of(row, w->key[k].name));
    printf("%" JSON_INTEGER_FORMAT ",%" JSON_INTEGER_FORMAT, number(row, NULL, "cycles"),
           number(row, NULL, "instructions"));
    for (unsigned a = 0; a < ARRAY_COUNT(arrays); a++)
        printf(",%" JSON_INTEGER_FORMAT, number(row, "misses", arrays[a]));
    for (unsigned p = 0; p < w->paths; p++)
        printf(",%" JSON_INTEGER_FORMAT ",%" JSON_INTEGER_FORMAT,
               number(all, w->path[p], "instances"), number(all, w->path[p], "cycles"));
    for (int q = 0; q < QUALITY_COUNT; q++)
        printf(",%" JSON_INTEGER_FORMAT, number(row, "quality", quality_names[q]));
    putchar('\n');
}

static void print_csv(const struct sweep *w)
{
    const json_t *row;
    size_t i;
    for (unsigned k = 0; k < w->keys; k++)
        printf("%s,", w->key[k].name);
    printf("cycles,instructions");
    for (unsigned a = 0; a < ARRAY_COUNT(arrays); a++)
        printf(",%s_misses", arrays[a]);
    for (unsigned p = 0; p < w->paths; p++)
        printf(",%s.instances,%s.cycles", w->path[p], w->path[p]);
    for (int q = 0; q < QUALITY_COUNT; q++)
        printf(",%s", quality_names[q]);
    putchar('\n');
    json_array_foreach(w->rows, i, row)
        print_csv_row(w, row);
}

int cmd_sweep(int argc, char **argv)
{
    struct sweep w = {.format = "text", .rows = json_array()};
    parse(&w, argc, argv);
    measure_all(&w);
    check_paths(&w);
    if (strcmp(w.format, "text") == 0) {
        print_text(&w);
    } else if (strcmp(w.format, "csv") == 0) {
        print_csv(&w);
    } else {
        json_t *all = json_pack("{s:s,s:s,s:O}", "schema", SWEEP_SCHEMA, "trace", w.trace, "rows",
                                w.rows);
        json_lines_print(all, stdout);
        json_decref(all);
    }
    json_decref(w.rows);
    return EXIT_DONE;
}
