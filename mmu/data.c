/* data: reads, writes and read-modify-writes of linear memory, and the log of what they met. */
#include "mmu/mmu.h"

#include "mmu/access.h"
#include "mmu/cache.h"
#include "mmu/hierarchy.h"
#include "mmu/translate.h"

enum mmu_status mmu_probe(struct mmu *m, laddr_t la, unsigned size, bool write, bool user)
{
    CHECK(size > 0);
    laddr_t last = (la + size - 1) & PAGE_ADDRESS;
    struct target t;
    for (laddr_t at = la;; at = (at & PAGE_ADDRESS) + PAGE_BYTES_4K) {
        if (m->timed)
            begin_slow(m);
        if (!translate(m, at, write, user, &t))
            return MMU_FAULT;
        if ((at & PAGE_ADDRESS) == last)
            return MMU_OK;
    }
}

void mmu_prefetch(struct mmu *m, laddr_t la, enum mmu_prefetch how, bool user)
{
    struct target t;
    if (!m->timed || !m->hierarchy->prefetch)
        return;
    begin_slow(m);
    if (translate_resident(m, la, user, &t) && t.host)
        m->hierarchy->prefetch(m, t.pa, t.attributes, how);
}

/* One line's part of an access: what it meets, and the log. */
static void meet(struct mmu *m, laddr_t la, paddr_t pa, const struct target *t, unsigned size,
                 enum access_kind kind, unsigned flags)
{
    unsigned level;
    if (UNLIKELY(m->locked))
        flags |= ACCESS_LOCKED;
    if (UNLIKELY(!t->host))
        level = LEVEL_DEVICE;
    else if (UNLIKELY(m->locked))
        level = kind == ACCESS_WRITE ? m->hierarchy->locked_write(m, pa, &flags)
                                     : m->hierarchy->locked_read(m, pa, &flags);
    else if (kind == ACCESS_WRITE)
        level = m->hierarchy->write(m, pa, t->attributes, &flags);
    else
        level = m->hierarchy->read(m, pa, t->attributes, &flags);
    access_log_put(m, la, pa, kind, level, flags, size);
}

/* The lines of one page's part; a crossing is flagged once, on the first entry of the access. */
static void meet_lines(struct mmu *m, laddr_t la, const struct target *t, unsigned size,
                       enum access_kind kind, unsigned flags)
{
    unsigned line = cache_exists(&m->l1d) ? 1u << m->l1d.line_shift : 32;
    unsigned room = line - (la & (line - 1));
    if (LIKELY(size <= room)) {
        meet(m, la, t->pa, t, size, kind, flags);
        return;
    }
    meet(m, la, t->pa, t, room, kind, flags);
    meet(m, la + room, t->pa + room, t, size - room, kind, flags & ~(unsigned)ACCESS_MISALIGNED);
}

/* On the Pentium 16 and 32-bit operands may not cross 4 bytes, longer ones not 8, else they cost
 * more [OPT97]; on later parts 8, whatever the size. */
static unsigned misaligned(const struct mmu *m, laddr_t la, unsigned size)
{
    unsigned natural = size > 4 ? 8 : 4;
    if (m->geometry.access_bytes)
        natural = m->geometry.access_bytes;
    return (la & (natural - 1)) + size > natural ? ACCESS_MISALIGNED : 0;
}

static void begin_rmw(struct mmu *m, laddr_t la, unsigned flags, const struct target *t,
                      unsigned part0, unsigned part1)
{
    m->rmw.la = la;
    m->rmw.flags = (uint8_t)flags;
    m->rmw.part[0] = part0;
    m->rmw.part[1] = part1;
    for (unsigned i = 0; i < (part1 ? 2 : 1); i++) {
        m->rmw.host[i] = t[i].host;
        m->rmw.pa[i] = t[i].pa;
        m->rmw.attributes[i] = t[i].attributes;
    }
}

/* The two pages are translated before either is touched. Fast entries are not made here: the second
 * page may have taken the first one's place in the TLB. */
static NOINLINE enum mmu_status access_two_pages(struct mmu *m, laddr_t la, unsigned size,
                                                 enum access_kind kind, bool user, unsigned flags,
                                                 uint64_t *value)
{
    bool write = kind != ACCESS_READ;
    unsigned part0 = PAGE_BYTES_4K - (la & PAGE_OFFSET), part1 = size - part0;
    struct target t[2];
    if (!translate(m, la, write, user, &t[0]) || !translate(m, la + part0, write, user, &t[1]))
        return MMU_FAULT;
    if (m->timed) {
        meet_lines(m, la, &t[0], part0, kind, flags);
        meet_lines(m, la + part0, &t[1], part1, kind, flags & ~(unsigned)ACCESS_MISALIGNED);
    }
    if (kind == ACCESS_WRITE) {
        physical_store(m, t[0].host, t[0].pa, part0, *value);
        physical_store(m, t[1].host, t[1].pa, part1, *value >> (8 * part0));
        return MMU_OK;
    }
    *value = physical_load(m, t[0].host, t[0].pa, part0);
    *value |= physical_load(m, t[1].host, t[1].pa, part1) << (8 * part0);
    if (kind == ACCESS_RMW)
        begin_rmw(m, la, flags, t, part0, part1);
    return MMU_OK;
}

enum mmu_status mmu_access(struct mmu *m, laddr_t la, unsigned size, enum access_kind kind,
                           bool user, uint8_t flags_in, uint64_t *value)
{
    unsigned flags = flags_in;
    if (m->timed) {
        begin_slow(m);
        flags |= misaligned(m, la, size);
    }
    if (UNLIKELY(size > PAGE_BYTES_4K - (la & PAGE_OFFSET)))
        return access_two_pages(m, la, size, kind, user, flags, value);
    struct target t;
    if (!translate(m, la, kind != ACCESS_READ, user, &t))
        return MMU_FAULT;
    __builtin_prefetch(t.host); /* a miss here mostly is one on the host: meanwhile, what follows */
    if (m->timed)
        meet_lines(m, la, &t, size, kind, flags);
    if (kind == ACCESS_WRITE) {
        physical_store(m, t.host, t.pa, size, *value);
    } else {
        *value = physical_load(m, t.host, t.pa, size);
        if (kind == ACCESS_RMW)
            begin_rmw(m, la, flags, &t, size, 0);
    }
    if (!t.fast)
        fast_fill_data(m, la, user, &t);
    return MMU_OK;
}

void mmu_rmw_commit(struct mmu *m, unsigned size, uint64_t value)
{
    laddr_t la = m->rmw.la;
    unsigned flags = m->rmw.flags;
    CHECK(m->rmw.part[0] + m->rmw.part[1] == size);
    for (unsigned i = 0; i < 2 && m->rmw.part[i]; i++) {
        unsigned part = m->rmw.part[i];
        struct target t = {
            .host = m->rmw.host[i], .pa = m->rmw.pa[i], .attributes = m->rmw.attributes[i]};
        if (m->timed)
            meet_lines(m, la, &t, part, ACCESS_WRITE, flags);
        physical_store(m, t.host, t.pa, part, value);
        flags &= ~(unsigned)ACCESS_MISALIGNED;
        value = part < 8 ? value >> (8 * part) : 0;
        la += part;
    }
}
