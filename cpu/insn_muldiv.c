/* insn_muldiv: MUL IMUL DIV IDIV, and the decimal adjustments AAA AAS DAA DAS AAM AAD. [SDM2]
 *
 * Undefined flags (SF ZF AF PF of the multiplications, all of the divisions, those of the decimal
 * adjustments) keep their values. */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

/* The double-width accumulator: AX, DX:AX or EDX:EAX. */

static ALWAYS_INLINE uint64_t wide_read(const struct cpu *c, int w)
{
    if (w == 1)
        return reg_read(c, EAX, 2);
    return (uint64_t)reg_read(c, EDX, w) << (8 * w) | reg_read(c, EAX, w);
}

static ALWAYS_INLINE void wide_write(struct cpu *c, uint64_t v, int w)
{
    if (w == 1) {
        reg_write(c, EAX, (uint32_t)v, 2);
        return;
    }
    reg_write(c, EAX, (uint32_t)v, w);
    reg_write(c, EDX, (uint32_t)(v >> (8 * w)), w);
}

static ALWAYS_INLINE int64_t signed_value(uint32_t v, int w)
{
    return (int32_t)sign_extend(v, w);
}

/* CF and OF say whether the product needed its upper half. */
static ALWAYS_INLINE void flags_product(struct cpu *c, bool upper)
{
    set_carries(c, upper, upper, get_af(c));
}

static ALWAYS_INLINE void mul_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint64_t p = (uint64_t)reg_read(c, EAX, w) * e_read(c, o, w, mem);
    wide_write(c, p, w);
    flags_product(c, p >> (8 * w) != 0);
}

static ALWAYS_INLINE void imul_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    int64_t p = signed_value(reg_read(c, EAX, w), w) * signed_value(e_read(c, o, w, mem), w);
    wide_write(c, (uint64_t)p, w);
    flags_product(c, p != signed_value((uint32_t)p, w));
}

/* The two- and three-operand forms keep the lower half only. */
static ALWAYS_INLINE void imul_into_g(struct cpu *c, const struct op *o, uint32_t a, uint32_t b,
                                      int w)
{
    int64_t p = signed_value(a, w) * signed_value(b, w);
    g_write(c, o, (uint32_t)p, w);
    flags_product(c, p != signed_value((uint32_t)p, w));
}

static ALWAYS_INLINE void imul_ge(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t b = e_read(c, o, w, mem);
    imul_into_g(c, o, g_read(c, o, w), b, w);
}

static ALWAYS_INLINE void imul_gei(struct cpu *c, const struct op *o, int w, bool mem)
{
    imul_into_g(c, o, e_read(c, o, w, mem), o->imm, w);
}

/* Quotient and remainder to AL and AH, AX and DX, or EAX and EDX. */
static ALWAYS_INLINE void divided(struct cpu *c, uint32_t quotient, uint32_t remainder, int w)
{
    uint32_t mask = width_mask(w);
    wide_write(c, (uint64_t)(remainder & mask) << (8 * w) | (quotient & mask), w);
}

static ALWAYS_INLINE void div_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t divisor = e_read(c, o, w, mem);
    uint64_t n = wide_read(c, w);
    /* The quotient fits exactly when the upper half is below the divisor; this covers zero. */
    if (n >> (8 * w) >= divisor)
        cpu_raise(c, EXC_DE);
    divided(c, (uint32_t)(n / divisor), (uint32_t)(n % divisor), w);
}

static ALWAYS_INLINE void idiv_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    int64_t divisor = signed_value(e_read(c, o, w, mem), w);
    uint64_t raw = wide_read(c, w);
    int64_t n = w == 4 ? (int64_t)raw : w == 2 ? (int32_t)(uint32_t)raw : (int16_t)(uint16_t)raw;
    /* The host's own overflow is out of range for every width, so it may be refused first. */
    if (divisor == 0 || (n == INT64_MIN && divisor == -1))
        cpu_raise(c, EXC_DE);
    int64_t quotient = n / divisor;
    if (quotient != signed_value((uint32_t)quotient, w))
        cpu_raise(c, EXC_DE);
    divided(c, (uint32_t)quotient, (uint32_t)(n % divisor), w);
}

BODIES(mul_e)
BODIES(imul_e)
BODIES_V(imul_ge)
BODIES_V(imul_gei)
BODIES(div_e)
BODIES(idiv_e)

/* --- decimal adjustments ---------------------------------------------------------------------- */

static uint32_t al_read(const struct cpu *c) { return reg_read(c, EAX, 1); }
static void al_write(struct cpu *c, uint32_t v) { reg_write(c, EAX, v, 1); }

static bool low_digit_off(const struct cpu *c) { return (al_read(c) & 15) > 9 || get_af(c); }

static void aaa(struct cpu *c, const struct op *o)
{
    (void)o;
    bool adjust = low_digit_off(c);
    uint32_t ax = reg_read(c, EAX, 2) + (adjust ? 0x106 : 0);
    reg_write(c, EAX, ax & 0xFF0F, 2);
    set_carries(c, adjust, get_of(c), adjust);
}

static void aas(struct cpu *c, const struct op *o)
{
    (void)o;
    bool adjust = low_digit_off(c);
    uint32_t ax = reg_read(c, EAX, 2) - (adjust ? 0x106 : 0);
    reg_write(c, EAX, ax & 0xFF0F, 2);
    set_carries(c, adjust, get_of(c), adjust);
}

