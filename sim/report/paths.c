#include "sim/report/paths.h"

#include "cpu/op.h"
#include "cpu/note.h"
#include "mmu/mmu.h"
#include "sim/core/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12

#define PAGES (1u << (32 - PAGE_SHIFT))

enum seen_kind { SEEN_EDGE, SEEN_CODE, SEEN_DATA };
#define SEEN_BITS 2

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
static NOINLINE bool look_up(struct paths *p, uint64_t key)
{
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

/* Mostly it is not: what was asked lately is kept apart, where the host has it at hand. */
static ALWAYS_INLINE bool first_time(struct paths *p, enum seen_kind kind, uint64_t key)
{
    key = key << SEEN_BITS | kind;
    uint32_t at = (uint32_t)(key ^ key >> 11) & (PATHS_RECENT - 1);
    if (LIKELY(p->recent[at].generation == p->generation && p->recent[at].key == key))
        return false;
    p->recent[at].generation = p->generation;
    p->recent[at].key = key;
    return look_up(p, key);
}

static void see_edge(struct paths *p, uint32_t from, uint32_t to)
{
    uint64_t edge = (uint64_t)from << 32 | to;
    if (p->now.depth == 0 && first_time(p, SEEN_EDGE, edge))
        p->now.signature ^= mix(edge);
}

/* The same of what has a number: the instance's own is written there. */
static ALWAYS_INLINE bool first_of(const struct paths *p, uint32_t *number)
{
    if (*number == p->generation)
        return false;
    *number = p->generation;
    return true;
}

/* Lines of memory have numbers, those of devices have not. */
static ALWAYS_INLINE bool first_line(struct paths *p, bool code, uint32_t line)
{
    if (LIKELY(line < p->lines))
        return first_of(p, &p->line[code][line]);
    return first_time(p, code ? SEEN_CODE : SEEN_DATA, line);
}

/* A walk is the reads of its levels, one behind the other. */
static NOINLINE void count_miss(struct paths *p, const struct access *a,
                                const struct access *before)
{
    bool first = !before || before->kind != ACCESS_WALK || before->la != a->la ||
                 (before->flags & ACCESS_CODE_SIDE) != (a->flags & ACCESS_CODE_SIDE);
    bool missed = a->level != LEVEL_L1 && a->level != LEVEL_DEVICE;
    if (a->kind == ACCESS_WALK)
        p->now.misses[a->flags & ACCESS_CODE_SIDE ? PATH_ITLB : PATH_DTLB] += first;
    else if (missed && a->kind != ACCESS_UPDATE)
        p->now.misses[a->kind == ACCESS_FETCH ? PATH_CODE : PATH_DATA]++;
}

/* first: of the log, or of its part that the event is about. */
static void see_accesses(struct paths *p, const struct access *first)
{
    for (uint32_t i = 0; i < p->watch->news_count; i++) {
        const struct access *a = p->watch->news[i];
        bool code = a->kind == ACCESS_FETCH;
        uint32_t line = a->pa >> p->line_shift;
        if (UNLIKELY(a->level != LEVEL_L1) || UNLIKELY(a->kind == ACCESS_WALK))
            count_miss(p, a, a > first ? a - 1 : NULL);
        if (first_line(p, code, line)) {
            uint32_t sets = p->sets[code];
            *(code ? &p->now.code_lines : &p->now.data_lines) += 1;
            *(code ? &p->now.code_sets : &p->now.data_sets) +=
                !sets || first_of(p, &p->set[code][line & (sets - 1)]);
        }
        if (a->kind != ACCESS_WALK)
            p->now.pages += first_of(p, &p->page[a->la >> PAGE_SHIFT]);
    }
}

/* --- the life of an instance ------------------------------------------------------------------ */

static void begin(struct paths *p, const struct cpu *c, uint32_t entry, bool from_idle)
{
    struct path_instance *i = &p->now;
    memset(i, 0, offsetof(struct path_instance, marks)); /* lists are as long as their counts say */
    i->marks.seen = i->marks.count = 0;
    memset(i->cause, 0, sizeof i->cause);
    i->depth = i->symbol_count = i->symbol_last = 0;
    i->open = true;
    i->from_idle = from_idle;
    i->entry = entry;
    i->begin = p->last_now;
    i->from_space = p->spaces->now;
    i->from_thread = p->spaces->thread_now;
    i->resume_eip = p->last_eip;
    i->resume_esp = p->last_esp;
    path_mark(&i->marks, PATH_MARK_ENTERED, c->clock->now - i->begin);
    p->generation++;
    p->begun++;
    watch_forget(p->watch);
    overlap_begin(&p->overlap, i->from_space);
}

/* From idle the thread counts that ran before it: coming back to it is no switch. */
static enum path_end how_it_ends(const struct paths *p, bool idle)
{
    const struct spaces *s = p->spaces;
    if (idle)
        return PATH_ENDS_IDLE;
    if (s->now != (p->now.from_idle ? p->program : p->now.from_space))
        return PATH_ENDS_SPACE;
    if (s->thread_now != (p->now.from_idle ? p->program_thread : p->now.from_thread))
        return PATH_ENDS_SWITCHED;
    return PATH_ENDS_USER;
}

static void end(struct paths *p, const struct cpu *c, bool idle)
{
    const struct spaces *s = p->spaces;
    struct path_instance *i = &p->now;
    enum path_end how = how_it_ends(p, idle);
    path_mark(&i->marks, PATH_MARK_EXIT, p->last_now - i->begin);
    struct path_cluster *k = path_cluster_of(p, i, how);
    p->ended = p->last_cluster = (uint32_t)(k - p->list);
    if (p->off_here)
        p->off_longest.cluster = p->ended;
    p->off_here = false;
    uint64_t cycles = path_cluster_add(p, k, i);
    uint32_t to = idle ? SPACE_KERNEL : s->now;
    path_cluster_pair(k, i->from_space, to, cycles);
    overlap_end(&p->overlap);
    path_cluster_overlap(k, &p->overlap.now);
    irq_latency_ended(&p->latency, c, !idle && (i->from_idle || s->thread_now != i->from_thread));
    round_trips_path(&p->trips, &(struct trip_path){
        .cluster = p->ended, .from_thread = i->from_thread,
        .from_space = i->from_space, .to_thread = s->thread_now, .to_space = to, .cycles = cycles,
        .begin = i->begin, .end = c->clock->now, .idle = idle || i->from_idle});
    if (p->on_end)
        p->on_end(p->on_end_owner, p->ended);
    p->crowded += i->crowded;
    i->open = false;
    watch_forget(p->watch);
}

static NOINLINE void add_other_symbol(struct path_instance *i, uint32_t place, uint32_t cycles)
{
    for (unsigned n = 0; n < i->symbol_count; n++)
        if (i->symbol[n].place == place) {
            i->symbol[n].cycles += cycles;
            i->symbol_last = n;
            return;
        }
    if (i->symbol_count < ARRAY_COUNT(i->symbol)) {
        i->symbol[i->symbol_count].place = place;
        i->symbol[i->symbol_count].cycles = cycles;
        i->symbol_last = i->symbol_count++;
    }
}

static ALWAYS_INLINE void add_symbol(struct path_instance *i, uint32_t place, uint32_t cycles)
{
    if (LIKELY(i->symbol_count) && LIKELY(i->symbol[i->symbol_last].place == place))
        i->symbol[i->symbol_last].cycles += cycles;
    else
        add_other_symbol(i, place, cycles);
}

static uint64_t *flat_account(struct paths *p)
{
    return p->last_cpl == 3 ? &p->user : p->booted ? &p->idle : &p->boot;
}

/* What went by untold since the event before: nothing while privilege 0 runs, after the boot. */
static ALWAYS_INLINE void catch_up(struct paths *p)
{
    const struct watch *h = p->watch;
    if (p->last_cpl != 3 && h->before == p->last_now)
        return;
    *flat_account(p) += h->before - p->last_now;
    if (p->last_cpl == 3)
        p->user_instructions += h->instructions - p->instructions;
    p->last_now = h->before;
}

/* Where the cycles of the instruction that was just priced go. */
static ALWAYS_INLINE void settle(struct paths *p, const struct cpu *c)
{
    const struct watch *h = p->watch;
    uint32_t cycles = (uint32_t)(c->clock->now - h->before);
    if (!p->now.open) {
        p->account = p->last_cpl == 3 ? ACCOUNT_USER : p->booted ? ACCOUNT_IDLE : ACCOUNT_BOOT;
        *flat_account(p) += cycles;
        return;
    }
    p->account = ACCOUNT_INSTANCE;
    for (uint32_t n = 0; n < h->heard->count; n++)
        p->now.cause[h->heard->charge[n].cause] += h->heard->charge[n].cycles;
    add_symbol(&p->now, c->ledger->place, cycles);
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

/* An entry turns them off on the way to the handler's first instruction. */
static void watch_interrupts(struct paths *p, const struct cpu *c, const struct op *o,
                             bool delivery)
{
    bool off = c->cpl == 0 && !(c->eflags & F_IF) && p->booted && !c->halted;
    if (LIKELY(off == (p->off.began != CYCLE_NEVER)))
        return;
    if (off) {
        bool entered = delivery || p->last_cpl == 3;
        laddr_t from = entered ? c->seg[CS].base + c->eip : p->watch->base + o->eip;
        p->off = (struct path_off){.began = p->last_now, .from = from, .cluster = PATHS_NONE};
        return;
    }
    p->off.cycles = c->clock->now - p->off.began;
    p->off.to = p->watch->base + o->eip;
    if (p->off.cycles > p->off_longest.cycles) {
        p->off_longest = p->off;
        p->off_here = p->now.open;
    }
    p->off.began = CYCLE_NEVER;
}

static void enter(struct paths *p, const struct cpu *c, bool delivery)
{
    if (p->last_cpl == 3 && c->cpl == 0)
        begin(p, c, c->ledger->path, false);
    else if (delivery && c->cpl == 0 && !p->now.open && p->booted)
        begin(p, c, PATH_VECTOR + c->delivered, true);
    else if (delivery && p->now.open)
        nest(p);
}

static void leave(struct paths *p, const struct cpu *c, const struct op *o, bool delivery)
{
    if (c->cpl == 3) {
        end(p, c, false);
    } else if (c->halted) {
        end(p, c, true);
    } else if (!delivery && c->branched) {
        bool was_inside = p->now.depth > 0;
        unnest(p, c);
        if (!was_inside)
            see_edge(p, o->eip, c->eip);
        if (p->now.from_idle && !was_inside && c->eip == p->now.resume_eip &&
            c->r[ESP] == p->now.resume_esp)
            end(p, c, true);
    }
}

static NOINLINE void ask(struct paths *p, enum watch_wants wants)
{
    if (p->wants == WATCH_CROSSINGS)
        overlap_look_anew(&p->overlap);
    p->wants = wants;
    watch_wants(p->watch, p, wants);
}

/* Whose program ran last, and where the processor stands. Before the first program runs there is
 * nothing to tell apart; from then on every event in privilege 0 counts, for the instance that is
 * open, or to see the idle loop. */
static ALWAYS_INLINE void remember(struct paths *p, const struct cpu *c, uint32_t eip,
                                   uint32_t instructions)
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
    p->instructions = p->watch->instructions + instructions;
    enum watch_wants wants = !p->booted ? WATCH_CROSSINGS : c->cpl == 3 ? WATCH_NEWS : WATCH_OWN;
    if (UNLIKELY(wants != p->wants))
        ask(p, wants);
}

static ALWAYS_INLINE void see_stack(struct paths *p, const struct cpu *c)
{
    struct path_instance *i = &p->now;
    if (UNLIKELY(c->r[ESP] - p->last_esp + PATH_STACK_JUMP > 2 * PATH_STACK_JUMP) &&
        i->depth == 0 && p->last_cpl == 0 && c->cpl == 0)
        path_mark(&i->marks, PATH_MARK_STACK, c->clock->now - i->begin);
}

/* CR3, and the TLBs' and caches' being emptied. */
static void see_control(struct paths *p, const struct cpu *c)
{
    uint64_t notes = p->watch->notes;
    if (UNLIKELY(c->cr3 != p->last_cr3))
        path_mark(&p->now.marks, PATH_MARK_CR3, c->clock->now - p->now.begin);
    if (LIKELY(notes < 1ull << NOTE_CR3_LOAD))
        return;
    if (notes & (1ull << NOTE_CR3_LOAD | 1ull << NOTE_TLB_DROP))
        overlap_flush(&p->overlap, false);
    else if (notes & 1ull << NOTE_CACHE_FLUSH)
        overlap_flush(&p->overlap, true);
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct paths *p = owner;
    const struct watch *h = p->watch;
    uint8_t before = p->last_cpl;
    p->ended = PATHS_NONE;
    catch_up(p);
    if (p->now.open && !delivery && p->now.depth == 0)
        path_mark_code(&p->now.marks, &p->places, c->seg[CS].base + o->eip,
                       p->last_now - p->now.begin);
    enter(p, c, delivery);
    settle(p, c);
    watch_interrupts(p, c, o, delivery);
    if (h->news_count && before == 3 && c->cpl == 3)
        overlap_user(&p->overlap, p->spaces->now, h->news, h->news_count);
    else if (h->news_count)
        overlap_kernel(&p->overlap, h->news, h->news_count);
    if (delivery)
        irq_latency_delivered(&p->latency, c);
    if (p->now.open) {
        p->now.instructions += !delivery;
        p->now.cr3_writes += c->cr3 != p->last_cr3;
        if (h->news_count)
            see_accesses(p, c->log.list);
        see_stack(p, c);
        if (!delivery)
            see_control(p, c);
        leave(p, c, o, delivery);
    }
    if (!delivery && before == 3)
        p->user_instructions++;
    remember(p, c, c->eip, !delivery);
}

/* Simple instructions: no entry, no exit, interrupts as before. */
static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    struct paths *p = owner;
    const struct op *last = &r->first[r->count - 1];
    const struct watch *h = p->watch;
    p->ended = PATHS_NONE;
    catch_up(p);
    if (p->last_cpl == 3) {
        settle(p, c);
        overlap_user(&p->overlap, p->spaces->now, h->news, h->news_count);
        p->user_instructions += r->count;
    } else if (p->now.open) {
        if (p->now.depth == 0)
            path_mark_code(&p->now.marks, &p->places, c->seg[CS].base + r->first->eip,
                           p->last_now - p->now.begin);
        settle(p, c);
        p->now.instructions += r->count;
        if (h->news_count) {
            overlap_kernel(&p->overlap, h->news, h->news_count);
            see_accesses(p, c->log.list + r->mark[0]);
        }
        see_stack(p, c);
        if (r->branched)
            leave(p, c, last, false);
    } else {
        settle(p, c);
    }
    remember(p, c, r->branched ? c->eip : last->next_eip, r->count);
}

