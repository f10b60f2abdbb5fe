/* core: what the files of the p5 model share: its state, the facts bound to each instruction, and
 * the names of latency classes. p5.h is the public face.
 *
 * The vocabulary. A group is what issues in one clock: an instruction in U, or a pair in U and V.
 * An instruction that issues in U is charged at once; if the next one joins it, that one is charged
 * only what the pair takes longer than the first alone. Times that outlive an instruction (x87
 * results, buffered writes, the bus) are absolute: in processor cycles, or in bus clocks counted
 * from cycle 0. */
#pragma once

#include "cpu/models/p5/p5.h"

/* --- facts bound to an instruction ------------------------------------------------------------ */

enum p5_issue {
    ISSUE_NP, /* not pairable */
    ISSUE_UV, /* either pipe */
    ISSUE_PU, /* pairs in U only */
    ISSUE_PV, /* pairs in V only */
    ISSUE_FX, /* x87 that pairs with FXCH behind it */
    ISSUE_XV, /* FXCH */
};

enum p5_kind {
    KIND_PLAIN,  /* fixed clocks, at most one simple memory operand */
    KIND_BRANCH, /* near control transfers: the branch target buffer */
    KIND_MICRO,  /* microcode whose clocks depend on the case the notes tell */
    KIND_STRING, /* with or without REP */
    KIND_X87,
};

/* Rows and columns of the read-modify-write matrix [pairing-p5.md D3]. */
enum p5_shape { SHAPE_SIMPLE, SHAPE_READ, SHAPE_MODIFY };

/* struct op's timing word. Fields by position; accessed with p5_fact, for this is the hottest word
 * of the model and compilers do badly with bit fields by value. Of an x87 instruction the first two
 * bytes hold x87 registers: see x87.c.
 *
 *   63-60  59-56     55-52  51-48  47-46  45-43  42-40  39-32   31-24    23-16    15-8    7-0
 *   flags  prefixes  stack  pairs  shape  issue  kind   clocks  latency  address  writes  reads */
enum p5_field {
    FACT_READS = 0,   /* 8: registers read as data */
    FACT_WRITES = 8,  /* 8 */
    FACT_ADDRESS = 16, /* 8: registers that form addresses, ESP of the stack among them */
    FACT_LATENCY = 24, /* 8: index of its class, see latency.c */
    FACT_CLOCKS = 32,  /* 8: of a plain instruction alone in U */
    FACT_KIND = 40,    /* 3: enum p5_kind */
    FACT_ISSUE = 43,   /* 3: enum p5_issue */
    FACT_SHAPE = 46,   /* 2: enum p5_shape */
    FACT_FIRST = 48,   /* 2: may be first of a pair: PAIR_INTEGER, PAIR_X87 */
    FACT_SECOND = 50,  /* 2: may be second of such a pair */
    FACT_STACK_FIRST = 52,  /* 2: its ESP does not matter to a second: STACK_PUSHES, STACK_POPS */
    FACT_STACK_SECOND = 54, /* 2: behind such a first */
    FACT_PREFIXES = 56,     /* 4: clocks of decoding, unless hidden */
    FACT_ONE_BYTE = 60,     /* 1 */
    FACT_IMPLIED_ESP = 61,  /* 1: writes ESP by a push or pop: no interlock follows */
    FACT_SPECIAL = 62,      /* 1: locked or a multiplication (x87: operand needed early) */
    FACT_BOTH = 63,         /* 1: displacement and immediate (x87: writes AX) */
};
enum { PAIR_INTEGER = 1, PAIR_X87 = 2 };
enum { STACK_PUSHES = 1, STACK_POPS = 2 };

static ALWAYS_INLINE unsigned p5_fact(uint64_t t, enum p5_field f)
{
    unsigned bits = f < FACT_KIND       ? 8
                    : f < FACT_SHAPE    ? 3
                    : f < FACT_PREFIXES ? 2
                    : f < FACT_ONE_BYTE ? 4
                                        : 1;
    return (unsigned)(t >> f) & ((1u << bits) - 1);
}

/* --- latencies -------------------------------------------------------------------------------- */

