#include "sim/report/paths.h"

#include "cpu/op.h"
#include "cpu/note.h"
#include "mmu/mmu.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12

enum seen_kind { SEEN_EDGE, SEEN_CODE, SEEN_DATA, SEEN_PAGE };

const char *const path_miss_names[PATH_MISSES] = {"code_misses", "data_misses", "itlb_misses",
                                                  "dtlb_misses"};
const char *const path_end_names[PATH_ENDS] = {"user", "other thread", "other space", "idle"};

/* --- what one instance has seen --------------------------------------------------------------- */

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

/* Is this the first time in this instance? When the table is full everything counts as seen: the
 * signature stays a function of what was executed, and the report says how often that was. */
static bool first_time(struct paths *p, enum seen_kind kind, uint64_t key)
{
    key = key << 2 | kind;
    uint32_t at = (uint32_t)mix(key) & (PATHS_EDGES - 1);
    for (unsigned tries = 0; tries < 64; tries++, at = (at + 1) & (PATHS_EDGES - 1)) {
        if (p->seen[at].generation != p->generation) {
            p->seen[at].generation = p->generation;
            p->seen[at].key = key;
            return true;
        }
        if (p->seen[at].key == key)
            return false;
    }
    p->now.crowded = true;
    return false;
}

static void see_edge(struct paths *p, uint32_t from, uint32_t to)
{
    uint64_t edge = (uint64_t)from << 32 | to;
    if (p->now.depth == 0 && first_time(p, SEEN_EDGE, edge))
        p->now.signature ^= mix(edge);
}

/* A walk is the reads of its levels, one behind the other. */
static void count_miss(struct paths *p, const struct access *a, const struct access *before)
{
    bool first = !before || before->kind != ACCESS_WALK || before->la != a->la ||
                 (before->flags & ACCESS_CODE_SIDE) != (a->flags & ACCESS_CODE_SIDE);
    bool missed = a->level != LEVEL_L1 && a->level != LEVEL_DEVICE;
    if (a->kind == ACCESS_WALK)
        p->now.misses[a->flags & ACCESS_CODE_SIDE ? PATH_ITLB : PATH_DTLB] += first;
    else if (missed && a->kind != ACCESS_UPDATE)
        p->now.misses[a->kind == ACCESS_FETCH ? PATH_CODE : PATH_DATA]++;
}

static void see_accesses(struct paths *p, const struct cpu *c, const struct access *a,
                         const struct access *end)
{
    unsigned shift = c->mmu->l1d.line_shift;
    for (const struct access *first = a; a < end; a++) {
        if (a->kind == ACCESS_NOTE)
            continue;
        if (a->level != LEVEL_L1 || a->kind == ACCESS_WALK)
            count_miss(p, a, a > first ? a - 1 : NULL);
        if (a->kind == ACCESS_FETCH)
            p->now.code_lines += first_time(p, SEEN_CODE, a->pa >> shift);
        else
            p->now.data_lines += first_time(p, SEEN_DATA, a->pa >> shift);
        if (a->kind != ACCESS_WALK)
            p->now.pages += first_time(p, SEEN_PAGE, a->la >> PAGE_SHIFT);
    }
}

/* --- clusters --------------------------------------------------------------------------------- */

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

