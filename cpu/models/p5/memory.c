/* memory: what leaves the first-level caches: line fills, write buffers, page walks, locked cycles,
 * ports.
 *
 * There is one bus and it does one thing at a time: a cycle starts at a bus clock edge, when the
 * bus is free. Reads wait for the critical 8 bytes and then go on while the rest of the line
 * arrives; the next cycle waits for the whole line [OPT97 2]. A store that misses goes to the write
 * buffer of its pipe, and the instruction waits only if that buffer still holds one; the bus takes
 * buffered writes in order. A store that hits a modified or exclusive line waits until the buffers
 * are empty (Q20). */
#include "cpu/models/p5/core.h"

#include "mmu/cache.h"

/* A misaligned access takes three clocks more [OPT97 3.3, AF-MA]. */
#define MISALIGNED_CLOCKS 3
#define LINE_TRANSFERS 4

/* --- bus time --------------------------------------------------------------------------------- */

/* The first edge that the processor sees at or after the cycle: edge_at(cycle_of(e)) is e. */
static uint64_t edge_at(const struct p5 *p, cycle_t cycle)
{
    return cycle == 0 ? 0 : (cycle - 1) * p->config.bus.core_den / p->config.bus.core_num + 1;
}

/* The first cycle at or after an edge. */
static cycle_t cycle_of(const struct p5 *p, uint64_t edge)
{
    uint64_t den = p->config.bus.core_den;
    if (LIKELY(den == 1)) /* most boards; spares divisions */
        return edge * p->config.bus.core_num;
    return (edge * p->config.bus.core_num + den - 1) / den;
}

static void charge(struct p5 *p, struct cpu *c, enum cause cause, cycle_t cycles)
{
    if (cycles)
        ledger_charge(c->ledger, cause, cycles, p->config.bus.quality);
}

static void wait_until(struct p5 *p, struct cpu *c, cycle_t when, enum cause cause)
{
    if (when > c->clock->now)
        charge(p, c, cause, when - c->clock->now);
}

/* The bus is in use from one edge to another. */
static void use_bus(struct p5 *p, struct cpu *c, uint64_t start, uint64_t end)
{
    p->bus_free = end;
    p5_count(p, c, EVENT_BUS);
    p5_lasted(p, c, EVENT_BUS, cycle_of(p, end) - cycle_of(p, start));
}

/* Takes the bus for so many of its clocks as soon as it is free; returns the edge it starts at. */
static uint64_t take_bus(struct p5 *p, struct cpu *c, uint64_t clocks)
{
    uint64_t start = edge_at(p, c->clock->now);
    if (p->bus_free > start)
        start = p->bus_free;
    use_bus(p, c, start, start + clocks);
    return start;
}

/* The cycle that ended goes on for as long as the device behind it keeps the processor waiting. */
static void prolong_bus(struct p5 *p, struct cpu *c)
{
    uint64_t end = edge_at(p, c->clock->now);
    p5_lasted(p, c, EVENT_BUS, cycle_of(p, end) - cycle_of(p, p->bus_free));
    p->bus_free = end;
}

/* --- reads ------------------------------------------------------------------------------------ */

static uint32_t lead_of(const struct p5_bus *b, unsigned level)
{
    switch (level) {
    case LEVEL_L2: return b->l2_read_lead;
    case LEVEL_DRAM_HIT: return b->dram_hit_lead;
    case LEVEL_DRAM_ROW: return b->dram_row_lead;
    case LEVEL_DRAM_MISS: return b->dram_miss_lead;
    default: return b->io_cycle;
    }
}

static uint32_t line_clocks(const struct p5_bus *b, unsigned level)
{
    uint32_t burst = level == LEVEL_L2 ? b->l2_read_burst : b->dram_burst;
    return lead_of(b, level) + (LINE_TRANSFERS - 1) * burst;
}

/* A modified victim leaves through the copy-back buffer, behind the line that replaces it. */
static void copy_back(struct p5 *p, struct cpu *c, const struct access *a)
{
    const struct p5_bus *b = &p->config.bus;
    if (!(a->flags & ACCESS_EVICT_DIRTY))
        return;
    p5_count(p, c, EVENT_WRITE_BACK);
    use_bus(p, c, p->bus_free,
            p->bus_free + b->l2_write_lead + (LINE_TRANSFERS - 1) * b->l2_write_burst);
}

/* Stalls for a read from outside: whole line or up to 8 bytes. */
static void read_outside(struct p5 *p, struct cpu *c, const struct access *a, bool line,
                         enum cause cause)
{
    const struct p5_bus *b = &p->config.bus;
    uint32_t lead = lead_of(b, a->level);
    uint64_t start = take_bus(p, c, line ? line_clocks(b, a->level) : lead);
    wait_until(p, c, cycle_of(p, start), CAUSE_BUS_WAIT);
    wait_until(p, c, cycle_of(p, start + lead), cause);
    copy_back(p, c, a);
}

