#include "mmu/fast.h"

#include "mmu/physical.h"

static void data_slot_forget(struct mmu *m, unsigned user, unsigned slot)
{
    m->fast_table[user][slot].tag_read = FAST_NEVER;
    m->fast_table[user][slot].tag_write = FAST_NEVER;
}

void fast_forget_data(struct mmu *m)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned i = 0; i < FAST_COUNT; i += 64) {
            uint64_t used = m->fast_used[user][i / 64];
            m->fast_used[user][i / 64] = 0;
            for (; used; used &= used - 1)
                data_slot_forget(m, user, i + (unsigned)__builtin_ctzll(used));
        }
}

void fast_forget_code(struct mmu *m)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned i = 0; i < FAST_COUNT; i += 64) {
            uint64_t used = m->code_used[user][i / 64];
            m->code_used[user][i / 64] = 0;
            for (; used; used &= used - 1)
                m->fast_code[user][i + (unsigned)__builtin_ctzll(used)].tag = FAST_NEVER;
        }
}

void fast_forget_data_page(struct mmu *m, laddr_t page)
{
    for (unsigned user = 0; user < 2; user++)
        if (m->fast_table[user][fast_slot(page)].tag_read == page)
            data_slot_forget(m, user, fast_slot(page));
}

void fast_forget_code_page(struct mmu *m, laddr_t page)
{
    for (unsigned user = 0; user < 2; user++)
        if (m->fast_code[user][fast_slot(page)].tag == page)
            m->fast_code[user][fast_slot(page)].tag = FAST_NEVER;
}

void fast_forget_code_region(struct mmu *m, uint32_t unit)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned slot = 0; slot < FAST_COUNT; slot++) {
            uint32_t tag = m->fast_code[user][slot].tag;
            if (tag != FAST_NEVER && tag >> m->large_shift == unit)
                m->fast_code[user][slot].tag = FAST_NEVER;
        }
}

void fast_forget_data_region(struct mmu *m, uint32_t unit)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned slot = 0; slot < FAST_COUNT; slot++) {
            uint32_t tag = m->fast_table[user][slot].tag_read;
            if (tag != FAST_NEVER && tag >> m->large_shift == unit)
                data_slot_forget(m, user, slot);
        }
}

void mmu_forget_fast(struct mmu *m, uint32_t physical_page)
{
    paddr_t pa = physical_page << 12;
    for (unsigned user = 0; user < 2; user++)
        for (unsigned slot = 0; slot < FAST_COUNT; slot++) {
            if (m->fast_table[user][slot].pa == pa)
                data_slot_forget(m, user, slot);
            if (m->fast_code[user][slot].pa == pa)
                m->fast_code[user][slot].tag = FAST_NEVER;
        }
}

void fast_fill_data(struct mmu *m, laddr_t la, bool user, const struct target *t)
{
    if (!m->fast_enabled || !t->host)
        return;
    unsigned slot = fast_slot(la);
    bool plain = !(m->phys.page_flags[t->pa >> 12] & (PAGE_CODE | PAGE_ROM | PAGE_TABLE));
    laddr_t page = la & PAGE_ADDRESS;
    m->fast_table[user][slot] = (struct fast_entry){
        .tag_read = page,
        .tag_write = t->writable && plain ? page : FAST_NEVER,
        .host = t->host - (t->pa & PAGE_OFFSET),
        .plru = t->plru,
        .plru_and = t->effect.keep,
        .plru_or = t->effect.set,
        .attributes = t->attributes,
        .pa = t->pa & PAGE_ADDRESS,
    };
    m->fast_used[user][slot / 64] |= 1ull << (slot % 64);
}

void fast_fill_code(struct mmu *m, laddr_t la, paddr_t pa, uint8_t *plru, struct plru_effect effect)
{
    if (m->fast_forbidden)
        return;
    unsigned slot = fast_slot(la);
    m->fast_code[m->user][slot] = (struct fast_code){
        .tag = la & PAGE_ADDRESS,
        .pa = pa & PAGE_ADDRESS,
        .plru = plru,
        .plru_and = effect.keep,
        .plru_or = effect.set,
    };
    m->code_used[m->user][slot / 64] |= 1ull << (slot % 64);
}

const struct fast_entry fast_nothing[FAST_COUNT] = {
    [0 ... FAST_COUNT - 1] = {.tag_read = FAST_NEVER, .tag_write = FAST_NEVER}};

/* The inlined data path knows one shape of L1D: 128 sets of two 32-byte lines. With another it
 * finds nothing, and entries spare the look-up of the TLB alone. */
void fast_update(struct mmu *m)
{
    const struct cache *d = &m->l1d;
    bool standard = d->sets == 128 && d->ways == 2 && d->line_shift == 5;
    m->fast_enabled = !m->fast_forbidden;
    m->fast_inline = !m->timed || standard;
    m->fast = mmu_fast_table(m);
    fast_forget_data(m);
    fast_forget_code(m);
}

void fast_init(struct mmu *m)
{
    for (unsigned user = 0; user < 2; user++)
        for (unsigned slot = 0; slot < FAST_COUNT; slot++) {
            data_slot_forget(m, user, slot);
            m->fast_code[user][slot].tag = FAST_NEVER;
        }
}
