/* fpu.c: the x87 (and SSE) registers, saved as late as can be. They belong to kernel.fpu_owner,
 * and stay in the processor when other threads run; CR0.TS makes the first use by another thread
 * fault, and only then are they saved. TS is clear (LIVE_FPU) only while the owner runs. */
#include "arch/cpu.h"

#include "state.h"

static void set_ts(void)
{
    write_cr0(read_cr0() | CR0_TS);
}

/* Where FXSAVE has MXCSR and which of its bits there are; 0 stands for the first parts' [SDM1
 * 11.6.6]. */
#define FXSAVE_MXCSR      24
#define FXSAVE_MXCSR_MASK 28
#define MXCSR_MASK_FIRST  0xFFBFu

void fpu_init(void)
{
    static uint8_t image[512] __attribute__((aligned(16)));

    if (!cpu_has_fpu())
        write_cr0(read_cr0() | CR0_EM);
    if (!kernel.has_fxsr || !cpu_has_sse())
        return;
    __asm__ volatile("clts\n\tfxsave %0" : "=m"(image));
    set_ts();
    __builtin_memcpy(&kernel.mxcsr_mask, image + FXSAVE_MXCSR_MASK, sizeof(word_t));
    if (!kernel.mxcsr_mask)
        kernel.mxcsr_mask = MXCSR_MASK_FIRST;
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

word_t arch_fpu_bytes(void)
{
    return kernel.has_fxsr ? 512 : 108;
}

/* FNSAVE leaves the registers as FNINIT does, so they are nobody's then. */
bool arch_fpu_get(struct tcb *t, void *to)
{
    if (kernel.fpu_owner == t) {
        __asm__ volatile("clts");
        save(t);
        fpu_leave();
        kernel.fpu_owner = NULL;
    }
    if (t->fpu_used)
        __builtin_memcpy(to, t->fpu, arch_fpu_bytes());
    return t->fpu_used;
}

/* MXCSR is the one register that could make FXRSTOR fault [SDM2 FXRSTOR]. */
void arch_fpu_set(struct tcb *t, const void *from)
{
    arch_fpu_drop(t);
    __builtin_memcpy(t->fpu, from, arch_fpu_bytes());
    t->fpu_used = true;
    if (kernel.has_fxsr)
        *(word_t *)&t->fpu[FXSAVE_MXCSR] &= kernel.mxcsr_mask;
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
