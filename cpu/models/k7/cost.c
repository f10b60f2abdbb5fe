/* cost: what each timing class takes: its macro-operations, its unit, its latency.
 *
 * Two columns, K7 and K8. D(ops, latency): DirectPath, or Double as two places of a line. U(ops,
 * latency, busy): the same, but the unit takes its next one only after busy clocks. V(ops, latency,
 * busy): VectorPath, lines of its own for busy clocks. Latency is from issue to result with every
 * operand in a register; loads add theirs. A line may hold for one instruction of its class
 * (/NAME), one operand width (.b .w .d), for memory (.m) or for stores (.s) alone; the line that
 * says most is taken. Source keys as in SOURCES.md; IL are the dumps of the three parts, which win
 * where sources disagree (Q35). */
#include "cpu/models/k7/core.h"

#include "sim/core/check.h"

#include <stdio.h>
#include <string.h>

#define R QUALITY_READ
#define F QUALITY_FITTED
#define E QUALITY_ESTIMATE
#define M QUALITY_MEMORY

#define D(ops, latency) {DECODE_DIRECT, ops, latency, 1}
#define U(ops, latency, busy) {DECODE_DIRECT, ops, latency, busy}
#define V(ops, latency, busy) {DECODE_VECTOR, ops, latency, busy}

#define ALU(name, parts, source)                                                                  \
    {name, KIND_PLAIN, UNIT_ALU, parts, CAUSE_EXECUTE, R, source}
#define LOAD(name, parts, source)                                                                 \
    {name, KIND_PLAIN, UNIT_NONE, parts, CAUSE_EXECUTE, R, source}
#define UNIT(name, unit, parts, source)                                                           \
    {name, KIND_PLAIN, unit, parts, CAUSE_EXECUTE, R, source}
#define BRANCH(name, parts, source)                                                               \
    {name, KIND_BRANCH, UNIT_ALU, parts, CAUSE_EXECUTE, R, source}
#define MICRO(name, parts, quality, source)                                                       \
    {name, KIND_MICRO, UNIT_NONE, parts, CAUSE_MICROCODE, quality, source}
/* Waits until it is the oldest; nothing behind it begins before it is done. Its latency is what it
 * takes between its neighbours, less the two clocks that this costs. */
#define ALONE(name, parts, cause, quality, source)                                                \
    {name, KIND_MICRO, UNIT_ALONE, parts, cause, quality, source}
#define STRING(name, parts, source)                                                               \
    {name, KIND_STRING, UNIT_NONE, parts, CAUSE_MICROCODE, R, source}
#define FLOAT(name, unit, parts, source)                                                          \
    {name, KIND_FLOAT, unit, parts, CAUSE_X87_EXECUTE, R, source}
#define BOTH(x) {x, x}
#define EACH(k7, k8) {k7, k8}

