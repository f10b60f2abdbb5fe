/* bind: what is static about a decoded instruction, put into its timing word once. */
#include "cpu/models/p5/core.h"

#include <string.h>

static const uint8_t shape_clocks[3] = {1, 2, 3}; /* the first column of the matrix [D3] */

#define LENGTH_PAIRABLE_MAX 7 /* [C7] */
#define CLOCKS_MAX 127        /* microcode beyond that is looked up */

static bool named(const struct op *o, const char *class)
{
    return strcmp(o->row->timing, class) == 0;
}

static enum p5_stack stack_of(const struct op *o)
{
    /* PUSH ESP and POP ESP name the register: the ordinary rules. */
    if (named(o, "push_imm") || (named(o, "push_reg") && o->rm != ESP))
        return STACK_PUSH;
    if (named(o, "pop_reg") && o->rm != ESP)
        return STACK_POP;
    return named(o, "call_rel") ? STACK_CALL : STACK_NONE;
}

/* Instructions that form an address from ESP without naming it [E1]. */
static bool uses_stack(const struct op *o)
{
    const char *t = o->row->timing;
    return strncmp(t, "push", 4) == 0 || strncmp(t, "pop", 3) == 0 || strncmp(t, "call", 4) == 0 ||
           strncmp(t, "ret", 3) == 0 || named(o, "far_call") || named(o, "iret") ||
           named(o, "enter");
}

static uint8_t addresses_of(const struct op *o, const struct op_facts *f)
{
    uint8_t mask = f->address;
    if (uses_stack(o))
        mask |= RM_ESP;
    if (named(o, "xlat"))
        mask |= RM_EBX | RM_EAX;
    if (named(o, "leave"))
        mask |= RM_EBP;
    return mask;
}

static enum p5_shape shape_of(const struct op *o, const struct op_facts *f)
{
    bool moves = named(o, "mov") || named(o, "lea") || named(o, "nop") || f->mem_size == 0;
    if (moves || stack_of(o) != STACK_NONE || !f->loads)
        return SHAPE_SIMPLE;
    return f->stores ? SHAPE_MODIFY : SHAPE_READ;
}

static uint32_t clocks_of(const struct op *o, const struct p5_latency *l, const struct op_facts *f)
{
    if (l->word && f->width == 2)
        return l->word;
    if (l->byte && f->width == 1)
        return l->byte;
    return o->flags & OP_MEM ? l->mem : l->reg;
}

/* 0F is a prefix for timing, except before a near conditional jump [C5, F1]. */
static unsigned prefixes_of(const struct op *o)
{
    bool escape = (o->flags & OP_0F) && !(o->row->attributes & A_PREFIX_FREE_0F);
    unsigned n = o->prefixes + escape;
    return n > 15 ? 15 : n;
}

/* Which halves of a pair the instruction may be, its neighbour apart [C1, C5-C7]. */
static void bind_pairing(const struct op *o, const struct p5_latency *l, union p5_facts *t)
{
    unsigned opcode_length = o->length - o->prefixes;
    t->both = (o->flags & OP_DISP) && (o->flags & OP_IMM);
    bool fits = opcode_length <= LENGTH_PAIRABLE_MAX && !t->both;
    bool u = l->issue == ISSUE_UV || l->issue == ISSUE_PU || l->issue == ISSUE_FX;
    bool v = l->issue == ISSUE_UV || l->issue == ISSUE_PV || l->issue == ISSUE_XV;
    t->first = u && fits && !t->locks;
    t->second = v && fits && t->prefixes == 0;
    t->one_byte = o->length == 1;
}

void p5_bind(struct model *m, struct op *o)
{
    (void)m;
    struct op_facts f;
    op_facts_of(o, &f);
    unsigned index = p5_latency_find(o->row->timing);
    const struct p5_latency *l = &p5_latencies[index];
    union p5_facts t = {.bits = 0};
    t.latency = index;
    t.kind = l->kind;
    t.issue = l->issue;
    t.reads = f.reads;
    t.writes = f.writes;
    t.address = addresses_of(o, &f);
    t.prefixes = prefixes_of(o);
    t.locks = (o->flags & OP_LOCK) != 0;
    t.shape = shape_of(o, &f);
    t.stack = stack_of(o);
    t.implied_esp = uses_stack(o) && !named(o, "ret_imm") && !(named(o, "pop_reg") && o->rm == ESP);
    t.memory = f.loads || f.stores || t.stack != STACK_NONE;
    bool pairable = l->issue == ISSUE_UV || l->issue == ISSUE_PU;
    uint32_t clocks = pairable ? shape_clocks[t.shape] : clocks_of(o, l, &f);
    t.clocks = clocks < CLOCKS_MAX ? clocks : CLOCKS_MAX;
    t.multiplies = named(o, "mul") || named(o, "imul") || named(o, "imul_imm");
    bind_pairing(o, l, &t);
    if (l->kind == KIND_X87)
        p5_bind_x87(o, &t);
    o->timing = t.bits;
}
