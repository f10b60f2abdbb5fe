/* fuzz_guest: a guest of random instructions in real, 16-bit and 32-bit protected, virtual-8086 and
 * paged mode, at any privilege, with descriptor tables, task segments and page tables of which a
 * part is random. It runs some thousand cycles; a triple fault is fine. Then the same guest runs
 * once more with its decoded blocks cut differently, and once from a snapshot taken on the way: all
 * must end in the same state. */
#include "cpu/descriptor.h"
#include "cpu/model.h"
#include "cpu/rows.h"
#include "cpu/run.h"
#include "sim/core/check.h"
#include "tests/fuzz/fuzz.h"

enum { /* physical addresses */
    GDT = 0x1000, IDT = 0x2000, LDT = 0x3000, TSS = 0x4000, PAGES = 0x8000, CODE = 0x10000,
    CODE_BYTES = 0x3000, STACK = 0x28000, STACK0 = 0x2C000, V86_SEGMENT = 0x1000,
};
enum { CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x1B, DATA3 = 0x23, TASK = 0x28, LOCAL = 0x30,
       CODE16 = 0x38, DATA16 = 0x40, FIRST_RANDOM = 0x48, SELECTORS = 0x200 };
enum mode { REAL, PROTECTED_16, PROTECTED_32, USER_32, V86, MODES };
static const char *const mode_names[MODES] = {"real", "protected 16", "protected 32", "user",
                                              "v86"};

struct guest {
    struct machine *m;
    enum mode mode;
    bool paged;
    cycle_t cycles, half;
    uint64_t cut; /* seed for cutting blocks; 0: leave them */
};

/* --- tables ----------------------------------------------------------------------------------- */

static void put32(struct machine *m, uint32_t at, uint32_t v)
{
    memcpy(m->phys.ram + at, &v, sizeof v);
}

static void put_descriptor(struct machine *m, uint32_t at, uint32_t base, uint32_t limit,
                           uint32_t access, uint32_t flags)
{
    put32(m, at, (limit & 0xFFFF) | base << 16);
    put32(m, at + 4, (base >> 16 & 0xFF) | access << 8 | (limit & 0xF0000) | flags << 20 |
                         (base & 0xFF000000u));
}

static uint32_t random_selector(struct random *r)
{
    return random_chance(r, 80) ? random_below(r, SELECTORS / 8) * 8 + random_below(r, 8)
                                : random_below(r, 0x10000);
}

/* A segment, a system segment or a gate; or noise. */
static void random_descriptor(struct machine *m, uint32_t at, struct random *r)
{
    uint32_t access = random_below(r, 256) | (random_chance(r, 85) ? 0x80 : 0);
    if (random_chance(r, 10)) {
        put32(m, at, (uint32_t)random_next(r));
        put32(m, at + 4, (uint32_t)random_next(r));
    } else if (!(access & 0x10) && (access & 4)) { /* gates */
        uint32_t to = CODE + random_below(r, CODE_BYTES);
        put32(m, at, random_selector(r) << 16 | (to & 0xFFFF));
        put32(m, at + 4, (to & 0xFFFF0000u) | access << 8 | random_below(r, 40));
    } else {
        static const uint32_t bases[] = {0, 0, 0, CODE, TSS, TSS + 0x100, LDT, 0x20003};
        put_descriptor(m, at, bases[random_below(r, ARRAY_COUNT(bases))], fuzz_value(r) & 0xFFFFF,
                       access, random_below(r, 16));
    }
}

