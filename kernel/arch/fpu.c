/* fpu.c: the x87 (and SSE) registers, saved as late as can be. They belong to kernel.fpu_owner,
 * and stay in the processor when other threads run; CR0.TS makes the first use by another thread
 * fault, and only then are they saved. TS is clear (LIVE_FPU) only while the owner runs. */
#include "arch/cpu.h"

#include "state.h"

static void set_ts(void)
{
    write_cr0(read_cr0() | CR0_TS);
}

void fpu_init(void)
{
    if (!cpu_has_fpu())
        write_cr0(read_cr0() | CR0_EM);
}

static void save(struct tcb *t)
{
    if (kernel.has_fxsr)
        __asm__ volatile("fxsave %0" : "=m"(t->fpu));
    else
        __asm__ volatile("fnsave %0" : "=m"(t->fpu));
    t->fpu_used = true;
}

static void restore(const struct tcb *t)
{
    if (kernel.has_fxsr)
        __asm__ volatile("fxrstor %0" : : "m"(t->fpu));
    else
        __asm__ volatile("frstor %0" : : "m"(t->fpu));
}

static void start_afresh(void)
{
    static const word_t all_masked = 0x1F80;
    __asm__ volatile("fninit");
    if (cpu_has_sse())
        __asm__ volatile("ldmxcsr %0" : : "m"(all_masked));
}

bool fpu_take(void)
{
    struct tcb *t = current();
    if (!cpu_has_fpu())
        return false;
    __asm__ volatile("clts");
    kernel.live |= LIVE_FPU;
    if (kernel.fpu_owner == t)
        return true;
    if (kernel.fpu_owner)
        save(kernel.fpu_owner);
    kernel.fpu_owner = t;
    if (t->fpu_used)
        restore(t);
    else
        start_afresh();
    return true;
}

void fpu_leave(void)
{
    set_ts();
    kernel.live &= ~LIVE_FPU;
}

void arch_fpu_drop(struct tcb *t)
{
    t->fpu_used = false;
    if (kernel.fpu_owner != t)
        return;
    if (kernel.live & LIVE_FPU)
        fpu_leave();
    kernel.fpu_owner = NULL;
}
