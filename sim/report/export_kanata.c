/* export_kanata: a window as Kanata 0004 [KANATA], which Konata shows: each instruction's way
 * through the pipes: of the p5 PF, D1, D2, EX, WB, the stalls on a lane of their own; out of order
 * a row for each micro-operation, its stages as the model timed them.
 *
 * The clock in which EX begins is the clock in which the model issued the instruction, exact; so
 * are EX's length and the stalls before and after. The stages before follow from the rule of an
 * in-order pipe: a stage is entered when the group before leaves it. A window does not know what
 * ran before it: the first instructions are shown as if the pipes had waited for them, up to three
 * clocks before the window's first. */
#include "sim/core/check.h"
#include "sim/report/export.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FRONT_STAGES 3 /* PF, D1, D2: clocks before the first issue */
#define FETCH_CLOCKS 2 /* out of order: fetch 1 and 2 [AF-MA 20.1] */
#define LABEL_MAX 400

/* What happens at a clock, in the order in which the file must tell it. */
struct moment {
    json_int_t clock;
    uint32_t order;
    char text[LABEL_MAX];
};

struct kanata {
    struct moment *list;
    uint32_t count, capacity;
    json_int_t pf, d1, d2; /* when the group before entered each */
    json_int_t ex;         /* ... and began to execute */
    bool issued;           /* there is one */
};

/* A cause's clocks lie before the issue, or are the execution, or follow it. */
enum when { BEFORE, DURING, AFTER };

static enum when when_of(const char *cause)
{
    static const char *const before[] = {"fetch.", "tlb.itlb", "decode.prefix", "agi",
                                         "x87.wait"};
    for (size_t i = 0; i < ARRAY_COUNT(before); i++)
        if (strncmp(cause, before[i], strlen(before[i])) == 0)
            return BEFORE;
    if (strcmp(cause, "branch.mispredict") == 0)
        return AFTER;
    return DURING;
}

/* Clocks that are the work of the instruction itself: not on the lane of stalls. */
static bool is_work(const char *cause)
{
    static const char *const work[] = {"issue", "decode.first_fetch", "execute", "microcode",
                                       "x87.execute"};
    for (size_t i = 0; i < ARRAY_COUNT(work); i++)
        if (strcmp(cause, work[i]) == 0)
            return true;
    return false;
}

static PRINTF(3, 4) void tell(struct kanata *k, json_int_t clock, const char *fmt, ...)
{
    va_list args;
    if (k->count == k->capacity) {
        k->capacity = k->capacity * 2 + 1024;
        k->list = realloc(k->list, k->capacity * sizeof *k->list);
        CHECK(k->list != NULL);
    }
    struct moment *m = &k->list[k->count];
    m->clock = clock;
    m->order = k->count++;
    va_start(args, fmt);
    vsnprintf(m->text, sizeof m->text, fmt, args);
    va_end(args);
    for (char *p = m->text; *p; p++) /* names come from guests' files */
        if (*p == '\n' || *p == '\r')
            *p = ' ';
}

static json_int_t clocks_of(const json_t *e, enum when when)
{
    json_int_t sum = 0;
    const char *cause;
    json_t *v;
    json_object_foreach(json_object_get(e, "causes"), cause, v)
        if (when_of(cause) == when)
            sum += json_integer_value(v);
    return sum;
}

/* Stalls one behind the other, from a clock on. */
static void tell_stalls(struct kanata *k, uint32_t id, const json_t *e, enum when when,
                        json_int_t at)
{
    const char *cause;
    json_t *v;
    json_object_foreach(json_object_get(e, "causes"), cause, v) {
        if (when_of(cause) != when || is_work(cause))
            continue;
        tell(k, at, "S\t%u\t1\t%s", id, cause);
        at += json_integer_value(v);
        tell(k, at, "E\t%u\t1\t%s", id, cause);
    }
}

static void tell_labels(struct kanata *k, json_int_t at, uint32_t id, const json_t *e)
{
    const char *code = export_text(e, "instruction"), *cause;
    json_t *v;
    tell(k, at, "L\t%u\t0\t%08x %s: %s", id, (uint32_t)export_number(e, "address"),
         export_text(e, "symbol"), *code ? code : "(interrupt or exception)");
    const char *units = export_text(e, "units");
    tell(k, at, "L\t%u\t1\tphase %s, pipe %s, %" JSON_INTEGER_FORMAT " cycles", id,
         export_text(e, "phase"), *units ? units : export_text(e, "pipe"),
         export_number(e, "cycles"));
    json_object_foreach(json_object_get(e, "causes"), cause, v)
        tell(k, at, "L\t%u\t1\t, %s %" JSON_INTEGER_FORMAT, id, cause, json_integer_value(v));
}

static json_int_t later(json_int_t a, json_int_t b) { return a > b ? a : b; }

/* The clocks in which a group enters the stages before EX, which begins at ex. */
static void enter_stages(struct kanata *k, json_int_t ex)
{
    json_int_t d2 = k->issued ? later(k->ex, k->d2 + 1) : ex - 1;
    json_int_t d1 = k->issued ? later(k->d2, k->d1 + 1) : ex - 2;
    json_int_t pf = k->issued ? later(k->d1, k->pf + 1) : ex - 3;
    k->d2 = d2 < ex - 1 ? d2 : ex - 1;
    k->d1 = d1 < k->d2 - 1 ? d1 : k->d2 - 1;
    k->pf = pf < k->d1 - 1 ? pf : k->d1 - 1;
    k->ex = ex;
    k->issued = true;
}

