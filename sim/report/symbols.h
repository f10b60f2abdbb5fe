/* symbols: names for linear addresses, from ELF symbol tables and System.map files, and the places
 * that the ledger charges. Place 0 is code of privilege 0-2 without a symbol, place 1 user code
 * without one, place 2 + i symbol i.
 *
 * Several images may have code at one address, each in address spaces of its own: a symbol that was
 * given a space covers code only while a space of that name runs, and comes before one that was
 * given none. Who knows which space runs is asked through space_of.
 *
 * Names of data are kept apart: rules that look into a kernel's memory use them (guest_names.h). */
#pragma once

#include "sim/core/types.h"
#include "sim/report/source.h"

struct symbol {
    laddr_t address;
    uint32_t size; /* 0: up to the next symbol, but 64 KB at most */
    const char *name;
    const char *file; /* which file it came from */
    const char *space; /* NULL: in all of them */
};

struct symbol_list {
    struct symbol *list; /* sorted by address */
    uint32_t count, capacity;
};

struct symbols {
    struct symbol *list; /* sorted by address */
    uint32_t count, capacity;
    char **strings; /* owned names */
    uint32_t string_count, string_capacity;
    struct symbol_list data;
    struct source source;
    bool spaced; /* some symbols have a space */
    const char *(*space_of)(void *owner); /* the name of the space that runs; NULL: none is known */
    void *space_owner;
};

void symbols_init(struct symbols *s);
void symbols_free(struct symbols *s);
/* Adds "FILE[@OFFSET][:SPACE]": an ELF file or a System.map; the offset is hexadecimal and added to
 * each address. usage_error if it is neither. */
void symbols_add(struct symbols *s, const char *spec);

/* Adds lines "address size name", numbers in hexadecimal, as a trace carries them. */
void symbols_add_text(struct symbols *s, const char *text, const char *file);
/* The symbols that symbols_add_text cannot tell of: lines "d address size name" of data, and "s
 * address size name space". */
void symbols_write_names(const struct symbols *s, FILE *out);
void symbols_add_names(struct symbols *s, const char *text, const char *file);

/* The symbol covering la, NULL if none. */
const struct symbol *symbols_find(const struct symbols *s, laddr_t la);
const struct symbol *symbols_by_name(const struct symbols *s, const char *name);
/* The address of code or data of that name; false if there is none. */
bool symbols_address(const struct symbols *s, const char *name, laddr_t *address);
/* "file.c:12" of the instruction at la, without folders; "" if no table of lines has it. */
void symbols_line(struct symbols *s, laddr_t la, char *text, size_t size);
/* "name+1c", or "" if no symbol covers la. */
void symbols_format(const struct symbols *s, laddr_t la, char *text, size_t size);

/* For struct cpu's place_of; owner is the struct symbols. */
uint32_t symbols_place(void *owner, laddr_t la, bool user, laddr_t *end);
const char *symbols_place_name(const struct symbols *s, uint32_t place);
