/* insn_io: IN and OUT. The permission check and the access are in io.c; INS and OUTS are in
 * insn_string.c. [SDM2] */
#include "cpu/cpu.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

static ALWAYS_INLINE void in_i(struct cpu *c, const struct op *o, int w)
{
    reg_write(c, EAX, io_read(c, o->imm & 0xFF, (unsigned)w), w);
}

static ALWAYS_INLINE void in_dx(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    reg_write(c, EAX, io_read(c, (uint16_t)c->r[EDX], (unsigned)w), w);
}

static ALWAYS_INLINE void out_i(struct cpu *c, const struct op *o, int w)
{
    io_write(c, o->imm & 0xFF, (unsigned)w, reg_read(c, EAX, w));
}

static ALWAYS_INLINE void out_dx(struct cpu *c, const struct op *o, int w)
{
    (void)o;
    io_write(c, (uint16_t)c->r[EDX], (unsigned)w, reg_read(c, EAX, w));
}

#define PORT_BODIES(f)                                                                             \
    static void f##_b(struct cpu *c, const struct op *o) { f(c, o, 1); }                           \
    BODIES_W(f)

PORT_BODIES(in_i)
PORT_BODIES(in_dx)
PORT_BODIES(out_i)
PORT_BODIES(out_dx)

#define A_IN (A_ALONE | A_DEST_WRITE)
#define A_OUT (A_ALONE | A_DEST_READ)

static const struct row rows[] = {
    {"E4", "IN", "AL,Ib", ANYFORM(in_i_b), 0, 0, 0, A_IN, 0, 0, 0, "in"},
    {"E5", "IN", "eAX,Ib", WFORM(in_i), 0, 0, 0, A_IN, 0, 0, 0, "in"},
    {"EC", "IN", "AL,DX", ANYFORM(in_dx_b), 0, 0, 0, A_IN, 0, 0, 0, "in"},
    {"ED", "IN", "eAX,DX", WFORM(in_dx), 0, 0, 0, A_IN, 0, 0, 0, "in"},
    {"E6", "OUT", "Ib,AL", ANYFORM(out_i_b), 0, 0, 0, A_OUT, 0, 0, 0, "out"},
    {"E7", "OUT", "Ib,eAX", WFORM(out_i), 0, 0, 0, A_OUT, 0, 0, 0, "out"},
    {"EE", "OUT", "DX,AL", ANYFORM(out_dx_b), 0, 0, 0, A_OUT, 0, 0, 0, "out"},
    {"EF", "OUT", "DX,eAX", WFORM(out_dx), 0, 0, 0, A_OUT, 0, 0, 0, "out"},
};

const struct row_family family_io = {rows, ARRAY_COUNT(rows)};
