/* slots: when a unit that takes one operation a clock is free, in any order of asking.
 *
 * One bit a clock, in words of 64 clocks, for the last 512 clocks that anybody asked about; a word
 * is cleared when a later time claims it. Whoever asks first gets the earlier clock: instructions
 * ask in program order, so the oldest goes first, as in the schedulers. */
#pragma once

#include "sim/core/types.h"

#define SLOT_WORDS 8

struct slots {
    uint64_t word[SLOT_WORDS]; /* which 64 clocks: time / 64 */
    uint64_t busy[SLOT_WORDS];
};

static ALWAYS_INLINE uint64_t *slots_word(struct slots *s, cycle_t t)
{
    uint64_t word = t >> 6;
    unsigned i = word & (SLOT_WORDS - 1);
    if (UNLIKELY(s->word[i] != word)) {
        s->word[i] = word;
        s->busy[i] = 0;
    }
    return &s->busy[i];
}

/* Takes the first free clock at or after t. */
static ALWAYS_INLINE cycle_t slots_take(struct slots *s, cycle_t t)
{
    for (;;) {
        uint64_t *busy = slots_word(s, t);
        uint64_t free = ~*busy & (UINT64_MAX << (t & 63));
        if (LIKELY(free != 0)) {
            unsigned bit = (unsigned)__builtin_ctzll(free);
            *busy |= 1ull << bit;
            return (t & ~(cycle_t)63) + bit;
        }
        t = (t | 63) + 1;
    }
}
