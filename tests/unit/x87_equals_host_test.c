/* Every x87 instruction against this host's silicon: random states and operands, the whole FSAVE
 * image compared. The one difference accepted besides the last bit of transcendental functions is
 * that AMD sets condition codes even if a comparison's exception is unmasked, against the manual.
 *
 * Skipped where the host has no 80-bit unit: other processors, and Valgrind. A seed may be given as
 * argument; the one used is printed. */
#include "cpu/insn_x87.h"
#include "cpu/rows.h"
#include "insn_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#define CASES 600000
#define IMAGE_AT 0x2000
#define OPERAND_AT 0x3000
#define RESULT_AT 0x4000
#define OPERAND_BYTES 128
#define STATUS_FLAGS (F_CF | F_PF | F_AF | F_ZF | F_SF | F_OF)

struct image {
    uint32_t environment[7];
    uint8_t registers[80];
};

struct outcome {
    struct image image;
    uint8_t operand[OPERAND_BYTES];
    uint64_t flags;
};

/* --- random states ---------------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t random_64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static unsigned pick(unsigned n) { return (unsigned)((random_64() >> 33) % n); }

static uint64_t random_mantissa(void)
{
    uint64_t m = random_64();
    switch (pick(8)) {
    case 0: return F80_INTEGER;
    case 1: return UINT64_MAX;
    case 2: return UINT64_MAX << pick(64);
    case 3: return F80_INTEGER | UINT64_C(1) << pick(64) | UINT64_C(1) << pick(64);
    case 4: return (m & UINT64_MAX << 11) | (uint64_t)pick(2) << 10; /* ties of a double */
    case 5: return (m & UINT64_MAX << 40) | (uint64_t)pick(2) << 39; /* of a single */
    default: return m;
    }
}

/* Exponents around those where some format or conversion ends. */
static int32_t random_edge(void)
{
    static const int32_t edges[] = {-126, -149, 128, -1022, -1074, 1024, 15, 31, 59, 60, 63, 0};
    return F80_BIAS + edges[pick(ARRAY_COUNT(edges))] - 3 + (int32_t)pick(6);
}

static struct f80 random_number(void)
{
    bool sign = pick(2);
    uint64_t m = random_mantissa();
    switch (pick(14)) {
    case 0: return f80_zero(sign);
    case 1: return f80_make(sign, 0, (m & ~F80_INTEGER) >> (pick(2) ? pick(64) : 0));
    case 2: return f80_make(sign, 0, m | F80_INTEGER);
    case 3: return f80_infinity(sign);
    case 4: return f80_make(sign, 0x7FFF, m | F80_INTEGER | F80_QUIET);
    case 5: return f80_make(sign, 0x7FFF, (m | F80_INTEGER | 1) & ~F80_QUIET);
    case 6: return f80_make(sign, 1 + (int32_t)pick(0x7FFF), m & ~F80_INTEGER);
    case 7: return f80_make(sign, 1 + (int32_t)pick(70), m | F80_INTEGER);
    case 8: return f80_make(sign, 0x7FFE - (int32_t)pick(70), m | F80_INTEGER);
    case 9: return f80_make(sign, random_edge(), m | F80_INTEGER);
    case 10: return x87_from_int((int64_t)pick(40) - 20);
    case 11: return f80_make(sign, 1 + (int32_t)pick(0x7FFE), m | F80_INTEGER);
    default: return f80_make(sign, F80_BIAS - 70 + (int32_t)pick(140), m | F80_INTEGER);
    }
}

/* No exception is pending: flags that are set are masked. */
static void random_image(struct image *image)
{
    memset(image, 0, sizeof *image);
    uint32_t control = 0x40 | pick(4) << 10 | (pick(2) ? 3 : pick(4)) << 8 |
                       (pick(2) ? 0x3F : pick(64));
    uint32_t flags = pick(2) ? pick(128) & (control | X87_SF) & 0x7F : 0;
    image->environment[0] = control;
    image->environment[1] = pick(8) << 11 | (uint32_t)(random_64() & X87_CONDITION) | flags;
    for (unsigned i = 0; i < 8; i++)
        if (pick(8) == 0)
            image->environment[2] |= 3u << 2 * i;
    for (unsigned i = 0; i < 8; i++) {
        struct f80 v = random_number();
        memcpy(image->registers + 10 * i, &v.mantissa, 8);
        memcpy(image->registers + 10 * i + 8, &v.sign_exponent, 2);
    }
}

