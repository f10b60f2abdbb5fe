/* insn_x87_state: control and status words, stack pointer and tags, environment and whole state.
 * [SDM1 8.1] [SDM2] */
#include "cpu/insn_x87.h"

/* --- control and status ----------------------------------------------------------------------- */

/* Bits of the control word that exist; bit 6 always reads as one. */
#define CONTROL_WRITABLE 0x1F3F
#define CONTROL_ONES 0x0040

static void set_control(struct cpu *c, uint16_t v)
{
    c->x87.control = (v & CONTROL_WRITABLE) | CONTROL_ONES;
}

static uint16_t status_word(const struct cpu *c)
{
    return (uint16_t)(c->x87.status | c->x87.top << 11);
}

static void initialise(struct cpu *c)
{
    set_control(c, 0x37F);
    c->x87.status = 0;
    c->x87.top = 0;
    c->x87.empty = 0xFF;
    c->x87.opcode = c->x87.code_selector = c->x87.data_selector = 0;
    c->x87.code_offset = c->x87.data_offset = 0;
}

/* FERR# falls with the last unmasked exception. */
static void drop_ferr(struct cpu *c, bool was_pending)
{
    if (was_pending && !(c->x87.status & X87_ES) && c->ferr)
        c->ferr(c->ferr_owner, false);
}

static bool pending(const struct cpu *c) { return c->x87.status & X87_ES; }

void insn_fninit(struct cpu *c, const struct op *o)
{
    (void)o;
    x87_available(c);
    bool was_pending = pending(c);
    initialise(c);
    drop_ferr(c, was_pending);
}

void insn_fnclex(struct cpu *c, const struct op *o)
{
    (void)o;
    x87_available(c);
    bool was_pending = pending(c);
    c->x87.status &= (uint16_t)~(X87_B | X87_ES | X87_SF | X87_EXCEPTIONS);
    drop_ferr(c, was_pending);
}

void insn_fnstsw(struct cpu *c, const struct op *o)
{
    x87_available(c);
    mem_write(c, o->seg, effective_address(c, o), 2, status_word(c));
}

void insn_fnstsw_ax(struct cpu *c, const struct op *o)
{
    (void)o;
    x87_available(c);
    reg_write(c, EAX, status_word(c), 2);
}

void insn_fnstcw(struct cpu *c, const struct op *o)
{
    x87_available(c);
    mem_write(c, o->seg, effective_address(c, o), 2, c->x87.control);
}

/* Unmasking an exception whose flag is set makes it pending, masking it withdraws it. */
void insn_fldcw(struct cpu *c, const struct op *o)
{
    if (!x87_begin(c))
        return;
    bool was_pending = pending(c);
    set_control(c, (uint16_t)mem_read(c, o->seg, effective_address(c, o), 2));
    x87_update_summary(c);
    drop_ferr(c, was_pending);
}

/* --- stack pointer and tags ------------------------------------------------------------------- */

void insn_fnop(struct cpu *c, const struct op *o)
{
    if (x87_begin(c))
        x87_point(c, o);
}

/* FENI, FDISI and FSETPM did something on the 8087 and the 80287 only. */
void insn_fnop_control(struct cpu *c, const struct op *o)
{
    (void)o;
    x87_available(c);
}

static void rotate(struct cpu *c, const struct op *o, unsigned by)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    c->x87.status &= (uint16_t)~X87_C1;
    c->x87.top = (c->x87.top + by) & 7;
}

void insn_fincstp(struct cpu *c, const struct op *o) { rotate(c, o, 1); }
void insn_fdecstp(struct cpu *c, const struct op *o) { rotate(c, o, 7); }

static ALWAYS_INLINE void free_register(struct cpu *c, const struct op *o, bool pop)
{
    if (!x87_begin(c))
        return;
    x87_point(c, o);
    c->x87.status &= (uint16_t)~X87_C1;
    st_free(c, o->rm);
    if (pop)
        st_pop(c);
}

void insn_ffree(struct cpu *c, const struct op *o) { free_register(c, o, false); }

void insn_ffreep(struct cpu *c, const struct op *o) { free_register(c, o, true); }