static void build_tables(struct machine *m, struct random *r)
{
    put_descriptor(m, GDT + CODE0, 0, 0xFF, 0x9B, 0xC);
    put_descriptor(m, GDT + DATA0, 0, 0xFF, 0x93, 0xC);
    put_descriptor(m, GDT + (CODE3 & ~7u), 0, 0xFF, 0xFB, 0xC);
    put_descriptor(m, GDT + (DATA3 & ~7u), 0, 0xFF, 0xF3, 0xC);
    put_descriptor(m, GDT + TASK, TSS, 0x1FF, 0x8B, 0);
    put_descriptor(m, GDT + LOCAL, LDT, 0xFF, 0x82, 0);
    put_descriptor(m, GDT + CODE16, CODE, 0xFFFF, 0x9B, 0);
    put_descriptor(m, GDT + DATA16, STACK - 0x8000, 0xFFFF, 0x93, 0);
    for (uint32_t s = FIRST_RANDOM; s < SELECTORS; s += 8)
        random_descriptor(m, GDT + s, r);
    for (uint32_t s = 0; s < 0x100; s += 8)
        random_descriptor(m, LDT + s, r);
    for (uint32_t v = 0; v < 256; v++) {
        uint32_t to = CODE + random_below(r, CODE_BYTES), dpl = random_chance(r, 50) ? 3 : 0;
        put32(m, IDT + 8 * v, CODE0 << 16 | (to & 0xFFFF));
        put32(m, IDT + 8 * v + 4,
              (to & 0xFFFF0000u) | 0x8000 | dpl << 13 | (random_chance(r, 50) ? 0xE00 : 0xF00));
        if (random_chance(r, 10))
            random_descriptor(m, IDT + 8 * v, r);
    }
    for (uint32_t i = 0; i < 0x400; i++)
        m->phys.ram[TSS + i] = random_chance(r, 30) ? (uint8_t)random_next(r) : 0;
    put32(m, TSS + 4, STACK0);
    put32(m, TSS + 8, DATA0);
    put32(m, TSS + 0x66, 0x68 + random_below(r, 0x80));
}

/* Identity, with random protection and some noise; sometimes 4 MB pages. */
static void build_pages(struct machine *m, struct random *r)
{
    for (uint32_t i = 0; i < 1024; i++) {
        uint32_t page = i << 12 | (random_chance(r, 90) ? 7 : random_below(r, 512));
        if (random_chance(r, 3))
            page = (uint32_t)random_next(r);
        put32(m, PAGES + 0x1000 + 4 * i, page);
        if (random_chance(r, 2))
            put32(m, PAGES + 4 * i, random_chance(r, 50) ? (uint32_t)random_next(r) : 0x87);
    }
    for (uint32_t i = CODE; i < STACK0; i += 4096)
        put32(m, PAGES + 0x1000 + 4 * (i >> 12), i | 7);
    put32(m, PAGES, (PAGES + 0x1000) | 7);
    if (random_chance(r, 30))
        put32(m, PAGES + 4, 0x87);
}

/* --- code ------------------------------------------------------------------------------------- */

static const struct row *random_row(struct random *r)
{
    unsigned count = 0;
    while (families[count])
        count++;
    const struct row_family *f = families[random_below(r, count)];
    return &f->rows[random_below(r, f->count)];
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The bytes of a row's encoding; what follows (displacements, immediates) is noise. */
static unsigned emit_row(uint8_t *to, struct random *r)
{
    const char *p = random_row(r)->code;
    unsigned n = 0;
    for (; *p; p++) {
        if (hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0) {
            to[n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
            p++;
        } else if (*p == '+' && n) {
            to[n - 1] = (uint8_t)(to[n - 1] + random_below(r, 8));
            while (p[1] && p[1] != ' ')
                p++;
        } else if (*p == '/') {
            p++;
            uint8_t modrm = (uint8_t)random_next(r);
            if (*p >= '0' && *p <= '7')
                modrm = (uint8_t)((modrm & 0xC7) | (*p - '0') << 3);
            to[n++] = modrm;
        }
    }
    return n;
}

static unsigned emit(uint8_t *to, struct random *r)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x64, 0x65};
    unsigned n = 0;
    while (random_chance(r, 15) && n < 4)
        to[n++] = prefixes[random_below(r, sizeof prefixes)];
    if (random_chance(r, 80))
        n += emit_row(to + n, r);
    for (unsigned more = random_below(r, random_chance(r, 50) ? 2 : 7); more; more--)
        to[n++] = random_chance(r, 40) ? (uint8_t)random_below(r, 3) : (uint8_t)random_next(r);
    return n;
}

static void write_code(struct machine *m, struct random *r)
{
    uint8_t piece[32];
    for (uint32_t at = 0; at < CODE_BYTES;) {
        unsigned n = emit(piece, r);
        if (at + n > CODE_BYTES)
            break;
        memcpy(m->phys.ram + CODE + at, piece, n);
        at += n;
    }
}

/* --- where it starts -------------------------------------------------------------------------- */

