/* mmu: from a linear address to a byte of memory: paging, TLBs, caches, physical memory.
 *
 * The part's TLBs and caches are modelled as tags and states (never data); they change in program
 * order and need no time. What an access met (which level served it, which walks it took) is
 * written to the access log, in program order; a timing model prices that log later. On a model
 * that is not timed (flat) neither caches nor log are touched and the TLB is merely a large
 * translation cache.
 *
 * The fast path (mmu/access.h) covers "TLB hit and L1 hit" and leaves exactly the same replacement
 * state as the slow one: a fast entry exists only while its TLB entry is resident, and carries what
 * a hit must do to the TLB's replacement bits.
 *
 * Told of CR0, CR3, CR4, A20 and privilege by setters; never sees the processor. */
#pragma once

#include "sim/core/bus.h"
#include "sim/core/snap.h"
#include "sim/core/types.h"

/* --- the access log: one list of what happened ------------------------------------------------ */

enum access_kind {
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_RMW,    /* the read half of a read-modify-write; its write is logged as ACCESS_WRITE */
    ACCESS_FETCH,  /* one code line */
    ACCESS_WALK,   /* one page-table entry read by the walker; la is the address being translated */
    ACCESS_UPDATE, /* the walker's locked update of A or D */
    ACCESS_NOTE,   /* not an access: la = value, level = enum note; see cpu/note.h */
};

/* The notes that the memory unit itself writes (level of an ACCESS_NOTE); cpu/note.h goes on. */
enum mmu_note {
    NOTE_TLB_REFILL,      /* a second-level TLB had the page; la, ACCESS_CODE_SIDE */
    NOTE_LINE_PREFETCHED, /* pa: a line that came unasked; la: the level it came from; into the
                             code cache with ACCESS_CODE_SIDE, into L1D with ACCESS_BY_REQUEST
                             (size: enum mmu_prefetch), else into L2 */
    NOTE_CACHES_WRITTEN,  /* WBINVD with L2 on the die; la: lines written to memory */
    NOTE_TLBS_KEPT,       /* the flush filter: this write to CR3 empties no TLB */
    NOTE_MMU_LIMIT
};

enum access_level {
    LEVEL_L1,
    LEVEL_L2,
    LEVEL_DRAM_HIT,  /* the row was open */
    LEVEL_DRAM_ROW,  /* no row was open */
    LEVEL_DRAM_MISS, /* another row had to be closed */
    LEVEL_DEVICE,    /* not memory: a device or open bus */
};

enum {
    ACCESS_MISALIGNED = 1,   /* crossed a 4-byte boundary (8-byte for 64-bit operands) */
    ACCESS_LOCKED = 2,       /* part of a locked read-modify-write: always on the bus */
    ACCESS_CODE_SIDE = 4,    /* a walk or update for the ITLB */
    ACCESS_EVICT_DIRTY = 8,  /* the L1 victim was modified and is written back */
    ACCESS_VICTIM = 8,       /* on a K7: the first level gave a line to L2 */
    ACCESS_EVICT_L2 = 16,    /* the L2 victim was modified and is written back; on a K7, whatever
                                line goes to memory */
    ACCESS_LINE_SHARED = 32, /* a write hit a shared (write-through) line */
    ACCESS_HIT_M = 64,       /* a write hit an E or M line */
    ACCESS_SYSTEM = 128,     /* made by microcode: descriptor, TSS, implied stack */
    ACCESS_BY_REQUEST = 128, /* of NOTE_LINE_PREFETCHED: an instruction asked for it */

    /* What other caches, which the log is offered to, must know (sim/report/shadow.h): of what was
     * read or fetched and left the first level, the page's cacheability; of a write, that it made
     * the shared line its own; on a K7 of one that memory gets at once, that the line stays where
     * it is (THROUGH). */
    ACCESS_UNCACHED = 32,
    ACCESS_THROUGH = 64,
    ACCESS_TAKES_LINE = 16,

    /* Of a write: its page's writes may be combined (WC). */
    ACCESS_COMBINED = 4,
};

struct access {
    laddr_t la;
    paddr_t pa;
    uint8_t kind;  /* enum access_kind */
    uint8_t level; /* enum access_level, or enum note */
    uint8_t flags;
    uint8_t size; /* bytes */
};

