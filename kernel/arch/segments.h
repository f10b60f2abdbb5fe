/* segments.h: descriptor tables, and the program's segments as the running space has them. */
#pragma once

#include "api/space.h"

struct tss {
    word_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    word_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    word_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, io_map;
};
_Static_assert(sizeof(struct tss) == 104, "the processor's layout");

/* SYSENTER comes with ESP pointing at esp0; a program that had set the trap flag makes the
 * processor push the debug exception's frame below that. */
struct task {
    word_t debug_stack[64];
    word_t pad[7];
    struct tss tss;
};
_Static_assert(offsetof(struct task, tss.esp0) % CACHE_LINE == 0, "esp0 and ss0 in one line");
extern struct task task;

struct gs_page {
    word_t before[0x8E0 / 4]; /* link.ld says why there */
    word_t word;
    word_t behind[PAGE_SIZE / 4 - 0x8E0 / 4 - 1];
};
_Static_assert(sizeof(struct gs_page) == PAGE_SIZE, "programs see nothing else");
extern struct gs_page gs_page;

void segments_init(void);
void segments_move_gs(const word_t *word);      /* where programs read their UTCB's address */
void segments_move_tss(word_t base, word_t limit); /* the same TSS, at another linear address */
void segments_load(const struct space *s);      /* the program's descriptors become those of s */
void segments_load_tls(const word_t (*tls)[2]); /* L4_TLS_ENTRIES descriptors */
void segments_set_gate(word_t vector, const void *entry, bool user);
/* The descriptors of a program that sees [base, base + size) as its memory. */
void segments_describe(struct space *s, word_t base, word_t size);
