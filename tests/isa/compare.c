#include "tests/isa/compare.h"

#include "sim/core/check.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A case that takes more instructions is not stepped through. */
#define STEPS_MAX 400

/* --- fields ----------------------------------------------------------------------------------- */
static const char *const register_names[8] = {"eax", "ecx", "edx", "ebx",
                                              "esp", "ebp", "esi", "edi"};
static const char *const segment_names[6] = {"es", "cs", "ss", "ds", "fs", "gs"};

/* The comparison of one step: what differs beyond the list. */
struct verdict {
    struct isa_comparison *c;
    const struct isa_step *step;
    bool report;
    unsigned count;
};

static void differs(struct verdict *v, enum isa_field field, uint64_t detail, const char *name,
                    uint64_t simulated, uint64_t silicon)
{
    if (!isa_differences_cover(v->c->differences, v->step, field, detail))
        return;
    v->count++;
    if (v->report)
        printf("    %-10s simulated %08" PRIx64 "  silicon %08" PRIx64 "  differing %08" PRIx64
               "\n", name, simulated, silicon, simulated ^ silicon);
}

static void compare_integer(struct verdict *v, const struct isa_state *a, const struct isa_state *b)
{
    for (unsigned i = 0; i < 8; i++)
        if (a->r[i] != b->r[i])
            differs(v, FIELD_REGISTER, (uint64_t)i << 32 | (a->r[i] ^ b->r[i]), register_names[i],
                    a->r[i], b->r[i]);
    for (unsigned i = 0; i < 6; i++)
        if (a->selector[i] != b->selector[i])
            differs(v, FIELD_SELECTOR,
                    (uint64_t)1 << 32 | (uint32_t)a->selector[i] << 16 | b->selector[i],
                    segment_names[i], a->selector[i], b->selector[i]);
    if (a->eip != b->eip)
        differs(v, FIELD_EIP, 1, "eip", a->eip, b->eip);
    if (a->eflags != b->eflags)
        differs(v, FIELD_EFLAGS, a->eflags ^ b->eflags, "eflags", a->eflags, b->eflags);
}

/* Distance in units of the last place of two 80-bit values of one sign. */
static uint32_t ulp_distance(const uint8_t a[10], const uint8_t b[10])
{
    uint64_t m, n;
    uint16_t e, f;
    memcpy(&m, a, 8);
    memcpy(&n, b, 8);
    memcpy(&e, a + 8, 2);
    memcpy(&f, b + 8, 2);
    uint64_t distance = m > n ? m - n : n - m;
    if (e == (uint16_t)(f + 1) && m == (uint64_t)1 << 63) /* across a power of two */
        distance = 0 - n;
    else if (f == (uint16_t)(e + 1) && n == (uint64_t)1 << 63)
        distance = 0 - m;
    else if (e != f)
        return UINT32_MAX;
    return distance < UINT32_MAX ? (uint32_t)distance : UINT32_MAX;
}

static void compare_x87(struct verdict *v, const struct isa_x87 *a, const struct isa_x87 *b)
{
    static const char *const names[8] = {"st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7"};
    if (a->control != b->control)
        differs(v, FIELD_OTHER, 1, "fcw", a->control, b->control);
    if (a->status != b->status)
        differs(v, FIELD_X87_STATUS, a->status ^ b->status, "fsw", a->status, b->status);
    if (a->full != b->full)
        differs(v, FIELD_OTHER, 1, "tags", a->full, b->full);
    for (unsigned i = 0; i < 8; i++) {
        if (memcmp(a->st[i], b->st[i], 10) == 0)
            continue;
        uint64_t m, n;
        uint16_t e, f;
        memcpy(&m, a->st[i], 8);
        memcpy(&n, b->st[i], 8);
        memcpy(&e, a->st[i] + 8, 2);
        memcpy(&f, b->st[i] + 8, 2);
        unsigned before = v->count;
        differs(v, FIELD_ST, (uint64_t)i << 32 | ulp_distance(a->st[i], b->st[i]), names[i], m, n);
        if (v->report && v->count != before)
            printf("    %-10s simulated %08x  silicon %08x\n", "  exponent", e, f);
    }
}

