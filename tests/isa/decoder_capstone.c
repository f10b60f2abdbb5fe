/* decoder_capstone: the decoder against Capstone, over all one- and two-byte opcodes with all ModRM
 * and SIB bytes under all single prefixes and some pairs, in 16- and 32-bit code: length, mnemonic,
 * register, memory and immediate operands.
 *
 *     decoder_capstone [--list PATH] [--verbose]
 *
 * Where the two differ on purpose, tests/isa/capstone-differences says so, with the reason. */
#define _GNU_SOURCE
#include "cpu/decode.h"
#include "cpu/rows.h"
#include "sim/core/check.h"
#include "tests/isa/capstone_list.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORTS_MAX 40
#define EIP 0x1000u

static const struct identity identity = {
    .part = "every row",
    .features = 1u << FEATURE_CMOV | 1u << FEATURE_UD2 | 1u << FEATURE_HINT_NOP |
                1u << FEATURE_RDPMC | 1u << FEATURE_MMX | 1u << FEATURE_MMX_EXT |
                1u << FEATURE_FXSR | 1u << FEATURE_SSE | 1u << FEATURE_SSE2 | 1u << FEATURE_SSE3 |
                1u << FEATURE_CLFLUSH | 1u << FEATURE_3DNOW | 1u << FEATURE_3DNOW_EXT |
                1u << FEATURE_SEP | 1u << FEATURE_SYSCALL,
};

struct test {
    struct decoder *decoder;
    csh capstone[2]; /* 16- and 32-bit */
    cs_insn *insn;
    struct capstone_list *list;
    uint64_t passed, failed;
    unsigned reported;
    /* the encoding being looked at */
    bool big;
    const uint8_t *bytes;
    struct op op;
    bool ours, theirs; /* says that this is an instruction */
    body_fn invalid;   /* the body of what is not one */
};

/* --- what the operands should be -------------------------------------------------------------- */
static const x86_reg reg8[8] = {X86_REG_AL, X86_REG_CL, X86_REG_DL, X86_REG_BL,
                                X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH};
static const x86_reg reg16[9] = {X86_REG_AX, X86_REG_CX, X86_REG_DX, X86_REG_BX, X86_REG_SP,
                                 X86_REG_BP, X86_REG_SI, X86_REG_DI, X86_REG_INVALID};
static const x86_reg reg32[9] = {X86_REG_EAX, X86_REG_ECX, X86_REG_EDX, X86_REG_EBX, X86_REG_ESP,
                                 X86_REG_EBP, X86_REG_ESI, X86_REG_EDI, X86_REG_INVALID};
static const x86_reg reg_segment[6] = {X86_REG_ES, X86_REG_CS, X86_REG_SS,
                                       X86_REG_DS, X86_REG_FS, X86_REG_GS};

static unsigned width_of(const struct op *o, char letter)
{
    return letter == 'b' ? 1 : letter == 'w' ? 2 : letter == 'd' ? 4 : o->flags & OP_DATA16 ? 2 : 4;
}

static x86_reg register_of(const struct op *o, unsigned number, char letter)
{
    unsigned w = width_of(o, letter);
    return w == 1 ? reg8[number] : w == 2 ? reg16[number] : reg32[number];
}

static uint32_t mask_of(unsigned width)
{
    return width == 1 ? 0xFF : width == 2 ? 0xFFFF : UINT32_MAX;
}

static bool same_register(const cs_x86_op *theirs, x86_reg r)
{
    return theirs->type == X86_OP_REG && theirs->reg == r;
}

static bool same_immediate(const cs_x86_op *theirs, uint32_t value, unsigned width)
{
    return theirs->type == X86_OP_IMM && (((uint32_t)theirs->imm ^ value) & mask_of(width)) == 0;
}

/* Capstone names a segment where a prefix did, or never; else the default counts. */
static bool same_segment(const struct op *o, const cs_x86_op *theirs)
{
    if (theirs->mem.segment != X86_REG_INVALID)
        return theirs->mem.segment == reg_segment[o->seg];
    bool stack = o->base == EBP || o->base == ESP;
    return o->seg == (stack ? SS : DS);
}

