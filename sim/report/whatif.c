#include "sim/report/whatif.h"

#include "cpu/model.h"
#include "sim/core/check.h"
#include "sim/report/shadow.h"

#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX

const struct whatif_kind whatif_kinds[] = {
    {"tagged", "TLB entries have their page directory's number and survive writes to CR3",
     WHATIF_TAGGED},
    {"tlb", "no TLB ever misses", WHATIF_TLB},
    {"full", "caches of the same size without conflicts: fully associative, true LRU",
     WHATIF_FULL},
    {"ways", "caches with twice the ways in the same sets", WHATIF_WAYS},
    {"size", "caches with twice the sets of the same ways", WHATIF_SIZE},
    {"l1", "the first-level caches never miss, nor do page walks miss them", WHATIF_L1},
    {"l2", "the second-level cache never misses", WHATIF_L2},
    {"predict", "no branch is mispredicted", WHATIF_PREDICT},
    {"entry", "the processor's own clocks of entering and leaving the kernel are none",
     WHATIF_ENTRY},
    {"stores", "no store waits: for a write buffer, or for stores before it", WHATIF_STORES},
    {"same", "nothing: with caches and TLBs of its own it comes to the run's own cycles",
     WHATIF_RELOADED},
};
const unsigned whatif_kind_count = ARRAY_COUNT(whatif_kinds);

/* A processor that runs nothing: what models are shown. It is lent to one alternative after the
 * other, for a dozen of them would not stay in the host's nearest cache. */
struct whatif_shell {
    struct clock clock;
    struct ledger ledger;
    struct cpu cpu;
};

/* The run itself has only the sums. */
struct whatif_run {
    unsigned bits;
    bool shadowed; /* else its caches are the machine's */
    struct model *model;
    struct mmu *mmu;
    cycle_t now, start;
    uint64_t row[CAUSE_COUNT], mark[CAUSE_COUNT]; /* so far, and when the stretch began */
    struct shadow shadow;
};

/* --- life ------------------------------------------------------------------------------------- */

void whatif_init(struct whatif *w)
{
    memset(w, 0, sizeof *w);
    whatif_add(w, 0);
}

unsigned whatif_add(struct whatif *w, unsigned bits)
{
    CHECK(w->count < WHATIF_RUNS_MAX);
    w->runs[w->count] = xalloc(1, sizeof *w->runs[0]);
    w->runs[w->count]->bits = bits;
    return w->count++;
}

static unsigned shadow_bits(unsigned bits)
{
    static const unsigned map[][2] = {
        {WHATIF_TAGGED, SHADOW_TAGGED}, {WHATIF_TLB, SHADOW_TLB},   {WHATIF_FULL, SHADOW_FULL},
        {WHATIF_WAYS, SHADOW_WAYS},     {WHATIF_SIZE, SHADOW_SIZE}, {WHATIF_L1, SHADOW_L1},
        {WHATIF_L2, SHADOW_L2},         {WHATIF_RELOADED, SHADOW_RELOADED},
    };
    unsigned ideal = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(map); i++)
        ideal |= bits & map[i][0] ? map[i][1] : 0;
    return ideal;
}

static unsigned model_bits(unsigned bits)
{
    return (bits & WHATIF_PREDICT ? MODEL_IDEAL_PREDICTION : 0u) |
           (bits & WHATIF_ENTRY ? MODEL_IDEAL_ENTRY : 0u) |
           (bits & WHATIF_STORES ? MODEL_IDEAL_STORES : 0u);
}

/* What only the model makes ideal leaves the caches as they are. */
static bool needs_shadow(unsigned bits)
{
    return !(bits & (WHATIF_PREDICT | WHATIF_ENTRY | WHATIF_STORES)) || shadow_bits(bits);
}

static void start_shell(struct whatif *w, const struct cpu *c)
{
    struct whatif_shell *s = w->shell = xalloc(1, sizeof *s);
    s->ledger.clock = &s->clock;
    s->cpu.identity = c->identity;
    s->cpu.clock = &s->clock;
    s->cpu.ledger = &s->ledger;
}

static void lend(struct whatif_shell *s, struct whatif_run *r)
{
    s->clock.now = r->now;
    s->ledger.row = r->row;
    s->cpu.mmu = r->mmu;
}

static void start_run(struct whatif *w, struct whatif_run *r, struct cpu *c)
{
    r->shadowed = needs_shadow(r->bits);
    if (r->shadowed)
        shadow_init(&r->shadow, c, shadow_bits(r->bits), &w->shell->cpu.log);
    r->mmu = r->shadowed ? &r->shadow.mmu : c->mmu;
    r->now = r->start = c->clock->now;
    lend(w->shell, r);
    r->model = c->model->twin(c->model, &w->shell->cpu, model_bits(r->bits));
}

/* --- accounts --------------------------------------------------------------------------------- */

static uint64_t *cell(const struct whatif *w, unsigned account, unsigned run)
{
    return w->sums + ((size_t)account * w->count + run) * CAUSE_COUNT;
}