struct p5_latency {
    const char *name; /* the rows' timing class */
    uint8_t issue;    /* enum p5_issue */
    uint8_t kind;     /* enum p5_kind */
    uint16_t reg, mem;   /* clocks with register operands, with a memory operand */
    uint16_t word, byte; /* with 16-bit and 8-bit operands, where that matters */
    uint8_t i_overlap;   /* x87: of its clocks, how many later integer instructions may use */
    uint8_t fp_overlap;  /* x87: ... and later x87 instructions */
    uint16_t quick;      /* x87: with a zero operand, 0 if no different */
    uint8_t cause;       /* enum cause of the clocks beyond the first */
    uint8_t quality;     /* enum quality */
    const char *source;
};

/* What a case told by a note costs. Total clocks, or added to those of the class. */
struct p5_case {
    const char *class;
    uint8_t note;
    uint16_t clocks;
    uint16_t each;  /* more for each unit of the note's value */
    bool adds;
    uint8_t cause;
    uint8_t quality;
    const char *source;
};

/* Clocks of a repeated string instruction: to begin, each element, and in all when there is
 * none. */
struct p5_repeat {
    const char *class;
    uint16_t begin, each, none;
    uint8_t accesses; /* of memory, by one element */
    uint8_t quality;
};

/* Classes whose clocks depend on more than notes say: see micro.c. */
enum p5_variant {
    VARIANT_NONE, VARIANT_WORDS, VARIANT_RDTSC, VARIANT_CPUID, VARIANT_ENTER, VARIANT_SCAN,
    VARIANT_PORTS, VARIANT_FAR,
};

#define P5_LATENCIES_MAX 256

extern const struct p5_latency p5_latencies[];
extern const unsigned p5_latency_count;
extern const struct p5_case p5_cases[];
extern const unsigned p5_case_count;

/* The index of a class; CHECKs that it exists. */
unsigned p5_latency_find(const char *name);

/* --- branch target buffer --------------------------------------------------------------------- */

#define BTB_WAYS 4
#define BTB_SETS 64

struct btb_entry {
    uint32_t key;    /* address of the U instruction of the group before the branch */
    uint32_t target; /* where it went last */
    bool valid;      /* ever made */
    uint8_t state;   /* 0: unused, or strongly not taken; 3: strongly taken */
    uint64_t group;  /* when it was last used, for the tight-loop exception */
};

struct btb {
    struct btb_entry entry[BTB_SETS][BTB_WAYS];
    uint32_t random; /* pseudo-random replacement */
};

struct btb_result {
    bool hit;
    bool mispredicted;
};

void btb_reset(struct btb *b);
/* Predicts the branch behind key and learns what it did. blind: a target cannot be loaded now. */
struct btb_result btb_branch(struct btb *b, uint32_t key, bool taken, uint32_t target,
                             uint64_t group, bool blind);

/* What the arrival of an instruction decided. */
enum {
    ARRIVED_KNOWN = 1,     /* its end was marked */
    ARRIVED_SECOND = 2,    /* it issues in V */
    ARRIVED_UNFETCHED = 4, /* it would, had the bytes been decoded before */
    ARRIVED_STALLED = 8,   /* the front end waited for it */
};

/* --- the model -------------------------------------------------------------------------------- */

struct p5_sketch;

#define P5_PLANS 2 /* in a block */
#define P5_WAITING_MAX 32

#define BANK_NONE 0xFF

struct p5 {
    struct model model; /* first: a struct model * is a struct p5 * */
    struct p5_config config;
    struct cpu *cpu; /* whose instructions it prices */

    /* the group being issued */
    uint64_t u;       /* facts of the instruction in U; 0 when nothing may join it */
    bool u_known;     /* its end is marked in the code cache */
    bool u_interlocked; /* ... by an address interlock of its own */
    bool u_delayed;   /* its issue was late, so that an interlock of V is hidden */
    bool fxch_in_v;   /* FXCH was paired: a non-x87 instruction behind it is late */
    uint8_t u_bank;
    uint8_t group_writes;   /* registers the group wrote, as an address generator sees it */
    uint8_t earlier_writes; /* ... and the group before it */
    uint8_t shadow_groups;  /* groups whose prefixes are still hidden */
    uint32_t shadow;        /* and how many clocks */
    laddr_t group_la;       /* address of the instruction in U, and of that of the group before */
    laddr_t earlier_la;
    uint64_t group;         /* number of the group */
    uint64_t flushed_group; /* the group right after a misprediction */

    /* for `last`: how the last instruction arrived, and what was in U */
    uint64_t before, last;
    unsigned arrived; /* ARRIVED_ */

