/* laws_history: going back is exact. A run visits random places; then it goes back and on between
 * them, steps back and forth, and runs back to breakpoints and watchpoints: each place is come to
 * with the hash of its first visit, no hit on the way is passed over, and the run ends as one that
 * only went on does, each character sent once. */
#include "sim/replay/history.h"
#include "tests/property/laws.h"

#define PLACES 12
#define MOVES  14

struct visit {
    struct history_place at;
    uint64_t hash;
    laddr_t la;
    laddr_t stack;
};

struct traveller {
    struct law *law;
    struct history *history;
    struct visit visits[PLACES];
    unsigned count;
    struct random *r;
    struct verdict *v;
};

static laddr_t here_la(const struct cpu *c) { return c->seg[CS].base + c->eip; }

static void expect_place(struct traveller *t, const char *what, struct history_place at,
                         uint64_t hash)
{
    struct history_place here = history_here(t->history);
    uint64_t now = machine_hash(t->law->m);
    if (here.cycle != at.cycle || here.instructions != at.instructions)
        verdict_fail(t->v, "%s: at cycle %" PRIu64 ", instruction %" PRIu64 ", not %" PRIu64
                     ", %" PRIu64, what, here.cycle, here.instructions, at.cycle, at.instructions);
    else if (now != hash)
        verdict_fail(t->v, "%s: at cycle %" PRIu64 " hash %016" PRIx64 ", first %016" PRIx64, what,
                     at.cycle, now, hash);
}

static struct visit visit(struct traveller *t)
{
    const struct cpu *c = t->law->m->cpu;
    history_settle(t->history);
    return (struct visit){history_here(t->history), machine_hash(t->law->m), here_la(c),
                          c->seg[SS].base + c->r[ESP]};
}

/* Onwards to random cycles, some of them a few instructions apart. */
static void explore(struct traveller *t, cycle_t length)
{
    for (unsigned i = 0; i < PLACES; i++) {
        cycle_t now = t->law->m->clock.now;
        if (!law_run_to(t->law, now + 1 + law_below(t->r, (length - now) / 4 + 1)))
            return;
        for (unsigned n = random_below(t->r, 6); n; n--)
            machine_step(t->law->m);
        t->visits[t->count++] = visit(t);
    }
}

static void go_to_visit(struct traveller *t)
{
    const struct visit *to = &t->visits[random_below(t->r, t->count)];
    history_goto(t->history, to->at);
    expect_place(t, "goto", to->at, to->hash);
}

/* A few steps back, and as many on as it takes. */
static void step_back_and_on(struct traveller *t)
{
    struct visit from = visit(t);
    for (unsigned n = 1 + random_below(t->r, 5); n; n--) {
        struct history_place before = history_here(t->history);
        bool moved = history_step_back(t->history);
        if (moved != place_before(history_here(t->history), before))
            verdict_fail(t->v, "a step back from cycle %" PRIu64 " says %d", before.cycle, moved);
    }
    while (place_before(history_here(t->history), from.at) && t->law->m->end == END_STOPPED)
        machine_step(t->law->m);
    history_settle(t->history);
    if (!t->law->m->cpu->rep_running)
        expect_place(t, "on again", from.at, from.hash);
}

/* The next stop on the way on; CYCLE_NEVER: the run ends before it. */
static struct history_place next_stop(struct traveller *t)
{
    machine_run(t->law->m);
    t->law->m->cpu->watches.hit = false;
    return t->law->m->end == END_STOPPED ? history_here(t->history)
                                         : (struct history_place){CYCLE_NEVER, 0};
}

static void back_to_break(struct traveller *t)
{
    struct cpu *c = t->law->m->cpu;
    laddr_t la = t->visits[random_below(t->r, t->count)].la;
    struct history_place from = history_here(t->history);
    cpu_break_add(c, la);
    enum history_back how = history_continue_back(t->history);
    struct history_place here = history_here(t->history);
    if (how == HISTORY_BREAK && (here_la(c) != la || !place_before(here, from)))
        verdict_fail(t->v, "back to a breakpoint at %08x: at %08x, cycle %" PRIu64, la, here_la(c),
                     here.cycle);
    if (how == HISTORY_WATCH)
        verdict_fail(t->v, "a watchpoint that nobody has set");
    if (place_before(next_stop(t), from))
        verdict_fail(t->v, "a breakpoint at %08x was passed over going back from cycle %" PRIu64
                     " to %" PRIu64, la, from.cycle, here.cycle);
    cpu_break_remove(c, la);
    history_goto(t->history, from);
}

static void back_to_watch(struct traveller *t)
{
    struct cpu *c = t->law->m->cpu;
    struct cpu_watch watch = {t->visits[random_below(t->r, t->count)].stack - 4, 4, false, true};
    struct history_place from = history_here(t->history);
    if (!cpu_watch_add(c, watch))
        return;
    enum history_back how = history_continue_back(t->history);
    struct history_place here = history_here(t->history);
    if (how == HISTORY_WATCH && !place_before(here, from))
        verdict_fail(t->v, "back to a watchpoint went on, to cycle %" PRIu64, here.cycle);
    c->watches.hit = false;
    struct history_place first = next_stop(t);
    if (how == HISTORY_WATCH && place_before(from, first))
        verdict_fail(t->v, "at cycle %" PRIu64 " nothing is written", here.cycle);
    struct history_place second = how == HISTORY_WATCH ? next_stop(t) : first;
    if (!place_before(from, second))
        verdict_fail(t->v, "a write at cycle %" PRIu64 " was passed over going back from %" PRIu64
                     " to %" PRIu64, second.cycle, from.cycle, here.cycle);
    cpu_watch_remove(c, watch);
    history_goto(t->history, from);
}

static void move(struct traveller *t)
{
    switch (random_below(t->r, 5)) {
    case 0:
    case 1: go_to_visit(t); break;
    case 2: step_back_and_on(t); break;
    case 3: back_to_break(t); break;
    default: back_to_watch(t); break;
    }
}

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    struct law *plain = law_new(o, model), *there = law_new(o, model);
    struct traveller t = {.law = there, .history = history_new(there->m, NULL), .r = r, .v = v};
    history_keep_every(t.history, length / (3 + random_below(r, 30)) + 1);
    explore(&t, length);
    for (unsigned i = 0; i < MOVES && !v->failed && t.count; i++) {
        go_to_visit(&t);
        move(&t);
    }
    there->m->end = END_NONE;
    law_run_to_end(there, v);
    law_run_to_end(plain, v);
    law_expect_same(v, "the end", there, plain);
    history_free(t.history);
    law_free(plain);
    law_free(there);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_history", (struct law_options){.seeds = 8, .rounds = 1}, law);
}
