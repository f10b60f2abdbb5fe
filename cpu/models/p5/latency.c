/* latency: what each timing class costs, and what each case of a microcoded instruction costs.
 *
 * Clocks are those of the instruction alone in the pipes with every access a first-level hit; what
 * memory, prefixes and interlocks add is decided elsewhere. Source keys as in SOURCES.md: EUN,
 * OPT97, AF-IT, MASM, MPR93, 86BOX, ALP; IL is the InstLatX86 dump of a 166 MHz part; MEM means
 * from memory, unverified; EST an estimate. Where sources disagree the measured one (IL) wins. */
#include "cpu/models/p5/core.h"

#include "sim/core/check.h"

#include <string.h>

#define R QUALITY_READ
#define F QUALITY_FITTED
#define E QUALITY_ESTIMATE
#define M QUALITY_MEMORY

/* Simple instructions: their clocks with memory come from the read-modify-write matrix. */
#define SIMPLE(name, issue, source)                                                                \
    {name, issue, KIND_PLAIN, 1, 1, 0, 0, 0, 0, 0, CAUSE_EXECUTE, R, source}
#define PLAIN(name, reg, mem, quality, source)                                                     \
    {name, ISSUE_NP, KIND_PLAIN, reg, mem, 0, 0, 0, 0, 0, CAUSE_MICROCODE, quality, source}
#define WIDTH(name, dword, word, byte, source)                                                     \
    {name, ISSUE_NP, KIND_PLAIN, dword, dword, word, byte, 0, 0, 0, CAUSE_MICROCODE, R, source}
#define BRANCH(name, issue, clocks, quality, source)                                               \
    {name, issue, KIND_BRANCH, clocks, clocks, 0, 0, 0, 0, 0, CAUSE_MICROCODE, quality, source}
#define MICRO(name, reg, mem, cause, quality, source)                                              \
    {name, ISSUE_NP, KIND_MICRO, reg, mem, 0, 0, 0, 0, 0, cause, quality, source}
#define STRING(name, once, quality, source)                                                        \
    {name, ISSUE_NP, KIND_STRING, once, once, 0, 0, 0, 0, 0, CAUSE_MICROCODE, quality, source}
#define X87(name, issue, clocks, i_overlap, fp_overlap, quick, quality, source)                    \
    {name, issue, KIND_X87, clocks, clocks, 0, 0, i_overlap, fp_overlap, quick,                    \
     CAUSE_X87_EXECUTE, quality, source}

