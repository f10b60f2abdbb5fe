#include "cpu/run.h"

#include "cpu/debug.h"
#include "cpu/decode.h"
#include "cpu/mem.h"
#include "cpu/model.h"
#include "cpu/timed.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define HASH_COUNT 32768u
#define ARENA_BYTES_MAX (40u << 20)
#define PAGE_BYTES 4096u
#define CODE_BYTES 16u /* behind the instruction of a block of one: its bytes */
#define MODE_GONE UINT32_MAX /* no mode: a removed block, which links may still lead to */

/* No REP iteration takes more cycles than this on any model: two accesses, each with two walks, two
 * updates and two write-backs from memory. Near an event a REP does fewer iterations at a time. */
#define REP_ITERATION_CYCLES_MAX 1024
#define REP_ITERATIONS_MAX 256

struct code_page {
    struct block *blocks;
    uint32_t lines[4]; /* bit per 32-byte line that holds decoded code */
};

struct block_cache {
    struct cpu *cpu;
    struct block *hash[HASH_COUNT];
    struct code_page **pages;
    uint32_t page_count;
    uint8_t *arena;
    size_t arena_bytes; /* less for little memory: small machines are made quickly */
    size_t used;
    uint32_t flushes; /* links made before a flush are of no use after it */
    unsigned ops_max;
    struct block *scratch; /* for the instruction that crosses a page, and the REP that has
                              overwritten itself: decoded anew each time */
};

/* --- the cache of blocks ---------------------------------------------------------------------- */

static void code_written(void *owner, paddr_t pa, unsigned size);
static void device_touched(void *owner);

struct block_cache *blocks_new(struct cpu *c, uint32_t ram_bytes)
{
    struct block_cache *b = xalloc(1, sizeof *b);
    b->cpu = c;
    b->page_count = ram_bytes / PAGE_BYTES;
    b->pages = xalloc(b->page_count ? b->page_count : 1, sizeof *b->pages);
    b->arena_bytes = ram_bytes < ARENA_BYTES_MAX / 2 ? 2 * (size_t)ram_bytes + (1u << 20)
                                                     : ARENA_BYTES_MAX;
    b->arena = xalloc_table(1, b->arena_bytes);
    b->ops_max = BLOCK_OPS_MAX;
    b->scratch = xalloc(1, sizeof *b->scratch + sizeof(struct op) + CODE_BYTES);
    c->mmu->code_written = code_written;
    c->mmu->device_touched = device_touched;
    c->mmu->code_owner = b;
    return b;
}

void blocks_free(struct block_cache *b)
{
    for (uint32_t i = 0; i < b->page_count; i++)
        free(b->pages[i]);
    free(b->pages);
    free(b->arena);
    free(b->scratch);
    free(b);
}

static void set_code_flag(struct block_cache *b, uint32_t page, bool on)
{
    struct mmu *m = b->cpu->mmu;
    uint8_t *flags = &m->phys.page_flags[page];
    if (!!(*flags & PAGE_CODE) == on)
        return;
    *flags = (uint8_t)(on ? *flags | PAGE_CODE : *flags & ~PAGE_CODE);
    mmu_forget_fast(m, page);
}

void blocks_flush(struct block_cache *b)
{
    memset(b->hash, 0, sizeof b->hash);
    for (uint32_t i = 0; i < b->page_count; i++) {
        if (!b->pages[i])
            continue;
        memset(b->pages[i], 0, sizeof *b->pages[i]);
        set_code_flag(b, i, false);
    }
    b->used = 0;
    b->flushes++;
}

void blocks_set_limit(struct block_cache *b, unsigned ops_max)
{
    CHECK(ops_max >= 1 && ops_max <= BLOCK_OPS_MAX);
    b->ops_max = ops_max;
    blocks_flush(b);
}

static uint32_t hash_of(laddr_t la) { return (la ^ la >> 13) & (HASH_COUNT - 1); }

static void unhash(struct block_cache *b, struct block *k)
{
    struct block **p = &b->hash[hash_of(k->la)];
    while (*p != k)
        p = &(*p)->next;
    *p = k->next;
}

