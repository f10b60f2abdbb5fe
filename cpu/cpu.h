/* cpu: one IA-32 processor: its registers, and how its parts find each other.
 *
 * Semantics never mention a cycle. A body reads registers and memory, decides every fault before
 * its first write, and writes. cpu->eip already points at the next instruction while a body runs;
 * cpu->op->eip is the instruction itself. cpu_raise leaves the body by longjmp.
 *
 * Arithmetic flags are lazy: see cpu/flags.h. */
#pragma once

#include "cpu/msrs.h"
#include "cpu/note.h"
#include "cpu/op.h"
#include "cpu/stops.h"
#include "mmu/mmu.h"
#include "sim/core/ledger.h"
#include "sim/core/snap.h"
#include "sim/core/types.h"

#include <setjmp.h>

/* Exception vectors. */
enum {
    EXC_DE = 0, EXC_DB = 1, EXC_NMI = 2, EXC_BP = 3, EXC_OF = 4, EXC_BR = 5, EXC_UD = 6,
    EXC_NM = 7, EXC_DF = 8, EXC_MF_OVERRUN = 9, EXC_TS = 10, EXC_NP = 11, EXC_SS = 12,
    EXC_GP = 13, EXC_PF = 14, EXC_MF = 16, EXC_AC = 17, EXC_MC = 18, EXC_XM = 19,
};

enum {
    CR0_PE = 1 << 0, CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_ET = 1 << 4,
    CR0_NE = 1 << 5, CR0_WP = 1 << 16, CR0_AM = 1 << 18, CR0_NW = 1 << 29, CR0_CD = 1 << 30,
    CR4_VME = 1 << 0, CR4_PVI = 1 << 1, CR4_TSD = 1 << 2, CR4_DE = 1 << 3, CR4_PSE = 1 << 4,
    CR4_PAE = 1 << 5, CR4_MCE = 1 << 6, CR4_PGE = 1 << 7, CR4_PCE = 1 << 8, CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10,
};
#define CR0_PG 0x80000000u

/* A segment register with its cached descriptor. */
struct segment {
    uint32_t base;
    uint32_t limit;      /* in bytes, scaled */
    uint32_t fast_limit; /* highest offset of the plain case (present, expand-up, readable and
                            writable data, or code for CS); 0 sends every access the slow way */
    uint16_t selector;
    uint8_t access;      /* descriptor byte 5: P DPL S type */
    uint8_t flags;       /* descriptor byte 6 high nibble: G D/B 0 AVL, in bits 7..4 */
    bool valid;          /* false: null selector or never loaded, use faults with #GP(0) */
};

/* An 80-bit x87 register as memory holds it. */
struct f80 {
    uint64_t mantissa;
    uint16_t sign_exponent;
};

struct x87 {
    struct f80 r[8]; /* physical registers; ST(i) is r[(top + i) & 7] */
    uint16_t control;
    uint16_t status; /* without TOP, which is kept apart */
    uint8_t top;
    uint8_t empty;   /* bit i: physical register i is empty */
    uint16_t opcode; /* last non-control instruction: 11 bits */
    uint16_t code_selector, data_selector;
    uint32_t code_offset, data_offset;
};

/* An XMM register, or in its low half an MMX register, as what instructions take it for. */
union vec {
    uint64_t q[2];
    uint32_t d[4];
    uint16_t w[8];
    uint8_t b[16];
    int32_t sd[4];
    int16_t sw[8];
    int8_t sb[16];
};

struct cpuid_leaf {
    uint32_t number, eax, ebx, ecx, edx;
};

/* Who the processor says it is, and what it has. One per part, in cpu/models/X/profile*.c. The
 * leaves are the part's; of their flags CPUID leaves out those whose instructions the identity's
 * features do not name. */
struct identity {
    const char *part;
    uint32_t signature;   /* EAX of leaf 1, and EDX after RESET */
    const struct cpuid_leaf *leaves;
    unsigned leaf_count;
    bool amd;             /* a leaf that does not exist reads as zeros, not as the last one */
    uint32_t features;    /* 1 << enum feature */
    uint32_t cr4_writable;
    uint32_t mxcsr_mask; /* the bits of MXCSR that exist */
    const struct msr_table *msrs; /* NULL: the Pentium's, cpu/msr.c */
    uint64_t physical_mask;       /* with msrs: the bits of a physical address */
};

#define FETCH_NONE UINT32_MAX
#define ACKNOWLEDGED_ON_CHIP 0x100u

struct block;
struct priced_run;
struct block_cache;
struct model;
struct decoder;

enum cpu_stop {
    STOP_NONE,
    STOP_SHUTDOWN, /* triple fault: the board decides (reset) */
    STOP_HALTED,   /* HLT with interrupts off and nothing that can wake it */
    STOP_REQUEST,  /* cpu_request_stop was called: debugger, limit, exit device */
};

