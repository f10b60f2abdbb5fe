#include "tests/isa/random_value.h"

#include <string.h>

uint32_t isa_random_u32(uint64_t *state)
{
    uint64_t z = isa_random(state);
    uint32_t v = (uint32_t)z, sel = (uint32_t)(z >> 32);
    switch (sel & 7) {
    case 0:
        return sel >> 8 & 31;
    case 1: { /* a power of two, or one beside it */
        uint32_t power = 1u << (sel >> 8 & 31);
        return power + (sel >> 16 & 3) - 1;
    }
    case 2:
        return 0u - (sel >> 8 & 31);
    case 3: {
        static const uint32_t edges[16] = {
            0x7F,       0x80,       0xFF,       0x7FFF,     0x8000,     0xFFFF,
            0x10000,    0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x80008000, 0x7F807F80,
            0xFFFF0000, 0x99,       0x9A,       0x55555555};
        return edges[sel >> 8 & 15];
    }
    case 4:
        return v & 0xFFFF;
    default:
        return v;
    }
}

uint16_t isa_random_selector(uint64_t *state)
{
    static const uint16_t some[] = {
        ISA_FLAT_DATA, ISA_FLAT_DATA,    ISA_FLAT_DATA,   ISA_FLAT_CODE, ISA_LIMITED,
        ISA_READ_ONLY, ISA_DOWN,         ISA_CODE_32,     ISA_CODE_16,   ISA_DATA_16,
        ISA_ABSENT,    ISA_EXECUTE_ONLY, ISA_DOWN_16,     ISA_SHIFTED,   0,
        1,             3,                0x28,            0x29,          0x07 ^ 3,
        0x08,          0x10,             0x18,            0x57,          0x5F,
        0x63,          0x7B,             0x1000,          0xFFFF,        0xFFFB};
    return some[isa_below(state, ARRAY_COUNT(some))];
}

/* --- floating point --------------------------------------------------------------------------- */
static uint64_t random_mantissa(uint64_t *state)
{
    uint64_t v = isa_random(state);
    switch (isa_below(state, 8)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return (uint64_t)1 << (v & 63);
    case 3: /* few leading bits: exact results, ties in rounding */
        return v << (v & 63);
    case 4: /* a run of ones */
        return UINT64_MAX << (v & 63);
    case 5:
        return UINT64_MAX >> (v & 63);
    default:
        return v;
    }
}

void isa_random_f80(uint64_t *state, uint8_t out[10])
{
    uint64_t m = random_mantissa(state), top = (uint64_t)1 << 63;
    uint32_t v = (uint32_t)isa_random(state);
    uint16_t e = v & 0x7FFF;
    switch (isa_below(state, 20)) {
    case 0: m = 0; e = 0; break;
    case 1: m &= ~top; e = 0; break;             /* denormal */
    case 2: m |= top; e = 0; break;              /* pseudo-denormal */
    case 3: m = top; e = 0x7FFF; break;          /* infinity */
    case 4: m |= top | top >> 1; e = 0x7FFF; break; /* quiet NaN */
    case 5: m = (m & ~(top >> 1)) | top | 1; e = 0x7FFF; break; /* signalling NaN */
    case 6: m &= ~top; e = e ? e : 1; break;     /* unnormal, pseudo-infinity, pseudo-NaN */
    case 7: m |= top; e = (uint16_t)(e & 63) + 1; break; /* next to underflow */
    case 8: m |= top; e = 0x7FFE - (e & 63); break;      /* next to overflow */
    case 9: m |= top; break;
    case 10: m = top | ((uint64_t)v << 40 & ~top); e = 16383 + (e & 31); break;
    case 11: /* a small integer */
        m = (v >> 16 & 255) + 1;
        e = 16383 + 63;
        while (!(m & top)) {
            m <<= 1;
            e--;
        }
        break;
    case 12: /* around the range of single and double precision */
        m |= top;
        e = (uint16_t)((v & 0x10000 ? 16383 - 1022 : 16383 - 126) - 60 + v % 80);
        break;
    case 13:
        m |= top;
        e = (uint16_t)((v & 0x10000 ? 16383 + 1023 : 16383 + 127) - 3 + v % 6);
        break;
    default: m |= top; e = (uint16_t)(16383 - 70 + v % 140); break;
    }
    e |= (uint16_t)(v >> 31 << 15);
    memcpy(out, &m, 8);
    memcpy(out + 8, &e, 2);
}