/* An approximation below the smallest normal number becomes a zero, so that a zero may have been
 * anything below: as near to what the other side has as the smallest normal number is. */
static uint32_t before_flush(uint32_t v)
{
    return (v & 0x7FFFFFFF) < 0x00800000 ? (v & 1u << 31) | 0x00800000 : v;
}

/* The largest distance of two singles at the same place, in units of the last place. */
static uint32_t lane_distance(const uint8_t a[16], const uint8_t b[16])
{
    uint32_t most = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t x, y;
        memcpy(&x, a + 4 * i, 4);
        memcpy(&y, b + 4 * i, 4);
        x = before_flush(x);
        y = before_flush(y);
        uint32_t distance = (x ^ y) >> 31 ? UINT32_MAX : x > y ? x - y : y - x;
        most = distance > most ? distance : most;
    }
    return most;
}

static void compare_sse(struct verdict *v, const struct isa_state *a, const struct isa_state *b)
{
    static const char *const names[8] = {"xmm0", "xmm1", "xmm2", "xmm3",
                                         "xmm4", "xmm5", "xmm6", "xmm7"};
    if (a->mxcsr != b->mxcsr)
        differs(v, FIELD_MXCSR, a->mxcsr ^ b->mxcsr, "mxcsr", a->mxcsr, b->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t x[2], y[2];
        uint32_t distance = lane_distance(a->xmm[i], b->xmm[i]);
        memcpy(x, a->xmm[i], 16);
        memcpy(y, b->xmm[i], 16);
        for (unsigned half = 0; half < 2; half++)
            if (x[half] != y[half])
                differs(v, FIELD_XMM, (uint64_t)i << 32 | distance, names[i], x[half], y[half]);
    }
}

static void compare_memory(struct verdict *v)
{
    const uint8_t *a = v->c->virtual.data, *b = v->c->real.data;
    unsigned reported = 0;
    for (uint32_t i = 0; i < ISA_DATA_SIZE && reported < 8; i++) {
        if (a[i] == b[i])
            continue;
        char name[16];
        snprintf(name, sizeof name, "[%04x]", ISA_DATA + i);
        unsigned before = v->count;
        differs(v, FIELD_MEMORY, ISA_DATA + i, name, a[i], b[i]);
        reported += v->count - before;
    }
}

/* Differences of a step beyond the list. */
static unsigned compare_step(struct isa_comparison *c, const struct isa_step *s, bool report)
{
    struct verdict v = {.c = c, .step = s, .report = report};
    const struct isa_outcome *a = s->simulated, *b = s->silicon;
    if (a->vector != b->vector)
        differs(&v, FIELD_FAULT, 1, "vector", a->vector, b->vector);
    if (a->error != b->error)
        differs(&v, FIELD_ERROR, a->error ^ b->error, "error", a->error, b->error);
    if (a->cr2 != b->cr2)
        differs(&v, FIELD_CR2, 1, "cr2", a->cr2, b->cr2);
    compare_integer(&v, &a->state, &b->state);
    compare_x87(&v, &a->state.x87, &b->state.x87);
    compare_sse(&v, &a->state, &b->state);
    if (memcmp(c->virtual.data, c->real.data, ISA_DATA_SIZE) != 0)
        compare_memory(&v);
    if (s->op)
        isa_differences_cover(c->differences, s, FIELD_HIDDEN, 1);
    return v.count;
}

/* --- one instruction at a time ---------------------------------------------------------------- */
static uint8_t *window_byte(const struct isa_memory *m, uint32_t la)
{
    if (la - ISA_DATA < ISA_DATA_SIZE)
        return m->data + (la - ISA_DATA);
    if (la - ISA_FIXED < ISA_FIXED_SIZE)
        return m->fixed + (la - ISA_FIXED);
    return la - ISA_CODE < ISA_CODE_SIZE ? m->code + (la - ISA_CODE) : NULL;
}

