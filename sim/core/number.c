#include "sim/core/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

bool number_parse(const char *text, int base, uint64_t most, uint64_t *value)
{
    char *end;
    if (!isxdigit((unsigned char)*text))
        return false;
    errno = 0;
    *value = strtoull(text, &end, base);
    return errno == 0 && *end == 0 && *value <= most;
}