/* Bytes that suit every kind of operand now and then. */
static void random_operand(uint8_t p[OPERAND_BYTES])
{
    struct f80 v = random_number();
    struct x87_env e = {0x37F, 0};
    uint64_t q = random_64();
    memset(p, 0, OPERAND_BYTES);
    switch (pick(8)) {
    case 0: q = x87_to_f64(v, &e); break;
    case 1: q = x87_to_f32(v, &e); break;
    case 2: q &= UINT64_C(0x800FFFFF807FFFFF); break; /* denormals */
    case 3: q = UINT64_C(0x7FF000007F800000) | (q & UINT64_C(0x800FFFFF807FFFFF)); break;
    case 4: q = (uint64_t)((int64_t)pick(20) - 10); break;
    case 5: q = UINT64_C(0x8000000080008000); break;
    case 6: /* decimal digits */
        for (unsigned i = 0; i < 9; i++)
            p[i] = (uint8_t)(pick(10) << 4 | pick(10));
        p[9] = (uint8_t)q;
        return;
    default:
        memcpy(p, &v.mantissa, 8);
        memcpy(p + 8, &v.sign_exponent, 2);
        return;
    }
    memcpy(p, &q, 8);
}

/* --- running one instruction ------------------------------------------------------------------ */

typedef uint64_t (*stub)(const struct image *in, void *operand, struct image *out, uint64_t flags);

/* frstor [rdi]; push rcx; popfq; <instruction>; pushfq; pop rax; fnsave [rdx]; ret. The operand is
 * at [rsi], which is [esi] to the simulated processor. */
static void run_on_host(uint8_t *code, const uint8_t insn[2], const struct image *in,
                        struct outcome *out, uint64_t flags)
{
    uint8_t text[] = {0xDD, 0x27, 0x51, 0x9D, insn[0], insn[1], 0x9C, 0x58, 0xDD, 0x32, 0xC3};
    memcpy(code, text, sizeof text);
    stub run;
    memcpy(&run, &code, sizeof run);
    out->flags = run(in, out->operand, &out->image, flags) & STATUS_FLAGS;
}