static enum cause by_level(unsigned level, enum cause l2, enum cause dram)
{
    return level == LEVEL_L2 ? l2 : level == LEVEL_DEVICE ? CAUSE_DATA_DEVICE : dram;
}

static void read(struct p5 *p, struct cpu *c, const struct access *a)
{
    if (a->level == LEVEL_DEVICE)
        read_outside(p, c, a, false, CAUSE_DATA_DEVICE);
    else
        read_outside(p, c, a, true, by_level(a->level, CAUSE_DATA_L2, CAUSE_DATA_DRAM));
}

/* --- writes ----------------------------------------------------------------------------------- */

static void write_hit(struct p5 *p, struct cpu *c)
{
    cycle_t now = c->clock->now;
    if (p->written <= now || p->ideal & MODEL_IDEAL_STORES)
        return;
    p5_stalled(p, c, EVENT_WRITE_ORDER, p->written - now);
    charge(p, c, CAUSE_WRITE_ORDER, p->written - now);
}

static void write_outside(struct p5 *p, struct cpu *c, const struct access *a, unsigned pipe)
{
    const struct p5_bus *b = &p->config.bus;
    if (p->buffer[pipe] > c->clock->now && !(p->ideal & MODEL_IDEAL_STORES)) {
        p5_stalled(p, c, EVENT_WRITE_FULL, p->buffer[pipe] - c->clock->now);
        wait_until(p, c, p->buffer[pipe], CAUSE_WRITE_FULL);
    }
    uint32_t clocks = a->level == LEVEL_DEVICE ? b->io_cycle : b->single_write;
    if (a->flags & ACCESS_EVICT_DIRTY) /* WBINVD: a whole line */
        clocks = b->l2_write_lead + (LINE_TRANSFERS - 1) * b->l2_write_burst;
    take_bus(p, c, clocks);
    p->buffer[pipe] = p->written = cycle_of(p, p->bus_free);
}

/* --- locked cycles, walks --------------------------------------------------------------------- */

/* Both halves are seen by the program: nothing runs ahead of a locked cycle. */
static void locked(struct p5 *p, struct cpu *c, const struct access *a)
{
    const struct p5_bus *b = &p->config.bus;
    uint64_t start = take_bus(p, c, a->kind == ACCESS_WRITE ? b->locked_write : b->locked_read);
    copy_back(p, c, a);
    wait_until(p, c, cycle_of(p, start), CAUSE_LOCKED);
    wait_until(p, c, cycle_of(p, p->bus_free), CAUSE_LOCKED);
}

static bool walks(const struct access *a)
{
    return a->kind == ACCESS_WALK || a->kind == ACCESS_UPDATE;
}

/* The walker's own clocks come with the first entry of a walk. Entries are read without filling the
 * first level: a single transfer, not a line [S97 s5.1]. */
static void walk(struct p5 *p, struct cpu *c, const struct access *first, const struct access *a)
{
    const struct p5_bus *b = &p->config.bus;
    bool code = a->flags & ACCESS_CODE_SIDE;
    enum cause cause = code ? CAUSE_ITLB : CAUSE_DTLB;
    p5_count_walk(p, c, a);
    if (a == first || !walks(a - 1) || a[-1].la != a->la) {
        p5_count(p, c, code ? EVENT_ITLB_MISS : EVENT_DTLB_MISS);
        ledger_charge(c->ledger, cause, p->config.walk_cycles, QUALITY_ESTIMATE);
    }
    if (a->kind == ACCESS_UPDATE) {
        take_bus(p, c, b->locked_read + b->locked_write);
        wait_until(p, c, cycle_of(p, p->bus_free), CAUSE_TLB_UPDATE);
        copy_back(p, c, a);
    } else if (a->level == LEVEL_L1) {
        charge(p, c, cause, 1);
    } else {
        read_outside(p, c, a, false, cause);
    }
}

/* --- entries of the log ----------------------------------------------------------------------- */

/* The prefetcher asks for the next line when it enters one, so that a line that follows is on its
 * way while its predecessor executes; lines behind one another are pipelined on the bus: 32 bytes
 * in the time of four transfers [IL, part 00000526: 1.25 clocks for 5-byte instructions that do not
 * fit the cache]. */