static struct path_cluster *cluster_of(struct paths *p, const struct path_instance *i,
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

static void count_value(struct path_cluster *k, uint64_t cycles)
{
    for (unsigned i = 0; i < PATHS_VALUES; i++)
        if (k->value[i].count == 0 || k->value[i].cycles == cycles) {
            k->value[i].cycles = cycles;
            k->value[i].count++;
            return;
        }
    k->other_values++;
}

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

static void add_instance(struct path_cluster *k, const struct path_instance *i)
{
    uint64_t cycles = 0;
    for (int c = 0; c < CAUSE_COUNT; c++) {
        k->cause[c] += i->cause[c];
        cycles += i->cause[c];
    }
    k->count++;
    k->cycles += cycles;
    k->min = cycles < k->min ? cycles : k->min;
    k->max = cycles > k->max ? cycles : k->max;
    k->instructions += i->instructions;
    k->nested += i->nested;
    k->nested_cycles += i->nested_cycles;
    k->cr3_writes += i->cr3_writes;
    k->code_lines += i->code_lines;
    k->data_lines += i->data_lines;
    k->pages += i->pages;
    for (int m = 0; m < PATH_MISSES; m++)
        k->misses[m] += i->misses[m];
    count_value(k, cycles);
    for (unsigned n = 0; n < i->symbol_count; n++)
        count_place(k, i->symbol[n].place, i->symbol[n].cycles);
}

/* --- the life of an instance ------------------------------------------------------------------ */

static void begin(struct paths *p, uint32_t entry, bool from_idle)
{
    p->now = (struct path_instance){.open = true, .from_idle = from_idle, .entry = entry,
                                    .begin = p->last_now, .from_space = p->spaces->now,
                                    .from_thread = p->spaces->thread_now,
                                    .resume_eip = p->last_eip, .resume_esp = p->last_esp};
    p->generation++;
    p->begun++;
}

/* From idle the thread counts that ran before it: coming back to it is no switch. */
static void end(struct paths *p, bool idle)
{
    const struct spaces *s = p->spaces;
    enum path_end how = PATH_ENDS_USER;
    if (idle)
        how = PATH_ENDS_IDLE;
    else if (s->now != (p->now.from_idle ? p->program : p->now.from_space))
        how = PATH_ENDS_SPACE;
    else if (s->thread_now != (p->now.from_idle ? p->program_thread : p->now.from_thread))
        how = PATH_ENDS_SWITCHED;
    struct path_cluster *k = cluster_of(p, &p->now, how);
    p->ended = (uint32_t)(k - p->list);
    add_instance(k, &p->now);
    if (p->on_end)
        p->on_end(p->on_end_owner, p->ended);
    p->last_cluster = p->ended;
    p->crowded += p->now.crowded;
    p->now.open = false;
}

static void add_symbol(struct path_instance *i, uint32_t place, uint32_t cycles)
{
    for (unsigned n = 0; n < i->symbol_count; n++)
        if (i->symbol[n].place == place) {
            i->symbol[n].cycles += cycles;
            return;
        }
    if (i->symbol_count < 64) {
        i->symbol[i->symbol_count].place = place;
        i->symbol[i->symbol_count++].cycles = cycles;
    }
}

/* Where the cycles of the instruction that was just priced go. */
static void settle(struct paths *p, const struct cpu *c)
{
    uint32_t sum = 0;
    for (uint32_t n = 0; n < p->pending_count; n++) {
        sum += p->pending[n].cycles;
        if (p->now.open)
            p->now.cause[p->pending[n].cause] += p->pending[n].cycles;
    }
    p->pending_count = 0;
    p->account = p->now.open          ? ACCOUNT_INSTANCE
                 : p->last_cpl == 3   ? ACCOUNT_USER
                 : p->booted          ? ACCOUNT_IDLE
                                      : ACCOUNT_BOOT;
    switch (p->account) {
    case ACCOUNT_USER: p->user += sum; break;
    case ACCOUNT_IDLE: p->idle += sum; break;
    case ACCOUNT_BOOT: p->boot += sum; break;
    default: add_symbol(&p->now, c->ledger->place, sum); break;
    }
}

/* An interrupt inside an instance: its branches are its own. */
static void nest(struct paths *p)
{
    struct path_instance *i = &p->now;
    i->nested++;
    if (i->depth < PATHS_NESTED) {
        i->inside[i->depth].eip = p->last_eip;
        i->inside[i->depth].esp = p->last_esp;
        i->inside[i->depth++].begin = p->last_now;
    }
}

static void unnest(struct paths *p, const struct cpu *c)
{
    struct path_instance *i = &p->now;
    if (i->depth && c->eip == i->inside[i->depth - 1].eip &&
        c->r[ESP] == i->inside[i->depth - 1].esp)
        i->nested_cycles += c->clock->now - i->inside[--i->depth].begin;
}

static void watch_interrupts(struct paths *p, const struct cpu *c, const struct op *o)
{
    bool off = c->cpl == 0 && !(c->eflags & F_IF) && p->booted && !c->halted;
    if (off && p->off_since == CYCLE_NEVER) {
        p->off_since = p->last_now;
        p->off_began = c->seg[CS].base + o->eip;
    } else if (!off && p->off_since != CYCLE_NEVER) {
        uint64_t length = c->clock->now - p->off_since;
        if (length > p->off_longest) {
            p->off_longest = length;
            p->off_la = p->off_began;
        }
        p->off_since = CYCLE_NEVER;
    }
}

static void enter(struct paths *p, const struct cpu *c, bool delivery)
{
    if (p->last_cpl == 3 && c->cpl == 0)
        begin(p, c->ledger->path, false);
    else if (delivery && c->cpl == 0 && !p->now.open && p->booted)
        begin(p, PATH_VECTOR + c->delivered, true);
    else if (delivery && p->now.open)
        nest(p);
}

static void leave(struct paths *p, const struct cpu *c, const struct op *o, bool delivery)
{
    if (c->cpl == 3) {
        end(p, false);
    } else if (c->halted) {
        end(p, true);
    } else if (!delivery && c->branched) {
        bool was_inside = p->now.depth > 0;
        unnest(p, c);
        if (!was_inside)
            see_edge(p, o->eip, c->eip);
        if (p->now.from_idle && !was_inside && c->eip == p->now.resume_eip &&
            c->r[ESP] == p->now.resume_esp)
            end(p, true);
    }
}

/* Whose program ran last, and where the processor stands. */
static void remember(struct paths *p, const struct cpu *c, uint32_t eip)
{
    if (c->cpl == 3) {
        p->booted = true;
        p->program = p->spaces->now;
        p->program_thread = p->spaces->thread_now;
    }
    p->last_now = c->clock->now;
    p->last_cpl = c->cpl;
    p->last_cr3 = c->cr3;
    p->last_eip = eip;
    p->last_esp = c->r[ESP];
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct paths *p = owner;
    p->ended = PATHS_NONE;
    enter(p, c, delivery);
    settle(p, c);
    watch_interrupts(p, c, o);
    if (p->now.open) {
        p->now.instructions += !delivery;
        p->now.cr3_writes += c->cr3 != p->last_cr3;
        see_accesses(p, c, c->log.list, c->log.list + c->log.count);
        leave(p, c, o, delivery);
    }
    if (!delivery && p->last_cpl == 3)
        p->user_instructions++;
    remember(p, c, c->eip);
}

/* Simple instructions: no entry, no exit, interrupts as before. */
static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    struct paths *p = owner;
    const struct op *last = &r->first[r->count - 1];
    p->ended = PATHS_NONE;
    settle(p, c);
    if (p->now.open) {
        p->now.instructions += r->count;
        see_accesses(p, c, c->log.list + r->mark[0], c->log.list + r->mark[r->count]);
        if (r->branched)
            leave(p, c, last, false);
    }
    if (p->last_cpl == 3)
        p->user_instructions += r->count;
    remember(p, c, r->branched ? c->eip : last->next_eip);
}