/* --- the environment -----------------------------------------------------------------------------
 *
 * Seven words or doublewords [SDM1 figures 8-9 to 8-12]:
 *
 *        protected mode                    real and virtual-8086 mode
 *    0   control word
 *    1   status word
 *    2   tag word
 *    3   instruction pointer offset        instruction pointer 15-0
 *    4   opcode (32-bit format) : selector instruction pointer 31-16 (19-16) at bit 12 : opcode
 *    5   data pointer offset               data pointer 15-0
 *    6   selector                          data pointer 31-16 (19-16) at bit 12
 *
 * The pointers of real mode are linear addresses. Unused upper halves are stored as ones. */

#define ENVIRONMENT_WORDS 7
#define OPCODE_MASK 0x7FFu
#define UPPER_ONES 0xFFFF0000u

static uint32_t tag_word(const struct cpu *c)
{
    uint32_t tags = 0;
    for (unsigned i = 0; i < 8; i++)
        tags |= (c->x87.empty >> i & 1 ? 3 : x87_tag(c->x87.r[i])) << 2 * i;
    return tags;
}

static void environment_pointers(const struct cpu *c, uint32_t e[ENVIRONMENT_WORDS], bool wide)
{
    const struct x87 *x = &c->x87;
    if (c->protected_mode) {
        e[3] = x->code_offset;
        e[4] = x->code_selector | (wide ? (uint32_t)x->opcode << 16 : 0);
        e[5] = x->data_offset;
        e[6] = UPPER_ONES | x->data_selector;
        return;
    }
    uint32_t code = ((uint32_t)x->code_selector << 4) + x->code_offset;
    uint32_t data = ((uint32_t)x->data_selector << 4) + x->data_offset;
    e[3] = UPPER_ONES | (code & 0xFFFF);
    e[4] = (code & UPPER_ONES) >> 4 | (x->opcode & OPCODE_MASK);
    e[5] = UPPER_ONES | (data & 0xFFFF);
    e[6] = (data & UPPER_ONES) >> 4;
}

static void make_environment(const struct cpu *c, uint32_t e[ENVIRONMENT_WORDS], bool wide)
{
    e[0] = UPPER_ONES | c->x87.control;
    e[1] = UPPER_ONES | status_word(c);
    e[2] = UPPER_ONES | tag_word(c);
    environment_pointers(c, e, wide);
}

static void take_pointers(struct cpu *c, const uint32_t e[ENVIRONMENT_WORDS], bool wide)
{
    struct x87 *x = &c->x87;
    if (c->protected_mode) {
        x->code_offset = e[3];
        x->code_selector = (uint16_t)e[4];
        x->data_offset = e[5];
        x->data_selector = (uint16_t)e[6];
        if (wide)
            x->opcode = e[4] >> 16 & OPCODE_MASK;
        return;
    }
    uint32_t high = wide ? 0x0FFFF000u : 0xF000u;
    x->code_offset = (e[3] & 0xFFFF) | (e[4] & high) << 4;
    x->data_offset = (e[5] & 0xFFFF) | (e[6] & high) << 4;
    x->code_selector = x->data_selector = 0;
    x->opcode = e[4] & OPCODE_MASK;
}

void x87_restore(struct cpu *c, uint16_t control, uint16_t status, uint8_t empty)
{
    bool was_pending = pending(c);
    set_control(c, control);
    c->x87.status = (uint16_t)(status & ~(7u << 11));
    c->x87.top = status >> 11 & 7;
    c->x87.empty = empty;
    x87_update_summary(c);
    drop_ferr(c, was_pending);
}

/* Of the tags only "empty" is taken: the others follow from the registers. */
static void take_environment(struct cpu *c, const uint32_t e[ENVIRONMENT_WORDS], bool wide)
{
    uint8_t empty = 0;
    for (unsigned i = 0; i < 8; i++)
        empty |= (uint8_t)(((e[2] >> 2 * i & 3) == 3) << i);
    take_pointers(c, e, wide);
    x87_restore(c, (uint16_t)e[0], (uint16_t)e[1], empty);
}

static void write_environment(struct cpu *c, laddr_t la, const uint32_t e[ENVIRONMENT_WORDS],
                              unsigned w)
{
    for (unsigned i = 0; i < ENVIRONMENT_WORDS; i++) {
        if (w == 4)
            linear_write(c, la + 4 * i, 4, e[i]);
        else
            linear_write(c, la + 2 * i, 2, e[i] & 0xFFFF);
    }
}