/* The bytes at an address, as far as they lie in the windows. */
struct bytes {
    unsigned count;
    uint8_t b[16];
};

static struct bytes bytes_at(const struct isa_memory *m, uint32_t la)
{
    struct bytes out = {0};
    for (const uint8_t *p; out.count < 16 && (p = window_byte(m, la + out.count)) != NULL;)
        out.b[out.count++] = *p;
    return out;
}

static void disassemble(const struct bytes *code, uint32_t la, uint16_t code_selector)
{
    csh handle;
    cs_insn *insn;
    cs_mode mode = code_selector == ISA_CODE_16 ? CS_MODE_16 : CS_MODE_32;
    if (code->count == 0 || cs_open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK) {
        printf("  %08x  (outside the windows)\n", la);
        return;
    }
    size_t n = cs_disasm(handle, code->b, code->count, la, 1, &insn);
    unsigned size = n ? insn->size : 4;
    printf("  %08x  ", la);
    for (unsigned i = 0; i < size && i < code->count; i++)
        printf("%02x ", code->b[i]);
    printf(" %s %s\n", n ? insn->mnemonic : "(bad)", n ? insn->op_str : "");
    if (n)
        cs_free(insn, n);
    cs_close(&handle);
}

static void print_state(const struct isa_state *s)
{
    printf("    before:");
    for (unsigned i = 0; i < 8; i++)
        printf(" %s=%08x", register_names[i], s->r[i]);
    printf("\n            eip=%08x eflags=%08x", s->eip, s->eflags);
    for (unsigned i = 0; i < 6; i++)
        printf(" %s=%04x", segment_names[i], s->selector[i]);
    printf("\n            fcw=%04x fsw=%04x full=%02x", s->x87.control, s->x87.status, s->x87.full);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t m;
        uint16_t e;
        memcpy(&m, s->x87.st[i], 8);
        memcpy(&e, s->x87.st[i] + 8, 2);
        printf(" st%u=%04x.%016" PRIx64, i, e, m);
    }
    printf("\n            mxcsr=%04x", s->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t q[2];
        memcpy(q, s->xmm[i], 16);
        printf("%s xmm%u=%016" PRIx64 ".%016" PRIx64, i & 1 ? "" : "\n           ", i, q[1], q[0]);
    }
    printf("\n");
}

static void run_both(struct isa_comparison *c, const struct isa_state *before,
                     struct isa_outcome *silicon, struct isa_outcome *simulated)
{
    silicon_run(before, silicon);
    simulated_run(c->simulated, before, simulated);
}

/* Writes a byte in both; gives what was there. False outside the windows. */
static bool plant(struct isa_comparison *c, uint32_t la, uint8_t value, uint8_t *was)
{
    uint8_t *real = window_byte(&c->real, la);
    if (!real)
        return false;
    *was = *real;
    *real = *window_byte(&c->virtual, la) = value;
    return true;
}

static bool in_code(uint32_t la) { return la + 16 - ISA_CODE < ISA_CODE_SIZE + 16; }

/* Whether the instruction may meet what is planted: through its operand, a pointer or the stack;
 * in the data window it may be anywhere. */
static bool touches_code(const struct op *op, const struct isa_state *before)
{
    if (!in_code(before->eip))
        return true;
    if (op->flags & OP_MEM && in_code(isa_operand_address(op, before)))
        return true;
    for (unsigned i = EBX; i <= EDI; i++)
        if (in_code(before->r[i]) || in_code(before->r[i] & 0xFFFF))
            return true;
    return false;
}

/* Loads of SS hold off interrupts and traps until after the next instruction. They write no memory;
 * reading what is planted they find the same on both. */