const struct k7_class k7_classes[] = {
    /* integer */
    ALU("alu", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("alu_carry", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("test_imm", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("neg", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("mov", BOTH(D(1, 1)), "AF-IT, IL"),
    LOAD("mov.m", BOTH(D(1, 0)), "AF-IT, IL"),
    UNIT("lea", UNIT_AGU, EACH(D(1, 2), D(1, 2)), "AF-IT, IL"),
    UNIT("lea_simple", UNIT_AGU, EACH(D(1, 2), D(1, 1)), "AF-IT, IL"),
    UNIT("lea.w", UNIT_AGU, EACH(V(2, 3, 1), V(2, 3, 1)), "AF-IT, IL"),
    LOAD("nop", BOTH(D(1, 0)), "AF-IT, IL"),
    LOAD("nop_hint", BOTH(D(1, 0)), "AF-IT"),
    LOAD("push_reg", BOTH(D(1, 0)), "AF-IT"),
    LOAD("push_imm", BOTH(D(1, 0)), "AF-IT"),
    LOAD("push_mem", BOTH(D(2, 0)), "AF-IT"),
    LOAD("push_sreg", BOTH(D(2, 0)), "AF-IT"),
    LOAD("pop_reg", EACH(V(2, 0, 1), D(2, 0)), "AF-IT"),
    LOAD("pop_mem", BOTH(V(3, 0, 1)), "AF-IT"),
    ALU("leave", EACH(V(3, 1, 1), D(2, 1)), "AF-IT, GCC: 3 with its load"),
    ALU("shift_1", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("shift_imm", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("shift_cl", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("rotate_1", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("rotate_imm", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("rotate_cl", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("rcl_imm", EACH(V(9, 4, 4), V(9, 3, 3)), "AF-IT, IL"),
    ALU("rcl_cl", EACH(V(9, 3, 3), V(9, 3, 3)), "AF-IT, IL"),
    ALU("rcl_imm/RCR", EACH(V(7, 3, 3), V(7, 3, 3)), "AF-IT, IL: 3.5 on the K7"),
    ALU("rcl_cl/RCL", EACH(V(9, 3, 3), V(9, 4, 4)), "AF-IT, IL"),
    ALU("shld_imm", EACH(V(6, 4, 2), V(6, 3, 2)), "AF-IT, IL"),
    ALU("shld_cl", EACH(V(7, 4, 3), V(7, 3, 3)), "AF-IT, IL"),
    ALU("setcc", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("cmov", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("movzx", BOTH(D(1, 1)), "AF-IT, IL"),
    LOAD("movzx.m", BOTH(D(1, 0)), "AF-IT"),
    ALU("xchg_acc", BOTH(V(3, 2, 1)), "AF-IT, IL"),
    ALU("xchg", BOTH(V(3, 2, 1)), "AF-IT, IL"),
    LOAD("xchg.m", BOTH(V(3, 0, 1)), "AF-IT: 16 with its lock"),
    ALU("xadd", BOTH(V(4, 2, 1)), "AF-IT, IL"),
    ALU("cmpxchg", EACH(V(6, 3, 3), V(6, 3, 2)), "AF-IT, IL"),
    ALU("cmpxchg8b", EACH(V(18, 24, 12), V(14, 1, 7)), "IL"),
    ALU("bswap", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("xlat", BOTH(D(2, 1)), "AF-IT: 5 with its load"),
    ALU("lahf", BOTH(V(4, 3, 2)), "AF-IT"),
    ALU("sahf", EACH(D(2, 2), D(1, 1)), "AF-IT"),
    ALU("cbw", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("cwd", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("flag", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("flag/CLD", BOTH(V(2, 1, 1)), "AF-IT, IL"),
    ALU("flag/STD", EACH(V(3, 2, 2), D(2, 1)), "AF-IT, IL"),
    ALU("bt", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("bt.m", BOTH(V(5, 2, 2)), "AF-IT"),
    ALU("bt_imm", BOTH(D(1, 1)), "AF-IT, IL"),
    ALU("bts", EACH(V(2, 2, 1), D(2, 2)), "AF-IT, IL"),
    ALU("bts.m", BOTH(V(8, 5, 5)), "AF-IT"),
    ALU("bts_imm", EACH(V(2, 2, 1), D(2, 2)), "AF-IT, IL"),
    ALU("bts_imm.m", BOTH(V(5, 4, 2)), "AF-IT"),
    ALU("bsf", EACH(V(19, 7, 7), V(21, 8, 8)), "AF-IT, IL"),
    ALU("bsr", EACH(V(23, 9, 8), V(28, 11, 10)), "AF-IT, IL"),
    UNIT("mul", UNIT_MUL, EACH(V(3, 3, 3), V(3, 3, 3)), "AF-IT, IL"),
    UNIT("mul.d", UNIT_MUL, EACH(V(3, 4, 4), V(3, 3, 3)), "AF-IT, IL"),
    UNIT("imul", UNIT_MUL, EACH(V(2, 4, 2), D(1, 3)), "AF-IT, IL"),
    UNIT("imul.w", UNIT_MUL, EACH(V(2, 3, 1), D(1, 3)), "AF-IT, IL"),
    UNIT("imul_imm", UNIT_MUL, EACH(V(2, 5, 2), D(1, 3)), "AF-IT, IL"),
    UNIT("imul_imm.w", UNIT_MUL, EACH(V(2, 4, 1), D(2, 4)), "AF-IT, IL"),
    ALU("div", EACH(V(79, 39, 39), V(79, 39, 39)), "AF-IT, IL"),
    ALU("div.w", EACH(V(47, 23, 23), V(47, 23, 23)), "AF-IT, IL"),
    ALU("div.b", EACH(V(32, 15, 15), V(32, 15, 15)), "AF-IT, IL"),
    ALU("idiv", EACH(V(88, 40, 40), V(88, 40, 40)), "AF-IT, IL"),
    ALU("idiv.w", EACH(V(56, 24, 24), V(56, 24, 24)), "AF-IT, IL"),
    ALU("idiv.b", EACH(V(41, 17, 17), V(41, 17, 17)), "AF-IT, IL"),
    ALU("aaa", EACH(V(9, 5, 5), V(9, 5, 5)), "AF-IT, IL"),
    ALU("daa", EACH(V(12, 6, 6), V(12, 6, 6)), "AF-IT, IL"),
    ALU("daa/DAS", BOTH(V(16, 7, 7)), "AF-IT, IL"),
    ALU("aad", BOTH(V(4, 5, 5)), "AF-IT"),
    ALU("aam", BOTH(V(31, 13, 13)), "AF-IT"),
    ALU("mov_from_sreg", BOTH(D(1, 1)), "AF-IT; FIASCO: 2"),

    /* near branches */
    BRANCH("jcc", BOTH(D(1, 1)), "AF-IT"),
    BRANCH("jmp_rel", BOTH(D(1, 1)), "AF-IT"),
    BRANCH("jmp_ind", BOTH(D(1, 1)), "AF-IT"),
    BRANCH("call_rel", BOTH(V(3, 2, 1)), "AF-IT"),
    BRANCH("call_ind", BOTH(V(4, 3, 2)), "AF-IT"),
    BRANCH("ret", BOTH(D(2, 1)), "AF-IT"),
    BRANCH("ret_imm", BOTH(D(2, 1)), "AF-IT"),
    BRANCH("jcxz", BOTH(D(2, 1)), "AF-IT"),
    BRANCH("loop", BOTH(V(7, 3, 3)), "AF-IT"),
    BRANCH("loopcc", BOTH(V(7, 3, 3)), "taken as LOOP"),

    /* microcode */
    MICRO("pusha", BOTH(V(9, 4, 5)), R, "IL: 10 with POPA; AF-IT: 4"),
    MICRO("pusha.w", EACH(V(9, 4, 15), V(9, 4, 14)), R, "IL: 29 and 27 with POPA"),
    MICRO("popa", BOTH(V(9, 4, 5)), R, "IL: 10 with PUSHA; AF-IT: 4"),
    MICRO("popa.w", EACH(V(9, 4, 14), V(9, 4, 13)), R, "IL: 29 and 27 with PUSHA"),
    MICRO("pushf", EACH(V(5, 2, 2), V(5, 2, 2)), R, "AF-IT"),
    MICRO("popf", EACH(V(25, 12, 12), V(25, 10, 10)), R, "IL: 14 and 12 with PUSHF"),
    MICRO("enter", EACH(V(12, 12, 12), V(12, 12, 12)), R, "AF-IT"),
    MICRO("bound", BOTH(V(6, 2, 2)), R, "AF-IT"),
    MICRO("cli", BOTH(V(9, 4, 4)), R, "25112 T13; AF-IT: 5"),
    MICRO("sti", BOTH(V(16, 4, 4)), R, "25112 T13; FIASCO: 9 with CLI"),
    MICRO("rdtsc", EACH(V(5, 10, 10), V(6, 7, 7)), R, "AF-IT; FIASCO: 11"),
    MICRO("rdpmc", EACH(V(9, 10, 10), V(9, 10, 10)), R, "AF-IT; FIASCO: 11"),
    MICRO("sgdt", BOTH(V(6, 17, 17)), R, "25112 T13"),
    MICRO("sldt", BOTH(V(3, 5, 5)), R, "25112 T13"),
    MICRO("smsw", BOTH(V(2, 4, 4)), R, "25112 T13"),
    MICRO("mov_from_cr", BOTH(V(2, 3, 3)), R, "FIASCO"),
    MICRO("mov_from_dr", BOTH(V(2, 3, 3)), E, "taken as from CR"),
    MICRO("lar", BOTH(V(12, 22, 22)), R, "25112 T13"),
    MICRO("verr", BOTH(V(8, 11, 11)), R, "25112 T13"),
    MICRO("arpl", BOTH(V(8, 13, 13)), R, "25112 T13"),
    MICRO("mov_sreg", BOTH(V(6, 8, 8)), R, "AF-IT, 25112 T13"),
    MICRO("pop_sreg", BOTH(V(6, 10, 10)), R, "AF-IT"),
    MICRO("lds", BOTH(V(10, 9, 9)), R, "AF-IT (Q30)"),
    MICRO("into", BOTH(V(2, 4, 4)), E, "when nothing is raised"),
    ALONE("in", BOTH(V(8, 20, 3)), CAUSE_IO, E, "the processor's own share"),
    ALONE("out", BOTH(V(8, 20, 3)), CAUSE_IO, E, "the processor's own share"),
    ALONE("far_jmp", BOTH(V(16, 29, 3)), CAUSE_MICROCODE, R, "25112 T13: 31"),
    ALONE("far_call", BOTH(V(16, 31, 3)), CAUSE_MICROCODE, R, "25112 T13: 33"),
    ALONE("retf", BOTH(V(15, 29, 3)), CAUSE_MICROCODE, R, "25112 T13: 31-44"),
    ALONE("int", BOTH(V(32, 85, 3)), CAUSE_KERNEL_ENTRY, R, "25112 T13: 87-109"),
    ALONE("int3", BOTH(V(32, 85, 3)), CAUSE_KERNEL_ENTRY, E, "taken as INT"),
    ALONE("delivery", BOTH(V(32, 0, 3)), CAUSE_KERNEL_ENTRY, E, "no instruction of its own"),
    ALONE("sysenter", BOTH(V(16, 28, 3)), CAUSE_KERNEL_ENTRY, R, "Q30; FIASCO: 67 with SYSEXIT"),
    ALONE("sysexit", BOTH(V(16, 35, 3)), CAUSE_KERNEL_EXIT, R, "Q30; FIASCO: 67 with SYSENTER"),
    ALONE("syscall", BOTH(V(16, 25, 3)), CAUSE_KERNEL_ENTRY, R, "25112 T13: 27; FIASCO: 64 both"),
    ALONE("sysret", BOTH(V(16, 35, 3)), CAUSE_KERNEL_EXIT, R, "25112 T13: 35; FIASCO: 64 both"),
    ALONE("iret", BOTH(V(32, 79, 3)), CAUSE_MICROCODE, R, "AF-IT: 81"),
    ALONE("hlt", BOTH(V(8, 10, 3)), CAUSE_MICROCODE, E, "until the processor has stopped"),
    ALONE("ud", BOTH(V(1, 1, 1)), CAUSE_MICROCODE, E, "never completes"),
    ALONE("lmsw", BOTH(V(8, 9, 3)), CAUSE_SERIALISE, R, "25112 T13"),
    ALONE("clts", BOTH(V(4, 10, 3)), CAUSE_SERIALISE, R, "FIASCO: 12"),
    ALONE("lgdt", BOTH(V(12, 35, 3)), CAUSE_SERIALISE, R, "25112 T13: LGDT 37, LIDT 148"),
    ALONE("lldt", BOTH(V(12, 32, 3)), CAUSE_SERIALISE, R, "25112 T13"),
    ALONE("ltr", BOTH(V(12, 60, 3)), CAUSE_SERIALISE, E, "35-90 (Q30)"),
    ALONE("mov_cr0", BOTH(V(12, 60, 3)), CAUSE_SERIALISE, R, "FIASCO: 62"),
    ALONE("mov_cr2", BOTH(V(12, 10, 3)), CAUSE_SERIALISE, E, "no source"),
    ALONE("mov_cr3", BOTH(V(12, 100, 3)), CAUSE_SERIALISE, R, "FIASCO: 102"),
    ALONE("mov_cr4", BOTH(V(12, 60, 3)), CAUSE_SERIALISE, E, "taken as CR0"),
    ALONE("mov_dr", BOTH(V(12, 30, 3)), CAUSE_SERIALISE, E, "no source"),
    ALONE("invlpg", EACH(V(12, 90, 3), V(12, 99, 3)), CAUSE_SERIALISE, R, "FIASCO: 92; 25112: 101"),
    ALONE("invd", BOTH(V(12, 245, 3)), CAUSE_SERIALISE, R, "25112 T13"),
    ALONE("wbinvd", EACH(V(12, 9794, 3), V(12, 9794, 3)), CAUSE_SERIALISE, R,
          "25112 T13: 9796 for 64 KB; FIASCO: 46041"),
    ALONE("cpuid", EACH(V(19, 40, 3), V(22, 44, 3)), CAUSE_SERIALISE, R, "IL: 44 and 48"),
    ALONE("rdmsr", BOTH(V(12, 85, 3)), CAUSE_MICROCODE, R, "25112 T13"),
    ALONE("wrmsr", BOTH(V(12, 132, 3)), CAUSE_SERIALISE, R, "25112 T13"),

    /* strings, once */
    STRING("movs", BOTH(V(7, 1, 3)), "AF-IT, IL"),
    STRING("stos", BOTH(V(4, 1, 2)), "AF-IT, IL"),
    STRING("lods", BOTH(V(4, 1, 2)), "AF-IT, IL"),
    STRING("scas", BOTH(V(5, 1, 2)), "AF-IT, IL"),
    STRING("cmps", BOTH(V(7, 1, 3)), "IL; AF-IT: 6 on the K7"),
    STRING("ins", BOTH(V(8, 20, 3)), "estimate"),
    STRING("outs", BOTH(V(8, 20, 3)), "estimate"),

    /* x87 */
    FLOAT("fld", UNIT_FADD_FMUL, BOTH(D(1, 2)), "AF-IT"),
    FLOAT("fld.m", UNIT_FANY, BOTH(D(1, 2)), "AF-IT: 4 with its load"),
    FLOAT("fld_m80", UNIT_FANY, BOTH(V(7, 13, 4)), "AF-IT: 16 with its load"),
    FLOAT("fbld", UNIT_FANY, BOTH(V(30, 38, 39)), "AF-IT"),
    FLOAT("fst_reg", UNIT_FADD_FMUL, BOTH(D(1, 2)), "AF-IT"),
    FLOAT("fst_mem", UNIT_FSTORE, BOTH(D(1, 2)), "AF-IT"),
    FLOAT("fstp_m80", UNIT_FSTORE, BOTH(V(10, 7, 5)), "AF-IT"),
    FLOAT("fbstp", UNIT_FSTORE, BOTH(V(255, 188, 188)), "AF-IT: 260 operations"),
    FLOAT("fild", UNIT_FSTORE, BOTH(D(1, 6)), "AF-IT: 9 with its load"),
    FLOAT("fist", UNIT_FSTORE, BOTH(D(1, 7)), "AF-IT"),
    FLOAT("fld1", UNIT_FSTORE, BOTH(D(1, 2)), "AF-IT"),
    FLOAT("fldpi", UNIT_FSTORE, BOTH(D(1, 2)), "AF-IT"),
    FLOAT("fnstsw", UNIT_FSTORE, BOTH(V(3, 8, 4)), "AF-IT: 6-12"),
    FLOAT("fldcw", UNIT_FSTORE, BOTH(V(14, 10, 42)), "AF-IT"),
    FLOAT("fnstcw", UNIT_FSTORE, BOTH(V(3, 3, 1)), "AF-IT"),
    FLOAT("fadd", UNIT_FADD, BOTH(D(1, 4)), "AF-IT, IL"),
    FLOAT("fmul", UNIT_FMUL, BOTH(D(1, 4)), "AF-IT, IL"),
    FLOAT("fiadd", UNIT_FADD, BOTH(D(2, 4)), "AF-IT"),
    FLOAT("fdiv", UNIT_FMUL, BOTH(U(1, 24, 21)), "AF-IT, IL: by precision and operands, float.c"),
    FLOAT("fidiv", UNIT_FMUL, BOTH(U(2, 25, 21)), "AF-IT"),
    FLOAT("fsqrt", UNIT_FMUL, BOTH(U(1, 35, 32)), "AF-IT, IL: likewise"),
    FLOAT("fchs", UNIT_FMUL, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("fcom", UNIT_FADD, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("fcomi", UNIT_FADD, BOTH(D(1, 3)), "AF-IT, IL"),
    FLOAT("ficom", UNIT_FADD, BOTH(D(2, 2)), "AF-IT"),
    FLOAT("ftst", UNIT_FADD, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("fxam", UNIT_FSTORE, EACH(U(1, 2, 2), D(1, 2)), "AF-IT, IL"),
    FLOAT("fcmov", UNIT_FADD_FMUL, BOTH(V(9, 6, 5)), "AF-IT"),
    FLOAT("fprem", UNIT_FMUL, BOTH(U(1, 9, 8)), "AF-IT: 7-10, a step"),
    FLOAT("fprem1", UNIT_FMUL, BOTH(U(1, 10, 8)), "AF-IT: 8-11, a step"),
    FLOAT("frndint", UNIT_FADD, BOTH(V(5, 10, 3)), "AF-IT"),
    FLOAT("fscale", UNIT_FADD, BOTH(V(5, 8, 8)), "AF-IT"),
    FLOAT("fxtract", UNIT_FADD, BOTH(V(7, 11, 11)), "AF-IT"),
    FLOAT("fsin", UNIT_FMUL, EACH(V(44, 96, 90), V(44, 93, 90)), "AF-IT, IL: 87-130 by argument"),
    FLOAT("fsincos", UNIT_FMUL, BOTH(V(76, 125, 120)), "AF-IT: 100-150"),
    FLOAT("f2xm1", UNIT_FMUL, BOTH(V(8, 65, 60)), "25112; AF-IT: 27"),
    FLOAT("fyl2x", UNIT_FMUL, BOTH(V(49, 126, 120)), "AF-IT"),
    FLOAT("fyl2xp1", UNIT_FMUL, BOTH(V(63, 147, 140)), "AF-IT"),
    FLOAT("fptan", UNIT_FMUL, BOTH(V(46, 150, 145)), "AF-IT: 100-200"),
    FLOAT("fpatan", UNIT_FMUL, BOTH(V(72, 165, 160)), "AF-IT"),
    FLOAT("fnop", UNIT_FANY, BOTH(D(1, 0)), "AF-IT"),
    FLOAT("wait", UNIT_NONE, BOTH(D(1, 0)), "AF-IT"),
    FLOAT("fxch", UNIT_NONE, BOTH(D(1, 0)), "AF-IT"),
    FLOAT("fincstp", UNIT_FANY, BOTH(D(1, 0)), "AF-IT"),
    FLOAT("ffree", UNIT_FANY, BOTH(D(1, 0)), "AF-IT"),
    FLOAT("fnclex", UNIT_FSTORE, BOTH(V(7, 24, 24)), "AF-IT"),
    FLOAT("fninit", UNIT_FSTORE, BOTH(V(25, 92, 92)), "AF-IT"),
    FLOAT("fnsave", UNIT_FSTORE, BOTH(V(76, 147, 147)), "AF-IT"),
    FLOAT("frstor", UNIT_FSTORE, BOTH(V(65, 120, 120)), "AF-IT"),
    FLOAT("fldenv", UNIT_FSTORE, BOTH(V(20, 90, 90)), "estimate"),
    FLOAT("fnstenv", UNIT_FSTORE, BOTH(V(20, 60, 60)), "estimate"),

    /* MMX, and packed integers in XMM registers: two operations of 64 bits */
    FLOAT("mmx_alu", UNIT_FADD_FMUL, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("mmx_pack", UNIT_FADD_FMUL, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("mmx_mul", UNIT_FMUL, BOTH(D(1, 3)), "AF-IT, IL"),
    FLOAT("mmx_sad", UNIT_FADD, BOTH(D(1, 3)), "AF-IT"),
    FLOAT("mmx_pinsrw", UNIT_FADD_FMUL, BOTH(V(2, 9, 3)), "AF-IT: 12; IL: 2.5 and 2.9"),
    FLOAT("sse_alu", UNIT_FADD_FMUL, BOTH(D(2, 2)), "AF-IT, IL"),
    FLOAT("sse_mul", UNIT_FMUL, BOTH(D(2, 3)), "AF-IT, IL"),
    FLOAT("sse_sad", UNIT_FADD, BOTH(D(2, 3)), "AF-IT"),
    FLOAT("sse_pack", UNIT_FADD_FMUL, BOTH(D(3, 3)), "IL"),
    FLOAT("sse_unpack", UNIT_FADD_FMUL, BOTH(D(2, 2)), "AF-IT, IL"),
    FLOAT("sse_unpack_low", UNIT_FADD_FMUL, BOTH(D(1, 0)), "IL: no half depends on itself"),
    FLOAT("sse_unpack_high", UNIT_FADD_FMUL, BOTH(D(2, 2)), "IL"),
    FLOAT("sse_shuffle", UNIT_FADD_FMUL, BOTH(D(3, 3)), "IL"),
    FLOAT("sse_pinsrw", UNIT_FADD_FMUL, BOTH(V(3, 9, 4)), "IL: 3.9"),
    FLOAT("pextrw", UNIT_FSTORE, BOTH(V(2, 5, 3)), "AF-IT; IL: 2.5 and 2.9"),
    FLOAT("movmsk", UNIT_FADD, EACH(V(3, 3, 3), D(1, 3)), "AF-IT, IL"),
    FLOAT("movmskps", UNIT_FADD, EACH(V(3, 3, 3), D(1, 3)), "AF-IT; IL: 2.5 and 1"),
    FLOAT("movd_to_mmx", UNIT_FANY, BOTH(V(2, 9, 3)), "AF-IT; IL: 2.5 and 2.9"),
    FLOAT("movd_to_mmx.m", UNIT_FANY, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("movd_from_mmx", UNIT_FSTORE, BOTH(V(2, 5, 3)), "AF-IT: 7; IL: 14 with its return"),
    FLOAT("movd_from_mmx.s", UNIT_FSTORE, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("movd_to_xmm", UNIT_FANY, BOTH(V(3, 9, 3)), "IL"),
    FLOAT("movd_to_xmm.m", UNIT_FANY, BOTH(D(2, 2)), "AF-IT"),
    FLOAT("movd_from_xmm", UNIT_FSTORE, BOTH(V(2, 5, 3)), "IL"),
    FLOAT("movd_from_xmm.s", UNIT_FSTORE, BOTH(D(1, 2)), "IL"),
    FLOAT("movq_mmx", UNIT_FADD_FMUL, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("movq_mmx.m", UNIT_FANY, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("movq_mmx.s", UNIT_FSTORE, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("movq_xmm", UNIT_FADD_FMUL, BOTH(D(2, 2)), "AF-IT"),
    FLOAT("movq_xmm.m", UNIT_FANY, BOTH(D(2, 2)), "AF-IT"),
    FLOAT("movq_xmm.s", UNIT_FSTORE, BOTH(D(1, 2)), "IL"),
    FLOAT("movdq2q", UNIT_FANY, BOTH(D(1, 2)), "IL"),
    FLOAT("movq2dq", UNIT_FADD_FMUL, BOTH(D(2, 2)), "IL"),
    FLOAT("movntq", UNIT_FSTORE, BOTH(U(1, 2, 2)), "AF-IT"),
    FLOAT("movntps", UNIT_FSTORE, BOTH(U(2, 2, 2)), "AF-IT"),
    LOAD("movnti", BOTH(D(1, 0)), "taken as MOV"),
    FLOAT("maskmovq", UNIT_FSTORE, BOTH(V(32, 24, 24)), "AF-IT"),
    FLOAT("maskmovdqu", UNIT_FSTORE, BOTH(V(64, 48, 48)), "estimate: twice MASKMOVQ"),
    FLOAT("emms", UNIT_FANY, BOTH(D(1, 0)), "AF-IT, IL"),
    LOAD("prefetch", BOTH(D(1, 0)), "AF-IT, IL"),

    /* SSE: moves */
    FLOAT("movaps", UNIT_FADD_FMUL, BOTH(D(2, 2)), "AF-IT, IL"),
    FLOAT("movaps.m", UNIT_FSTORE, BOTH(D(2, 3)), "AF-IT, IL"),
    FLOAT("movaps.s", UNIT_FSTORE, BOTH(D(2, 3)), "AF-IT; IL: 8.5 with its load"),
    FLOAT("movups", UNIT_FADD_FMUL, BOTH(D(2, 2)), "AF-IT, IL"),
    FLOAT("movups.m", UNIT_FSTORE, BOTH(D(2, 3)), "AF-IT, IL"),
    FLOAT("movups.s", UNIT_FSTORE, BOTH(D(3, 3)), "IL: 9.3 with its load"),
    FLOAT("movss", UNIT_FADD_FMUL, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("movss.m", UNIT_FSTORE, EACH(D(2, 2), D(1, 2)), "AF-IT, IL"),
    FLOAT("movss.s", UNIT_FSTORE, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("movhps.m", UNIT_FSTORE, BOTH(D(1, 2)), "IL: 1; 0.5 on the K7"),
    FLOAT("movhps.s", UNIT_FSTORE, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("movhlps", UNIT_FADD_FMUL, BOTH(D(1, 0)), "IL: no half depends on itself"),
    FLOAT("movddup", UNIT_FADD_FMUL, BOTH(D(2, 2)), "IL"),
    FLOAT("movshdup", UNIT_FMUL, BOTH(D(2, 2)), "IL"),
    FLOAT("unpckps", UNIT_FMUL, BOTH(D(2, 3)), "AF-IT, IL"),
    FLOAT("unpckps/UNPCKLPD", UNIT_FADD_FMUL, BOTH(D(1, 0)), "IL: no half depends on itself"),
    FLOAT("unpckps/UNPCKHPD", UNIT_FADD_FMUL, BOTH(D(2, 2)), "taken as PUNPCKHQDQ"),
    FLOAT("shufps", UNIT_FMUL, BOTH(D(3, 3)), "AF-IT; IL: 2.5"),
    FLOAT("sse_logic", UNIT_FMUL, BOTH(D(2, 2)), "AF-IT, IL"),

    /* SSE: arithmetic */
    FLOAT("comiss", UNIT_FADD, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("addss", UNIT_FADD, BOTH(D(1, 4)), "AF-IT, IL"),
    FLOAT("addps", UNIT_FADD, BOTH(D(2, 4)), "AF-IT, IL"),
    FLOAT("mulss", UNIT_FMUL, BOTH(D(1, 4)), "AF-IT, IL"),
    FLOAT("mulps", UNIT_FMUL, BOTH(D(2, 4)), "AF-IT, IL"),
    FLOAT("maxss", UNIT_FADD, BOTH(D(1, 2)), "AF-IT, IL"),
    FLOAT("maxps", UNIT_FADD, BOTH(D(2, 2)), "AF-IT, IL"),
    FLOAT("rcpss", UNIT_FMUL, BOTH(D(1, 3)), "AF-IT, IL"),
    FLOAT("rcpps", UNIT_FMUL, BOTH(D(2, 3)), "AF-IT, IL"),
    FLOAT("haddps", UNIT_FADD_FMUL, BOTH(D(3, 6)), "IL"),
    FLOAT("divss", UNIT_FMUL, BOTH(U(1, 16, 13)), "AF-IT, IL"),
    FLOAT("divss/DIVSD", UNIT_FMUL, BOTH(U(1, 20, 17)), "IL"),
    FLOAT("divps", UNIT_FMUL, BOTH(U(1, 30, 30)), "AF-IT, IL"),
    FLOAT("divps/DIVPD", UNIT_FMUL, BOTH(U(1, 34, 34)), "IL"),
    FLOAT("sqrtss", UNIT_FMUL, BOTH(U(1, 19, 16)), "AF-IT, IL"),
    FLOAT("sqrtss/SQRTSD", UNIT_FMUL, BOTH(U(1, 27, 24)), "IL"),
    FLOAT("sqrtps", UNIT_FMUL, BOTH(U(1, 36, 36)), "AF-IT, IL"),
    FLOAT("sqrtps/SQRTPD", UNIT_FMUL, BOTH(U(1, 48, 48)), "IL"),

    /* 3DNow! */
    FLOAT("pf2id", UNIT_FADD, BOTH(D(1, 5)), "AF-IT, IL: 4 on the Thunderbird"),
    FLOAT("pfadd", UNIT_FADD, BOTH(D(1, 4)), "AF-IT, IL"),
    FLOAT("pfmax", UNIT_FADD, BOTH(D(1, 2)), "AF-IT, IL: 4 on the Thunderbird"),
    FLOAT("pfmul", UNIT_FMUL, BOTH(D(1, 4)), "AF-IT, IL"),
    FLOAT("pfrcp", UNIT_FMUL, BOTH(D(1, 3)), "AF-IT, IL"),

    /* SSE: conversions */
    FLOAT("cvtpi2ps", UNIT_FSTORE, BOTH(D(1, 4)), "AF-IT, IL"),
    FLOAT("cvtps2pi", UNIT_FSTORE, BOTH(D(1, 6)), "AF-IT, IL"),
    FLOAT("cvtpi2pd", UNIT_FSTORE, BOTH(D(2, 5)), "IL"),
    FLOAT("cvtpd2pi", UNIT_FSTORE, BOTH(D(2, 8)), "IL"),
    FLOAT("cvtsi2ss", UNIT_FSTORE, BOTH(V(3, 13, 3)), "IL: 2.5 and 2.8; 22.3 there and back"),
    FLOAT("cvtsi2sd", UNIT_FSTORE, BOTH(V(3, 13, 3)), "IL"),
    FLOAT("cvtss2si", UNIT_FSTORE, BOTH(V(3, 9, 3)), "IL"),
    FLOAT("cvtsd2si", UNIT_FSTORE, BOTH(V(3, 9, 3)), "IL"),
    FLOAT("cvtdq2ps", UNIT_FSTORE, BOTH(D(2, 5)), "IL"),
    FLOAT("cvtdq2pd", UNIT_FSTORE, BOTH(D(2, 6)), "IL"),
    FLOAT("cvtpd2dq", UNIT_FSTORE, BOTH(V(4, 7, 3)), "IL: 3.3"),
    FLOAT("cvtps2pd", UNIT_FSTORE, BOTH(D(2, 4)), "IL"),
    FLOAT("cvtpd2ps", UNIT_FSTORE, BOTH(V(4, 8, 3)), "IL: 3.25"),
    FLOAT("cvtss2sd", UNIT_FSTORE, BOTH(D(2, 4)), "AF-IT"),
    FLOAT("cvtsd2ss", UNIT_FSTORE, BOTH(V(3, 9, 2)), "IL"),

    /* state and order */
    MICRO("ldmxcsr", BOTH(V(8, 9, 9)), R, "AF-IT, IL"),
    MICRO("stmxcsr", BOTH(V(3, 10, 10)), R, "AF-IT, IL"),
    MICRO("fxsave", BOTH(V(44, 59, 59)), R, "AF-IT"),
    MICRO("fxrstor", BOTH(V(85, 87, 87)), R, "AF-IT"),
    MICRO("clflush", BOTH(V(4, 10, 10)), E, "no source"),
    ALONE("lfence", BOTH(V(1, 4, 1)), CAUSE_SERIALISE, E, "no source"),
    ALONE("sfence", BOTH(V(4, 6, 1)), CAUSE_SERIALISE, R, "IL: 8"),
    ALONE("mfence", BOTH(V(4, 14, 1)), CAUSE_SERIALISE, R, "IL: 16"),
};
const unsigned k7_class_count = ARRAY_COUNT(k7_classes);

/* --- cases ------------------------------------------------------------------------------------ */

#define TOTAL(class, note, k7, k8, cause, quality, source)                                         \
    {class, note, {k7, k8}, 0, false, cause, quality, source}
#define ADDED(class, note, k7, k8, each, cause, quality, source)                                   \
    {class, note, {k7, k8}, each, true, cause, quality, source}
#define ENTRY CAUSE_KERNEL_ENTRY
#define EXIT CAUSE_KERNEL_EXIT
#define TASK(class)                                                                                \
    ADDED(class, NOTE_TASK_32, 250, 250, 0, CAUSE_TASK_SWITCH, E, "Q32"),                          \
    ADDED(class, NOTE_TASK_16, 250, 250, 0, CAUSE_TASK_SWITCH, E, "Q32"),                          \
    ADDED(class, NOTE_TASK_V86, 250, 250, 0, CAUSE_TASK_SWITCH, E, "Q32")
#define LOADS(class)                                                                               \
    ADDED(class, NOTE_SEGMENT_NEW, 9, 9, 0, CAUSE_SEGMENT, R, "FIASCO: 18 against 9"),             \
    ADDED(class, NOTE_SEGMENT_SS, 8, 8, 0, CAUSE_SEGMENT, R, "AF-IT: POP SS 18")
#define INTERRUPTS(class, quality, source)                                                         \
    TOTAL(class, NOTE_INT_REAL, 85, 85, ENTRY, quality, source),                                   \
    TOTAL(class, NOTE_INT_VME, 85, 85, ENTRY, E, "taken as in real mode"),                         \
    TOTAL(class, NOTE_INT_SAME, 85, 85, ENTRY, quality, source),                                   \
    TOTAL(class, NOTE_INT_INNER, 105, 100, ENTRY, quality, source),                                \
    TOTAL(class, NOTE_INT_V86, 110, 110, ENTRY, E, source),                                        \
    TOTAL(class, NOTE_INT_TASK, 30, 30, ENTRY, E, source), TASK(class)

/* Each is less than its source by the two clocks of waiting: see ALONE. */
const struct k7_case k7_cases[] = {
    LOADS("mov_sreg"), LOADS("pop_sreg"), LOADS("lds"),
    INTERRUPTS("int", R, "25112 T13: 87-109, 91-112; FIASCO: INT and IRET 202"),
    INTERRUPTS("int3", E, "taken as INT"),
    INTERRUPTS("into", E, "taken as INT"),
    INTERRUPTS("delivery", E, "taken as INT"),
    TOTAL("iret", NOTE_IRET_REAL, 79, 79, CAUSE_MICROCODE, R, "AF-IT: 81"),
    TOTAL("iret", NOTE_IRET_SAME, 78, 78, CAUSE_MICROCODE, E, "65-80 (Q31)"),
    TOTAL("iret", NOTE_IRET_OUTER, 93, 98, EXIT, R, "FIASCO, with INT 202; 25112: 91-111"),
    TOTAL("iret", NOTE_IRET_V86, 93, 98, EXIT, E, "taken as to an outer level"),
    TOTAL("iret", NOTE_IRET_TASK, 30, 30, CAUSE_MICROCODE, E, "no source"), TASK("iret"),
    TOTAL("far_jmp", NOTE_FAR_REAL, 21, 21, CAUSE_MICROCODE, R, "AF-IT: 23"),
    TOTAL("far_jmp", NOTE_FAR_GATE_SAME, 118, 118, CAUSE_MICROCODE, R, "25112 T13: 120"),
    TASK("far_jmp"),
    TOTAL("far_call", NOTE_FAR_REAL, 21, 21, CAUSE_MICROCODE, R, "AF-IT: 23"),
    TOTAL("far_call", NOTE_FAR_GATE_SAME, 118, 118, CAUSE_MICROCODE, E, "taken as JMP's"),
    TOTAL("far_call", NOTE_FAR_GATE_INNER, 148, 148, ENTRY, R, "25112 T13: 150"),
    TASK("far_call"),
    TOTAL("retf", NOTE_FAR_REAL, 22, 22, CAUSE_MICROCODE, R, "AF-IT: 24"),
    TOTAL("retf", NOTE_RET_OUTER, 63, 63, EXIT, R, "25112 T13: 57-72"),
    ADDED("wbinvd", NOTE_CACHES_WRITTEN, 0, 0, 7, CAUSE_SERIALISE, R, "FIASCO: 46041, 5120 lines"),
    ADDED("enter", NOTE_COUNT, 0, 0, 3, CAUSE_MICROCODE, R, "25112 T13: 14, 17"),
};
const unsigned k7_case_count = ARRAY_COUNT(k7_cases);

const struct k7_repeat k7_repeats[] = {
    {"movs", {{15, 1, 11}, {15, 1, 11}}, 2, R}, /* 25112: 15 + c; none 11 */
    {"stos", {{14, 1, 11}, {14, 1, 11}}, 1, R}, /* 25112: 14 + c */
    {"lods", {{15, 2, 11}, {15, 2, 11}}, 1, R}, /* 25112: 15 + 2c */
    {"scas", {{15, 2, 11}, {15, 2, 11}}, 1, R}, /* 25112: 15 + 5/2c */
    {"cmps", {{16, 3, 11}, {16, 3, 11}}, 2, R}, /* 25112: 16 + 10/3c */
    {"ins", {{20, 20, 11}, {20, 20, 11}}, 1, E},
    {"outs", {{20, 20, 11}, {20, 20, 11}}, 1, E},
};
const unsigned k7_repeat_count = ARRAY_COUNT(k7_repeats);

/* --- finding ---------------------------------------------------------------------------------- */

static int find(const char *name)
{
    for (unsigned i = 0; i < k7_class_count; i++)
        if (strcmp(k7_classes[i].name, name) == 0)
            return (int)i;
    return -1;
}

unsigned k7_class_find(const char *class, const char *name, unsigned width, enum k7_form form)
{
    static const char *const widths[] = {"", ".b", ".w", "", ".d"};
    static const char *const forms[] = {".s", ".m", ""};
    for (unsigned i = 0; i < 12; i++) {
        bool named = i < 6, with_width = i % 6 < 3;
        char text[64];
        if (2 - i % 3 > (unsigned)form)
            continue;
        snprintf(text, sizeof text, "%s%s%s%s%s", class, named ? "/" : "", named ? name : "",
                 with_width && width <= 4 ? widths[width] : "", forms[i % 3]);
        int found = find(text);
        if (found >= 0)
            return (unsigned)found;
    }
    unimplemented("timing class '%s' on the k7 model: cpu/models/k7/cost.c has no line for it",
                  class);
}