static void load_segment(struct cpu *c, unsigned seg, unsigned selector)
{
    struct descriptor d;
    memcpy(&d.lo, c->mmu->phys.ram + GDT + (selector & ~7u), 4);
    memcpy(&d.hi, c->mmu->phys.ram + GDT + (selector & ~7u) + 4, 4);
    descriptor_to_segment(&d, (uint16_t)selector, &c->seg[seg], seg == CS);
}

static void set_segments(struct cpu *c, unsigned code, unsigned data)
{
    for (unsigned i = 0; i < SEG_COUNT; i++)
        load_segment(c, i, i == CS ? code : data);
    cpu_set_cpl(c, code & 3);
}

static void set_system(struct cpu *c, bool paged, struct random *r)
{
    struct descriptor d = {.lo = 0, .hi = 0};
    c->gdt_base = GDT;
    c->gdt_limit = SELECTORS - 1;
    c->idt_base = IDT;
    c->idt_limit = 0x7FF;
    c->cr0 = CR0_PE | CR0_ET | (random_chance(r, 70) ? CR0_NE : 0) |
             (random_chance(r, 20) ? CR0_AM : 0) | (random_chance(r, 50) ? CR0_WP : 0) |
             (random_chance(r, 10) ? CR0_TS : 0);
    c->cr4 = random_below(r, 32) & c->identity->cr4_writable;
    if (random_chance(r, 80))
        c->cr4 |= (CR4_OSFXSR | CR4_OSXMMEXCPT) & c->identity->cr4_writable;
    c->cr3 = PAGES;
    mmu_set_cr3(c->mmu, c->cr3);
    if (paged)
        c->cr0 |= CR0_PG;
    memcpy(&d.lo, c->mmu->phys.ram + GDT + TASK, 4);
    memcpy(&d.hi, c->mmu->phys.ram + GDT + TASK + 4, 4);
    descriptor_to_segment(&d, TASK, &c->tr, false);
    cpu_mode_changed(c);
}

static void set_real(struct machine *m, struct random *r)
{
    struct cpu *c = m->cpu;
    c->idt_base = 0;
    c->idt_limit = 0x3FF;
    for (uint32_t v = 0; v < 256; v++)
        put32(m, 4 * v, (uint32_t)(V86_SEGMENT << 16 | random_below(r, CODE_BYTES)));
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_load_real(c, i, i == CS || random_chance(r, 50) ? V86_SEGMENT : 0x2000);
}

static void set_v86(struct machine *m, struct random *r)
{
    struct cpu *c = m->cpu;
    cpu_set_flags(c, 2u | (uint32_t)F_VM | random_below(r, 4) << 12);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        segment_load_real(c, i, i == CS || random_chance(r, 50) ? V86_SEGMENT : 0x2000);
    cpu_set_cpl(c, 3);
}

static void set_registers(struct cpu *c, enum mode mode, struct random *r)
{
    for (unsigned i = 0; i < 8; i++)
        c->r[i] = random_chance(r, 60) ? random_below(r, 0x30000) : fuzz_value(r);
    bool narrow = mode == REAL || mode == V86 || mode == PROTECTED_16;
    c->r[ESP] = narrow ? 0x7FF0 : STACK;
    c->eip = (narrow ? 0 : CODE) + random_below(r, CODE_BYTES);
    uint32_t vm = c->eflags & (F_VM | F_IOPL);
    cpu_set_flags(c, ((uint32_t)random_next(r) & (F_ARITH | F_IF | F_DF)) | vm |
                         (random_chance(r, 5) ? F_TF : 0) | 2);
    for (unsigned i = 0; i < 4 && random_chance(r, 15); i++) {
        c->dr[i] = CODE + random_below(r, CODE_BYTES);
        c->dr[7] |= 1u << 2 * i | random_below(r, 16) << (16 + 4 * i);
    }
    cpu_mode_changed(c);
}

static void set_up(struct guest *g, struct random *r)
{
    struct machine *m = g->m;
    machine_boot(m, &(struct boot){.append = ""});
    build_tables(m, r);
    build_pages(m, r);
    write_code(m, r);
    pic_write(&m->master, 1, (uint8_t)random_next(r));
    pic_write(&m->slave, 1, (uint8_t)random_next(r));
    if (g->mode == REAL) {
        set_real(m, r);
    } else {
        set_system(m->cpu, g->paged, r);
        if (g->mode == V86)
            set_v86(m, r);
        else if (g->mode == USER_32)
            set_segments(m->cpu, CODE3, DATA3);
        else if (g->mode == PROTECTED_16)
            set_segments(m->cpu, CODE16, DATA16);
        else
            set_segments(m->cpu, CODE0, DATA0);
    }
    set_registers(m->cpu, g->mode, r);
}