#define ACCESS_LOG_MAX 4096

/* What one instruction (or one delivery) did, in program order; emptied before the next. */
struct access_log {
    uint32_t count;
    struct access list[ACCESS_LOG_MAX];
};

/* --- physical memory -------------------------------------------------------------------------- */

enum {
    PAGE_DEVICE = 1, /* a device answers here: always the slow path */
    PAGE_CODE = 2,   /* decoded blocks exist: writes must look for them */
    PAGE_ROM = 4,    /* writes vanish */
    PAGE_TABLE = 8,  /* the flush filter watches it: mmu/filter.h */
};

struct phys {
    uint8_t *ram;
    uint32_t size; /* bytes, whole pages */
    uint8_t *page_flags; /* by page number, size / 4096 of them */
    struct bus *bus;     /* answers outside RAM and in PAGE_DEVICE pages */
};

/* --- geometry, from the processor's profile and the board ------------------------------------- */

struct tlb_geometry {
    uint32_t entries; /* 0: this TLB does not exist, the 4 KB one holds its pages split */
    uint32_t ways;
};

struct cache_geometry {
    uint32_t size_bytes; /* 0: this cache does not exist */
    uint32_t ways;
    uint32_t line_bytes;
};

struct dram_geometry {
    uint32_t row_bytes; /* bytes of one open page across the bus */
    uint32_t banks;     /* independently open pages, interleaved by the bits above the row */
};

struct mmu_geometry {
    struct tlb_geometry itlb, dtlb, dtlb_large;
    struct cache_geometry l1i, l1d, l2;
    struct dram_geometry dram;
    bool large_pages_split_in_itlb; /* the P5 holds 4 MB code pages as 4 KB ITLB entries */

    /* What later parts have; zeros on the P5. */
    struct tlb_geometry itlb_large;
    struct tlb_geometry itlb2, dtlb2; /* second level, 4 KB pages alone */
    uint32_t directory_entries;       /* cache of page directory entries */
    bool l2_exclusive; /* L2 is on the die and takes what the first level gives up, nothing else */
    bool l2_prefetch;  /* two misses in a row bring a line further on into L2 */
    uint32_t flush_filter; /* 1: a write to CR3 keeps TLB entries whose tables were not written */
    uint32_t access_bytes;  /* an access that crosses this many is misaligned; 0: as the P5 */
    uint32_t physical_bits; /* of a physical address; 0: 32, and no PAE */
};

/* --- TLBs and caches: tags, states, replacement ----------------------------------------------- */

#define TLB_ENTRIES_MAX 512

struct tlb_entry {
    uint32_t tag;  /* linear address >> 12 (large: >> large_shift), and above it the space that
                      the flush filter told apart; or TLB_INVALID */
    uint32_t page; /* physical page number of the first 4 KB */
    uint16_t flags; /* TLB_USER | TLB_WRITE | ... */
};

#define TLB_INVALID UINT32_MAX
#define TAG_SPACE_SHIFT 20
#define TAG_ADDRESS ((1u << TAG_SPACE_SHIFT) - 1)
#define TAG_GLOBAL (15u << TAG_SPACE_SHIFT)
enum {
    TLB_USER = 1, TLB_WRITE = 2, TLB_DIRTY = 4, TLB_LARGE = 8, TLB_UNCACHED = 16, TLB_THROUGH = 32,
    TLB_GLOBAL = 64,   /* survives a write to CR3 */
    TLB_NO_CODE = 128, /* NX */
    TLB_COMBINE = 256, /* beside UNCACHED: writes may be combined (WC) */
    TLB_PROTECT = 512, /* beside THROUGH: a write drops the line (WP) */
    TLB_ATTRIBUTES = TLB_UNCACHED | TLB_THROUGH | TLB_COMBINE | TLB_PROTECT,
};

struct tlb {
    uint32_t entries, ways, sets;
    uint8_t plru[TLB_ENTRIES_MAX];           /* see tlb.h */
    uint8_t hand;
    struct tlb_entry entry[TLB_ENTRIES_MAX]; /* [set * ways + way] */
    uint64_t filled[TLB_ENTRIES_MAX / 64];   /* entries filled since the last flush */
    uint64_t misses; /* look-ups that walked; hits are not counted: most are the fast path's */
};

