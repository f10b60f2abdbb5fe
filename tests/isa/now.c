/* now: 3DNow! instructions on random operands. A Multiboot kernel that prints a line for each: of
 * those whose results are defined to the bit a hash of them, of the approximations how many lie
 * beyond their documented error. tests/isa/now.sh compares what two processors print.
 *
 * Operands are such that no result overflows, underflows or is a zero of unsure sign. */
#include "kernel.h"

#define CASES 2000

static u64 state = 0x9E3779B97F4A7C15u;

static u32 random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)(state >> 16);
}

/* 2^-30 to 2^31 in size. */
static u32 random_single(void)
{
    u32 v = random();
    return (v & 0x807FFFFF) | (97 + (v >> 23 & 63) % 61) << 23;
}

static u64 pair(u32 (*f)(void)) { return (u64)f() << 32 | f(); }

#define OPERATION(name)                                                                            \
    static u64 do_##name(u64 a, u64 b)                                                             \
    {                                                                                              \
        u64 r;                                                                                     \
        __asm__ volatile("movq %1, %%mm0\n movq %2, %%mm1\n" #name " %%mm1, %%mm0\n"               \
                         "movq %%mm0, %0\n femms"                                                  \
                         : "=m"(r)                                                                 \
                         : "m"(a), "m"(b));                                                        \
        return r;                                                                                  \
    }
#define EXACT(X)                                                                                   \
    X(pfadd, random_single) X(pfsub, random_single) X(pfsubr, random_single)                       \
    X(pfmul, random_single) X(pfacc, random_single) X(pfnacc, random_single)                       \
    X(pfpnacc, random_single) X(pfcmpeq, random_single) X(pfcmpge, random_single)                  \
    X(pfcmpgt, random_single) X(pfmin, random_single) X(pfmax, random_single)                      \
    X(pf2id, random_single) X(pf2iw, random_single) X(pi2fd, random) X(pi2fw, random)              \
    X(pswapd, random) X(pavgusb, random) X(pmulhrw, random)
#define DEFINE(name, f) OPERATION(name)
EXACT(DEFINE)
OPERATION(pfrcp)
OPERATION(pfrcpit1)
OPERATION(pfrcpit2)
OPERATION(pfrsqrt)
OPERATION(pfrsqit1)

static void exact(const char *name, u64 (*f)(u64 a, u64 b), u32 (*operand)(void))
{
    u32 hash = 1;
    for (unsigned i = 0; i < CASES; i++) {
        u64 a = pair(operand), b = i % 16 == 0 ? a : pair(operand), r = f(a, b);
        hash = (hash ^ (u32)r) * 16777619u;
        hash = (hash ^ (u32)(r >> 32)) * 16777619u;
    }
    print(name);
    print(" ");
    print_hex(hash);
    print("\n");
}

static long double single(u32 v)
{
    union {
        u32 bits;
        float value;
    } u = {v};
    return u.value;
}

static unsigned beyond(long double product, long double bound)
{
    long double error = product - 1;
    return error > bound || error < -bound;
}

/* The documented steps: X0, then as exact as a single is. */
static void reciprocals(void)
{
    unsigned first = 0, last = 0;
    for (unsigned i = 0; i < CASES; i++) {
        u64 b = pair(random_single), x0 = do_pfrcp(0, b);
        u64 x2 = do_pfrcpit2(do_pfrcpit1(b, x0), x0);
        first += beyond(single((u32)x0) * single((u32)b), 0x1p-14L) || x0 >> 32 != (u32)x0;
        last += beyond(single((u32)x2) * single((u32)b), 0x1p-23L);
    }
    print("pfrcp beyond 2^-14: ");
    print_hex(first);
    print(", in steps beyond 2^-23: ");
    print_hex(last);
    print("\n");
}

static void roots(void)
{
    unsigned first = 0, last = 0;
    for (unsigned i = 0; i < CASES; i++) {
        u64 b = pair(random_single) & 0x7FFFFFFF7FFFFFFF, x0 = do_pfrsqrt(0, b);
        u64 x3 = do_pfrcpit2(do_pfrsqit1(b, do_pfmul(x0, x0)), x0);
        long double v = single((u32)b), x = single((u32)x0), y = single((u32)x3);
        first += beyond(x * x * v, 0x1p-14L) || x0 >> 32 != (u32)x0;
        last += beyond(y * y * v, 0x1p-22L);
    }
    print("pfrsqrt beyond 2^-15: ");
    print_hex(first);
    print(", in steps beyond 2^-23: ");
    print_hex(last);
    print("\n");
}

void run(void)
{
    __asm__ volatile("mov %%cr0, %%eax\n and $~0xC, %%eax\n mov %%eax, %%cr0\n fninit" ::: "eax");
#define RUN(name, f) exact(#name, do_##name, f);
    EXACT(RUN)
    reciprocals();
    roots();
    print("end\n");
    while (!(inb(0x3FD) & 0x40)) /* until the last character is out */
        ;
    outb(0xF4, 0);
}
