/* calibrate_memory: a chain of pointers by stride and size, page walks, trap and return, against
 * the MemLatX86 dump of the measured part (p166), lmbench and [S97] (p133). */
#include "calibrate.h"

#include "sim/core/check.h"
#include "sim/report/cycles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPIES 64

struct chain {
    const char *name;
    uint32_t bytes, stride;
    double measured;  /* clocks an access */
    double tolerance; /* of it */
    const char *source;
};

static double measure_paged(const struct machine_config *config, const char *text,
                            const char *setup, uint32_t copies, uint32_t loops,
                            uint32_t buffer_bytes, bool user, bool paging)
{
    struct assembly list[2] = {{.text = text}, {.text = setup}};
    struct cycles_result r;
    assemble(list, 2, CYCLES_SYMBOLS);
    struct cycles_request q = {.config = config, .code = &list[0], .setup = &list[1],
                               .copies = copies, .no_paging = !paging, .buffer_bytes = buffer_bytes,
                               .warm_loops = loops, .measured_loops = loops, .user = user};
    cycles_measure(&q, &r);
    if (r.raised)
        usage_error("calibrate: '%s' raised exception %u", text, r.vector);
    double clocks = (double)r.cycles / (double)r.copies;
    cycles_free(&r);
    free(list[0].bytes);
    free(list[1].bytes);
    return clocks;
}

static double measure(const struct machine_config *config, const char *text, const char *setup,
                      uint32_t copies, uint32_t loops, uint32_t buffer_bytes, bool user)
{
    return measure_paged(config, text, setup, copies, loops, buffer_bytes, user, true);
}

/* Follows a chain of count pointers, stride apart, round and round; clocks an access. */
static double follow(const struct machine_config *config, uint32_t count, uint32_t stride)
{
    char setup[512];
    snprintf(setup, sizeof setup,
             "mov ecx,%u; mov esi,offset buf\n"
             "1: lea eax,[esi+%u]; mov dword ptr [esi],eax; mov esi,eax; dec ecx; jnz 1b\n"
             "mov dword ptr [esi-%u],offset buf; mov esi,offset buf",
             count, stride, stride);
    uint32_t loops = (count + COPIES - 1) / COPIES;
    return measure(config, "mov esi,dword ptr [esi]", setup, COPIES, loops < 16 ? 16 : loops,
                   count * stride + 4096, false);
}

static bool report(const char *name, double measured, double here, double tolerance,
                   const char *source)
{
    double error = here / measured - 1;
    bool inside = fabs(error) <= tolerance;
    printf("%-44s %8.1f %8.1f %+6.1f %%  (%2.0f %%) %-5s %s\n", name, measured, here, 100 * error,
           100 * tolerance, inside ? "ok" : "MISS", source);
    return inside;
}

static bool follow_all(const struct machine_config *config, const struct chain *chains, int count)
{
    bool passed = true;
    for (int i = 0; i < count; i++) {
        const struct chain *k = &chains[i];
        double here = follow(config, k->bytes / k->stride, k->stride);
        char name[64];
        snprintf(name, sizeof name, "%s, %u KB, stride %u", k->name, k->bytes >> 10, k->stride);
        passed &= report(name, k->measured, here, k->tolerance, k->source);
    }
    return passed;
}

static bool latencies_p166(const struct machine_config *p166)
{
    static const struct chain chains[] = {
        {"first level", 4 << 10, 32, 2, 0.05, "IL"},
        {"second level", 128 << 10, 32, 19, 0.10, "IL: 18-20"},
        {"second level", 128 << 10, 512, 19, 0.10, "IL: 18-20"},
        {"memory", 2 << 20, 32, 22.5, 0.10, "IL: 20-25"},
        {"memory", 2 << 20, 128, 22.5, 0.10, "IL: 20-25"},
        {"memory", 2 << 20, 1024, 41, 0.10, "IL"},
        {"memory", 2 << 20, 2048, 63.5, 0.10, "IL: 62-65"},
        {"memory", 2 << 20, 4096, 99, 0.10, "IL: up to 99"},
        {"memory", 2 << 20, 8192, 99, 0.10, "IL: up to 99"},
    };
    puts("\nLoad after load on p166, clocks (fitted)");
    return follow_all(p166, chains, ARRAY_COUNT(chains));
}

