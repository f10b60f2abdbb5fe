#include "sim/gdb/registers.h"

#include "cpu/model.h"
#include "cpu/x87.h"

#include <string.h>

enum { N_EIP = 8, N_EFLAGS, N_CS, N_SS, N_DS, N_ES, N_FS, N_GS, N_ST0, N_FCTRL = 24, N_FSTAT,
       N_FTAG, N_FISEG, N_FIOFF, N_FOSEG, N_FOOFF, N_FOP, N_CR0, N_CR2, N_CR3, N_CR4,
       N_CS_BASE, N_GS_BASE = N_CS_BASE + 5, N_TR_BASE, N_LDT_BASE, N_GDT_BASE, N_IDT_BASE, N_CPL,
       N_CYCLE, N_RETIRED, N_XMM0, N_MXCSR = N_XMM0 + 8, N_REGISTERS };

#define REG(name, type) "<reg name=\"" name "\" bitsize=\"32\" type=\"" type "\"/>"
#define BASE(name) "<reg name=\"" name "_base\" bitsize=\"32\" type=\"data_ptr\"/>"
#define COUNT(name) "<reg name=\"" name "\" bitsize=\"64\" type=\"uint64\"/>"
#define ST(n) "<reg name=\"st" n "\" bitsize=\"80\" type=\"i387_ext\"/>"
#define FLOAT(name) "<reg name=\"" name "\" bitsize=\"32\" type=\"int\" group=\"float\"/>"

#define VECTOR(name, type, count)                                                                  \
    "<vector id=\"" name "\" type=\"" type "\" count=\"" count "\"/>"
#define FIELD(name, type) "<field name=\"" name "\" type=\"" type "\"/>"
#define FLAG(name, bit) "<field name=\"" name "\" start=\"" bit "\" end=\"" bit "\"/>"
#define XMM(n) "<reg name=\"xmm" n "\" bitsize=\"128\" type=\"vec128\" group=\"vector\"/>"

#define TARGET                                                                                     \
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"                   \
    "<architecture>i386</architecture><feature name=\"org.gnu.gdb.i386.core\">"                    \
    REG("eax", "int32") REG("ecx", "int32") REG("edx", "int32") REG("ebx", "int32")                \
    REG("esp", "data_ptr") REG("ebp", "data_ptr") REG("esi", "int32") REG("edi", "int32")          \
    REG("eip", "code_ptr") REG("eflags", "int32") REG("cs", "int32") REG("ss", "int32")            \
    REG("ds", "int32") REG("es", "int32") REG("fs", "int32") REG("gs", "int32")                    \
    ST("0") ST("1") ST("2") ST("3") ST("4") ST("5") ST("6") ST("7")                                \
    FLOAT("fctrl") FLOAT("fstat") FLOAT("ftag") FLOAT("fiseg") FLOAT("fioff") FLOAT("foseg")       \
    FLOAT("fooff") FLOAT("fop")                                                                    \
    "</feature><feature name=\"org.isochron.control\">"                                            \
    REG("cr0", "int32") REG("cr2", "data_ptr") REG("cr3", "int32") REG("cr4", "int32")             \
    BASE("cs") BASE("ss") BASE("ds") BASE("es") BASE("fs") BASE("gs") BASE("tr") BASE("ldt")       \
    BASE("gdt") BASE("idt") REG("cpl", "int32") COUNT("cycle") COUNT("retired")                    \
    "</feature>"

