/* irq_latency: from the rise of the processor's interrupt line to the handler.
 *
 * The time begins when the board raised INTR: at the cycle at which the device's event fell due,
 * which may lie inside a long instruction, or when a program's own write to the interrupt
 * controller did it. It ends behind the delivery, before the handler's first instruction; and, if
 * the same instance of the kernel's path ends in another program than the one it interrupted (a
 * driver at user level, a program that waited), at that program's first instruction. A processor in
 * HLT wakes by it: its latency is the delivery alone. */
#pragma once

#include "cpu/cpu.h"
#include "sim/report/distribution.h"

#include <jansson.h>

struct irq_distribution {
    uint64_t count, cycles, min, max;
    cycle_t max_at; /* when the longest one began */
    struct distribution values;
};

struct irq_vector {
    struct irq_distribution handler, program;
};

struct irq_latency {
    struct irq_vector *vector; /* 256 of them */
    bool open;                 /* one was delivered, and its path goes on */
    uint8_t number;
    cycle_t rose;
};

void irq_latency_init(struct irq_latency *l);
void irq_latency_free(struct irq_latency *l);
/* An instruction or delivery was priced, its log still there. */
void irq_latency_delivered(struct irq_latency *l, const struct cpu *c);
/* The instance ends, in another program than the one before it or not. */
void irq_latency_ended(struct irq_latency *l, const struct cpu *c, bool other_program);

/* [{vector, handler: {count, cycles, min, max, max_at, and what distribution_write adds},
 *   program: likewise}] */
json_t *irq_latency_json(const struct irq_latency *l);
