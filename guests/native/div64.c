// div64.c: the 64-bit divisions that gcc calls for on IA-32. They replace libgcc's, which begin
// with endbr32 in Debian's build, an undefined opcode on a Pentium.
typedef unsigned long long u64;
typedef long long i64;
typedef unsigned u32;

u64 __udivmoddi4(u64 dividend, u64 divisor, u64 *remainder);
u64 __udivdi3(u64 a, u64 b);
u64 __umoddi3(u64 a, u64 b);
i64 __divmoddi4(i64 a, i64 b, i64 *remainder);
i64 __divdi3(i64 a, i64 b);
i64 __moddi3(i64 a, i64 b);

// high:low / by, which must fit 32 bits (high < by).
static u32 divide(u32 high, u32 low, u32 by, u32 *remainder)
{
    u32 quotient;
    __asm__("divl %4" : "=a"(quotient), "=d"(*remainder) : "0"(low), "1"(high), "rm"(by) : "cc");
    return quotient;
}

u64 __udivmoddi4(u64 dividend, u64 divisor, u64 *remainder)
{
    u32 high = (u32)(dividend >> 32), low = (u32)dividend, by = (u32)divisor;
    u32 rest, quotient_high, quotient_low;

    if (divisor >> 32 == 0) {
        // Long division in base 2^32. A zero divisor raises the divide error here, as it should.
        quotient_high = divide(0, high, by, &rest);
        quotient_low = divide(rest, low, by, &rest);
        if (remainder)
            *remainder = rest;
        return (u64)quotient_high << 32 | quotient_low;
    }
    // The quotient fits 32 bits. Estimate it with the divisor's 32 leading bits and half the
    // dividend (so that it cannot overflow); the estimate less one is right or one too small.
    int shift = __builtin_clz((u32)(divisor >> 32));
    by = (u32)(divisor << shift >> 32);
    u64 half = dividend >> 1;
    quotient_low = divide((u32)(half >> 32), (u32)half, by, &rest);
    quotient_low = (u32)((u64)quotient_low << shift >> 31);
    if (quotient_low)
        quotient_low--;
    u64 left = dividend - quotient_low * divisor;
    if (left >= divisor) {
        left -= divisor;
        quotient_low++;
    }
    if (remainder)
        *remainder = left;
    return quotient_low;
}

i64 __divmoddi4(i64 a, i64 b, i64 *remainder)
{
    u64 rest, quotient = __udivmoddi4(a < 0 ? -(u64)a : (u64)a, b < 0 ? -(u64)b : (u64)b, &rest);
    if (remainder)
        *remainder = (i64)(a < 0 ? -rest : rest);
    return (i64)((a < 0) != (b < 0) ? -quotient : quotient);
}

u64 __udivdi3(u64 a, u64 b)
{
    return __udivmoddi4(a, b, 0);
}

u64 __umoddi3(u64 a, u64 b)
{
    u64 rest;
    __udivmoddi4(a, b, &rest);
    return rest;
}

i64 __divdi3(i64 a, i64 b)
{
    return __divmoddi4(a, b, 0);
}

i64 __moddi3(i64 a, i64 b)
{
    i64 rest;
    __divmoddi4(a, b, &rest);
    return rest;
}
