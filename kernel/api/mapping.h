/* mapping.h: who has mapped which page to whom.
 *
 * Every page that a program holds by map or grant is one node. The nodes of one 4 MB region of
 * physical memory are one list in preorder: a node is followed by what is derived from it, each one
 * deeper than the node itself. sigma0 owns all memory and is not listed: what it maps has depth 1.
 * So "everything derived from n" is the run of nodes after n that are deeper than n, and mapping,
 * granting and unmapping are insertion, change of owner and removal of a run. A 4 MB mapping whose
 * part is unmapped is split, with all that is derived from it, into 4 KB ones.
 *
 *      list     sigma0's own memory: in no list
 *       1         root: 4 MB at 400000
 *       2           server: 4 MB at 800000
 *       3             client: page at 12000        a 4 KB page of the server's 4 MB
 *       2           pager: page at 7000            a 4 KB page of the root's
 *       1         driver: page at B8000            from sigma0 directly
 *
 * A page-table frame is followed by a second frame with a pointer to the node of each entry, so
 * that an address finds its node in one step, and a node points to its entry. An entry without a
 * node is the kernel's affair: the kernel interface page, UTCBs, and all of sigma0's. Programs can
 * neither map nor unmap it.
 *
 * A node is one cache line: to map a page is to write a new node, its parent's line, the line of
 * the node behind that one, and the entry with its pointer. */
#pragma once

#include "api/space.h"

struct mapping {
    struct mapping *next, *prev; /* preorder; NULL at the ends of the region's list */
    struct mapping *parent;      /* what it is derived from; NULL: sigma0's own */
    struct space *space;
    word_t depth; /* sigma0's own would be 0 */
    word_t va;    /* the page's address, and in what that leaves free: */
    word_t *entry; /* of the page table, or of the directory for 4 MB */
    word_t *table; /* of 4 MB: the page table that is made ready for its split, or NULL */
} __attribute__((aligned(CACHE_LINE)));
#define MAPPING_LARGE   1u /* a page of 4 MB */
#define MAPPING_STATUS  1  /* from here R W X: uses not told to the space yet, of entries reset */
#define MAPPING_PENDING 4  /* from here, while a run is walked back: what was seen below the node */

#define MAPPING_REGIONS 1024u
struct mapping_region {
    struct mapping *first;
    uint8_t *frame_cache; /* per frame, PWT and PCD as sigma0 had them set; NULL: all are `cache` */
    uint8_t cache;
};

/* Maps or grants what of `send` (in the sender's space) falls into `window` (in the receiver's)
 * when it is placed at `send_base` [L4X2 4.4, 4.5]. Rights are those of `send` and of the sender's
 * pages. False: memory ran out; what was mapped until then stays. Flushes TLB entries that
 * changed. */
bool mapping_map(struct space *from, fpage_t send, word_t send_base, struct space *to,
                 fpage_t window, bool grant);

/* The same for what pagers mostly map: 4 KB to 64 KB that both sides have page tables for. False:
 * it is not as simple as that, or memory ran out; then mapping_map does all of it, whatever has
 * been mapped here. */
bool mapping_map_quick(const struct space *from, fpage_t send, word_t send_base, struct space *to,
                       fpage_t window);

/* unmap.c: revokes the rights from everything derived from s's pages in [first, last], which lies
 * in one 4 MB slot, and from them as well if `flush`. Returns how they were used (rights bits). */
word_t mapping_unmap(struct space *s, word_t first, word_t last, word_t rights, bool flush);
/* The same range is a part of a 4 MB page, whose split has been made ready a little more. False: it
 * is not, or nothing is left to do before mapping_unmap. */
bool mapping_splits(struct space *s, word_t first, word_t last);
/* Some of what a dying space has, from va on: where to go on; USER_END: nothing is left. */
vaddr_t mapping_forget(struct space *s, vaddr_t va);

/* memory_control.c: cacheability of all pages in f and of what is derived from them [L4X2 4.14];
 * attribute is valid. */
void mapping_set_attribute(struct space *s, fpage_t f, word_t attribute);
