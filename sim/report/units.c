#include "sim/report/units.h"

#include <stdio.h>
#include <string.h>

#define LANES 3
#define HAS_LANES (1u << MODEL_ALU | 1u << MODEL_AGU | 1u << MODEL_MULTIPLIER | 1u << MODEL_NO_UNIT)

const char *const unit_names[MODEL_UNITS] = {
    [MODEL_NO_UNIT] = "none", [MODEL_ALU] = "alu",   [MODEL_AGU] = "agu",
    [MODEL_MULTIPLIER] = "mul", [MODEL_FADD] = "fadd", [MODEL_FMUL] = "fmul",
    [MODEL_FSTORE] = "fstore", [MODEL_MICROCODE] = "rom",
};

units_t units_of(const struct model_last *l)
{
    unsigned lane = l->pipe >= '0' && l->pipe < '0' + LANES ? 1u << (l->pipe - '0') : 0;
    if (!l->staged)
        return 0;
    return (units_t)((HAS_LANES >> l->unit & 1 ? lane : 0u) | 1u << (LANES + l->unit));
}

const char *units_format(units_t units, char *text, size_t size)
{
    size_t at = 0;
    const char *separator = "";
    text[0] = 0;
    for (unsigned u = 0; u < MODEL_UNITS && at < size; u++)
        if (units >> (LANES + u) & 1) {
            at += (size_t)snprintf(text + at, size - at, "%s%s", separator, unit_names[u]);
            separator = "+";
        }
    separator = " ";
    for (unsigned lane = 0; lane < LANES && at < size; lane++)
        if (units >> lane & 1) {
            at += (size_t)snprintf(text + at, size - at, "%s%u", separator, lane);
            separator = "/";
        }
    return text;
}

static bool parse_unit(const char *text, size_t n, units_t *units)
{
    for (unsigned u = 0; u < MODEL_UNITS; u++)
        if (strlen(unit_names[u]) == n && memcmp(unit_names[u], text, n) == 0) {
            *units |= (units_t)(1u << (LANES + u));
            return true;
        }
    return false;
}

bool units_parse(const char *text, units_t *units)
{
    *units = 0;
    for (size_t n; *text && *text != ' '; text += n + (text[n] == '+'))
        if (n = strcspn(text, "+ "), !parse_unit(text, n, units))
            return false;
    for (; *text; text += 2) {
        if (text[1] < '0' || text[1] >= '0' + LANES)
            return false;
        *units |= (units_t)(1u << (text[1] - '0'));
    }
    return true;
}
