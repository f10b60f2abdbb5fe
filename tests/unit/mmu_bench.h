/* mmu_bench: a Pentium's memory unit on 16 MB of RAM, for the tests of mmu/; no processor.
 *
 * Physical page 0x1000 is the page directory the helpers edit, page tables follow it; 0xA0000 is a
 * device, 0xF0000 a ROM. */
#pragma once

#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/fast.h"
#include "mmu/paging.h"
#include "mmu/tlb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RAM_BYTES (16u << 20)
#define DIRECTORY 0x1000u
#define DEVICE_PA 0xA0000u
#define ROM_PA 0xF0000u

struct bench {
    struct mmu m;
    struct bus bus;
    struct phys phys;
    struct access_log log;
    uint32_t device_value;
    unsigned device_reads, device_writes, device_size;
    unsigned code_calls, code_size;
    paddr_t code_pa;
    uint8_t code_byte_before; /* the byte at code_pa when code_written was called */
};

static const struct mmu_geometry bench_p5 = {
    .itlb = {32, 4},
    .dtlb = {64, 4},
    .dtlb_large = {8, 4},
    .l1i = {8192, 2, 32},
    .l1d = {8192, 2, 32},
    .l2 = {262144, 1, 32},
    .dram = {.row_bytes = 4096, .banks = 4},
    .large_pages_split_in_itlb = true,
};

static inline uint32_t bench_device_read(void *owner, uint32_t address, unsigned size)
{
    struct bench *b = owner;
    (void)address;
    b->device_reads++;
    b->device_size = size;
    return b->device_value;
}

static inline void bench_device_write(void *owner, uint32_t address, unsigned size, uint32_t value)
{
    struct bench *b = owner;
    (void)address;
    b->device_writes++;
    b->device_size = size;
    b->device_value = value;
}

static inline void bench_code_written(void *owner, paddr_t pa, unsigned size)
{
    struct bench *b = owner;
    b->code_calls++;
    b->code_pa = pa;
    b->code_size = size;
    b->code_byte_before = b->phys.ram[pa];
}

static inline struct bench *bench_new_part(const struct mmu_geometry *geometry, bool timed)
{
    struct bench *b = calloc(1, sizeof *b);
    bus_init(&b->bus);
    bus_map_memory(&b->bus, (struct bus_range){DEVICE_PA, DEVICE_PA + 0xFFF, 4, bench_device_read,
                                               bench_device_write, b, "device"});
    b->phys = (struct phys){calloc(1, RAM_BYTES), RAM_BYTES, calloc(1, RAM_BYTES / 4096), &b->bus};
    b->phys.page_flags[DEVICE_PA >> 12] = PAGE_DEVICE;
    b->phys.page_flags[ROM_PA >> 12] = PAGE_ROM;
    mmu_init(&b->m, geometry, &b->phys, timed);
    b->m.log = &b->log;
    b->m.code_written = bench_code_written;
    b->m.code_owner = b;
    mmu_set_control(&b->m, false, false, false, false);
    return b;
}

static inline struct bench *bench_new(bool timed) { return bench_new_part(&bench_p5, timed); }

static inline void bench_free(struct bench *b)
{
    mmu_free(&b->m);
    free(b->phys.ram);
    free(b->phys.page_flags);
    free(b);
}

static inline uint32_t bench_u32(const struct bench *b, paddr_t pa)
{
    uint32_t v;
    memcpy(&v, b->phys.ram + pa, 4);
    return v;
}

static inline void bench_put(struct bench *b, paddr_t pa, uint32_t v)
{
    memcpy(b->phys.ram + pa, &v, 4);
}

/* The table of each 4 MB region lies at 0x2000 + 4096 * (region & 15). */
static inline paddr_t bench_pde(laddr_t la) { return DIRECTORY + (la >> 22) * 4; }
static inline paddr_t bench_pte(laddr_t la)
{
    return 0x2000 + 4096 * (la >> 22 & 15) + (la >> 12 & 0x3FF) * 4;
}

/* Maps a 4 KB page; its directory entry grants everything. */
static inline void bench_map(struct bench *b, laddr_t la, paddr_t pa, uint32_t bits)
{
    bench_put(b, bench_pde(la), (bench_pte(la) & 0xFFFFF000u) | PTE_PRESENT | PTE_WRITE | PTE_USER);
    bench_put(b, bench_pte(la), pa | bits);
}

static inline void bench_map_large(struct bench *b, laddr_t la, paddr_t pa, uint32_t bits)
{
    bench_put(b, bench_pde(la), pa | bits | PTE_LARGE);
}

static inline void bench_paging(struct bench *b, bool write_protect, bool large)
{
    mmu_set_cr3(&b->m, DIRECTORY);
    mmu_set_control(&b->m, true, write_protect, false, large);
}

static inline enum mmu_status bench_access(struct bench *b, laddr_t la, unsigned size,
                                           enum access_kind kind, bool user, uint64_t *value)
{
    b->log.count = 0;
    return mmu_access(&b->m, la, size, kind, user, 0, value);
}

static inline uint64_t bench_read(struct bench *b, laddr_t la, unsigned size)
{
    uint64_t value = 0;
    assert_int_equal(bench_access(b, la, size, ACCESS_READ, false, &value), MMU_OK);
    return value;
}

static inline void bench_write(struct bench *b, laddr_t la, unsigned size, uint64_t value)
{
    assert_int_equal(bench_access(b, la, size, ACCESS_WRITE, false, &value), MMU_OK);
}

static inline void bench_faults(struct bench *b, laddr_t la, enum access_kind kind, bool user,
                                uint32_t code)
{
    uint64_t value = 0;
    assert_int_equal(bench_access(b, la, 4, kind, user, &value), MMU_FAULT);
    assert_int_equal(b->m.fault_la, la);
    assert_int_equal(b->m.fault_code, code);
}

/* The i-th entry of the log of the last access. */
static inline void bench_logged(const struct bench *b, unsigned i, enum access_kind kind,
                                enum access_level level, unsigned flags, paddr_t pa)
{
    assert_true(i < b->log.count);
    const struct access *a = &b->log.list[i];
    assert_int_equal(a->kind, kind);
    assert_int_equal(a->level, level);
    assert_int_equal(a->flags, flags);
    assert_int_equal(a->pa, pa);
}

/* One access of 4 bytes that makes one log entry. */
static inline void bench_expect(struct bench *b, enum access_kind kind, paddr_t pa,
                                enum access_level level, unsigned flags)
{
    uint64_t value = 0;
    assert_int_equal(bench_access(b, pa, 4, kind, false, &value), MMU_OK);
    assert_int_equal(b->log.count, 1);
    bench_logged(b, 0, kind, level, flags, pa);
}

static inline enum line_state bench_state(const struct cache *c, paddr_t pa)
{
    int index = cache_find(c, pa);
    return index < 0 ? LINE_INVALID : (enum line_state)c->state[index];
}
