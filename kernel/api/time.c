/* time.c: the clock, and how programs write times down [L4X2 4.6].
 *
 *    15 14     10 9          0
 *   | 0 |   e    |     m      |   period: m * 2^e microseconds; all 0: never; m = 0 otherwise: zero
 *   | 1 | e | c  |     m      |   point: e in 11..14, c in 10; the next time when bits e .. e+9 of
 *                                 the clock are m, bit e+10 is c, and the bits below are 0
 */
#include "api/scheduler.h"
#include "arch/arch.h"
#include "state.h"

#define TIME_POINT    0x8000u
#define MANTISSA      0x3FFu
#define MANTISSA_BITS 10

HOT usec_t now_us(void)
{
    return arch_clock_us();
}

bool time_is_point(l4_time_t t)
{
    return t & TIME_POINT;
}

bool time_is_zero(l4_time_t t)
{
    return t != TIME_NEVER && !time_is_point(t) && (t & MANTISSA) == 0;
}

usec_t time_period_us(l4_time_t t)
{
    return (usec_t)(t & MANTISSA) << (t >> MANTISSA_BITS & 0x1F);
}

usec_t time_deadline(l4_time_t t, usec_t now)
{
    if (t == TIME_NEVER)
        return 0;
    if (!time_is_point(t))
        return now + time_period_us(t);

    /* Bit c stands above m, so that the two are one number of 11 bits. */
    unsigned e = t >> (MANTISSA_BITS + 1) & 0xF;
    usec_t wrap = (usec_t)1 << (e + MANTISSA_BITS + 1);
    usec_t point = (now & ~(wrap - 1)) | (usec_t)(t & (MANTISSA << 1 | 1)) << e;

    return point > now ? point : point + wrap;
}

l4_time_t time_format(usec_t us)
{
    unsigned e = 0;

    if (us == 0)
        return TIME_ZERO;
    while (us >> e > MANTISSA && e < 31)
        e++;
    if (us >> e > MANTISSA)
        return (l4_time_t)(31 << MANTISSA_BITS | MANTISSA);
    return (l4_time_t)(e << MANTISSA_BITS | (us >> e));
}
