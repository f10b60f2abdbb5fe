/* user: what the two threads do, in rounds. Everything here lies in pages a user may touch. */
#include "law_guest.h"

#define USER __attribute__((section(".user_text"), noinline))

static inline uint32_t sys(uint32_t number, uint32_t argument)
{
    uint32_t result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(argument) : "memory");
    return result;
}

static inline uint32_t mix(uint32_t sum, uint32_t v) { return (sum << 5 | sum >> 27) ^ v; }

static inline uint32_t next(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

/* REP MOVS, STOS, SCAS and CMPS, up and down, of odd lengths, over page edges. */
USER static uint32_t strings(uint32_t *seed)
{
    uint8_t *heap = (uint8_t *)HEAP;
    uint32_t sum = 0;
    for (int i = 0; i < 24; i++) {
        uint32_t n = next(seed) % 6000, at = next(seed) % 0x8000;
        uint32_t to = 0x10000 + next(seed) % 0x8000, count = n, left;
        uint8_t *d = heap + at, *s = heap + at, fill = (uint8_t)(*seed >> 24);
        __asm__ volatile("rep stosb" : "+D"(d), "+c"(count) : "a"(fill) : "memory");
        d = heap + to, count = n / 4 + 1;
        __asm__ volatile("rep movsl" : "+D"(d), "+S"(s), "+c"(count) : : "memory");
        heap[to + n / 2] ^= 0x5A;
        s = heap + at, d = heap + to, left = n + 1;
        __asm__ volatile("repe cmpsb" : "+D"(d), "+S"(s), "+c"(left) : : "memory", "cc");
        sum = mix(sum, left);
        d = heap + to, left = n + 1;
        __asm__ volatile("repne scasb" : "+D"(d), "+c"(left) : "a"(fill ^ 0x5A) : "memory", "cc");
        sum = mix(sum, left);
        s = heap + to + n, d = heap + to + n + 7, count = n;
        __asm__ volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(count) : : "memory");
        uint32_t word;
        s = heap + to + 1;
        __asm__ volatile("lodsl" : "=a"(word), "+S"(s) : : "memory");
        sum = mix(sum, word);
    }
    return sum;
}

/* Multiplication, division, shifts, bits, decimals, the stack, branches that depend on data. */
USER static uint32_t integers(uint32_t *seed)
{
    uint32_t sum = 0;
    for (int i = 0; i < 3000; i++) {
        uint32_t a = next(seed), b = next(seed) | 1, low, high, c, d;
        __asm__("mull %3" : "=a"(low), "=d"(high) : "0"(a), "r"(b));
        __asm__("divl %4" : "=a"(c), "=d"(d) : "0"(low), "1"(high % b), "r"(b));
        sum = mix(sum, c ^ d);
        __asm__("shldl %%cl, %1, %0" : "+r"(low) : "r"(high), "c"(a) : "cc");
        __asm__("rcll %%cl, %0" : "+r"(low) : "c"(b & 31) : "cc");
        __asm__("bsrl %1, %0" : "=r"(c) : "rm"(b) : "cc");
        __asm__("btsl %1, %0" : "+r"(low) : "r"(c) : "cc");
        __asm__("xaddl %0, %1" : "+r"(low), "+r"(high) : : "cc");
        __asm__("bswap %0" : "+r"(high));
        __asm__("addb %b1, %b0; daa" : "+a"(a) : "q"(b) : "cc");
        __asm__ volatile("pushl %0; pushw %w1; popw %w0; popl %1" : "+r"(a), "+r"(b));
        if ((low ^ high) & 4)
            sum = mix(sum, low + a);
        else
            sum = mix(sum, high - b);
    }
    return sum;
}

/* Basic arithmetic goes into the sum; the transcendental functions, where makers differ, do not. */
USER static uint32_t floats(uint32_t *seed, volatile double *aside)
{
    double x = 1.0 + (double)(next(seed) >> 8) / 16777216.0, y = 0.5, z = 0;
    uint32_t sum = 0;
    for (int i = 0; i < 400; i++) {
        double t;
        y = y * x + 0.25 / (x + y);
        __asm__("fsqrt" : "+t"(y));
        z += y - x;
        __asm__("fsin" : "=t"(t) : "0"(y));
        *aside += t;
        __asm__("frndint" : "=t"(t) : "0"(y * 1000.0));
        int32_t whole;
        __asm__("fistpl %0" : "=m"(whole) : "t"(t) : "st");
        sum = mix(sum, (uint32_t)whole);
    }
    uint8_t decimal[10];
    __asm__("fbstp %0" : "=m"(decimal) : "t"(z * 65536.0) : "st");
    for (int i = 0; i < 10; i++)
        sum = mix(sum, decimal[i]);
    return sum;
}

/* Writes functions, calls them, changes an operand, calls them again; code also changes the
 * instruction after the next jump. Four places are 32 KB apart, as is the kernel's code: they share
 * a set of the Pentium's instruction TLB and do not fit; the fifth lies across two pages. */
