/* foreign.c: what a foreign thread has of the processor beyond a trap frame: %gs and %fs, the three
 * descriptors that they may select, breakpoints.
 *
 * A foreign program's %gs and %fs are in the registers from the switch to its thread to the switch
 * away from it: the kernel uses neither, and its way out leaves them alone (entry.S). The GDT keeps
 * the descriptors of the last foreign thread that ran, which most often is the next one, too. */
#include "arch/cpu.h"

#include "arch/offsets.h"
#include "arch/segments.h"
#include "debugger/print.h"
#include "state.h"

_Static_assert(TLS_SELECTOR == L4_TLS_FIRST_SELECTOR, "foreign.h");

/* --- segments --------------------------------------------------------------------------------- */
/*    31     24 23 22 21 20 19  16 15 14 13 12 11     8 7      0
 *   | base    |G |D |L |A | limit|P |DPL  |S | type  A| base   |    second word of a descriptor
 *                                             0: data
 */
#define DESCRIPTOR_KIND     0x0020F800u /* L P DPL S and the type's first bit */
#define DESCRIPTOR_DATA     0x0000F000u /* of privilege 3, present */
#define DESCRIPTOR_ACCESSED 0x00000100u /* the processor would write it otherwise */

static void load_gs(word_t selector)
{
    __asm__ volatile("movl %0, %%gs" : : "r"(selector));
}

static void load_fs(word_t selector)
{
    __asm__ volatile("movl %0, %%fs" : : "r"(selector));
}

/* The selector, or null in the place of one whose load would fault. */
static word_t loadable(const struct tcb *t, word_t selector)
{
    word_t entry = (selector - (TLS_SELECTOR & ~3u)) >> 3;

    if (selector < 4 || selector == USER_DS || selector == USER_CS)
        return selector;
    return entry < L4_TLS_ENTRIES && t->tls[entry][1] ? selector : 0;
}

bool arch_foreign_set_tls(struct tcb *t, const struct l4_state_tls *s)
{
    word_t tls[L4_TLS_ENTRIES][2] = {0};

    for (unsigned i = 0; i < L4_TLS_ENTRIES; i++) {
        if (!s->descriptor[i][0] && !s->descriptor[i][1])
            continue;
        if ((s->descriptor[i][1] & DESCRIPTOR_KIND) != DESCRIPTOR_DATA)
            return false;
        tls[i][0] = s->descriptor[i][0];
        tls[i][1] = s->descriptor[i][1] | DESCRIPTOR_ACCESSED;
    }
    __builtin_memcpy(t->tls, tls, sizeof tls);
    if (kernel.tls_owner == t)
        kernel.tls_owner = NULL;
    return true;
}

void arch_foreign_set_segments(struct tcb *t, word_t gs, word_t fs)
{
    if (gs != t->gs)
        load_gs(t->gs = (uint16_t)loadable(t, gs));
    if (fs != t->fs)
        load_fs(t->fs = (uint16_t)loadable(t, fs));
}

/* --- breakpoints ------------------------------------------------------------------------------ */
/*    31 30 29 28       19 18 17 16    13    9  8  7      1  0
 *   |LEN3 |R/W3 |  ...  |LEN0 |R/W0 | |GD| |GE|LE|G3|...|G0|L0|    DR7 [SDM3 17.2]
 */
#define DR7_ENABLES 0x000000FFu
#define DR7_GIVEN   0xFFFF03FFu
#define RW_IO       2u
#define DR6_CLEAR   0xFFFF0FF0u

bool arch_foreign_set_debug(struct tcb *t, const struct l4_state_debug *s)
{
    for (unsigned i = 0; i < 4; i++) {
        bool enabled = s->dr7 >> 2 * i & 3;

        if (s->dr[i] >= USER_END - 4 || (enabled && (s->dr7 >> (16 + 4 * i) & 3) == RW_IO))
            return false;
    }
    t->debug = *s;
    t->debug.dr7 = s->dr7 & DR7_ENABLES ? s->dr7 & DR7_GIVEN : 0;
    return true;
}

static void load_breakpoints(const struct l4_state_debug *d)
{
    __asm__ volatile("movl %0, %%dr0\n\tmovl %1, %%dr1\n\tmovl %2, %%dr2\n\tmovl %3, %%dr3\n\t"
                     "movl %4, %%dr7"
                     : : "r"(d->dr[0]), "r"(d->dr[1]), "r"(d->dr[2]), "r"(d->dr[3]), "r"(d->dr7));
}

word_t foreign_debug_status(void)
{
    word_t status;

    __asm__ volatile("movl %%dr6, %0\n\tmovl %1, %%dr6" : "=&r"(status) : "r"(DR6_CLEAR));
    return status;
}

/* --- switches --------------------------------------------------------------------------------- */
static void leave(struct tcb *t)
{
    word_t gs, fs;

    arch_foreign_segments(&gs, &fs);
    t->gs = (uint16_t)gs;
    t->fs = (uint16_t)fs;
    load_fs(0);
    if (t->debug.dr7)
        __asm__ volatile("movl %0, %%dr7" : : "r"(0));
}

static void enter(struct tcb *t)
{
    if (kernel.tls_owner != t) {
        segments_load_tls(t->tls);
        kernel.tls_owner = t;
    }
    load_gs(loadable(t, t->gs));
    load_fs(loadable(t, t->fs));
    if (t->debug.dr7)
        load_breakpoints(&t->debug);
}

HOT void foreign_switch(struct tcb *from, struct tcb *to)
{
    if (from->slow & SLOW_FOREIGN)
        leave(from);
    if (to->slow & SLOW_FOREIGN)
        enter(to);
}

void arch_foreign_drop(struct tcb *t)
{
    if (kernel.tls_owner == t)
        kernel.tls_owner = NULL;
}
