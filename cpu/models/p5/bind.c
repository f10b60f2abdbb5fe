/* bind: what is static about a decoded instruction, put into its timing word once. */
#include "cpu/models/p5/core.h"

#include <string.h>

static const uint8_t shape_clocks[3] = {1, 2, 3}; /* the first column of the matrix [D3] */

#define LENGTH_PAIRABLE_MAX 7 /* [C7] */
#define CLOCKS_MAX 255        /* microcode beyond that is looked up */

static bool named(const struct op *o, const char *class)
{
    return strcmp(o->row->timing, class) == 0;
}

/* PUSH ESP and POP ESP name the register: the ordinary rules. */
static bool pushes(const struct op *o)
{
    return named(o, "push_imm") || (named(o, "push_reg") && o->rm != ESP);
}

static bool pops(const struct op *o) { return named(o, "pop_reg") && o->rm != ESP; }

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
    if (moves || pushes(o) || pops(o) || !f->loads)
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

static uint64_t field(enum p5_field f, uint64_t value) { return value << f; }

/* Which halves of a pair the instruction may be, its neighbour apart [C1, C5-C7]. */
static uint64_t bind_pairing(const struct op *o, const struct p5_latency *l)
{
    unsigned length = o->length - o->prefixes, first = 0, second = 0;
    bool both = (o->flags & OP_DISP) && (o->flags & OP_IMM), lock = o->flags & OP_LOCK;
    if (length <= LENGTH_PAIRABLE_MAX && !both) {
        if ((l->issue == ISSUE_UV || l->issue == ISSUE_PU) && !lock)
            first = PAIR_INTEGER;
        if (l->issue == ISSUE_FX)
            first = PAIR_X87;
        if ((l->issue == ISSUE_UV || l->issue == ISSUE_PV) && prefixes_of(o) == 0)
            second = PAIR_INTEGER;
        if (l->issue == ISSUE_XV && prefixes_of(o) == 0)
            second = PAIR_X87;
    }
    unsigned stack_first = pushes(o) ? STACK_PUSHES : pops(o) ? STACK_POPS : 0;
    unsigned stack_second = named(o, "call_rel") ? STACK_PUSHES : stack_first;
    return field(FACT_FIRST, first) | field(FACT_SECOND, second) |
           field(FACT_STACK_FIRST, stack_first) | field(FACT_STACK_SECOND, stack_second) |
           field(FACT_ONE_BYTE, o->length == 1);
}

static uint64_t bind_integer(const struct op *o, const struct op_facts *f)
{
    bool esp = uses_stack(o) && !named(o, "ret_imm") && !(named(o, "pop_reg") && o->rm == ESP);
    bool special = (o->flags & OP_LOCK) || named(o, "mul") || named(o, "imul") ||
                   named(o, "imul_imm");
    bool both = (o->flags & OP_DISP) && (o->flags & OP_IMM);
    return field(FACT_READS, f->reads) | field(FACT_WRITES, f->writes) |
           field(FACT_IMPLIED_ESP, esp) | field(FACT_SPECIAL, special) | field(FACT_BOTH, both);
}

void p5_bind(struct model *m, struct op *o)
{
    (void)m;
    struct op_facts f;
    op_facts_of(o, &f);
    unsigned index = p5_latency_find(o->row->timing);
    const struct p5_latency *l = &p5_latencies[index];
    enum p5_shape shape = shape_of(o, &f);
    bool pairable = l->issue == ISSUE_UV || l->issue == ISSUE_PU;
    uint32_t clocks = pairable ? shape_clocks[shape] : clocks_of(o, l, &f);
    if (clocks > CLOCKS_MAX)
        clocks = CLOCKS_MAX;
    o->timing = field(FACT_ADDRESS, addresses_of(o, &f)) | field(FACT_LATENCY, index) |
                field(FACT_CLOCKS, clocks) | field(FACT_KIND, l->kind) |
                field(FACT_ISSUE, l->issue) | field(FACT_SHAPE, shape) |
                field(FACT_PREFIXES, prefixes_of(o)) | bind_pairing(o, l) |
                (l->kind == KIND_X87 ? p5_bind_x87(o) : bind_integer(o, &f));
}
