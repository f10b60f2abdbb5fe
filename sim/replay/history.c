#include "sim/replay/history.h"

#include "cpu/run.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define EVERY_TIMED ((cycle_t)12000000) /* cycles between kept states: about as long to live */
#define EVERY_FLAT  ((cycle_t)40000000) /* again on either kind of model, under half a second */
#define KEPT_MAX 128    /* then every second one goes */
#define NEAR_MAX 24     /* states kept close to where somebody steps back */
#define WINDOW   4096u  /* cycles to step through for the boundary before a place */
#define INPUTS_MIN 64
#define ASK_CYCLES ((cycle_t)2000000)

/* A page of memory, shared by the states in which it is the same. */
struct page {
    uint32_t uses;
    uint8_t bytes[PAGE];
};

struct checkpoint {
    struct history_place at;
    bool near;
    uint64_t serial;     /* in the order of taking */
    uint8_t *state;      /* all but memory */
    size_t size;
    struct page **pages; /* NULL: all zeros */
    uint32_t path;       /* the ledger's */
    uint64_t told;       /* what had left the machine */
    size_t next_input;
    struct replay_cursor cursor;
};

struct history {
    struct machine *machine;
    struct replay *replay;
    struct machine_host host; /* who listens */
    uint64_t told, told_most; /* characters and codes that left the machine: now, and ever */
    struct history_place start; /* when history_new was called: before it nobody listened */
    bool jumped;                /* into a state of the trace: what was told there is not known */
    struct history_place heard; /* then nothing up to here is told again */
    struct checkpoint *list;  /* in the order of time */
    size_t count, capacity, page_count;
    uint64_t serial;
    cycle_t every;
    struct event keep_event, stop_event, input_event, ask_event;
    struct trace_input *inputs; /* of a live run */
    size_t input_count, input_capacity, next_input;
    bool (*gives_up)(void *owner);
    void *gives_up_owner;
    bool given_up;
};

struct history_place history_here(const struct history *h)
{
    return (struct history_place){h->machine->clock.now, h->machine->cpu->instructions};
}

/* --- what leaves the machine ------------------------------------------------------------------ */

/* Whether this is the first time. */
static bool tell(struct history *h)
{
    struct history_place here = history_here(h);
    if (!place_before(h->start, here))
        return false;
    bool later = place_before(h->heard, here);
    bool fresh = h->jumped ? later : ++h->told > h->told_most;
    if (later)
        h->heard = here;
    if (h->told > h->told_most)
        h->told_most = h->told;
    return fresh;
}

static void tell_serial(void *owner, int port, uint8_t byte)
{
    struct history *h = owner;
    if (tell(h) && h->host.serial)
        h->host.serial(h->host.owner, port, byte);
}

static void tell_post(void *owner, uint8_t code)
{
    struct history *h = owner;
    if (tell(h) && h->host.post)
        h->host.post(h->host.owner, code);
}

static void tell_speaker(void *owner, bool on)
{
    struct history *h = owner;
    if (tell(h) && h->host.speaker)
        h->host.speaker(h->host.owner, on);
}

/* --- kept states ------------------------------------------------------------------------------ */

static bool all_zero(const uint8_t *p)
{
    static const uint8_t zero[PAGE];
    return memcmp(p, zero, PAGE) == 0;
}

static void drop_page(struct page *p)
{
    if (p && --p->uses == 0)
        free(p);
}

static void drop(struct history *h, size_t i)
{
    struct checkpoint *k = &h->list[i];
    for (size_t n = 0; n < h->page_count; n++)
        drop_page(k->pages[n]);
    free(k->pages);
    free(k->state);
    h->count--;
    memmove(k, k + 1, (h->count - i) * sizeof *k);
}

/* The page of memory at p, shared with the neighbour's if it is the same. */
static struct page *keep_page(const uint8_t *p, struct page *neighbour)
{
    if (neighbour && memcmp(neighbour->bytes, p, PAGE) == 0) {
        neighbour->uses++;
        return neighbour;
    }
    if (all_zero(p))
        return NULL;
    struct page *page = xalloc(1, sizeof *page);
    page->uses = 1;
    memcpy(page->bytes, p, PAGE);
    return page;
}

