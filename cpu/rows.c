/* rows: the list of all instruction families. A new family is one file and one line here. */
#include "cpu/rows.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

const struct row_family *const families[] = {
    &family_arith,
    &family_shift,
    &family_muldiv,
    &family_bit,
    &family_move,
    &family_stack,
    &family_string,
    &family_control,
    &family_flag,
    &family_io,
    &family_far,
    &family_fast_call,
    &family_segment,
    &family_system,
    &family_x87,
    &family_packed,
    &family_vector_move,
    &family_vector_state,
    &family_sse,
    &family_sse_convert,
    &family_3dnow,
    NULL,
};

static uint8_t hex_byte(const char **p)
{
    char *end;
    unsigned long v = strtoul(*p, &end, 16);
    CHECK(end == *p + 2);
    while (*end == ' ')
        end++;
    *p = end;
    return (uint8_t)v;
}

static void parse_prefix(struct row_code *code, const char **p)
{
    if (strncmp(*p, "NP ", 3) == 0) {
        code->exact = true;
        *p += 3;
        return;
    }
    static const char *const prefixes[] = {"66 0F", "F3 0F", "F2 0F"};
    for (unsigned i = 0; i < ARRAY_COUNT(prefixes); i++)
        if (strncmp(*p, prefixes[i], 5) == 0) {
            code->exact = true;
            code->prefix = hex_byte(p);
        }
}

/* What follows the opcode: /r, a digit, +r, or a whole ModRM byte. */
static void parse_shape(struct row_code *code, const char *p)
{
    if (*p == '/') {
        code->shape = CODE_MODRM;
        if (p[1] != 'r')
            code->digit = (int8_t)(p[1] - '0');
        CHECK(code->digit < 8);
        p += 2;
        p += *p == ' ';
        if (*p)
            code->suffix = hex_byte(&p);
    } else if (strncmp(p, "+r", 2) == 0) {
        code->shape = CODE_PLUS_R;
    } else if (*p) {
        code->shape = CODE_X87;
        code->modrm = hex_byte(&p);
        code->count = strcmp(p, "+i") == 0 ? 8 : 1;
        CHECK(code->modrm >= 0xC0);
    }
}

struct row_code row_code_parse(const char *text)
{
    struct row_code code = {.digit = -1, .suffix = -1};
    parse_prefix(&code, &text);
    code.opcode = hex_byte(&text);
    if (code.opcode == 0x0F) {
        code.two = true;
        code.opcode = hex_byte(&text);
    }
    CHECK(code.two || !code.exact);
    parse_shape(&code, text);
    return code;
}