enum line_state { LINE_INVALID, LINE_SHARED, LINE_EXCLUSIVE, LINE_MODIFIED };

/* Beside the state of a line in a K7's L1D: it will not go to L2 (PREFETCHNTA). */
#define LINE_PASSING 4u

struct cache {
    uint32_t sets, ways, line_shift;
    uint32_t *tag;  /* [set * ways + way]: address >> line_shift; UINT32_MAX when invalid */
    uint8_t *state; /* enum line_state */
    uint8_t *lru;   /* per set: 2 ways 1 bit (the way to evict next), more ways tree pseudo-LRU */
    struct cache_order *order; /* of a fully associative cache, else NULL: see cache.h */
    /* Hits are counted in L2 only: those in L1 are mostly the fast path's, and are in the log. */
    uint64_t hits, misses, writebacks;
};

/* See mmu/filter.h. */
#define FILTER_SPACES 8
#define FILTER_PAGES 32
struct flush_filter {
    bool on, written;
    uint32_t spaces, cr3[FILTER_SPACES];
    uint32_t pages, page[FILTER_PAGES];
};

/* Page directory entries that name tables. */
#define DIRECTORY_ENTRIES_MAX 32
struct directory_cache {
    uint32_t entries, next;
    uint32_t tag[DIRECTORY_ENTRIES_MAX]; /* linear address >> what one directory entry covers */
    uint64_t entry[DIRECTORY_ENTRIES_MAX];
};

struct dram {
    uint32_t row_shift, banks;
    uint32_t *open_row; /* by bank; UINT32_MAX when closed */
};

/* --- the fast path's entries ------------------------------------------------------------------ */

#define FAST_COUNT 128

struct fast_entry {
    uint32_t tag_read;  /* linear page address, or FAST_NEVER (mmu/fast.h) */
    uint32_t tag_write; /* likewise; only if writable, dirty and no code, ROM or device page */
    uint8_t *host;      /* host address of the page */
    uint8_t *plru;      /* the TLB set's replacement byte, and what a hit does to it */
    uint8_t plru_and, plru_or;
    uint16_t attributes; /* TLB_UNCACHED, TLB_THROUGH: what a miss must know */
    uint32_t pa; /* physical address of the page */
};

struct fast_code {
    uint32_t tag; /* linear page address, or FAST_NEVER */
    uint32_t pa;
    uint8_t *plru;
    uint8_t plru_and, plru_or;
};

/* --- the unit --------------------------------------------------------------------------------- */

enum mmu_status { MMU_OK, MMU_FAULT };

/* What the MTRRs and the PAT say: mmu/types.h. */
enum memory_type {
    TYPE_UC = 0, TYPE_WC = 1, TYPE_WT = 4, TYPE_WP = 5, TYPE_WB = 6, TYPE_UC_MINUS = 7,
};

#define FIXED_RANGES 88
#define VARIABLE_RANGES 8

struct memory_types {
    bool present; /* the part has MTRRs: without them all memory is WB, and a page's PCD and PWT say
                     what they said on the P5 */
    bool on, fixed_on;
    uint8_t otherwise; /* the default type */
    uint8_t fixed[FIXED_RANGES]; /* the first megabyte: 8 of 64 KB, 16 of 16 KB, 64 of 4 KB */
    struct {
        uint64_t base, mask; /* of page numbers; mask 0: not in use */
        uint8_t type;
    } range[VARIABLE_RANGES];
    uint8_t pat[8]; /* by PAT, PCD, PWT */
};

struct mmu {
    /* hot */
    const struct fast_entry *fast; /* fast_table[user], or a table of nothing */
    bool timed;              /* caches and log are live */
    bool user;               /* privilege of ordinary accesses: CPL 3 */
    bool locked;             /* a LOCK or XCHG body is running: its accesses are logged as locked */
    bool code_was_hit;       /* a write touched a decoded line since this was last cleared; set by
                                whoever code_written tells, for it knows which lines are decoded */
    bool unpriced;           /* instructions have run whose accesses wait in the log */
    bool fast_enabled;       /* fast entries may be made: see mmu_set_fast */
    bool fast_forbidden;
    bool fast_inline;        /* mmu/access.h knows the shape of L1D, or there is no need to */
    const struct hierarchy *hierarchy;
    struct cache l1d, l1i, l2;
    struct access_log *log;
    struct phys phys;