/* How many states there are at or before a place. */
static size_t states_up_to(const struct history *h, struct history_place place)
{
    size_t n = h->count;
    while (n && place_before(place, h->list[n - 1].at))
        n--;
    return n;
}

static void drop_oldest_near(struct history *h)
{
    size_t near = 0, oldest = h->count;
    for (size_t i = 0; i < h->count; i++) {
        if (!h->list[i].near)
            continue;
        near++;
        if (oldest == h->count || h->list[i].serial < h->list[oldest].serial)
            oldest = i;
    }
    if (near > NEAR_MAX)
        drop(h, oldest);
}

/* Every second of the others goes when there are too many; those to come are further apart. */
static void thin_out(struct history *h)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++)
        kept += !h->list[i].near;
    if (kept <= KEPT_MAX)
        return;
    h->every *= 2;
    bool odd = false;
    for (size_t i = 0; i < h->count;) {
        bool goes = !h->list[i].near && odd;
        odd ^= !h->list[i].near;
        if (goes)
            drop(h, i);
        else
            i++;
    }
}

static void keep_parts(struct history *h, struct checkpoint *k)
{
    struct snap s;
    snap_begin_save(&s);
    machine_snapshot_but_ram(h->machine, &s);
    k->state = xalloc(s.size, 1);
    memcpy(k->state, s.data, s.size);
    k->size = s.size;
    snap_free(&s);
}

/* Keeps the machine as it is here. */
static void keep(struct history *h, bool near)
{
    struct checkpoint k = {.at = history_here(h), .near = near, .serial = h->serial++,
                           .path = h->machine->ledger.path, .told = h->told,
                           .next_input = h->next_input};
    size_t at = states_up_to(h, k.at);
    if (at && !place_before(h->list[at - 1].at, k.at))
        return; /* there is one */
    if (h->replay)
        k.cursor = replay_cursor(h->replay);
    keep_parts(h, &k);
    k.pages = xalloc(h->page_count, sizeof *k.pages);
    for (size_t i = 0; i < h->page_count; i++)
        k.pages[i] = keep_page(h->machine->phys.ram + i * PAGE,
                               at ? h->list[at - 1].pages[i] : NULL);
    if (h->count == h->capacity) {
        h->capacity = h->capacity * 2 + 64;
        h->list = realloc(h->list, h->capacity * sizeof *h->list);
        CHECK(h->list != NULL);
    }
    memmove(&h->list[at + 1], &h->list[at], (h->count - at) * sizeof k);
    h->list[at] = k;
    h->count++;
    near ? drop_oldest_near(h) : thin_out(h);
}

/* Where nothing is kept nearby. */
static void keep_due(void *owner)
{
    struct history *h = owner;
    cycle_t now = h->machine->clock.now;
    size_t before = states_up_to(h, history_here(h));
    while (before && h->list[before - 1].near)
        before--;
    if (!before || now - h->list[before - 1].at.cycle >= h->every / 2)
        keep(h, false);
    event_schedule_observer(&h->machine->clock, &h->keep_event, now + h->every);
}

/* --- typed characters of a live run ----------------------------------------------------------- */

static void arm_input(struct history *h)
{
    if (h->next_input < h->input_count)
        event_schedule_observer(&h->machine->clock, &h->input_event,
                                h->inputs[h->next_input].cycle);
    else
        event_cancel(&h->machine->clock, &h->input_event);
}

static void input_due(void *owner)
{
    struct history *h = owner;
    struct machine *m = h->machine;
    while (h->next_input < h->input_count && h->inputs[h->next_input].cycle <= m->clock.now) {
        const struct trace_input *i = &h->inputs[h->next_input++];
        uart_receive(&m->uart[i->port], (uint8_t)i->byte);
    }
    arm_input(h);
}

