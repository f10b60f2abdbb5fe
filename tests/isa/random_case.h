/* random_case: a short random instruction sequence with a random state to run it from.
 *
 * Sequences are made from the simulator's own rows: every encoding that a row promises is emitted
 * sometimes, with all prefixes, operand forms and interesting values. Start registers are assigned
 * lazily, so that a memory operand mostly lands in the data window (and sometimes beside it), a
 * selector operand is mostly one that exists, and an indirect jump mostly has somewhere to go.
 *
 * A case is a function of its seed (and of the rows): the same on every host. */
#pragma once

#include "cpu/rows.h"
#include "tests/isa/silicon.h"

enum {
    ISA_INSTRUCTIONS_MAX = 6,
    ISA_CODE_BYTES_MAX = 160,
    ISA_PATCHES_MAX = 16,
    ISA_PATCH_BYTES_MAX = 28,
};

struct isa_instruction {
    const struct row *row;
    uint8_t at; /* offset of its first byte in the case's code */
};

struct isa_patch {
    uint16_t offset; /* in the data window */
    uint8_t size;
    uint8_t bytes[ISA_PATCH_BYTES_MAX];
};

struct isa_case {
    uint64_t seed;
    struct isa_state start;
    unsigned count;
    struct isa_instruction list[ISA_INSTRUCTIONS_MAX];
    uint32_t code_at; /* linear address of the first byte */
    unsigned code_size;
    uint8_t code[ISA_CODE_BYTES_MAX];
    unsigned image; /* which of the prepared contents the data window starts with */
    unsigned patch_count;
    struct isa_patch patches[ISA_PATCHES_MAX];
};

struct isa_generator;

/* family: "arith", "shift" ..., or NULL for all; features: rows of others are not used. NULL with a
 * line on stderr if there is no such family. */
struct isa_generator *isa_generator_new(const char *family, uint32_t features);
void isa_generator_free(struct isa_generator *g);

void isa_case_make(const struct isa_generator *g, uint64_t seed, struct isa_case *k);

/* Fills the windows with what the case starts from: code followed by INT3s, data, patches. */
void isa_case_place(const struct isa_generator *g, const struct isa_case *k,
                    const struct isa_memory *m);

/* Fills the fixed window, once. */
void isa_generator_fixed(const struct isa_generator *g, const struct isa_memory *m);