static void run_simulated(struct bench *b, const uint8_t insn[2], const struct image *in,
                          struct outcome *out, uint64_t flags)
{
    memcpy(b->ram + IMAGE_AT, in, sizeof *in);
    memcpy(b->ram + OPERAND_AT, out->operand, OPERAND_BYTES);
    b->cpu.r[ESI] = OPERAND_AT;
    b->cpu.r[EDI] = IMAGE_AT;
    b->cpu.r[EDX] = RESULT_AT;
    cpu_set_flags(&b->cpu, (uint32_t)flags);
    assert_int_equal(RUN(b, "\xDD\x27"), BENCH_NO_FAULT);
    assert_int_equal(bench_run(b, (const char *)insn, 2), BENCH_NO_FAULT);
    out->flags = cpu_get_flags(&b->cpu) & STATUS_FLAGS;
    assert_int_equal(RUN(b, "\xDD\x32"), BENCH_NO_FAULT);
    memcpy(&out->image, b->ram + RESULT_AT, sizeof out->image);
    memcpy(out->operand, b->ram + OPERAND_AT, OPERAND_BYTES);
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool one_of(const char *name, const char *const names[])
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static bool transcendental(const struct row *r)
{
    static const char *const names[] = {"F2XM1", "FYL2X", "FYL2XP1", "FPTAN",
                                        "FPATAN", "FSIN", "FCOS", "FSINCOS", NULL};
    return one_of(r->name, names);
}

/* Numbers of one sign in order, so that neighbours differ by one. */
static unsigned __int128 ordinal(const uint8_t *p)
{
    uint64_t mantissa;
    uint16_t sign_exponent;
    memcpy(&mantissa, p, 8);
    memcpy(&sign_exponent, p + 8, 2);
    return ((unsigned __int128)sign_exponent << 63) + (mantissa & ~F80_INTEGER);
}

/* Where the silicon's result is the next number, takes it for ours; C1 is not compared, nor the
 * tags (a neighbour may be denormal). */
static void forgive_last_bit(struct outcome *simulated, const struct outcome *host)
{
    for (unsigned i = 0; i < 8; i++) {
        uint8_t *s = simulated->image.registers + 10 * i;
        const uint8_t *h = host->image.registers + 10 * i;
        unsigned __int128 a = ordinal(s), b = ordinal(h);
        if (a - b == 1 || b - a == 1)
            memcpy(s, h, 10);
    }
    uint32_t *e = simulated->image.environment;
    e[1] = (e[1] & ~(uint32_t)X87_C1) | (host->image.environment[1] & X87_C1);
    e[2] = host->image.environment[2];
}

static void forgive(const struct row *r, struct outcome *simulated, const struct outcome *host)
{
    const uint32_t codes = X87_C0 | X87_C2 | X87_C3;
    uint32_t status = host->image.environment[1];
    for (unsigned i = 3; i < 7; i++)
        simulated->image.environment[i] = host->image.environment[i]; /* pointers */
    if (transcendental(r))
        forgive_last_bit(simulated, host);
    if ((status & X87_ES) && (strstr(r->name, "COM") || strcmp(r->name, "FTST") == 0)) {
        uint32_t *e = &simulated->image.environment[1];
        *e = (*e & ~codes) | (status & codes);
        simulated->flags = host->flags;
    }
}

static void print_outcome(const char *title, const struct outcome *o)
{
    print_message("%s: control %04x status %04x tags %04x flags %" PRIx64 " operand ", title,
                  o->image.environment[0] & 0xFFFF, o->image.environment[1] & 0xFFFF,
                  o->image.environment[2] & 0xFFFF, o->flags);
    for (unsigned i = 10; i-- > 0;)
        print_message("%02x", o->operand[i]);
    print_message("\n");
    for (unsigned i = 0; i < 8; i++) {
        uint64_t mantissa;
        uint16_t sign_exponent;
        memcpy(&mantissa, o->image.registers + 10 * i, 8);
        memcpy(&sign_exponent, o->image.registers + 10 * i + 8, 2);
        print_message("  st%u %04x %016" PRIx64 "\n", i, sign_exponent, mantissa);
    }
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return memcmp(&a->image, &b->image, sizeof a->image) == 0 && a->flags == b->flags &&
           memcmp(a->operand, b->operand, OPERAND_BYTES) == 0;
}

/* --- the cases -------------------------------------------------------------------------------- */

/* What the stub itself does, what waits, and what this host may not know. */
static bool comparable(const struct row *r)
{
    static const char *const others[] = {"WAIT", "FENI", "FDISI", "FSETPM", "FLDENV", "FRSTOR",
                                         "FNSAVE", "FNSTENV", NULL};
    return !one_of(r->name, others);
}

static void encode(const struct row *r, uint8_t insn[2])
{
    insn[0] = (uint8_t)strtoul(r->code, NULL, 16);
    if (r->code[3] == '/') {
        insn[1] = (uint8_t)((r->code[4] - '0') << 3 | 6);
        return;
    }
    insn[1] = (uint8_t)(strtoul(r->code + 3, NULL, 16) + (r->code[5] == '+' ? pick(8) : 0));
}

static bool run_case(struct bench *b, uint8_t *code, const struct row *r)
{
    uint8_t insn[2];
    encode(r, insn);
    struct outcome before = {.flags = 2 | (random_64() & STATUS_FLAGS)};
    random_image(&before.image);
    random_operand(before.operand);
    struct outcome host = before, simulated = before;
    run_on_host(code, insn, &before.image, &host, before.flags);
    run_simulated(b, insn, &before.image, &simulated, before.flags);
    struct outcome shown = simulated;
    forgive(r, &simulated, &host);
    if (same(&simulated, &host))
        return true;
    print_message("%s %s (%02x %02x)\n", r->code, r->name, insn[0], insn[1]);
    print_outcome("before", &before);
    print_outcome("host", &host);
    print_outcome("simulated", &shown);
    return false;
}

/* 1 + 2^-63 is a number of its own only in 80 bits (or more: another processor's). */
#if defined(__x86_64__)
static bool host_has_80_bits(void)
{
    volatile long double one = 1, tiny = 0x1p-63L;
    return one + tiny != one;
}
#else
static bool host_has_80_bits(void) { return false; }
#endif

static void x87_equals_silicon(void **state)
{
    (void)state;
    if (!host_has_80_bits())
        skip();
    uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(code != MAP_FAILED);
    static const struct identity part = {.part = "with CMOV", .features = 1u << FEATURE_CMOV};
    struct bench *b = bench_new_part(&part);
    unsigned differences = 0;
    for (unsigned i = 0; i < CASES && differences < 5; i++) {
        const struct row *r = &family_x87.rows[pick(family_x87.count)];
        if (comparable(r) && (!transcendental(r) || pick(16) == 0))
            differences += !run_case(b, code, r);
    }
    assert_int_equal(differences, 0);
    munmap(code, 4096);
    bench_free(b);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    random_state = seed * 2 + 1;
    printf("seed %" PRIu64 "\n", seed);
    const struct CMUnitTest tests[] = {cmocka_unit_test(x87_equals_silicon)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