void history_input(struct history *h, int port, uint8_t byte)
{
    if (h->input_count == h->input_capacity) {
        h->input_capacity = h->input_capacity * 2 + INPUTS_MIN;
        h->inputs = realloc(h->inputs, h->input_capacity * sizeof *h->inputs);
        CHECK(h->inputs != NULL);
    }
    h->inputs[h->input_count++] =
        (struct trace_input){h->machine->clock.now, (uint32_t)port, byte};
    h->next_input = h->input_count;
}

/* --- into a kept state ------------------------------------------------------------------------ */

static void load_pages(struct history *h, const struct checkpoint *k)
{
    for (size_t i = 0; i < h->page_count; i++) {
        uint8_t *p = h->machine->phys.ram + i * PAGE;
        if (k->pages[i])
            memcpy(p, k->pages[i]->bytes, PAGE);
        else if (!all_zero(p))
            memset(p, 0, PAGE);
    }
}

/* What is not the machine's state: where it stands is not where anything has stopped. */
static void forget_stops(struct history *h)
{
    struct cpu *c = h->machine->cpu;
    c->stops.passed = c->watches.hit = false;
    h->machine->end = END_STOPPED;
    event_schedule_observer(&h->machine->clock, &h->keep_event, h->machine->clock.now + h->every);
}

static void load(struct history *h, const struct checkpoint *k)
{
    struct machine *m = h->machine;
    struct snap s;
    snap_begin_load(&s, k->state, k->size);
    s.cycle_most = CYCLE_NEVER;
    machine_snapshot_but_ram(m, &s);
    CHECK(!s.failed);
    load_pages(h, k);
    ledger_restart(&m->ledger);
    ledger_select(&m->ledger, k->path, 0);
    h->told = k->told;
    h->next_input = k->next_input;
    arm_input(h);
    if (h->replay)
        replay_return(h->replay, &k->cursor);
    forget_stops(h);
}

/* Into a state of the trace. */
static void jump(struct history *h, cycle_t cycle)
{
    struct history_place here = history_here(h);
    if (place_before(h->heard, here))
        h->heard = here;
    h->jumped = true;
    replay_seek(h->replay, cycle);
    replay_until(h->replay, h->replay->until);
    forget_stops(h);
    here = history_here(h);
    if (place_before(h->heard, here))
        h->heard = here;
    keep(h, false);
}

/* The last state before a place (or at it), in memory or in the trace; false: there is none. */
static bool load_before(struct history *h, struct history_place place, bool at_it)
{
    size_t n = states_up_to(h, place);
    cycle_t recorded = CYCLE_NEVER;
    if (n && !at_it && !place_before(h->list[n - 1].at, place))
        n--;
    if (h->replay && place.cycle > h->replay->first)
        recorded = replay_state_before(h->replay, place.cycle - 1);
    if (n && (recorded == CYCLE_NEVER || recorded <= h->list[n - 1].at.cycle))
        load(h, &h->list[n - 1]);
    else if (recorded != CYCLE_NEVER)
        jump(h, recorded);
    else
        return false;
    return true;
}

/* --- living it again -------------------------------------------------------------------------- */

static void stop_due(void *owner) { machine_stop(((struct history *)owner)->machine); }

/* The machine goes on until something stops it, at the cycle at the latest. */
static void run(struct history *h, cycle_t cycle)
{
    struct machine *m = h->machine;
    event_schedule_observer(&m->clock, &h->stop_event, cycle);
    machine_run(m);
    event_cancel(&m->clock, &h->stop_event);
}

/* To the first boundary at or after a cycle, whatever is met on the way. False: the run ends. */
static bool run_to(struct history *h, cycle_t cycle)
{
    while (h->machine->clock.now < cycle) {
        run(h, cycle);
        if (h->machine->end != END_STOPPED || history_at_end(h))
            break;
    }
    h->machine->cpu->watches.hit = false;
    return h->machine->clock.now >= cycle;
}

void history_hide_stops(struct history *h, struct history_stops *kept)
{
    struct cpu *c = h->machine->cpu;
    kept->stops = c->stops;
    kept->watches = c->watches;
    c->stops.count = 0;
    while (c->watches.count)
        cpu_watch_remove(c, c->watches.list[0]);
}