static json_int_t stalls_of(const json_t *e, enum when when)
{
    json_int_t sum = 0;
    const char *cause;
    json_t *v;
    json_object_foreach(json_object_get(e, "causes"), cause, v)
        if (when_of(cause) == when && !is_work(cause))
            sum += json_integer_value(v);
    return sum;
}

/* One instruction whose account begins at a clock. What a pair takes longer than its first alone is
 * charged to the second. */
static void tell_instruction(struct kanata *k, uint32_t id, const json_t *e, json_int_t at)
{
    const char *pipe = export_text(e, "pipe");
    bool second = strcmp(pipe, "V") == 0 && k->issued;
    json_int_t issue = at + clocks_of(e, BEFORE), done = issue + clocks_of(e, DURING);
    if (!second)
        enter_stages(k, issue);
    json_int_t ex = k->ex, wb = later(done, ex + 1);
    tell(k, k->pf, "I\t%u\t%u\t0", id, id);
    tell_labels(k, k->pf, id, e);
    tell(k, k->pf, "S\t%u\t0\tPF", id);
    tell(k, k->d1, "S\t%u\t0\tD1", id);
    tell(k, k->d2, "S\t%u\t0\tD2", id);
    tell(k, ex, "S\t%u\t0\tEX%s", id, *pipe == '-' ? "" : pipe);
    tell_stalls(k, id, e, BEFORE, at);
    tell_stalls(k, id, e, DURING, done - stalls_of(e, DURING));
    tell(k, wb, "S\t%u\t0\tWB", id);
    tell_stalls(k, id, e, AFTER, done);
    tell(k, wb + 1 + clocks_of(e, AFTER), "R\t%u\t%u\t0", id, id);
}

/* --- out of order: the stages are in the window ----------------------------------------------- */

static json_int_t stage(const json_t *e, size_t i)
{
    return json_integer_value(json_array_get(json_object_get(e, "stages"), i));
}

/* A stage from a clock to another, if it takes any. */
static void tell_stage(struct kanata *k, uint32_t id, const char *name, json_int_t from,
                       json_int_t to)
{
    if (to > from)
        tell(k, from, "S\t%u\t0\t%s", id, name);
}

/* One micro-operation: F and D while its window is fetched and decoded, P while its line waits to
 * be dispatched, S in the scheduler, its unit's name while it executes, C until it retires. */
static void tell_micro(struct kanata *k, uint32_t id, uint32_t instruction, const json_t *e,
                       const json_t *micro, json_int_t first)
{
    json_int_t fetched = stage(e, 0) - first, decoded = stage(e, 1) - first;
    json_int_t issued = (micro ? export_number(micro, "issued") : stage(e, 3)) - first;
    json_int_t completed = (micro ? export_number(micro, "completed") : stage(e, 4)) - first;
    json_int_t pick = fetched + FETCH_CLOCKS < decoded ? fetched + FETCH_CLOCKS : decoded;
    tell(k, fetched, "I\t%u\t%u\t0", id, instruction);
    tell_labels(k, fetched, id, e);
    tell_stage(k, id, "F", fetched, pick);
    tell_stage(k, id, "D", pick, decoded);
    tell_stage(k, id, "P", decoded, stage(e, 2) - first);
    tell_stage(k, id, "S", stage(e, 2) - first, issued);
    tell_stage(k, id, micro ? export_text(micro, "unit") : "none", issued, completed);
    tell_stage(k, id, "C", completed, stage(e, 5) - first);
    tell(k, stage(e, 5) - first, "R\t%u\t%u\t0", id, id);
}

/* A row for each micro-operation; what needs no unit has one, too. Returns how many. */
static uint32_t tell_staged(struct kanata *k, uint32_t id, uint32_t instruction, const json_t *e,
                            json_int_t first)
{
    const json_t *micros = json_object_get(e, "micros");
    size_t count = json_array_size(micros);
    for (size_t i = 0; i < count; i++)
        tell_micro(k, id + (uint32_t)i, instruction, e, json_array_get(micros, i), first);
    if (!count)
        tell_micro(k, id, instruction, e, NULL, first);
    return count ? (uint32_t)count : 1;
}

/* The cycle in which the first of them was fetched. */
static json_int_t first_stage(const json_t *list)
{
    json_int_t first = INT64_MAX;
    size_t i;
    json_t *e;
    json_array_foreach(list, i, e)
        if (json_object_get(e, "stages") && stage(e, 0) < first)
            first = stage(e, 0);
    return first;
}

static int by_clock(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->clock != y->clock)
        return x->clock < y->clock ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

void export_kanata(const struct export_input *in, FILE *out)
{
    struct kanata k = {0};
    const json_t *list = json_object_get(in->window, "instructions");
    json_int_t at = FRONT_STAGES, first = first_stage(list);
    uint32_t row = 0;
    size_t i;
    json_t *e;
    json_array_foreach(list, i, e) {
        if (json_object_get(e, "stages")) {
            row += tell_staged(&k, row, (uint32_t)i, e, first);
            continue;
        }
        tell_instruction(&k, (uint32_t)i, e, at);
        at += export_number(e, "cycles");
    }
    qsort(k.list, k.count, sizeof *k.list, by_clock);
    fputs("Kanata\t0004\nC=\t0\n", out);
    json_int_t now = 0;
    for (uint32_t n = 0; n < k.count; n++) {
        if (k.list[n].clock != now)
            fprintf(out, "C\t%" JSON_INTEGER_FORMAT "\n", k.list[n].clock - now);
        now = k.list[n].clock;
        fprintf(out, "%s\n", k.list[n].text);
    }
    free(k.list);
}