static bool same_memory(const struct op *o, const cs_x86_op *theirs)
{
    if (theirs->type != X86_OP_MEM || !(o->flags & OP_MEM))
        return false;
    bool narrow = o->flags & OP_ADDR16;
    x86_reg base = narrow ? reg16[o->base] : reg32[o->base];
    x86_reg index = narrow ? reg16[o->index] : reg32[o->index];
    x86_reg their_index = theirs->mem.index == X86_REG_EIZ ? X86_REG_INVALID : theirs->mem.index;
    bool scaled = index == X86_REG_INVALID || theirs->mem.scale == 1 << o->scale;
    return theirs->mem.base == base && their_index == index && scaled &&
           (((uint32_t)theirs->mem.disp ^ o->disp) & o->amask) == 0 && same_segment(o, theirs);
}

/* [DS:eSI] and [ES:eDI] */
static bool same_string(const struct op *o, const cs_x86_op *theirs, unsigned pointer)
{
    x86_reg base = o->flags & OP_ADDR16 ? reg16[pointer] : reg32[pointer];
    unsigned segment = pointer == EDI ? ES : o->seg;
    return theirs->type == X86_OP_MEM && theirs->mem.base == base &&
           theirs->mem.index == X86_REG_INVALID && theirs->mem.disp == 0 &&
           (theirs->mem.segment == reg_segment[segment] ||
            (theirs->mem.segment == X86_REG_INVALID && segment == DS));
}

static bool same_named(const struct op *o, const char *name, const cs_x86_op *theirs)
{
    static const struct {
        const char *name;
        x86_reg reg;
    } names[] = {{"AL", X86_REG_AL}, {"AX", X86_REG_AX}, {"CL", X86_REG_CL}, {"DX", X86_REG_DX},
                 {"ES", X86_REG_ES}, {"CS", X86_REG_CS}, {"SS", X86_REG_SS}, {"DS", X86_REG_DS},
                 {"FS", X86_REG_FS}, {"GS", X86_REG_GS}};
    if (strcmp(name, "eAX") == 0)
        return same_register(theirs, register_of(o, EAX, 'v'));
    if (name[0] == '1' || name[0] == '3')
        return same_immediate(theirs, (uint32_t)(name[0] - '0'), 1);
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(name, names[i].name) == 0)
            return same_register(theirs, names[i].reg);
    return false;
}

/* Compares one of the row's operands with Capstone's. immediate: how many immediates came
 * before. */
static bool same_operand(const struct op *o, const char *name, const cs_x86_op *theirs,
                         unsigned *immediates)
{
    char letter = name[0], size = name[1];
    bool pair = strlen(name) == 2 && size >= 'a' && size <= 'z';
    if (!pair)
        return same_named(o, name, theirs);
    switch (letter) {
    case 'P': return same_register(theirs, X86_REG_MM0 + o->reg);
    case 'N': return same_register(theirs, X86_REG_MM0 + o->rm);
    case 'V': return same_register(theirs, X86_REG_XMM0 + o->reg);
    case 'U': return same_register(theirs, X86_REG_XMM0 + o->rm);
    case 'Q':
    case 'W':
        return o->flags & OP_MEM
                   ? same_memory(o, theirs)
                   : same_register(theirs, (letter == 'Q' ? X86_REG_MM0 : X86_REG_XMM0) + o->rm);
    case 'E':
        return o->flags & OP_MEM ? same_memory(o, theirs)
                                 : same_register(theirs, register_of(o, o->rm, size));
    case 'M':
    case 'O': return same_memory(o, theirs);
    case 'G': return same_register(theirs, register_of(o, o->reg, size));
    case 'R':
    case 'Z': return same_register(theirs, register_of(o, o->rm, size));
    case 'S': return same_register(theirs, reg_segment[o->reg]);
    case 'C': return same_register(theirs, X86_REG_CR0 + o->reg);
    case 'D': return same_register(theirs, X86_REG_DR0 + o->reg);
    case 'X': return same_string(o, theirs, ESI);
    case 'Y': return same_string(o, theirs, EDI);
    case 'I': {
        uint32_t value = (*immediates)++ ? o->imm2 : o->imm;
        unsigned w = size == 'b' ? 1 : size == 'w' ? 2 : width_of(o, 'v');
        return same_immediate(theirs, value, w);
    }
    case 'J': return same_immediate(theirs, o->next_eip + o->imm, width_of(o, 'v'));
    default: return false;
    }
}

