/* cpu.c: what this processor can do [SDM2 CPUID]. */
#include "arch/cpu.h"

#include "debugger/print.h"
#include "state.h"

#define FEATURE_FPU  (1u << 0)
#define FEATURE_TSC  (1u << 4)
#define FEATURE_MSR  (1u << 5)
#define FEATURE_SEP  (1u << 11)
#define FEATURE_PGE  (1u << 13)
#define FEATURE_FXSR (1u << 24)
#define FEATURE_SSE  (1u << 25)

static word_t features;

static void cpuid(word_t leaf, word_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "0"(leaf), "2"(0));
}

/* The Pentium Pro claims SYSENTER before model 3, stepping 3, without having it [SDM2 SYSENTER]. */
static bool sysenter_works(word_t signature)
{
    return (features & FEATURE_SEP) && !((signature & 0xF00) == 0x600 && (signature & 0xFF) < 0x33);
}

void cpu_init(void)
{
    word_t leaf[4];
    cpuid(1, leaf);
    features = leaf[3];
    if (!(features & FEATURE_TSC))
        panic("this processor has no time stamp counter; a Pentium or a later one is needed");
    kernel.has_sysenter = sysenter_works(leaf[0]);
    kernel.has_pge = features & FEATURE_PGE;
    kernel.has_fxsr = features & FEATURE_FXSR;

    word_t cr4 = read_cr4();
    if (kernel.has_pge)
        cr4 |= CR4_PGE;
    if (kernel.has_fxsr)
        cr4 |= CR4_OSFXSR;
    if (features & FEATURE_SSE)
        cr4 |= CR4_OSXMMEXCPT;
    write_cr4(cr4);
}

bool cpu_has_fpu(void)
{
    return features & FEATURE_FPU;
}

bool cpu_has_msr(void)
{
    return features & FEATURE_MSR;
}

bool cpu_has_sse(void)
{
    return features & FEATURE_SSE;
}

word_t arch_processor_khz(void)
{
    return kernel.tsc_khz;
}

HOT usec_t arch_clock_us(void)
{
    uint64_t tsc = rdtsc();
    uint64_t low = (tsc & 0xFFFFFFFF) * kernel.clock_scale;
    return (tsc >> 32) * kernel.clock_scale + (low >> 32);
}
