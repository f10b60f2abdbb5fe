// div64_test.c: prints a hash of four million quotients and remainders of 64-bit numbers. Built as
// 64-bit code it divides with the processor, built as 32-bit code with div64.c: the hashes must be
// equal.
#include <stdio.h>

typedef unsigned long long u64;

static u64 state = 88172645463325252ull, hash;

static u64 next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Operands of every magnitude, and the edges.
static u64 operand(void)
{
    u64 kind = next_random() % 8, value = next_random() >> next_random() % 64;
    return kind == 0 ? ~value : kind == 1 ? 1ull << next_random() % 64 : kind == 2 ? ~0ull : value;
}

static void mix(u64 value)
{
    hash = (hash ^ value) * 1099511628211ull;
}

int main(void)
{
    for (int i = 0; i < 1000000; i++) {
        volatile u64 a = operand(), b = operand();
        if (b == 0)
            b = 1;
        mix(a / b);
        mix(a % b);
        if ((long long)b == -1)
            continue;
        mix((u64)((long long)a / (long long)b));
        mix((u64)((long long)a % (long long)b));
    }
    printf("%016llx\n", hash);
    return 0;
}
