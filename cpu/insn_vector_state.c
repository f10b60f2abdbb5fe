/* insn_vector_state: FXSAVE, FXRSTOR, MXCSR, EMMS; fences, prefetches and CLFLUSH, which say
 * something about caches and change no result. [SDM2] [APM4] [APM5] */
#include "cpu/rows.h"
#include "cpu/vector.h"

void vector_unavailable(struct cpu *c, bool sse)
{
    bool off = c->cr0 & CR0_EM || (sse && !(c->cr4 & CR4_OSFXSR));
    cpu_raise(c, off ? EXC_UD : EXC_NM);
}

/* --- FXSAVE and FXRSTOR --------------------------------------------------------------------------
 *
 * 512 bytes, aligned to 16 [SDM2 FXSAVE]:
 *
 *     0  FCW, FSW, tags (a bit a register, set: in use), FOP
 *     8  instruction pointer, its selector
 *    16  data pointer, its selector
 *    24  MXCSR, MXCSR_MASK
 *    32  ST0 .. ST7 (MM0 .. MM7), 16 bytes each
 *   160  XMM0 .. XMM7
 *   288  nothing: not written
 *
 * AMD's parts save and load FOP and the pointers only where ES is set [APM5 FXSAVE]: an exception's
 * handler is the one who needs them. XMM registers go with CR4.OSFXSR, MXCSR wherever there is
 * one. */

enum { FX_POINTERS = 8, FX_MXCSR = 24, FX_ST = 32, FX_XMM = 160, FX_BYTES = 512 };

/* The whole area must be there, whatever of it is used. */
static laddr_t fx_area(struct cpu *c, const struct op *o, bool write)
{
    uint32_t offset = effective_address(c, o);
    if ((c->seg[o->seg].base + offset) & 15)
        cpu_raise_code(c, EXC_GP, 0);
    if (write)
        return x87_writable(c, o, offset, FX_BYTES);
    laddr_t la = segment_linear(c, o->seg, offset, FX_BYTES, false);
    if (mmu_probe(c->mmu, la, FX_BYTES, false, c->cpl == 3) != MMU_OK)
        cpu_raise_page_fault(c);
    return la;
}

static bool saves_xmm(const struct cpu *c)
{
    return cpu_has(c, FEATURE_SSE) && (c->cr4 & CR4_OSFXSR);
}

static void fxsave(struct cpu *c, const struct op *o)
{
    x87_available(c);
    const struct x87 *x = &c->x87;
    laddr_t la = fx_area(c, o, true);
    linear_write(c, la, 4, x->control | (uint32_t)(x->status | x->top << 11) << 16);
    linear_write(c, la + 4, 2, (uint8_t)~x->empty);
    if (x->status & X87_ES) {
        linear_write(c, la + 6, 2, x->opcode);
        linear_write(c, la + FX_POINTERS, 8, x->code_offset | (uint64_t)x->code_selector << 32);
        linear_write(c, la + FX_POINTERS + 8, 8,
                     x->data_offset | (uint64_t)x->data_selector << 32);
    }
    if (cpu_has(c, FEATURE_SSE))
        linear_write(c, la + FX_MXCSR, 8, c->mxcsr | (uint64_t)c->identity->mxcsr_mask << 32);
    for (unsigned i = 0; i < 8; i++) {
        linear_write(c, la + FX_ST + 16 * i, 8, st(c, i)->mantissa);
        linear_write(c, la + FX_ST + 16 * i + 8, 8, st(c, i)->sign_exponent);
    }
    for (unsigned i = 0; i < 8 && saves_xmm(c); i++) {
        linear_write(c, la + FX_XMM + 16 * i, 8, c->xmm[i].q[0]);
        linear_write(c, la + FX_XMM + 16 * i + 8, 8, c->xmm[i].q[1]);
    }
}

struct fx_image {
    uint64_t head[4];
    struct f80 st[8];
    union vec xmm[8];
};

