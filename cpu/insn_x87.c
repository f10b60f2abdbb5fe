/* insn_x87: the rows of D8 to DF and 9B, and what all x87 instructions share. [SDM2] [SDM1 8] */
#include "cpu/insn_x87.h"

#include "cpu/rows.h"

/* --- pending exceptions ----------------------------------------------------------------------- */

/* Without CR0.NE the Pentium asserts FERR# and stops before the waiting instruction until an
 * external interrupt comes [SDM1 D.2.1.1]; the instruction runs after the handler's return. The
 * part asserts FERR# right after some instructions (FIST, FBSTP, the transcendental ones) and not
 * only here: that difference is not modelled. */
bool x87_pending(struct cpu *c)
{
    if (c->cr0 & CR0_NE)
        cpu_raise(c, EXC_MF);
    if (c->ignne)
        return true;
    if (c->ferr)
        c->ferr(c->ferr_owner, true);
    c->eip = c->op->eip;
    c->halted = true;
    c->stop_block = true;
    return false;
}

void x87_update_summary(struct cpu *c)
{
    if (c->x87.status & ~c->x87.control & X87_EXCEPTIONS)
        c->x87.status |= X87_ES | X87_B;
    else
        c->x87.status &= (uint16_t)~(X87_ES | X87_B);
}

bool x87_stack_fault(struct cpu *c, bool overflow)
{
    c->x87.status &= (uint16_t)~X87_C1;
    c->x87.status |= (uint16_t)(X87_IE | X87_SF | (overflow ? X87_C1 : 0));
    if (c->x87.control & X87_IE)
        return true;
    c->x87.status |= X87_ES | X87_B;
    return false;
}

void x87_underflow(struct cpu *c, unsigned destination)
{
    if (x87_stack_fault(c, false))
        st_set(c, destination, f80_indefinite());
}

/* An unmasked invalid operation, zero divide or denormal is found before the operation: its result
 * is not stored and nothing else is reported. Overflow, underflow and inexactness are found after
 * it: a register gets the result, memory nothing on overflow and underflow [SDM1 8.5]. */
bool x87_settle_unmasked(struct cpu *c, uint16_t flags, bool to_memory)
{
    uint16_t unmasked = flags & ~c->x87.control & X87_EXCEPTIONS;
    bool before = unmasked & (X87_IE | X87_ZE | X87_DE);
    if (before)
        flags &= X87_IE | X87_ZE | X87_DE | X87_SF;
    bool withheld = to_memory && (unmasked & (X87_OE | X87_UE));
    if (withheld)
        flags &= (uint16_t)~(X87_PE | X87_C1);
    c->x87.status |= (uint16_t)(flags | X87_ES | X87_B);
    return !before && !withheld;
}

/* --- small shared things ---------------------------------------------------------------------- */

void x87_note_operands(struct cpu *c, struct f80 a, struct f80 b)
{
    note(c, NOTE_X87_SPECIAL, (uint32_t)(x87_classify(a) | x87_classify(b) << 4));
}

/* One page needs no check ahead: its first byte's fault is every byte's. */
laddr_t x87_writable(struct cpu *c, const struct op *o, uint32_t offset, unsigned size)
{
    laddr_t la = segment_linear(c, o->seg, offset, size, true);
    if (((la ^ (la + size - 1)) & 0xFFFFF000u) &&
        mmu_probe(c->mmu, la, size, true, c->cpl == 3) != MMU_OK)
        cpu_raise_page_fault(c);
    return la;
}