    /* code cache: which bytes are known to end an instruction, by line of the L1I */
    uint32_t *ends;
    uint32_t lines;
    uint32_t line; /* the line being executed */
    uint32_t line_number; /* its linear address in lines */
    cycle_t line_entered; /* when the front end came to it, and asked for the next */

    /* bus and write buffers */
    uint64_t bus_free;     /* bus clock from which on the bus is free */
    uint64_t bus_code;     /* ... as it was when it last carried a code line */
    cycle_t buffer[2];     /* cycle from which on the write buffer of U, V is free */
    cycle_t written;       /* cycle at which every buffered write has left */

    /* x87 */
    cycle_t st_ready[8];   /* by physical register */
    cycle_t x87_free;      /* when the next x87 instruction may start */
    cycle_t x87_multiplier; /* when the next multiplication or division may */
    cycle_t x87_status;    /* when condition codes and all results are there */

    struct btb btb;

    /* instructions that have run by plan and are not priced yet, see plan.c: the first, and where
     * in the log the part of each begins; only while mmu->unpriced */
    const struct op *waiting;
    uint32_t waiting_mark[P5_WAITING_MAX + 1];
    struct p5_sketch *sketch;

    unsigned ideal; /* enum model_ideal: only of twins */

    uint8_t cpl; /* between instructions */
    bool user;   /* where events count now: counters.c has the rule */
    bool matching; /* a counter is set to breakpoint matches */
    bool flop[P5_LATENCIES_MAX]; /* classes that are floating-point operations */
    uint8_t counted[P5_LATENCIES_MAX]; /* classes of microcode as events: counters.c */
    uint64_t *events_now;             /* events[user] */
    uint64_t events[2][P5_EVENTS];    /* by privilege: [1] is CPL 3 */
    uint64_t durations[2][P5_EVENTS]; /* clocks of those that last */
    uint64_t *event_sum;              /* what model_p5_events hands out */
    uint64_t counter_base[2];

    /* tables by class */
    const struct p5_case *cases[P5_LATENCIES_MAX][NOTE_LIMIT];
    const struct p5_repeat *repeat[P5_LATENCIES_MAX];
    uint8_t variant[P5_LATENCIES_MAX]; /* enum p5_variant */
    unsigned delivery; /* index of the class of exceptions and interrupts */
};

/* --- memory.c --------------------------------------------------------------------------------- */

/* One code line was asked for: true if the front end had to wait. */
bool p5_fetch(struct p5 *p, struct cpu *c, const struct access *a);
/* One entry of the log that is not a plain first-level hit: charges what it stalls. first is the
 * log's first entry, pipe 0 or 1. Returns the clocks charged. */
cycle_t p5_data(struct p5 *p, struct cpu *c, const struct access *first, const struct access *a,
                unsigned pipe);
/* Serialises with the bus: waits until every buffered write has left. */
void p5_drain(struct p5 *p, struct cpu *c, enum cause cause);
void p5_port(struct p5 *p, struct cpu *c, uint32_t port, unsigned width);
void p5_interrupt_acknowledge(struct p5 *p, struct cpu *c);

/* --- x87.c ------------------------------------------------------------------------------------ */

/* The x87 part of the timing word. */
uint64_t p5_bind_x87(const struct op *o);
/* Waits for operands and unit; charges the instruction; sets when its results are ready. */
void p5_price_x87(struct p5 *p, struct cpu *c, uint64_t t, const struct access *a,
                  const struct access *end);
/* FXCH that issues in V: only names change. */
void p5_exchange(struct p5 *p, const struct cpu *c, uint64_t t);

/* --- bind.c ----------------------------------------------------------------------------------- */

void p5_bind(struct model *m, struct op *o);

/* --- micro.c ---------------------------------------------------------------------------------- */

/* Microcode and strings, once their group is open: charges everything they do. Returns the clocks
 * that they held the pipes. */
cycle_t p5_price_micro(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t,
                       const struct access *a, const struct access *end);
cycle_t p5_price_string(struct p5 *p, struct cpu *c, const struct op *o, uint64_t t,
                        const struct access *a, const struct access *end);
void p5_price_entry(struct p5 *p, struct cpu *c, const struct access *a, const struct access *end);
void p5_micro_init(struct p5 *p);
/* A far transfer that stays on its privilege level: the branch target buffer knows it. */
bool p5_predicted(const struct p5 *p, uint64_t t, const struct access *a,
                  const struct access *end);