static void fx_read(struct cpu *c, laddr_t la, struct fx_image *f)
{
    for (unsigned i = 0; i < 4; i++)
        f->head[i] = linear_read(c, la + 8 * i, 8);
    for (unsigned i = 0; i < 8; i++) {
        f->st[i].mantissa = linear_read(c, la + FX_ST + 16 * i, 8);
        f->st[i].sign_exponent = (uint16_t)linear_read(c, la + FX_ST + 16 * i + 8, 2);
    }
    for (unsigned i = 0; i < 8 && saves_xmm(c); i++) {
        f->xmm[i].q[0] = linear_read(c, la + FX_XMM + 16 * i, 8);
        f->xmm[i].q[1] = linear_read(c, la + FX_XMM + 16 * i + 8, 8);
    }
}

/* Reserved bits of MXCSR that are set raise #GP(0), before anything is loaded. */
static void check_mxcsr(struct cpu *c, uint32_t v)
{
    if (v & ~c->identity->mxcsr_mask)
        cpu_raise_code(c, EXC_GP, 0);
}

static void fxrstor(struct cpu *c, const struct op *o)
{
    x87_available(c);
    struct fx_image f;
    fx_read(c, fx_area(c, o, false), &f);
    if (cpu_has(c, FEATURE_SSE)) {
        check_mxcsr(c, (uint32_t)f.head[3]);
        c->mxcsr = (uint32_t)f.head[3];
    }
    x87_restore(c, (uint16_t)f.head[0], (uint16_t)(f.head[0] >> 16), (uint8_t)~(f.head[0] >> 32));
    struct x87 *x = &c->x87;
    if (x->status & X87_ES) {
        x->opcode = f.head[0] >> 48 & 0x7FF;
        x->code_offset = (uint32_t)f.head[1];
        x->code_selector = (uint16_t)(f.head[1] >> 32);
        x->data_offset = (uint32_t)f.head[2];
        x->data_selector = (uint16_t)(f.head[2] >> 32);
    }
    for (unsigned i = 0; i < 8; i++)
        *st(c, i) = f.st[i];
    if (saves_xmm(c))
        memcpy(c->xmm, f.xmm, sizeof c->xmm);
}

/* --- MXCSR, EMMS ------------------------------------------------------------------------------ */

static void ldmxcsr(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    uint32_t v = (uint32_t)operand_read(c, o, 4);
    check_mxcsr(c, v);
    c->mxcsr = v;
}

static void stmxcsr(struct cpu *c, const struct op *o)
{
    sse_begin(c);
    mem_write(c, o->seg, effective_address(c, o), 4, c->mxcsr);
}

/* Every register is empty afterwards. FEMMS may leave their contents undefined: they stay. */
static void emms(struct cpu *c, const struct op *o)
{
    (void)o;
    if (!mmx_begin(c))
        return;
    c->x87.top = 0;
    c->x87.empty = 0xFF;
}

/* --- caches ----------------------------------------------------------------------------------- */

/* Also the fences: every access is complete before the next begins. */
static void nothing(struct cpu *c, const struct op *o)
{
    (void)c;
    (void)o;
}

/* Never faults. Of the hints T0, T1 and T2 the parts make no difference [25112 5.6]. */
static void ask_for_line(struct cpu *c, const struct op *o, enum mmu_prefetch how)
{
    laddr_t la = c->seg[o->seg].base + effective_address(c, o);
    mmu_prefetch(c->mmu, la, how, c->cpl == 3);
    note(c, NOTE_PREFETCH, la);
}

static void prefetch(struct cpu *c, const struct op *o) { ask_for_line(c, o, PREFETCH_READ); }

static void prefetch_to_write(struct cpu *c, const struct op *o)
{
    ask_for_line(c, o, PREFETCH_WRITE);
}

static void prefetch_once(struct cpu *c, const struct op *o)
{
    ask_for_line(c, o, PREFETCH_PASSING);
}