static bool same_far(const struct op *o, const cs_x86 *x)
{
    return x->op_count == 2 && same_immediate(&x->operands[0], o->imm2, 2) &&
           same_immediate(&x->operands[1], o->imm, width_of(o, 'v'));
}

/* Register forms of the x87 name ST(i) if the opcode has one. */
static bool same_x87(const struct op *o, const cs_x86 *x)
{
    if (!strstr(o->row->code, "+i"))
        return true;
    for (unsigned i = 0; i < x->op_count; i++)
        if (same_register(&x->operands[i], X86_REG_ST0 + o->rm))
            return true;
    return o->rm == 1 && x->op_count == 0; /* ST(1) is what Capstone leaves out */
}

static bool same_operands(const struct op *o, const cs_x86 *x)
{
    const char *p = o->row->operands;
    unsigned n = 0, immediates = 0;
    if (p[0] == 'A' && p[1] == 'p')
        return same_far(o, x);
    if (*p == 0 && (o->row->attributes & A_X87))
        return same_x87(o, x);
    while (*p) {
        char name[8];
        size_t size = strcspn(p, ",");
        memcpy(name, p, size);
        name[size] = 0;
        if (n >= x->op_count || !same_operand(o, name, &x->operands[n], &immediates))
            return false;
        n++;
        p += size;
        p += *p == ',';
    }
    return n == x->op_count;
}

/* --- one encoding ----------------------------------------------------------------------------- */
static void report(struct test *t, const char *field)
{
    t->failed++;
    if (t->reported++ >= REPORTS_MAX)
        return;
    unsigned n = t->ours ? t->op.length : 0;
    if (t->theirs && t->insn->size > n)
        n = t->insn->size;
    printf("%s, %u-bit:", field, t->big ? 32 : 16);
    for (unsigned i = 0; i < (n ? n : 6); i++)
        printf(" %02x", t->bytes[i]);
    printf("\n    ours: %s %s, %u bytes", t->op.row->name, t->op.row->operands, t->op.length);
    printf("  base %u index %u scale %u disp %x imm %x\n", t->op.base, t->op.index, t->op.scale,
           t->op.disp, t->op.imm);
    if (t->theirs)
        printf("    theirs: %s %s, %u bytes\n", t->insn->mnemonic, t->insn->op_str, t->insn->size);
    else
        printf("    theirs: none\n");
}

/* Capstone writes prefixes into the mnemonic. */
static const char *bare_mnemonic(const cs_insn *insn)
{
    const char *space = strrchr(insn->mnemonic, ' ');
    return space ? space + 1 : insn->mnemonic;
}

static void compare(struct test *t)
{
    const char *theirs = t->theirs ? bare_mnemonic(t->insn) : "(none)";
    const char *name = t->ours ? t->op.row->name : "(none)";
    struct capstone_query q = {.row = name, .theirs = theirs, .op = &t->op, .list = t->list,
                               .big = t->big};
    const char *field = NULL;
    if (!t->ours && !t->theirs)
        field = NULL;
    else if (t->ours != t->theirs || !capstone_same_mnemonic(t->list, name, theirs))
        field = "mnemonic";
    else if (t->op.length != t->insn->size)
        field = "length";
    else if (!same_operands(&t->op, &t->insn->detail->x86))
        field = "operands";
    if (field && !capstone_list_allows(t->list, &q, field)) {
        report(t, field);
        return;
    }
    t->passed++;
}

static void look(struct test *t, const uint8_t *bytes, unsigned size)
{
    const uint8_t *code = bytes;
    size_t left = size;
    uint64_t address = EIP;
    t->bytes = bytes;
    uint32_t mode = MODE_PROTECTED | (t->big ? MODE_32 : 0);
    unsigned n = decode(t->decoder, mode, EIP, bytes, size, &t->op);
    CHECK(n != 0);
    t->ours = t->op.body != t->invalid && t->op.row->name[0] != '(';
    t->theirs = cs_disasm_iter(t->capstone[t->big], &code, &left, &address, t->insn);
    compare(t);
}

