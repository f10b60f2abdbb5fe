/* facts: what an instruction reads and writes, derived from its row's operand letters. */
#include "cpu/model.h"

#include <string.h>

static uint8_t register_mask(unsigned number, unsigned width)
{
    return (uint8_t)(1u << (width == 1 ? number & 3 : number & 7));
}

static unsigned width_of(const struct op *o, const char *operand, size_t n)
{
    char letter = n == 2 ? operand[1] : 'v';
    if (n == 2 && (strncmp(operand, "AL", 2) == 0 || strncmp(operand, "CL", 2) == 0))
        return 1;
    if (n == 2 && (strncmp(operand, "AX", 2) == 0 || strncmp(operand, "DX", 2) == 0))
        return 2;
    switch (letter) {
    case 'b': return 1;
    case 'w': return 2;
    case 'd': return 4;
    case 'q': return 8;
    case 'o': return 16;
    case 't': return 10;
    case 'a': return o->flags & OP_DATA16 ? 4 : 8;
    case 'p': return o->flags & OP_DATA16 ? 4 : 6;
    default: return o->flags & OP_DATA16 ? 2 : 4;
    }
}

struct role {
    bool read, write;
};

static struct role role_of(const struct op *o, unsigned index)
{
    uint32_t a = o->row->attributes;
    if (index == 0)
        return (struct role){!(a & A_DEST_WRITE), !(a & A_DEST_READ)};
    return (struct role){true, index == 1 && (a & A_SECOND_WRITE)};
}

static void add_register(struct op_facts *f, uint8_t mask, struct role role)
{
    if (role.read)
        f->reads |= mask;
    if (role.write)
        f->writes |= mask;
}

static void add_vector(struct op_facts *f, unsigned bit, struct role role)
{
    uint16_t mask = (uint16_t)(1u << bit);
    if (role.read)
        f->vectors_read |= mask;
    if (role.write)
        f->vectors_written |= mask;
}

static void add_memory(const struct op *o, struct op_facts *f, struct role role, unsigned width)
{
    f->mem_size = (uint8_t)width;
    f->loads |= role.read;
    f->stores |= role.write;
    if (o->base < REG_ZERO)
        f->address |= (uint8_t)(1u << o->base);
    if (o->index < REG_ZERO)
        f->address |= (uint8_t)(1u << o->index);
}

/* P, N, Q, V, U and W: false for other letters. */
static bool add_vector_operand(const struct op *o, struct op_facts *f, char letter,
                               struct role role, unsigned width)
{
    enum { XMM = 0, MMX = 8 };
    switch (letter) {
    case 'P': add_vector(f, MMX + o->reg, role); return true;
    case 'N': add_vector(f, MMX + o->rm, role); return true;
    case 'V': add_vector(f, XMM + o->reg, role); return true;
    case 'U': add_vector(f, XMM + o->rm, role); return true;
    case 'Q':
    case 'W':
        if (o->flags & OP_MEM)
            add_memory(o, f, role, width);
        else
            add_vector(f, (letter == 'Q' ? MMX : XMM) + o->rm, role);
        return true;
    default: return false;
    }
}

static void add_operand(const struct op *o, struct op_facts *f, unsigned index, const char *p,
                        size_t n)
{
    struct role role = role_of(o, index);
    unsigned width = width_of(o, p, n);
    bool letters = n == 2 && p[1] >= 'a' && p[1] <= 'z';
    if (index == 0)
        f->width = (uint8_t)width;
    if (letters && add_vector_operand(o, f, p[0], role, width))
        return;
    if (letters && (p[0] == 'E' || p[0] == 'M' || p[0] == 'O' || p[0] == 'R')) {
        if (o->flags & OP_MEM)
            add_memory(o, f, role, width);
        else
            add_register(f, register_mask(o->rm, width), role);
    } else if (letters && p[0] == 'Z') {
        add_register(f, register_mask(o->rm, width), role);
    } else if (letters && p[0] == 'G') {
        add_register(f, register_mask(o->reg, width), role);
    } else if (letters && p[0] == 'X') {
        f->address |= RM_ESI;
    } else if (letters && p[0] == 'Y') {
        f->address |= RM_EDI;
    } else if (p[n - 1] == 'L' && p[0] == 'C') {
        add_register(f, RM_ECX, role);
    } else if ((p[0] == 'A' && n == 2 && !letters) || (p[0] == 'e' && n == 3)) {
        add_register(f, RM_EAX, role);
    } else if (p[0] == 'D' && n == 2 && p[1] == 'X') {
        add_register(f, RM_EDX, role);
    }
}

void op_facts_of(const struct op *o, struct op_facts *f)
{
    *f = (struct op_facts){.reads = o->row->uses, .writes = o->row->sets};
    unsigned index = 0;
    for (const char *p = o->row->operands; *p; index++) {
        size_t n = strcspn(p, ",");
        add_operand(o, f, index, p, n);
        p += n;
        p += *p == ',';
    }
    if (strcmp(o->row->name, "LEA") == 0)
        f->loads = f->stores = false;
}

/* --- x87 -------------------------------------------------------------------------------------- */

