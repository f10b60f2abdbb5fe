/* laws_observers: observation is free. Every kind of observer, in random combinations, at random
 * times: listeners of deliveries, ports, control registers and priced instructions, the ledger's
 * tap, places, a window, paths, a timeline, breakpoints, watchpoints, single steps, peeks, hashes
 * and progress events. The state is that of an unobserved run. */
#include "sim/machine/story.h"
#include "sim/report/blame.h"
#include "sim/report/paths.h"
#include "sim/report/profile.h"
#include "sim/report/symbols.h"
#include "sim/report/timeline.h"
#include "sim/report/window.h"
#include "tests/property/laws.h"

struct observer {
    struct law *law;
    struct event progress;
    cycle_t period;
    uint64_t seen;
    struct watch watch;
    bool watched; /* paths and blame are told apart, and perhaps a window is open */
};

static void listened(void *owner, const struct cpu *c, unsigned vector, unsigned source,
                     bool has_code, uint32_t code)
{
    (void)c, (void)vector, (void)source, (void)has_code, (void)code;
    ((struct observer *)owner)->seen++;
}

static void port_seen(void *owner, bool write, uint32_t port, unsigned size, uint32_t value,
                      const char *device)
{
    (void)write, (void)port, (void)size, (void)value, (void)device;
    ((struct observer *)owner)->seen++;
}

/* on_control's owner is the story, which this test may not use up. */
static void control_seen(void *owner, unsigned which, uint32_t value)
{
    (void)owner, (void)which, (void)value;
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    (void)c, (void)o, (void)delivery;
    ((struct observer *)owner)->seen++;
}

static void tapped(void *owner, enum cause cause, cycle_t cycles)
{
    (void)cause, (void)cycles;
    ((struct observer *)owner)->seen++;
}

static uint32_t place_of(void *owner, laddr_t la, bool user, laddr_t *end)
{
    (void)owner;
    *end = (la | 63) + 1 ? (la | 63) + 1 : UINT32_MAX;
    return user ? 1 + (la >> 6 & 511) : 0;
}

static void progressed(void *owner)
{
    struct observer *o = owner;
    struct machine *m = o->law->m;
    uint8_t bytes[16];
    o->seen += mmu_peek(&m->mmu, m->cpu->r[ESP], bytes, sizeof bytes);
    event_schedule_observer(&m->clock, &o->progress, m->clock.now + o->period);
}

/* Breakpoints and watchpoints where the processor is now, or all of them away. */
static void break_near(struct cpu *c, struct random *r, bool on)
{
    while (!on && c->stops.count && c->stops.keep[0])
        cpu_break_remove(c, c->stops.la[0]);
    if (on)
        cpu_break_add(c, c->seg[CS].base + c->eip + random_below(r, 16));
}

static void watch_near(struct cpu *c, struct random *r, bool on)
{
    static const uint8_t registers[] = {ESP, EBP, ESI, EDI};
    bool write = random_chance(r, 60);
    while (!on && c->watches.count)
        cpu_watch_remove(c, c->watches.list[0]);
    if (!on)
        return;
    laddr_t la = c->r[registers[random_below(r, 4)]] - random_below(r, 64);
    cpu_watch_add(c, (struct cpu_watch){la, 1 + random_below(r, 8), !write, write});
}

/* Goes on after stops that are breakpoints or watches; too many hits and they are taken away. */
static void run_on(struct law *l, cycle_t to, struct random *r)
{
    struct cpu *c = l->m->cpu;
    for (unsigned hits = 0; l->m->clock.now < to; hits++) {
        if (hits == 100) {
            c->stops.count = 0;
            watch_near(c, r, false);
        }
        if (law_run_to(l, to) || l->m->end != END_STOPPED)
            return;
    }
}

/* Where a window and paths are open, as one of several. */
static void listen_to_prices(struct observer *o, bool on)
{
    struct machine *m = o->law->m;
    if (o->watched) {
        watch_remove(&o->watch, o);
        if (on)
            watch_add(&o->watch, m->cpu,
                      (struct watcher){.priced = priced, .charged = tapped, .owner = o});
        return;
    }
    m->cpu->on_priced = on ? priced : NULL;
    m->cpu->priced_owner = o;
    m->ledger.tap = on ? tapped : NULL;
    m->ledger.tap_owner = o;
}

static void observe(struct observer *o, struct random *r)
{
    struct machine *m = o->law->m;
    bool on = random_chance(r, 60);
    switch (random_below(r, 10)) {
    case 0: story_listen(m->story, on ? listened : NULL, o); break;
    case 1:
        m->bus.observe = on ? port_seen : NULL;
        m->bus.observe_owner = o;
        break;
    case 2: m->cpu->on_control = on ? control_seen : NULL; break;
    case 3:
    case 4: listen_to_prices(o, on); break;
    case 5:
        m->cpu->place_of = on ? place_of : NULL;
        blocks_flush(m->cpu->blocks);
        break;
    case 6:
        o->period = 1 + law_below(r, 20000);
        progressed(o);
        break;
    case 7: o->seen += machine_hash(m); break;
    case 8: break_near(m->cpu, r, on); break;
    default: watch_near(m->cpu, r, on); break;
    }
}