static void fetch_outside(struct p5 *p, struct cpu *c, const struct access *a, bool follows)
{
    const struct p5_bus *b = &p->config.bus;
    uint32_t lead = lead_of(b, a->level), rest = line_clocks(b, a->level) - lead;
    uint64_t start = edge_at(p, follows ? p->line_entered : c->clock->now);
    if (p->bus_free > start)
        start = p->bus_free;
    if (follows && start == p->bus_code && a->level <= LEVEL_DRAM_HIT)
        lead = rest / (LINE_TRANSFERS - 1);
    use_bus(p, c, start, start + lead + rest);
    p->bus_code = p->bus_free;
    enum cause cause = by_level(a->level, CAUSE_FETCH_L2, CAUSE_FETCH_DRAM);
    wait_until(p, c, cycle_of(p, start), CAUSE_BUS_WAIT);
    wait_until(p, c, cycle_of(p, start + lead), cause);
    copy_back(p, c, a);
}

bool p5_fetch(struct p5 *p, struct cpu *c, const struct access *a)
{
    if (walks(a)) {
        walk(p, c, c->log.list, a);
        return true;
    }
    p5_count(p, c, EVENT_CODE_READ);
    int index = cache_find(&c->mmu->l1i, a->pa);
    bool follows = a->la >> 5 == p->line_number + 1;
    cycle_t before = c->clock->now;
    p->line = index < 0 ? p->lines : (uint32_t)index;
    p->line_number = a->la >> 5;
    if (UNLIKELY(a->level != LEVEL_L1)) {
        p->ends[p->line] = 0;
        p5_count_code_miss(p, c, a);
        fetch_outside(p, c, a, follows);
    }
    p->line_entered = c->clock->now;
    return c->clock->now > before;
}

cycle_t p5_data(struct p5 *p, struct cpu *c, const struct access *first, const struct access *a,
                unsigned pipe)
{
    cycle_t before = c->clock->now;
    if (a->kind == ACCESS_NOTE)
        return 0;
    p5_count_data(p, c, a);
    if (a->flags & ACCESS_MISALIGNED)
        ledger_charge(c->ledger, CAUSE_MISALIGNED, MISALIGNED_CLOCKS, QUALITY_READ);
    cycle_t aligned = c->clock->now;
    if (walks(a))
        walk(p, c, first, a);
    else if (a->flags & ACCESS_LOCKED)
        locked(p, c, a);
    else if (a->kind != ACCESS_WRITE && a->level != LEVEL_L1)
        read(p, c, a);
    else if (a->kind == ACCESS_WRITE && a->level == LEVEL_L1)
        write_hit(p, c);
    else if (a->kind == ACCESS_WRITE)
        write_outside(p, c, a, pipe);
    if (a->kind != ACCESS_WRITE)
        p5_stalled(p, c, EVENT_READ_WAIT, c->clock->now - aligned);
    return c->clock->now - before;
}

/* --- the rest of the bus ---------------------------------------------------------------------- */

void p5_drain(struct p5 *p, struct cpu *c, enum cause cause)
{
    wait_until(p, c, p->written, cause);
}

static cycle_t cycles_of_ns(const struct p5 *p, uint64_t ns)
{
    unsigned __int128 hz = p->config.clock_num;
    return (cycle_t)(hz * ns / ((unsigned __int128)p->config.clock_den * 1000000000u));
}

/* Configuration space is the north bridge's own; every other port is an 8-bit device behind the
 * south bridge, which takes wider accesses a byte at a time. */
void p5_port(struct p5 *p, struct cpu *c, uint32_t port, unsigned width)
{
    p5_drain(p, c, CAUSE_IO);
    unsigned cycles = (port & 3) + width > 4 ? 2 : 1;
    if (cycles == 2)
        p5_count(p, c, EVENT_MISALIGNED);
    p5_add(p, c, EVENT_IO, cycles);
    take_bus(p, c, cycles * p->config.bus.io_cycle);
    wait_until(p, c, cycle_of(p, p->bus_free), CAUSE_IO);
    bool inside = port >= 0x1000 || (port >= 0xCF8 && port <= 0xCFF);
    if (inside)
        return;
    ledger_charge(c->ledger, CAUSE_IO, cycles_of_ns(p, p->config.bus.isa_8bit_ns) * width,
                  QUALITY_ESTIMATE);
    prolong_bus(p, c);
}

void p5_interrupt_acknowledge(struct p5 *p, struct cpu *c)
{
    p5_drain(p, c, CAUSE_INTA);
    take_bus(p, c, p->config.bus.interrupt_acknowledge);
    wait_until(p, c, cycle_of(p, p->bus_free), CAUSE_INTA);
    ledger_charge(c->ledger, CAUSE_INTA, cycles_of_ns(p, p->config.bus.isa_inta_ns),
                  QUALITY_ESTIMATE);
    prolong_bus(p, c);
}