static uint32_t line_bits(paddr_t first, paddr_t last, unsigned word)
{
    uint32_t bits = 0;
    uint32_t end = (last & 0xFFF) >> BLOCK_LINE_SHIFT;
    for (uint32_t line = (first & 0xFFF) >> BLOCK_LINE_SHIFT; line <= end; line++)
        if (line / 32 == word)
            bits |= 1u << (line % 32);
    return bits;
}

static void note_lines(struct code_page *page, const struct block *k)
{
    for (unsigned w = 0; w < 4; w++)
        page->lines[w] |= line_bits(k->pa, k->pa + k->bytes - 1, w);
}

static bool repeats(const struct op *o)
{
    return (o->row->attributes & (A_REP | A_REPZ)) && (o->flags & (OP_REPE | OP_REPNE));
}

/* Removes the page's blocks that overlap [pa, pa + size). A REP has its block to itself and goes on
 * as it was fetched: it need not stop, and where its chunks end does not depend on what has been
 * decoded. */
static void remove_overlapping(struct block_cache *b, struct code_page *page, paddr_t pa,
                               unsigned size)
{
    struct block **p = &page->blocks;
    memset(page->lines, 0, sizeof page->lines);
    while (*p) {
        struct block *k = *p;
        if (k->pa < pa + size && pa < k->pa + k->bytes) {
            *p = k->next_in_page;
            unhash(b, k);
            k->mode = MODE_GONE;
            b->cpu->stop_block |= !(b->cpu->op->row && repeats(b->cpu->op));
        } else {
            note_lines(page, k);
            p = &k->next_in_page;
        }
    }
    if (!page->blocks)
        set_code_flag(b, pa / PAGE_BYTES, false);
}

static void code_written(void *owner, paddr_t pa, unsigned size)
{
    struct block_cache *b = owner;
    uint32_t number = pa / PAGE_BYTES;
    if (number >= b->page_count || !b->pages[number])
        return;
    struct code_page *page = b->pages[number];
    paddr_t last = (pa & 0xFFF) + size > PAGE_BYTES ? pa | 0xFFF : pa + size - 1;
    for (unsigned w = 0; w < 4; w++) {
        if (page->lines[w] & line_bits(pa, last, w)) {
            remove_overlapping(b, page, pa, size);
            return;
        }
    }
}

/* No instruction is running: a fault now belongs to the fetch at EIP, or to an interrupt. */
static void begin_idle_op(struct cpu *c)
{
    c->idle_op.eip = c->idle_op.next_eip = c->eip;
    c->idle_op.flags = 0;
    c->op = &c->idle_op;
}

/* --- decoding a block ------------------------------------------------------------------------- */

/* Limits of the code segment: how many bytes may be fetched from eip on. */
static uint64_t fetchable(const struct cpu *c, uint32_t eip)
{
    return eip > c->seg[CS].limit ? 0 : (uint64_t)c->seg[CS].limit - eip + 1;
}

static void mark_line(struct op *o, laddr_t la, laddr_t previous_last)
{
    laddr_t last = la + o->length - 1, line = last >> BLOCK_LINE_SHIFT;
    if (line != la >> BLOCK_LINE_SHIFT || line != previous_last >> BLOCK_LINE_SHIFT)
        o->flags |= OP_NEW_LINE;
}

static void bind(struct cpu *c, struct op *o)
{
    if (c->model->bind)
        c->model->bind(c->model, o);
}

static bool ends_block(const struct op *o)
{
    return (o->row->attributes & (A_BRANCH | A_END | A_ALONE | A_SHADOW)) != 0;
}

/* Instructions after which interrupts, traps, mode and translation are as before, and stop_block is
 * set if not: the next block may follow without a turn of the run loop. */
static bool chains(const struct op *o)
{
    uint32_t a = o->row->attributes;
    return !(a & (A_END | A_ALONE | A_SHADOW)) && (!(a & A_BRANCH) || (a & A_NEAR));
}

static uint8_t *code_bytes(struct block *k) { return (uint8_t *)&k->ops[1]; }

