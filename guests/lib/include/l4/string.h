// string.h: the functions on bytes and strings that gcc expects to find, and a few more, with
// their meaning in C. Not modelled: locales.
#pragma once

#include <l4/types.h>

void *memcpy(void *to, const void *from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t count);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *part);
// Copies at most size - 1 bytes and always ends with NUL; size is not 0.
void l4_copy_string(char *to, const char *from, size_t size);
// A number in C's notation (0x, 0, decimal). *end, if given, gets the first character after it.
unsigned long strtoul(const char *s, char **end, int base);
