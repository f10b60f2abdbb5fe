#include "sim/commands/budgets.h"

#include "sim/core/check.h"
#include "sim/core/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARES_MOST 256
#define SHARES_SAID 8 /* one screen for a reason */
#define LINES_SAID 6
#define PHASE "phase."

static const struct {
    const char *metric, *key;
} whole_metrics[] = {
    {"cycles", "typical"},        {"cycles_max", "max"},        {"cycles_min", "min"},
    {"cycles_p50", "p50"},        {"cycles_p90", "p90"},        {"cycles_p99", "p99"},
    {"count", "count"},           {"instructions", "instructions"},
    {"ilines", "code_lines"},     {"dlines", "data_lines"},     {"pages", "pages"},
    {"imiss", "code_misses"},     {"dmiss", "data_misses"},     {"itlb_miss", "itlb_misses"},
    {"dtlb_miss", "dtlb_misses"}, {"cr3_writes", "cr3_writes"}, {"nested", "nested"},
};

void budgets_help(void)
{
    puts("A budget is `PATH: METRIC <= N, METRIC <= N`. Metrics:\n"
         "  cycles                            that most instances take\n"
         "  cycles_min, cycles_max            the least and the most\n"
         "  cycles_p50, cycles_p90, cycles_p99   what so many percent of them do not exceed\n"
         "  instructions                      these and the next of the commonest way through\n"
         "  ilines, dlines, pages             distinct lines of code and data, pages touched\n"
         "  imiss, dmiss                      accesses that the first-level caches did not have\n"
         "  itlb_miss, dtlb_miss              page walks\n"
         "  cr3_writes, nested                switches of the directory, interrupts inside\n"
         "  phase.NAME                        cycles of a phase (entry, kernel, nested, exit, or\n"
         "                                    one by rule); the mean over all instances\n"
         "  issue, tlb.dtlb, kernel.entry ... cycles of a cause by its name, likewise\n"
         "  count                             how many instances there were\n");
}

/* --- where cycles go -------------------------------------------------------------------------- */

struct share {
    const char *name;
    double cycles;
};

static int by_size(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    double p = x->cycles < 0 ? -x->cycles : x->cycles, q = y->cycles < 0 ? -y->cycles : y->cycles;
    return p < q ? 1 : p > q ? -1 : strcmp(x->name, y->name);
}

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* "enter_ipc_fast +1.0, copy -0.2", the greatest first. */
static void say_shares(struct verdict *v, struct share *shares, unsigned count, bool differences,
                       const char *behind)
{
    qsort(shares, count, sizeof *shares, by_size);
    for (unsigned i = 0; i < count && i < SHARES_SAID; i++)
        verdict_say(v, differences ? "%s%s %+.2f" : "%s%s %.2f", i ? ", " : "", shares[i].name,
                    shares[i].cycles);
    if (count > SHARES_SAID)
        verdict_say(v, " and %u less", count - SHARES_SAID);
    if (count)
        verdict_say(v, " (%s)\n", behind);
}

void budgets_say_symbols(struct verdict *v, const json_t *now, const json_t *before)
{
    struct share shares[SHARES_MOST];
    unsigned count = 0;
    const char *key;
    json_t *n;
    const json_t *is = json_object_get(now, "symbols"), *was = json_object_get(before, "symbols");
    json_t *all = json_copy((json_t *)(uintptr_t)is);
    if (was)
        json_object_update_missing(all, (json_t *)(uintptr_t)was);
    json_object_foreach(all, key, n) {
        double value = (double)number(is, key) / (double)number(now, "count");
        if (before)
            value -= (double)number(was, key) / (double)number(before, "count");
        if ((value <= -0.005 || value >= 0.005) && count < SHARES_MOST)
            shares[count++] = (struct share){key, value};
    }
    say_shares(v, shares, count, before != NULL, "by symbol, each time");
    json_decref(all);
}

static void say_phases(struct verdict *v, const struct cost_path *p)
{
    const char *last = "";
    bool any = false;
    for (uint32_t i = 0; i < p->line_count; i++) {
        const char *phase = p->lines[i].phase;
        uint64_t sum = 0;
        bool earlier = strcmp(phase, last) == 0;
        for (uint32_t n = 0; n < i && !earlier; n++)
            earlier = strcmp(p->lines[n].phase, phase) == 0;
        last = phase;
        if (earlier)
            continue;
        for (uint32_t n = i; n < p->line_count; n++)
            sum += strcmp(p->lines[n].phase, phase) == 0 ? p->lines[n].cycles : 0;
        verdict_say(v, "%s%s %.2f", any ? ", " : "", phase, (double)sum / (double)p->count);
        any = true;
    }
    if (any)
        verdict_say(v, " (by phase, each time)\n");
}

static int by_line_cycles(const void *a, const void *b)
{
    const struct cost_line *x = *(const struct cost_line *const *)a;
    const struct cost_line *y = *(const struct cost_line *const *)b;
    if (x->cycles != y->cycles)
        return x->cycles < y->cycles ? 1 : -1;
    return x < y ? -1 : x > y;
}

