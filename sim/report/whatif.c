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

struct charge {
    enum cause cause;
    cycle_t cycles;
};

/* The run itself has only the sums, and charges of the instruction that is not told of yet. */
struct whatif_run {
    unsigned bits;
    struct cpu *cpu; /* runs nothing: what its model is shown */
    struct shadow shadow;
    bool shadowed;   /* else its caches are the machine's */
    struct clock clock;
    cycle_t start;
    struct ledger ledger;
    uint64_t row[CAUSE_COUNT], mark[CAUSE_COUNT]; /* so far, and when the stretch began */
    struct charge pending[CAUSE_COUNT];
    unsigned pending_count;
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

static void start_run(struct whatif_run *r, const struct cpu *c)
{
    r->cpu = xalloc(1, sizeof *r->cpu);
    r->cpu->identity = c->identity;
    r->shadowed = needs_shadow(r->bits);
    if (r->shadowed)
        shadow_init(&r->shadow, c, shadow_bits(r->bits), &r->cpu->log);
    r->cpu->mmu = r->shadowed ? &r->shadow.mmu : c->mmu;
    r->clock.now = r->start = c->clock->now;
    r->ledger.clock = &r->clock;
    r->ledger.row = r->row;
    r->cpu->clock = &r->clock;
    r->cpu->ledger = &r->ledger;
    r->cpu->model = c->model->twin(c->model, r->cpu, model_bits(r->bits));
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

static void take_pending(struct whatif_run *base)
{
    for (unsigned i = 0; i < base->pending_count; i++)
        base->row[base->pending[i].cause] += base->pending[i].cycles;
    base->pending_count = 0;
}

/* What the model reads of a processor beside log and instruction. */
static void show_state(struct cpu *to, const struct cpu *c)
{
    to->eip = c->eip;
    to->cpl = c->cpl;
    to->branched = c->branched;
    to->rep_running = c->rep_running;
    to->r[EAX] = c->r[EAX];
    to->seg[CS].base = c->seg[CS].base;
    to->x87.top = c->x87.top;
    to->x87.control = c->x87.control;
}

static void price(struct whatif_run *r, const struct cpu *c, const struct op *o, bool delivery)
{
    struct cpu *to = r->cpu;
    show_state(to, c);
    if (r->shadowed) {
        shadow_meet(&r->shadow, c, o, delivery);
    } else {
        to->log.count = c->log.count;
        memcpy(to->log.list, c->log.list, c->log.count * sizeof *c->log.list);
    }
    if (UNLIKELY(delivery))
        to->model->price_delivery(to->model, to, o);
    else
        to->model->price(to->model, to, o);
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct whatif *w = owner;
    go_to(w, w->paths->account);
    take_pending(w->runs[0]);
    for (unsigned i = 1; i < w->count; i++)
        price(w->runs[i], c, o, delivery);
    if (UNLIKELY(w->paths->ended != PATHS_NONE)) {
        settle(w, WHATIF_CLUSTERS + w->paths->ended);
        w->counts[WHATIF_CLUSTERS + w->paths->ended]++;
    }
}

/* HLT waits for an event of the recorded run: everywhere as long. */
static void halt(struct whatif *w, cycle_t cycles)
{
    go_to(w, w->paths->now.open ? ACCOUNT_INSTANCE
             : w->paths->booted ? ACCOUNT_IDLE
                                : ACCOUNT_BOOT);
    w->runs[0]->row[CAUSE_HALTED] += cycles;
    for (unsigned i = 1; i < w->count; i++)
        ledger_charge(&w->runs[i]->ledger, CAUSE_HALTED, cycles, QUALITY_READ);
}

static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct whatif *w = owner;
    struct whatif_run *base = w->runs[0];
    if (cause == CAUSE_HALTED) {
        halt(w, cycles);
        return;
    }
    for (unsigned i = 0; i < base->pending_count; i++)
        if (base->pending[i].cause == cause) {
            base->pending[i].cycles += cycles;
            return;
        }
    base->pending[base->pending_count++] = (struct charge){cause, cycles};
}

/* --- begin and end ---------------------------------------------------------------------------- */

void whatif_start(struct whatif *w, struct watch *h, struct cpu *c, const struct paths *paths)
{
    CHECK(w->count > 1);
    w->cpu = c;
    w->paths = paths;
    w->start = c->clock->now;
    w->account = NOWHERE;
    make_room(w, WHATIF_CLUSTERS);
    for (unsigned i = 1; i < w->count; i++)
        start_run(w->runs[i], c);
    watch_add(h, c, (struct watcher){.priced = priced, .charged = charged, .owner = w});
}

void whatif_count_from_here(struct whatif *w)
{
    take_pending(w->runs[0]);
    w->start = w->cpu->clock->now;
    w->account = NOWHERE;
    memset(w->counts, 0, w->accounts * sizeof *w->counts);
    memset(w->sums, 0, (size_t)w->accounts * w->count * CAUSE_COUNT * sizeof *w->sums);
    for (unsigned i = 0; i < w->count; i++) {
        struct whatif_run *r = w->runs[i];
        memcpy(r->mark, r->row, sizeof r->mark);
        r->start = r->clock.now;
    }
}

void whatif_stop(struct whatif *w, struct watch *h)
{
    watch_remove(h, w);
    take_pending(w->runs[0]);
    if (w->account != NOWHERE)
        settle(w, w->account);
    CHECK(whatif_total(w, 0) == w->cpu->clock->now - w->start);
    for (unsigned i = 1; i < w->count; i++)
        CHECK(whatif_total(w, i) == w->runs[i]->clock.now - w->runs[i]->start);
}

void whatif_free(struct whatif *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        struct whatif_run *r = w->runs[i];
        if (r->cpu)
            r->cpu->model->free(r->cpu->model);
        if (r->shadowed)
            shadow_free(&r->shadow);
        free(r->cpu);
        free(r);
    }
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
