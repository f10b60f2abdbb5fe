/* differences: the reviewed list of what the simulator and this host may do differently
 * (tests/isa/host-differences), and the question whether one difference is on it.
 *
 * A paragraph of the list:
 *
 *     entry: double-shift-too-far
 *     rows: SHLD SHRD               names of rows, or *
 *     when: count-above-width       one of the conditions in differences.c, or always
 *     ignore: destination CF OF     fields, see below
 *     why: undefined [SDM2 SHLD]; ...
 *
 * Fields: CF PF AF ZF SF OF RF (flags) undefined (the flags that the row says are undefined)
 * destination (the register operand written) destination-high (its bits 31-16) eax ecx edx ebx
 * ebp esi edi operand (the bytes of the memory operand) pushed-high (the upper half of the
 * doubleword pushed) below-stack (8 bytes below the stack's top) fault (vector, error code and
 * CR2) cr2 fetch (bit 4 of a page fault's error code) eip null-rpl (the RPL of a null selector)
 * pointers (of the x87 environment stored) hidden (what only a later instruction shows) C0 C1 C2 C3
 * and IE DE ZE OE UE PE (x87) ulp (one unit in the last place of an x87 result) approximation
 * (within 3 * 2^-12 of a single) everything.
 *
 * Each use of an entry is counted; one that a long run never used is reported as stale. */
#pragma once

#include "cpu/op.h"
#include "tests/isa/silicon.h"

struct isa_differences;

/* One instruction as both ran it from the same state. */
struct isa_step {
    const struct op *op; /* NULL: it could not be fetched */
    const struct isa_state *before;
    const struct isa_outcome *silicon, *simulated;
    const uint8_t *operand; /* the memory operand's bytes before, NULL if outside the windows */
};

enum isa_field {
    FIELD_EFLAGS, /* detail: differing bits */
    FIELD_REGISTER, /* detail: number << 32 | differing bits */
    FIELD_MEMORY,   /* detail: linear address of a differing byte */
    FIELD_ERROR,    /* detail: differing bits */
    FIELD_X87_STATUS, /* detail: differing bits */
    FIELD_ST,         /* detail: i << 32 | units of the last place, at most UINT32_MAX */
    FIELD_SELECTOR,   /* detail: 1 << 32 | simulated << 16 | silicon */
    FIELD_FAULT,      /* vector; detail: 1 */
    FIELD_CR2,        /* detail: 1 */
    FIELD_EIP,        /* detail: 1 */
    FIELD_XMM,        /* detail: i << 32 | units of the last place of a single, at least one */
    FIELD_MXCSR,      /* detail: differing bits */
    FIELD_HIDDEN,     /* detail: 1; asked of every step */
    FIELD_OTHER,      /* detail: 1 */
};

/* NULL with a line on stderr (file, line, what is wrong). */
struct isa_differences *isa_differences_read(const char *path);
void isa_differences_free(struct isa_differences *l);

/* What of the detail no entry covers: 0 when the difference is on the list. */
uint64_t isa_differences_cover(struct isa_differences *l, const struct isa_step *s,
                               enum isa_field field, uint64_t detail);

/* Flags that the row leaves undefined for these very operands: a shift by zero leaves none, by
 * one it defines OF. */
uint32_t isa_undefined_flags(const struct op *o, const struct isa_state *before);

/* The linear address of the memory operand. */
uint32_t isa_operand_address(const struct op *o, const struct isa_state *before);

/* How often entries were used so far. */
uint64_t isa_differences_uses(const struct isa_differences *l);

/* Uses are of this case from now on. */
void isa_differences_at(struct isa_differences *l, uint64_t seed);

/* One line an entry with its uses and the first case (verbose), or that it was never used; the
 * number of entries never used. */
unsigned isa_differences_report(const struct isa_differences *l, bool verbose);
