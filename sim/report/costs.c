#include "sim/report/costs.h"

#include "sim/core/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX
#define MOVES_FROM 0x10000 /* constants from here on are taken for addresses */
#define WHOLE_MOST ((json_int_t)1 << 53) /* of a number: sums of them overflow nowhere */

const char *const cost_account_names[COST_ACCOUNTS] = {"boot", "user", "idle", "unfinished"};

/* --- reading with suspicion ------------------------------------------------------------------- */

NORETURN static void damaged(const struct costs *c, const char *fmt, ...) PRINTF(2, 3);
static void damaged(const struct costs *c, const char *fmt, ...)
{
    char text[300];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    usage_error("%s is damaged: %s", c->file, text);
}

static uint64_t whole(const struct costs *c, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > WHOLE_MOST)
        damaged(c, "'%.40s' is missing or no whole number", key);
    return (uint64_t)json_integer_value(v);
}

static const char *text(const struct costs *c, const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    if (!s)
        damaged(c, "'%s' is missing or no text", key);
    return s;
}

static const char *text_or_none(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static const json_t *list_of(const struct costs *c, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_array(v))
        damaged(c, "'%s' is missing or no list", key);
    return v;
}

static int cause_of(const char *name)
{
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (strcmp(cause_names[k], name) == 0)
            return k;
    return -1;
}

