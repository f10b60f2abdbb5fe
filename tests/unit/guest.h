/* guest: a whole processor with 1 MB of memory and a small flat system in it, for tests that need
 * delivery, privilege levels or the run loop. Tests poke bytes at GUEST_CODE and run until HLT.
 *
 * After guest_new: 32-bit protected mode, CPL 0, EIP GUEST_CODE, no paging, interrupts off, every
 * vector an interrupt gate (DPL 3 for 30h and 80h) to its own HLT at GUEST_HANDLERS + 16 * vector,
 * the TSS loaded with SS0:ESP0 = GUEST_DATA0:GUEST_STACK0. guest_user and guest_v86 move the
 * processor to CPL 3 and to virtual-8086 mode; guest_real to real mode with the IVT at 0.
 *
 * guest_run returns the vector whose handler was reached, GUEST_HLT at any other HLT,
 * GUEST_SHUTDOWN, or GUEST_LOST after a thousand instructions. */
#pragma once

#include "cpu/cpu.h"
#include "cpu/descriptor.h"
#include "cpu/model.h"
#include "cpu/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GUEST_BYTES (1u << 20)

enum { /* linear addresses */
    GUEST_GDT = 0x1000,
    GUEST_IDT = 0x2000,
    GUEST_TSS = 0x3000,
    GUEST_HANDLERS = 0x4000,
    GUEST_CODE = 0x10000,
    GUEST_STACK = 0x20000,  /* top of the stack that runs */
    GUEST_STACK0 = 0x28000, /* top of the stack that the TSS names */
    GUEST_STACK3 = 0x30000, /* top of the stack of CPL 3 */
    GUEST_V86 = 0x40000,    /* V86 code at 4000:0000, stack at 4000:FFF0 */
    GUEST_TSS_OTHER = 0x50000, /* a second task */
    GUEST_FREE = 0x60000,
    GUEST_PAGES = 0x80000,  /* page directory and table for guest_paging */
};

enum { /* selectors; from GUEST_SPARE on the GDT is free */
    GUEST_CODE0 = 0x08, GUEST_DATA0 = 0x10, GUEST_CODE3 = 0x1B, GUEST_DATA3 = 0x23,
    GUEST_TSS_SELECTOR = 0x28, GUEST_OTHER_SELECTOR = 0x30, GUEST_SPARE = 0x38,
};

enum { GUEST_HLT = -1, GUEST_SHUTDOWN = -2, GUEST_LOST = -3 };

struct guest {
    struct cpu cpu;
    struct mmu mmu;
    struct bus bus;
    struct clock clock;
    struct ledger ledger;
    uint8_t *ram;
    uint8_t *page_flags;
    unsigned deliveries; /* tried since guest_new */
    unsigned vector;     /* of the last delivery, and its error code */
    bool has_code;
    uint32_t code;
    uint8_t interrupt; /* vector that INTA gives */
};

struct guest *guest_new(void);
/* The same with another processor in it; no geometry: the usual one. */
struct guest *guest_new_part(const struct identity *identity, const struct mmu_geometry *geometry);
void guest_free(struct guest *g);

uint32_t guest_peek(const struct guest *g, uint32_t at, unsigned size);
void guest_poke(struct guest *g, uint32_t at, unsigned size, uint32_t value);
/* Puts a string literal of code at an address. */
#define guest_bytes(g, at, text) memcpy((g)->ram + (at), text, sizeof(text) - 1)

/* A descriptor: access is byte 5, flags the high nibble of byte 6 (G D/B 0 AVL in bits 7..4); the
 * limit as the descriptor holds it. A gate: access as well; count for call gates. */
void guest_descriptor(struct guest *g, unsigned selector, uint32_t base, uint32_t limit,
                      unsigned access, unsigned flags);
void guest_gate(struct guest *g, uint32_t at, unsigned selector, uint32_t offset, unsigned access,
                unsigned count);
static inline uint32_t guest_idt(unsigned vector) { return GUEST_IDT + vector * 8; }
static inline uint32_t guest_gdt(unsigned selector) { return GUEST_GDT + (selector & ~7u); }

/* Loads a segment register behind the processor's back, from the GDT. */
void guest_segment(struct guest *g, unsigned seg, unsigned selector);
void guest_user(struct guest *g);
void guest_v86(struct guest *g, unsigned iopl);
void guest_real(struct guest *g);
/* Identity-maps the megabyte with 4 KB pages, present, writable, user. */
void guest_paging(struct guest *g);
/* The second task: a 32-bit TSS at CPL 0 that starts at GUEST_FREE with ESP GUEST_STACK3. */
void guest_other_task(struct guest *g);

int guest_run(struct guest *g);
