/* laws_sieve: what observers are not told of would have changed nothing. Two runs, from a random
 * cycle on and to another: in one spaces and paths are told of what has news, in the other of
 * everything, because somebody watches who wants it so. Their reports are the same, and blame's. */
#include "sim/report/blame.h"
#include "sim/report/paths.h"
#include "sim/report/symbols.h"
#include "tests/property/laws.h"

struct observed {
    struct law *law;
    struct watch watch;
    struct spaces spaces;
    struct paths paths;
    struct blame blame;
    uint64_t told;
};

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    (void)c, (void)o, (void)delivery;
    ((struct observed *)owner)->told++;
}

static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    (void)c, (void)r;
    ((struct observed *)owner)->told++;
}

static void start(struct observed *o, bool everything)
{
    struct cpu *c = o->law->m->cpu;
    spaces_start(&o->spaces, &o->watch, c);
    paths_start(&o->paths, &o->spaces, &o->watch, c);
    blame_start(&o->blame, &o->spaces, &o->watch, c);
    if (everything)
        watch_add_runs(&o->watch, c, (struct watcher){.priced = priced, .owner = o}, run);
}

static char *report(struct observed *o, const struct symbols *symbols)
{
    json_t *all = json_pack("{s:o,s:o,s:o,s:o}", "spaces", spaces_json(&o->spaces), "threads",
                            spaces_threads_json(&o->spaces), "paths",
                            paths_json(&o->paths, symbols), "blame",
                            blame_json(&o->blame, symbols, NULL));
    char *text = json_dumps(all, JSON_INDENT(1));
    json_decref(all);
    return text;
}

static void stop(struct observed *o)
{
    blame_free(&o->blame, &o->watch);
    paths_free(&o->paths, &o->watch);
    spaces_free(&o->spaces, &o->watch);
    if (o->told)
        watch_remove(&o->watch, o);
    law_free(o->law);
}

/* The first line that differs. */
static void expect_same(struct verdict *v, const char *a, const char *b)
{
    size_t line = 1, begin = 0, i = 0;
    for (; a[i] && a[i] == b[i]; i++)
        if (a[i] == '\n') {
            line++;
            begin = i + 1;
        }
    if (a[i] != b[i])
        verdict_fail(v, "line %zu of the reports: '%.60s', but '%.60s' when all is told", line,
                     a + begin, b + begin);
}

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    if (strcmp(model, "flat") == 0)
        return;
    struct observed *of[2];
    struct symbols symbols;
    char *text[2];
    cycle_t from = random_chance(r, 30) ? 0 : law_below(r, length);
    cycle_t to = from + law_below(r, length - from);
    symbols_init(&symbols);
    symbols_add(&symbols, o->guest);
    for (int i = 0; i < 2; i++) {
        of[i] = calloc(1, sizeof *of[i]);
        of[i]->law = law_new(o, model);
        law_run_to(of[i]->law, from);
        start(of[i], i == 1);
        law_run_to(of[i]->law, to);
        text[i] = report(of[i], &symbols);
    }
    expect_same(v, text[0], text[1]);
    if (of[0]->told || (to > from + 100000 && !of[1]->told))
        verdict_fail(v, "who wanted everything was told %" PRIu64 " times", of[1]->told);
    for (int i = 0; i < 2; i++) {
        stop(of[i]);
        free(of[i]);
        free(text[i]);
    }
    symbols_free(&symbols);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_sieve",
                    (struct law_options){.seeds = 10, .rounds = 1}, law);
}
