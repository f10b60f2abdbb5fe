/* sse: the arithmetic of SSE, SSE2 and SSE3 on singles and doubles, bit for bit.
 *
 * Integer arithmetic on the operands as registers hold them, and pure, as cpu/x87.h is and for the
 * same reasons. A format is said by `wide`: false a single, in the low 32 bits, true a double.
 *
 * An operation answers with the masked response. Whether it may be stored is the caller's to decide
 * from flags and masks: with an unmasked exception nothing is. */
#pragma once

#include "cpu/cpu.h"

/* MXCSR [SDM1 10.2.3]:
 *
 *   15  14 13   12  11  10   9   8   7    6    5   4   3   2   1   0
 *   FZ    RC    PM  UM  OM  ZM  DM  IM   DAZ  PE  UE  OE  ZE  DE  IE  */
enum {
    SSE_IE = 1 << 0, SSE_DE = 1 << 1, SSE_ZE = 1 << 2, SSE_OE = 1 << 3, SSE_UE = 1 << 4,
    SSE_PE = 1 << 5, SSE_DAZ = 1 << 6, SSE_UM = 1 << 11, SSE_RC_ZERO = 3 << 13, SSE_FZ = 1 << 15,
    SSE_EXCEPTIONS = 0x3F,
    SSE_BEFORE = SSE_IE | SSE_DE | SSE_ZE, /* found before the operation */
    SSE_MASK_SHIFT = 7,
};

struct sse_env {
    uint32_t mxcsr; /* as it controls the operation */
    uint32_t flags; /* exceptions, which operations add to */
};

/* Two operands, the destination first: a NaN there wins over one in the source. */
uint64_t sse_add(uint64_t a, uint64_t b, bool wide, struct sse_env *e);
uint64_t sse_sub(uint64_t a, uint64_t b, bool wide, struct sse_env *e);
uint64_t sse_mul(uint64_t a, uint64_t b, bool wide, struct sse_env *e);
uint64_t sse_div(uint64_t a, uint64_t b, bool wide, struct sse_env *e);
/* b, as it is, where either is a NaN or both are zeros. */
uint64_t sse_min(uint64_t a, uint64_t b, bool wide, struct sse_env *e);
uint64_t sse_max(uint64_t a, uint64_t b, bool wide, struct sse_env *e);
uint64_t sse_sqrt(uint64_t a, bool wide, struct sse_env *e);

enum sse_relation { SSE_LESS, SSE_EQUAL, SSE_GREATER, SSE_UNORDERED };
/* quiet: a quiet NaN is no invalid operation. */
enum sse_relation sse_compare(uint64_t a, uint64_t b, bool quiet, bool wide, struct sse_env *e);

uint32_t sse_narrow(uint64_t a, struct sse_env *e); /* double to single */
uint64_t sse_widen(uint32_t a, struct sse_env *e);
uint64_t sse_from_int(int32_t v, bool wide, struct sse_env *e);
/* Rounded as MXCSR says. Out of range: SSE_IE and 80000000h. */
uint32_t sse_to_int(uint64_t a, bool wide, struct sse_env *e);

/* 1/a and 1/sqrt(a) of a single, as the nearest single with `bits` significant bits. Denormals
 * count as zeros and become zeros; no exceptions. */
uint32_t sse_reciprocal(uint32_t a, unsigned bits);
uint32_t sse_reciprocal_root(uint32_t a, unsigned bits);
