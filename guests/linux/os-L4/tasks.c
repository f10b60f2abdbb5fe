// SPDX-License-Identifier: GPL-2.0-only
/* tasks.c: what of the processor Linux keeps in its threads: descriptors, breakpoints, x87 state;
 * and the processor's exceptions as the signals that native Linux makes of them. Compiled with
 * the kernel's headers. */
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <asm/ldt.h>
#include <asm/processor-flags.h>
#include <asm/ptrace-abi.h>
#include <os.h>
#include <registers.h>
#include <sysdep/tls.h>
#include <asm/l4_state.h>
#include "state.h"

/* --- threads come and go ---------------------------------------------------------------------- */

int arch_dup_task_struct(struct task_struct *to, struct task_struct *from)
{
    layer_save_state(&from->thread.regs.regs);
    *to = *from;
    return 0;
}

void arch_release_task_struct(struct task_struct *task)
{
    layer_forget_state(&task->thread.regs.regs);
}

void layer_begin_anew(struct uml_pt_regs *regs)
{
    struct task_struct *task = container_of(regs, struct task_struct, thread.regs.regs);

    layer_forget_state(regs);
    memset(task->thread.arch.debugregs, 0, sizeof(task->thread.arch.debugregs));
}

/* --- descriptors ------------------------------------------------------------------------------ */

/* Two descriptions ask for no descriptor: all zero, and that of what a descriptor of zeros is. */
int layer_tls_empty(const struct user_desc *u)
{
    bool no_data = !u->base_addr && !u->limit && !u->contents && !u->seg_32bit &&
                   !u->limit_in_pages && !u->useable;

    return no_data && u->read_exec_only == u->seg_not_present;
}

/* As native Linux has it: 32-bit data that is present. */
int layer_tls_okay(const struct user_desc *info)
{
    if (layer_tls_empty(info))
        return 1;
    return info->seg_32bit && info->contents <= 1 && !info->seg_not_present;
}

static void describe(const struct user_desc *u, uint32_t *descriptor)
{
    if (layer_tls_empty(u))
        return;
    descriptor[0] = u->base_addr << 16 | (u->limit & 0xFFFF);
    descriptor[1] = (u->base_addr & 0xFF000000) | (u->base_addr >> 16 & 0xFF) |
                    (u->limit & 0xF0000) | !u->read_exec_only << 9 | u->contents << 10 | 0xF100 |
                    u->useable << 20 | u->seg_32bit << 22 | u->limit_in_pages << 23;
}

void layer_current_tls(struct l4_state_tls *tls)
{
    memset(tls, 0, sizeof(*tls));
    for (int i = 0; i < L4_TLS_ENTRIES; i++) {
        const struct uml_tls_struct *entry = &current->thread.arch.tls_array[i];

        if (entry->present)
            describe(&entry->tls, tls->descriptor[i]);
    }
}

void check_host_supports_tls(int *supports, int *first)
{
    *supports = 1;
    *first = GDT_ENTRY_TLS_MIN_I386;
}

/* The threads' own tables are looked at before they run. */
int os_set_thread_area(struct user_desc *info, int pid)
{
    layer_state_changed(&current->thread.regs.regs);
    return 0;
}

int os_get_thread_area(struct user_desc *info, int pid)
{
    return -EINVAL; /* Linux asks its own table */
}

/* --- selectors in signal frames --------------------------------------------------------------- */

#define USER_CODE 0x1Bu
#define USER_DATA 0x23u
#define TRAP_IRET 32 /* arch/x86/include/asm/trapnr.h */

/* A process has these two whatever it asks for, so that nothing faults by itself. */
void layer_check_selectors(struct pt_regs *regs)
{
    const unsigned long *gp = regs->regs.gp;

    if (((gp[HOST_CS] | 3) & 0xFFFF) == USER_CODE && ((gp[HOST_SS] | 3) & 0xFFFF) == USER_DATA)
        return;
    current->thread.arch.faultinfo = (struct faultinfo){.trap_no = TRAP_IRET};
    force_sig_fault(SIGILL, ILL_BADSTK, NULL);
}

void layer_fresh_selectors(struct pt_regs *regs)
{
    regs->regs.gp[HOST_CS] = USER_CODE;
    regs->regs.gp[HOST_DS] = regs->regs.gp[HOST_ES] = regs->regs.gp[HOST_SS] = USER_DATA;
}

/* --- x87 state for signal frames, debuggers and core files ------------------------------------ */

int save_i387_registers(int pid, unsigned long *words)
{
    layer_read_fnsave(&current->thread.regs.regs, (uint32_t *)words);
    return 0;
}

int restore_i387_registers(int pid, unsigned long *words)
{
    layer_write_fnsave(&current->thread.regs.regs, (uint32_t *)words);
    return 0;
}

int save_fpx_registers(int pid, unsigned long *image)
{
    layer_read_x87(&current->thread.regs.regs, image, sizeof(struct user_fxsr_struct));
    return 0;
}

int restore_fpx_registers(int pid, unsigned long *image)
{
    layer_write_x87(&current->thread.regs.regs, image, sizeof(struct user_fxsr_struct));
    return 0;
}

void layer_fresh_x87(void)
{
    layer_write_x87(&current->thread.regs.regs, NULL, 0);
}

