/* insn_arith: ADD OR ADC SBB AND SUB XOR CMP, TEST, INC DEC, NEG NOT. [SDM2] */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

/* The two-operand operations: result from a (destination), b (source); flags set. */

static ALWAYS_INLINE uint32_t do_add(struct cpu *c, uint32_t a, uint32_t b, int w)
{
    uint32_t r = a + b;
    flags_add(c, a, b, r, w);
    return r;
}

static ALWAYS_INLINE uint32_t do_adc(struct cpu *c, uint32_t a, uint32_t b, int w)
{
    uint32_t r = a + b + get_cf(c);
    flags_add(c, a, b, r, w);
    return r;
}

static ALWAYS_INLINE uint32_t do_sub(struct cpu *c, uint32_t a, uint32_t b, int w)
{
    uint32_t r = a - b;
    flags_sub(c, a, b, r, w);
    return r;
}

static ALWAYS_INLINE uint32_t do_sbb(struct cpu *c, uint32_t a, uint32_t b, int w)
{
    uint32_t r = a - b - get_cf(c);
    flags_sub(c, a, b, r, w);
    return r;
}

static ALWAYS_INLINE uint32_t do_and(struct cpu *c, uint32_t a, uint32_t b, int w)
{
    flags_logic(c, a & b, w);
    return a & b;
}

static ALWAYS_INLINE uint32_t do_or(struct cpu *c, uint32_t a, uint32_t b, int w)
{
    flags_logic(c, a | b, w);
    return a | b;
}

static ALWAYS_INLINE uint32_t do_xor(struct cpu *c, uint32_t a, uint32_t b, int w)
{
    flags_logic(c, a ^ b, w);
    return a ^ b;
}