const struct p5_latency p5_latencies[] = {
    /* pairable */
    SIMPLE("alu", ISSUE_UV, "EUN, OPT97"),
    SIMPLE("alu_carry", ISSUE_PU, "EUN, OPT97, AF-IT"),
    SIMPLE("mov", ISSUE_UV, "EUN, OPT97"),
    SIMPLE("lea", ISSUE_UV, "EUN, OPT97"),
    SIMPLE("nop", ISSUE_UV, "EUN, OPT97"),
    SIMPLE("push_reg", ISSUE_UV, "EUN, OPT97"),
    SIMPLE("push_imm", ISSUE_UV, "OPT97, AF-IT"),
    SIMPLE("pop_reg", ISSUE_UV, "EUN, OPT97"),
    SIMPLE("shift_1", ISSUE_PU, "EUN, OPT97"),
    SIMPLE("shift_imm", ISSUE_PU, "EUN, OPT97"),
    SIMPLE("rotate_1", ISSUE_PU, "EUN, OPT97"),

    /* not pairable, fixed clocks */
    PLAIN("neg", 1, 3, R, "EUN, OPT97"),
    PLAIN("test_imm", 1, 2, R, "OPT97, AF-IT"),
    PLAIN("rotate_imm", 1, 3, R, "AF-IT (open-questions Q7)"),
    PLAIN("rotate_cl", 4, 5, R, "EUN, AF-IT"),
    PLAIN("shift_cl", 4, 5, R, "EUN, AF-IT (Q14)"),
    PLAIN("shld_imm", 4, 5, R, "EUN, AF-IT (Q14)"),
    PLAIN("shld_cl", 4, 5, R, "EUN"),
    PLAIN("setcc", 1, 2, R, "EUN, OPT97"),
    PLAIN("cmov", 2, 3, E, "no such instruction on the part"),
    PLAIN("movzx", 3, 3, R, "EUN, OPT97"),
    PLAIN("xchg_acc", 2, 2, R, "EUN, OPT97"),
    PLAIN("xchg", 3, 3, R, "EUN, OPT97"),
    PLAIN("xadd", 3, 4, R, "EUN, OPT97"),
    PLAIN("cmpxchg", 6, 6, R, "IL; EUN has 5 for registers"),
    PLAIN("cmpxchg8b", 9, 9, R, "IL; EUN has 10"),
    PLAIN("bswap", 1, 1, R, "EUN, OPT97"),
    PLAIN("xlat", 4, 4, R, "EUN, OPT97"),
    PLAIN("lahf", 2, 2, R, "EUN, OPT97"),
    PLAIN("sahf", 2, 2, R, "EUN, OPT97"),
    PLAIN("cbw", 3, 3, R, "EUN, OPT97"),
    PLAIN("cwd", 2, 2, R, "EUN, OPT97"),
    PLAIN("flag", 2, 2, R, "EUN, OPT97"),
    PLAIN("cli", 7, 7, R, "EUN, OPT97"),
    PLAIN("sti", 7, 7, R, "EUN, OPT97"),
    PLAIN("bt", 4, 9, R, "EUN, OPT97"),
    PLAIN("bt_imm", 4, 4, R, "EUN, OPT97"),
    PLAIN("bts", 7, 13, R, "EUN (Q14)"),
    PLAIN("bts_imm", 7, 8, R, "EUN, OPT97"),
    WIDTH("mul", 9, 11, 11, "IL, AF-IT (Q11)"),
    WIDTH("div", 41, 25, 17, "EUN, OPT97"),
    WIDTH("idiv", 46, 30, 22, "EUN, OPT97"),
    PLAIN("imul", 9, 9, R, "IL, AF-IT (Q11)"),
    PLAIN("imul_imm", 9, 9, R, "IL, AF-IT (Q11)"),
    PLAIN("aaa", 3, 3, R, "EUN, OPT97"),
    PLAIN("daa", 3, 3, R, "EUN, OPT97"),
    PLAIN("aad", 10, 10, R, "EUN, OPT97 (Q12)"),
    PLAIN("aam", 18, 18, R, "EUN, OPT97 (Q12)"),
    PLAIN("push_mem", 2, 2, R, "EUN, OPT97"),
    PLAIN("push_sreg", 1, 1, R, "EUN, OPT97"),
    PLAIN("pop_mem", 3, 3, R, "EUN, OPT97"),
    PLAIN("leave", 3, 3, R, "EUN, OPT97"),
    PLAIN("mov_from_sreg", 1, 1, R, "EUN, OPT97"),
    PLAIN("nop_hint", 1, 1, E, "no such instruction on the part"),
    PLAIN("arpl", 7, 7, R, "EUN, OPT97"),
    PLAIN("lar", 8, 8, R, "EUN, OPT97"),
    PLAIN("sgdt", 4, 4, R, "EUN, OPT97"),
    PLAIN("sldt", 2, 2, R, "EUN, OPT97"),
    PLAIN("smsw", 4, 4, R, "EUN, OPT97"),
    PLAIN("mov_from_cr", 4, 4, R, "EUN, OPT97"),
    PLAIN("mov_from_dr", 2, 2, R, "EUN (the split by register is MEM)"),
    PLAIN("bound", 8, 8, R, "EUN, OPT97"),
    PLAIN("hlt", 4, 4, R, "MASM (Q23)"),
    PLAIN("ud", 1, 1, E, "never completes"),

    /* near branches */
    BRANCH("jcc", ISSUE_PV, 1, R, "EUN, OPT97, AF-MA 3"),
    BRANCH("jmp_rel", ISSUE_PV, 1, R, "EUN, OPT97"),
    BRANCH("call_rel", ISSUE_PV, 1, R, "EUN, OPT97"),
    BRANCH("jmp_ind", ISSUE_NP, 2, R, "EUN, OPT97"),
    BRANCH("call_ind", ISSUE_NP, 2, R, "EUN, OPT97"),
    BRANCH("ret", ISSUE_NP, 2, R, "EUN, OPT97"),
    BRANCH("ret_imm", ISSUE_NP, 3, R, "EUN, OPT97"),
    BRANCH("jcxz", ISSUE_NP, 5, M, "AF-IT 4-11; one clock more when taken is MEM"),
    BRANCH("loop", ISSUE_NP, 5, R, "EUN, AF-IT; one clock more when taken is MEM"),
    BRANCH("loopcc", ISSUE_NP, 7, M, "MEM"),

    /* microcode with cases */
    MICRO("pusha", 5, 5, CAUSE_MICROCODE, R, "EUN, IL: words in pairs, see micro.c"),
    MICRO("popa", 5, 5, CAUSE_MICROCODE, R, "EUN, IL: likewise"),
    MICRO("pushf", 3, 3, CAUSE_MICROCODE, R, "EUN, MASM, IL (Q6); 4 in real mode not told apart"),
    MICRO("popf", 4, 4, CAUSE_MICROCODE, R, "MASM, AF-IT, IL (Q6)"),
    MICRO("enter", 11, 11, CAUSE_MICROCODE, R, "EUN, OPT97"),
    MICRO("bsf", 6, 6, CAUSE_MICROCODE, E, "EUN for the least, one a bit (Q15)"),
    MICRO("bsr", 7, 7, CAUSE_MICROCODE, E, "EUN for the least, two a bit (Q15)"),
    MICRO("rcl_imm", 8, 10, CAUSE_MICROCODE, R, "EUN, IL; the law of the count is unknown (Q7)"),
    MICRO("rcl_cl", 7, 9, CAUSE_MICROCODE, R, "EUN, IL; likewise"),
    MICRO("mov_sreg", 2, 3, CAUSE_SEGMENT, R, "EUN, OPT97 (Q22)"),
    MICRO("pop_sreg", 3, 3, CAUSE_SEGMENT, R, "EUN, OPT97 (Q22)"),
    MICRO("lds", 4, 4, CAUSE_SEGMENT, R, "EUN, OPT97 (Q22)"),
    MICRO("in", 4, 4, CAUSE_IO, R, "EUN, MASM"),
    MICRO("out", 9, 9, CAUSE_IO, R, "EUN, MASM"),
    MICRO("far_jmp", 3, 4, CAUSE_MICROCODE, R, "EUN, 86BOX"),
    MICRO("far_call", 4, 5, CAUSE_MICROCODE, R, "EUN, OPT97"),
    MICRO("retf", 4, 4, CAUSE_MICROCODE, R, "EUN, OPT97"),
    MICRO("int", 16, 16, CAUSE_KERNEL_ENTRY, R, "EUN, OPT97"),
    MICRO("int3", 13, 13, CAUSE_KERNEL_ENTRY, R, "EUN, OPT97"),
    MICRO("into", 4, 4, CAUSE_MICROCODE, R, "MASM"),
    MICRO("delivery", 0, 0, CAUSE_KERNEL_ENTRY, E, "an exception or an interrupt, no instruction"),
    MICRO("iret", 8, 8, CAUSE_MICROCODE, R, "EUN"),
    MICRO("lgdt", 6, 6, CAUSE_SERIALISE, R, "EUN, OPT97"),
    MICRO("lldt", 9, 9, CAUSE_SERIALISE, R, "EUN, OPT97"),
    MICRO("ltr", 10, 10, CAUSE_SERIALISE, R, "EUN, OPT97"),
    MICRO("verr", 7, 7, CAUSE_MICROCODE, R, "EUN, OPT97"),
    MICRO("lmsw", 8, 8, CAUSE_MICROCODE, R, "EUN, OPT97"),
    MICRO("clts", 10, 10, CAUSE_MICROCODE, R, "EUN, OPT97"),
    MICRO("mov_cr0", 22, 22, CAUSE_SERIALISE, R, "EUN, MASM"),
    MICRO("mov_cr2", 12, 12, CAUSE_SERIALISE, R, "EUN, MASM"),
    MICRO("mov_cr3", 21, 21, CAUSE_SERIALISE, R, "MASM (Q5)"),
    MICRO("mov_cr4", 14, 14, CAUSE_SERIALISE, R, "MASM"),
    MICRO("mov_dr", 11, 11, CAUSE_SERIALISE, R, "EUN, MASM"),
    MICRO("invlpg", 25, 25, CAUSE_SERIALISE, R, "EUN, OPT97"),
    MICRO("invd", 15, 15, CAUSE_SERIALISE, R, "EUN, OPT97"),
    MICRO("wbinvd", 2000, 2000, CAUSE_SERIALISE, R, "EUN, OPT97: 2000 and more"),
    MICRO("cpuid", 14, 14, CAUSE_SERIALISE, R, "EUN, IL"),
    MICRO("rdtsc", 6, 6, CAUSE_MICROCODE, R, "AF-IT; 11 outside privilege 0"),
    MICRO("rdpmc", 6, 6, CAUSE_MICROCODE, E, "no such instruction on the part"),
    MICRO("rdmsr", 20, 20, CAUSE_MICROCODE, R, "EUN: 20-24"),
    MICRO("wrmsr", 30, 30, CAUSE_SERIALISE, R, "EUN: 30-45"),

    /* strings, once */
    STRING("movs", 4, R, "EUN, OPT97"),
    STRING("stos", 3, R, "EUN, OPT97"),
    STRING("lods", 2, R, "EUN, OPT97"),
    STRING("scas", 4, R, "EUN, OPT97"),
    STRING("cmps", 5, R, "EUN, OPT97"),
    STRING("ins", 6, R, "EUN, MASM"),
    STRING("outs", 10, R, "EUN, MASM"),

    /* x87: clocks, of them overlapped by integer instructions, by x87 ones, with a zero operand */
    X87("fld", ISSUE_FX, 1, 0, 0, 0, R, "AF-IT"),
    X87("fld_m80", ISSUE_NP, 3, 0, 0, 0, R, "AF-IT"),
    X87("fbld", ISSUE_NP, 53, 0, 0, 0, R, "AF-IT: 48-58"),
    X87("fst_reg", ISSUE_NP, 1, 0, 0, 0, R, "AF-IT"),
    X87("fst_mem", ISSUE_NP, 2, 0, 0, 0, R, "AF-IT"),
    X87("fstp_m80", ISSUE_NP, 3, 0, 0, 0, R, "AF-IT"),
    X87("fbstp", ISSUE_NP, 151, 0, 0, 0, R, "AF-IT: 148-154"),
    X87("fild", ISSUE_NP, 3, 2, 2, 0, R, "AF-IT"),
    X87("fist", ISSUE_NP, 6, 0, 0, 0, R, "AF-IT"),
    X87("fld1", ISSUE_NP, 2, 0, 0, 0, R, "AF-IT"),
    X87("fldpi", ISSUE_NP, 5, 2, 2, 0, R, "AF-IT"),
    X87("fnstsw", ISSUE_NP, 2, 0, 0, 0, R, "AF-IT, MPR93: 6 with the wait of 4"),
    X87("fldcw", ISSUE_NP, 8, 0, 0, 0, R, "AF-IT"),
    X87("fnstcw", ISSUE_NP, 2, 0, 0, 0, R, "AF-IT"),
    X87("fadd", ISSUE_FX, 3, 2, 2, 0, R, "AF-IT, IL"),
    X87("fmul", ISSUE_FX, 3, 2, 2, 0, R, "AF-IT, IL"),
    X87("fdiv", ISSUE_FX, 41, 40, 1, 6, R, "AF-IT, IL: 19, 33, 41 by precision control"),
    X87("fsqrt", ISSUE_NP, 70, 69, 2, 4, R, "AF-IT, IL"),
    X87("fchs", ISSUE_FX, 1, 0, 0, 0, R, "AF-IT, IL"),
    X87("fcom", ISSUE_FX, 1, 0, 0, 0, R, "AF-IT, IL"),
    X87("fcomi", ISSUE_NP, 1, 0, 0, 0, E, "no such instruction on the part"),
    X87("fcmov", ISSUE_NP, 1, 0, 0, 0, E, "no such instruction on the part"),
    X87("fiadd", ISSUE_NP, 6, 2, 2, 0, R, "AF-IT"),
    X87("fidiv", ISSUE_NP, 44, 43, 1, 9, R, "AF-IT: three more than FDIV"),
    X87("ficom", ISSUE_NP, 4, 0, 0, 0, R, "AF-IT"),
    X87("ftst", ISSUE_FX, 1, 0, 0, 0, R, "AF-IT"),
    X87("fxam", ISSUE_NP, 17, 0, 0, 0, R, "AF-IT: 17-21; IL"),
    X87("fprem", ISSUE_NP, 16, 2, 2, 0, R, "AF-IT: 16-64; the least and 48/63 a bit"),
    X87("fprem1", ISSUE_NP, 20, 2, 2, 0, R, "AF-IT: 20-70; likewise"),
    X87("frndint", ISSUE_NP, 9, 0, 0, 0, R, "AF-IT: 9-20"),
    X87("fscale", ISSUE_NP, 20, 5, 0, 0, R, "AF-IT: 20-32"),
    X87("fxtract", ISSUE_NP, 12, 0, 0, 0, R, "AF-IT: 12-66"),
    X87("fsin", ISSUE_NP, 76, 2, 2, 15, R, "AF-IT: 65-100; IL: 63-96 by argument, the mean"),
    X87("fsincos", ISSUE_NP, 100, 2, 2, 17, R, "AF-IT: 89-112"),
    X87("f2xm1", ISSUE_NP, 56, 2, 2, 0, R, "AF-IT: 53-59"),
    X87("fyl2x", ISSUE_NP, 103, 2, 2, 0, R, "AF-IT"),
    X87("fyl2xp1", ISSUE_NP, 105, 2, 2, 0, R, "AF-IT"),
    X87("fptan", ISSUE_NP, 133, 36, 0, 17, R, "AF-IT: 120-147"),
    X87("fpatan", ISSUE_NP, 123, 2, 2, 0, R, "AF-IT: 112-134"),
    X87("fnop", ISSUE_NP, 1, 0, 0, 0, R, "AF-IT"),
    X87("wait", ISSUE_NP, 1, 0, 0, 0, R, "EUN"),
    X87("fxch", ISSUE_XV, 1, 0, 0, 0, R, "AF-IT, IL"),
    X87("fincstp", ISSUE_NP, 1, 0, 0, 0, R, "IL; AF-IT has 2"),
    X87("ffree", ISSUE_NP, 2, 0, 0, 0, R, "AF-IT"),
    X87("fnclex", ISSUE_NP, 8, 0, 0, 0, R, "AF-IT: 6-9"),
    X87("fninit", ISSUE_NP, 16, 0, 0, 0, R, "AF-IT: 12-22"),
    X87("fnsave", ISSUE_NP, 124, 0, 0, 0, R, "AF-IT: 124-300, the least"),
    X87("frstor", ISSUE_NP, 75, 0, 0, 0, R, "AF-IT: 70-95"),
    X87("fldenv", ISSUE_NP, 32, 0, 0, 0, M, "MEM"),
    X87("fnstenv", ISSUE_NP, 48, 0, 0, 0, M, "MEM: 48-50"),
    PLAIN("prefetch", 1, 1, E, "no such instruction on the part"),
};
const unsigned p5_latency_count = ARRAY_COUNT(p5_latencies);

