/* silicon_selftest: is the reference trustworthy? Known instructions through silicon_run against
 * simple models in C: the eight ALU operations in three widths with their flags, memory operands,
 * faults with their codes, the x87 state, every local segment, and an endless loop. */
#define _GNU_SOURCE
#include "tests/isa/silicon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct isa_memory memory;
static unsigned passed, failed;

#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (cond)                                                                                  \
            passed++;                                                                              \
        else                                                                                       \
            failed++, printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #cond);                       \
    } while (0)

static uint64_t random_state = 0x9E3779B97F4A7C15u;

static uint64_t random64(void)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static struct isa_state plain_state(void)
{
    struct isa_state s = {.eip = ISA_CODE, .eflags = 0x202};
    for (int i = 0; i < 8; i++)
        s.r[i] = (uint32_t)random64();
    s.r[4] = ISA_DATA + 0x1000;
    for (int i = 0; i < 6; i++)
        s.selector[i] = i == 1 ? ISA_FLAT_CODE : i >= 4 ? 0 : ISA_FLAT_DATA;
    s.x87.control = 0x37F;
    return s;
}

static struct isa_outcome run(const struct isa_state *s, const char *code, unsigned size)
{
    struct isa_outcome o;
    memcpy(memory.code, code, size);
    memory.code[size] = 0xCC;
    silicon_run(s, &o);
    return o;
}

#define RUN(s, code) run(s, code, sizeof code - 1)

/* What the ALU does, a bit at a time. */
static uint32_t alu_model(unsigned op, uint32_t a, uint32_t b, unsigned width, uint32_t *flags)
{
    unsigned bits = width * 8;
    uint32_t mask = bits == 32 ? UINT32_MAX : (1u << bits) - 1, carry_in = 0;
    uint32_t f = *flags & ~0x8D5u, r;
    a &= mask;
    b &= mask;
    if (op == 2 || op == 3)
        carry_in = *flags & 1;
    bool subtract = op == 3 || op == 5 || op == 7;
    if (op == 1 || op == 4 || op == 6) {
        r = op == 1 ? a | b : op == 4 ? a & b : a ^ b;
    } else {
        uint64_t wide = subtract ? (uint64_t)a - b - carry_in : (uint64_t)a + b + carry_in;
        r = (uint32_t)wide & mask;
        f |= (uint32_t)(wide >> bits & 1);
        f |= (a ^ b ^ r) & 0x10;
        uint32_t sign = 1u << (bits - 1);
        uint32_t overflow = subtract ? (a ^ b) & (a ^ r) : ~(a ^ b) & (a ^ r);
        f |= overflow & sign ? 0x800 : 0;
    }
    f |= __builtin_parity(r & 0xFF) ? 0 : 4;
    f |= r == 0 ? 0x40 : 0;
    f |= r >> (bits - 1) & 1 ? 0x80 : 0;
    *flags = f;
    return op == 7 ? a : r;
}

static void alu(void)
{
    for (int n = 0; n < 3000; n++) {
        unsigned op = (unsigned)n & 7;
        unsigned width = 1u << (random64() % 3);
        struct isa_state s = plain_state();
        s.eflags |= random64() & 0x8D5;
        char code[3] = {0x66, (char)(op * 8 + (width > 1)), (char)0xC8}; /* op eax, ecx */
        struct isa_outcome o =
            run(&s, code + (width != 2), width == 2 ? 3 : 2);
        uint32_t flags = s.eflags;
        uint32_t r = alu_model(op, s.r[0], s.r[1], width, &flags);
        uint32_t mask = width == 4 ? UINT32_MAX : (1u << width * 8) - 1;
        uint32_t undefined = op == 1 || op == 4 || op == 6 ? 0x10 : 0;
        EXPECT(o.vector == 3 && o.state.r[0] == ((s.r[0] & ~mask) | r));
        EXPECT(((o.state.eflags ^ flags) & ~undefined) == 0);
    }
}

static void registers_and_memory(void)
{
    struct isa_state s = plain_state();
    struct isa_outcome o = RUN(&s, "\x90");
    EXPECT(memcmp(o.state.r, s.r, sizeof s.r) == 0);
    EXPECT(memcmp(o.state.selector, s.selector, sizeof s.selector) == 0);
    EXPECT(o.state.eip == ISA_CODE + 2 && o.vector == 3);
    o = RUN(&s, "\x50\x60"); /* push eax; pusha */
    EXPECT(o.state.r[4] == ISA_DATA + 0x1000 - 36);
    EXPECT(memcmp(memory.data + 0x1000 - 4, &s.r[0], 4) == 0);
    EXPECT(memcmp(memory.data + 0x1000 - 36, &s.r[7], 4) == 0);
    memcpy(memory.fixed, "\x78\x56\x34\x12", 4);
    o = RUN(&s, "\xA1\x00\xA0\x00\x00"); /* mov eax, [A000] */
    EXPECT(o.state.r[0] == 0x12345678);
    s.r[4] = 0xDEADBEEF;
    o = RUN(&s, "\x90");
    EXPECT(o.state.r[4] == 0xDEADBEEF);
}

