#include "tests/isa/differences.h"

#include "sim/core/check.h"
#include "tests/isa/simulated.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 64
#define ROWS_MAX 64

enum {
    IGNORE_UNDEFINED = 1 << 0,
    IGNORE_DESTINATION = 1 << 1,
    IGNORE_DESTINATION_HIGH = 1 << 2,
    IGNORE_OPERAND = 1 << 3,
    IGNORE_PUSHED_HIGH = 1 << 4,
    IGNORE_FAULT = 1 << 5,
    IGNORE_FETCH = 1 << 6,
    IGNORE_POINTERS = 1 << 7,
    IGNORE_ULP = 1 << 8,
    IGNORE_EVERYTHING = 1 << 9,
    IGNORE_EIP = 1 << 10,
    IGNORE_NULL_RPL = 1 << 11,
    IGNORE_BELOW_STACK = 1 << 12,
    IGNORE_CR2 = 1 << 13,
    IGNORE_REGISTER = 1 << 14, /* .. << 7: eax .. edi */
    IGNORE_APPROXIMATION = 1 << 22,
    IGNORE_HIDDEN = 1 << 23,
};

struct condition {
    const char *name;
    bool (*holds)(const struct isa_step *s);
};

struct entry {
    char name[48];
    char rows[ROWS_MAX][16];
    unsigned row_count;
    const struct condition *when;
    uint32_t flags, status, ignore;
    uint64_t used, first; /* how often; by which case */
};

struct isa_differences {
    struct entry list[ENTRIES_MAX];
    unsigned count;
    uint64_t now; /* the case being looked at */
};

/* --- about an instruction --------------------------------------------------------------------- */
static unsigned width_of(const struct op *o)
{
    char letter = o->row->operands[0] ? o->row->operands[1] : 'v';
    return letter == 'b' ? 1 : letter == 'w' ? 2 : o->flags & OP_DATA16 ? 2 : 4;
}