void history_show_stops(struct history *h, const struct history_stops *kept)
{
    struct cpu *c = h->machine->cpu;
    while (c->watches.count)
        cpu_watch_remove(c, c->watches.list[0]);
    for (uint32_t i = 0; i < kept->watches.count; i++)
        cpu_watch_add(c, kept->watches.list[i]);
    c->stops = kept->stops;
    c->stops.passed = false;
    blocks_flush(c->blocks);
}

static bool run_quietly(struct history *h, cycle_t cycle)
{
    struct history_stops kept;
    history_hide_stops(h, &kept);
    bool reached = run_to(h, cycle);
    history_show_stops(h, &kept);
    return reached;
}

void history_settle(struct history *h)
{
    struct cpu *c = h->machine->cpu;
    enum machine_end end = h->machine->end;
    bool hit = c->watches.hit;
    run(h, h->machine->clock.now);
    h->machine->end = end;
    c->watches.hit = hit;
}

/* Here the machine has arrived, and nothing has stopped it: it goes on without stopping here. */
static void stand(struct history *h)
{
    struct cpu *c = h->machine->cpu;
    history_settle(h);
    c->watches.hit = false;
    c->stops.passed = !c->rep_running;
    c->stops.passed_la = c->seg[CS].base + c->eip;
    h->machine->end = END_STOPPED;
}

/* Whether the processor has come to a breakpoint, and the next thing is that instruction. */
static bool arrives(const struct cpu *c)
{
    bool interrupted = !c->shadow && ((c->intr_line && (c->eflags & F_IF)) ||
                                      (c->nmi_pending && !c->nmi_blocked) || c->halted);
    return !interrupted && !c->rep_running &&
           stops_find(&c->stops, c->seg[CS].base + c->eip) >= 0;
}

static void step_to(struct history *h, struct history_place place)
{
    while (place_before(history_here(h), place)) {
        machine_step(h->machine);
        if (h->machine->end != END_STOPPED)
            break;
    }
}

static bool is_here(const struct history *h, struct history_place place)
{
    struct history_place here = history_here(h);
    return here.cycle == place.cycle && here.instructions == place.instructions;
}

/* Whether a state between here and a later place saves much of the way. */
static bool nearer_state(const struct history *h, struct history_place place)
{
    struct history_place here = history_here(h);
    size_t n = states_up_to(h, place);
    if (n && place_before(here, h->list[n - 1].at))
        return true;
    if (!h->replay || place.cycle <= here.cycle + h->every)
        return false;
    cycle_t recorded = replay_state_before(h->replay, place.cycle - 1);
    return recorded != CYCLE_NEVER && recorded > here.cycle;
}

void history_goto(struct history *h, struct history_place place)
{
    struct history_place here = history_here(h);
    if (!is_here(h, place) && (place_before(place, here) || nearer_state(h, place)))
        CHECK(load_before(h, place, true));
    history_live(h, place);
}

void history_live(struct history *h, struct history_place place)
{
    run_quietly(h, place.cycle);
    step_to(h, place);
    if (!is_here(h, place)) { /* inside of a REP: its iterations end only where bytes are watched */
        CHECK(load_before(h, place, true));
        run_to(h, place.cycle);
        step_to(h, place);
    }
    stand(h);
}

bool history_goto_cycle(struct history *h, cycle_t cycle)
{
    struct history_place place = {cycle, 0};
    if (cycle < history_first(h))
        return false;
    bool back = cycle < h->machine->clock.now;
    if ((back || nearer_state(h, place)) && !load_before(h, place, true))
        return false;
    bool reached = run_quietly(h, cycle);
    if (reached)
        stand(h);
    return reached;
}