static void read_environment(struct cpu *c, laddr_t la, uint32_t e[ENVIRONMENT_WORDS], unsigned w)
{
    for (unsigned i = 0; i < ENVIRONMENT_WORDS; i++)
        e[i] = (uint32_t)(w == 4 ? linear_read(c, la + 4 * i, 4) : linear_read(c, la + 2 * i, 2));
}

/* Masks every exception after storing. */
static void store_environment(struct cpu *c, const struct op *o, unsigned w)
{
    x87_available(c);
    uint32_t e[ENVIRONMENT_WORDS];
    make_environment(c, e, w == 4);
    laddr_t la = x87_writable(c, o, effective_address(c, o), ENVIRONMENT_WORDS * w);
    write_environment(c, la, e, w);
    bool was_pending = pending(c);
    c->x87.control |= X87_EXCEPTIONS;
    x87_update_summary(c);
    drop_ferr(c, was_pending);
}

static void load_environment(struct cpu *c, const struct op *o, unsigned w)
{
    if (!x87_begin(c))
        return;
    uint32_t e[ENVIRONMENT_WORDS], offset = effective_address(c, o);
    laddr_t la = segment_linear(c, o->seg, offset, ENVIRONMENT_WORDS * w, false);
    read_environment(c, la, e, w);
    take_environment(c, e, w == 4);
}

void insn_fnstenv_w(struct cpu *c, const struct op *o) { store_environment(c, o, 2); }
void insn_fnstenv_d(struct cpu *c, const struct op *o) { store_environment(c, o, 4); }
void insn_fldenv_w(struct cpu *c, const struct op *o) { load_environment(c, o, 2); }
void insn_fldenv_d(struct cpu *c, const struct op *o) { load_environment(c, o, 4); }

/* --- the whole state: the environment, then ST(0) to ST(7) of ten bytes each ---------------------
 *
 * The registers go in pieces of the operand size, which is the alignment that #AC asks of them
 * [SDM3 table 6-7]. */

static void write_register(struct cpu *c, laddr_t la, struct f80 v, unsigned w)
{
    if (w == 4) {
        linear_write(c, la, 4, (uint32_t)v.mantissa);
        linear_write(c, la + 4, 4, v.mantissa >> 32);
    } else {
        for (unsigned i = 0; i < 4; i++)
            linear_write(c, la + 2 * i, 2, v.mantissa >> 16 * i & 0xFFFF);
    }
    linear_write(c, la + 8, 2, v.sign_exponent);
}

static struct f80 read_register(struct cpu *c, laddr_t la, unsigned w)
{
    struct f80 v = {0, 0};
    for (unsigned i = 0; i < 8; i += w)
        v.mantissa |= (w == 4 ? linear_read(c, la + i, 4) : linear_read(c, la + i, 2)) << 8 * i;
    v.sign_exponent = (uint16_t)linear_read(c, la + 8, 2);
    return v;
}

static void save(struct cpu *c, const struct op *o, unsigned w)
{
    x87_available(c);
    uint32_t e[ENVIRONMENT_WORDS];
    make_environment(c, e, w == 4);
    laddr_t la = x87_writable(c, o, effective_address(c, o), ENVIRONMENT_WORDS * w + 80);
    write_environment(c, la, e, w);
    for (unsigned i = 0; i < 8; i++)
        write_register(c, la + ENVIRONMENT_WORDS * w + 10 * i, *st(c, i), w);
    bool was_pending = pending(c);
    initialise(c);
    drop_ferr(c, was_pending);
}

static void restore(struct cpu *c, const struct op *o, unsigned w)
{
    if (!x87_begin(c))
        return;
    uint32_t e[ENVIRONMENT_WORDS], offset = effective_address(c, o);
    laddr_t la = segment_linear(c, o->seg, offset, ENVIRONMENT_WORDS * w + 80, false);
    struct f80 r[8];
    read_environment(c, la, e, w);
    for (unsigned i = 0; i < 8; i++)
        r[i] = read_register(c, la + ENVIRONMENT_WORDS * w + 10 * i, w);
    take_environment(c, e, w == 4);
    for (unsigned i = 0; i < 8; i++)
        *st(c, i) = r[i];
}

void insn_fnsave_w(struct cpu *c, const struct op *o) { save(c, o, 2); }
void insn_fnsave_d(struct cpu *c, const struct op *o) { save(c, o, 4); }
void insn_frstor_w(struct cpu *c, const struct op *o) { restore(c, o, 2); }
void insn_frstor_d(struct cpu *c, const struct op *o) { restore(c, o, 4); }