/* The block of one instruction, decoded from its bytes, that is in no page's list. */
static struct block *scratch_block(struct cpu *c, laddr_t la, paddr_t pa, const uint8_t *bytes,
                                   unsigned available)
{
    struct block *k = c->blocks->scratch;
    k->ops[0].length = 0;
    if (!decode(c->decoder, c->mode_key, c->eip, bytes, available, &k->ops[0]))
        cpu_raise_code(c, EXC_GP, 0); /* ran into the segment's limit */
    bind(c, &k->ops[0]);
    k->la = la;
    k->eip = c->eip;
    k->pa = pa;
    k->count = 1;
    k->alone = true;
    k->bytes = k->ops[0].length;
    k->ops[0].flags |= OP_NEW_LINE;
    memcpy(code_bytes(k), bytes, CODE_BYTES);
    laddr_t end;
    k->place = c->place_of ? c->place_of(c->place_owner, la, c->cpl == 3, &end) : 0;
    return k;
}

/* The instruction at eip does not end inside its page: fetch the second page's bytes too. */
static struct block *decode_crossing(struct cpu *c, laddr_t la, paddr_t pa, unsigned first)
{
    uint8_t bytes[CODE_BYTES] = {0};
    uint64_t room = fetchable(c, c->eip);
    unsigned available = first;
    paddr_t second = 0;
    CHECK(phys_read(&c->mmu->phys, pa, bytes, first));
    if (room > first) {
        if (mmu_fetch_slow(c->mmu, la + first, &second) != MMU_OK)
            cpu_raise_page_fault(c);
        uint64_t more = room - first < sizeof bytes - first ? room - first : sizeof bytes - first;
        phys_read(&c->mmu->phys, second, bytes + first, (size_t)more);
        available += (unsigned)more;
    }
    struct block *k = scratch_block(c, la, pa, bytes, available);
    k->second = second;
    return k;
}

static void link_block(struct block_cache *b, struct block *k)
{
    uint32_t number = k->pa / PAGE_BYTES;
    k->next = b->hash[hash_of(k->la)];
    b->hash[hash_of(k->la)] = k;
    if (number >= b->page_count)
        return;
    if (!b->pages[number])
        b->pages[number] = xalloc(1, sizeof *b->pages[number]);
    k->next_in_page = b->pages[number]->blocks;
    b->pages[number]->blocks = k;
    note_lines(b->pages[number], k);
    set_code_flag(b, number, true);
}

static struct block *decode_block(struct cpu *c, laddr_t la, paddr_t pa)
{
    struct block_cache *b = c->blocks;
    size_t most = sizeof(struct block) + b->ops_max * sizeof(struct op) + CODE_BYTES;
    if (b->used + most > b->arena_bytes)
        blocks_flush(b);
    struct block *k = (struct block *)(void *)(b->arena + b->used);
    memset(k, 0, sizeof *k);
    k->la = la;
    k->eip = c->eip;
    k->pa = pa;
    k->mode = c->mode_key;
    laddr_t place_end = UINT32_MAX;
    k->place = c->place_of ? c->place_of(c->place_owner, la, c->cpl == 3, &place_end) : 0;

    uint8_t bytes[PAGE_BYTES];
    unsigned in_page = PAGE_BYTES - (pa & 0xFFF);
    uint64_t room = fetchable(c, c->eip);
    unsigned available = room < in_page ? (unsigned)room : in_page;
    if (available > b->ops_max * 15)
        available = b->ops_max * 15;
    if (available == 0 || !phys_read(&c->mmu->phys, pa, bytes, available)) {
        if (available == 0)
            cpu_raise_code(c, EXC_GP, 0);
        unimplemented("instruction fetch outside memory at %08x (CS:EIP %04x:%08x)", pa,
                      c->seg[CS].selector, c->eip);
    }
    unsigned at = 0;
    laddr_t previous_last = la;
    while (k->count < b->ops_max && at < available) {
        struct op *o = &k->ops[k->count];
        unsigned n = decode(c->decoder, c->mode_key, c->eip + at, bytes + at, available - at, o);
        if (n == 0)
            break;
        bool alone = (o->row->attributes & A_ALONE) || repeats(o);
        if (k->count > 0 && (alone || (c->stops.count && stops_find(&c->stops, la + at) >= 0)))
            break;
        mark_line(o, la + at, previous_last);
        previous_last = la + at + n - 1;
        bind(c, o);
        k->count++;
        k->alone = alone;
        at += n;
        if (alone || ends_block(o) || la + at >= place_end)
            break;
    }
    if (k->count == 0)
        return decode_crossing(c, la, pa, available);
    k->bytes = (uint16_t)at;
    k->end_eip = k->ops[k->count - 1].next_eip;
    k->chains = chains(&k->ops[k->count - 1]);
    size_t size = sizeof(struct block) + k->count * sizeof(struct op);
    if (k->alone) {
        memset(code_bytes(k), 0, CODE_BYTES); /* snapshots hold them all */
        memcpy(code_bytes(k), bytes, k->bytes);
        size += CODE_BYTES;
    }
    b->used += (size + 15) & ~(size_t)15;
    link_block(b, k);
    return k;
}

