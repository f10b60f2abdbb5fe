/* mapping.h: who has mapped which page to whom.
 *
 * Every page that a program holds by map or grant is one node. The nodes of one 4 MB region of
 * physical memory are one list in preorder: a node is followed by what is derived from it, each one
 * deeper than the node itself. sigma0 owns all memory and is not listed: what it maps has depth 1. So
 * "everything derived from n" is the run of nodes after n that are deeper than n, and mapping,
 * granting and unmapping are insertion, change of owner and removal of a run. A 4 MB mapping whose
 * part is unmapped is split, with all that is derived from it, into 4 KB ones.
 *
 * A page-table frame is followed by a second frame with a pointer to the node of each entry, so that an
 * address finds its node in one step. */
#pragma once

#include "api/space.h"

struct mapping {
    struct mapping *next, *prev; /* preorder; the head of a region is no node */
    struct space *space;
    vaddr_t va;
    uint16_t depth; /* sigma0's own would be 0 */
    uint8_t large;  /* 4 MB */
    uint8_t status; /* RIGHT_R, _W, _X: referenced through removed or reset entries below it */
};

/* Maps or grants what of `send` (in the sender's space) falls into `window` (in the receiver's) when it
 * is placed at `send_base` [L4X2 4.4, 4.5]. Rights are those of `send` and of the sender's pages.
 * False: memory ran out; what was mapped until then stays. Flushes TLB entries that changed. */
bool mapping_map(struct space *from, fpage_t send, word_t send_base, struct space *to, fpage_t window,
                 bool grant);

/* Revokes the fpage's rights from everything derived from s's pages in it, and from them as well if
 * `flush`. Returns the status bits since the last query (rights field of the result). */
word_t mapping_unmap(struct space *s, fpage_t f, bool flush);

/* Cacheability of all pages in f and of what is derived from them [L4X2 4.14]; attribute is valid. */
void mapping_set_attribute(struct space *s, fpage_t f, word_t attribute);