/* With the types that GDB's own description of the feature has. */
#define SSE                                                                                        \
    "<feature name=\"org.gnu.gdb.i386.sse\">"                                                      \
    VECTOR("v4f", "ieee_single", "4") VECTOR("v2d", "ieee_double", "2")                            \
    VECTOR("v16i8", "int8", "16") VECTOR("v8i16", "int16", "8") VECTOR("v4i32", "int32", "4")      \
    VECTOR("v2i64", "int64", "2")                                                                  \
    "<union id=\"vec128\">" FIELD("v4_float", "v4f") FIELD("v2_double", "v2d")                     \
    FIELD("v16_int8", "v16i8") FIELD("v8_int16", "v8i16") FIELD("v4_int32", "v4i32")               \
    FIELD("v2_int64", "v2i64") FIELD("uint128", "uint128") "</union>"                              \
    "<flags id=\"i386_mxcsr\" size=\"4\">" FLAG("IE", "0") FLAG("DE", "1") FLAG("ZE", "2")         \
    FLAG("OE", "3") FLAG("UE", "4") FLAG("PE", "5") FLAG("DAZ", "6") FLAG("IM", "7")               \
    FLAG("DM", "8") FLAG("ZM", "9") FLAG("OM", "10") FLAG("UM", "11") FLAG("PM", "12")             \
    FLAG("FZ", "15") "</flags>"                                                                    \
    XMM("0") XMM("1") XMM("2") XMM("3") XMM("4") XMM("5") XMM("6") XMM("7")                        \
    "<reg name=\"mxcsr\" bitsize=\"32\" type=\"i386_mxcsr\" group=\"vector\"/></feature>"

const char *gdb_target_xml(const struct cpu *c)
{
    return cpu_has(c, FEATURE_SSE) ? TARGET SSE "</target>" : TARGET "</target>";
}

static const char *const names[N_REGISTERS] = {
    "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip", "eflags", "cs", "ss",
    "ds", "es", "fs", "gs", "st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7",
    "fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop", "cr0", "cr2", "cr3", "cr4",
    "cs_base", "ss_base", "ds_base", "es_base", "fs_base", "gs_base", "tr_base", "ldt_base",
    "gdt_base", "idt_base", "cpl", "cycle", "retired",
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "mxcsr",
};

static const uint8_t segments[6] = {CS, SS, DS, ES, FS, GS}; /* in GDB's order */

const char *gdb_register_name(unsigned n) { return n < N_REGISTERS ? names[n] : NULL; }

