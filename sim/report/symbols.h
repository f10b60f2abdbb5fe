/* symbols: names for linear addresses, from ELF symbol tables and System.map files, and the places
 * that the ledger charges. Place 0 is code of privilege 0-2 without a symbol, place 1 user code
 * without one, place 2 + i symbol i. */
#pragma once

#include "sim/core/types.h"

struct symbol {
    laddr_t address;
    uint32_t size; /* 0: up to the next symbol */
    const char *name;
    const char *file; /* which file it came from */
};

struct symbols {
    struct symbol *list; /* sorted by address */
    uint32_t count, capacity;
    char **strings; /* owned names */
    uint32_t string_count, string_capacity;
};

void symbols_init(struct symbols *s);
void symbols_free(struct symbols *s);
/* Adds "FILE" or "FILE@OFFSET" (hexadecimal, added to each address): an ELF file or a System.map.
 * usage_error if it is neither. */
void symbols_add(struct symbols *s, const char *spec);

/* Adds lines "address size name", numbers in hexadecimal, as a trace carries them. */
void symbols_add_text(struct symbols *s, const char *text, const char *file);

/* The symbol covering la, NULL if none. */
const struct symbol *symbols_find(const struct symbols *s, laddr_t la);
const struct symbol *symbols_by_name(const struct symbols *s, const char *name);
/* "name+1c", or "" if no symbol covers la. */
void symbols_format(const struct symbols *s, laddr_t la, char *text, size_t size);

/* For struct cpu's place_of; owner is the struct symbols. */
uint32_t symbols_place(void *owner, laddr_t la, bool user, laddr_t *end);
const char *symbols_place_name(const struct symbols *s, uint32_t place);
