/* flags: lazy arithmetic flags.
 *
 * Three words hold six flags: ZF is flag_z == 0; SF is bit 31 and PF the parity of the low byte of
 * flag_s; CF is bit 31, OF bit 31 ^ bit 30 and AF bit 3 of flag_c. An addition's or subtraction's
 * carry vector, shifted so that the operand's top bit is bit 31, is exactly flag_c. */
#pragma once

#include "cpu/cpu.h"

/* v, a width-byte value, with its sign in bit 31. */
static ALWAYS_INLINE uint32_t sign_extend(uint32_t v, int w)
{
    return w == 1 ? (uint32_t)(int32_t)(int8_t)v : w == 2 ? (uint32_t)(int32_t)(int16_t)v : v;
}

static ALWAYS_INLINE uint32_t width_mask(int w)
{
    return w == 1 ? 0xFFu : w == 2 ? 0xFFFFu : 0xFFFFFFFFu;
}

static ALWAYS_INLINE void flags_result(struct cpu *c, uint32_t result, int w)
{
    c->flag_z = c->flag_s = sign_extend(result, w);
}

static ALWAYS_INLINE uint32_t carry_vector(uint32_t carries, int w)
{
    return w == 4 ? carries : (carries << (32 - 8 * w)) | (carries & 8);
}

/* Flags of result = a + b + carry in. */
static ALWAYS_INLINE void flags_add(struct cpu *c, uint32_t a, uint32_t b, uint32_t result, int w)
{
    c->flag_c = carry_vector((a & b) | ((a | b) & ~result), w);
    flags_result(c, result, w);
}

/* Flags of result = a - b - borrow in. */
static ALWAYS_INLINE void flags_sub(struct cpu *c, uint32_t a, uint32_t b, uint32_t result, int w)
{
    c->flag_c = carry_vector((~a & b) | ((~a | b) & result), w);
    flags_result(c, result, w);
}

/* AND, OR, XOR, TEST: CF and OF clear, AF undefined (cleared, as the P5 does [from memory]). */
static ALWAYS_INLINE void flags_logic(struct cpu *c, uint32_t result, int w)
{
    c->flag_c = 0;
    flags_result(c, result, w);
}

static ALWAYS_INLINE bool get_cf(const struct cpu *c) { return c->flag_c >> 31; }
static ALWAYS_INLINE bool get_zf(const struct cpu *c) { return c->flag_z == 0; }
static ALWAYS_INLINE bool get_sf(const struct cpu *c) { return c->flag_s >> 31; }
static ALWAYS_INLINE bool get_of(const struct cpu *c)
{
    return (c->flag_c ^ (c->flag_c << 1)) >> 31;
}
static ALWAYS_INLINE bool get_pf(const struct cpu *c)
{
    return !__builtin_parity(c->flag_s & 0xFF);
}
static ALWAYS_INLINE bool get_af(const struct cpu *c) { return c->flag_c >> 3 & 1; }

/* CF, OF and AF set each on its own. */
static ALWAYS_INLINE void set_carries(struct cpu *c, bool cf, bool of, bool af)
{
    c->flag_c = (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30 | (uint32_t)af << 3;
}

static ALWAYS_INLINE void set_cf(struct cpu *c, bool cf)
{
    set_carries(c, cf, get_of(c), get_af(c));
}

/* ZF alone (BSF, CMPXCHG8B, LAR, VERR ...). */
static ALWAYS_INLINE void set_zf(struct cpu *c, bool zf) { c->flag_z = !zf; }

/* Condition codes 0..15 as encoded in Jcc, SETcc, CMOVcc. */
static ALWAYS_INLINE bool condition(const struct cpu *c, unsigned cc)
{
    bool v = false;
    switch (cc >> 1) {
    case 0: v = get_of(c); break;
    case 1: v = get_cf(c); break;
    case 2: v = get_zf(c); break;
    case 3: v = get_cf(c) || get_zf(c); break;
    case 4: v = get_sf(c); break;
    case 5: v = get_pf(c); break;
    case 6: v = get_sf(c) != get_of(c); break;
    case 7: v = get_zf(c) || get_sf(c) != get_of(c); break;
    }
    return v ^ (cc & 1);
}
