#include "cpu/debug.h"

#include "mmu/fast.h"

static bool enabled(const struct cpu *c, unsigned i) { return c->dr[7] >> (2 * i) & 3; }
static unsigned kind(const struct cpu *c, unsigned i) { return c->dr[7] >> (16 + 4 * i) & 3; }

static uint32_t length(const struct cpu *c, unsigned i)
{
    static const uint8_t lengths[4] = {1, 2, 1, 4};
    return lengths[c->dr[7] >> (18 + 4 * i) & 3];
}

/* The processor ignores the address bits below the length. */
bool debug_covers(const struct cpu *c, unsigned i, uint32_t first, uint32_t size)
{
    uint32_t n = length(c, i), start = c->dr[i] & ~(n - 1);
    return first - start < n || start - first < size;
}

bool debug_instruction_hit(struct cpu *c, laddr_t la)
{
    uint32_t hits = 0;
    for (unsigned i = 0; i < 4; i++)
        if (enabled(c, i) && kind(c, i) == 0 && debug_covers(c, i, la, 1))
            hits |= 1u << i;
    c->dr[6] |= hits;
    return hits != 0;
}

void debug_apply(struct cpu *c)
{
    bool armed = c->watches.count != 0;
    for (unsigned i = 0; i < 4; i++)
        armed |= enabled(c, i) && (kind(c, i) & 1);
    c->mmu->fast = armed ? fast_nothing : mmu_fast_table(c->mmu);
}

void debug_data(struct cpu *c, laddr_t la, unsigned size, bool write)
{
    if (c->watches.count && watches_touch(&c->watches, la, size, write))
        cpu_request_stop(c);
    for (unsigned i = 0; i < 4; i++) {
        unsigned k = kind(c, i);
        if (enabled(c, i) && (k == 3 || (k == 1 && write)) && debug_covers(c, i, la, size))
            c->debug_hits |= 1u << i;
    }
}

void debug_io(struct cpu *c, uint16_t port, unsigned size)
{
    if (!(c->cr4 & CR4_DE))
        return;
    for (unsigned i = 0; i < 4; i++)
        if (enabled(c, i) && kind(c, i) == 2 && debug_covers(c, i, port, size))
            c->debug_hits |= 1u << i;
}

/* DR4 and DR5 are DR6 and DR7 unless CR4.DE makes them invalid. General detect comes after that
 * check and before the access [SDM3 17.2.2, 17.3.1.3]. */
static unsigned resolve(struct cpu *c, unsigned index)
{
    if (index == 4 || index == 5) {
        if (c->cr4 & CR4_DE)
            cpu_raise(c, EXC_UD);
        index += 2;
    }
    if (c->dr[7] & DR7_GD) {
        c->dr[6] |= DR6_BD;
        cpu_raise(c, EXC_DB);
    }
    return index;
}

uint32_t debug_read(struct cpu *c, unsigned index)
{
    return c->dr[resolve(c, index)];
}

void debug_write(struct cpu *c, unsigned index, uint32_t value)
{
    index = resolve(c, index);
    if (index == 6)
        value = (value & DR6_WRITABLE) | DR6_FIXED;
    else if (index == 7)
        value = (value & DR7_WRITABLE) | DR7_FIXED;
    c->dr[index] = value;
    if (index == 7)
        cpu_mode_changed(c); /* arming changes how the next instruction is run */
}