static bool loads_ss(const struct op *op)
{
    bool any_segment = op->row->operands[1] == 'w'; /* MOV Sw,Ew; POP's operand is "SS" */
    return op->row->attributes & A_SHADOW && (!any_segment || op->reg == SS);
}

/* Where the instruction can go: one address, or two; none if that cannot be told beforehand. */
static unsigned successors(const struct op *op, const struct isa_state *before, uint32_t to[2])
{
    const char *operands = op->row->operands;
    bool unknown = op->row->name[0] == '('; /* the host may know a longer instruction */
    bool seen = !loads_ss(op) && touches_code(op, before);
    if (unknown || seen || before->eflags & F_TF)
        return 0;
    to[0] = op->next_eip;
    if (!isa_can_enter(before->selector[CS], to[0]))
        return 0;
    if (!(op->row->attributes & A_BRANCH))
        return 1;
    to[1] = (op->next_eip + op->imm) & (op->flags & OP_DATA16 ? 0xFFFF : UINT32_MAX);
    bool into_itself = to[1] - op->eip < op->length;
    return operands[0] == 'J' && !into_itself ? 1 + (to[1] != to[0]) : 0;
}

/* INT3s where the instruction can go. The result looks as after TF's trap. False if it cannot be
 * done so. */
static bool run_between_traps(struct isa_comparison *c, const struct op *op,
                              const struct isa_state *before, struct isa_outcome *silicon,
                              struct isa_outcome *simulated)
{
    uint32_t to[2];
    uint8_t was[2];
    unsigned n = successors(op, before, to), planted = 0;
    while (planted < n && plant(c, to[planted], 0xCC, &was[planted]))
        planted++;
    bool possible = n > 0 && planted == n;
    if (planted)
        simulated_memory_changed(c->simulated);
    if (possible)
        run_both(c, before, silicon, simulated);
    for (unsigned i = planted; i-- > 0;)
        plant(c, to[i], was[i], &(uint8_t){0});
    if (planted)
        simulated_memory_changed(c->simulated);
    if (!possible)
        return false;
    struct isa_outcome *both[2] = {silicon, simulated};
    for (unsigned i = 0; i < 2; i++) {
        uint32_t eip = both[i]->state.eip - 1;
        bool expected = eip == to[0] || (n == 2 && eip == to[1]);
        if (!both[i]->timeout && both[i]->vector == 3 && expected) {
            both[i]->vector = 1;
            both[i]->state.eip = eip;
        }
    }
    return true;
}

/* The trap of TF would come after the next instruction only, whose results (the time, what it
 * overwrites) are its own step's: never by TF. */
static void run_shadowed(struct isa_comparison *c, const struct op *op,
                         const struct isa_state *before, struct isa_outcome *silicon,
                         struct isa_outcome *simulated)
{
    struct isa_state state = *before;
    state.eflags &= ~(uint32_t)F_TF;
    if (!run_between_traps(c, op, &state, silicon, simulated))
        run_both(c, before, silicon, simulated);
    silicon->state.eflags |= before->eflags & F_TF;
    simulated->state.eflags |= before->eflags & F_TF;
}

/* PUSHF would show TF in memory; a repeated instruction that overwrites itself goes on as it was
 * fetched, but a trap between two iterations would have it fetched anew. */
static bool shows_trap(const struct op *op)
{
    bool repeats = op->row->attributes & (A_REP | A_REPZ) && op->flags & (OP_REPE | OP_REPNE);
    return repeats || strcmp(op->row->name, "PUSHF") == 0;
}

/* In memory that it may overwrite, such an instruction runs from a copy in the code window, with an
 * INT3 behind it. */
