/* shadow: the caches and TLBs that a machine could have had, shown what its own were asked.
 *
 * A shadow has tags and states of its own, in another shape or with another rule, and meets the
 * entries of each instruction's access log in program order. What it gives back is the log as that
 * other machine would have written it: other levels, other victims, page walks that are gone or
 * that are new. It can see only what was logged, so a shadow never changes what is executed;
 * translations stay the machine's own.
 *
 * A shadow of which nothing is ideal gives back the log that it was shown. */
#pragma once

#include "cpu/cpu.h"
#include "mmu/mmu.h"
#include "mmu/tlb.h"

enum shadow_ideal {
    SHADOW_TAGGED = 1, /* TLB entries carry their directory, and survive writes to CR3 */
    SHADOW_TLB = 2,    /* no walks at all; bits A and D are set for nothing */
    SHADOW_FULL = 4,   /* caches of the same size, fully associative, true LRU */
    SHADOW_WAYS = 8,   /* caches of the same sets with twice the ways */
    SHADOW_SIZE = 16,  /* caches of the same ways with twice the sets */
    SHADOW_L1 = 32,    /* cacheable memory always hits the first level */
    SHADOW_L2 = 64,    /* what leaves the first level always hits the second */
    SHADOW_RELOADED = 128, /* TLBs of its own, but emptied as the machine's */
};

#define SHADOW_DIRECTORIES 4094 /* told apart at a time */
#define SHADOW_GLOBAL SHADOW_DIRECTORIES /* the number that global pages have */

/* TLBs whose tags hold the number of a directory above the page's. */
struct shadow_tlbs {
    struct tlb code, data, large;
    struct tlb code_large, code2, data2; /* of later parts */
    uint32_t large_shift;
    uint32_t directory[SHADOW_DIRECTORIES]; /* CR3 of each number */
    uint32_t count, now;
    uint32_t cr3;
    bool paging, large_enabled;
    bool reloads; /* another directory empties them, if it empties the machine's */
    bool kept;    /* the flush filter has spared the machine's */
};

struct shadow {
    unsigned ideal;
    struct mmu mmu; /* its caches and open DRAM rows; it translates nothing */
    struct access_log *log; /* where the rewritten entries go */
    struct shadow_tlbs *tlbs;
    bool exclusive; /* the part's hierarchy: it prefetches, and tells of that itself */
    const struct row *invd, *wbinvd, *invlpg;
};

/* From the state of a machine's processor, between two instructions. usage_error if it has what
 * cannot be doubled. */
void shadow_init(struct shadow *s, const struct cpu *c, unsigned ideal, struct access_log *log);
void shadow_free(struct shadow *s);
/* Rewrites the log of what c has just executed (o) or delivered, [a, end), into s->log, which is
 * emptied first. */
void shadow_meet(struct shadow *s, const struct cpu *c, const struct op *o, const struct access *a,
                 const struct access *end, bool delivery);
/* If all of [a, end) are hits of the machine's first level and of the shadow's, and nothing else
 * would come of them: uses what they hit, for the rewritten log would be the same. Else false, and
 * nothing has happened. o: the instruction, NULL: several simple ones. */
bool shadow_hits(struct shadow *s, const struct cpu *c, const struct op *o, const struct access *a,
                 const struct access *end);

/* One entry of it, put behind what s->log has: last the entry, before it what was prefetched. */
void shadow_meet_one(struct shadow *s, const struct cpu *c, const struct access *a);

/* --- shadow_tlb.c ----------------------------------------------------------------------------- */

/* Where an entry is; tlb NULL: none is needed. */
struct tlb_place {
    struct tlb *tlb;
    uint32_t index;
};

struct shadow_tlbs *shadow_tlbs_new(const struct cpu *c, bool reloads);
/* Whether the walk, entries a to end of one address, is made here too; if so its page is here from
 * now on. */
bool shadow_tlbs_walks(struct shadow_tlbs *t, const struct cpu *c, const struct access *a,
                       const struct access *end);
/* An access, the fetch of a line, a note: whether it needs a walk that the machine did not make, or
 * finds its page in the second level. That is then put into list (at most 2 entries), and its
 * length returned. */
unsigned shadow_tlbs_touch(struct shadow_tlbs *t, const struct cpu *c, const struct access *a,
                           struct access *list);
/* Whether paging is as it was when shadow_tlbs_follow was last called. */
static inline bool shadow_tlbs_followed(const struct shadow_tlbs *t, const struct cpu *c)
{
    return t->cr3 == c->cr3 && t->paging == c->mmu->paging &&
           t->large_enabled == c->mmu->large_enabled;
}
/* Whether an access finds its page in the first level; and its being used. */
bool shadow_tlbs_hit(struct shadow_tlbs *t, const struct access *a, struct tlb_place *at);
static inline void shadow_tlbs_use(const struct tlb_place *at)
{
    if (at->tlb)
        tlb_touch(at->tlb, at->index);
}
/* INVLPG of the page that holds la. */
void shadow_tlbs_drop(struct shadow_tlbs *t, const struct cpu *c, laddr_t la);
/* After the instruction: CR3, paging and faults are as they are now. */
void shadow_tlbs_follow(struct shadow_tlbs *t, const struct cpu *c, bool delivery);
