/* transfer: what far transfers, deliveries and task switches share: frames on a stack that is not
 * yet the processor's, the stack of an inner privilege level, and the commit of a new CS.
 *
 * The order everywhere: judge descriptors, open the frame (which proves that every push will
 * succeed), mark descriptors accessed, push, commit. Nothing after the frame is open can fault but
 * the marks, and those change nothing a program may rely on. */
#pragma once

#include "cpu/descriptor.h"

/* A code segment chosen by a transfer, judged and ready to be loaded. */
struct code_target {
    struct descriptor descriptor;
    uint16_t selector; /* with its final RPL */
    uint32_t offset;
};

/* Pushes in progress. */
struct frame {
    laddr_t base;
    uint32_t esp; /* bits outside the stack's width are kept */
    uint32_t mask;
    unsigned width;
    bool user;
};

/* Proves that count pushes of width bytes fit below ss:esp at privilege cpl: raises #SS(code), #PF
 * or #AC. */
void frame_open(struct cpu *c, struct frame *f, const struct segment *ss, uint32_t esp,
                unsigned cpl, unsigned width, unsigned count, uint32_t code);
void frame_push(struct cpu *c, struct frame *f, uint32_t value);

struct inner_stack {
    struct segment ss;
    struct descriptor descriptor;
    uint32_t esp;
};

/* The stack of a privilege level from the TSS, checked: #TS, #SS [SDM3 5.8.5]. */
void transfer_inner_stack(struct cpu *c, unsigned level, struct inner_stack *s);

/* Reads and judges the code segment that a return (RETF, IRET) or a new task names by selector. */
void transfer_need_code_for_return(struct cpu *c, uint16_t selector, struct descriptor *d);
/* Reads and judges SS of an outer level: #GP, and `missing` when it is not present. */
void transfer_need_outer_stack(struct cpu *c, uint16_t selector, unsigned cpl, unsigned missing,
                               struct descriptor *d);
/* #GP(0) unless the target's offset lies inside its segment. */
void transfer_check_offset(struct cpu *c, const struct code_target *t);

/* Loads CS, CPL and EIP. Cannot fault: the descriptor is marked already. */
void transfer_commit(struct cpu *c, const struct code_target *t, unsigned cpl);
/* After a return to an outer level: data segments too privileged for it become null. */
void transfer_drop_segments(struct cpu *c);
/* Tells the ledger when old_cpl -> c->cpl entered privilege 0 (path) or left it. */
void transfer_account(struct cpu *c, unsigned old_cpl, uint32_t path);

/* A word or doubleword of the stack, offset bytes above its top, without moving ESP. */
uint32_t transfer_peek(struct cpu *c, uint32_t offset, unsigned width);

/* Bits of EFLAGS that a return may change at this privilege. */
uint32_t transfer_flags_mask(const struct cpu *c, unsigned width);

/* Virtual-8086 mode with CR4.VME: INT n through the program's own table (cpu/deliver.c). */
void deliver_redirected(struct cpu *c, unsigned vector);
/* Whether the TSS's bitmap sends INT n of a V86 program to that table [SDM3 20.3.3]. */
bool deliver_is_redirected(struct cpu *c, unsigned vector);