/* --- all encodings ---------------------------------------------------------------------------- */
static const struct {
    uint8_t size, bytes[3];
    bool all_sib;
} prefixes[] = {
    {0, {0}, true},       {1, {0x66}, false},       {1, {0x67}, true},        {1, {0x26}, false},
    {1, {0x2E}, false},   {1, {0x36}, false},       {1, {0x3E}, false},       {1, {0x64}, false},
    {1, {0x65}, false},   {1, {0xF0}, false},       {1, {0xF2}, false},       {1, {0xF3}, false},
    {2, {0x66, 0x67}, false}, {2, {0x67, 0x66}, false}, {2, {0x66, 0xF3}, false},
    {2, {0xF2, 0x66}, false}, {2, {0xF0, 0x66}, false}, {2, {0xF0, 0x67}, false},
    {2, {0x2E, 0x66}, false}, {2, {0x65, 0x67}, false}, {2, {0x26, 0x36}, false},
    {3, {0xF3, 0x64, 0x66}, false},
};

static bool is_prefix(unsigned opcode)
{
    return opcode == 0x26 || opcode == 0x2E || opcode == 0x36 || opcode == 0x3E ||
           (opcode >= 0x64 && opcode <= 0x67) || opcode == 0xF0 || opcode == 0xF2 || opcode == 0xF3;
}

/* What follows opcode and ModRM: an SIB byte, then bytes of either sign. */
static void look_at_tails(struct test *t, uint8_t *bytes, unsigned at, unsigned modrm, bool all_sib)
{
    static const uint8_t tail[2][12] = {
        {0x12, 0x23, 0x34, 0x45, 0x56, 0x67, 0x78, 0x79, 0x6A, 0x5B, 0x4C, 0x3D},
        {0x92, 0xA3, 0xB4, 0xC5, 0xD6, 0xE7, 0xF8, 0xF9, 0xEA, 0xDB, 0xCC, 0xBD}};
    memcpy(bytes + at, tail[modrm & 1], sizeof tail[0]);
    bool sib = (modrm & 7) == 4 && modrm < 0xC0;
    if (!sib) {
        look(t, bytes, at + sizeof tail[0]);
        return;
    }
    for (unsigned s = all_sib ? 0 : modrm * 5 & 31; s < 256; s += all_sib ? 1 : 37) {
        bytes[at] = (uint8_t)s;
        look(t, bytes, at + sizeof tail[0]);
    }
}

static void look_at_map(struct test *t, unsigned prefix, bool two)
{
    uint8_t bytes[24];
    unsigned start = prefixes[prefix].size;
    memcpy(bytes, prefixes[prefix].bytes, start);
    if (two)
        bytes[start++] = 0x0F;
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        if (!two && (is_prefix(opcode) || opcode == 0x0F))
            continue;
        bytes[start] = (uint8_t)opcode;
        for (unsigned modrm = 0; modrm < 256; modrm++) {
            bytes[start + 1] = (uint8_t)modrm;
            look_at_tails(t, bytes, start + 2, modrm, prefixes[prefix].all_sib);
        }
    }
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    bool verbose = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--list") == 0 && i + 1 < argc)
            path = argv[++i];
        else
            usage_error("'%s' is no option; there are --list PATH and --verbose", argv[i]);
    }
    struct test t = {.decoder = decoder_new(&identity), .list = capstone_list_read(path)};
    if (!t.list)
        return EXIT_USAGE;
    static const uint8_t undefined[2] = {0x0F, 0xFF};
    decode(t.decoder, MODE_32 | MODE_PROTECTED, EIP, undefined, sizeof undefined, &t.op);
    t.invalid = t.op.body;
    for (unsigned big = 0; big < 2; big++) {
        CHECK(cs_open(CS_ARCH_X86, big ? CS_MODE_32 : CS_MODE_16, &t.capstone[big]) == CS_ERR_OK);
        cs_option(t.capstone[big], CS_OPT_DETAIL, CS_OPT_ON);
    }
    t.insn = cs_malloc(t.capstone[0]);
    for (unsigned big = 0; big < 2; big++)
        for (unsigned prefix = 0; prefix < ARRAY_COUNT(prefixes); prefix++)
            for (unsigned two = 0; two < 2; two++) {
                t.big = big;
                look_at_map(&t, prefix, two);
            }
    unsigned unused = capstone_list_report(t.list, verbose);
    cs_free(t.insn, 1);
    cs_close(&t.capstone[0]);
    cs_close(&t.capstone[1]);
    decoder_free(t.decoder);
    capstone_list_free(t.list);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", t.passed, t.failed);
    return t.failed || unused;
}
