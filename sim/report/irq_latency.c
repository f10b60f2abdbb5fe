#include "sim/report/irq_latency.h"

#include "cpu/note.h"
#include "sim/core/check.h"

#include <stdlib.h>

#define VECTORS 256

void irq_latency_init(struct irq_latency *l)
{
    *l = (struct irq_latency){.vector = xalloc(VECTORS, sizeof *l->vector)};
}

void irq_latency_free(struct irq_latency *l)
{
    for (unsigned i = 0; l->vector && i < VECTORS; i++) {
        distribution_free(&l->vector[i].handler.values);
        distribution_free(&l->vector[i].program.values);
    }
    free(l->vector);
    l->vector = NULL;
}

static void count(struct irq_distribution *d, uint64_t cycles, cycle_t rose)
{
    if (!d->count || cycles < d->min)
        d->min = cycles;
    if (!d->count || cycles > d->max) {
        d->max = cycles;
        d->max_at = rose;
    }
    d->count++;
    d->cycles += cycles;
    distribution_add(&d->values, cycles, 1);
}

static bool is_external(const struct cpu *c)
{
    for (uint32_t i = 0; i < c->log.count; i++)
        if (c->log.list[i].kind == ACCESS_NOTE && c->log.list[i].level == NOTE_INTA)
            return true;
    return false;
}

void irq_latency_delivered(struct irq_latency *l, const struct cpu *c)
{
    if (!is_external(c) || c->intr_rose == CYCLE_NEVER)
        return;
    l->open = true;
    l->number = c->delivered;
    l->rose = c->intr_rose;
    count(&l->vector[l->number].handler, c->clock->now - l->rose, l->rose);
}

void irq_latency_ended(struct irq_latency *l, const struct cpu *c, bool other_program)
{
    if (l->open && other_program)
        count(&l->vector[l->number].program, c->clock->now - l->rose, l->rose);
    l->open = false;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *distribution_json(const struct irq_distribution *d)
{
    json_t *o = json_pack("{s:I,s:I,s:I,s:I,s:I}", "count", (json_int_t)d->count, "cycles",
                          (json_int_t)d->cycles, "min", (json_int_t)d->min, "max",
                          (json_int_t)d->max, "max_at", (json_int_t)d->max_at);
    distribution_write(&d->values, o);
    return o;
}

json_t *irq_latency_json(const struct irq_latency *l)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < VECTORS; i++)
        if (l->vector[i].handler.count)
            json_array_append_new(
                list, json_pack("{s:i,s:o,s:o}", "vector", (int)i, "handler",
                                distribution_json(&l->vector[i].handler), "program",
                                distribution_json(&l->vector[i].program)));
    return list;
}
