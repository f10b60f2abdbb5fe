/* descriptor: eight bytes of the GDT or an LDT: reading them, judging them, marking them.
 *
 *   31          24 23 22 21 20 19     16 15 14 13 12 11    8 7            0
 *   base 31..24    G  DB 0  AVL limit 19..16 P  DPL   S  type   base 23..16     hi
 *   base 15..0                               limit 15..0                        lo
 *   gates:  offset 31..16                    P  DPL   S  type   count           hi
 *           selector                         offset 15..0                       lo
 *
 * [SDM3 3.4.5, 3.5, 5.8.3, 6.11]. Used by segment loads, far transfers, deliveries and task
 * switches; nothing here changes the processor. */
#pragma once

#include "cpu/cpu.h"

struct descriptor {
    uint32_t lo, hi;
    laddr_t la; /* where it was read */
};

/* The type field with S as bit 4. */
enum {
    TYPE_TSS16 = 1, TYPE_LDT = 2, TYPE_TSS16_BUSY = 3, TYPE_CALL16 = 4, TYPE_TASK_GATE = 5,
    TYPE_INT16 = 6, TYPE_TRAP16 = 7, TYPE_TSS32 = 9, TYPE_TSS32_BUSY = 11, TYPE_CALL32 = 12,
    TYPE_INT32 = 14, TYPE_TRAP32 = 15,
    TYPE_BUSY = 2, /* the bit that tells a busy TSS */
    TYPE_32 = 8,   /* the bit that tells 32-bit TSSs and gates */
    TYPE_SEGMENT = 16,
};

static inline unsigned descriptor_type(const struct descriptor *d) { return d->hi >> 8 & 0x1F; }
static inline unsigned descriptor_dpl(const struct descriptor *d) { return d->hi >> 13 & 3; }
static inline bool descriptor_present(const struct descriptor *d) { return d->hi >> 15 & 1; }

static inline bool descriptor_is_code(const struct descriptor *d)
{
    return (descriptor_type(d) & 0x18) == 0x18;
}

static inline bool descriptor_is_conforming(const struct descriptor *d)
{
    return (descriptor_type(d) & 0x1C) == 0x1C;
}

static inline bool descriptor_is_writable(const struct descriptor *d)
{
    return (descriptor_type(d) & 0x1A) == 0x12;
}

static inline bool descriptor_is_readable(const struct descriptor *d)
{
    unsigned t = descriptor_type(d);
    return (t & 0x18) == 0x10 || (t & 0x1A) == 0x1A;
}

static inline uint32_t descriptor_base(const struct descriptor *d)
{
    return d->lo >> 16 | (d->hi & 0xFF) << 16 | (d->hi & 0xFF000000u);
}

static inline uint32_t descriptor_limit(const struct descriptor *d)
{
    uint32_t limit = (d->lo & 0xFFFF) | (d->hi & 0xF0000);
    return d->hi >> 23 & 1 ? limit << 12 | 0xFFF : limit;
}

/* Of a gate. */
static inline uint16_t gate_selector(const struct descriptor *d) { return (uint16_t)(d->lo >> 16); }
static inline unsigned gate_width(const struct descriptor *d)
{
    return descriptor_type(d) & TYPE_32 ? 4 : 2;
}

static inline uint32_t gate_offset(const struct descriptor *d)
{
    return (d->lo & 0xFFFF) | (gate_width(d) == 4 ? d->hi & 0xFFFF0000u : 0);
}

static inline bool selector_is_null(uint16_t selector) { return selector < 4; }
/* A selector as an error code: without its RPL. */
static inline uint32_t selector_code(uint16_t selector) { return selector & 0xFFFCu; }

/* Reads what a selector names; false when it lies outside its table or there is no LDT. The null
 * selector is the caller's to refuse. Raises #PF. */
bool descriptor_read(struct cpu *c, uint16_t selector, struct descriptor *d);
/* ... and raises vector(selector) instead of returning false. */
void descriptor_need(struct cpu *c, uint16_t selector, struct descriptor *d, unsigned vector);
/* Sets the accessed bit of a code or data descriptor with a locked update, unless it is set. */
void descriptor_mark_accessed(struct cpu *c, struct descriptor *d);
/* Sets or clears the busy bit of a TSS descriptor with a locked update. */
void descriptor_mark_busy(struct cpu *c, struct descriptor *d, bool busy);
/* Fills a segment register's hidden part, and its selector. */
void descriptor_to_segment(const struct descriptor *d, uint16_t selector, struct segment *s,
                           bool is_code);