/* Adds the causes of o to sums; they must come to its cycles. */
static void add_causes(const struct costs *c, const json_t *o, uint64_t *sums)
{
    const json_t *causes = json_object_get(o, "causes");
    const char *key;
    json_t *v;
    uint64_t sum = 0, cycles = whole(c, o, "cycles");
    if (!json_is_object(causes))
        damaged(c, "'causes' is missing or no object");
    json_object_foreach((json_t *)(uintptr_t)causes, key, v) {
        int k = cause_of(key);
        if (k < 0)
            damaged(c, "there is no cause '%.40s'", key);
        uint64_t n = whole(c, causes, key);
        sums[k] += n;
        sum += n;
    }
    if (sum != cycles)
        damaged(c, "causes sum to %llu, their cycles are %llu", (unsigned long long)sum,
                (unsigned long long)cycles);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* "mov eax, 0xd0104a20" becomes "mov eax, @", "jne 0xd0101490 <many+4>"
 * becomes "jne @ <many>": two kernels have the same instruction at different places. */
static char *shape_of(const char *instruction)
{
    size_t size = strlen(instruction) + 1, at = 0;
    char *shape = xalloc(size, 1), *end;
    for (const char *p = instruction; *p;) {
        if (p[0] == '0' && p[1] == 'x') {
            bool moves = strtoull(p, &end, 16) >= MOVES_FROM;
            if (moves)
                shape[at++] = '@';
            while (p < end && !moves)
                shape[at++] = *p++;
            p = end;
        } else if (*p == '+' && strchr(p, '>') && strchr(instruction, '<') < p) {
            p = strchr(p, '>');
        } else {
            shape[at++] = *p++;
        }
    }
    shape[at] = 0;
    return shape;
}

static char *function_of(const char *symbol, const char *kind)
{
    size_t n = strcspn(symbol, "+");
    const char *none = strcmp(kind, "user") == 0 ? "(user)" : "(no symbol)";
    char *copy = n ? strndup(symbol, n) : strdup(none);
    CHECK(copy != NULL);
    return copy;
}

/* What an instruction is; its costs are 0. */
static struct cost_line line_of(const struct costs *c, const json_t *code)
{
    struct cost_line l = {
        .address = (laddr_t)whole(c, code, "address"), .symbol = text(c, code, "symbol"),
        .text = text(c, code, "instruction"), .kind = text_or_none(code, "kind"),
        .phase = text(c, code, "phase"), .source = text_or_none(code, "source"),
        .bytes = text_or_none(code, "bytes")};
    l.function = function_of(l.symbol, l.kind);
    l.shape = shape_of(l.text);
    return l;
}

/* Out of order: where it executed. */
static units_t units_in(const struct costs *c, const json_t *row)
{
    units_t units;
    if (!units_parse(text_or_none(row, "units"), &units))
        damaged(c, "'units' is '%.20s'", text_or_none(row, "units"));
    return units;
}

static void add_costs(const struct costs *c, struct cost_line *l, const json_t *row)
{
    l->executions += whole(c, row, "executions");
    l->cycles += whole(c, row, "cycles");
    l->u += whole(c, row, "u");
    l->v += whole(c, row, "v");
    l->paired += whole(c, row, "paired");
    l->units |= units_in(c, row);
    add_causes(c, row, l->cause);
}

/* What lines do not tell of the path. */
static void find_rest(const struct costs *c, struct cost_path *p)
{
    memcpy(p->rest, p->cause, sizeof p->rest);
    p->rest_cycles = p->cycles;
    for (uint32_t i = 0; i < p->line_count; i++)
        for (int k = 0; k < CAUSE_COUNT; k++) {
            if (p->lines[i].cause[k] > p->rest[k])
                damaged(c, "the instructions of '%.60s' have more cycles of %s than it has",
                        p->name, cause_names[k]);
            p->rest[k] -= p->lines[i].cause[k];
            p->rest_cycles -= p->lines[i].cause[k];
        }
}

/* --- the lines of clusters, joined ------------------------------------------------------------ */

/* The lines of a path while clusters are joined: a chain in the order in which they ran. */
struct joining {
    uint32_t *at;   /* by index of the code: its line, or NOWHERE */
    uint32_t *next; /* by line; NOWHERE: the last one */
    uint32_t first, capacity;
};

static uint32_t new_line(const struct costs *c, struct cost_path *p, struct joining *j,
                         const json_t *code, uint32_t behind)
{
    if (p->line_count == j->capacity) {
        j->capacity = j->capacity * 2 + 64;
        p->lines = realloc(p->lines, j->capacity * sizeof *p->lines);
        j->next = realloc(j->next, j->capacity * sizeof *j->next);
        CHECK(p->lines != NULL && j->next != NULL);
    }
    uint32_t n = p->line_count;
    p->lines[n] = line_of(c, code);
    p->line_count++;
    uint32_t *link = behind == NOWHERE ? &j->first : &j->next[behind];
    j->next[n] = *link;
    *link = n;
    return n;
}

/* A path is entered from many places of programs: one line for what each text of it costs. */
static uint32_t entry_like(const struct cost_path *p, const json_t *code)
{
    const char *words = json_string_value(json_object_get(code, "instruction"));
    const char *phase = json_string_value(json_object_get(code, "phase"));
    const char *kind = json_string_value(json_object_get(code, "kind"));
    if (!words || !phase || strcmp(phase, "entry") != 0 || !kind || strcmp(kind, "user") != 0)
        return NOWHERE;
    for (uint32_t i = 0; i < p->line_count; i++)
        if (strcmp(p->lines[i].phase, "entry") == 0 && strcmp(p->lines[i].kind, "user") == 0 &&
            strcmp(p->lines[i].text, words) == 0)
            return i;
    return NOWHERE;
}

static void join_cluster(const struct costs *c, struct cost_path *p, struct joining *j,
                         const json_t *codes, const json_t *profiled)
{
    uint32_t cursor = NOWHERE;
    uint64_t sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(list_of(c, profiled, "instructions"), i, row) {
        uint64_t code = whole(c, row, "code");
        if (code >= json_array_size(codes))
            damaged(c, "an instruction's code is %llu of %zu", (unsigned long long)code,
                    json_array_size(codes));
        const json_t *what = json_array_get(codes, (size_t)code);
        if (j->at[code] == NOWHERE)
            j->at[code] = entry_like(p, what);
        if (j->at[code] == NOWHERE)
            j->at[code] = new_line(c, p, j, what, cursor);
        cursor = j->at[code];
        add_costs(c, &p->lines[cursor], row);
        sum += whole(c, row, "cycles");
    }
    if (sum != whole(c, profiled, "cycles"))
        damaged(c, "the instructions of a cluster of '%.60s' sum to %llu cycles, it has %llu",
                p->name, (unsigned long long)sum,
                (unsigned long long)whole(c, profiled, "cycles"));
}

static void put_in_order(struct cost_path *p, const struct joining *j)
{
    struct cost_line *ordered = xalloc(p->line_count + 1, sizeof *ordered);
    uint32_t n = 0;
    for (uint32_t i = j->first; i != NOWHERE; i = j->next[i])
        ordered[n++] = p->lines[i];
    CHECK(n == p->line_count);
    free(p->lines);
    p->lines = ordered;
}

struct profiled {
    const json_t *entry;
    struct cost_path *path;
    uint64_t count;
    size_t index;
};

/* By path, and in it the commonest cluster first: its order is the path's. */
static int by_path(const void *a, const void *b)
{
    const struct profiled *x = a, *y = b;
    if (x->path != y->path)
        return x->path < y->path ? -1 : 1;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

static struct cost_path *path_named(struct costs *c, const char *name)
{
    for (uint32_t i = 0; i < c->path_count; i++)
        if (strcmp(c->paths[i].name, name) == 0)
            return &c->paths[i];
    return NULL;
}

/* The clusters that have instructions, each with its path. */
static struct profiled *profiled_of(struct costs *c, const json_t *list, const json_t *clusters,
                                    const struct path_rules *rules, size_t only, size_t *count)
{
    struct profiled *all = xalloc(json_array_size(list) + 1, sizeof *all);
    char name[128];
    size_t i;
    json_t *entry;
    *count = 0;
    json_array_foreach(list, i, entry) {
        uint64_t n = whole(c, entry, "cluster");
        const json_t *cluster = json_array_get(clusters, (size_t)n);
        if (!cluster || whole(c, cluster, "cycles") != whole(c, entry, "cycles"))
            damaged(c, "its profile has a cluster %llu that its paths have not",
                    (unsigned long long)n);
        if (only != COSTS_ALL && n != only)
            continue;
        path_rules_name(rules, cluster, name, sizeof name);
        struct cost_path *path = path_named(c, name);
        CHECK(path != NULL);
        all[(*count)++] = (struct profiled){entry, path, whole(c, entry, "count"), i};
    }
    qsort(all, *count, sizeof *all, by_path);
    return all;
}

static void read_profile(struct costs *c, const json_t *profile, const json_t *clusters,
                         const struct path_rules *rules, size_t only)
{
    const json_t *codes = list_of(c, profile, "code");
    size_t count, code_count = json_array_size(codes);
    struct profiled *all = profiled_of(c, list_of(c, profile, "clusters"), clusters, rules, only,
                                       &count);
    struct joining j = {.at = xalloc(code_count + 1, sizeof *j.at)};
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || all[i].path != all[i - 1].path) {
            memset(j.at, 0xFF, code_count * sizeof *j.at);
            j.first = NOWHERE;
            j.capacity = 0;
        }
        join_cluster(c, all[i].path, &j, codes, all[i].entry);
        if (i + 1 == count || all[i + 1].path != all[i].path)
            put_in_order(all[i].path, &j);
    }
    free(j.at);
    free(j.next);
    free(all);
}

