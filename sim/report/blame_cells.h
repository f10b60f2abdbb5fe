/* blame_cells: who took misses and who caused them, and how many of which kind.
 *
 * Who is code (a space, a path, a place) or one instruction that emptied something. A cell counts
 * the misses of one array and kind that one of them took because of another, and their cycles;
 * every table of a report is a sum over cells. */
#pragma once

#include "sim/core/types.h"

/* What can be missed. X(identifier, name, what it is) */
#define BLAME_ARRAYS(X)                                                                            \
    X(L1I, "l1i", "code line not in the first-level code cache")                                   \
    X(L1D, "l1d", "data read not in the first-level data cache")                                   \
    X(L1D_WRITE, "l1d.write", "data write not there; on the p5 it brings no line in")              \
    X(L2, "l2", "line read from memory: not in the second level")                                  \
    X(L2_WRITE, "l2.write", "write that went on to memory")                                        \
    X(ITLB, "itlb", "code page not in the TLB: a walk, or the second level had it")                \
    X(DTLB, "dtlb", "data page (4 KB) not in the TLB: a walk, or the second level had it")         \
    X(DTLB_LARGE, "dtlb.large", "page walk for data in a large page")                              \
    X(ITLB_LARGE, "itlb.large", "page walk for code in a large page")                              \
    X(ITLB2, "itlb2", "page walk for code: not in the second-level TLB")                           \
    X(DTLB2, "dtlb2", "page walk for data: not in the second-level TLB")

enum blame_array {
#define X(id, name, text) BLAME_##id,
    BLAME_ARRAYS(X)
#undef X
        BLAME_ARRAY_COUNT
};

/* What made it a miss. */
#define BLAME_KINDS(X)                                                                             \
    X(COMPULSORY, "compulsory", "first reference since counting began")                            \
    X(CAPACITY, "capacity", "replaced; full associativity would not have kept it")                 \
    X(CONFLICT, "conflict", "replaced; a fully associative array of the size would have it")       \
    X(FLUSH, "flush", "removed by CR3, INVLPG, a page fault, INVD, WBINVD, CLFLUSH or a reset")    \
    X(COHERENCE, "coherence", "given up to the other first-level cache, or to a locked cycle")     \
    X(UNHELD, "unheld", "seen before, but never brought in: writes, uncached, locked")             \
    X(DIRTY, "dirty", "TLB: the entry was there; the first write to the page walks to set D")      \
    X(FAULT, "fault", "TLB: the walk ended in a page fault")

enum blame_kind {
#define X(id, name, text) BLAME_##id,
    BLAME_KINDS(X)
#undef X
        BLAME_KIND_COUNT
};

/* What emptied something; code otherwise. */
#define BLAME_DEEDS(X)                                                                             \
    X(CODE, "code")                                                                                \
    X(CR3, "CR3 write")                                                                            \
    X(INVLPG, "INVLPG")                                                                            \
    X(PAGE_FAULT, "page fault")                                                                    \
    X(CONTROL, "CR0 or CR4 write")                                                                 \
    X(CACHE_FLUSH, "INVD or WBINVD")                                                               \
    X(LINE_FLUSH, "CLFLUSH")                                                                       \
    X(TABLES, "changed page tables")                                                               \
    X(RESET, "reset")

enum blame_deed {
#define X(id, name) DEED_##id,
    BLAME_DEEDS(X)
#undef X
        DEED_COUNT
};

extern const char *const blame_array_names[BLAME_ARRAY_COUNT];
extern const char *const blame_array_texts[BLAME_ARRAY_COUNT];
extern const char *const blame_kind_names[BLAME_KIND_COUNT];
extern const char *const blame_kind_texts[BLAME_KIND_COUNT];
extern const char *const blame_deed_names[DEED_COUNT];

#define BLAME_WAITING 64

#define BLAME_NOBODY 0 /* the who that caused what nobody did */

struct blame_who {
    uint32_t space, path, place;
    laddr_t la;    /* of the instruction that did a deed; 0 for code */
    uint32_t deed; /* enum blame_deed; DEED_COUNT: nobody */
    uint64_t times; /* that the deed was done */
};

struct blame_cell {
    uint32_t array, kind, charged, caused; /* enum blame_array, enum blame_kind, two whos */
    uint64_t misses, cycles;
};

struct blame_cells {
    struct blame_who *who; /* [0] is nobody */
    uint32_t who_count, who_room, who_slots;
    uint32_t *who_slot; /* hash: index + 1 */
    struct blame_cell *cell;
    uint32_t count, room, slots;
    uint32_t *slot;
    uint32_t latest[BLAME_ARRAY_COUNT][BLAME_KIND_COUNT]; /* cell that was counted last */
    /* Misses that are not counted yet: by then the host has fetched their cells. */
    struct blame_cell waiting[BLAME_WAITING];
    uint32_t waiting_hash[BLAME_WAITING], waiting_count;
};

void blame_cells_init(struct blame_cells *c);
void blame_cells_free(struct blame_cells *c);
/* Forgets counts, not identities. */
void blame_cells_clear(struct blame_cells *c);

/* The index of who; made if it is new. */
uint32_t blame_who(struct blame_cells *c, struct blame_who w);
/* The index of the cell with this key; made if it is new. */
uint32_t blame_find(struct blame_cells *c, const struct blame_cell *key);
/* Adds the misses and cycles of a cell, which may be new; its index. */
uint32_t blame_count(struct blame_cells *c, struct blame_cell k);
/* The same, no later than in blame_count_waiting. */
NOINLINE void blame_count_later(struct blame_cells *c, const struct blame_cell *k);
void blame_count_waiting(struct blame_cells *c);

/* One miss more, mostly of the cell that the last one of array and kind was of: else the host has
 * hardly got it at hand. */
static inline void blame_count_one(struct blame_cells *c, unsigned array, unsigned kind,
                                   uint32_t charged, uint32_t caused, uint64_t cycles)
{
    uint32_t latest = c->latest[array][kind];
    struct blame_cell *k = &c->cell[latest];
    if (UNLIKELY(latest >= c->count || k->array != array || k->kind != kind ||
                 k->charged != charged || k->caused != caused)) {
        blame_count_later(c, &(struct blame_cell){array, kind, charged, caused, 1, cycles});
        return;
    }
    k->misses++;
    k->cycles += cycles;
}
