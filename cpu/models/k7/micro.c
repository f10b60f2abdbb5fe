/* micro: microcode, strings, entries: what an instruction takes beyond its class, as its notes and
 * accesses tell.
 *
 * An instruction that is ALONE (in cost.c) waits until it is the oldest, and nothing behind it
 * begins before it is done: serialising instructions, far transfers, ports, entries to privilege 0
 * and returns from it. The others have lines of their own, and run among their neighbours. */
#include "cpu/models/k7/flow.h"

#include "sim/core/check.h"

#include <string.h>

static bool repeated(const struct op *o)
{
    return (o->row->attributes & (A_REP | A_REPZ)) && (o->flags & (OP_REPE | OP_REPNE));
}

static const struct access *find_note(const struct access *a, const struct access *end,
                                      unsigned note)
{
    for (; a < end; a++)
        if (a->kind == ACCESS_NOTE && a->level == note)
            return a;
    return NULL;
}

static bool is_port(const struct access *a)
{
    return a->kind == ACCESS_NOTE && a->level >= NOTE_IO_REAL && a->level <= NOTE_IO_V86;
}

/* --- accesses --------------------------------------------------------------------------------- */

/* What microcode touches, from t on, an address a clock. Returns the clocks by which it is late: by
 * what did not come from the first level at once. */
static cycle_t touch(struct k7 *k, const struct access *a, const struct access *end, cycle_t t)
{
    cycle_t start = t;
    for (cycle_t step = 0; a < end; a++) {
        cycle_t at = t + step++, done;
        switch (a->kind) {
        case ACCESS_READ: case ACCESS_RMW:
            done = k7_load(k, a, at, false);
            t += done > k->order + 2 ? done - (k->order + 2) : 0;
            k7_lsu_until(k, done);
            break;
        case ACCESS_WALK: case ACCESS_UPDATE: t += k7_walk(k, a, at) - at; break;
        case ACCESS_WRITE: k7_store_line(k, a, at); break;
        case ACCESS_NOTE:
            if (is_port(a)) {
                k7_stall(k, at + k->port, k->port, CAUSE_IO);
                t += k->port;
            } else if (a->level == NOTE_INTA) {
                if (a->la & ACKNOWLEDGED_ON_CHIP)
                    break;
                k7_stall(k, at + k->acknowledge, k->acknowledge, CAUSE_INTA);
                t += k->acknowledge;
            } else {
                t += k7_memory_note(k, a, at) - at;
            }
            break;
        default: break;
        }
    }
    return t - start;
}

static void commit(struct k7 *k, const struct access *a, const struct access *end, cycle_t data,
                   cycle_t retired)
{
    for (; a < end; a++)
        if (a->kind == ACCESS_WRITE)
            k7_store(k, a, data, 0, retired, FORWARD_PLAIN);
}

/* --- clocks ----------------------------------------------------------------------------------- */

struct bill {
    cycle_t clocks;
    uint8_t cause, quality;
};

/* What the notes' cases replace or add. */
static struct bill settle(const struct k7 *k, unsigned number, struct bill b,
                          const struct access *a, const struct access *end)
{
    for (; a < end; a++) {
        const struct k7_case *e = a->kind == ACCESS_NOTE ? k->cases[number][a->level] : NULL;
        if (!e)
            continue;
        cycle_t clocks = e->clocks[k->config.part] + (cycle_t)e->each * a->la;
        if (e->adds)
            b.clocks += clocks;
        else
            b = (struct bill){clocks, e->cause, e->quality};
    }
    return b;
}

/* A twin that enters and leaves privilege 0 for nothing still issues the instruction that does. */
static struct bill idealise(const struct k7 *k, struct bill b)
{
    bool crosses = b.cause == CAUSE_KERNEL_ENTRY || b.cause == CAUSE_KERNEL_EXIT;
    if (!crosses || !(k->ideal & MODEL_IDEAL_ENTRY))
        return b;
    return (struct bill){0, CAUSE_EXECUTE, QUALITY_READ};
}

/* One that is ALONE has begun at t and is done at the time returned. */
static void finish_alone(struct k7 *k, const struct cpu *c, cycle_t done, enum cause cause)
{
    k7_front_until(k, done, cause);
    k7_close_combined(k);
    if (c->branched)
        k->window = (c->seg[CS].base + c->eip) >> 4;
}

void k7_price_micro(struct k7 *k, struct cpu *c, const struct op *o, uint64_t word,
                    struct k7_cost *cost, const struct access *a, const struct access *end)
{
    unsigned number = k7_fact(word, FACT_COST, 10);
    struct bill b = settle(k, number, (struct bill){cost->latency, cost->cause, cost->quality}, a,
                           end);
    b = idealise(k, b);
    bool alone = cost->unit == UNIT_ALONE;
    if (strcmp(o->row->timing, "cpuid") == 0 && c->r[EAX] == c->identity->signature)
        b.clocks += k->config.cpuid_leaf1;
    k7_dispatch(k, cost, true);
    cycle_t t = k7_ready_sources(k, word, k->line + 1);
    t = k7_ready_registers(k, k7_fact(word, FACT_ADDRESS, 8), t);
    if (alone)
        t = later(t, c->clock->now + 1);
    k->last.dispatched = k->line;
    k->last.issued = k->last.operated = t;
    cycle_t done = t + touch(k, a, end, t) + b.clocks;
    if (alone)
        done = later(done, k->committed);
    k7_write_results(k, word, done);
    if (k7_fact(word, FACT_STACK, 1))
        k->gpr[ESP] = t + 1;
    commit(k, a, end, done, k7_retire(k, c, done));
    *cost = (struct k7_cost){.cause = b.cause, .quality = b.quality};
    if (alone || c->branched)
        finish_alone(k, c, done, (enum cause)b.cause);
}

