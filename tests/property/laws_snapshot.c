/* laws_snapshot: save at a random cycle, or in an odd moment (an interrupt shadow, within a REP, in
 * HLT), load into a fresh or used machine, continue: the same states as without. Saving what was
 * loaded gives the same bytes. A difference is named by its first field. */
#include "tests/property/laws.h"

#define LATER 4
#define SHORT_CHECKS 12

static struct snap save(struct law *l)
{
    struct snap s;
    snap_begin_save(&s);
    machine_snapshot(l->m, &s);
    return s;
}

static void load(struct law *l, const struct snap *saved, struct verdict *v)
{
    struct snap s;
    snap_begin_load(&s, saved->data, saved->size);
    machine_snapshot(l->m, &s);
    if (s.failed)
        verdict_fail(v, "loading fails: %.150s", s.message);
    else if (s.position != saved->size)
        verdict_fail(v, "loading leaves %zu bytes over", saved->size - s.position);
    ledger_restart(&l->m->ledger);
}

static void expect_same_bytes(struct verdict *v, const struct snap *saved, const struct snap *again)
{
    size_t n = saved->size < again->size ? saved->size : again->size, at = 0;
    while (at < n && saved->data[at] == again->data[at])
        at++;
    if (at < n || saved->size != again->size)
        verdict_fail(v, "saving what was loaded differs at byte %zu of %zu (%zu)", at, saved->size,
                     again->size);
}

/* Changes one thing; diff must say which. */
static void check_diff(struct law *l, const struct snap *saved, struct random *r, struct verdict *v)
{
    struct snap d;
    const char *field;
    uint32_t at = random_below(r, l->m->phys.size), *reg = &l->m->cpu->r[EBP];
    if (random_chance(r, 50)) {
        l->m->phys.ram[at] ^= 1;
        field = "machine.ram";
    } else {
        *reg ^= 0x80;
        field = "machine.cpu.ebp";
    }
    snap_begin_diff(&d, saved->data, saved->size);
    machine_snapshot(l->m, &d);
    if (!d.failed || strncmp(d.message, field, strlen(field)) != 0)
        verdict_fail(v, "the diff of a change in %s says '%.100s'", field, d.message);
    if (strcmp(field, "machine.ram") == 0)
        l->m->phys.ram[at] ^= 1;
    else
        *reg ^= 0x80;
    snap_begin_diff(&d, saved->data, saved->size);
    machine_snapshot(l->m, &d);
    if (d.failed)
        verdict_fail(v, "the diff of equal states says '%.100s'", d.message);
}

static void copy_serial(struct law *to, const struct law *from)
{
    memcpy(to->serial, from->serial, sizeof to->serial);
    to->serial_count = from->serial_count;
}

/* To the guest's next HLT in the shadow of an STI (bytes FB F4), with an interrupt waiting. */
static void run_to_shadow(struct law *l, cycle_t length)
{
    const uint8_t *ram = l->m->phys.ram;
    uint32_t at = 0x100000;
    while (at < 0x110000 && (ram[at] != 0xFB || ram[at + 1] != 0xF4))
        at++;
    cpu_stop_at(l->m->cpu, at + 1);
    law_run_to(l, length - 20000);
    l->m->cpu->stops.count = 0;
}

/* Steps to a moment that a cycle chosen at random seldom is. */
static void step_to_odd_moment(struct law *l, struct random *r)
{
    const struct cpu *c = l->m->cpu;
    unsigned kind = random_below(r, 4);
    for (unsigned n = 0; n < 3000; n++) {
        if (!machine_step(l->m))
            return;
        if ((kind == 0 && c->shadow) || (kind == 1 && c->rep_running) ||
            (kind == 2 && c->halted) || (kind == 3 && n > 40))
            return;
    }
}

/* Many snapshots, each continued a little on a machine that has been somewhere else. */
static void check_shortly(struct law *whole, struct law *loaded, cycle_t length, struct random *r,
                          struct verdict *v)
{
    for (unsigned i = 0; i < SHORT_CHECKS && !v->failed; i++) {
        cycle_t to = whole->m->clock.now + 1 + law_below(r, length / 40);
        if (to + 20000 >= length || !law_run_to(whole, to))
            return;
        if (random_chance(r, 10))
            run_to_shadow(whole, length);
        else
            step_to_odd_moment(whole, r);
        v->operation = whole->m->clock.now;
        struct snap saved = save(whole);
        load(loaded, &saved, v);
        copy_serial(loaded, whole);
        snap_free(&saved);
        to = whole->m->clock.now + 1 + random_below(r, random_chance(r, 50) ? 20 : 2000);
        law_run_to(whole, to);
        law_run_to(loaded, to);
        law_expect_same(v, "continued shortly", loaded, whole);
    }
}

static void law(const struct law_options *o, const char *model, cycle_t length, struct random *r,
                struct verdict *v)
{
    struct law *whole = law_new(o, model), *loaded = law_new(o, model);
    cycle_t at = 1 + law_below(r, length - 2);
    v->operation = at;
    if (random_chance(r, 50)) /* a used machine takes a snapshot as well as a fresh one */
        law_run_to(loaded, 1 + law_below(r, length - 2));
    check_shortly(whole, loaded, at, r, v);
    if (whole->m->clock.now < at)
        law_run_to(whole, at);
    struct snap saved = save(whole);
    load(loaded, &saved, v);
    copy_serial(loaded, whole);
    struct snap again = save(loaded);
    expect_same_bytes(v, &saved, &again);
    if (!v->failed)
        check_diff(loaded, &saved, r, v);
    law_expect_same(v, "just loaded", loaded, whole);
    for (unsigned i = 0; i < LATER && !v->failed; i++) {
        cycle_t to = whole->m->clock.now + 1 + law_below(r, 2 * (length - at) / LATER);
        if (to >= length)
            break;
        law_run_to(whole, to);
        law_run_to(loaded, to);
        law_expect_same(v, "continued", loaded, whole);
    }
    law_run_to_end(whole, v);
    law_run_to_end(loaded, v);
    law_expect_same(v, "at the end", loaded, whole);
    snap_free(&saved);
    snap_free(&again);
    law_free(whole);
    law_free(loaded);
}

int main(int argc, char **argv)
{
    return law_main(argc, argv, "laws_snapshot", (struct law_options){.seeds = 12, .rounds = 1},
                    law);
}