struct path_accounts paths_accounts(const struct paths *p)
{
    const struct watch *h = p->watch;
    struct paths now = *p;
    catch_up(&now);
    struct path_accounts a = {.boot = now.boot, .user = now.user, .idle = now.idle,
                              .user_instructions = now.user_instructions};
    for (int c = 0; p->now.open && c < CAUSE_COUNT; c++)
        a.unfinished += p->now.cause[c];
    for (uint32_t n = 0; n < h->heard->count; n++)
        a.unfinished += h->heard->charge[n].cycles;
    return a;
}

static void number_lines(struct paths *p, const struct mmu *m)
{
    const struct cache *cache[] = {&m->l1d, &m->l1i};
    p->line_shift = m->l1d.line_shift;
    p->lines = m->phys.size >> p->line_shift;
    p->page = xalloc_table(PAGES, sizeof *p->page);
    for (unsigned code = 0; code < 2; code++) {
        p->sets[code] = cache[code]->sets;
        p->set[code] = xalloc(p->sets[code] + 1, sizeof *p->set[code]);
        p->line[code] = xalloc_table(p->lines, sizeof *p->line[code]);
    }
}

void paths_start(struct paths *p, const struct spaces *s, struct watch *h, struct cpu *c)
{
    memset(p, 0, sizeof *p);
    p->cpu = c;
    p->spaces = s;
    p->watch = h;
    p->seen = xalloc(PATHS_EDGES, sizeof *p->seen);
    number_lines(p, c->mmu);
    p->generation = 1;
    p->start = p->last_now = c->clock->now;
    p->last_cpl = c->cpl;
    p->last_cr3 = c->cr3;
    p->last_eip = c->eip;
    p->last_esp = c->r[ESP];
    p->booted = c->ledger->path != PATH_BOOT;
    p->off.began = CYCLE_NEVER;
    p->program = s->now;
    p->program_thread = s->thread_now;
    round_trips_init(&p->trips, c->clock->now);
    irq_latency_init(&p->latency);
    overlap_init(&p->overlap, c);
    watch_add_runs(h, c, (struct watcher){.priced = priced, .owner = p}, run);
    p->wants = WATCH_OWN;
    watch_wants(h, p, p->wants);
    p->instructions = h->instructions;
}

void paths_free(struct paths *p, struct watch *h)
{
    watch_remove(h, p);
    path_clusters_free(p);
    free(p->slot);
    free(p->seen);
    free(p->page);
    for (unsigned code = 0; code < 2; code++) {
        free(p->set[code]);
        free(p->line[code]);
    }
    free(p->rule_phases);
    round_trips_free(&p->trips);
    irq_latency_free(&p->latency);
    overlap_free(&p->overlap);
}
