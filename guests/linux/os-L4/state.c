// SPDX-License-Identifier: GPL-2.0-only
/* state.c: what a Linux thread has of the processor beyond the registers of its messages: TLS
 * descriptors, breakpoints, the x87.
 *
 * Linux threads that share their memory share one L4 thread. It holds the state of its owner, the
 * one that ran last; state_bring makes another the owner before that runs. %gs and %fs need no
 * such care, since every message carries them.
 *
 * The x87's state, in the processor's own layout, is in uml_pt_regs.fp, whose first 464 bytes
 * FXSAVE defines [SDM2 FXSAVE]. Behind them is whether there is one, for a thread that has used no
 * x87 has none, and which process has a later one in its L4 thread. fork copies all of it from the
 * parent, after layer_save_state; exec and the end of a thread call layer_forget_state. */
#include <stdbool.h>
#include <string.h>
#include <l4/foreign.h>
#include <l4/syscalls.h>
#include <os.h>
#include <registers.h>
#include <sysdep/ptrace.h>
#include "layer.h"
#include "state.h"

#define IMAGE_BYTES  464
#define FNSAVE_BYTES 108
struct x87 {
    uint8_t image[IMAGE_BYTES];
    uint32_t exists;
    uint32_t process; /* of the L4 thread that has this thread's state; 0: none has */
    uint32_t unused[10];
};
_Static_assert(sizeof(struct x87) == sizeof(((struct uml_pt_regs *)0)->fp), "FXSAVE's 512 bytes");

static struct x87 *x87_of(struct uml_pt_regs *regs)
{
    return (struct x87 *)regs->fp;
}

static void demand(word_t result, const char *what, const struct process_state *p)
{
    if (!result)
        layer_panic("%s of process thread %08x: error %u", what, p->thread, l4_error_code());
}

/* --- the x87 ---------------------------------------------------------------------------------- */

/* FXSAVE writes 512 bytes, of which software may have the last 48. */
static uint8_t exchanged[512] __attribute__((aligned(512)));

static void save_x87(struct process_state *p)
{
    struct x87 *x = x87_of(p->owner);
    word_t result = l4_foreign_state(p->thread, L4_STATE_X87_GET, exchanged);

    demand(result, "x87 state", p);
    x->exists = p->x87_used = result == 1;
    if (x->exists)
        memcpy(x->image, exchanged, IMAGE_BYTES);
}

static void load_x87(struct process_state *p, const struct x87 *x)
{
    if (!x->exists && !p->x87_used)
        return;
    memcpy(exchanged, x->image, IMAGE_BYTES);
    demand(l4_foreign_state(p->thread, L4_STATE_X87_SET, x->exists ? exchanged : NULL),
           "x87 state", p);
    p->x87_used = x->exists;
}

static struct process_state *process_that_has(struct uml_pt_regs *regs)
{
    struct process_state *p = state_of_process(x87_of(regs)->process);

    return p && p->owner == regs ? p : NULL;
}

void layer_save_state(struct uml_pt_regs *regs)
{
    struct process_state *p = process_that_has(regs);

    if (p)
        save_x87(p);
}

void layer_forget_state(struct uml_pt_regs *regs)
{
    struct process_state *p = process_that_has(regs);

    if (p)
        p->owner = NULL;
    x87_of(regs)->exists = x87_of(regs)->process = 0;
}

/* A new thread's state: FNINIT's, as FNSAVE and FXSAVE write it. */
static const uint32_t fresh_fnsave[7] = {0xFFFF037F, 0xFFFF0000, 0xFFFFFFFF, 0, 0, 0, 0xFFFF0000};
#define FXSAVE_MXCSR 6
#define MXCSR_START  0x1F80u

static void fresh(uint32_t *image)
{
    memset(image, 0, IMAGE_BYTES);
    if (have_fpx_regs) {
        image[0] = fresh_fnsave[0] & 0xFFFF;
        image[FXSAVE_MXCSR] = MXCSR_START;
    } else {
        memcpy(image, fresh_fnsave, sizeof(fresh_fnsave));
    }
}

void layer_read_x87(struct uml_pt_regs *regs, void *image, int bytes)
{
    layer_save_state(regs);
    if (!x87_of(regs)->exists)
        fresh((uint32_t *)x87_of(regs)->image);
    memcpy(image, x87_of(regs)->image, bytes < IMAGE_BYTES ? bytes : IMAGE_BYTES);
}

/* Most signal handlers find a thread without x87 state, and leave it so. */
void layer_write_x87(struct uml_pt_regs *regs, const void *image, int bytes)
{
    uint32_t none[IMAGE_BYTES / 4];

    layer_forget_state(regs);
    fresh(none);
    if (!image || !memcmp(none, image, bytes < IMAGE_BYTES ? bytes : IMAGE_BYTES))
        return;
    memcpy(x87_of(regs)->image, image, bytes < IMAGE_BYTES ? bytes : IMAGE_BYTES);
    x87_of(regs)->exists = 1;
}