void insn_wait(struct cpu *c, const struct op *o)
{
    (void)o;
    if ((c->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        cpu_raise(c, EXC_NM);
    if (c->x87.status & X87_ES)
        x87_pending(c);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Columns: code, name, operands, body, attributes, timing class. The bodies do not depend on the
 * operand size, except those of the environment and the whole state. */
#define MEMORY(code, name, operands, body, attributes, timing)                                     \
    {code, name, operands, MEMFORM(insn_##body), 0, 0, 0, A_X87 | (attributes), 0, 0, 0, timing}
#define STACK(code, name, body, timing)                                                            \
    {code, name, "", ANYFORM(insn_##body), 0, 0, 0, A_X87, 0, 0, 0, timing}
#define SIZED(code, name, body, attributes, timing)                                                \
    {code, name, "Mv", {NULL, insn_##body##_w, NULL, insn_##body##_d}, 0, 0, 0,                    \
     A_X87 | A_END | (attributes), 0, 0, 0, timing}
#define CONDITIONAL(code, name, flags)                                                             \
    {code, name, "", ANYFORM(insn_fcmovcc), flags, 0, 0, A_X87, FEATURE_CMOV, 0, 0, "fcmov"}
#define TO_EFLAGS(code, name, body)                                                                \
    {code, name, "", ANYFORM(insn_##body), 0, F_ARITH, 0, A_X87, FEATURE_CMOV, 0, 0, "fcomi"}

#define R A_DEST_READ
#define W A_DEST_WRITE

static const struct row rows[] = {
    {"9B", "WAIT", "", ANYFORM(insn_wait), 0, 0, 0, A_WAIT, 0, 0, 0, "wait"},

    /* D8: ST with a single or with ST(i) */
    MEMORY("D8 /0", "FADD", "Md", fadd_f32, R, "fadd"),
    MEMORY("D8 /1", "FMUL", "Md", fmul_f32, R, "fmul"),
    MEMORY("D8 /2", "FCOM", "Md", fcom_f32, R, "fcom"),
    MEMORY("D8 /3", "FCOMP", "Md", fcomp_f32, R, "fcom"),
    MEMORY("D8 /4", "FSUB", "Md", fsub_f32, R, "fadd"),
    MEMORY("D8 /5", "FSUBR", "Md", fsubr_f32, R, "fadd"),
    MEMORY("D8 /6", "FDIV", "Md", fdiv_f32, R, "fdiv"),
    MEMORY("D8 /7", "FDIVR", "Md", fdivr_f32, R, "fdiv"),
    STACK("D8 C0+i", "FADD", fadd_st, "fadd"),
    STACK("D8 C8+i", "FMUL", fmul_st, "fmul"),
    STACK("D8 D0+i", "FCOM", fcom_st, "fcom"),
    STACK("D8 D8+i", "FCOMP", fcomp_st, "fcom"),
    STACK("D8 E0+i", "FSUB", fsub_st, "fadd"),
    STACK("D8 E8+i", "FSUBR", fsubr_st, "fadd"),
    STACK("D8 F0+i", "FDIV", fdiv_st, "fdiv"),
    STACK("D8 F8+i", "FDIVR", fdivr_st, "fdiv"),

    /* D9 */
    MEMORY("D9 /0", "FLD", "Md", fld_f32, R, "fld"),
    MEMORY("D9 /2", "FST", "Md", fst_f32, W, "fst_mem"),
    MEMORY("D9 /3", "FSTP", "Md", fstp_f32, W, "fst_mem"),
    SIZED("D9 /4", "FLDENV", fldenv, R, "fldenv"),
    MEMORY("D9 /5", "FLDCW", "Mw", fldcw, R, "fldcw"),
    SIZED("D9 /6", "FNSTENV", fnstenv, W, "fnstenv"),
    MEMORY("D9 /7", "FNSTCW", "Mw", fnstcw, W, "fnstcw"),
    STACK("D9 C0+i", "FLD", fld_st, "fld"),
    STACK("D9 C8+i", "FXCH", fxch, "fxch"),
    STACK("D9 D0", "FNOP", fnop, "fnop"),
    STACK("D9 D8+i", "FSTPNCE", fstpnce, "fst_reg"),
    STACK("D9 E0", "FCHS", fchs, "fchs"),
    STACK("D9 E1", "FABS", fabs, "fchs"),
    STACK("D9 E4", "FTST", ftst, "ftst"),
    STACK("D9 E5", "FXAM", fxam, "fxam"),
    STACK("D9 E8", "FLD1", fld1, "fld1"),
    STACK("D9 E9", "FLDL2T", fldl2t, "fldpi"),
    STACK("D9 EA", "FLDL2E", fldl2e, "fldpi"),
    STACK("D9 EB", "FLDPI", fldpi, "fldpi"),
    STACK("D9 EC", "FLDLG2", fldlg2, "fldpi"),
    STACK("D9 ED", "FLDLN2", fldln2, "fldpi"),
    STACK("D9 EE", "FLDZ", fldz, "fld1"),
    STACK("D9 F0", "F2XM1", f2xm1, "f2xm1"),
    STACK("D9 F1", "FYL2X", fyl2x, "fyl2x"),
    STACK("D9 F2", "FPTAN", fptan, "fptan"),
    STACK("D9 F3", "FPATAN", fpatan, "fpatan"),
    STACK("D9 F4", "FXTRACT", fxtract, "fxtract"),
    STACK("D9 F5", "FPREM1", fprem1, "fprem1"),
    STACK("D9 F6", "FDECSTP", fdecstp, "fincstp"),
    STACK("D9 F7", "FINCSTP", fincstp, "fincstp"),
    STACK("D9 F8", "FPREM", fprem, "fprem"),
    STACK("D9 F9", "FYL2XP1", fyl2xp1, "fyl2xp1"),
    STACK("D9 FA", "FSQRT", fsqrt, "fsqrt"),
    STACK("D9 FB", "FSINCOS", fsincos, "fsincos"),
    STACK("D9 FC", "FRNDINT", frndint, "frndint"),
    STACK("D9 FD", "FSCALE", fscale, "fscale"),
    STACK("D9 FE", "FSIN", fsin, "fsin"),
    STACK("D9 FF", "FCOS", fcos, "fsin"),

    /* DA: ST with a 32-bit integer; conditional moves */
    MEMORY("DA /0", "FIADD", "Md", fadd_i32, R, "fiadd"),
    MEMORY("DA /1", "FIMUL", "Md", fmul_i32, R, "fiadd"),
    MEMORY("DA /2", "FICOM", "Md", ficom_i32, R, "ficom"),
    MEMORY("DA /3", "FICOMP", "Md", ficomp_i32, R, "ficom"),
    MEMORY("DA /4", "FISUB", "Md", fsub_i32, R, "fiadd"),
    MEMORY("DA /5", "FISUBR", "Md", fsubr_i32, R, "fiadd"),
    MEMORY("DA /6", "FIDIV", "Md", fdiv_i32, R, "fidiv"),
    MEMORY("DA /7", "FIDIVR", "Md", fdivr_i32, R, "fidiv"),
    CONDITIONAL("DA C0+i", "FCMOVB", F_CF),
    CONDITIONAL("DA C8+i", "FCMOVE", F_ZF),
    CONDITIONAL("DA D0+i", "FCMOVBE", F_CF | F_ZF),
    CONDITIONAL("DA D8+i", "FCMOVU", F_PF),
    STACK("DA E9", "FUCOMPP", fucompp, "fcom"),

    /* DB */
    MEMORY("DB /0", "FILD", "Md", fild_i32, R, "fild"),
    MEMORY("DB /2", "FIST", "Md", fist_i32, W, "fist"),
    MEMORY("DB /3", "FISTP", "Md", fistp_i32, W, "fist"),
    MEMORY("DB /5", "FLD", "Mt", fld_f80, R, "fld_m80"),
    MEMORY("DB /7", "FSTP", "Mt", fstp_f80, W, "fstp_m80"),
    CONDITIONAL("DB C0+i", "FCMOVNB", F_CF),
    CONDITIONAL("DB C8+i", "FCMOVNE", F_ZF),
    CONDITIONAL("DB D0+i", "FCMOVNBE", F_CF | F_ZF),
    CONDITIONAL("DB D8+i", "FCMOVNU", F_PF),
    STACK("DB E0", "FENI", fnop_control, "fnop"),
    STACK("DB E1", "FDISI", fnop_control, "fnop"),
    STACK("DB E2", "FNCLEX", fnclex, "fnclex"),
    STACK("DB E3", "FNINIT", fninit, "fninit"),
    STACK("DB E4", "FSETPM", fnop_control, "fnop"),
    TO_EFLAGS("DB E8+i", "FUCOMI", fucomi),
    TO_EFLAGS("DB F0+i", "FCOMI", fcomi),

    /* DC: ST with a double, ST(i) with ST */
    MEMORY("DC /0", "FADD", "Mq", fadd_f64, R, "fadd"),
    MEMORY("DC /1", "FMUL", "Mq", fmul_f64, R, "fmul"),
    MEMORY("DC /2", "FCOM", "Mq", fcom_f64, R, "fcom"),
    MEMORY("DC /3", "FCOMP", "Mq", fcomp_f64, R, "fcom"),
    MEMORY("DC /4", "FSUB", "Mq", fsub_f64, R, "fadd"),
    MEMORY("DC /5", "FSUBR", "Mq", fsubr_f64, R, "fadd"),
    MEMORY("DC /6", "FDIV", "Mq", fdiv_f64, R, "fdiv"),
    MEMORY("DC /7", "FDIVR", "Mq", fdivr_f64, R, "fdiv"),
    STACK("DC C0+i", "FADD", fadd_to, "fadd"),
    STACK("DC C8+i", "FMUL", fmul_to, "fmul"),
    STACK("DC D0+i", "FCOM", fcom_st, "fcom"),
    STACK("DC D8+i", "FCOMP", fcomp_st, "fcom"),
    STACK("DC E0+i", "FSUBR", fsubr_to, "fadd"),
    STACK("DC E8+i", "FSUB", fsub_to, "fadd"),
    STACK("DC F0+i", "FDIVR", fdivr_to, "fdiv"),
    STACK("DC F8+i", "FDIV", fdiv_to, "fdiv"),

    /* DD */
    MEMORY("DD /0", "FLD", "Mq", fld_f64, R, "fld"),
    MEMORY("DD /2", "FST", "Mq", fst_f64, W, "fst_mem"),
    MEMORY("DD /3", "FSTP", "Mq", fstp_f64, W, "fst_mem"),
    SIZED("DD /4", "FRSTOR", frstor, R, "frstor"),
    SIZED("DD /6", "FNSAVE", fnsave, W, "fnsave"),
    MEMORY("DD /7", "FNSTSW", "Mw", fnstsw, W, "fnstsw"),
    STACK("DD C0+i", "FFREE", ffree, "ffree"),
    STACK("DD C8+i", "FXCH", fxch, "fxch"),
    STACK("DD D0+i", "FST", fst_st, "fst_reg"),
    STACK("DD D8+i", "FSTP", fstp_st, "fst_reg"),
    STACK("DD E0+i", "FUCOM", fucom_st, "fcom"),
    STACK("DD E8+i", "FUCOMP", fucomp_st, "fcom"),

    /* DE: ST with a 16-bit integer, ST(i) with ST and pop */
    MEMORY("DE /0", "FIADD", "Mw", fadd_i16, R, "fiadd"),
    MEMORY("DE /1", "FIMUL", "Mw", fmul_i16, R, "fiadd"),
    MEMORY("DE /2", "FICOM", "Mw", ficom_i16, R, "ficom"),
    MEMORY("DE /3", "FICOMP", "Mw", ficomp_i16, R, "ficom"),
    MEMORY("DE /4", "FISUB", "Mw", fsub_i16, R, "fiadd"),
    MEMORY("DE /5", "FISUBR", "Mw", fsubr_i16, R, "fiadd"),
    MEMORY("DE /6", "FIDIV", "Mw", fdiv_i16, R, "fidiv"),
    MEMORY("DE /7", "FIDIVR", "Mw", fdivr_i16, R, "fidiv"),
    STACK("DE C0+i", "FADDP", fadd_pop, "fadd"),
    STACK("DE C8+i", "FMULP", fmul_pop, "fmul"),
    STACK("DE D0+i", "FCOMP", fcomp_st, "fcom"),
    STACK("DE D9", "FCOMPP", fcompp, "fcom"),
    STACK("DE E0+i", "FSUBRP", fsubr_pop, "fadd"),
    STACK("DE E8+i", "FSUBP", fsub_pop, "fadd"),
    STACK("DE F0+i", "FDIVRP", fdivr_pop, "fdiv"),
    STACK("DE F8+i", "FDIVP", fdiv_pop, "fdiv"),

    /* DF */
    MEMORY("DF /0", "FILD", "Mw", fild_i16, R, "fild"),
    MEMORY("DF /2", "FIST", "Mw", fist_i16, W, "fist"),
    MEMORY("DF /3", "FISTP", "Mw", fistp_i16, W, "fist"),
    MEMORY("DF /4", "FBLD", "Mt", fbld, R, "fbld"),
    MEMORY("DF /5", "FILD", "Mq", fild_i64, R, "fild"),
    MEMORY("DF /6", "FBSTP", "Mt", fbstp, W | A_END, "fbstp"),
    MEMORY("DF /7", "FISTP", "Mq", fistp_i64, W, "fist"),
    STACK("DF C0+i", "FFREEP", ffreep, "ffree"),
    STACK("DF C8+i", "FXCH", fxch, "fxch"),
    STACK("DF D0+i", "FSTP", fstp_st, "fst_reg"),
    STACK("DF D8+i", "FSTP", fstp_st, "fst_reg"),
    {"DF E0", "FNSTSW", "AX", ANYFORM(insn_fnstsw_ax), 0, 0, 0, A_X87 | W, 0, 0, 0, "fnstsw"},
    TO_EFLAGS("DF E8+i", "FUCOMIP", fucomip),
    TO_EFLAGS("DF F0+i", "FCOMIP", fcomip),
};

const struct row_family family_x87 = {rows, ARRAY_COUNT(rows)};