/* --- documents -------------------------------------------------------------------------------- */

/* By rule; NULL: there are none. They are all of the path. */
static void read_phases(const struct costs *c, struct cost_path *p, const json_t *phases)
{
    uint64_t sum = 0;
    size_t i;
    json_t *v;
    if (!phases)
        return;
    if (!json_is_array(phases))
        damaged(c, "'phases' is no list");
    json_array_foreach(phases, i, v) {
        text(c, v, "name");
        sum += whole(c, v, "cycles");
    }
    if (sum != p->cycles)
        damaged(c, "the phases of '%.60s' sum to %llu cycles, it has %llu", p->name,
                (unsigned long long)sum, (unsigned long long)p->cycles);
    p->phases = phases;
}

static void read_paths(struct costs *c)
{
    const char *name;
    json_t *v;
    if (!json_is_object(c->named))
        damaged(c, "'named_paths' is no object");
    c->paths = xalloc(json_object_size(c->named) + 1, sizeof *c->paths);
    json_object_foreach(c->named, name, v) {
        struct cost_path *p = &c->paths[c->path_count++];
        *p = (struct cost_path){.name = name, .count = whole(c, v, "count"),
                                .cycles = whole(c, v, "cycles"), .typical = whole(c, v, "typical"),
                                .min = whole(c, v, "min"), .max = whole(c, v, "max"),
                                .durations = v};
        if (p->count == 0)
            damaged(c, "'%.60s' has no instances", name);
        add_causes(c, v, p->cause);
        read_phases(c, p, json_object_get(v, "phases"));
        c->cycles += p->cycles;
    }
}

static void read_accounts(struct costs *c, const json_t *o)
{
    for (int a = 0; a < COST_ACCOUNTS; a++)
        if (json_object_get(o, cost_account_names[a]))
            c->cycles += c->account[a] = whole(c, o, cost_account_names[a]);
}

/* A baseline's lines stand with their path. */
static void read_lines(struct costs *c)
{
    for (uint32_t i = 0; i < c->path_count; i++) {
        struct cost_path *p = &c->paths[i];
        const json_t *list = json_object_get(json_object_get(c->named, p->name), "lines");
        if (!json_is_array(list))
            continue;
        p->lines = xalloc(json_array_size(list) + 1, sizeof *p->lines);
        for (; p->line_count < json_array_size(list); p->line_count++) {
            const json_t *row = json_array_get(list, p->line_count);
            p->lines[p->line_count] = line_of(c, row);
            add_costs(c, &p->lines[p->line_count], row);
        }
    }
}

