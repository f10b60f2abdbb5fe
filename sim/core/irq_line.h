/* irq_line: one wire from a device's output to some chip's input, (function, owner, number). The
 * board wires it; a device calls irq_set on every change of level and never asks who listens. */
#pragma once

#include "sim/core/types.h"

struct irq_line {
    void (*set)(void *owner, int number, bool level);
    void *owner;
    int number;
};

static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->set)
        line->set(line->owner, line->number, level);
}