/* Each operation in its three shapes: E,G and G,E and E,immediate (the accumulator form too). */
#define ARITH(name)                                                                                \
    static ALWAYS_INLINE void name##_eg(struct cpu *c, const struct op *o, int w, bool mem)        \
    {                                                                                              \
        uint32_t a = e_modify(c, o, w, mem);                                                       \
        e_update(c, o, do_##name(c, a, g_read(c, o, w), w), w, mem);                               \
    }                                                                                              \
    static ALWAYS_INLINE void name##_ge(struct cpu *c, const struct op *o, int w, bool mem)        \
    {                                                                                              \
        uint32_t b = e_read(c, o, w, mem);                                                         \
        g_write(c, o, do_##name(c, g_read(c, o, w), b, w), w);                                     \
    }                                                                                              \
    static ALWAYS_INLINE void name##_ei(struct cpu *c, const struct op *o, int w, bool mem)        \
    {                                                                                              \
        uint32_t a = e_modify(c, o, w, mem);                                                       \
        e_update(c, o, do_##name(c, a, o->imm, w), w, mem);                                        \
    }                                                                                              \
    BODIES(name##_eg)                                                                              \
    BODIES(name##_ge)                                                                              \
    BODIES(name##_ei)

ARITH(add)
ARITH(or)
ARITH(adc)
ARITH(sbb)
ARITH(and)
ARITH(sub)
ARITH(xor)

static ALWAYS_INLINE void cmp_eg(struct cpu *c, const struct op *o, int w, bool mem)
{
    do_sub(c, e_read(c, o, w, mem), g_read(c, o, w), w);
}

static ALWAYS_INLINE void cmp_ge(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t b = e_read(c, o, w, mem);
    do_sub(c, g_read(c, o, w), b, w);
}

static ALWAYS_INLINE void cmp_ei(struct cpu *c, const struct op *o, int w, bool mem)
{
    do_sub(c, e_read(c, o, w, mem), o->imm, w);
}

static ALWAYS_INLINE void test_eg(struct cpu *c, const struct op *o, int w, bool mem)
{
    do_and(c, e_read(c, o, w, mem), g_read(c, o, w), w);
}

static ALWAYS_INLINE void test_ei(struct cpu *c, const struct op *o, int w, bool mem)
{
    do_and(c, e_read(c, o, w, mem), o->imm, w);
}

/* INC and DEC leave CF alone. */
static ALWAYS_INLINE void keep_cf(struct cpu *c, bool cf)
{
    uint32_t of = (c->flag_c ^ c->flag_c << 1) & 0x80000000u;
    c->flag_c = (uint32_t)cf << 31 | ((uint32_t)cf << 30 ^ of >> 1) | (c->flag_c & 8);
}

static ALWAYS_INLINE void inc_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t a = e_modify(c, o, w, mem);
    bool cf = get_cf(c);
    uint32_t r = do_add(c, a, 1, w);
    keep_cf(c, cf);
    e_update(c, o, r, w, mem);
}

static ALWAYS_INLINE void dec_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t a = e_modify(c, o, w, mem);
    bool cf = get_cf(c);
    uint32_t r = do_sub(c, a, 1, w);
    keep_cf(c, cf);
    e_update(c, o, r, w, mem);
}

static ALWAYS_INLINE void neg_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t a = e_modify(c, o, w, mem);
    e_update(c, o, do_sub(c, 0, a, w), w, mem);
}

static ALWAYS_INLINE void not_e(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t a = e_modify(c, o, w, mem);
    e_update(c, o, ~a, w, mem);
}

BODIES(cmp_eg)
BODIES(cmp_ge)
BODIES(cmp_ei)
BODIES(test_eg)
BODIES(test_ei)
BODIES(inc_e)
BODIES(dec_e)
BODIES(neg_e)
BODIES(not_e)

/* Columns: code, name, operands, bodies, flags read, written, undefined, attributes, feature,
 * implied uses and sets, timing class. */
#define ARITH_ROWS(n, op0, op1, op2, op3, op4, op5, digit, NAME, READ, UNDEFINED, ATTR, T)         \
    {op0 " /r", NAME, "Eb,Gb", BFORM(n##_eg), READ, F_ARITH, UNDEFINED, ATTR, 0, 0, 0, T},         \
    {op1 " /r", NAME, "Ev,Gv", VFORM(n##_eg), READ, F_ARITH, UNDEFINED, ATTR, 0, 0, 0, T},         \
    {op2 " /r", NAME, "Gb,Eb", BFORM(n##_ge), READ, F_ARITH, UNDEFINED, (ATTR) & ~A_LOCK, 0, 0, 0, \
     T},                                                                                           \
    {op3 " /r", NAME, "Gv,Ev", VFORM(n##_ge), READ, F_ARITH, UNDEFINED, (ATTR) & ~A_LOCK, 0, 0, 0, \
     T},                                                                                           \
    {op4, NAME, "AL,Ib", BFORM(n##_ei), READ, F_ARITH, UNDEFINED, (ATTR) & ~A_LOCK, 0, 0, 0, T},   \
    {op5, NAME, "eAX,Iz", VFORM(n##_ei), READ, F_ARITH, UNDEFINED, (ATTR) & ~A_LOCK, 0, 0, 0, T},  \
    {"80 /" digit, NAME, "Eb,Ib", BFORM(n##_ei), READ, F_ARITH, UNDEFINED, ATTR, 0, 0, 0, T},      \
    {"81 /" digit, NAME, "Ev,Iz", VFORM(n##_ei), READ, F_ARITH, UNDEFINED, ATTR, 0, 0, 0, T},      \
    {"82 /" digit, NAME, "Eb,Ib", BFORM(n##_ei), READ, F_ARITH, UNDEFINED, ATTR, 0, 0, 0, T},      \
    {"83 /" digit, NAME, "Ev,Is", VFORM(n##_ei), READ, F_ARITH, UNDEFINED, ATTR, 0, 0, 0, T}

#define F_INCDEC (F_ARITH & ~F_CF)

static const struct row rows[] = {
    ARITH_ROWS(add, "00", "01", "02", "03", "04", "05", "0", "ADD", 0, 0, A_LOCK, "alu"),
    ARITH_ROWS(or, "08", "09", "0A", "0B", "0C", "0D", "1", "OR", 0, F_AF, A_LOCK, "alu"),
    ARITH_ROWS(adc, "10", "11", "12", "13", "14", "15", "2", "ADC", F_CF, 0, A_LOCK, "alu_carry"),
    ARITH_ROWS(sbb, "18", "19", "1A", "1B", "1C", "1D", "3", "SBB", F_CF, 0, A_LOCK, "alu_carry"),
    ARITH_ROWS(and, "20", "21", "22", "23", "24", "25", "4", "AND", 0, F_AF, A_LOCK, "alu"),
    ARITH_ROWS(sub, "28", "29", "2A", "2B", "2C", "2D", "5", "SUB", 0, 0, A_LOCK, "alu"),
    ARITH_ROWS(xor, "30", "31", "32", "33", "34", "35", "6", "XOR", 0, F_AF, A_LOCK, "alu"),
    ARITH_ROWS(cmp, "38", "39", "3A", "3B", "3C", "3D", "7", "CMP", 0, 0, A_DEST_READ, "alu"),

    {"84 /r", "TEST", "Eb,Gb", BFORM(test_eg), 0, F_ARITH, F_AF, A_DEST_READ, 0, 0, 0, "alu"},
    {"85 /r", "TEST", "Ev,Gv", VFORM(test_eg), 0, F_ARITH, F_AF, A_DEST_READ, 0, 0, 0, "alu"},
    {"A8", "TEST", "AL,Ib", BFORM(test_ei), 0, F_ARITH, F_AF, A_DEST_READ, 0, 0, 0, "alu"},
    {"A9", "TEST", "eAX,Iz", VFORM(test_ei), 0, F_ARITH, F_AF, A_DEST_READ, 0, 0, 0, "alu"},
    {"F6 /0", "TEST", "Eb,Ib", BFORM(test_ei), 0, F_ARITH, F_AF, A_DEST_READ, 0, 0, 0, "test_imm"},
    {"F7 /0", "TEST", "Ev,Iz", VFORM(test_ei), 0, F_ARITH, F_AF, A_DEST_READ, 0, 0, 0, "test_imm"},
    {"F6 /1", "TEST", "Eb,Ib", BFORM(test_ei), 0, F_ARITH, F_AF, A_DEST_READ, 0, 0, 0, "test_imm"},
    {"F7 /1", "TEST", "Ev,Iz", VFORM(test_ei), 0, F_ARITH, F_AF, A_DEST_READ, 0, 0, 0, "test_imm"},

    {"40+r", "INC", "Zv", VFORM(inc_e), 0, F_INCDEC, 0, 0, 0, 0, 0, "alu"},
    {"48+r", "DEC", "Zv", VFORM(dec_e), 0, F_INCDEC, 0, 0, 0, 0, 0, "alu"},
    {"FE /0", "INC", "Eb", BFORM(inc_e), 0, F_INCDEC, 0, A_LOCK, 0, 0, 0, "alu"},
    {"FE /1", "DEC", "Eb", BFORM(dec_e), 0, F_INCDEC, 0, A_LOCK, 0, 0, 0, "alu"},
    {"FF /0", "INC", "Ev", VFORM(inc_e), 0, F_INCDEC, 0, A_LOCK, 0, 0, 0, "alu"},
    {"FF /1", "DEC", "Ev", VFORM(dec_e), 0, F_INCDEC, 0, A_LOCK, 0, 0, 0, "alu"},

    {"F6 /3", "NEG", "Eb", BFORM(neg_e), 0, F_ARITH, 0, A_LOCK, 0, 0, 0, "neg"},
    {"F7 /3", "NEG", "Ev", VFORM(neg_e), 0, F_ARITH, 0, A_LOCK, 0, 0, 0, "neg"},
    {"F6 /2", "NOT", "Eb", BFORM(not_e), 0, 0, 0, A_LOCK, 0, 0, 0, "neg"},
    {"F7 /2", "NOT", "Ev", VFORM(not_e), 0, 0, 0, A_LOCK, 0, 0, 0, "neg"},
};

const struct row_family family_arith = {rows, ARRAY_COUNT(rows)};
