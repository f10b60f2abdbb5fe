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
    for (unsigned i = 0; i < IRQ_VALUES; i++)
        if (!d->value[i].count || d->value[i].cycles == cycles) {
            d->value[i].cycles = cycles;
            d->value[i].count++;
            return;
        }
    unsigned n = cycles ? 63 - (unsigned)__builtin_clzll(cycles) : 0;
    d->bucket[n < IRQ_BUCKETS ? n : IRQ_BUCKETS - 1]++;
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
    json_t *values = json_array(), *buckets = json_array();
    for (unsigned i = 0; i < IRQ_VALUES && d->value[i].count; i++)
        json_array_append_new(values, json_pack("[I,I]", (json_int_t)d->value[i].cycles,
                                                (json_int_t)d->value[i].count));
    for (unsigned i = 0; i < IRQ_BUCKETS; i++)
        if (d->bucket[i])
            json_array_append_new(buckets, json_pack("[I,I]", (json_int_t)1 << i,
                                                     (json_int_t)d->bucket[i]));
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "count", (json_int_t)d->count, "cycles",
                     (json_int_t)d->cycles, "min", (json_int_t)d->min, "max", (json_int_t)d->max,
                     "max_at", (json_int_t)d->max_at, "values", values, "buckets", buckets);
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