/* --- finding the block at CS:EIP -------------------------------------------------------------- */

static ALWAYS_INLINE paddr_t fetch_address(struct cpu *c, laddr_t la)
{
    struct mmu *m = c->mmu;
    struct fast_code *f = &m->fast_code[m->user][(la >> 12) & (FAST_COUNT - 1)];
    if (LIKELY(f->tag == (la & 0xFFFFF000u))) {
        *f->plru = (uint8_t)((*f->plru & f->plru_and) | f->plru_or);
        return f->pa | (la & 0xFFF);
    }
    paddr_t pa;
    begin_idle_op(c);
    if (mmu_fetch_slow(m, la, &pa) != MMU_OK)
        cpu_raise_page_fault(c);
    return pa;
}

/* What a REP goes on with after a chunk: the instruction that was fetched when it began. Whatever
 * has become of its bytes is not looked at until an interrupt or a trap makes the processor fetch
 * them anew; an AMD family 19h does so. */
static NOINLINE struct block *rep_block(struct cpu *c, laddr_t la, paddr_t pa)
{
    for (struct block *k = c->blocks->hash[hash_of(la)]; k; k = k->next)
        if (k->la == la && k->pa == pa && k->eip == c->eip && k->mode == c->mode_key && k->alone &&
            memcmp(code_bytes(k), c->rep_bytes, k->bytes) == 0)
            return k;
    begin_idle_op(c);
    return scratch_block(c, la, pa, c->rep_bytes, CODE_BYTES);
}

static ALWAYS_INLINE struct block *find_block(struct cpu *c)
{
    laddr_t la = c->seg[CS].base + c->eip;
    if (UNLIKELY(c->eip > c->seg[CS].limit)) {
        begin_idle_op(c);
        cpu_raise_code(c, EXC_GP, 0);
    }
    paddr_t pa = fetch_address(c, la);
    if (UNLIKELY(c->rep_running))
        return rep_block(c, la, pa);
    for (struct block *k = c->blocks->hash[hash_of(la)]; k; k = k->next)
        if (k->la == la && k->pa == pa && k->eip == c->eip && k->mode == c->mode_key)
            return k;
    begin_idle_op(c);
    return decode_block(c, la, pa);
}

/* --- running ---------------------------------------------------------------------------------- */

static ALWAYS_INLINE void finish_path(struct cpu *c)
{
    if (UNLIKELY(c->path_after != PATH_COUNT)) {
        ledger_enter(c->ledger, c->path_after);
        c->path_after = PATH_COUNT;
    }
}

static void price_observed(struct model *m, struct cpu *c, const struct op *o)
{
    m->price(m, c, o);
    if (c->on_priced)
        c->on_priced(c->priced_owner, c, o, false);
}

/* Only a block's last instruction may branch, or change the path. */
static ALWAYS_INLINE void run_block_timed(struct cpu *c, struct block *k, unsigned most)
{
    struct model *m = c->model;
    const struct op *o = k->ops, *end = o + (k->count < most ? k->count : most);
    ledger_at(c->ledger, k->place);
    c->stop_block = false;
    c->branched = false;
    if (LIKELY(m->run && (!c->on_priced || c->on_priced_run)))
        m->run(m, c, k, end);
    else
        timed_run(m, c, k, o, end, price_observed);
    if (c->branched)
        c->fetch_line = FETCH_NONE;
    finish_path(c);
}