int layer_get_fpregs(struct task_struct *task, void *words)
{
    layer_read_fnsave(&task->thread.regs.regs, words);
    return 0;
}

int layer_set_fpregs(struct task_struct *task, const void *words)
{
    layer_write_fnsave(&task->thread.regs.regs, words);
    return 0;
}

int layer_get_fpxregs(struct task_struct *task, void *image)
{
    if (!have_fpx_regs)
        return -EIO;
    layer_read_x87(&task->thread.regs.regs, image, sizeof(struct user_fxsr_struct));
    return 0;
}

int layer_set_fpxregs(struct task_struct *task, const void *image)
{
    if (!have_fpx_regs)
        return -EIO;
    layer_write_x87(&task->thread.regs.regs, image, sizeof(struct user_fxsr_struct));
    return 0;
}

/* --- breakpoints ------------------------------------------------------------------------------ */

#define DR6_STEP   0x4000u
#define DR6_ONES   0xFFFF0FF0u
#define DR7_ENABLE(i) (3u << 2 * (i))
#define DR7_RW(dr7, i) ((dr7) >> (16 + 4 * (i)) & 3)
#define DR7_LEN(dr7, i) ((dr7) >> (18 + 4 * (i)) & 3)

void layer_current_breakpoints(struct l4_state_debug *debug)
{
    const unsigned long *dr = current->thread.arch.debugregs;

    *debug = (struct l4_state_debug){{dr[0], dr[1], dr[2], dr[3]}, dr[7]};
}

/* What native Linux refuses, too, of a breakpoint that is enabled or was ever given an address:
 * I/O, and lengths that are none or not aligned. */
static int breakpoint_refused(const unsigned long *dr, unsigned long dr7, int i)
{
    unsigned rw = DR7_RW(dr7, i), length = DR7_LEN(dr7, i);

    if (!(dr7 & DR7_ENABLE(i)) && !dr[i])
        return 0;
    return rw == 2 || length == 2 || (rw == 0 && length) || (dr[i] & length);
}

int layer_set_debugreg(struct task_struct *task, int number, unsigned long value)
{
    unsigned long *dr = task->thread.arch.debugregs;

    if (number == 4 || number == 5)
        return -EIO;
    if (number < 4 && value >= TASK_SIZE)
        return -EINVAL;
    if (number == 7)
        for (int i = 0; i < 4; i++)
            if (breakpoint_refused(dr, value, i))
                return -EINVAL;
    dr[number] = value;
    layer_state_changed(&task->thread.regs.regs);
    return 0;
}

/* --- exceptions ------------------------------------------------------------------------------- */

static int debug_code(struct uml_pt_regs *regs, unsigned long status)
{
    unsigned long *dr = current->thread.arch.debugregs;
    int hit = 0;

    for (int i = 0; i < 4; i++)
        if (status & 1u << i && dr[7] & DR7_ENABLE(i)) {
            hit |= 1 << i;
            if (DR7_RW(dr[7], i) == 0) /* a fault: the instruction is still to be done */
                UPT_EFLAGS(regs) |= X86_EFLAGS_RF;
        }
    dr[6] = DR6_ONES | (status & DR6_STEP) | hit;
    return status & DR6_STEP ? TRAP_TRACE : hit ? TRAP_HWBKPT : TRAP_BRKPT;
}

/* Which of the x87's unmasked exceptions it was. */
static int x87_code(struct uml_pt_regs *regs)
{
    uint32_t words[27], error;

    layer_read_fnsave(regs, words);
    error = words[1] & ~words[0];
    return error & 1    ? FPE_FLTINV
           : error & 4  ? FPE_FLTDIV
           : error & 8  ? FPE_FLTOVF
           : error & 18 ? FPE_FLTUND
           : error & 32 ? FPE_FLTRES
                        : 0;
}

void layer_exception(struct uml_pt_regs *regs, unsigned vector, unsigned error, uint32_t status)
{
    /* By vector; a code of 0 is the kernel's own, without an address. */
    static const struct {
        uint8_t signal, code;
    } signals[20] = {
        [0] = {SIGFPE, FPE_INTDIV}, [3] = {SIGTRAP, 0},  [4] = {SIGSEGV, 0},
        [5] = {SIGSEGV, 0},         [6] = {SIGILL, ILL_ILLOPN},
        [9] = {SIGFPE, 0},          [10] = {SIGSEGV, 0}, [11] = {SIGBUS, 0},
        [12] = {SIGBUS, 0},         [13] = {SIGSEGV, 0},
        [17] = {SIGBUS, BUS_ADRALN},
    };
    int signal = vector < ARRAY_SIZE(signals) ? signals[vector].signal : 0;
    int code = signal ? signals[vector].code : 0;
    unsigned long address = UPT_IP(regs);

    current->thread.arch.faultinfo.trap_no = vector;
    current->thread.arch.faultinfo.error_code = error;
    if (vector == 1) {
        signal = SIGTRAP;
        code = debug_code(regs, status);
    } else if (vector == 16 || vector == 19) {
        signal = SIGFPE;
        code = x87_code(regs);
        if (!code)
            return;
    } else if (vector == 17) {
        address = 0;
    }
    if (code)
        force_sig_fault(signal, code, (void __user *)address);
    else
        force_sig(signal ? signal : SIGSEGV);
}