/* Faults as a load of one byte would, but for what may only be executed [SDM2 CLFLUSH]. */
static void clflush(struct cpu *c, const struct op *o)
{
    laddr_t la = segment_linear_flush(c, o->seg, effective_address(c, o));
    if (mmu_probe(c->mmu, la, 1, false, c->cpl == 3) != MMU_OK)
        cpu_raise_page_fault(c);
    mmu_flush_line(c->mmu, la);
    note(c, NOTE_LINE_FLUSH, la);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define R A_DEST_READ
#define W A_DEST_WRITE
#define PREFETCH(code, name, body, feature)                                                        \
    ROW(code, name, "Mb", MEMFORM(body), R, feature, "prefetch")
#define ROW(code, name, operands, forms, attributes, feature, timing)                              \
    {code, name, operands, forms, 0, 0, 0, attributes, feature, 0, 0, timing}

static const struct row rows[] = {
    ROW("NP 0F 77", "EMMS", "", ANYFORM(emms), 0, FEATURE_MMX, "emms"),
    ROW("0F 0E", "FEMMS", "", ANYFORM(emms), 0, FEATURE_3DNOW, "emms"),
    PREFETCH("0F 0D /0", "PREFETCH", prefetch, FEATURE_3DNOW),
    PREFETCH("0F 0D /1", "PREFETCHW", prefetch_to_write, FEATURE_3DNOW),
    PREFETCH("0F 0D /2", "PREFETCH", prefetch, FEATURE_3DNOW), /* 2 to 7 are reserved */
    PREFETCH("0F 0D /3", "PREFETCHW", prefetch_to_write, FEATURE_3DNOW),
    PREFETCH("0F 0D /4", "PREFETCH", prefetch, FEATURE_3DNOW),
    PREFETCH("0F 0D /5", "PREFETCH", prefetch, FEATURE_3DNOW),
    PREFETCH("0F 0D /6", "PREFETCH", prefetch, FEATURE_3DNOW),
    PREFETCH("0F 0D /7", "PREFETCH", prefetch, FEATURE_3DNOW),
    PREFETCH("0F 18 /0", "PREFETCHNTA", prefetch_once, FEATURE_HINT_NOP),
    PREFETCH("0F 18 /1", "PREFETCHT0", prefetch, FEATURE_HINT_NOP),
    PREFETCH("0F 18 /2", "PREFETCHT1", prefetch, FEATURE_HINT_NOP),
    PREFETCH("0F 18 /3", "PREFETCHT2", prefetch, FEATURE_HINT_NOP),
    ROW("0F 18 /4", "NOP", "Ev", MEMFORM(nothing), R, FEATURE_HINT_NOP, "nop_hint"),
    ROW("0F 18 /5", "NOP", "Ev", MEMFORM(nothing), R, FEATURE_HINT_NOP, "nop_hint"),
    ROW("0F 18 /6", "NOP", "Ev", MEMFORM(nothing), R, FEATURE_HINT_NOP, "nop_hint"),
    ROW("0F 18 /7", "NOP", "Ev", MEMFORM(nothing), R, FEATURE_HINT_NOP, "nop_hint"),
    ROW("0F 18 /r", "NOP", "Ev", REGFORM(nothing), R, FEATURE_HINT_NOP, "nop_hint"),
    ROW("NP 0F AE /0", "FXSAVE", "Mv", MEMFORM(fxsave), W | A_END, FEATURE_FXSR, "fxsave"),
    ROW("NP 0F AE /1", "FXRSTOR", "Mv", MEMFORM(fxrstor), R | A_END, FEATURE_FXSR, "fxrstor"),
    ROW("NP 0F AE /2", "LDMXCSR", "Md", MEMFORM(ldmxcsr), R, FEATURE_SSE, "ldmxcsr"),
    ROW("NP 0F AE /3", "STMXCSR", "Md", MEMFORM(stmxcsr), W, FEATURE_SSE, "stmxcsr"),
    ROW("NP 0F AE /5", "LFENCE", "", REGFORM(nothing), 0, FEATURE_SSE2, "lfence"),
    ROW("NP 0F AE /6", "MFENCE", "", REGFORM(nothing), 0, FEATURE_SSE2, "mfence"),
    ROW("NP 0F AE /7", "SFENCE", "", REGFORM(nothing), 0, FEATURE_MMX_EXT, "sfence"),
    ROW("NP 0F AE /7", "CLFLUSH", "Mb", MEMFORM(clflush), R, FEATURE_CLFLUSH, "clflush"),
};

const struct row_family family_vector_state = {rows, ARRAY_COUNT(rows)};