static bool run_copied(struct isa_comparison *c, const struct op *op, const struct bytes *code,
                       const struct isa_state *before, struct isa_outcome *silicon,
                       struct isa_outcome *simulated)
{
    const uint32_t at = ISA_CODE + 0x100;
    if (in_code(before->eip) || !shows_trap(op) || before->eflags & F_TF)
        return false;
    uint8_t was[16];
    for (unsigned i = 0; i <= op->length; i++)
        plant(c, at + i, i < op->length ? code->b[i] : 0xCC, &was[i]);
    simulated_memory_changed(c->simulated);
    struct isa_state state = *before;
    state.eip = at;
    run_both(c, &state, silicon, simulated);
    for (unsigned i = 0; i <= op->length; i++)
        plant(c, at + i, was[i], &(uint8_t){0});
    simulated_memory_changed(c->simulated);
    struct isa_outcome *both[2] = {silicon, simulated};
    for (unsigned i = 0; i < 2; i++) {
        bool ended = both[i]->vector == 3 && both[i]->state.eip == at + op->length + 1;
        both[i]->vector = ended ? 1 : both[i]->vector;
        both[i]->state.eip = ended ? op->next_eip : both[i]->state.eip - at + op->eip;
    }
    return true;
}

/* What the trap shows of TF and RF, which were not the case's own; what POPF or IRET has loaded
 * into TF is. */
static void hide_trap(struct isa_outcome *o, const struct op *op)
{
    const char *name = op ? op->row->name : "";
    bool loads_tf = strcmp(name, "POPF") == 0 || strcmp(name, "IRET") == 0;
    if (o->vector != 1)
        o->state.eflags &= ~(uint32_t)F_TF;
    else if (!loads_tf)
        o->state.eflags &= ~(uint32_t)(F_TF | F_RF);
}

static void run_one(struct isa_comparison *c, const struct op *op, const struct bytes *code,
                    const struct isa_state *before, struct isa_outcome *silicon,
                    struct isa_outcome *simulated)
{
    c->own_trap = op && strcmp(op->row->name, "INT1") == 0;
    if (op && loads_ss(op)) {
        run_shadowed(c, op, before, silicon, simulated);
        return;
    }
    if (op && run_between_traps(c, op, before, silicon, simulated))
        return;
    if (op && run_copied(c, op, code, before, silicon, simulated))
        return;
    struct isa_state state = *before;
    state.eflags |= F_TF;
    run_both(c, &state, silicon, simulated);
    if (!(before->eflags & F_TF) && !silicon->timeout && !simulated->timeout) {
        hide_trap(silicon, op);
        hide_trap(simulated, op);
    }
}

/* A transfer to the 64-bit selector: for the simulator it is a 16-bit one. */
static bool strayed(const struct isa_outcome *silicon, const struct isa_outcome *simulated)
{
    return silicon->vector == SILICON_STRAYED || (simulated->state.selector[CS] & ~3u) == 0x30;
}

/* Runs one instruction on both from the same state and memory; true if they differ beyond the
 * list. */
static bool step_differs(struct isa_comparison *c, const struct isa_state *before,
                         struct isa_outcome *silicon, struct isa_outcome *simulated, bool report)
{
    static struct op op;
    const struct bytes code = bytes_at(&c->real, before->eip);
    struct bytes operand = {0};
    const struct op *decoded = simulated_decode(c->simulated, before->eip, before->selector[CS]);
    struct isa_step s = {.before = before, .silicon = silicon, .simulated = simulated};
    if (decoded) {
        op = *decoded;
        s.op = &op;
        if (op.flags & OP_MEM)
            operand = bytes_at(&c->real, isa_operand_address(&op, before));
        s.operand = operand.count ? operand.b : NULL;
    }
    run_one(c, s.op, &code, before, silicon, simulated);
    if (silicon->timeout || simulated->timeout)
        return silicon->timeout != simulated->timeout;
    if (compare_step(c, &s, false) == 0)
        return false;
    if (report) {
        disassemble(&code, before->eip, before->selector[CS]);
        print_state(before);
        compare_step(c, &s, true);
    }
    return true;
}

static void same_memory(struct isa_comparison *c)
{
    memcpy(c->virtual.data, c->real.data, ISA_DATA_SIZE);
    simulated_memory_changed(c->simulated);
}