struct cpu {
    /* hot */
    uint32_t r[REG_COUNT + 7];
    uint32_t eip;
    uint32_t flag_z;  /* ZF is flag_z == 0 */
    uint32_t flag_s;  /* SF is bit 31; PF is the parity of the low byte */
    uint32_t flag_c;  /* carries: bit 31 CF, bit 31 ^ bit 30 OF, bit 3 AF */
    uint32_t eflags;  /* every other flag; bit 1 always set */
    const struct op *op;
    struct mmu *mmu;
    uint8_t cpl;
    bool stop_block; /* leave the block after this instruction */
    bool branched;   /* the last instruction took its branch */
    bool protected_mode; /* CR0.PE and not EFLAGS.VM */
    struct segment seg[SEG_COUNT];
    uint8_t *rmw_host; /* a fast read-modify-write between its halves, NULL: mmu->rmw holds it */
    laddr_t rmw_la;
    paddr_t rmw_pa;

    /* system */
    uint32_t cr0, cr2, cr3, cr4;
    uint32_t dr[8];
    struct segment ldtr, tr;
    uint32_t gdt_base, idt_base;
    uint16_t gdt_limit, idt_limit;
    struct x87 x87; /* the MMX registers are its mantissas, by physical number */
    union vec xmm[8];
    uint32_t mxcsr;
    uint64_t tsc_offset; /* TSC = clock + offset */
    uint64_t msr_mc_addr, msr_mc_type;
    uint32_t tr12; /* P5 test register 12 */
    uint32_t cesr; /* P5 counter control and event select */
    uint64_t counter[2];      /* 40 bits, as of the last event_base */
    struct msrs msrs;         /* of parts whose identity lists them */
    const struct identity *identity;

    /* interrupts */
    bool intr_line; /* the INTR pin */
    cycle_t intr_rose; /* when it rose last, for observers; CYCLE_NEVER: not known */
    bool nmi_pending, nmi_blocked;
    bool nmi_possible; /* a wire may raise NMI, and so end a HLT with interrupts off */
    bool shadow;      /* interrupts are inhibited until after the next instruction */
    bool halted;
    bool input_possible; /* somebody outside (a terminal) may still wake it from HLT */
    bool rep_running; /* the REP instruction at EIP continues after a chunk */
    uint8_t rep_bytes[16]; /* the instruction that continues, as it was fetched */
    bool single_step_trap; /* TF was set when the instruction began */
    uint32_t debug_hits;   /* DR6 bits collected by data breakpoints of this instruction */
    uint32_t rep_limit;    /* iterations a REP body may do before it returns: 1 near an event */
    /* INTA: gives the vector, with ACKNOWLEDGED_ON_CHIP if no bus cycles were needed. Wired by the
     * board to the master PIC, or to the local APIC. */
    unsigned (*acknowledge)(void *owner);
    void *acknowledge_owner;
    /* With a local APIC, else NULL: told of APIC_BASE. */
    void (*apic_base_written)(void *owner, uint64_t value);
    void *apic_base_owner;
    /* FERR# (IRQ13 with IGNNE#) for CR0.NE = 0. */
    void (*ferr)(void *owner, bool level);
    void *ferr_owner;
    bool ignne;

    /* Performance counters: the model counts. read_counter gives the events of CTR0 or CTR1 since
     * the last counter_changed for it (its control or value was written; the field above holds the
     * base). */
    uint64_t (*read_counter)(void *owner, unsigned index);
    void (*counter_changed)(void *owner, unsigned index);
    void *counter_owner;
    /* With a local APIC, else NULL: a counter that is to interrupt went past its end. */
    void (*counter_overflowed)(void *owner);
    void *counter_overflowed_owner;

    /* exceptions in flight */
    jmp_buf fault;
    uint8_t fault_vector;
    bool fault_has_code;
    uint32_t fault_code;
    int delivering; /* vector being delivered, -1 when none: double fault detection */

    /* machinery */
    struct bus *bus;
    struct ledger *ledger;
    struct clock *clock;
    struct decoder *decoder;
    struct block_cache *blocks;
    struct model *model;
    uint32_t fetch_line; /* linear line last fetched, FETCH_NONE after a taken branch */
    uint32_t mode_key;   /* what a decoded block depends on: see cpu/run.h */
    const struct block *running; /* on flat: the block whose cycles are not yet charged */
    uint32_t rep_from;           /* on flat: ECX when the block began */
    uint64_t charged;            /* on flat: cycles of the block that are charged already */
    struct op idle_op;   /* stands for "no instruction" while an interrupt is delivered */
    /* Names places for the ledger: the place of a linear address, and where it ends. */
    uint32_t (*place_of)(void *owner, laddr_t la, bool user, laddr_t *end);
    void *place_owner;
    struct cpu_stops stops;     /* where a debugger wants the run to stop: see cpu/stops.h */
    struct cpu_watches watches;
    uint8_t delivered;   /* vector of the last delivery, for observers */
    uint32_t path_after; /* path to enter once this instruction is priced; PATH_COUNT: none */
    enum cpu_stop stop;
    uint64_t instructions; /* retired */
    struct access_log log;