/* --- running ---------------------------------------------------------------------------------- */

static void run_on(struct guest *g, cycle_t to)
{
    struct random r = {g->cut};
    while (g->m->clock.now < to && (g->m->end == END_STOPPED || g->m->end == END_NONE)) {
        cycle_t most = to - g->m->clock.now, n = g->cut ? 1 + random_below(&r, 600) : most;
        if (g->cut)
            blocks_set_limit(g->m->cpu->blocks, 1 + random_below(&r, BLOCK_OPS_MAX));
        fuzz_run(g->m, n < most ? n : most);
    }
}

static void run_half(void *owner)
{
    struct guest *g = owner;
    run_on(g, g->half);
}

static void run_rest(void *owner)
{
    struct guest *g = owner;
    run_on(g, g->cycles);
}

/* On the Pentium's model, or on one of two machines without a model. */
enum part { PENTIUM_TIMED, PENTIUM, ATHLON_64, PARTS };

static struct guest new_guest(uint64_t seed, enum part part, uint64_t cut)
{
    struct random r = {seed};
    struct guest g = {.m = fuzz_machine(&r, part == ATHLON_64 ? "a64-2200" : "p133",
                                        part == PENTIUM_TIMED ? "p5" : "flat"),
                      .cut = cut};
    g.mode = (enum mode)random_below(&r, MODES);
    g.paged = random_chance(&r, 50);
    set_up(&g, &r);
    uint32_t length = 500 + random_below(&r, 8000);
    g.cycles = g.m->clock.now + length;
    g.half = g.m->clock.now + 1 + random_below(&r, length - 1);
    return g;
}

static void expect_same(const char *what, struct guest *a, struct guest *b, bool a_ran, bool b_ran)
{
    struct snap save, diff;
    if (a_ran != b_ran)
        fuzz_fail("%s: one run met hardware that is not modelled, the other did not", what);
    if (!a_ran || machine_hash(a->m) == machine_hash(b->m))
        return;
    snap_begin_save(&save);
    machine_snapshot(b->m, &save);
    snap_begin_diff(&diff, save.data, save.size);
    machine_snapshot(a->m, &diff);
    fuzz_fail("%s: ends by %d and %d with another state: %s", what, a->m->end, b->m->end,
              diff.message);
}

static bool run_part(void (*part)(void *owner), struct guest *g)
{
    int code;
    if (fuzz_guard(part, g, &code))
        return true;
    if (code != EXIT_UNIMPLEMENTED)
        fuzz_fail("exit code %d", code);
    return false;
}

static void one_case(uint64_t seed)
{
    enum part part = (enum part)(seed % PARTS);
    struct guest plain = new_guest(seed, part, 0), cut = new_guest(seed, part, seed + 1);
    struct guest loaded = new_guest(seed + 1, part, 0);
    if (loaded.m->phys.size != plain.m->phys.size) { /* a snapshot wants the same machine */
        machine_free(loaded.m);
        loaded = new_guest(seed, part, 0);
    }
    fuzz_count(mode_names[plain.mode]);
    bool ran = run_part(run_half, &plain);
    if (ran) {
        struct snap save, load;
        snap_begin_save(&save);
        machine_snapshot(plain.m, &save);
        snap_begin_load(&load, save.data, save.size);
        machine_snapshot(loaded.m, &load);
        if (load.failed)
            fuzz_fail("loading a snapshot: %s", load.message);
        ledger_restart(&loaded.m->ledger);
        snap_free(&save);
        loaded.cycles = plain.cycles;
        loaded.m->end = plain.m->end;
        ran = run_part(run_rest, &plain);
        expect_same("from a snapshot", &loaded, &plain, run_part(run_rest, &loaded), ran);
    }
    expect_same("blocks cut differently", &cut, &plain, run_part(run_rest, &cut), ran);
    fuzz_count(!ran ? "not modelled" : plain.m->end == END_SHUTDOWN ? "triple fault" : "went on");
    machine_free(plain.m);
    machine_free(cut.m);
    machine_free(loaded.m);
}

int main(int argc, char **argv) { return fuzz_main(argc, argv, "fuzz_guest", one_case); }
