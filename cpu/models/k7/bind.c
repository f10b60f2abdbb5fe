/* bind: what is static about a decoded instruction, put into its timing word once. */
#include "cpu/models/k7/core.h"

#include <string.h>

static bool named(const struct op *o, const char *class)
{
    return strcmp(o->row->timing, class) == 0;
}

static uint64_t field(enum k7_field f, uint64_t value) { return value << f; }

/* Instructions that move ESP beside what they are there for. */
static bool uses_stack(const struct op *o)
{
    const char *t = o->row->timing;
    return strncmp(t, "push", 4) == 0 || strncmp(t, "pop", 3) == 0 ||
           strncmp(t, "call", 4) == 0 || strncmp(t, "ret", 3) == 0;
}

/* Registers that form an address without being named. */
static unsigned implied_addresses(const struct op *o)
{
    if (uses_stack(o))
        return RM_ESP;
    if (named(o, "xlat"))
        return RM_EBX | RM_EAX;
    return named(o, "leave") ? RM_EBP : 0;
}

/* Both operands one register, and the result does not depend on it: XOR and SUB of 32 bits
 * [AF-MA 20.11]. */
static bool is_zeroing(const struct op *o, const struct op_facts *f)
{
    bool subtracts = strcmp(o->row->name, "XOR") == 0 || strcmp(o->row->name, "SUB") == 0;
    return subtracts && f->width == 4 && !(o->flags & (OP_MEM | OP_IMM)) && o->reg == o->rm &&
           strchr(o->row->operands, 'E') && strchr(o->row->operands, 'G');
}

/* Parts of a register are merged with the rest of it [AF-MA 20.11]. */
static unsigned merged(const struct op_facts *f)
{
    return f->width < 4 ? f->writes : 0;
}

static unsigned flags_of(uint16_t flags)
{
    return (flags & F_CF ? FLAG_CARRY : 0u) | (flags & (F_ARITH & ~F_CF) ? FLAG_REST : 0u);
}

/* A count of zero leaves the flags alone, but they are not waited for [IL]. */
static bool shifts_by_cl(const struct op *o)
{
    return named(o, "shift_cl") || named(o, "rotate_cl") || named(o, "shld_cl");
}

static enum k7_transfer transfer_of(const struct op *o)
{
    static const struct {
        const char *class;
        enum k7_transfer transfer;
    } transfers[] = {
        {"jcc", TRANSFER_CONDITIONAL},   {"jcxz", TRANSFER_CONDITIONAL},
        {"loop", TRANSFER_CONDITIONAL},  {"loopcc", TRANSFER_CONDITIONAL},
        {"jmp_rel", TRANSFER_DIRECT},    {"jmp_ind", TRANSFER_INDIRECT},
        {"call_rel", TRANSFER_CALL},     {"call_ind", TRANSFER_CALL_INDIRECT},
        {"ret", TRANSFER_RETURN},        {"ret_imm", TRANSFER_RETURN},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(transfers); i++)
        if (named(o, transfers[i].class))
            return transfers[i].transfer;
    return TRANSFER_NONE;
}

/* Three prefixes go with the instruction [AF-MA 20.3]. */
static unsigned decode_clocks(const struct op *o)
{
    return o->prefixes <= 3 ? 0 : o->prefixes - 3u;
}

/* Bytes and words come a clock later than doublewords, and so does whatever MOVZX and MOVSX
 * extend [AF-IT]. */
static bool is_narrow(const struct op *o, const struct op_facts *f)
{
    return f->loads && (f->mem_size < 4) && !(named(o, "alu") || named(o, "test_imm"));
}

/* LEA of at most two parts, none of them scaled [25112 T13 note 4]. */
static bool is_simple_address(const struct op *o)
{
    unsigned parts = (o->base < REG_ZERO) + (o->index < REG_ZERO) + ((o->flags & OP_DISP) != 0);
    return named(o, "lea") && !(o->flags & OP_DATA16) && parts <= 2 && o->scale == 0;
}

static uint64_t bind_integer(const struct op *o, const struct op_facts *f)
{
    unsigned reads = is_zeroing(o, f) ? 0 : f->reads | merged(f);
    if (named(o, "lea"))
        reads |= f->address;
    bool stack = uses_stack(o) && !(named(o, "pop_reg") && o->rm == ESP);
    if (stack && !(named(o, "push_reg") && o->rm == ESP))
        reads &= ~(unsigned)RM_ESP;
    bool high = f->stores && f->width == 1 && (o->row->attributes & A_BYTE) && o->reg >= 4 &&
                strchr(o->row->operands, 'G');
    return field(FACT_READS, reads) | field(FACT_WRITES, f->writes) |
           field(FACT_FLAGS_READ, shifts_by_cl(o) ? 0 : flags_of(o->row->flags_read)) |
           field(FACT_FLAGS_WRITTEN, flags_of(o->row->flags_written)) |
           field(FACT_LOCKED, (o->flags & OP_LOCK) || (named(o, "xchg") && f->mem_size)) |
           field(FACT_TRANSFER, transfer_of(o)) | field(FACT_STACK, stack) |
           field(FACT_NARROW, is_narrow(o, f)) | field(FACT_HIGH_STORED, high);
}

static enum k7_form form_of(const struct op *o, const struct op_facts *f)
{
    if (!(o->flags & OP_MEM))
        return FORM_REGISTERS;
    return f->stores && !f->loads ? FORM_STORE : FORM_MEMORY;
}

/* The cost of an instruction; what was found is remembered, for names are slow to compare. */
static unsigned cost_of(struct k7 *k, const struct op *o, const struct op_facts *f)
{
    unsigned width = f->width ? f->width : o->flags & OP_DATA16 ? 2 : 4;
    bool simple = is_simple_address(o);
    unsigned key = width << 3 | (unsigned)form_of(o, f) << 1 | simple;
    struct k7_found *found = &k->found[((uintptr_t)o->row / sizeof *o->row ^ key) % K7_FOUND];
    if (found->row == o->row && found->key == key)
        return found->cost;
    const char *class = simple ? "lea_simple" : o->row->timing;
    unsigned cost = k7_class_find(class, o->row->name, width, form_of(o, f));
    *found = (struct k7_found){o->row, key, cost};
    return cost;
}

void k7_bind(struct model *m, struct op *o)
{
    struct k7 *k = (struct k7 *)m;
    struct op_facts f;
    op_facts_of(o, &f);
    unsigned cost = cost_of(k, o, &f);
    uint64_t t = field(FACT_ADDRESS, f.address | implied_addresses(o)) | field(FACT_COST, cost) |
                 field(FACT_DECODE, decode_clocks(o));
    if (k->cost[cost].kind == KIND_FLOAT)
        t |= k7_bind_float(o, &f, (enum k7_part)k->config.part);
    else
        t |= bind_integer(o, &f);
    o->timing = t;
}