    /* translation state */
    bool paging, write_protect, large_enabled;
    bool pae, no_execute, global_enabled; /* CR4.PAE, EFER.NXE with it, CR4.PGE */
    uint32_t large_shift; /* what an entry of a TLB for large pages covers: 4 MB, or 2 MB where one
                             page of 4 MB takes two entries */
    uint64_t pdpte[4];    /* the page directory pointers, read when CR3 was loaded */
    uint64_t reserved;    /* bits of PAE entries that must be zero */
    struct memory_types types; /* MTRRs and PAT */
    uint32_t cr3;
    uint32_t a20_mask; /* ANDed with every physical address */
    struct fast_entry fast_table[2][FAST_COUNT];
    struct fast_code fast_code[2][FAST_COUNT];
    uint64_t fast_used[2][FAST_COUNT / 64]; /* slots filled since the last flush */
    uint64_t code_used[2][FAST_COUNT / 64];
    uint8_t plru_none; /* what fast entries touch while paging is off */
    struct tlb itlb, dtlb, dtlb_large;
    struct tlb itlb_large, itlb2, dtlb2; /* of later parts, timed */
    struct directory_cache directories;
    struct flush_filter filter;
    bool filter_wanted; /* in force while timed */
    uint32_t space_tag, global_tag; /* what new entries' tags have above the address */
    uint32_t last_miss; /* the line of the last data miss, for prefetching */
    bool itlb_split, dtlb_split; /* a 4 KB entry of a 4 MB page was made since the last flush */
    struct dram dram;
    struct mmu_geometry geometry;
    bool caches_off; /* CR0.CD */

    /* the last fault */
    laddr_t fault_la;
    uint32_t fault_code; /* #PF error code: P, W/R, U/S, RSVD, I/D */

    /* a read-modify-write between its two halves */
    struct {
        uint8_t *host[2]; /* NULL: a device */
        paddr_t pa[2];
        unsigned part[2]; /* bytes in each piece; part[1] is 0 unless a page was crossed */
        uint16_t attributes[2]; /* of the pages: TLB_UNCACHED and the like */
        laddr_t la;
        uint8_t flags;
        uint8_t level;
    } rmw;

    /* decoded blocks live on this page line: told before the bytes change */
    void (*code_written)(void *owner, paddr_t pa, unsigned size);
    /* ... and a device above memory: told before it is asked */
    void (*device_touched)(void *owner);
    void *code_owner;

    /* Prices the instructions that wait, clears unpriced. Set by a timed model that lets them. */
    void (*settle)(void *owner);
    void *settle_owner;
};

/* Called before anything but a hit of the fast path: from then on the clock is right, and the log
 * holds the running instruction's entries only. */
static inline void mmu_settle(struct mmu *m)
{
    if (UNLIKELY(m->unpriced))
        m->settle(m->settle_owner);
}

/* A fast table in which nothing is ever found. */
extern const struct fast_entry fast_nothing[FAST_COUNT];
/* The table of the present privilege. */
static inline const struct fast_entry *mmu_fast_table(const struct mmu *m)
{
    return LIKELY(m->fast_inline) ? m->fast_table[m->user] : fast_nothing;
}

void mmu_init(struct mmu *m, const struct mmu_geometry *g, const struct phys *phys, bool timed);
void mmu_free(struct mmu *m);
void mmu_reset(struct mmu *m);
void mmu_snapshot(struct mmu *m, struct snap *s);

/* CR0.PG, CR0.WP, CR0.CD, CR4.PSE and CR3. Loading CR3, or changing PG or PSE, empties both
 * TLBs. */
void mmu_set_control(struct mmu *m, bool paging, bool write_protect, bool caches_off,
                     bool large_enabled);
void mmu_set_cr3(struct mmu *m, uint32_t cr3);
/* CR4.PAE and PGE, EFER.NXE, on parts whose physical addresses have more than 32 bits. A change
 * empties the TLBs. */