static void make_room(struct whatif *w, unsigned account)
{
    unsigned accounts = w->accounts ? w->accounts : 64;
    while (accounts <= account)
        accounts *= 2;
    if (accounts == w->accounts)
        return;
    size_t row = (size_t)w->count * CAUSE_COUNT;
    uint64_t *sums = xalloc(accounts * row, sizeof *sums);
    if (w->sums)
        memcpy(sums, w->sums, w->accounts * row * sizeof *sums);
    uint64_t *counts = xalloc(accounts, sizeof *counts);
    if (w->counts)
        memcpy(counts, w->counts, w->accounts * sizeof *counts);
    free(w->sums);
    free(w->counts);
    w->sums = sums;
    w->counts = counts;
    w->accounts = accounts;
}

/* The stretch ends: what it took goes to the account. */
static void settle(struct whatif *w, unsigned account)
{
    make_room(w, account);
    for (unsigned i = 0; i < w->count; i++) {
        struct whatif_run *r = w->runs[i];
        uint64_t *sums = cell(w, account, i);
        for (unsigned k = 0; k < CAUSE_COUNT; k++)
            sums[k] += r->row[k] - r->mark[k];
        memcpy(r->mark, r->row, sizeof r->mark);
    }
    w->account = NOWHERE;
}

/* What comes now belongs to the account; another instance is another stretch. */
static void go_to(struct whatif *w, unsigned account)
{
    bool another = account == ACCOUNT_INSTANCE && w->begun != w->paths->begun;
    if (LIKELY(account == w->account) && !another)
        return;
    if (w->account != NOWHERE)
        settle(w, w->account);
    w->account = account;
    w->begun = w->paths->begun;
}

/* --- what the watch tells --------------------------------------------------------------------- */

/* HLT waits for an event of the recorded run: everywhere as long. What waits is no event of the
 * watch, but comes before one. */
static void halt(struct whatif *w, cycle_t until)
{
    cycle_t cycles = until - w->last_now;
    if (LIKELY(!cycles))
        return;
    go_to(w, w->halted);
    w->runs[0]->row[CAUSE_HALTED] += cycles;
    for (unsigned i = 1; i < w->count; i++) {
        w->runs[i]->row[CAUSE_HALTED] += cycles;
        w->runs[i]->now += cycles;
    }
    w->last_now = until;
}

static unsigned halting_account(const struct paths *p)
{
    return p->now.open ? ACCOUNT_INSTANCE : p->booted ? ACCOUNT_IDLE : ACCOUNT_BOOT;
}

/* An event begins, whose charges are the run's. */
static void begin_event(struct whatif *w)
{
    const struct watch *h = w->watch;
    uint64_t *row = w->runs[0]->row;
    halt(w, h->before);
    go_to(w, w->paths->account);
    for (uint32_t i = 0; i < h->heard->count; i++)
        row[h->heard->charge[i].cause] += h->heard->charge[i].cycles;
}

static void end_event(struct whatif *w, const struct cpu *c)
{
    const struct paths *p = w->paths;
    if (UNLIKELY(p->ended != PATHS_NONE)) {
        settle(w, WHATIF_CLUSTERS + p->ended);
        w->counts[WHATIF_CLUSTERS + p->ended]++;
    }
    w->last_now = c->clock->now;
    w->halted = halting_account(p);
}

/* What the model reads of a processor beside log and instruction. */
static void show_state(struct cpu *to, const struct cpu *c, uint32_t eip, bool branched)
{
    to->eip = eip;
    to->cpl = c->cpl;
    to->branched = branched;
    to->rep_running = c->rep_running;
    to->r[EAX] = c->r[EAX];
    to->seg[CS].base = c->seg[CS].base;
    to->x87.top = c->x87.top;
    to->x87.control = c->x87.control;
}

static void show_log(struct cpu *to, const struct access *a, const struct access *end)
{
    to->log.count = (uint32_t)(end - a);
    memcpy(to->log.list, a, to->log.count * sizeof *a);
}

/* Prices o, whose part of the log is [a, end). as_is: the alternative's caches would have written
 * the same; *shown: its model has been shown that already. */
static void price(struct whatif_run *r, struct cpu *to, const struct cpu *c, const struct op *o,
                  const struct access *a, const struct access *end, bool as_is, bool *shown,
                  bool delivery)
{
    if (!as_is)
        shadow_meet(&r->shadow, c, o, a, end, delivery);
    else if (!*shown)
        show_log(to, a, end);
    *shown = as_is;
    if (UNLIKELY(delivery))
        r->model->price_delivery(r->model, to, o);
    else
        r->model->price(r->model, to, o);
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct whatif *w = owner;
    struct whatif_shell *s = w->shell;
    const struct access *list = c->log.list, *end = list + c->log.count;
    bool plain = w->watch->hits && !delivery, shown = false;
    begin_event(w);
    show_state(&s->cpu, c, c->eip, c->branched);
    for (unsigned i = 1; i < w->count; i++) {
        struct whatif_run *r = w->runs[i];
        lend(s, r);
        bool hits = !r->shadowed || (plain && shadow_hits(&r->shadow, c, o, list, end));
        price(r, &s->cpu, c, o, list, end, hits, &shown, delivery);
        r->now = s->clock.now;
    }
    end_event(w, c);
}