/* Iterations beyond the first that the REP alone in block k did since rep_from was noted. */
static ALWAYS_INLINE uint64_t rep_extra(const struct cpu *c, const struct block *k)
{
    if (LIKELY(!k->alone) || !repeats(&k->ops[0]))
        return 0;
    uint32_t done = (c->rep_from - c->r[ECX]) & k->ops[0].amask;
    return done ? done - 1 : 0;
}

/* A device that reads the clock, or sets an event, is touched: on flat the block's cycles up to
 * here are charged at once, and it ends with this instruction. */
static void device_touched(void *owner)
{
    struct cpu *c = ((struct block_cache *)owner)->cpu;
    c->stop_block = true;
    if (c->model->timed || c->delivering >= 0 || c->op == &c->idle_op)
        return;
    const struct block *k = c->running;
    uint64_t done = (uint64_t)(c->op - k->ops);
    if (k->alone && repeats(&k->ops[0]))
        done = (c->rep_from - c->r[ECX]) & k->ops[0].amask;
    ledger_charge(c->ledger, CAUSE_ISSUE, done - c->charged, QUALITY_READ);
    c->charged = done;
}

static void prepare_alone(struct cpu *c, struct block *k)
{
    memcpy(c->rep_bytes, code_bytes(k), CODE_BYTES);
    cycle_t next = c->clock->next_guest, now = c->clock->now;
    cycle_t distance = next == CYCLE_NEVER ? CYCLE_NEVER : next - now;
    cycle_t each = c->model->timed ? REP_ITERATION_CYCLES_MAX : 1;
    cycle_t n = c->watches.count ? 1 : distance / each;
    c->rep_limit = n < 1 ? 1 : n > REP_ITERATIONS_MAX ? REP_ITERATIONS_MAX : (uint32_t)n;
}

static ALWAYS_INLINE void run_block_flat(struct cpu *c, struct block *k, unsigned most)
{
    const struct op *o = k->ops, *end = o + (k->count < most ? k->count : most);
    ledger_at(c->ledger, k->place);
    c->stop_block = false;
    c->running = k;
    c->rep_from = c->r[ECX];
    c->charged = 0;
    do {
        c->op = o;
        c->eip = o->next_eip;
        o->body(c, o);
    } while (++o < end && LIKELY(!c->stop_block));
    uint64_t n = (uint64_t)(o - k->ops);
    c->instructions += n - c->rep_running;
    ledger_charge(c->ledger, CAUSE_ISSUE, n + rep_extra(c, k) - c->charged, QUALITY_READ);
    c->mmu->locked = false;
    finish_path(c);
}

/* Whether a link from `from` is as good as a look-up: the block has the address and mode, and its
 * page is that of `from`, whose translation nothing has changed, or translates to the same
 * place. */
static ALWAYS_INLINE bool leads_on(struct cpu *c, const struct block *from, const struct block *k)
{
    if (k == NULL || k->eip != c->eip || k->mode != c->mode_key)
        return false;
    laddr_t la = c->seg[CS].base + c->eip;
    return k->la == la && c->eip <= c->seg[CS].limit &&
           ((la ^ from->la) < PAGE_BYTES || fetch_address(c, la) == k->pa);
}

static NOINLINE struct block *follow_slow(struct cpu *c, struct block *from)
{
    uint32_t flushes = c->blocks->flushes;
    struct block *k = find_block(c);
    if (flushes == c->blocks->flushes && k != c->blocks->scratch)
        from->link[c->eip != from->end_eip] = k;
    return k;
}

/* The block at CS:EIP, by a link of the one that has just run. Comparing both links, instead of
 * choosing one by EIP, lets the host go on with the block it predicts before EIP is known. */
static ALWAYS_INLINE struct block *follow(struct cpu *c, struct block *from)
{
    if (leads_on(c, from, from->link[1]))
        return from->link[1];
    if (leads_on(c, from, from->link[0]))
        return from->link[0];
    return follow_slow(c, from);
}

/* Whether the next block may follow without a turn of the run loop. */
static ALWAYS_INLINE bool goes_on(const struct cpu *c, const struct block *k)
{
    return k->chains && LIKELY(!c->stop_block) && LIKELY(c->clock->now < clock_next(c->clock)) &&
           LIKELY(!c->stops.count);
}

