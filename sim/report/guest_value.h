/* guest_value: the value of an expression over a guest's registers and memory; guest_names.h has
 * the language. */
#pragma once

#include "sim/report/guest_names.h"

struct guest_value {
    const struct symbols *symbols;
    const struct guest_kernel *kernel; /* whose definitions count; NULL: none */
    const struct cpu *cpu;
    const char *at; /* what is left of the text; behind the expression afterwards */
    unsigned depth; /* of definitions and parentheses */
    bool failed;    /* it has no value */
};

uint32_t guest_value(struct guest_value *v);

/* ESP0 and ESP1 of the task that runs. */
void guest_stacks(const struct cpu *c, uint32_t *esp0, uint32_t *esp1);