    /* Observers: told of each delivery before it is attempted, with the interrupted state in place:
     * a double or triple fault is told as the attempts it was made of. */
    void (*on_delivery)(void *owner, unsigned vector, unsigned source, bool has_code,
                        uint32_t code);
    /* ... and of writes to CR0, CR3, CR4 (which: 0, 3, 4). */
    void (*on_control)(void *owner, unsigned which, uint32_t value);
    void *observer;
    /* On timed models: told after each instruction (or delivery: o is idle_op, or what faulted) was
     * priced, with its access log still there. */
    void (*on_priced)(void *owner, const struct cpu *c, const struct op *o, bool delivery);
    /* NULL, or told instead of those that were priced together. */
    void (*on_priced_run)(void *owner, const struct cpu *c, const struct priced_run *r);
    void *priced_owner;
};

/* Simple instructions that ran one after the other at one privilege level and in one space, every
 * access a hit in the first level, and were priced together. Instruction i's part of the access log
 * is [mark[i], mark[i + 1]); the log may hold more before and behind. */
struct priced_run {
    const struct op *first;
    uint32_t count;
    const uint32_t *mark;
    bool branched; /* the last one took its branch, to c->eip */
    const void *sum; /* the model's own, for its twins: what they came to; NULL: it was not used */
};

/* Raises an exception from inside a body or a delivery: does not return. */
NORETURN void cpu_raise(struct cpu *c, unsigned vector);
NORETURN void cpu_raise_code(struct cpu *c, unsigned vector, uint32_t code);
NORETURN void cpu_raise_page_fault(struct cpu *c); /* from mmu->fault_la and fault_code */

static inline bool cpu_has(const struct cpu *c, enum feature feature)
{
    return c->identity->features >> feature & 1;
}

/* Power-on and RESET state (SDM 3 9.1). cold also clears what RESET leaves alone. */
void cpu_reset(struct cpu *c);
void cpu_snapshot(struct cpu *c, struct snap *s);

/* EFLAGS as the guest sees it, and writing it whole (no privilege rules: callers mask). */
uint32_t cpu_get_flags(const struct cpu *c);
void cpu_set_flags(struct cpu *c, uint32_t flags);

/* Recomputes what depends on CR0, CR3, CR4, EFLAGS.VM and CPL (mmu setters, protected_mode). */
void cpu_mode_changed(struct cpu *c);
void cpu_set_cpl(struct cpu *c, unsigned cpl);
/* CR4.PAE, CR4.PGE or EFER.NXE was changed. */
void cpu_extensions_changed(struct cpu *c);
/* Loads CR3. Raises #GP(0) if the page directory pointers there cannot be used. */
void cpu_load_cr3(struct cpu *c, uint32_t value);

/* cpu/segment.c: loading segment registers. */
/* Sets fast_limit and the like from base, limit, access, flags. */
void segment_refresh(struct segment *s, bool is_code);
void segment_load_real(struct cpu *c, unsigned seg, uint16_t selector); /* real and V86 */
/* MOV/POP/LxS to ES, SS, DS, FS, GS: all checks of the mode; raises #GP, #SS, #NP, #TS. */
void segment_load(struct cpu *c, unsigned seg, uint16_t selector);

/* cpu/far.c: bodies of far control transfers share these. */
void far_jump(struct cpu *c, uint16_t selector, uint32_t offset);
void far_call(struct cpu *c, uint16_t selector, uint32_t offset, unsigned width);
void far_return(struct cpu *c, unsigned width, uint32_t release);
void interrupt_return(struct cpu *c, unsigned width);

/* cpu/deliver.c: an interrupt or exception through the IDT (or the real-mode table). Handles double
 * faults and shutdown. return_eip is what is pushed. Writes NOTE_INT_*. */
void deliver(struct cpu *c, unsigned vector, enum delivery_source source, bool has_code,
             uint32_t code, uint32_t return_eip);

/* cpu/task.c */
enum task_switch_kind { TASK_JMP, TASK_CALL, TASK_IRET, TASK_GATE };
void task_switch(struct cpu *c, uint16_t tss_selector, enum task_switch_kind kind, bool has_code,
                 uint32_t code);

/* cpu/io.c: port access with permission checks (raises #GP), then through the bus. */
uint32_t io_read(struct cpu *c, uint16_t port, unsigned size);
void io_write(struct cpu *c, uint16_t port, unsigned size, uint32_t value);
void io_check(struct cpu *c, uint16_t port, unsigned size);

/* Debug registers: instruction breakpoints at this linear address; data breakpoints collect in
 * debug_hits. Cheap test first: debug_armed(c). */
static inline bool debug_armed(const struct cpu *c) { return (c->dr[7] & 0xFF) != 0; }
/* Whether debug_data must be told of accesses: for the guest's breakpoints or a debugger's. */
static inline bool debug_watches(const struct cpu *c) { return debug_armed(c) || c->watches.count; }

void cpu_request_stop(struct cpu *c);
