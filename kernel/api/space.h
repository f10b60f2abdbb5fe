/* space.h: address spaces. A space is a page directory, the two areas that the kernel keeps in it
 * (kernel interface page, UTCBs), and what SpaceControl says of it. */
#pragma once

#include "abi.h"

struct mapping;
struct ports;
struct tcb;

struct space {
    /* What a switch of spaces and a mapping read: one cache line. */
    paddr_t directory;   /* CR3 */
    word_t segment[2];   /* the user's data descriptor: base 0 and 3 GB, or a small space's slot */
    word_t segment_code; /* second word of the code descriptor; its first word is segment[0] */
    word_t small_base;   /* linear address of the small slot; 0: a large space */
    word_t small_size;   /* bytes; 0: a large space */
    vaddr_t own_end;     /* below it nothing is the kernel's; 0: no areas yet, or it is sigma0's */
    bool privileged;     /* sigma0, sigma1 and the root server's */

    bool is_sigma0;      /* owns all physical memory, idempotently */
    bool configured;     /* SpaceControl has given it its areas */
    uint8_t small_id;    /* as SpaceControl was given it [L4X2 4.11] */
    fpage_t kip_area, utcb_area;
    thread_id_t redirector; /* ANY_THREAD: none */
    bool foreign;        /* runs programs that know nothing of L4: foreign.c */
    word_t thread_count;
    struct ports *ports; /* NULL: has never had any */
    struct tcb *threads; /* list through tcb.space_next, tcb.space_prev */
    struct space *next, *prev; /* all spaces */
    struct space *dying_next;  /* those without threads, which are being taken down */
    vaddr_t forgotten;         /* below it a dying space has nothing any more */
} __attribute__((aligned(CACHE_LINE)));

struct space *space_new(void); /* kernel half shared, user half empty; NULL: no memory */
/* A space without threads dies: what it has, and what is derived from that, is unmapped and freed
 * by space_bury, a little with each call, so that interrupts need not wait. False: none dies. */
void space_delete(struct space *s);
bool space_bury(void);

/* SpaceControl's checks and effect: L4_OK or the error. Maps the kernel interface page. */
enum l4_error space_configure(struct space *s, fpage_t kip_area, fpage_t utcb_area);

/* Makes sure that memory lies under the UTCB at `utcb` (inside the area, aligned, checked by the
 * caller): the kernel's pointer to it, or NULL when there is no memory. */
struct utcb *space_utcb(struct space *s, vaddr_t utcb);

/* Is [utcb, utcb + 512) an aligned UTCB inside s's area? */
bool space_utcb_valid(const struct space *s, vaddr_t utcb);

/* Does a program's address lie in what the kernel keeps in the space (KIP and UTCB areas) or
 * outside the user's part? Pages there can be neither mapped nor unmapped by programs. */
bool space_reserved(const struct space *s, vaddr_t va);
bool space_reserved_range(const struct space *s, vaddr_t first, vaddr_t last); /* any byte of it */

/* sigma0 has every frame at its physical address, by entries made when it first touches it: makes
 * the one for va (false: not its to have, or no memory), and forgets those of va's 4 MB. */
bool space_sigma0_fill(struct space *s, vaddr_t va);
void space_sigma0_forget(struct space *s, vaddr_t va);

/* Small spaces [L4X2 4.11]. Returns whether the request took effect. */
bool space_set_small(struct space *s, word_t id);
void space_make_large(struct space *s); /* an access beyond its limit promotes it */

/* --- the program's memory as the kernel reaches it ----------------------------------------------
 * The kernel never touches user memory through user addresses and so never faults: it walks the
 * page table and goes through the direct map (or one window for frames beyond it). */
struct user_frame {
    uint8_t *bytes; /* kernel address of the byte at va; NULL: not mapped, or not so */
    word_t size;    /* bytes until the end of that page */
};
struct user_frame space_user_frame(struct space *s, vaddr_t va, bool write);
bool space_read(struct space *s, vaddr_t va, void *to, word_t size); /* false: something unmapped */