static bool latencies_p133(const struct machine_config *p133)
{
    double clocks_per_ns = (double)p133->clock_num / (double)p133->clock_den / 1e9;
    const struct chain chains[] = {
        {"second level", 128 << 10, 128, 111 * clocks_per_ns, 0.15, "LMB: 111 ns"},
        {"memory", 2 << 20, 128, 181 * clocks_per_ns, 0.15, "LMB: 181 ns"},
    };
    puts("\nLoad after load on p133, clocks (not fitted)");
    return follow_all(p133, chains, ARRAY_COUNT(chains));
}

/* 128 pages, one line each, all of them in the first level: beside the 2 clocks of a load after a
 * load each access is one walk whose entries the second level holds. */
static bool walks(const struct machine_config *p133)
{
    double clocks = follow(p133, 128, 4096 + 32) - 2;
    puts("\nPage walk on p133, clocks");
    return report("TLB miss, page-table entries in L2", 25, clocks, 0.10, "S97 s5.1");
}

static bool traps(const struct machine_config *p133)
{
    double clocks = measure(p133, "int 0x80", "", 16, 24, 0, true);
    puts("\nTrap and return on p133, clocks");
    return report("INT 80h, IRET through an interrupt gate", 82, clocks, 0.10, "S97 s6.1");
}

bool calibrate_memory_p5(const struct machine_config *p166)
{
    struct machine_config *p133 = machine_find("p133");
    bool passed = latencies_p166(p166);
    passed &= latencies_p133(p133);
    passed &= walks(p133);
    passed &= traps(p133);
    free(p133);
    return passed;
}

/* --- K7 and K8 -------------------------------------------------------------------------------- */

/* Data of 512 pages, one line each: they fit into L1D, their page-table entries into L2. */
#define PAGES 512
#define PAGE_STRIDE (4096 + 64)

static double data_walk(const struct machine_config *m)
{
    return follow(m, PAGES, PAGE_STRIDE) - 3;
}

/* Jumps through 512 pages of code, the last one back to the caller; clocks of a jump. */
static double code_jump(const struct machine_config *m, uint32_t stride)
{
    char setup[512];
    snprintf(setup, sizeof setup,
             "mov ecx,%u; mov edi,offset buf\n"
             "1: mov byte ptr [edi],0xE9; mov dword ptr [edi+1],%u; add edi,%u; dec ecx; jnz 1b\n"
             "mov byte ptr [edi],0xC3; mov ebx,offset buf",
             PAGES, stride - 5, stride);
    return measure(m, "call ebx", setup, 1, 16, PAGES * PAGE_STRIDE + 8192, false) / PAGES;
}

/* What a walk adds: the same jumps with a line between them instead of a page. */
static double code_walk(const struct machine_config *m)
{
    return code_jump(m, PAGE_STRIDE) - code_jump(m, 64);
}

/* A fast call and its return, from and to privilege 3 but for the first; what the calling and
 * passing of addresses around them takes is subtracted. */
static double round_trip(const struct machine_config *m, const char *setup)
{
    char with[512];
    const char *without = "mov byte ptr [buf],0xC3; mov ebx,offset buf"; /* ret */
    snprintf(with, sizeof with, "%s; mov ebx,offset buf", setup);
    return measure(m, "call ebx", with, 16, 0, 0, false) -
           measure(m, "call ebx", without, 16, 0, 0, false);
}