USER static uint32_t own_code(uint32_t *seed)
{
    static const uint8_t text[] = {
        0xB8, 0, 0, 0, 0,                   /* mov eax, imm */
        0x81, 0xC2, 0, 0, 0, 0,             /* add edx, imm */
        0xC6, 0x05, 0, 0, 0, 0, 0x90,       /* mov byte [abs], nop */
        0xEB, 0x00,                         /* jmp +0 */
        0x40,                               /* inc eax: becomes nop */
        0x01, 0xD0, 0xC3,                   /* add eax, edx; ret */
    };
    uint8_t *last[4] = {0};
    uint32_t sum = 0;
    for (int i = 0; i < 60; i++) {
        uint32_t at = i % 5 < 4 ? i % 5 * 0x8000u + 0x800 : 0x1F000u - 40;
        uint8_t *code = (uint8_t *)HEAP + at + next(seed) % 64;
        for (unsigned k = 0; k < sizeof text; k++)
            code[k] = text[k];
        uint32_t target = (uint32_t)code + 20;
        for (int k = 0; k < 4; k++)
            code[13 + k] = (uint8_t)(target >> 8 * k);
        for (int k = 0; k < 6; k++) {
            code[1] = (uint8_t)(next(seed) >> 16);
            code[7 + k % 4] = (uint8_t)(*seed >> 24);
            if (k & 1)
                code[20] = 0x40;
            uint32_t eax, edx = 1;
            __asm__ volatile("call *%2" : "=a"(eax), "+d"(edx) : "r"(code) : "memory", "cc");
            sum = mix(sum, eax);
            uint8_t *other = last[(i + k) % 4]; /* what was written before, not changed since */
            if (other)
                __asm__ volatile("call *%2" : "=a"(eax), "+d"(edx) : "r"(other) : "memory", "cc");
            sum = mix(sum, edx);
        }
        last[i % 4] = i % 5 < 4 ? code : 0;
    }
    return sum;
}

/* #DE, #UD, #BP, #OF, #BR, #GP: the kernel adds 100h and the vector to EBP. */
USER static uint32_t exceptions(void)
{
    uint32_t count;
    __asm__ volatile("pushl %%ebp\n"
                     "xorl %%ebp, %%ebp\n"
                     "xorl %%ecx, %%ecx\n"
                     "divl %%ecx\n"
                     "ud2\n"
                     "int3\n"
                     "movl $0x7fffffff, %%eax\n"
                     "incl %%eax\n"
                     "into\n"
                     "pushl $5\n"
                     "pushl $1\n"
                     "movl $9, %%eax\n"
                     ".byte 0x62, 0x04, 0x24\n" /* bound eax, [esp] */
                     "addl $8, %%esp\n"
                     "hlt\n"
                     "movl %%ebp, %0\n"
                     "popl %%ebp"
                     : "=&S"(count) : : "eax", "ecx", "edx", "cc", "memory");
    return count;
}

USER static uint32_t segments(uint32_t sum)
{
    uint32_t v;
    for (int i = 0; i < 20; i++) {
        __asm__ volatile("pushl %%ds; popl %%es; movl %%ss, %%eax; movl %%eax, %%fs; lar %%ax, %0;"
                         "movl %%fs:(%%esp), %%eax; lsl %%ax, %%ecx;"
                         "movl %%ss, %%eax; movl %%eax, %%ss; nop"
                         : "=d"(v) : : "eax", "ecx", "cc");
        sum = mix(sum, (v & 0xF0FF00) + (uint32_t)i); /* the x of 00FxFF00 is undefined */
    }
    return sum;
}

/* Unmaps pages; walks over them by a stride that misses the TLB. */
USER static uint32_t pages(uint32_t round)
{
    volatile uint32_t *heap = (volatile uint32_t *)HEAP;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 8; i++)
        sys(CALL_FORGET, HEAP + ((round + 5 * i) % 32 << 12));
    for (uint32_t i = 0; i < 32 * 8; i++)
        sum = mix(sum, heap[(i * 1024 + i * 12) % (HEAP_BYTES / 4)]);
    return sum;
}

/* The clock is read too, where it cannot reach a sum. */
USER static void read_clock(volatile uint32_t *aside)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    *aside ^= low + high;
}

USER void user_main(uint32_t name)
{
    uint32_t seed = name, sum = 0, rounds = sys(CALL_ROUNDS, 0);
    volatile uint32_t clock = 0;
    volatile double aside = 0;
    for (uint32_t i = 0; i < rounds; i++) {
        sum = mix(sum, strings(&seed));
        sum = mix(sum, integers(&seed));
        sum = mix(sum, floats(&seed, &aside));
        sum = mix(sum, own_code(&seed));
        sum = mix(sum, exceptions());
        sum = segments(sum);
        sum = mix(sum, pages(i));
        read_clock(&clock);
        sys(i % 2 ? CALL_YIELD : CALL_SLEEP, 0);
        if (i % 4 == 0)
            sys(CALL_PUT, 'a' + name - 1);
    }
    sys(CALL_EXIT, sum);
    for (;;)
        ;
}