static bool names(const struct op *o, const char *list)
{
    const char *name = o->row->name;
    size_t n = strlen(name);
    for (const char *p = list; (p = strstr(p, name)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
            return true;
    return false;
}

/* The masked count of a shift or rotate. */
static unsigned shift_count(const struct op *o, const struct isa_state *before)
{
    const char *operands = o->row->operands;
    if (strstr(operands, "CL"))
        return before->r[ECX] & 31;
    return strstr(operands, ",1") ? 1 : o->imm & 31;
}

static bool is_shift(const struct op *o)
{
    return names(o, "ROL ROR RCL RCR SHL SHR SAL SAR SHLD SHRD");
}

uint32_t isa_undefined_flags(const struct op *o, const struct isa_state *before)
{
    uint32_t undefined = o->row->flags_undefined;
    if (!is_shift(o))
        return undefined;
    unsigned count = shift_count(o, before);
    if (count == 0)
        return 0;
    return count == 1 ? undefined & ~(uint32_t)F_OF : undefined;
}

uint32_t isa_operand_address(const struct op *o, const struct isa_state *before)
{
    const uint32_t *r = before->r;
    uint32_t base = o->base < 8 ? r[o->base] : 0, index = o->index < 8 ? r[o->index] : 0;
    uint16_t selector = before->selector[o->seg];
    uint32_t segment = selector & 4 ? (uint32_t)(isa_ldt[selector >> 3] >> 16 & 0xFFFFFF) : 0;
    return segment + ((base + (index << o->scale) + o->disp) & o->amask);
}

static int destination(const struct op *o)
{
    switch (o->row->operands[0]) {
    case 'G': return width_of(o) == 1 ? o->reg & 3 : o->reg;
    case 'E': return o->flags & OP_MEM ? -1 : width_of(o) == 1 ? o->rm & 3 : o->rm;
    case 'Z': return width_of(o) == 1 ? o->rm & 3 : o->rm;
    default: return -1;
    }
}

/* --- conditions ------------------------------------------------------------------------------- */
static bool always(const struct isa_step *s)
{
    (void)s;
    return true;
}

static bool count_above_width(const struct isa_step *s)
{
    return width_of(s->op) < 4 && shift_count(s->op, s->before) > width_of(s->op) * 8;
}

static bool faulted_both(const struct isa_step *s)
{
    return s->silicon->vector != 1 && s->simulated->vector != 1;
}

static bool page_fault(const struct isa_step *s) { return s->silicon->vector == 14; }

/* The host refused the instruction without the bytes that the simulator wanted: they are in a page
 * that is not there, beyond the limit, or too many. */
static bool cut_short(const struct isa_step *s)
{
    const struct isa_outcome *a = s->simulated, *b = s->silicon;
    bool refused = b->vector == 6 || b->vector == 13;
    bool missing = !s->op && a->vector == 14 && (a->cr2 & 0xFFF) == 0;
    bool too_long = s->op && s->op->row->name[0] == '(' && a->vector == 13;
    bool beyond = s->op && strcmp(s->op->row->name, "UD1") == 0 && a->vector == 13;
    return refused && (missing || too_long || beyond);
}

static bool in_repetition(const struct isa_step *s)
{
    return (s->op->flags & (OP_REPE | OP_REPNE)) && s->simulated->state.eip == s->op->eip;
}

static bool rep_prefix(const struct isa_step *s) { return s->op->flags & (OP_REPE | OP_REPNE); }

static bool repe_prefix(const struct isa_step *s) { return s->op->flags & OP_REPE; }

static bool is_processor_number(uint16_t selector) { return (selector & ~3u) == 0x78; }

/* Selectors 78h-7Bh: the limit is the number of the processor. LSL shows it, and as the segment
 * expands down, offset 1 is outside on processor 1: another fault than the absent page's. */
static bool processor_number(const struct isa_step *s)
{
    uint16_t selector = (uint16_t)s->before->r[s->op->rm & 7];
    if (s->op->flags & OP_MEM)
        memcpy(&selector, s->operand ? s->operand : (const uint8_t[2]){0}, 2);
    if (strcmp(s->op->row->name, "LSL") == 0 && is_processor_number(selector))
        return true;
    bool loaded = false;
    for (unsigned i = 0; i < 6; i++)
        loaded |= is_processor_number(s->before->selector[i]);
    return loaded && s->silicon->vector == 13 && s->simulated->vector == 14;
}

static bool lock_prefix(const struct isa_step *s) { return s->op->flags & OP_LOCK; }

static bool top_of_memory(const struct isa_step *s)
{
    const struct isa_outcome *a = s->simulated, *b = s->silicon;
    return b->vector == 14 && b->cr2 >= 0xFFFFFF00u && (a->vector == 12 || a->vector == 13);
}

static bool on_tables(const struct isa_step *s)
{
    uint32_t offset = s->simulated->cr2 - SIMULATED_TABLES;
    return s->simulated->vector == 14 && offset < SIMULATED_TABLES_SIZE;
}

static bool control_register(const struct isa_step *s)
{
    return (s->op->flags & OP_LOCK) && strchr(s->op->row->operands, 'C') != NULL;
}

/* Invalid or denormal operand: decided before the operation. */
static bool operand_unmasked(const struct isa_step *s)
{
    return (s->silicon->state.x87.status & ~(unsigned)s->silicon->state.x87.control & 3) != 0;
}

static bool nested_task(const struct isa_step *s) { return s->before->eflags & F_NT; }

static bool alignment_fault(const struct isa_step *s)
{
    return s->silicon->vector == 17 || s->simulated->vector == 17;
}

/* MXCSR bit 17 of newer AMD parts: 128-bit operands need no alignment. */
static bool misaligned_mode(const struct isa_step *s)
{
    return (s->before->mxcsr | s->silicon->state.mxcsr) & 0x20000;
}

static bool without_exception(const struct isa_step *s)
{
    return s->silicon->vector == 1 && !(s->simulated->state.x87.status & 0x80);
}

static const struct condition conditions[] = {
    {"always", always},
    {"count-above-width", count_above_width},
    {"faulted-both", faulted_both},
    {"page-fault", page_fault},
    {"cut-short", cut_short},
    {"in-repetition", in_repetition},
    {"rep-prefix", rep_prefix},
    {"repe-prefix", repe_prefix},
    {"processor-number", processor_number},
    {"lock-prefix", lock_prefix},
    {"top-of-memory", top_of_memory},
    {"on-tables", on_tables},
    {"lock-control-register", control_register},
    {"operand-unmasked", operand_unmasked},
    {"nested-task", nested_task},
    {"alignment-fault", alignment_fault},
    {"misaligned-mode", misaligned_mode},
    {"without-exception", without_exception},
};

/* --- reading the list ------------------------------------------------------------------------- */
static const struct {
    const char *name;
    uint32_t flags, status, ignore;
} fields[] = {
    {"CF", F_CF, 0, 0}, {"PF", F_PF, 0, 0}, {"AF", F_AF, 0, 0}, {"ZF", F_ZF, 0, 0},
    {"SF", F_SF, 0, 0}, {"OF", F_OF, 0, 0}, {"RF", F_RF, 0, 0},
    {"C0", 0, 0x100, 0}, {"C1", 0, 0x200, 0}, {"C2", 0, 0x400, 0}, {"C3", 0, 0x4000, 0},
    {"undefined", 0, 0, IGNORE_UNDEFINED},
    {"destination", 0, 0, IGNORE_DESTINATION},
    {"destination-high", 0, 0, IGNORE_DESTINATION_HIGH},
    {"operand", 0, 0, IGNORE_OPERAND},
    {"pushed-high", 0, 0, IGNORE_PUSHED_HIGH},
    {"IE", 0, 1, 0}, {"DE", 0, 2, 0}, {"ZE", 0, 4, 0},
    {"OE", 0, 8, 0}, {"UE", 0, 16, 0}, {"PE", 0, 32, 0},
    {"fault", 0, 0, IGNORE_FAULT},
    {"cr2", 0, 0, IGNORE_CR2},
    {"eip", 0, 0, IGNORE_EIP},
    {"null-rpl", 0, 0, IGNORE_NULL_RPL},
    {"below-stack", 0, 0, IGNORE_BELOW_STACK},
    {"fetch", 0, 0, IGNORE_FETCH},
    {"pointers", 0, 0, IGNORE_POINTERS},
    {"approximation", 0, 0, IGNORE_APPROXIMATION},
    {"ulp", 0, 0, IGNORE_ULP},
    {"hidden", 0, 0, IGNORE_HIDDEN},
    {"everything", 0, 0, IGNORE_EVERYTHING},
    {"eax", 0, 0, IGNORE_REGISTER << EAX}, {"ecx", 0, 0, IGNORE_REGISTER << ECX},
    {"edx", 0, 0, IGNORE_REGISTER << EDX}, {"ebx", 0, 0, IGNORE_REGISTER << EBX},
    {"ebp", 0, 0, IGNORE_REGISTER << EBP}, {"esi", 0, 0, IGNORE_REGISTER << ESI},
    {"edi", 0, 0, IGNORE_REGISTER << EDI},
};

static bool add_field(struct entry *e, const char *word)
{
    for (unsigned i = 0; i < ARRAY_COUNT(fields); i++) {
        if (strcmp(word, fields[i].name) != 0)
            continue;
        e->flags |= fields[i].flags;
        e->status |= fields[i].status;
        e->ignore |= fields[i].ignore;
        return true;
    }
    return false;
}

static bool set_condition(struct entry *e, const char *word)
{
    for (unsigned i = 0; i < ARRAY_COUNT(conditions); i++)
        if (strcmp(word, conditions[i].name) == 0)
            e->when = &conditions[i];
    return e->when != NULL;
}

static bool add_row(struct entry *e, const char *word)
{
    if (e->row_count == ROWS_MAX || strlen(word) >= sizeof e->rows[0])
        return false;
    strcpy(e->rows[e->row_count++], word);
    return true;
}

/* One "key: words" line of the paragraph being read. */
static bool take_line(struct isa_differences *l, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return false;
    *colon = 0;
    if (strcmp(line, "entry") == 0) {
        if (l->count == ENTRIES_MAX)
            return false;
        struct entry *e = &l->list[l->count++];
        return sscanf(colon + 1, "%47s", e->name) == 1;
    }
    if (l->count == 0)
        return false;
    struct entry *e = &l->list[l->count - 1];
    bool ok = strcmp(line, "why") == 0;
    for (char *word = strtok(colon + 1, " \n"); word && !ok; word = strtok(NULL, " \n")) {
        bool taken = strcmp(line, "rows") == 0     ? add_row(e, word)
                     : strcmp(line, "when") == 0   ? set_condition(e, word)
                     : strcmp(line, "ignore") == 0 ? add_field(e, word)
                                                   : false;
        if (!taken) {
            fprintf(stderr, "'%s' is no %s here; ", word, line);
            return false;
        }
    }
    return true;
}

struct isa_differences *isa_differences_read(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "cannot read %s\n", path);
        return NULL;
    }
    struct isa_differences *l = xalloc(1, sizeof *l);
    char line[512];
    for (unsigned number = 1; l && fgets(line, sizeof line, f); number++) {
        if (line[0] == '#' || line[0] == '\n' || line[0] == ' ') /* comment, gap, why continued */
            continue;
        if (!take_line(l, line)) {
            fprintf(stderr, "%s:%u: not understood\n", path, number);
            free(l);
            l = NULL;
        }
    }
    fclose(f);
    for (unsigned i = 0; l && i < l->count; i++)
        if (!l->list[i].when)
            l->list[i].when = &conditions[0];
    return l;
}