/* --- the L4 thread gets an owner -------------------------------------------------------------- */

static void load_descriptors(struct process_state *p)
{
    struct l4_state_tls tls __attribute__((aligned(32)));

    layer_current_tls(&tls);
    if (!memcmp(&tls, &p->tls, sizeof(tls)))
        return;
    p->tls = tls;
    demand(l4_foreign_state(p->thread, L4_STATE_TLS_SET, &tls), "TLS descriptors", p);
}

static void load_breakpoints(struct process_state *p)
{
    struct l4_state_debug debug __attribute__((aligned(32)));

    layer_current_breakpoints(&debug);
    if (!memcmp(&debug, &p->debug, sizeof(debug)))
        return;
    p->debug = debug;
    demand(l4_foreign_state(p->thread, L4_STATE_DEBUG_SET, &debug), "breakpoints", p);
}

void state_bring_other(struct process_state *p, struct uml_pt_regs *regs)
{
    if (p->owner != regs) {
        if (p->owner)
            save_x87(p);
        layer_save_state(regs);
        load_x87(p, x87_of(regs));
        p->owner = regs;
        x87_of(regs)->process = p->number;
    }
    p->stale = false;
    load_descriptors(p);
    load_breakpoints(p);
}

/* The thread's descriptors or breakpoints change. */
void layer_state_changed(struct uml_pt_regs *regs)
{
    struct process_state *p = process_that_has(regs);

    if (p)
        p->stale = true;
}

/* --- FNSAVE's layout of FXSAVE's image -------------------------------------------------------- */
/*    FNSAVE   CW, SW, TW (two bits a register), FIP, FCS|FOP, FOO, FOS, 8 registers of 10 bytes
 *    FXSAVE   CW|SW<<16, TW (one bit a register)|FOP<<16, FIP, FCS, FOO, FOS, MXCSR, its mask,
 *             8 registers in 16 bytes each */
union fxsave {
    uint8_t image[IMAGE_BYTES];
    struct {
        uint16_t cw, sw, tw, fop;
        uint32_t fip, fcs, foo, fos, mxcsr, mxcsr_mask;
        uint16_t st[8][8];
    };
};

/* The tag of one register: 0 valid, 1 zero, 2 special [SDM1 8.1.7]. */
static unsigned tag_of(const uint16_t *st)
{
    unsigned exponent = st[4] & 0x7FFF;

    if (exponent == 0x7FFF)
        return 2;
    if (exponent)
        return st[3] & 0x8000 ? 0 : 2;
    return st[0] | st[1] | st[2] | st[3] ? 2 : 1;
}

void layer_read_fnsave(struct uml_pt_regs *regs, uint32_t *words)
{
    union fxsave x;
    unsigned top, tags = 0;

    if (!have_fpx_regs) {
        layer_read_x87(regs, words, FNSAVE_BYTES);
        return;
    }
    layer_read_x87(regs, &x, IMAGE_BYTES);
    top = x.sw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++) {
        unsigned tag = x.tw >> i & 1 ? tag_of(x.st[(i - top) & 7]) : 3;

        tags |= tag << 2 * i;
    }
    words[0] = 0xFFFF0000 | x.cw;
    words[1] = 0xFFFF0000 | x.sw;
    words[2] = 0xFFFF0000 | tags;
    words[3] = x.fip;
    words[4] = (x.fcs & 0xFFFF) | (uint32_t)x.fop << 16;
    words[5] = x.foo;
    words[6] = 0xFFFF0000 | x.fos;
    for (unsigned i = 0; i < 8; i++)
        memcpy((uint8_t *)(words + 7) + 10 * i, x.st[i], 10);
}

void layer_write_fnsave(struct uml_pt_regs *regs, const uint32_t *words)
{
    union fxsave x;

    if (!have_fpx_regs) {
        layer_write_x87(regs, words, FNSAVE_BYTES);
        return;
    }
    layer_read_x87(regs, &x, IMAGE_BYTES); /* MXCSR stays */
    x.cw = (uint16_t)words[0];
    x.sw = (uint16_t)words[1];
    x.tw = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((words[2] >> 2 * i & 3) != 3)
            x.tw |= 1u << i;
    x.fip = words[3];
    x.fcs = words[4] & 0xFFFF;
    x.fop = (uint16_t)(words[4] >> 16);
    x.foo = words[5];
    x.fos = words[6] & 0xFFFF;
    for (unsigned i = 0; i < 8; i++)
        memcpy(x.st[i], (const uint8_t *)(words + 7) + 10 * i, 10);
    layer_write_x87(regs, &x, IMAGE_BYTES);
}