/* Stops at the address the processor is at, and steps a little. */
static void step(struct law *l, struct random *r)
{
    struct cpu *c = l->m->cpu;
    for (unsigned n = 1 + random_below(r, 300); n && l->m->end == END_STOPPED; n--)
        machine_step(l->m);
    if (random_chance(r, 50))
        cpu_stop_at(c, c->seg[CS].base + c->eip + random_below(r, 32));
}

/* Out of order an instruction goes through its stages one after the other, and retires no sooner
 * than those before it. */
static void check_stages(const struct window *w, struct verdict *v)
{
    cycle_t retired = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        const struct model_last *l = &w->entries[i].last;
        if (!l->staged)
            continue;
        if (l->fetched > l->dispatched || l->dispatched > l->issued || l->issued > l->completed ||
            l->completed > l->retired || l->retired < retired)
            verdict_fail(v, "instruction %u of the window: stages out of order", i);
        retired = l->retired;
    }
}

/* What `isochron run` can be asked to tell, on a timed model: paths and blame, and perhaps, since
 * these want every instruction, a window, a profile and a timeline. */
struct reports {
    struct observer *observer;
    struct cpu *cpu;
    bool windowed;
    struct symbols symbols;
    struct window window;
    struct spaces spaces;
    struct paths paths;
    struct profile profile;
    struct timeline timeline;
    struct blame blame;
};

static void start_windowed(struct reports *t, struct random *r)
{
    struct watch *h = &t->observer->watch;
    profile_start(&t->profile, &t->paths, h, t->cpu);
    if (random_chance(r, 50))
        t->profile.rows_most = 1 + random_below(r, 2000);
    timeline_start(&t->timeline, &t->paths, h, "/dev/null", "law", 1e8);
}

static struct reports *reports_start(struct observer *o, const char *guest, struct random *r)
{
    struct reports *t = calloc(1, sizeof *t);
    struct watch *h = &o->watch;
    t->observer = o;
    t->cpu = o->law->m->cpu;
    t->windowed = random_chance(r, 50);
    o->watched = true;
    symbols_init(&t->symbols);
    symbols_add(&t->symbols, guest);
    if (t->windowed) {
        window_init(&t->window, &t->symbols, "trap#20");
        window_start(&t->window, h, t->cpu);
    }
    spaces_start(&t->spaces, h, t->cpu);
    paths_start(&t->paths, &t->spaces, h, t->cpu);
    blame_start(&t->blame, &t->spaces, h, t->cpu);
    if (t->windowed)
        start_windowed(t, r);
    return t;
}

/* Each checks its own sums: that they are the run's cycles, that lines sum to their paths, that
 * mirrors are the caches. */
static void reports_end(struct reports *t, struct verdict *v)
{
    struct watch *h = &t->observer->watch;
    json_t *paths = paths_json(&t->paths, &t->symbols);
    if (t->windowed) {
        timeline_end(&t->timeline, h, json_object_get(paths, "clusters"));
        json_decref(profile_json(&t->profile, &t->symbols));
        profile_free(&t->profile, h);
        check_stages(&t->window, v);
        window_free(&t->window);
    }
    json_decref(paths);
    json_decref(spaces_json(&t->spaces));
    json_decref(spaces_threads_json(&t->spaces));
    json_decref(blame_json(&t->blame, &t->symbols, NULL));
    blame_free(&t->blame, h);
    paths_free(&t->paths, h);
    spaces_free(&t->spaces, h);
    symbols_free(&t->symbols);
    free(t);
}

static void run_observed(struct observer *o, cycle_t length, struct random *r)
{
    struct law *l = o->law;
    while (l->m->clock.now + length / 10 < length) {
        observe(o, r);
        run_on(l, l->m->clock.now + 1 + law_below(r, length / 10), r);
        if (l->m->end != END_STOPPED)
            break;
        if (random_chance(r, 30))
            step(l, r);
    }
    run_on(l, length + 1, r);
    while (l->m->end == END_STOPPED)
        machine_run(l->m);
}

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    struct law *plain = law_new(o, model), *observed = law_new(o, model);
    struct observer ob = {.law = observed};
    struct reports *told = NULL;
    if (strcmp(model, "flat") != 0 && random_chance(r, 60))
        told = reports_start(&ob, o->guest, r);
    event_init(&ob.progress, progressed, &ob, 150);
    run_observed(&ob, length, r);
    law_run_to_end(plain, v);
    law_run_to_end(observed, v);
    law_expect_same(v, "observed", observed, plain);
    if (told)
        reports_end(told, v);
    law_free(plain);
    law_free(observed);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_observers", (struct law_options){.seeds = 10, .rounds = 1},
                    law);
}