/* Bytes of a string's element, or of a port access. */
uint32_t p5_element_width(const struct op *o);
/* A chunk of a repeated instruction that does not begin it. */
bool p5_continues(const struct op *o, const struct access *a, const struct access *end);

/* --- counters.c ------------------------------------------------------------------------------- */

/* CESR event codes [SDM3B 18.21, appendix A]. */
enum p5_event {
    EVENT_DATA_READ = 0x00, EVENT_DATA_WRITE = 0x01, EVENT_DTLB_MISS = 0x02,
    EVENT_READ_MISS = 0x03, EVENT_WRITE_MISS = 0x04, EVENT_WRITE_HIT = 0x05,
    EVENT_WRITE_BACK = 0x06, EVENT_BOTH_PIPES = 0x09, EVENT_BANK = 0x0A, EVENT_MISALIGNED = 0x0B,
    EVENT_CODE_READ = 0x0C, EVENT_ITLB_MISS = 0x0D, EVENT_CODE_MISS = 0x0E, EVENT_SEGMENT = 0x0F,
    EVENT_BRANCH = 0x12, EVENT_BTB_HIT = 0x13, EVENT_TAKEN_OR_HIT = 0x14, EVENT_FLUSH = 0x15,
    EVENT_INSTRUCTION = 0x16, EVENT_V_PIPE = 0x17, EVENT_BUS = 0x18, EVENT_WRITE_FULL = 0x19,
    EVENT_READ_WAIT = 0x1A, EVENT_WRITE_ORDER = 0x1B, EVENT_LOCKED = 0x1C, EVENT_IO = 0x1D,
    EVENT_NONCACHEABLE = 0x1E, EVENT_AGI = 0x1F, EVENT_FLOP = 0x22,
    EVENT_MATCH = 0x23, /* of DR0; those of DR1-3 follow */
    EVENT_INTERRUPT = 0x27, EVENT_DATA = 0x28, EVENT_DATA_MISS = 0x29,
    EVENT_LIMIT,
    EVENT_AGI_IN_V = P5_EVENTS - 1, /* no code: what EVENT_AGI adds without a clock */
};

void p5_counters_attach(struct p5 *p, struct cpu *c);
void p5_counters_detach(struct cpu *c);

void p5_counters_init(struct p5 *p);
void p5_count_data(struct p5 *p, const struct cpu *c, const struct access *a);
void p5_count_walk(struct p5 *p, const struct cpu *c, const struct access *a);
void p5_count_code_miss(struct p5 *p, const struct cpu *c, const struct access *a);
void p5_count_micro(struct p5 *p, const struct cpu *c, uint64_t t, const struct access *a,
                    const struct access *end);
void p5_count_delivery(struct p5 *p, const struct cpu *c, const struct access *a,
                       const struct access *end);
/* executed: o completed; else the log is a delivery's. */
void p5_count_matches(struct p5 *p, const struct cpu *c, const struct op *o, bool executed,
                      bool in_v);
/* After p->matching changed. */
void p5_choose_price(struct p5 *p);

static ALWAYS_INLINE void p5_add(struct p5 *p, const struct cpu *c, enum p5_event e, uint64_t n)
{
    (void)c;
    p->events_now[e] += n;
}
static ALWAYS_INLINE void p5_count(struct p5 *p, const struct cpu *c, enum p5_event e)
{
    p5_add(p, c, e, 1);
}
static ALWAYS_INLINE void p5_lasted(struct p5 *p, const struct cpu *c, enum p5_event e, cycle_t n)
{
    (void)c;
    p->durations[p->user][e] += n;
}
static ALWAYS_INLINE void p5_stalled(struct p5 *p, const struct cpu *c, enum p5_event e, cycle_t n)
{
    p5_add(p, c, e, n > 0);
    p5_lasted(p, c, e, n);
}
/* From here on what the instruction does counts at the inner of its two privileges ... */
static ALWAYS_INLINE void p5_enter_inner(struct p5 *p, const struct cpu *c)
{
    p->user &= c->cpl == 3;
    p->events_now = p->events[p->user];
}
/* ... and what comes at the new one. */
static ALWAYS_INLINE void p5_leave_inner(struct p5 *p, const struct cpu *c)
{
    p->cpl = c->cpl;
    p->user = c->cpl == 3;
    p->events_now = p->events[p->user];
}
