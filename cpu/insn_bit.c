/* insn_bit: BT BTS BTR BTC, BSF BSR, BSWAP, SETcc, CMOVcc. [SDM2]
 *
 * Undefined: OF SF AF PF after the BT family and CF OF SF AF PF after BSF and BSR (kept); the
 * destination of BSF and BSR when the source is zero (kept); BSWAP of a 16-bit register (zero). */
#include "cpu/conditions.h"
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

enum bit_change { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static ALWAYS_INLINE uint32_t bit_changed(uint32_t v, uint32_t bit, enum bit_change change)
{
    return change == BIT_SET ? v | bit : change == BIT_RESET ? v & ~bit : v ^ bit;
}

/* A register offset is signed and reaches any word or doubleword of a bit string in memory. */
static ALWAYS_INLINE uint32_t bit_address(const struct cpu *c, const struct op *o, uint32_t offset,
                                          int w)
{
    int32_t element = (int32_t)sign_extend(offset, w) >> (w == 2 ? 4 : 5);
    return (effective_address(c, o) + (uint32_t)element * (uint32_t)w) & o->amask;
}

static ALWAYS_INLINE void bit_at(struct cpu *c, const struct op *o, uint32_t address,
                                 uint32_t offset, enum bit_change change, int w, bool mem)
{
    uint32_t bit = 1u << (offset & (8 * (unsigned)w - 1)), v;
    if (change == BIT_TEST) {
        v = mem ? (uint32_t)mem_read(c, o->seg, address, (unsigned)w) : reg_read(c, o->rm, w);
    } else {
        v = mem ? mem_rmw(c, o->seg, address, (unsigned)w) : reg_read(c, o->rm, w);
        e_update(c, o, bit_changed(v, bit, change), w, mem);
    }
    set_cf(c, v & bit);
}

#define BIT_OPERATION(name, change)                                                                \
    static ALWAYS_INLINE void name##_eg(struct cpu *c, const struct op *o, int w, bool mem)        \
    {                                                                                              \
        uint32_t offset = g_read(c, o, w);                                                         \
        bit_at(c, o, bit_address(c, o, offset, w), offset, change, w, mem);                        \
    }                                                                                              \
    static ALWAYS_INLINE void name##_ei(struct cpu *c, const struct op *o, int w, bool mem)        \
    {                                                                                              \
        bit_at(c, o, effective_address(c, o), o->imm, change, w, mem);                             \
    }                                                                                              \
    BODIES_V(name##_eg)                                                                            \
    BODIES_V(name##_ei)

BIT_OPERATION(bt, BIT_TEST)
BIT_OPERATION(bts, BIT_SET)
BIT_OPERATION(btr, BIT_RESET)
BIT_OPERATION(btc, BIT_COMPLEMENT)

/* The scans tell the model how many zero bits they passed: the operand's width if there is none. */
static ALWAYS_INLINE void bsf_ge(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t v = e_read(c, o, w, mem);
    set_zf(c, v == 0);
    if (v)
        g_write(c, o, (uint32_t)__builtin_ctz(v), w);
    note(c, NOTE_COUNT, v ? (uint32_t)__builtin_ctz(v) : 8 * (uint32_t)w);
}

static ALWAYS_INLINE void bsr_ge(struct cpu *c, const struct op *o, int w, bool mem)
{
    uint32_t v = e_read(c, o, w, mem), top = 8 * (uint32_t)w - 1;
    set_zf(c, v == 0);
    if (v)
        g_write(c, o, 31 - (uint32_t)__builtin_clz(v), w);
    note(c, NOTE_COUNT, v ? (uint32_t)__builtin_clz(v) - (31 - top) : top + 1);
}

BODIES_V(bsf_ge)
BODIES_V(bsr_ge)

static void bswap_w(struct cpu *c, const struct op *o) { reg_write(c, o->rm, 0, 2); }
static void bswap_d(struct cpu *c, const struct op *o)
{
    c->r[o->rm] = __builtin_bswap32(c->r[o->rm]);
}

/* CMOVcc reads its source, and may fault on it, whatever the condition. */
#define BY_CONDITION(cc, digit, name, flags)                                                       \
    static ALWAYS_INLINE void set_##cc(struct cpu *c, const struct op *o, int w, bool mem)         \
    {                                                                                              \
        e_write(c, o, condition(c, cc), w, mem);                                                   \
    }                                                                                              \
    static ALWAYS_INLINE void cmov_##cc(struct cpu *c, const struct op *o, int w, bool mem)        \
    {                                                                                              \
        uint32_t v = e_read(c, o, w, mem);                                                         \
        if (condition(c, cc))                                                                      \
            g_write(c, o, v, w);                                                                   \
    }                                                                                              \
    BODIES_B(set_##cc)                                                                             \
    BODIES_V(cmov_##cc)
CONDITIONS(BY_CONDITION)

#define F_BT (F_OF | F_SF | F_AF | F_PF)
#define F_SCAN (F_ARITH & ~F_ZF)

#define BT_ROWS(n, opcode, digit, NAME, ATTR, T)                                                   \
    {"0F " opcode " /r", NAME, "Ev,Gv", VFORM(n##_eg), 0, F_CF | F_BT, F_BT, ATTR, 0, 0, 0, T},    \
    {"0F BA /" digit, NAME, "Ev,Ib", VFORM(n##_ei), 0, F_CF | F_BT, F_BT, ATTR, 0, 0, 0, T "_imm"}
#define SET_ROW(cc, digit, name, flags)                                                            \
    {"0F 9" digit " /r", "SET" name, "Eb", BFORM(set_##cc), flags, 0, 0, A_DEST_WRITE, 0, 0, 0,    \
     "setcc"},
#define CMOV_ROW(cc, digit, name, flags)                                                           \
    {"0F 4" digit " /r", "CMOV" name, "Gv,Ev", VFORM(cmov_##cc), flags, 0, 0, 0, FEATURE_CMOV, 0,  \
     0, "cmov"},

static const struct row rows[] = {
    BT_ROWS(bt, "A3", "4", "BT", A_DEST_READ, "bt"),
    BT_ROWS(bts, "AB", "5", "BTS", A_LOCK, "bts"),
    BT_ROWS(btr, "B3", "6", "BTR", A_LOCK, "bts"),
    BT_ROWS(btc, "BB", "7", "BTC", A_LOCK, "bts"),
    {"0F BC /r", "BSF", "Gv,Ev", VFORM(bsf_ge), 0, F_ARITH, F_SCAN, 0, 0, 0, 0, "bsf"},
    {"0F BD /r", "BSR", "Gv,Ev", VFORM(bsr_ge), 0, F_ARITH, F_SCAN, 0, 0, 0, 0, "bsr"},
    {"0F C8+r", "BSWAP", "Zv", WFORM(bswap), 0, 0, 0, 0, 0, 0, 0, "bswap"},
    CONDITIONS(SET_ROW)
    CONDITIONS(CMOV_ROW)
};

const struct row_family family_bit = {rows, ARRAY_COUNT(rows)};
