/* random_value: operand values at which instructions change their behaviour. */
#pragma once

#include "tests/isa/silicon.h"

/* splitmix64 [Steele, Lea, Flood 2014]. */
static inline uint64_t isa_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* 0 .. n - 1 */
static inline uint32_t isa_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((isa_random(state) >> 32) * n >> 32);
}

static inline bool isa_percent(uint64_t *state, unsigned p) { return isa_below(state, 100) < p; }

/* Small, near a power of two, patterned, or anything. */
uint32_t isa_random_u32(uint64_t *state);

/* Selectors that exist here, null ones, and ones that do not. Never the 64-bit code segment. */
uint16_t isa_random_selector(uint64_t *state);

/* Every class of 80-bit operand: zero, denormal, pseudo-denormal, normal, infinite, NaN, and the
 * encodings that the 80387 and later call unsupported. */
void isa_random_f80(uint64_t *state, uint8_t out[10]);
void isa_random_f64(uint64_t *state, uint8_t out[8]);
void isa_random_f32(uint64_t *state, uint8_t out[4]);
/* Singles, doubles or integers. */
void isa_random_vec(uint64_t *state, uint8_t out[16]);
/* MXCSR: mostly all exceptions masked. */
uint32_t isa_random_mxcsr(uint64_t *state);
/* Packed decimal, sometimes with digits above nine. */
void isa_random_bcd(uint64_t *state, uint8_t out[10]);
/* Control word, status word, which registers are in use, and their contents. */
void isa_random_x87(uint64_t *state, struct isa_x87 *x);
