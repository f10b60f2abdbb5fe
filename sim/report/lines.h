/* lines: the cache lines that a stretch of execution touched: of code, of data and of page tables,
 * by the program or by the kernel. A path's footprint is what it costs everybody else, so a window
 * counts it beside its cycles. Lines are physical: two names of one byte are one line. */
#pragma once

#include "cpu/cpu.h"
#include "sim/report/symbols.h"

#include <jansson.h>
#include <stdio.h>

#define LINES_SIZE 4096 /* of the hash table: a power of two */

enum line_kind { LINE_CODE, LINE_DATA, LINE_TABLE, LINE_KINDS };
extern const char *const line_kind_names[LINE_KINDS];

enum { LINE_BY_USER = 1, LINE_BY_KERNEL = 2 };

struct line {
    paddr_t pa;  /* of its first byte */
    laddr_t la;  /* what it was first touched by; of a table: what was being translated */
    uint8_t kind; /* enum line_kind */
    uint8_t by;   /* LINE_BY_USER, LINE_BY_KERNEL, or both; 0: an empty slot */
    uint32_t touches, misses; /* misses: in the first level */
};

struct lines {
    struct line *slot; /* LINES_SIZE of them */
    uint32_t count, line_bytes;
    bool overflowed;
};

void lines_init(struct lines *l, const struct cpu *c);
void lines_copy(struct lines *l, const struct lines *from);
void lines_free(struct lines *l);
/* What c has just done, its log still there: an instruction of length bytes at la (0: a delivery),
 * run by the kernel or not; what it did to data was done by the kernel or not. */
void lines_add(struct lines *l, const struct cpu *c, laddr_t la, unsigned length, bool kernel_code,
               bool kernel_data);

/* Distinct lines by kind, and by whom; lines touched by both count with the kernel's. */
void lines_print(const struct lines *l, FILE *out);
json_t *lines_json(const struct lines *l, const struct symbols *symbols);
