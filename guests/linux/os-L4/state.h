/* SPDX-License-Identifier: GPL-2.0-only */
/* state.h: whose state an L4 thread has (state.c), and what tasks.c, which is compiled with the
 * kernel's headers, does for it: so nothing of L4's types is in here but l4/foreign.h's. */
#pragma once

#include <l4/foreign.h>

struct uml_pt_regs;

extern int have_fpx_regs; /* the x87's state is FXSAVE's, and not FNSAVE's */

struct process_state {
    uint32_t thread;           /* L4's */
    uint32_t number;           /* the process's, from 1 on */
    struct uml_pt_regs *owner; /* NULL: nobody's that is still of use */
    _Bool stale;               /* descriptors or breakpoints are to be looked at */
    _Bool x87_used;            /* the L4 thread has x87 state, as far as is known */
    struct l4_state_tls tls;   /* what it has */
    struct l4_state_debug debug;
};

/* Before the thread with these registers runs. */
void state_bring_other(struct process_state *p, struct uml_pt_regs *regs);
static inline void state_bring(struct process_state *p, struct uml_pt_regs *regs)
{
    if (p->owner != regs || p->stale)
        state_bring_other(p, regs);
}

struct process_state *state_of_process(uint32_t number); /* process.c; NULL: no such one */

/* For tasks.c: a Linux thread is named by its registers. */
void layer_save_state(struct uml_pt_regs *regs);    /* uml_pt_regs.fp is right after this */
void layer_forget_state(struct uml_pt_regs *regs);  /* the thread ends, or begins anew */
void layer_state_changed(struct uml_pt_regs *regs); /* its descriptors, or breakpoints */
void layer_read_x87(struct uml_pt_regs *regs, void *image, int bytes);
void layer_write_x87(struct uml_pt_regs *regs, const void *image, int bytes); /* NULL: none */
/* The same as FNSAVE has it, whatever the processor's layout: 27 words. */
void layer_read_fnsave(struct uml_pt_regs *regs, uint32_t *words);
void layer_write_fnsave(struct uml_pt_regs *regs, const uint32_t *words);

/* tasks.c: the thread executes another program, or is a new one of the kernel's. */
void layer_begin_anew(struct uml_pt_regs *regs);
/* The running Linux thread's. */
void layer_current_tls(struct l4_state_tls *tls);
void layer_current_breakpoints(struct l4_state_debug *debug);
/* An exception of the running thread's that is no page fault and no system call. */
void layer_exception(struct uml_pt_regs *regs, unsigned vector, unsigned error, uint32_t status);