/* What the classes read and write. Letters: 0 ST0, i ST(i), 1 ST(1); destination 0, i, 1, p
 * pushed. */
static const struct shape {
    const char *class;
    const char *reads;
    char to;
    uint8_t work; /* enum x87_work */
} shapes[] = {
    {"fadd", "0i", '0', X87_PLAIN},      {"fmul", "0i", '0', X87_MULTIPLIES},
    {"fdiv", "0i", '0', X87_DIVIDES},    {"fiadd", "0", '0', X87_PLAIN},
    {"fidiv", "0", '0', X87_DIVIDES},    {"fcom", "0i", 0, X87_COMPARES},
    {"fcomi", "0i", 0, X87_TO_EFLAGS},   {"ficom", "0", 0, X87_COMPARES},
    {"ftst", "0", 0, X87_COMPARES},      {"fxam", "0", 0, X87_COMPARES},
    {"fchs", "0", '0', X87_PLAIN},       {"fsqrt", "0", '0', X87_PLAIN},
    {"frndint", "0", '0', X87_PLAIN},    {"f2xm1", "0", '0', X87_PLAIN},
    {"fsin", "0", '0', X87_PLAIN},       {"fsincos", "0", 'p', X87_PLAIN},
    {"fptan", "0", 'p', X87_PLAIN},      {"fxtract", "0", 'p', X87_PLAIN},
    {"fscale", "01", '0', X87_PLAIN},    {"fprem", "01", '0', X87_PLAIN},
    {"fprem1", "01", '0', X87_PLAIN},    {"fyl2x", "01", '1', X87_PLAIN},
    {"fyl2xp1", "01", '1', X87_PLAIN},   {"fpatan", "01", '1', X87_PLAIN},
    {"fcmov", "0i", '0', X87_PLAIN},     {"fld", "i", 'p', X87_PLAIN},
    {"fld_m80", "", 'p', X87_PLAIN},     {"fbld", "", 'p', X87_PLAIN},
    {"fild", "", 'p', X87_PLAIN},        {"fld1", "", 'p', X87_PLAIN},
    {"fldpi", "", 'p', X87_PLAIN},       {"fst_reg", "0", 'i', X87_PLAIN},
    {"fst_mem", "0", 0, X87_STORES},     {"fstp_m80", "0", 0, X87_STORES},
    {"fist", "0", 0, X87_STORES},        {"fbstp", "0", 0, X87_STORES},
    {"fxch", "0i", 'i', X87_EXCHANGES},  {"fnstsw", "", 0, X87_DRAINS},
    {"fnsave", "", 0, X87_DRAINS},       {"frstor", "", 0, X87_DRAINS},
    {"fnstenv", "", 0, X87_DRAINS},      {"fldenv", "", 0, X87_DRAINS},
    {"fldcw", "", 0, X87_DRAINS},        {"fninit", "", 0, X87_DRAINS},
    {"fnclex", "", 0, X87_DRAINS},       {"wait", "", 0, X87_DRAINS},
};

/* How many registers it frees: its name ends in P or PP (FYL2X and FPATAN free one, too). */
static unsigned pops_of(const struct row *r)
{
    size_t n = strlen(r->name);
    if (strcmp(r->timing, "fyl2x") == 0 || strcmp(r->timing, "fyl2xp1") == 0 ||
        strcmp(r->timing, "fpatan") == 0 || strcmp(r->name, "FSTPNCE") == 0 ||
        strcmp(r->name, "FFREEP") == 0)
        return 1;
    if (strcmp(r->name, "FNOP") == 0 || strcmp(r->timing, "fincstp") == 0)
        return 0;
    return r->name[n - 1] != 'P' ? 0 : r->name[n - 2] == 'P' ? 2 : 1;
}

static enum x87_target target_of(char to)
{
    switch (to) {
    case '0': return X87_ST0;
    case 'i': case '1': return X87_STI;
    case 'p': return X87_PUSHED;
    default: return X87_NOWHERE;
    }
}

void x87_facts_of(const struct op *o, struct x87_facts *f)
{
    const char *class = o->row->timing;
    bool memory = o->flags & OP_MEM;
    *f = (struct x87_facts){.i = o->rm & 7, .pops = (uint8_t)pops_of(o->row)};
    f->ax = strcmp(class, "fnstsw") == 0 && !memory;
    for (unsigned k = 0; k < ARRAY_COUNT(shapes); k++) {
        const struct shape *s = &shapes[k];
        if (strcmp(s->class, class) != 0)
            continue;
        bool sti = strchr(s->reads, 'i') && !memory, st1 = strchr(s->reads, '1') != NULL;
        /* DC and DE write ST(i) where D8 writes ST(0). */
        bool reversed = sti && strcmp(class, "fcmov") != 0 && (o->imm2 >> 8 & 7) != 0;
        f->st0 = strchr(s->reads, '0') != NULL;
        f->sti = sti || st1;
        f->i = st1 ? 1 : f->i;
        f->to = (uint8_t)target_of(s->to == '0' && reversed ? 'i' : s->to);
        f->work = s->work;
        return;
    }
}
