/* capstone_list: the reviewed list of differences between the decoder and Capstone
 * (tests/isa/capstone-differences).
 *
 *     name JE je                       a row's name and Capstone's mnemonics for it
 *     entry: moffs-segment             a difference, with
 *     row: MOV                         rows' names, * for any, (none) for no instruction
 *     theirs: mov                      Capstone's mnemonics, * for any, (none)
 *     field: operands                  mnemonic, length or operands
 *     when: ...                        a condition of capstone_list.c
 *     why: ...
 *
 * A row whose name in lower case is Capstone's needs no name line. */
#pragma once

#include "cpu/op.h"

struct capstone_list;

struct capstone_query {
    const char *row, *theirs;
    const struct op *op;
    struct capstone_list *list;
    bool big;
};

/* path NULL: the list beside the sources. NULL with a line on stderr. */
struct capstone_list *capstone_list_read(const char *path);
void capstone_list_free(struct capstone_list *l);

bool capstone_same_mnemonic(struct capstone_list *l, const char *row, const char *theirs);
bool capstone_list_allows(struct capstone_list *l, const struct capstone_query *q,
                          const char *field);

/* Prints entries never used (or all, verbose); how many were never used. */
unsigned capstone_list_report(const struct capstone_list *l, bool verbose);