bool history_goto_arrival(struct history *h, laddr_t la, uint64_t n, uint64_t *found)
{
    struct cpu *c = h->machine->cpu;
    struct history_place here = history_here(h);
    cycle_t last = h->replay ? history_last(h) : here.cycle;
    struct history_stops kept;
    history_rewind(h, CYCLE_NEVER);
    history_hide_stops(h, &kept);
    cpu_break_add(c, la);
    for (*found = 0; *found < n && h->machine->clock.now < last;) {
        run(h, last);
        if (h->machine->end != END_STOPPED)
            break;
        *found += arrives(c) && c->stops.passed;
    }
    history_show_stops(h, &kept);
    if (*found == n)
        stand(h);
    else
        history_goto(h, here);
    return *found == n;
}

bool history_rewind(struct history *h, cycle_t cycles)
{
    struct history_place here = history_here(h), place = {0, 0};
    place.cycle = here.cycle > cycles ? here.cycle - cycles : 0;
    if (place.cycle > history_first(h) && load_before(h, place, true))
        return true;
    place.cycle = history_first(h);
    place.instructions = UINT64_MAX;
    if (!load_before(h, place, true))
        load_before(h, here, true);
    return false;
}

/* --- one step back ---------------------------------------------------------------------------- */

/* Steps up to a place and notes the last boundary before it. turns: iterations of a REP count. */
static bool step_through(struct history *h, struct history_place place, bool turns,
                         struct history_place *before)
{
    const struct cpu *c = h->machine->cpu;
    bool found = false;
    while (place_before(history_here(h), place)) {
        if ((turns || !c->rep_running) && !c->halted) {
            *before = history_here(h);
            found = true;
        }
        machine_step(h->machine);
        if (h->machine->end != END_STOPPED)
            break;
    }
    return found;
}

/* The boundary before a place: from a kept state to shortly before it, and then by steps. */
static bool find_before(struct history *h, struct history_place place, bool turns,
                        struct history_place *before)
{
    struct history_place limit = place;
    for (cycle_t window = WINDOW;; window *= 16) {
        if (!load_before(h, limit, false))
            return false;
        struct history_place base = history_here(h);
        bool whole = place.cycle <= base.cycle + window;
        if (!whole) {
            run_quietly(h, place.cycle - window);
            if (!place_before(history_here(h), place))
                continue; /* one long instruction, or a long wait */
            keep(h, true);
        }
        if (step_through(h, place, turns, before))
            return true;
        if (whole)
            limit = base;
    }
}

static bool back_to_boundary(struct history *h, struct history_place place, bool turns)
{
    struct history_place before;
    if (!find_before(h, place, turns, &before)) {
        history_rewind(h, CYCLE_NEVER);
        stand(h);
        return false;
    }
    history_goto(h, before);
    return true;
}

bool history_step_back(struct history *h) { return back_to_boundary(h, history_here(h), false); }

/* --- back to the last hit --------------------------------------------------------------------- */

struct hit {
    enum history_back kind;
    struct history_place at;
    struct cpu_watches watches; /* what was touched */
};

/* Whether what stopped the machine here is a hit that lies before `end`; if so notes it. */
static bool note_hit(struct history *h, struct history_place end, struct hit *hit)
{
    struct cpu *c = h->machine->cpu;
    struct history_place here = history_here(h);
    if (c->watches.hit && !place_before(end, here)) {
        *hit = (struct hit){HISTORY_WATCH, here, c->watches};
        c->watches.hit = false;
        return true;
    }
    c->watches.hit = false;
    if (place_before(here, end) && arrives(c))
        *hit = (struct hit){.kind = HISTORY_BREAK, .at = here};
    return false;
}

/* The last boundaries before `end`, which may share its cycle. */
static void scan_steps(struct history *h, struct history_place end, struct hit *hit)
{
    while (place_before(history_here(h), end) && h->machine->end == END_STOPPED) {
        note_hit(h, end, hit);
        machine_step(h->machine);
    }
    note_hit(h, end, hit);
}

static void ask_due(void *owner)
{
    struct history *h = owner;
    struct clock *clock = &h->machine->clock;
    h->given_up = h->gives_up && h->gives_up(h->gives_up_owner);
    if (h->given_up)
        machine_stop(h->machine);
    else
        event_schedule_observer(clock, &h->ask_event, clock->now + ASK_CYCLES);
}