/* hits: all accesses are hits in the alternative's caches, too. */
static NOINLINE void price_singly(struct whatif_run *r, struct cpu *to, const struct cpu *c,
                                  const struct priced_run *run, bool hits)
{
    const struct access *list = c->log.list;
    for (uint32_t i = 0; i < run->count; i++) {
        bool shown = false;
        to->branched = i == run->count - 1 && run->branched;
        to->eip = to->branched ? c->eip : run->first[i].next_eip;
        price(r, to, c, &run->first[i], list + run->mark[i], list + run->mark[i + 1], hits, &shown,
              false);
    }
}

static void run_priced(void *owner, const struct cpu *c, const struct priced_run *run)
{
    struct whatif *w = owner;
    struct whatif_shell *s = w->shell;
    const struct access *list = c->log.list, *end = list + run->mark[run->count];
    uint32_t eip = run->branched ? c->eip : run->first[run->count - 1].next_eip;
    begin_event(w);
    show_state(&s->cpu, c, eip, run->branched);
    for (unsigned i = 1; i < w->count; i++) {
        struct whatif_run *r = w->runs[i];
        struct model *m = r->model;
        lend(s, r);
        bool hits = !r->shadowed || shadow_hits(&r->shadow, c, NULL, list, end);
        if (!hits || !m->price_run || !m->price_run(m, &s->cpu, run, list))
            price_singly(r, &s->cpu, c, run, hits);
        r->now = s->clock.now;
    }
    end_event(w, c);
}

/* --- begin and end ---------------------------------------------------------------------------- */

void whatif_start(struct whatif *w, struct watch *h, struct cpu *c, const struct paths *paths)
{
    CHECK(w->count > 1);
    w->cpu = c;
    w->paths = paths;
    w->watch = h;
    w->start = w->last_now = c->clock->now;
    w->halted = halting_account(paths);
    w->account = NOWHERE;
    make_room(w, WHATIF_CLUSTERS);
    start_shell(w, c);
    for (unsigned i = 1; i < w->count; i++)
        start_run(w, w->runs[i], c);
    watch_add_runs(h, c, (struct watcher){.priced = priced, .owner = w}, run_priced);
}

void whatif_count_from_here(struct whatif *w)
{
    halt(w, w->cpu->clock->now);
    w->start = w->cpu->clock->now;
    w->account = NOWHERE;
    memset(w->counts, 0, w->accounts * sizeof *w->counts);
    memset(w->sums, 0, (size_t)w->accounts * w->count * CAUSE_COUNT * sizeof *w->sums);
    for (unsigned i = 0; i < w->count; i++) {
        struct whatif_run *r = w->runs[i];
        memcpy(r->mark, r->row, sizeof r->mark);
        r->start = r->now;
    }
}

void whatif_stop(struct whatif *w, struct watch *h)
{
    watch_remove(h, w);
    halt(w, w->cpu->clock->now);
    if (w->account != NOWHERE)
        settle(w, w->account);
    CHECK(whatif_total(w, 0) == w->cpu->clock->now - w->start);
    for (unsigned i = 1; i < w->count; i++)
        CHECK(whatif_total(w, i) == w->runs[i]->now - w->runs[i]->start);
}

void whatif_free(struct whatif *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        struct whatif_run *r = w->runs[i];
        if (r->model)
            r->model->free(r->model);
        if (r->shadowed)
            shadow_free(&r->shadow);
        free(r);
    }
    free(w->shell);
    free(w->sums);
    free(w->counts);
}

/* --- what came of it -------------------------------------------------------------------------- */

const uint64_t *whatif_causes(const struct whatif *w, unsigned account, unsigned run)
{
    CHECK(account < w->accounts && run < w->count);
    return cell(w, account, run);
}

uint64_t whatif_cycles(const struct whatif *w, unsigned account, unsigned run)
{
    uint64_t sum = 0;
    if (account >= w->accounts) /* nothing has been charged to it */
        return 0;
    for (unsigned k = 0; k < CAUSE_COUNT; k++)
        sum += cell(w, account, run)[k];
    return sum;
}

void whatif_tally(struct whatif *w, struct whatif_tally *t)
{
    memset(t, 0, sizeof *t);
    if (w->account != NOWHERE)
        settle(w, w->account);
    for (unsigned a = 0; a < w->accounts; a++)
        for (unsigned k = 0; k < CAUSE_COUNT; k++)
            *(a == ACCOUNT_USER ? &t->user[k] : &t->elsewhere[k]) += cell(w, a, 0)[k];
    for (unsigned run = 0; run < w->count; run++)
        t->cycles[run] = whatif_total(w, run);
}

uint64_t whatif_total(const struct whatif *w, unsigned run)
{
    uint64_t sum = 0;
    for (unsigned a = 0; a < w->accounts; a++)
        sum += whatif_cycles(w, a, run);
    return sum;
}
