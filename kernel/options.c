#include "options.h"

static char line[512];

void options_set(const char *from)
{
    word_t i = 0;
    for (; from[i] != 0 && i < sizeof line - 1; i++)
        line[i] = from[i];
    line[i] = 0;
}

/* The text behind `prefix`, which must begin a word; NULL: there is none. */
static const char *behind(const char *prefix)
{
    for (const char *word = line; *word; word++) {
        if (word != line && word[-1] != ' ')
            continue;
        word_t i = 0;
        while (prefix[i] && word[i] == prefix[i])
            i++;
        if (!prefix[i])
            return word + i;
    }
    return NULL;
}

bool option_given(const char *word)
{
    const char *end = behind(word);
    return end && (*end == 0 || *end == ' ');
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

word_t option_number(const char *name, word_t otherwise)
{
    const char *s = behind(name);
    if (!s || *s++ != '=' || digit(*s) > 9)
        return otherwise;
    int base = s[0] == '0' && s[1] == 'x' ? 16 : 10;
    word_t value = 0;
    for (s += base == 16 ? 2 : 0; digit(*s) < base; s++)
        value = value * (word_t)base + (word_t)digit(*s);
    if (*s == 'K' || *s == 'k')
        return value << 10;
    return *s == 'M' || *s == 'm' ? value << 20 : value;
}