void mmu_set_extensions(struct mmu *m, bool pae, bool global, bool no_execute);
/* The K8's flush filter (HWCR.FFDIS), where the part has one. Empties the TLBs. */
void mmu_set_flush_filter(struct mmu *m, bool on);
/* With PAE the directory pointers are read when CR3 is loaded, or paging turned on. False, and
 * nothing is changed: a reserved bit is set. */
bool mmu_load_pointers(struct mmu *m, uint32_t cr3);
/* MTRRs and PAT as they are from now on. Empties the TLBs, which hold types. */
void mmu_set_types(struct mmu *m, const struct memory_types *types);
void mmu_set_user(struct mmu *m, bool user);
void mmu_set_a20(struct mmu *m, bool enabled);
void mmu_invalidate_page(struct mmu *m, laddr_t la); /* INVLPG */
/* INVD and WBINVD: empties the caches; modified lines are logged as written back for WBINVD. */
void mmu_invalidate_caches(struct mmu *m, bool write_back);
/* CLFLUSH of a mapped address. */
void mmu_flush_line(struct mmu *m, laddr_t la);
/* Forgets the fast entries of a physical page (its flags changed); the TLBs keep theirs. */
void mmu_forget_fast(struct mmu *m, uint32_t physical_page);
void mmu_set_timed(struct mmu *m, bool timed); /* empties TLBs, caches and fast entries */
/* Other caches and TLBs take the place of these, and are empty. */
void mmu_set_geometry(struct mmu *m, const struct mmu_geometry *g);
/* False: every access goes the slow way. Changes no state, result or log; for tests of just
 * that. */
void mmu_set_fast(struct mmu *m, bool allowed);

/* The general access, any alignment, any page crossing, size 1..8 bytes; `user` overrides the
 * privilege (descriptor and TSS accesses are made as supervisor). Everything that can fault is
 * decided before the first byte is written. On MMU_FAULT, fault_la and fault_code are set. kind is
 * ACCESS_READ (value out), ACCESS_WRITE (value in) or ACCESS_RMW (value out; mmu_rmw_commit
 * writes). flags: ACCESS_SYSTEM for microcode's own accesses. */
enum mmu_status mmu_access(struct mmu *m, laddr_t la, unsigned size, enum access_kind kind,
                           bool user, uint8_t flags, uint64_t *value);
void mmu_rmw_commit(struct mmu *m, unsigned size, uint64_t value);

/* Checks (and translates, walks, logs walks) size bytes for reading or writing, any size; no
 * access. */
enum mmu_status mmu_probe(struct mmu *m, laddr_t la, unsigned size, bool write, bool user);

enum mmu_prefetch { PREFETCH_READ, PREFETCH_WRITE, PREFETCH_PASSING };

/* A prefetch instruction, timed only: brings the line into L1D, to be read, to be written, or to be
 * used once. Does nothing where no TLB has the page, the page denies it, or its memory is not
 * cached; never faults. */
void mmu_prefetch(struct mmu *m, laddr_t la, enum mmu_prefetch how, bool user);

/* Translates a code address for fetching: ITLB, walk. The physical address in *pa. */
enum mmu_status mmu_fetch_slow(struct mmu *m, laddr_t la, paddr_t *pa);
/* Timed only: brings the code line at (la, pa) into L1I and logs it as ACCESS_FETCH. */
void mmu_fetch_line(struct mmu *m, laddr_t la, paddr_t pa);

/* Debuggers, loaders, reports: no state changes. Reads return false where nothing is mapped. */
bool mmu_peek(const struct mmu *m, laddr_t la, void *out, size_t size);
bool mmu_translate_peek(const struct mmu *m, laddr_t la, paddr_t *pa);
/* A debugger's write: through translation, ignores protection, tells code_written. */
bool mmu_poke(struct mmu *m, laddr_t la, const void *in, size_t size);
/* Physical reads and writes for loaders; RAM only. */
bool phys_read(const struct phys *p, paddr_t pa, void *out, size_t size);
bool phys_write(struct phys *p, paddr_t pa, const void *in, size_t size);