void isa_differences_free(struct isa_differences *l) { free(l); }

/* --- asking ----------------------------------------------------------------------------------- */
static bool applies(const struct entry *e, const struct isa_step *s)
{
    const char *name = s->op ? s->op->row->name : "";
    bool named = false;
    for (unsigned i = 0; i < e->row_count && !named; i++)
        named = strcmp(e->rows[i], "*") == 0 || strcmp(e->rows[i], name) == 0;
    bool needs_op = e->when->holds != always && e->when->holds != page_fault &&
                    e->when->holds != cut_short;
    return named && (s->op || !needs_op) && e->when->holds(s);
}

static uint64_t cover_register(const struct entry *e, const struct isa_step *s, uint64_t detail)
{
    unsigned number = (unsigned)(detail >> 32);
    uint32_t bits = (uint32_t)detail;
    if (e->ignore & IGNORE_REGISTER << number)
        return 0;
    if (s->op && destination(s->op) == (int)number) {
        if (e->ignore & IGNORE_DESTINATION)
            return 0;
        if (e->ignore & IGNORE_DESTINATION_HIGH)
            bits &= 0xFFFF;
    }
    return bits ? (uint64_t)number << 32 | bits : 0;
}

/* FSTENV and FSAVE: 14 bytes with 16-bit operands, 28 with 32-bit; the pointers follow three
 * words. FXSAVE has the mask of MXCSR behind them. */
