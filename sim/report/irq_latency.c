#include "sim/report/irq_latency.h"

#include "cpu/note.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define VECTORS 256

void irq_latency_init(struct irq_latency *l)
{
    *l = (struct irq_latency){.vector = xalloc(VECTORS, sizeof *l->vector)};
}

void irq_latency_free(struct irq_latency *l)
{
    for (unsigned i = 0; l->vector && i < VECTORS; i++) {
        free(l->vector[i].handler.value);
        free(l->vector[i].program.value);
    }
    free(l->vector);
    l->vector = NULL;
}

/* Of the first value that is not less. */
static uint32_t position(const struct irq_distribution *d, uint64_t cycles)
{
    uint32_t low = 0, high = d->values;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (d->value[middle].cycles < cycles)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct irq_distribution *d, uint32_t at, uint64_t cycles)
{
    if (d->values == d->capacity) {
        d->capacity = d->capacity * 2 + 16;
        d->value = realloc(d->value, d->capacity * sizeof *d->value);
        CHECK(d->value != NULL);
    }
    memmove(d->value + at + 1, d->value + at, (d->values++ - at) * sizeof *d->value);
    d->value[at] = (struct irq_value){cycles, 0};
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
    uint32_t at = position(d, cycles);
    if (at == d->values || d->value[at].cycles != cycles)
        insert(d, at, cycles);
    d->value[at].count++;
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
    json_t *values = json_array();
    for (uint32_t i = 0; i < d->values; i++)
        json_array_append_new(values, json_pack("[I,I]", (json_int_t)d->value[i].cycles,
                                                (json_int_t)d->value[i].count));
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "count", (json_int_t)d->count, "cycles",
                     (json_int_t)d->cycles, "min", (json_int_t)d->min, "max", (json_int_t)d->max,
                     "max_at", (json_int_t)d->max_at, "values", values);
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
