#include "sim/report/guest_value.h"

#include "mmu/mmu.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32      /* a definition may use itself by mistake */
#define FIND_MAX 0x400000 /* bytes that find() looks through at most */
#define TSS_STACKS 4      /* ESP0 SS0 ESP1, each in four bytes */
#define TSS_STACKS_16 2   /* SP0 SS0 SP1, each in two */
#define TSS_TYPE_32 8

void guest_stacks(const struct cpu *c, uint32_t *esp0, uint32_t *esp1)
{
    uint32_t wide[3] = {0};
    uint16_t narrow[3] = {0};
    if (c->tr.access & TSS_TYPE_32) {
        mmu_peek(c->mmu, c->tr.base + TSS_STACKS, wide, sizeof wide);
    } else if (mmu_peek(c->mmu, c->tr.base + TSS_STACKS_16, narrow, sizeof narrow)) {
        wide[0] = narrow[0];
        wide[2] = narrow[2];
    }
    *esp0 = wide[0];
    *esp1 = wide[2];
}

static uint32_t fail(struct guest_value *v)
{
    v->failed = true;
    return 0;
}

static void skip_blanks(struct guest_value *v)
{
    while (*v->at == ' ' || *v->at == '\t')
        v->at++;
}

/* Is this what comes next? Then it is passed. */
static bool accept(struct guest_value *v, const char *token)
{
    skip_blanks(v);
    size_t n = strlen(token);
    if (strncmp(v->at, token, n) != 0)
        return false;
    v->at += n;
    return true;
}

/* --- operands --------------------------------------------------------------------------------- */

static uint32_t read_memory(struct guest_value *v, unsigned size)
{
    uint32_t address = guest_value(v), value = 0;
    if (v->failed || !accept(v, "]") || !mmu_peek(v->cpu->mmu, address, &value, size))
        return fail(v);
    return value;
}

/* (FROM, SIZE, "text"), page by page: what lies behind a page that is not mapped is not found. */
static uint32_t find(struct guest_value *v)
{
    char text[64];
    uint32_t from, size, length = 0;
    from = accept(v, "(") ? guest_value(v) : fail(v);
    size = accept(v, ",") ? guest_value(v) : fail(v);
    if (v->failed || !accept(v, ",") || !accept(v, "\"") || size > FIND_MAX)
        return fail(v);
    while (*v->at && *v->at != '"' && length < sizeof text)
        text[length++] = *v->at++;
    if (!accept(v, "\"") || !accept(v, ")") || !length)
        return fail(v);
    for (uint32_t at = 0, matched = 0; at < size; at++) {
        char byte;
        if (!mmu_peek(v->cpu->mmu, from + at, &byte, 1))
            return fail(v);
        if (byte != text[matched]) {
            at -= matched; /* anew, one byte behind where this attempt began */
            matched = 0;
        } else if (++matched == length) {
            return from + at + 1 - length;
        }
    }
    return fail(v);
}

static bool special(const struct cpu *c, const char *name, uint32_t *value)
{
    uint32_t esp0, esp1;
    guest_stacks(c, &esp0, &esp1);
    if (strcmp(name, "esp0") == 0)
        *value = esp0;
    else if (strcmp(name, "esp1") == 0)
        *value = esp1;
    else if (strcmp(name, "cr3") == 0)
        *value = c->cr3;
    else if (strcmp(name, "base") == 0)
        *value = c->seg[CS].base;
    else
        return false;
    return true;
}

static bool defined(struct guest_value *v, const char *name, uint32_t *value)
{
    const struct guest_kernel *k = v->kernel;
    for (unsigned i = 0; k && i < k->count; i++) {
        if (strcmp(k->rule[i].key, name) != 0)
            continue;
        struct guest_value inner = *v;
        inner.at = k->rule[i].value;
        inner.depth++;
        *value = guest_value(&inner);
        v->failed |= inner.failed || *inner.at;
        return true;
    }
    return false;
}

static uint32_t named(struct guest_value *v)
{
    char name[128];
    size_t n = 0;
    uint32_t value = 0;
    while ((isalnum((unsigned char)*v->at) || *v->at == '_' || *v->at == '.') &&
           n + 1 < sizeof name)
        name[n++] = *v->at++;
    name[n] = 0;
    if (strcmp(name, "find") == 0)
        return find(v);
    if (strcmp(name, "byte") == 0 && accept(v, "["))
        return read_memory(v, 1);
    if (strcmp(name, "half") == 0 && accept(v, "["))
        return read_memory(v, 2);
    if (special(v->cpu, name, &value) || defined(v, name, &value) ||
        symbols_address(v->symbols, name, &value))
        return value;
    return fail(v);
}

static uint32_t operand(struct guest_value *v)
{
    skip_blanks(v);
    if (accept(v, "["))
        return read_memory(v, 4);
    if (accept(v, "~"))
        return ~operand(v);
    if (accept(v, "(")) {
        uint32_t value = guest_value(v);
        return accept(v, ")") ? value : fail(v);
    }
    if (isdigit((unsigned char)*v->at)) {
        char *end;
        uint32_t value = (uint32_t)strtoul(v->at, &end, 0);
        v->at = end;
        return value;
    }
    return isalpha((unsigned char)*v->at) || *v->at == '_' ? named(v) : fail(v);
}

/* --- operators -------------------------------------------------------------------------------- */

enum { LEVELS = 6, OPERATORS = 4 };

/* By binding, the loosest first; of one level the longer come first. */
static const char *const operators[LEVELS][OPERATORS] = {
    {"|"}, {"&"}, {"==", "!=", "<", ">"}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"},
};

static uint32_t apply(struct guest_value *v, const char *o, uint32_t a, uint32_t b)
{
    if (b == 0 && (*o == '/' || *o == '%'))
        return fail(v);
    if (o[0] == o[1] && *o != '=') /* << >> */
        return b > 31 ? 0 : *o == '<' ? a << b : a >> b;
    switch (*o) {
    case '|': return a | b;
    case '&': return a & b;
    case '=': return a == b;
    case '!': return a != b;
    case '<': return a < b;
    case '>': return a > b;
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    default: return a % b;
    }
}

static uint32_t level(struct guest_value *v, unsigned l)
{
    if (l == LEVELS)
        return operand(v);
    uint32_t value = level(v, l + 1);
    for (unsigned i = 0; i < OPERATORS && operators[l][i] && !v->failed;) {
        const char *o = operators[l][i];
        skip_blanks(v);
        bool is_shift = (*v->at == '<' || *v->at == '>') && v->at[1] == *v->at;
        if ((is_shift && !o[1]) || !accept(v, o)) {
            i++;
            continue;
        }
        value = apply(v, o, value, level(v, l + 1));
        i = 0;
    }
    return value;
}

uint32_t guest_value(struct guest_value *v)
{
    if (v->depth >= DEPTH_MAX)
        return fail(v);
    v->depth++;
    uint32_t value = level(v, 0);
    skip_blanks(v);
    v->depth--;
    return v->failed ? 0 : value;
}