static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct paths *p = owner;
    if (cause == CAUSE_HALTED && !p->now.open) { /* before the interrupt that ends it, not of it */
        *(p->booted ? &p->idle : &p->boot) += cycles;
        p->last_now += cycles;
        return;
    }
    for (uint32_t n = 0; n < p->pending_count; n++)
        if (p->pending[n].cause == cause) {
            p->pending[n].cycles += (uint32_t)cycles;
            return;
        }
    p->pending[p->pending_count].cause = cause;
    p->pending[p->pending_count++].cycles = (uint32_t)cycles;
}

void paths_start(struct paths *p, const struct spaces *s, struct watch *h, struct cpu *c)
{
    memset(p, 0, sizeof *p);
    p->cpu = c;
    p->spaces = s;
    p->seen = xalloc(PATHS_EDGES, sizeof *p->seen);
    p->generation = 1;
    p->start = p->last_now = c->clock->now;
    p->last_cpl = c->cpl;
    p->last_cr3 = c->cr3;
    p->last_eip = c->eip;
    p->last_esp = c->r[ESP];
    p->booted = c->ledger->path != PATH_BOOT;
    p->off_since = CYCLE_NEVER;
    p->program = s->now;
    p->program_thread = s->thread_now;
    watch_add_runs(h, c, (struct watcher){priced, charged, p}, run);
}

void paths_free(struct paths *p, struct watch *h)
{
    watch_remove(h, p);
    free(p->list);
    free(p->slot);
    free(p->seen);
}