static void faults(void)
{
    struct isa_state s = plain_state();
    struct isa_outcome o = RUN(&s, "\x0F\x0B");
    EXPECT(o.vector == 6 && o.state.eip == ISA_CODE);
    o = RUN(&s, "\xA1\x34\x12\x00\x00"); /* mov eax, [1234] */
    EXPECT(o.vector == 14 && o.error == 4 && o.cr2 == 0x1234);
    o = RUN(&s, "\xA3\x10\xA0\x00\x00"); /* mov [A010], eax */
    EXPECT(o.vector == 14 && o.error == 7 && o.cr2 == 0xA010);
    o = RUN(&s, "\xF4"); /* hlt */
    EXPECT(o.vector == 13 && o.error == 0);
    o = RUN(&s, "\xCD\x21");
    EXPECT(o.vector == 13 && o.error == 0x21 * 8 + 2 && o.state.eip == ISA_CODE);
    s.r[1] = 0;
    o = RUN(&s, "\xF7\xF1"); /* div ecx */
    EXPECT(o.vector == 0 && o.state.eip == ISA_CODE);
    s.eflags |= 0x100;
    o = RUN(&s, "\x40");
    EXPECT(o.vector == 1 && o.state.eip == ISA_CODE + 1 && o.state.r[0] == s.r[0] + 1);
    s.eflags |= 0x40000;
    s.eflags &= ~0x100u;
    o = RUN(&s, "\xA1\x01\x80\x00\x00");
    EXPECT(o.vector == 17);
    o = RUN(&s, "\xEB\xFE");
    EXPECT(o.timeout);
    s.eflags = 0x4202; /* NT */
    o = RUN(&s, "\x90");
    EXPECT(o.vector == 3 && (o.state.eflags & 0x4000));
}

static void x87(void)
{
    struct isa_state s = plain_state();
    s.x87.control = 0x37F;
    s.x87.status = 6 << 11;
    s.x87.full = 0xC0;
    static const uint8_t one[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0xFF, 0x3F};
    static const uint8_t two[10] = {0, 0, 0, 0, 0, 0, 0, 0x80, 0x00, 0x40};
    memcpy(s.x87.st[0], one, 10);
    memcpy(s.x87.st[1], one, 10);
    struct isa_outcome o = RUN(&s, "\xDE\xC1"); /* faddp */
    EXPECT(o.vector == 3 && o.state.x87.full == 0x80 && (o.state.x87.status >> 11 & 7) == 7);
    EXPECT(memcmp(o.state.x87.st[0], two, 10) == 0);
    s.x87.control = 0x37E; /* invalid operation not masked */
    o = RUN(&s, "\xD9\xC5\x9B"); /* fld st(5), empty; wait */
    EXPECT(o.vector == 16 && o.state.eip == ISA_CODE + 2);
    EXPECT((o.state.x87.status & 0x80C1) == 0x80C1);
}

static void segments(void)
{
    for (unsigned i = 0; i < ISA_LDT_COUNT; i++) {
        struct isa_state s = plain_state();
        s.r[1] = i * 8 + 7;
        struct isa_outcome o = RUN(&s, "\x0F\x02\xC1\x0F\x03\xD1"); /* lar eax, ecx; lsl edx, ecx */
        uint32_t high = (uint32_t)(isa_ldt[i] >> 32);
        /* Bits 19-16, of the limit, are undefined. */
        EXPECT((o.state.r[0] & 0xF0FF00) == (high & 0xF0FF00));
        EXPECT(o.vector == 3 && (o.state.eflags & 0x40));
    }
    struct isa_state s = plain_state();
    s.selector[4] = ISA_SHIFTED;
    memcpy(memory.data + 3, "\x21\x43\x65\x87", 4);
    struct isa_outcome o = RUN(&s, "\x64\xA1\x00\x00\x00\x00"); /* mov eax, fs:[0] */
    EXPECT(o.state.r[0] == 0x87654321 && o.state.selector[4] == ISA_SHIFTED);
    s.selector[1] = ISA_CODE_16;
    s.selector[2] = ISA_DATA_16;
    s.r[4] = 0x9000;
    o = RUN(&s, "\xB8\x11\x22\x50"); /* mov ax, 2211; push ax */
    EXPECT((uint16_t)o.state.r[0] == 0x2211 && o.state.r[4] == 0x8FFE && o.vector == 3);
    EXPECT(o.state.selector[1] == ISA_CODE_16 && o.state.selector[2] == ISA_DATA_16);
    EXPECT(memcmp(memory.data + 0xFFE, "\x11\x22", 2) == 0);
}

static void speed(void)
{
    struct isa_state s = plain_state();
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 100000; i++)
        RUN(&s, "\x40");
    clock_gettime(CLOCK_MONOTONIC, &b);
    double seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
    printf("%.0f cases a second\n", 100000 / seconds);
}

int main(void)
{
    if (!silicon_open(&memory))
        return 77; /* ./test counts it as skipped */
    alu();
    registers_and_memory();
    faults();
    x87();
    segments();
    speed();
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
