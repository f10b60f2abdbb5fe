// mix: a guest that only computes, the same on every simulator: integer arithmetic, memory, calls
// and strings, some 250 million instructions between two lines on COM1. No interrupts, no clock;
// nothing it does depends on time. It ends with a checksum, so that a wrong result is not a fast
// one.
#include <stdint.h>

enum {
    COM1 = 0x3F8,
    LCR = COM1 + 3,
    LCR_8N1 = 3,
    LSR = COM1 + 5,
    LSR_EMPTY = 0x20,   // the holding register takes a byte
    LSR_ALL_SENT = 0x40,
    CHASE_WORDS = 1 << 18, // 1 MB: beyond the reach of any first-level cache or TLB
    SORT_COUNT = 4096,
    TEXT_BYTES = 16384,
};

static uint32_t chase[CHASE_WORDS], values[SORT_COUNT], scratch[SORT_COUNT];
static char text[TEXT_BYTES], copy[TEXT_BYTES];
static uint32_t seed;

static uint8_t in(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void out(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static void say(const char *s)
{
    for (; *s; s++) {
        while (!(in(LSR) & LSR_EMPTY))
            ;
        out(COM1, (uint8_t)*s);
    }
    while (!(in(LSR) & LSR_ALL_SENT))
        ;
}

static void say_hex(uint32_t v)
{
    char digits[9] = {0};
    for (int i = 0; i < 8; i++)
        digits[i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
    say(digits);
}

static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

// --- integer arithmetic: multiplications, divisions, shifts, carries, data-dependent branches

static uint32_t crc32(const char *bytes, unsigned count)
{
    uint32_t crc = ~0u;
    for (unsigned i = 0; i < count; i++) {
        crc ^= (uint8_t)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

static uint32_t collatz(uint32_t limit)
{
    uint32_t longest = 0;
    for (uint32_t start = 1; start < limit; start++) {
        uint32_t steps = 0;
        for (uint64_t n = start; n != 1; steps++)
            n = n & 1 ? 3 * n + 1 : n >> 1;
        longest = steps > longest ? steps : longest;
    }
    return longest;
}

static uint32_t divide(unsigned rounds)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t a = next_random(), b = next_random() >> 20;
        sum += a / (b + 1) + a % (b + 3) + a * b;
    }
    return sum;
}

// --- memory: a random chain through 1 MB, and sweeps over it

static void make_chase(void)
{
    for (uint32_t i = 0; i < CHASE_WORDS; i++)
        chase[i] = i;
    for (uint32_t i = CHASE_WORDS - 1; i > 0; i--) { // Sattolo: one cycle through all
        uint32_t j = next_random() % i, t = chase[i];
        chase[i] = chase[j];
        chase[j] = t;
    }
}

static uint32_t follow(unsigned steps)
{
    uint32_t at = 0, sum = 0;
    for (unsigned i = 0; i < steps; i++) {
        at = chase[at];
        sum += at;
    }
    return sum;
}

static uint32_t sweep(unsigned rounds)
{
    uint32_t sum = 0;
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned i = 0; i < CHASE_WORDS / 4; i++) {
            values[i % SORT_COUNT] += chase[i];
            sum ^= values[(i + r) % SORT_COUNT];
        }
    return sum;
}

// --- calls: recursion, calls through pointers, a sort that asks a function

static __attribute__((noinline)) uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

typedef int (*compare_fn)(uint32_t a, uint32_t b);

static int rising(uint32_t a, uint32_t b) { return (a > b) - (a < b); }
static int falling(uint32_t a, uint32_t b) { return (b > a) - (b < a); }
static int by_low_byte(uint32_t a, uint32_t b) { return (int)(a & 255) - (int)(b & 255); }

static __attribute__((noinline)) void merge_sort(uint32_t *v, uint32_t *spare, unsigned count,
                                                 compare_fn compare)
{
    unsigned half = count / 2, i = 0, j = half, k = 0;
    if (count < 2)
        return;
    merge_sort(v, spare, half, compare);
    merge_sort(v + half, spare, count - half, compare);
    while (i < half && j < count)
        spare[k++] = compare(v[i], v[j]) <= 0 ? v[i++] : v[j++];
    while (i < half)
        spare[k++] = v[i++];
    for (i = 0; i < k; i++)
        v[i] = spare[i];
}

static uint32_t sorts(unsigned rounds)
{
    static const compare_fn orders[] = {rising, falling, by_low_byte};
    uint32_t sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        for (unsigned i = 0; i < SORT_COUNT; i++)
            values[i] = next_random();
        merge_sort(values, scratch, SORT_COUNT, orders[r % 3]);
        sum = sum * 31 + values[r % SORT_COUNT];
    }
    return sum;
}

// --- strings: by the string instructions, and byte by byte

static void copy_words(void *to, const void *from, unsigned words)
{
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static uint32_t strings(unsigned rounds)
{
    uint32_t sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        copy_words(copy, text, TEXT_BYTES / 4);
        for (unsigned i = 0; i < TEXT_BYTES; i++) {
            char c = copy[i];
            if (c >= 'a' && c <= 'z')
                copy[i] = (char)(c - 'a' + 'A');
            sum += (uint8_t)copy[i];
        }
        unsigned words = 0;
        for (const char *p = copy; p < copy + TEXT_BYTES; p++)
            words += *p == ' ' && p[1] != ' ';
        sum = sum * 17 + words;
    }
    return sum;
}

static void make_text(void)
{
    for (unsigned i = 0; i < TEXT_BYTES; i++) {
        uint32_t v = next_random();
        text[i] = v % 6 == 0 ? ' ' : (char)(v & 0x2000 ? 'a' + v % 26 : 'A' + v % 26);
    }
}

void mix(void)
{
    uint32_t sum = 0;
    out(LCR, LCR_8N1);
    seed = 2463534242u;
    make_text();
    make_chase();
    say("bench: begin\n");
    for (unsigned round = 0; round < 4; round++) {
        sum = sum * 3 + crc32(text, TEXT_BYTES);
        sum = sum * 3 + collatz(12000);
        sum = sum * 3 + divide(300000);
        sum = sum * 3 + follow(1500000);
        sum = sum * 3 + sweep(12);
        sum = sum * 3 + fibonacci(24);
        sum = sum * 3 + sorts(9);
        sum = sum * 3 + strings(40);
    }
    say("bench: end ");
    say_hex(sum);
    say("\n");
}