static bool in_pointers(const struct isa_step *s, uint32_t byte)
{
    if (strcmp(s->op->row->name, "FXSAVE") == 0)
        return (byte >= 6 && byte < 24) || (byte >= 28 && byte < 32);
    bool narrow = s->op->flags & OP_DATA16;
    return byte >= (narrow ? 6u : 12u) && byte < (narrow ? 14u : 28u);
}

static uint64_t cover_memory(const struct entry *e, const struct isa_step *s, uint64_t detail)
{
    uint32_t byte = (uint32_t)detail;
    if (!s->op)
        return detail;
    byte -= isa_operand_address(s->op, s->before);
    if ((e->ignore & IGNORE_OPERAND) && (s->op->flags & OP_MEM) && byte < 16)
        return 0;
    if ((e->ignore & IGNORE_POINTERS) && (s->op->flags & OP_MEM) && in_pointers(s, byte))
        return 0;
    uint16_t ss = s->before->selector[SS];
    uint32_t base = ss & 4 ? (uint32_t)(isa_ldt[ss >> 3] >> 16 & 0xFFFFFF) : 0;
    uint32_t esp = s->simulated->state.r[ESP];
    uint32_t top = base + (isa_is_16_bit(ss) ? esp & 0xFFFF : esp);
    if ((e->ignore & IGNORE_PUSHED_HIGH) && detail - top >= 2 && detail - top < 4)
        return 0;
    if ((e->ignore & IGNORE_BELOW_STACK) && top - (uint32_t)detail <= 8)
        return 0;
    return detail;
}