/* From here to `end`: the last hit on the way. False: somebody has had enough. */
static bool scan(struct history *h, struct history_place end, struct hit *hit)
{
    struct clock *clock = &h->machine->clock;
    event_schedule_observer(clock, &h->ask_event, clock->now + ASK_CYCLES);
    h->given_up = false;
    while (clock->now < end.cycle && !h->given_up) {
        run(h, end.cycle);
        if (h->machine->end != END_STOPPED)
            break;
        note_hit(h, end, hit);
    }
    event_cancel(clock, &h->ask_event);
    if (!h->given_up)
        scan_steps(h, end, hit);
    return !h->given_up;
}

/* A watched access is told before it happens: there the bytes are what they were. */
static enum history_back land(struct history *h, const struct hit *hit)
{
    struct cpu *c = h->machine->cpu;
    if (hit->kind == HISTORY_BREAK) {
        history_goto(h, hit->at);
    } else if (back_to_boundary(h, hit->at, true)) {
        c->watches.hit = true;
        c->watches.hit_la = hit->watches.hit_la;
        c->watches.hit_watch = hit->watches.hit_watch;
    }
    return hit->kind;
}

enum history_back history_continue_back(struct history *h)
{
    struct history_place end = history_here(h);
    while (load_before(h, end, false)) {
        struct history_place base = history_here(h);
        struct hit hit = {.kind = HISTORY_BEGIN};
        if (!scan(h, end, &hit)) {
            history_goto(h, end);
            return HISTORY_INTERRUPTED;
        }
        if (hit.kind != HISTORY_BEGIN)
            return land(h, &hit);
        end = base;
    }
    history_goto(h, end);
    return HISTORY_BEGIN;
}

/* --- its life --------------------------------------------------------------------------------- */

cycle_t history_first(const struct history *h)
{
    return h->replay ? h->replay->first : h->count ? h->list[0].at.cycle : h->start.cycle;
}

cycle_t history_last(const struct history *h)
{
    return h->replay ? replay_end(h->replay) : CYCLE_NEVER;
}

bool history_at_end(const struct history *h)
{
    return h->machine->clock.now >= history_last(h);
}

void history_ask(struct history *h, bool (*gives_up)(void *owner), void *owner)
{
    h->gives_up = gives_up;
    h->gives_up_owner = owner;
}

void history_keep_every(struct history *h, cycle_t cycles)
{
    h->every = cycles;
    event_schedule_observer(&h->machine->clock, &h->keep_event, h->machine->clock.now + cycles);
}

static void begin(struct history *h)
{
    h->every = h->machine->cpu->model->timed ? EVERY_TIMED : EVERY_FLAT;
    h->start = history_here(h);
    keep(h, false);
    event_schedule_observer(&h->machine->clock, &h->keep_event, h->start.cycle + h->every);
}

struct history *history_new(struct machine *m, struct replay *replay)
{
    struct history *h = xalloc(1, sizeof *h);
    h->machine = m;
    h->replay = replay;
    h->page_count = m->phys.size / PAGE;
    h->host = m->host;
    m->host = (struct machine_host){h, tell_serial, tell_post, tell_speaker};
    event_init(&h->keep_event, keep_due, h, 212);
    event_init(&h->stop_event, stop_due, h, 221);
    event_init(&h->input_event, input_due, h, 100);
    event_init(&h->ask_event, ask_due, h, 213);
    begin(h);
    return h;
}

void history_restart(struct history *h)
{
    while (h->count)
        drop(h, h->count - 1);
    h->input_count = h->next_input = 0;
    arm_input(h);
    begin(h);
}

void history_free(struct history *h)
{
    while (h->count)
        drop(h, h->count - 1);
    event_cancel(&h->machine->clock, &h->keep_event);
    event_cancel(&h->machine->clock, &h->input_event);
    event_cancel(&h->machine->clock, &h->stop_event); /* those two wait where a run ended by exit */
    event_cancel(&h->machine->clock, &h->ask_event);
    h->machine->host = h->host;
    free(h->inputs);
    free(h->list);
    free(h);
}