#define TASK CAUSE_TASK_SWITCH
#define ENTRY CAUSE_KERNEL_ENTRY
#define EXIT CAUSE_KERNEL_EXIT
#define PORT CAUSE_IO
#define SEGMENT CAUSE_SEGMENT
#define MICRO_CLOCKS CAUSE_MICROCODE

/* Total clocks of a case; more for each unit of the note's value; or added clocks. */
#define TOTAL(class, note, clocks, cause, quality, source)                                         \
    {class, note, clocks, 0, false, cause, quality, source}
#define ADDED(class, note, clocks, each, cause, quality, source)                                   \
    {class, note, clocks, each, true, cause, quality, source}
/* A task switch follows what led to it: the sum of the two [ALP]. */
#define SWITCHES(class)                                                                            \
    ADDED(class, NOTE_TASK_32, 85, 0, TASK, R, "ALP (Q2)"),                                        \
    ADDED(class, NOTE_TASK_16, 87, 0, TASK, R, "ALP (Q2)"),                                        \
    ADDED(class, NOTE_TASK_V86, 71, 0, TASK, R, "ALP (Q2)")
#define LOADS(class)                                                                               \
    ADDED(class, NOTE_SEGMENT_REAL, 0, 0, SEGMENT, R, "EUN"),                                      \
    ADDED(class, NOTE_SEGMENT_SAME, 0, 0, SEGMENT, R, "EUN (Q22)"),                                \
    ADDED(class, NOTE_SEGMENT_NEW, 8, 0, SEGMENT, R, "EUN (Q22)"),                                 \
    ADDED(class, NOTE_SEGMENT_SS, 6, 0, SEGMENT, R, "EUN (Q22)")