/* What path_rules_group adds up must be numbers. */
static void check_cluster(const struct costs *c, const json_t *cluster)
{
    static const char *const shape[] = {"instructions", "code_lines", "data_lines", "pages",
                                        "cr3_writes", "nested", "code_misses", "data_misses",
                                        "itlb_misses", "dtlb_misses"};
    uint64_t scratch[CAUSE_COUNT] = {0};
    size_t i;
    json_t *v;
    text(c, cluster, "entry");
    text(c, cluster, "ends");
    add_causes(c, cluster, scratch);
    for (unsigned n = 0; n < ARRAY_COUNT(shape); n++)
        if (json_object_get(cluster, shape[n]))
            whole(c, cluster, shape[n]);
    if (whole(c, cluster, "count") == 0 || whole(c, cluster, "min") > whole(c, cluster, "max"))
        damaged(c, "a cluster has no instances, or its least cycles are more than its most");
    json_array_foreach(list_of(c, cluster, "symbols"), i, v) {
        text(c, v, "name");
        whole(c, v, "cycles");
    }
    json_array_foreach(list_of(c, cluster, "values"), i, v)
        for (size_t n = 0; n < 2; n++)
            if (!json_is_integer(json_array_get(v, n)) ||
                json_integer_value(json_array_get(v, n)) < 0 ||
                json_integer_value(json_array_get(v, n)) > WHOLE_MOST)
                damaged(c, "a duration is no pair of whole numbers");
}

static json_t *phase_named(json_t *phases, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(phases, i, v)
        if (strcmp(json_string_value(json_object_get(v, "name")), name) == 0)
            return v;
    v = json_pack("{s:s,s:i}", "name", name, "cycles", 0);
    CHECK(v != NULL);
    json_array_append_new(phases, v);
    return v;
}

/* The phases by rule of the clusters of one name, together. */
static void group_phases(struct costs *c, const json_t *clusters, const struct path_rules *rules,
                         size_t only)
{
    size_t i, n;
    json_t *cluster, *v;
    char name[128];
    json_array_foreach(clusters, i, cluster) {
        if ((only != COSTS_ALL && i != only) || !json_object_get(cluster, "phases"))
            continue;
        path_rules_name(rules, cluster, name, sizeof name);
        json_t *path = json_object_get(c->named, name), *sums = json_object_get(path, "phases");
        if (!sums)
            json_object_set_new(path, "phases", sums = json_array());
        json_array_foreach(list_of(c, cluster, "phases"), n, v) {
            json_t *sum = phase_named(sums, text(c, v, "name"));
            json_object_set_new(sum, "cycles", json_integer((json_int_t)(
                                    whole(c, v, "cycles") + whole(c, sum, "cycles"))));
        }
    }
}

static void read_ledger(struct costs *c, const struct path_rules *rules, size_t only)
{
    const json_t *all = json_object_get(c->document, "kernel_paths");
    const json_t *clusters = list_of(c, all, "clusters");
    const json_t *profile = json_object_get(c->document, "profile");
    for (size_t i = 0; i < json_array_size(clusters); i++)
        check_cluster(c, json_array_get(clusters, i));
    if (only != COSTS_ALL) {
        json_t *one = json_pack("{s:[O]}", "clusters", json_array_get(clusters, only));
        CHECK(one != NULL);
        c->named = path_rules_group(rules, one);
        json_decref(one);
    } else {
        c->named = path_rules_group(rules, all);
        read_accounts(c, all);
    }
    group_phases(c, clusters, rules, only);
    read_paths(c);
    if (only == COSTS_ALL && c->cycles != whole(c, all, "cycles"))
        damaged(c, "its paths sum to %llu cycles, the run had %llu", (unsigned long long)c->cycles,
                (unsigned long long)whole(c, all, "cycles"));
    if (profile)
        read_profile(c, profile, clusters, rules, only);
}

