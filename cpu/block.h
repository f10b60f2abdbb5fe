/* block: a straight run of decoded instructions; see cpu/run.h. Made, found and dropped in
 * cpu/run.c. */
#pragma once

#include "cpu/op.h"

#define BLOCK_LINE_SHIFT 5

struct block {
    laddr_t la;
    uint32_t eip;
    paddr_t pa;
    uint32_t mode;
    uint32_t place;
    uint16_t count;
    uint16_t bytes;
    bool alone;  /* one A_ALONE instruction, or one that repeats */
    bool chains; /* after it only EIP decides what runs next, unless it set stop_block */
    uint32_t end_eip; /* of the instruction behind it */
    paddr_t second;   /* where the second page's part of an instruction that crosses pages lies */
    struct block *link[2];      /* what ran next when EIP was end_eip, and when not; NULL unknown */
    struct block *next;         /* in the hash bucket */
    struct block *next_in_page; /* in the physical page */
    uint64_t model[16]; /* the model's own, zero at first */
    struct op ops[];
};