/* Fraction and exponent classes of the narrower formats. */
static uint64_t random_narrow(uint64_t *state, unsigned fraction_bits, unsigned exponent_bits)
{
    uint64_t fraction = random_mantissa(state) >> (64 - fraction_bits);
    uint32_t v = (uint32_t)isa_random(state);
    uint64_t e_max = ((uint64_t)1 << exponent_bits) - 1, e = v & e_max;
    switch (isa_below(state, 10)) {
    case 0: fraction = 0; e = 0; break;
    case 1: e = 0; break;
    case 2: fraction = 0; e = e_max; break;
    case 3: e = e_max; break;
    case 4: break;
    case 5: e = e_max - 1; break;
    default: e = e_max / 2 - 20 + v % 40; break;
    }
    return (uint64_t)(v >> 31) << (fraction_bits + exponent_bits) | e << fraction_bits | fraction;
}

void isa_random_f64(uint64_t *state, uint8_t out[8])
{
    uint64_t v = random_narrow(state, 52, 11);
    memcpy(out, &v, 8);
}

void isa_random_f32(uint64_t *state, uint8_t out[4])
{
    uint32_t v = (uint32_t)random_narrow(state, 23, 8);
    memcpy(out, &v, 4);
}

void isa_random_bcd(uint64_t *state, uint8_t out[10])
{
    bool any = isa_percent(state, 10);
    for (int i = 0; i < 9; i++) {
        uint32_t v = isa_below(state, any ? 256 : 100);
        out[i] = (uint8_t)(any ? v : v / 10 << 4 | v % 10);
    }
    out[9] = (uint8_t)(isa_below(state, 2) << 7 | (any ? isa_below(state, 128) : 0));
    if (isa_percent(state, 30))
        memset(out + isa_below(state, 5), 0, 4);
}

void isa_random_x87(uint64_t *state, struct isa_x87 *x)
{
    uint32_t v = (uint32_t)isa_random(state);
    static const uint16_t precision[8] = {0x300, 0x300, 0x300, 0x300, 0x200, 0x200, 0x000, 0x100};
    uint16_t masks = isa_percent(state, 70) ? 0x3F : v & 0x3F;
    x->control = (uint16_t)(0x40 | precision[v >> 8 & 7] | (v >> 11 & 3) << 10 | masks);
    x->status = (uint16_t)(v >> 13 & 0x4700); /* C3 C2 C1 C0 */
    x->status |= (uint16_t)(isa_below(state, 8) << 11);
    if (isa_percent(state, 30))
        x->status |= (uint16_t)(isa_random(state) & (isa_percent(state, 10) ? 0x7F : masks | 0x40));
    if (x->status & ~masks & 0x3F)
        x->status |= 0x8080;
    switch (isa_below(state, 4)) {
    case 0: x->full = (uint8_t)isa_random(state); break;
    case 1: x->full = 0xFF; break;
    default: { /* ST0 .. ST(n-1) */
        unsigned top = x->status >> 11 & 7, n = isa_below(state, 8);
        x->full = 0;
        for (unsigned i = 0; i <= n; i++)
            x->full |= (uint8_t)(1 << ((top + i) & 7));
    }
    }
    for (int i = 0; i < 8; i++)
        isa_random_f80(state, x->st[i]);
    if (isa_percent(state, 15)) { /* ST1 near ST0 */
        memcpy(x->st[1], x->st[0], 10);
        x->st[1][0] ^= (uint8_t)(isa_random(state) & 3);
        x->st[1][9] ^= (uint8_t)(isa_random(state) & 0x80);
    }
}

void isa_random_vec(uint64_t *state, uint8_t out[16])
{
    unsigned kind = isa_below(state, 10);
    for (unsigned at = 0; at < 16;) {
        if (kind < 4) {
            isa_random_f32(state, out + at);
            at += 4;
        } else if (kind < 7) {
            isa_random_f64(state, out + at);
            at += 8;
        } else {
            uint32_t v = isa_random_u32(state);
            memcpy(out + at, &v, 4);
            at += 4;
        }
    }
}

uint32_t isa_random_mxcsr(uint64_t *state)
{
    uint32_t v = (uint32_t)isa_random(state);
    uint32_t masks = isa_percent(state, 75) ? 0x1F80 : v & 0x1F80;
    uint32_t flags = isa_percent(state, 30) ? v >> 16 & 0x3F : 0;
    uint32_t zeros = isa_percent(state, 20) ? v & 0x8040 : 0;
    return masks | flags | zeros | (isa_percent(state, 60) ? 0 : v & 0x6000);
}