static ALWAYS_INLINE struct block *next_block(struct cpu *c, struct block *k)
{
    k = follow(c, k);
    if (k->alone)
        prepare_alone(c, k);
    return k;
}

/* Blocks one after the other as long as nothing but EIP decides what comes next. Not inlined:
 * beside setjmp nothing would stay in registers. */
static NOINLINE void run_blocks_flat(struct cpu *c, struct block *k, unsigned most)
{
    run_block_flat(c, k, most);
    while (goes_on(c, k)) {
        k = next_block(c, k);
        cycle_t distance = clock_next(c->clock) - c->clock->now;
        run_block_flat(c, k, distance < BLOCK_OPS_MAX ? (unsigned)distance : BLOCK_OPS_MAX);
    }
}

static NOINLINE void run_blocks_timed(struct cpu *c, struct block *k, unsigned most)
{
    run_block_timed(c, k, most);
    while (goes_on(c, k)) {
        k = next_block(c, k);
        run_block_timed(c, k, BLOCK_OPS_MAX);
    }
}

/* On flat an instruction that faults takes its cycle too; those before it have theirs yet to
 * come. */
static void charge_flat_fault(struct cpu *c, const struct block *k)
{
    uint64_t n = 1 + (uint64_t)(c->op - k->ops);
    c->instructions += n - 1;
    n += rep_extra(c, k);
    ledger_charge(c->ledger, CAUSE_ISSUE, n - c->charged, QUALITY_READ);
}

static void price_delivery(struct cpu *c)
{
    if (c->model->timed) {
        c->model->price_delivery(c->model, c, c->op);
        if (UNLIKELY(c->on_priced != NULL))
            c->on_priced(c->priced_owner, c, c->op, true);
        c->log.count = 0;
    } else if (c->op == &c->idle_op) {
        ledger_charge(c->ledger, CAUSE_ISSUE, 1, QUALITY_READ);
    }
    c->mmu->locked = false;
    c->fetch_line = FETCH_NONE;
    finish_path(c);
}

static bool can_interrupt(const struct cpu *c) { return c->intr_line && (c->eflags & F_IF); }

static void deliver_external(struct cpu *c, bool nmi)
{
    begin_idle_op(c);
    c->halted = c->rep_running = false;
    if (nmi) {
        c->nmi_pending = false;
        c->nmi_blocked = true;
        deliver(c, EXC_NMI, SOURCE_NMI, false, 0, c->eip);
    } else {
        unsigned answer = c->acknowledge(c->acknowledge_owner);
        note(c, NOTE_INTA, answer);
        deliver(c, (uint8_t)answer, SOURCE_EXTERNAL, false, 0, c->eip);
    }
    price_delivery(c);
}

/* HLT: to the next event, or the end of the run if nothing can wake the processor. */
static void wait_halted(struct cpu *c)
{
    cycle_t next = clock_next(c->clock);
    bool wakes = c->clock->next_guest != CYCLE_NEVER || c->input_possible;
    if (!(c->eflags & F_IF || c->nmi_possible) || !wakes || next == CYCLE_NEVER) {
        c->stop = STOP_HALTED;
        return;
    }
    if (next > c->clock->now)
        ledger_charge(c->ledger, CAUSE_HALTED, next - c->clock->now, QUALITY_READ);
}

/* Interrupts, NMI and HLT between instructions. True if the present turn is used up. */
static bool attend(struct cpu *c)
{
    if (c->nmi_pending && !c->nmi_blocked) {
        deliver_external(c, true);
        return true;
    }
    if (can_interrupt(c)) {
        deliver_external(c, false);
        return true;
    }
    if (c->halted) {
        wait_halted(c);
        return true;
    }
    return false;
}