/* An exception or interrupt: what the unfinished instruction touched, then the entry. */
void k7_price_entry(struct k7 *k, struct cpu *c, const struct access *a, const struct access *end)
{
    const struct k7_cost *class = &k->cost[k->delivery];
    struct bill b = {0, CAUSE_KERNEL_ENTRY, QUALITY_ESTIMATE};
    b = idealise(k, settle(k, k->delivery, b, a, end));
    k->last.fetched = k->front;
    k7_dispatch(k, class, false);
    cycle_t t = later(k->line, c->clock->now) + 1, done;
    k->last.dispatched = k->line;
    k->last.issued = k->last.operated = t;
    done = t + touch(k, a, end, t) + b.clocks;
    commit(k, a, end, done, k7_retire(k, c, done));
    struct k7_cost cost = {.cause = b.cause, .quality = b.quality};
    k7_account(k, c, &cost);
    k7_front_until(k, done, (enum cause)b.cause);
    k->window = (c->seg[CS].base + c->eip) >> 4;
}

/* --- strings ---------------------------------------------------------------------------------- */

static uint32_t element_width(const struct op *o)
{
    const char *operands = o->row->operands;
    if (strstr(operands, "AL") || strstr(operands, "Xb") || strstr(operands, "Yb"))
        return 1;
    return o->flags & OP_DATA16 ? 2 : 4;
}

/* One element's accesses: its loads begin at t, its stores take what was loaded. Returns when it
 * is done. */
static cycle_t element(struct k7 *k, const struct cpu *c, cycle_t t, const struct access *a,
                       const struct access *end)
{
    cycle_t done = t, line = 0;
    for (const struct access *e = a; e < end; e++) {
        if (e->kind == ACCESS_READ || e->kind == ACCESS_RMW) {
            done = later(done, k7_load(k, e, t, false));
        } else if (e->kind == ACCESS_WRITE) {
            line = later(line, k7_store_line(k, e, t));
        } else if (e->kind == ACCESS_WALK || e->kind == ACCESS_UPDATE) {
            t = k7_walk(k, e, t);
        } else if (is_port(e)) {
            k7_stall(k, t + k->port, k->port, CAUSE_IO);
            done = t += k->port;
        } else if (e->kind == ACCESS_NOTE) {
            t = k7_memory_note(k, e, t);
        }
    }
    done = later(done, t);
    cycle_t retired = k7_retire(k, c, done);
    for (const struct access *e = a; e < end; e++)
        if (e->kind == ACCESS_WRITE)
            k7_store(k, e, done, line, retired, FORWARD_PLAIN);
    if (!line)
        k7_lsu_until(k, done);
    return done;
}

/* Where the next element's accesses end: it has touched so many bytes. */
static const struct access *element_end(const struct access *a, const struct access *end,
                                        uint32_t bytes)
{
    for (; a < end && bytes > 0; a++)
        if (a->kind <= ACCESS_WRITE)
            bytes -= bytes < a->size ? bytes : a->size;
    return a;
}

/* A line of the string's own, of so many clocks; returns when it can issue. */
static cycle_t next_line(struct k7 *k, unsigned clocks)
{
    k7_exclusive_lines(k, clocks);
    k7_line_room(k);
    k->last.dispatched = k->line;
    return k->last.issued = k->last.operated = k->line + 1;
}

void k7_price_string(struct k7 *k, struct cpu *c, const struct op *o, uint64_t word,
                     const struct k7_cost *cost, const struct access *a, const struct access *end)
{
    unsigned number = k7_fact(word, FACT_COST, 10), part = k->config.part;
    const struct k7_repeat *r = k->repeat[number];
    const struct access *n = find_note(a, end, NOTE_COUNT);
    bool again = repeated(o);
    uint32_t count = !again ? 1 : n ? n->la : 0, bytes = element_width(o) * r->accesses;
    cycle_t source = c->clock->now, done = source;
    k->last = (struct k7_stages){.fetched = source, .dispatched = source, .issued = source,
                                 .completed = source, .retired = source, .unit = UNIT_ALONE};
    if (!again || find_note(a, end, NOTE_REP_START)) {
        cycle_t t = next_line(k, !again ? cost->busy : count ? r->part[part].begin
                                                             : r->part[part].none);
        source = k7_ready_registers(k, k7_fact(word, FACT_ADDRESS, 8), t);
        done = again ? k7_retire(k, c, source) - 1 : source;
    }
    for (; count > 0; count--) {
        if (again) {
            k7_account(k, c, cost);
            k->stalls = 0;
            source = next_line(k, r->part[part].each);
        }
        const struct access *next = count == 1 ? end : element_end(a, end, bytes);
        k->last.issued = k->last.operated = source;
        done = element(k, c, source, a, next);
        a = next;
    }
    k7_write_results(k, word, later(done, source + 1));
    k->gpr[ESI] = k->gpr[EDI] = source + 1;
}

/* --- tables ----------------------------------------------------------------------------------- */

static unsigned number_of(const char *class) { return k7_class_find(class, "", 4, FORM_REGISTERS); }

void k7_micro_init(struct k7 *k)
{
    for (unsigned i = 0; i < k7_case_count; i++)
        k->cases[number_of(k7_cases[i].class)][k7_cases[i].note] = &k7_cases[i];
    for (unsigned i = 0; i < k7_repeat_count; i++)
        k->repeat[number_of(k7_repeats[i].class)] = &k7_repeats[i];
    k->delivery = number_of("delivery");
}
