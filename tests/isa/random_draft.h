/* random_draft: a random case in the making, shared by random_case.c (which rows, in which order)
 * and random_operand.c (their prefixes, operands and the values these find). */
#pragma once

#include "tests/isa/random_case.h"
#include "tests/isa/random_value.h"

/* A row with its strings parsed. */
struct form {
    const struct row *row;
    uint8_t family;
    struct row_code code;
    bool may_reg, may_mem;
    char operand[3][4]; /* the manual's letters */
    unsigned operands;
};

struct draft {
    struct isa_case *k;
    uint64_t random;
    uint8_t assigned; /* start registers that have got a value */
    uint8_t lost;     /* registers that an earlier instruction may have changed */
    bool code16;
    struct {
        uint8_t at, size, instruction;
    } jumps[ISA_INSTRUCTIONS_MAX * 2]; /* displacements to fill in */
    unsigned jump_count;
    struct { /* a memory or register word that is to hold the address of an instruction */
        bool is_register;
        uint8_t reg, instruction, patch, size;
    } labels[ISA_INSTRUCTIONS_MAX];
    unsigned label_count;
};

/* The instruction being emitted. */
struct emission {
    const struct form *f;
    unsigned number;
    bool data16, addr16;
    int segment;       /* override, -1 none */
    bool is_memory;
    bool known;        /* the linear address of the operand is known */
    uint32_t linear;
    uint8_t rm;
};

/* Appends the instruction's bytes to the case and prepares what its operands find. */
void isa_emit(struct draft *d, const struct form *f, unsigned number);