/* TF and the debug registers: one instruction at a time. */
static void run_traced(struct cpu *c)
{
    bool tf = c->eflags & F_TF;
    c->single_step_trap = tf;
    if (debug_armed(c) && !(c->eflags & F_RF) && !c->rep_running &&
        debug_instruction_hit(c, c->seg[CS].base + c->eip)) {
        begin_idle_op(c);
        deliver(c, EXC_DB, SOURCE_FAULT, false, 0, c->eip);
        price_delivery(c);
        return;
    }
    c->eflags &= ~(uint32_t)F_RF;
    struct block *k = find_block(c);
    if (k->alone)
        prepare_alone(c, k);
    c->rep_limit = 1;
    if (c->model->timed)
        run_block_timed(c, k, 1);
    else
        run_block_flat(c, k, 1);
    if (c->single_step_trap)
        c->dr[6] |= 1u << 14;
    if (c->shadow || !(c->single_step_trap || c->debug_hits))
        return;
    c->dr[6] |= c->debug_hits;
    c->debug_hits = 0;
    c->single_step_trap = false;
    begin_idle_op(c);
    deliver(c, EXC_DB, SOURCE_FAULT, false, 0, c->eip);
    price_delivery(c);
}

static ALWAYS_INLINE bool traced(const struct cpu *c)
{
    return (c->eflags & (F_TF | F_RF)) != 0 || debug_armed(c) || c->debug_hits;
}

/* A REP that goes on after a chunk has not arrived anew. */
static NOINLINE bool stops_here(struct cpu *c)
{
    if (c->rep_running || !stops_arrive(&c->stops, c->seg[CS].base + c->eip))
        return false;
    cpu_request_stop(c);
    return true;
}

/* One turn: events, interrupts, then a block (or one instruction when single). */
static ALWAYS_INLINE void turn(struct cpu *c, bool single)
{
    if (UNLIKELY(c->clock->now >= clock_next(c->clock))) {
        clock_dispatch(c->clock);
        if (c->stop)
            return;
    }
    bool shadow = c->shadow;
    c->shadow = false;
    if (UNLIKELY(!shadow && (c->intr_line | c->nmi_pending | c->halted)) && attend(c))
        return;
    if (UNLIKELY(c->stops.count) && stops_here(c)) {
        c->shadow = shadow;
        return;
    }
    if (UNLIKELY(traced(c))) {
        run_traced(c);
        return;
    }
    struct block *k = find_block(c);
    unsigned most = single || shadow ? 1 : BLOCK_OPS_MAX;
    if (k->alone)
        prepare_alone(c, k);
    if (c->model->timed) {
        if (single || shadow)
            run_block_timed(c, k, most);
        else
            run_blocks_timed(c, k, most);
        return;
    }
    cycle_t distance = clock_next(c->clock) - c->clock->now;
    most = distance < most ? (unsigned)distance : most;
    if (single || shadow)
        run_block_flat(c, k, most);
    else
        run_blocks_flat(c, k, most);
}

/* An exception left an instruction, or a delivery, by longjmp. */
static void handle_fault(struct cpu *c)
{
    mmu_settle(c->mmu);
    if (!c->model->timed && c->delivering < 0 && c->op != &c->idle_op)
        charge_flat_fault(c, c->running);
    c->eip = c->op->eip;
    c->rep_running = false;
    c->single_step_trap = false;
    enum delivery_source source = SOURCE_FAULT;
    deliver(c, c->fault_vector, source, c->fault_has_code, c->fault_code, c->eip);
    price_delivery(c);
}

bool cpu_stop_at(struct cpu *c, laddr_t la)
{
    blocks_flush(c->blocks);
    return stops_add(&c->stops, la, true);
}

bool cpu_break_add(struct cpu *c, laddr_t la)
{
    blocks_flush(c->blocks);
    return stops_add(&c->stops, la, false);
}

bool cpu_break_remove(struct cpu *c, laddr_t la)
{
    return stops_remove(&c->stops, la);
}

bool cpu_watch_add(struct cpu *c, struct cpu_watch watch)
{
    bool added = watches_add(&c->watches, watch);
    debug_apply(c);
    return added;
}

bool cpu_watch_remove(struct cpu *c, struct cpu_watch watch)
{
    bool removed = watches_remove(&c->watches, watch);
    debug_apply(c);
    return removed;
}

void cpu_run(struct cpu *c)
{
    if (setjmp(c->fault))
        handle_fault(c);
    while (LIKELY(!c->stop))
        turn(c, false);
}

void cpu_step(struct cpu *c)
{
    c->stops.passed = true;
    c->stops.passed_la = c->seg[CS].base + c->eip;
    if (setjmp(c->fault)) {
        handle_fault(c);
        return;
    }
    turn(c, true);
}