static void daa(struct cpu *c, const struct op *o)
{
    (void)o;
    bool low = low_digit_off(c);
    bool high = al_read(c) > 0x99 || get_cf(c);
    uint32_t al = al_read(c) + (low ? 6 : 0) + (high ? 0x60 : 0);
    al_write(c, al);
    set_carries(c, high, get_of(c), low);
    flags_result(c, al, 1);
}

/* Unlike DAA, a borrow out of the lower digit's adjustment stays in CF. */
static void das(struct cpu *c, const struct op *o)
{
    (void)o;
    bool low = low_digit_off(c);
    bool high = al_read(c) > 0x99 || get_cf(c);
    bool borrow = low && al_read(c) < 6;
    uint32_t al = al_read(c) - (low ? 6 : 0) - (high ? 0x60 : 0);
    al_write(c, al);
    set_carries(c, high || borrow, get_of(c), low);
    flags_result(c, al, 1);
}

static void aam(struct cpu *c, const struct op *o)
{
    uint32_t base = o->imm & 0xFF;
    if (base == 0)
        cpu_raise(c, EXC_DE);
    uint32_t al = al_read(c);
    reg_write(c, EAX, (al / base) << 8 | al % base, 2);
    flags_result(c, al % base, 1);
}

static void aad(struct cpu *c, const struct op *o)
{
    uint32_t ax = reg_read(c, EAX, 2);
    uint32_t al = (ax + (ax >> 8) * (o->imm & 0xFF)) & 0xFF;
    reg_write(c, EAX, al, 2);
    flags_result(c, al, 1);
}

#define F_MUL (F_SF | F_ZF | F_AF | F_PF)
#define F_ASCII (F_OF | F_SF | F_ZF | F_PF) /* undefined after AAA, AAS */
#define F_AAX (F_OF | F_AF | F_CF)          /* undefined after AAM, AAD */
#define RM_AD (RM_EAX | RM_EDX)

static const struct row rows[] = {
    {"F6 /4", "MUL", "Eb", BFORM(mul_e), 0, F_ARITH, F_MUL, A_DEST_READ, 0, RM_EAX, RM_EAX, "mul"},
    {"F7 /4", "MUL", "Ev", VFORM(mul_e), 0, F_ARITH, F_MUL, A_DEST_READ, 0, RM_EAX, RM_AD, "mul"},
    {"F6 /5", "IMUL", "Eb", BFORM(imul_e), 0, F_ARITH, F_MUL, A_DEST_READ, 0, RM_EAX, RM_EAX,
     "mul"},
    {"F7 /5", "IMUL", "Ev", VFORM(imul_e), 0, F_ARITH, F_MUL, A_DEST_READ, 0, RM_EAX, RM_AD, "mul"},
    {"0F AF /r", "IMUL", "Gv,Ev", VFORM(imul_ge), 0, F_ARITH, F_MUL, 0, 0, 0, 0, "imul"},
    {"69 /r", "IMUL", "Gv,Ev,Iz", VFORM(imul_gei), 0, F_ARITH, F_MUL, A_DEST_WRITE, 0, 0, 0,
     "imul_imm"},
    {"6B /r", "IMUL", "Gv,Ev,Is", VFORM(imul_gei), 0, F_ARITH, F_MUL, A_DEST_WRITE, 0, 0, 0,
     "imul_imm"},
    {"F6 /6", "DIV", "Eb", BFORM(div_e), 0, F_ARITH, F_ARITH, A_DEST_READ, 0, RM_EAX, RM_EAX,
     "div"},
    {"F7 /6", "DIV", "Ev", VFORM(div_e), 0, F_ARITH, F_ARITH, A_DEST_READ, 0, RM_AD, RM_AD, "div"},
    {"F6 /7", "IDIV", "Eb", BFORM(idiv_e), 0, F_ARITH, F_ARITH, A_DEST_READ, 0, RM_EAX, RM_EAX,
     "idiv"},
    {"F7 /7", "IDIV", "Ev", VFORM(idiv_e), 0, F_ARITH, F_ARITH, A_DEST_READ, 0, RM_AD, RM_AD,
     "idiv"},

    {"37", "AAA", "", ANYFORM(aaa), F_AF, F_ARITH, F_ASCII, 0, 0, RM_EAX, RM_EAX, "aaa"},
    {"3F", "AAS", "", ANYFORM(aas), F_AF, F_ARITH, F_ASCII, 0, 0, RM_EAX, RM_EAX, "aaa"},
    {"27", "DAA", "", ANYFORM(daa), F_AF | F_CF, F_ARITH, F_OF, 0, 0, RM_EAX, RM_EAX, "daa"},
    {"2F", "DAS", "", ANYFORM(das), F_AF | F_CF, F_ARITH, F_OF, 0, 0, RM_EAX, RM_EAX, "daa"},
    {"D4", "AAM", "Ib", ANYFORM(aam), 0, F_ARITH, F_AAX, 0, 0, RM_EAX, RM_EAX, "aam"},
    {"D5", "AAD", "Ib", ANYFORM(aad), 0, F_ARITH, F_AAX, 0, 0, RM_EAX, RM_EAX, "aad"},
};

const struct row_family family_muldiv = {rows, ARRAY_COUNT(rows)};