/* pop edx; mov ecx,esp; sysenter, and at its target sysexit. */
static double sysenter(const struct machine_config *m)
{
    return round_trip(m,
                      "mov dword ptr [buf],0x0FE1895A; mov byte ptr [buf+4],0x34\n"
                      "mov word ptr [buf+16],0x350F\n"
                      "xor edx,edx; mov eax,8; mov ecx,0x174; wrmsr\n"
                      "mov eax,offset buf+16; mov ecx,0x176; wrmsr\n"
                      "mov eax,0x6000; mov ecx,0x175; wrmsr");
}

/* syscall, and at its target sysret; then ret. */
static double syscall(const struct machine_config *m)
{
    return round_trip(m,
                      "mov dword ptr [buf],0xC3050F; mov word ptr [buf+16],0x070F\n"
                      "mov ecx,0xC0000080; rdmsr; or eax,1; wrmsr\n"
                      "mov eax,offset buf+16; mov edx,0x00130008; mov ecx,0xC0000081; wrmsr");
}

static bool system_k7(const struct machine_config *k7)
{
    puts("\nSystem instructions on k7-1400, clocks (inputs: regressions, no proofs)");
    /* Without paging nothing is walked for again, as with the global pages of the source. */
    double cr3 = measure_paged(k7, "mov cr3,eax", "mov eax,cr3", 16, 0, 0, false, false);
    bool passed = report("DTLB miss of both levels", 73, data_walk(k7), 0.10, "FIASCO");
    passed &= report("ITLB miss of both levels", 54, code_walk(k7), 0.10, "FIASCO");
    passed &= report("INT n, IRET from privilege 3", 202,
                     measure(k7, "int 0x80", "", 16, 24, 0, true), 0.10, "FIASCO");
    passed &= report("SYSENTER, SYSEXIT", 67, sysenter(k7), 0.10, "FIASCO");
    passed &= report("SYSCALL, SYSRET", 64, syscall(k7), 0.10, "FIASCO");
    passed &= report("MOV CR3", 102, cr3, 0.10, "FIASCO");
    passed &= report("INVLPG", 92, measure(k7, "invlpg [esi]", "mov esi,offset buf", 16, 0, 0,
                                           false), 0.10, "FIASCO");
    return passed;
}

bool calibrate_memory_k7(const struct machine_config *k7)
{
    static const struct chain chains[] = {
        {"first level", 32 << 10, 64, 3, 0.10, "IL"},
        {"second level", 256 << 10, 128, 20, 0.10, "IL"},
        {"second level", 256 << 10, 4096, 20, 0.10, "IL"},
        {"memory", 4 << 20, 128, 233, 0.10, "IL"},
        {"memory", 4 << 20, 1024, 239, 0.10, "IL"},
        {"memory, second-level TLB", 1 << 20, 4096, 274, 0.10, "IL"},
        {"memory, TLB misses", 4 << 20, 4096, 318, 0.10, "IL"},
    };
    puts("\nLoad after load on k7-1400, clocks");
    bool passed = follow_all(k7, chains, ARRAY_COUNT(chains));
    return passed & system_k7(k7);
}

bool calibrate_memory_k8(const struct machine_config *k8)
{
    struct machine_config at = *k8; /* the clock of the part that was measured */
    at.clock_num = 2010000000;
    static const struct chain chains[] = {
        {"first level", 32 << 10, 64, 3, 0.10, "IL"},
        {"second level", 512 << 10, 128, 12, 0.10, "IL"},
        {"second level, second-level TLB", 512 << 10, 4096, 19, 0.10, "IL"},
        {"memory", 4 << 20, 64, 52, 0.10, "IL: with the prefetcher"},
        {"memory", 4 << 20, 128, 112, 0.10, "IL"},
        {"memory", 4 << 20, 1024, 126, 0.10, "IL"},
        {"memory, second-level TLB", 2 << 20, 4096, 151, 0.10, "IL"},
        {"memory, TLB misses", 4 << 20, 4096, 164, 0.10, "IL"},
    };
    puts("\nLoad after load on a64-2200 at 2010 MHz, clocks");
    return follow_all(&at, chains, ARRAY_COUNT(chains));
}