/* One window is one path that ran once. */
static void read_window(struct costs *c)
{
    uint64_t cycles = whole(c, c->document, "cycles"), sum = 0;
    const json_t *list = list_of(c, c->document, "instructions");
    struct cost_path *p = c->paths = xalloc(1, sizeof *p);
    *p = (struct cost_path){.name = "window", .count = 1, .cycles = cycles, .typical = cycles,
                            .min = cycles, .max = cycles};
    p->lines = xalloc(json_array_size(list) + 1, sizeof *p->lines);
    for (c->path_count = 1; p->line_count < json_array_size(list); p->line_count++) {
        const json_t *row = json_array_get(list, p->line_count);
        struct cost_line *l = &p->lines[p->line_count];
        const char *pipe = text(c, row, "pipe");
        *l = line_of(c, row);
        l->kind = strcmp(l->phase, "user") == 0 ? "user" : "kernel";
        l->executions = 1;
        l->units = *pipe == '-' ? 0 : units_in(c, row);
        l->u = *pipe == 'U' || l->units;
        l->v = l->paired = *pipe == 'V';
        sum += l->cycles = whole(c, row, "cycles");
        add_causes(c, row, l->cause);
        for (int k = 0; k < CAUSE_COUNT; k++)
            p->cause[k] += l->cause[k];
    }
    if (sum != cycles)
        damaged(c, "its instructions sum to %llu cycles, it has %llu", (unsigned long long)sum,
                (unsigned long long)cycles);
    c->cycles = cycles;
    c->named = json_object();
}

void costs_read(struct costs *c, json_t *document, const char *file, const struct path_rules *rules,
                size_t cluster)
{
    *c = (struct costs){.file = file, .document = document};
    if (json_object_get(document, "named_paths")) {
        c->named = json_incref(json_object_get(document, "named_paths"));
        read_accounts(c, json_object_get(document, "accounts"));
        read_paths(c);
        read_lines(c);
    } else if (json_object_get(document, "kernel_paths")) {
        read_ledger(c, rules, cluster);
    } else if (json_object_get(document, "instructions")) {
        if (json_is_array(json_object_get(document, "instructions")))
            read_window(c);
    }
    if (!c->named)
        usage_error("%s has no kernel paths; accepted is what `run --paths --ledger` writes", file);
    for (uint32_t i = 0; i < c->path_count; i++)
        find_rest(c, &c->paths[i]);
}

static void free_path(struct cost_path *p)
{
    for (uint32_t i = 0; i < p->line_count; i++) {
        free(p->lines[i].function);
        free(p->lines[i].shape);
    }
    free(p->lines);
}

void costs_keep(struct costs *c, const char *name)
{
    uint32_t kept = 0;
    c->cycles = 0;
    memset(c->account, 0, sizeof c->account);
    for (uint32_t i = 0; i < c->path_count; i++) {
        if (strcmp(c->paths[i].name, name) != 0) {
            free_path(&c->paths[i]);
            continue;
        }
        c->cycles += c->paths[i].cycles;
        c->paths[kept++] = c->paths[i];
    }
    c->path_count = kept;
}

void costs_free(struct costs *c)
{
    for (uint32_t i = 0; i < c->path_count; i++)
        free_path(&c->paths[i]);
    free(c->paths);
    json_decref(c->named);
    json_decref(c->document);
}

const struct cost_path *costs_find(const struct costs *c, const char *name)
{
    for (uint32_t i = 0; i < c->path_count; i++)
        if (strcmp(c->paths[i].name, name) == 0)
            return &c->paths[i];
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

json_t *costs_causes_json(const uint64_t *cause)
{
    json_t *o = json_object();
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (cause[k])
            json_object_set_new(o, cause_names[k], json_integer((json_int_t)cause[k]));
    return o;
}

json_t *costs_lines_json(const struct cost_path *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->line_count; i++) {
        const struct cost_line *l = &p->lines[i];
        json_t *row = json_pack(
            "{s:I,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:o}", "address", (json_int_t)l->address,
            "symbol", l->symbol, "instruction", l->text, "kind", l->kind, "phase", l->phase,
            "executions", (json_int_t)l->executions, "cycles", (json_int_t)l->cycles, "u",
            (json_int_t)l->u, "v", (json_int_t)l->v, "paired", (json_int_t)l->paired, "causes",
            costs_causes_json(l->cause));
        char units[UNITS_TEXT];
        if (l->units)
            json_object_set_new(row, "units",
                                json_string(units_format(l->units, units, sizeof units)));
        if (*l->source)
            json_object_set_new(row, "source", json_string(l->source));
        json_array_append_new(list, row);
    }
    return list;
}

json_t *costs_accounts_json(const struct costs *c)
{
    json_t *o = json_object();
    for (int a = 0; a < COST_ACCOUNTS; a++)
        json_object_set_new(o, cost_account_names[a], json_integer((json_int_t)c->account[a]));
    return o;
}
