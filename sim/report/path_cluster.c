/* path_cluster: finding an instance's cluster, and adding what it was. */
#include "sim/core/check.h"
#include "sim/report/ledger_json.h"
#include "sim/report/paths.h"

#include <stdlib.h>
#include <string.h>

/* What an instance is cut into for which no rule says more. */
static const struct path_phases plain_phases = {
    .count = 3,
    .list = {{"entry", 0}, {"kernel", PATH_MARK_ENTERED}, {"exit", PATH_MARK_EXIT}},
};

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

/* --- finding ---------------------------------------------------------------------------------- */

static uint64_t key_of(const struct path_instance *i, enum path_end end)
{
    return mix(i->signature ^ (uint64_t)i->entry << 8 ^ (uint64_t)end << 1 ^ i->from_idle);
}

static bool is_cluster_of(const struct path_cluster *k, const struct path_instance *i,
                          enum path_end end)
{
    return k->signature == i->signature && k->entry == i->entry && k->end == end &&
           k->from_idle == i->from_idle;
}

static void grow_slots(struct paths *p)
{
    free(p->slot);
    p->slot_count = p->slot_count ? p->slot_count * 4 : 1024;
    p->slot = xalloc(p->slot_count, sizeof *p->slot);
    for (uint32_t n = 0; n < p->count; n++) {
        const struct path_cluster *k = &p->list[n];
        struct path_instance i = {.signature = k->signature, .entry = k->entry,
                                  .from_idle = k->from_idle};
        uint32_t at = (uint32_t)key_of(&i, k->end) & (p->slot_count - 1);
        while (p->slot[at])
            at = (at + 1) & (p->slot_count - 1);
        p->slot[at] = n + 1;
    }
}

struct path_cluster *path_cluster_of(struct paths *p, const struct path_instance *i,
                                     enum path_end end)
{
    if (p->count * 2 >= p->slot_count)
        grow_slots(p);
    uint32_t at = (uint32_t)key_of(i, end) & (p->slot_count - 1);
    for (; p->slot[at]; at = (at + 1) & (p->slot_count - 1))
        if (is_cluster_of(&p->list[p->slot[at] - 1], i, end))
            return &p->list[p->slot[at] - 1];
    if (p->count == p->capacity) {
        p->capacity = p->capacity * 2 + 64;
        p->list = realloc(p->list, p->capacity * sizeof *p->list);
        CHECK(p->list != NULL);
    }
    p->slot[at] = ++p->count;
    struct path_cluster *k = &p->list[p->count - 1];
    *k = (struct path_cluster){.entry = i->entry, .from_idle = i->from_idle, .end = end,
                               .signature = i->signature, .min = UINT64_MAX, .first = i->begin};
    return k;
}

void path_clusters_free(struct paths *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        distribution_free(&p->list[i].durations);
    free(p->list);
}

/* --- rules ------------------------------------------------------------------------------------ */

static bool ran(void *owner, const char *symbol, size_t length)
{
    const struct paths *p = owner;
    for (unsigned n = 0; n < p->now.symbol_count; n++) {
        const char *name = symbols_place_name(p->symbols, p->now.symbol[n].place);
        if (strncmp(name, symbol, length) == 0 && name[length] == 0)
            return true;
    }
    return false;
}

/* The instance is the first of its cluster: which rule is it for? */
static void choose_rule(struct paths *p, struct path_cluster *k)
{
    char entry[64];
    path_name(k->entry, entry, sizeof entry);
    struct path_facts f = {.entry = entry, .ends = path_end_names[k->end],
                           .from_idle = k->from_idle, .ran = ran, .owner = p};
    k->rule = p->rules ? path_rules_find(p->rules, &f) : -1;
    k->phases = &plain_phases;
    if (k->rule >= 0 && p->rule_phases[k->rule].count)
        k->phases = &p->rule_phases[k->rule];
}

void paths_set_rules(struct paths *p, const struct path_rules *rules,
                     const struct symbols *symbols)
{
    CHECK(p->count == 0);
    p->rules = rules;
    p->symbols = symbols;
    p->rule_phases = xalloc(rules->count + 1, sizeof *p->rule_phases);
    for (unsigned i = 0; i < rules->count; i++) {
        const char *text = rules->list[i].phases;
        if (*text && !path_phases_parse(text, symbols, &p->places, &p->rule_phases[i]))
            usage_error("[%s] phases = %s: accepted is NAME NAME@MILESTONE ..., up to %d, a "
                        "milestone is entered, stack, cr3, exit or a symbol",
                        rules->list[i].name, text, PATH_PHASES_MAX);
    }
}

/* --- adding ----------------------------------------------------------------------------------- */

/* The places that cost most stay; a new one takes the cheapest one's room. */
static void count_place(struct path_cluster *k, uint32_t place, uint32_t cycles)
{
    unsigned least = 0;
    for (unsigned i = 0; i < PATHS_SYMBOLS; i++) {
        if (k->symbol[i].cycles && k->symbol[i].place == place) {
            k->symbol[i].cycles += cycles;
            return;
        }
        if (k->symbol[i].cycles < k->symbol[least].cycles)
            least = i;
    }
    if (k->symbol[least].cycles < cycles) {
        k->symbol[least].place = place;
        k->symbol[least].cycles = cycles;
    }
}

void path_cluster_pair(struct path_cluster *k, uint32_t from, uint32_t to, uint64_t cycles)
{
    for (unsigned i = 0; i < PATHS_PAIRS; i++)
        if (!k->pair[i].count || (k->pair[i].from == from && k->pair[i].to == to)) {
            k->pair[i].from = from;
            k->pair[i].to = to;
            k->pair[i].count++;
            k->pair[i].cycles += cycles;
            return;
        }
    k->other_pairs++;
    k->other_pairs_cycles += cycles;
}

void path_cluster_overlap(struct path_cluster *k, const struct overlap_counts *o)
{
    for (unsigned n = 0; n < OVERLAP_KINDS; n++) {
        k->used[n] += o->used[n];
        k->shared[n] += o->shared[n];
        k->displaced[n] += o->displaced[n];
    }
}

uint64_t path_cluster_add(struct paths *p, struct path_cluster *k, const struct path_instance *i)
{
    uint64_t cycles = 0;
    if (!k->count)
        choose_rule(p, k);
    for (int c = 0; c < CAUSE_COUNT; c++) {
        k->cause[c] += i->cause[c];
        cycles += i->cause[c];
    }
    k->count++;
    k->cycles += cycles;
    k->min = cycles < k->min ? cycles : k->min;
    if (cycles > k->max) {
        k->max = cycles;
        k->longest = i->begin;
    }
    k->instructions += i->instructions;
    k->nested += i->nested;
    k->nested_cycles += i->nested_cycles;
    k->cr3_writes += i->cr3_writes;
    k->code_lines += i->code_lines;
    k->data_lines += i->data_lines;
    k->pages += i->pages;
    for (int m = 0; m < PATH_MISSES; m++)
        k->misses[m] += i->misses[m];
    k->code_sets += i->code_sets;
    k->data_sets += i->data_sets;
    distribution_add(&k->durations, cycles, 1);
    path_phases_add(k->phases, &i->marks, cycles, k->phase);
    for (unsigned n = 0; n < i->marks.count; n++)
        if (i->marks.list[n].mark < PATH_MARK_SYMBOL) {
            k->mark[i->marks.list[n].mark].count++;
            k->mark[i->marks.list[n].mark].at += i->marks.list[n].at;
        }
    for (unsigned n = 0; n < i->symbol_count; n++)
        count_place(k, i->symbol[n].place, i->symbol[n].cycles);
    return cycles;
}
