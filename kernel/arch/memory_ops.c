/* memory_ops.c: the functions that gcc calls of its own accord. */
#include "types.h"

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
void *memmove(void *to, const void *from, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
    void *d = to;
    size_t words = size / 4, bytes = size % 4;
    __asm__ volatile("rep movsl\n\tmovl %3, %%ecx\n\trep movsb"
                     : "+D"(d), "+S"(from), "+c"(words)
                     : "r"(bytes)
                     : "memory");
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *d = to;
    size_t words = size / 4, bytes = size % 4;
    word_t pattern = (uint8_t)byte * 0x01010101u;
    __asm__ volatile("rep stosl\n\tmovl %3, %%ecx\n\trep stosb"
                     : "+D"(d), "+c"(words)
                     : "a"(pattern), "r"(bytes)
                     : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((word_t)(uintptr_t)to - (word_t)(uintptr_t)from >= size)
        return memcpy(to, from, size);
    uint8_t *d = (uint8_t *)to + size - 1;
    const uint8_t *s = (const uint8_t *)from + size - 1;
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(d), "+S"(s), "+c"(size) : : "memory");
    return to;
}