#define PORTS(class, real, allowed, bitmap, v86, quality)                                          \
    TOTAL(class, NOTE_IO_REAL, real, PORT, quality, "EUN, MASM"),                                  \
    TOTAL(class, NOTE_IO_ALLOWED, allowed, PORT, quality, "EUN, MASM"),                            \
    TOTAL(class, NOTE_IO_BITMAP, bitmap, PORT, quality, "EUN, MASM"),                              \
    TOTAL(class, NOTE_IO_V86, v86, PORT, quality, "EUN, MASM")
#define INTERRUPTS(class, real, same, inner, v86, task, quality, source)                           \
    TOTAL(class, NOTE_INT_REAL, real, ENTRY, quality, source),                                     \
    TOTAL(class, NOTE_INT_VME, real, ENTRY, E, "taken as in real mode"),                           \
    TOTAL(class, NOTE_INT_SAME, same, ENTRY, quality, source),                                     \
    TOTAL(class, NOTE_INT_INNER, inner, ENTRY, quality, source),                                   \
    TOTAL(class, NOTE_INT_V86, v86, ENTRY, quality, source),                                       \
    TOTAL(class, NOTE_INT_TASK, task, ENTRY, M, "MEM"),                                            \
    SWITCHES(class)

const struct p5_case p5_cases[] = {
    LOADS("mov_sreg"),
    LOADS("pop_sreg"),
    LOADS("lds"),

    PORTS("in", 7, 4, 21, 19, R),
    PORTS("out", 12, 9, 26, 24, R),
    PORTS("ins", 9, 6, 24, 22, R),
    PORTS("outs", 13, 10, 27, 25, R),

    TOTAL("far_jmp", NOTE_FAR_GATE_SAME, 18, MICRO_CLOCKS, R, "86BOX"),
    TOTAL("far_jmp", NOTE_FAR_TSS, 19, MICRO_CLOCKS, M, "MEM"),
    TOTAL("far_jmp", NOTE_FAR_TASK_GATE, 20, MICRO_CLOCKS, M, "MEM"),
    SWITCHES("far_jmp"),
    ADDED("far_call", NOTE_FAR_SAME, 9, 0, MICRO_CLOCKS, R, "EUN: 13 and 14"),
    TOTAL("far_call", NOTE_FAR_GATE_SAME, 22, MICRO_CLOCKS, R, "86BOX"),
    {"far_call", NOTE_FAR_GATE_INNER, 44, 2, false, ENTRY, R, "86BOX; 2 a parameter is MEM"},
    TOTAL("far_call", NOTE_FAR_TSS, 21, MICRO_CLOCKS, M, "MEM"),
    TOTAL("far_call", NOTE_FAR_TASK_GATE, 22, MICRO_CLOCKS, M, "MEM"),
    SWITCHES("far_call"),
    TOTAL("retf", NOTE_RET_OUTER, 23, EXIT, R, "86BOX, MASM"),

    INTERRUPTS("int", 16, 31, 48, 60, 23, R, "EUN, 86BOX"),
    INTERRUPTS("int3", 13, 27, 44, 56, 19, M, "EUN, MEM (Q1)"),
    INTERRUPTS("into", 13, 27, 44, 56, 19, M, "EUN, MEM (Q1)"),
    /* INT n less two clocks of decoding it. */
    INTERRUPTS("delivery", 14, 29, 46, 58, 21, E, "no figure published (Q3)"),
    TOTAL("iret", NOTE_IRET_REAL, 8, MICRO_CLOCKS, R, "EUN"),
    TOTAL("iret", NOTE_IRET_SAME, 10, MICRO_CLOCKS, R, "EUN, 86BOX"),
    TOTAL("iret", NOTE_IRET_OUTER, 27, EXIT, R, "EUN, 86BOX"),
    TOTAL("iret", NOTE_IRET_V86, 27, EXIT, E, "86BOX, unsure there (Q4)"),
    TOTAL("iret", NOTE_IRET_TASK, 10, EXIT, M, "MEM (Q4)"),
    SWITCHES("iret"),

    ADDED("bsf", NOTE_COUNT, 0, 1, MICRO_CLOCKS, E, "one a bit scanned (Q15)"),
    ADDED("bsr", NOTE_COUNT, 0, 2, MICRO_CLOCKS, E, "two a bit scanned (Q15)"),
};
const unsigned p5_case_count = ARRAY_COUNT(p5_cases);

unsigned p5_latency_find(const char *name)
{
    CHECK(name != NULL);
    for (unsigned i = 0; i < p5_latency_count; i++)
        if (strcmp(p5_latencies[i].name, name) == 0)
            return i;
    unimplemented("timing class '%s' on the p5 model", name);
}