static void say_lines(struct verdict *v, const struct cost_path *p)
{
    const struct cost_line **sorted = xalloc(p->line_count + 1, sizeof *sorted);
    for (uint32_t i = 0; i < p->line_count; i++)
        sorted[i] = &p->lines[i];
    qsort(sorted, p->line_count, sizeof *sorted, by_line_cycles);
    for (uint32_t i = 0; i < p->line_count && i < LINES_SAID; i++) {
        const struct cost_line *l = sorted[i];
        int main_cause = 0;
        for (int k = 0; k < CAUSE_COUNT; k++)
            if (l->cause[k] > l->cause[main_cause])
                main_cause = k;
        verdict_say(v, "%s, %s: `%s` %.2f, %s for the most part\n", l->phase,
                    *l->symbol ? l->symbol : l->function, l->text,
                    (double)l->cycles / (double)p->count, cause_names[main_cause]);
    }
    free(sorted);
}

static void say_where(struct verdict *v, const struct cost_path *p, const json_t *named)
{
    struct share shares[CAUSE_COUNT];
    unsigned count = 0;
    uint64_t sum = 0;
    for (int k = 0; k < CAUSE_COUNT; k++)
        sum += p->cause[k];
    verdict_say(v, "all %" PRIu64 " instances, whose mean is %.2f cycles:\n", (uint64_t)p->count,
                (double)sum / (double)p->count);
    say_phases(v, p);
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (p->cause[k] * 200 >= p->count)
            shares[count++] = (struct share){cause_names[k], (double)p->cause[k] /
                                                                 (double)p->count};
    say_shares(v, shares, count, false, "by cause, each time");
    budgets_say_symbols(v, named, NULL);
    say_lines(v, p);
}

/* --- metrics ---------------------------------------------------------------------------------- */

static bool phase_of(const struct cost_path *p, const char *name, double *value)
{
    uint64_t sum = 0;
    size_t i;
    json_t *v;
    bool found = false;
    const char *text;
    json_array_foreach(p->phases, i, v)
        if ((text = json_string_value(json_object_get(v, "name"))) && strcmp(text, name) == 0) {
            *value = (double)number(v, "cycles") / (double)p->count;
            return true;
        }
    for (uint32_t n = 0; n < p->line_count; n++)
        if (strcmp(p->lines[n].phase, name) == 0) {
            sum += p->lines[n].cycles;
            found = true;
        }
    *value = (double)sum / (double)p->count;
    return found;
}

/* False: there is no such metric, or the run does not have it. */
static bool metric_of(const struct cost_path *p, const json_t *named, const char *metric,
                      double *value)
{
    for (unsigned i = 0; i < ARRAY_COUNT(whole_metrics); i++)
        if (strcmp(metric, whole_metrics[i].metric) == 0) {
            *value = (double)number(named, whole_metrics[i].key);
            return json_object_get(named, whole_metrics[i].key) != NULL;
        }
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (strcmp(metric, cause_names[k]) == 0) {
            *value = (double)p->cause[k] / (double)p->count;
            return true;
        }
    return strncmp(metric, PHASE, strlen(PHASE)) == 0 && phase_of(p, metric + strlen(PHASE), value);
}

/* "FILE:12", or the option's name. */
static const char *place(const char *file, unsigned line, char *text, size_t size)
{
    if (line)
        snprintf(text, size, "%s:%u", file, line);
    else
        snprintf(text, size, "%s", file);
    return text;
}

static void check_bound(const struct costs *c, const char *name, const char *bound,
                        const char *where, struct verdicts *all)
{
    char metric[64], label[192];
    double limit, value;
    int length = 0;
    if (sscanf(bound, " %63[A-Za-z0-9_.-] <= %lf %n", metric, &limit, &length) != 2 ||
        bound[length] || !isfinite(limit))
        usage_error("%s: '%.80s': accepted is METRIC <= N", where, bound);
    const struct cost_path *p = costs_find(c, name);
    snprintf(label, sizeof label, "%.80s: %s <= %g", name, metric, limit);
    struct verdict *v = verdict_add(all, label);
    if (!p) {
        verdict_say(v, "there is no such path in %s\n", c->file);
        return;
    }
    const json_t *named = json_object_get(c->named, name);
    if (!metric_of(p, named, metric, &value))
        usage_error("%s: %s has no '%s' of it; `isochron check --help` lists the metrics", where,
                    c->file, metric);
    if (value <= limit)
        return;
    verdict_say(v, "%s is %.6g, %.6g more than its budget\n", metric, value, value - limit);
    say_where(v, p, named);
}

void budgets_check_line(const struct costs *c, const char *file, unsigned number_of,
                        const char *text, struct verdicts *v)
{
    char line[1024], where[600], *save = NULL;
    place(file, number_of, where, sizeof where);
    if (strlen(text) >= sizeof line)
        usage_error("%s: a line of more than %zu characters", where, sizeof line - 1);
    strcpy(line, text);
    line[strcspn(line, "#\n")] = 0;
    if (!line[strspn(line, " \t\r")])
        return;
    char *name = line + strspn(line, " \t"), *colon = strchr(line, ':');
    if (!colon)
        usage_error("%s: '%.80s': accepted is PATH: METRIC <= N, METRIC <= N", where, line);
    *colon = 0;
    char *p = strtok_r(colon + 1, ",", &save);
    if (!p)
        usage_error("%s: '%.80s:': accepted is PATH: METRIC <= N, METRIC <= N", where, name);
    for (; p; p = strtok_r(NULL, ",", &save))
        check_bound(c, name, p, where, v);
}

void budgets_check_file(const struct costs *c, const char *file, struct verdicts *v)
{
    char *text = file_read_text("--budgets ", file), *at = text;
    unsigned n = 1, before = v->count;
    for (const char *line; (line = file_next_line(&at)); n++)
        budgets_check_line(c, file, n, line, v);
    if (v->count == before)
        usage_error("--budgets %s: there is no budget in it", file);
    free(text);
}