/* 1.5 * 2^-12 of each [SDM2 RCPPS]: 2^-23 is at most one unit of the last place. */
#define APPROXIMATION_UNITS (3u << 12)

static uint64_t cover_xmm(const struct entry *e, uint64_t detail)
{
    bool near = (uint32_t)detail <= APPROXIMATION_UNITS;
    return e->ignore & IGNORE_APPROXIMATION && near ? 0 : detail | 1;
}

static uint64_t cover(const struct entry *e, const struct isa_step *s, enum isa_field field,
                      uint64_t detail)
{
    if (field == FIELD_HIDDEN)
        return e->ignore & IGNORE_HIDDEN ? 0 : detail;
    if (e->ignore & IGNORE_EVERYTHING)
        return 0;
    switch (field) {
    case FIELD_EFLAGS:
        detail &= ~(uint64_t)e->flags;
        if ((e->ignore & IGNORE_UNDEFINED) && s->op)
            detail &= ~(uint64_t)isa_undefined_flags(s->op, s->before);
        return detail;
    case FIELD_REGISTER: return cover_register(e, s, detail);
    case FIELD_MEMORY: return cover_memory(e, s, detail);
    case FIELD_ERROR:
        return e->ignore & IGNORE_FAULT   ? 0
               : e->ignore & IGNORE_FETCH ? detail & ~(uint64_t)16
                                          : detail;
    case FIELD_X87_STATUS: return detail & ~(uint64_t)e->status;
    case FIELD_ST: return (e->ignore & IGNORE_ULP) && (uint32_t)detail <= 1 ? 0 : detail;
    case FIELD_SELECTOR: {
        uint16_t simulated = (uint16_t)(detail >> 16), silicon = (uint16_t)detail;
        return (e->ignore & IGNORE_NULL_RPL) && simulated < 4 && silicon == 0 ? 0 : detail;
    }
    case FIELD_FAULT: return e->ignore & IGNORE_FAULT ? 0 : detail;
    case FIELD_CR2: return e->ignore & (IGNORE_FAULT | IGNORE_CR2) ? 0 : detail;
    case FIELD_EIP: return e->ignore & IGNORE_EIP ? 0 : detail;
    case FIELD_XMM: return cover_xmm(e, detail);
    case FIELD_MXCSR:
    case FIELD_HIDDEN:
    case FIELD_OTHER: return detail;
    }
    return detail;
}

uint64_t isa_differences_cover(struct isa_differences *l, const struct isa_step *s,
                               enum isa_field field, uint64_t detail)
{
    for (unsigned i = 0; i < l->count && detail; i++) {
        struct entry *e = &l->list[i];
        if (!applies(e, s))
            continue;
        uint64_t rest = cover(e, s, field, detail);
        if (rest != detail && e->used++ == 0)
            e->first = l->now;
        detail = rest;
    }
    return detail;
}

uint64_t isa_differences_uses(const struct isa_differences *l)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < l->count; i++)
        sum += l->list[i].used;
    return sum;
}

void isa_differences_at(struct isa_differences *l, uint64_t seed) { l->now = seed; }

unsigned isa_differences_report(const struct isa_differences *l, bool verbose)
{
    unsigned unused = 0;
    for (unsigned i = 0; i < l->count; i++) {
        const struct entry *e = &l->list[i];
        unused += e->used == 0;
        if (verbose)
            printf("%-32s %12" PRIu64 "  first by case %" PRIu64 "\n", e->name, e->used, e->first);
        else if (e->used == 0)
            printf("host-differences: %s was never used\n", e->name);
    }
    return unused;
}
