// string.c: bytes and strings. memcpy and memset use the string instructions, which every IA-32
// processor moves in words.
#include <l4/string.h>

void *memcpy(void *to, const void *from, size_t count)
{
    void *destination = to;
    size_t words = count / 4;
    __asm__ volatile("rep movsl\n\tmovl %3, %2\n\trep movsb"
                     : "+D"(to), "+S"(from), "+c"(words)
                     : "r"(count & 3)
                     : "memory");
    return destination;
}

void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if (target <= source || target >= source + count)
        return memcpy(to, from, count);
    while (count-- > 0)
        *(volatile uint8_t *)&target[count] = source[count];
    return to;
}

void *memset(void *to, int byte, size_t count)
{
    void *destination = to;
    size_t words = count / 4;
    __asm__ volatile("rep stosl\n\tmovl %3, %1\n\trep stosb"
                     : "+D"(to), "+c"(words)
                     : "a"((uint8_t)byte * 0x01010101u), "r"(count & 3)
                     : "memory");
    return destination;
}

int memcmp(const void *a, const void *b, size_t count)
{
    const uint8_t *left = a, *right = b;
    for (size_t i = 0; i < count; i++) {
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *s)
{
    const volatile char *end = s;
    while (*end)
        end++;
    return (size_t)(end - s);
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, (size_t)-1);
}

int strncmp(const char *a, const char *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t left = (uint8_t)a[i], right = (uint8_t)b[i];
        if (left != right)
            return left < right ? -1 : 1;
        if (left == 0)
            return 0;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (*s == 0)
            return NULL;
    }
}

char *strstr(const char *s, const char *part)
{
    size_t length = strlen(part);
    for (;; s++) {
        if (strncmp(s, part, length) == 0)
            return (char *)(uintptr_t)s;
        if (*s == 0)
            return NULL;
    }
}

void l4_copy_string(char *to, const char *from, size_t size)
{
    size_t i = 0;
    for (; i + 1 < size && from[i]; i++)
        to[i] = from[i];
    to[i] = 0;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 99;
}

unsigned long strtoul(const char *s, char **end, int base)
{
    unsigned long value = 0;
    while (*s == ' ')
        s++;
    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        s += 2;
        base = 16;
    } else if (base == 0) {
        base = s[0] == '0' ? 8 : 10;
    }
    for (; digit_value(*s) < base; s++)
        value = value * (unsigned long)base + (unsigned long)digit_value(*s);
    if (end)
        *end = (char *)(uintptr_t)s;
    return value;
}