static void place(struct isa_comparison *c, const struct isa_case *k)
{
    isa_case_place(c->generator, k, &c->real);
    isa_case_place(c->generator, k, &c->virtual);
    simulated_begin(c->simulated);
}

static enum isa_verdict step_through(struct isa_comparison *c, const struct isa_case *k,
                                     bool report)
{
    struct isa_outcome silicon, simulated;
    struct isa_state state = k->start;
    bool trap = true;
    place(c, k);
    for (unsigned i = 0; i < STEPS_MAX && trap; i++) {
        if (!isa_can_enter(state.selector[CS], state.eip))
            return ISA_SKIPPED; /* the next fetch faults; the host cannot be sent there */
        bool different = step_differs(c, &state, &silicon, &simulated, report);
        if (strayed(&silicon, &simulated))
            return ISA_SKIPPED;
        if (different)
            return ISA_DIFFERENT;
        if (silicon.timeout)
            return ISA_SKIPPED;
        trap = silicon.vector == 1 && !c->own_trap;
        state = silicon.state;
        same_memory(c);
    }
    return trap ? ISA_SKIPPED : ISA_EXPLAINED;
}

/* --- one case --------------------------------------------------------------------------------- */
static bool same_outcome(const struct isa_comparison *c, const struct isa_outcome *a,
                         const struct isa_outcome *b)
{
    return a->vector == b->vector && a->error == b->error && a->cr2 == b->cr2 &&
           memcmp(&a->state, &b->state, sizeof a->state) == 0 &&
           memcmp(c->real.data, c->virtual.data, ISA_DATA_SIZE) == 0;
}

/* Something that single instructions do not show: blocks, or what crosses instructions. What the
 * list excuses for every instruction, it excuses here. */
static bool whole_differs(struct isa_comparison *c, const struct isa_case *k)
{
    struct isa_outcome silicon, simulated;
    struct isa_step s = {.before = &k->start, .silicon = &silicon, .simulated = &simulated};
    place(c, k);
    run_both(c, &k->start, &silicon, &simulated);
    return compare_step(c, &s, false) > 0;
}

static void report_whole(struct isa_comparison *c, const struct isa_case *k)
{
    struct isa_outcome silicon, simulated;
    struct isa_step s = {.before = &k->start, .silicon = &silicon, .simulated = &simulated};
    place(c, k);
    printf("  differs only when run whole:\n");
    for (unsigned i = 0; i < k->count; i++) {
        uint32_t la = k->code_at + k->list[i].at;
        struct bytes code = bytes_at(&c->real, la);
        disassemble(&code, la, k->start.selector[CS]);
    }
    run_both(c, &k->start, &silicon, &simulated);
    print_state(&k->start);
    compare_step(c, &s, true);
}

enum isa_verdict isa_compare_case(struct isa_comparison *c, const struct isa_case *k, bool report)
{
    struct isa_outcome silicon = {0}, simulated = {0};
    place(c, k);
    silicon_run(&k->start, &silicon);
    simulated_run(c->simulated, &k->start, &simulated);
    if (strayed(&silicon, &simulated)) {
        c->skipped++;
        return ISA_SKIPPED;
    }
    if (silicon.timeout || simulated.timeout) {
        if (silicon.timeout && simulated.timeout) {
            c->skipped++;
            return ISA_SKIPPED;
        }
    } else if (same_outcome(c, &silicon, &simulated)) {
        return ISA_SAME;
    }
    c->stepped++;
    uint64_t used = isa_differences_uses(c->differences);
    enum isa_verdict verdict = step_through(c, k, report);
    c->skipped += verdict == ISA_SKIPPED;
    if (verdict == ISA_EXPLAINED && isa_differences_uses(c->differences) == used &&
        whole_differs(c, k)) {
        if (report)
            report_whole(c, k);
        return ISA_DIFFERENT;
    }
    return verdict;
}