unsigned gdb_register_size(const struct cpu *c, unsigned n)
{
    if (n >= (cpu_has(c, FEATURE_SSE) ? N_REGISTERS : N_XMM0))
        return 0;
    if (n >= N_XMM0)
        return n == N_MXCSR ? 4 : 16;
    return n >= N_ST0 && n < N_FCTRL ? 10 : n >= N_CYCLE ? 8 : 4;
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint32_t tag_word(const struct x87 *x)
{
    uint32_t tags = 0;
    for (unsigned i = 0; i < 8; i++)
        tags |= (x->empty >> i & 1 ? 3 : x87_tag(x->r[i])) << 2 * i;
    return tags;
}

static uint32_t read_word(const struct cpu *c, unsigned n)
{
    const struct x87 *x = &c->x87;
    if (n < N_EIP)
        return c->r[n];
    if (n >= N_CS && n <= N_GS)
        return c->seg[segments[n - N_CS]].selector;
    if (n >= N_CS_BASE && n <= N_GS_BASE)
        return c->seg[segments[n - N_CS_BASE]].base;
    switch (n) {
    case N_EIP: return c->eip;
    case N_EFLAGS: return cpu_get_flags(c);
    case N_FCTRL: return x->control;
    case N_FSTAT: return x->status | (uint32_t)x->top << 11;
    case N_FTAG: return tag_word(x);
    case N_FISEG: return x->code_selector;
    case N_FIOFF: return x->code_offset;
    case N_FOSEG: return x->data_selector;
    case N_FOOFF: return x->data_offset;
    case N_FOP: return x->opcode;
    case N_CR0: return c->cr0;
    case N_CR2: return c->cr2;
    case N_CR3: return c->cr3;
    case N_CR4: return c->cr4;
    case N_TR_BASE: return c->tr.base;
    case N_LDT_BASE: return c->ldtr.base;
    case N_GDT_BASE: return c->gdt_base;
    case N_IDT_BASE: return c->idt_base;
    case N_CPL: return c->cpl;
    case N_MXCSR: return c->mxcsr;
    default: return 0;
    }
}

void gdb_register_read(const struct cpu *c, unsigned n, uint8_t *bytes)
{
    if (gdb_register_size(c, n) == 16) {
        memcpy(bytes, &c->xmm[n - N_XMM0], 16);
        return;
    }
    if (gdb_register_size(c, n) == 10) {
        const struct f80 *f = &c->x87.r[(c->x87.top + n - N_ST0) & 7];
        memcpy(bytes, &f->mantissa, 8);
        memcpy(bytes + 8, &f->sign_exponent, 2);
        return;
    }
    if (n == N_CYCLE || n == N_RETIRED) {
        uint64_t count = n == N_CYCLE ? c->clock->now : c->instructions;
        memcpy(bytes, &count, sizeof count);
        return;
    }
    uint32_t v = read_word(c, n);
    memcpy(bytes, &v, sizeof v);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* What was under way at the old place does not go on at the new one. */
static void jump(struct cpu *c, uint32_t eip)
{
    c->eip = eip;
    c->rep_running = c->halted = c->stops.passed = false;
    c->fetch_line = FETCH_NONE;
    if (c->model->reset)
        c->model->reset(c->model);
}

static bool write_segment(struct cpu *c, unsigned seg, uint32_t v)
{
    if (c->protected_mode || v > 0xFFFF)
        return false;
    segment_load_real(c, seg, (uint16_t)v);
    cpu_mode_changed(c);
    return true;
}

static bool write_flags(struct cpu *c, uint32_t v)
{
    const uint32_t known = F_ARITH | F_TF | F_IF | F_DF | F_IOPL | F_NT | F_RF | F_AC | F_ID;
    if ((v ^ cpu_get_flags(c)) & ~known)
        return false;
    cpu_set_flags(c, v);
    return true;
}

static void write_tags(struct x87 *x, uint32_t v)
{
    x->empty = 0;
    for (unsigned i = 0; i < 8; i++)
        x->empty = (uint8_t)(x->empty | ((v >> 2 * i & 3) == 3) << i);
}

static bool write_word(struct cpu *c, unsigned n, uint32_t v)
{
    struct x87 *x = &c->x87;
    if (n < N_EIP) {
        c->r[n] = v;
        return true;
    }
    if (n >= N_CS && n <= N_GS)
        return write_segment(c, segments[n - N_CS], v);
    switch (n) {
    case N_EIP: jump(c, v); return true;
    case N_EFLAGS: return write_flags(c, v);
    case N_FCTRL: x->control = (v & 0x1F3F) | 0x40; return true;
    case N_FSTAT:
        x->status = v & 0xC7FF;
        x->top = v >> 11 & 7;
        return true;
    case N_FTAG: write_tags(x, v); return true;
    case N_FISEG: x->code_selector = (uint16_t)v; return true;
    case N_FIOFF: x->code_offset = v; return true;
    case N_FOSEG: x->data_selector = (uint16_t)v; return true;
    case N_FOOFF: x->data_offset = v; return true;
    case N_FOP: x->opcode = v & 0x7FF; return true;
    case N_MXCSR:
        if (v & ~c->identity->mxcsr_mask)
            return false;
        c->mxcsr = v;
        return true;
    default: return false;
    }
}

bool gdb_register_write(struct cpu *c, unsigned n, const uint8_t *bytes)
{
    uint8_t old[GDB_REGISTER_BYTES_MAX];
    unsigned size = gdb_register_size(c, n);
    uint32_t v;
    if (!size)
        return false;
    gdb_register_read(c, n, old);
    if (memcmp(old, bytes, size) == 0)
        return true;
    if (size == 16) {
        memcpy(&c->xmm[n - N_XMM0], bytes, size);
        return true;
    }
    if (size == 10) {
        struct f80 *f = &c->x87.r[(c->x87.top + n - N_ST0) & 7];
        memcpy(&f->mantissa, bytes, 8);
        memcpy(&f->sign_exponent, bytes + 8, 2);
        return true;
    }
    if (size == 8)
        return false;
    memcpy(&v, bytes, sizeof v);
    return write_word(c, n, v);
}
