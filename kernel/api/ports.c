/* ports.c: see ports.h. Nothing here is ever run for a short message: map items and Unmap come here
 * when an fpage is none of memory. */
#include "api/ports.h"

#include "arch/arch.h"
#include "debugger/print.h"
#include "state.h"

#define IO_FPAGE 2u

bool io_fpage_range(fpage_t f, word_t *first, word_t *last)
{
    word_t log2 = f >> 10 & 0x3F;
    if (fpage_size_log2(f) != IO_FPAGE || log2 > 16)
        return false;
    *first = f >> 16 & ~((1u << log2) - 1);
    *last = *first + (1u << log2) - 1;
    return true;
}

/* --- one space's ports ------------------------------------------------------------------------ */
static bool denied(const struct ports *p, word_t port)
{
    return p->denied[port / 32] >> port % 32 & 1;
}

static bool holds(const struct space *s, word_t port)
{
    return s->is_sigma0 || (s->ports && !denied(s->ports, port));
}

bool ports_held(const struct space *s, word_t first, word_t last)
{
    for (word_t port = first; port <= last; port++)
        if (!holds(s, port))
            return false;
    return true;
}

struct ports *ports_of(struct space *s)
{
    if (s->ports)
        return s->ports;
    struct ports *p = kmem_pool_take(&kernel.ports_pool);
    uint32_t *bits = p ? kmem_frames(2) : NULL;
    if (!bits) {
        if (p)
            kmem_pool_give(&kernel.ports_pool, p);
        return NULL;
    }
    for (word_t i = 0; i < PORTS / 32; i++)
        bits[i] = s->is_sigma0 ? 0 : ~0u;
    *p = (struct ports){.space = s, .denied = bits, .next = kernel.ports};
    if (p->next)
        p->next->prev = p;
    kernel.ports = s->ports = p;
    return p;
}

static void set_denied(struct ports *p, word_t first, word_t last, bool deny)
{
    for (word_t port = first; port <= last; port++) {
        uint32_t bit = 1u << port % 32;
        p->denied[port / 32] = deny ? p->denied[port / 32] | bit : p->denied[port / 32] & ~bit;
    }
}

/* What of [first, last] is p's is not any more. Where a range would fall into two and there is no
 * memory for the second, that one goes as well: who still needs it will fault and be given it
 * again, but nobody may keep what was revoked. */
static void cut(struct ports *p, word_t first, word_t last)
{
    for (struct port_range **link = &p->ranges, *r; (r = *link);) {
        if (r->last < first || r->first > last) {
            link = &r->next;
            continue;
        }
        if (r->last > last) {
            struct port_range *rest =
                r->first < first ? kmem_pool_take(&kernel.port_range_pool) : NULL;
            if (rest) {
                *rest = (struct port_range){r->next, last + 1, r->last, r->giver};
                r->next = rest;
            } else if (r->first >= first) {
                r->first = last + 1;
                link = &r->next;
                continue;
            } else {
                set_denied(p, last + 1, r->last, true);
            }
        }
        if (r->first < first) {
            r->last = first - 1;
            link = &r->next;
        } else {
            *link = r->next;
            kmem_pool_give(&kernel.port_range_pool, r);
        }
    }
    set_denied(p, first, last, true);
}

/* p gets them from `giver`, whoever it had them from. False: no memory. */
static bool add(struct ports *p, word_t first, word_t last, struct space *giver)
{
    struct port_range *r = kmem_pool_take(&kernel.port_range_pool);
    if (!r)
        return false;
    cut(p, first, last);
    *r = (struct port_range){p->ranges, first, last, giver};
    p->ranges = r;
    set_denied(p, first, last, false);
    return true;
}

static struct port_range *range_at(const struct space *s, word_t port)
{
    if (s->is_sigma0 || !s->ports)
        return NULL;
    for (struct port_range *r = s->ports->ranges; r; r = r->next)
        if (r->first <= port && port <= r->last)
            return r;
    return NULL;
}

/* --- who has them from whom ------------------------------------------------------------------- */
static bool derives(const struct space *s, const struct space *from, word_t port)
{
    for (const struct port_range *r = range_at(s, port); r; r = range_at(r->giver, port))
        if (r->giver == from)
            return true;
    return false;
}

/* How far a run goes on from `first` in which `s` holds all ports, or none. */
static word_t run_end(const struct space *s, word_t first, word_t last)
{
    bool held = holds(s, first);
    while (first < last && holds(s, first + 1) == held)
        first++;
    return first;
}

/* All that has a port from a space that does not have it itself loses it. */
static void prune(void)
{
    bool again = true;
    while (again) {
        again = false;
        for (struct ports *p = kernel.ports; p; p = p->next) {
        next_range:
            for (struct port_range *r = p->ranges; r; r = r->next)
                for (word_t at = r->first; at <= r->last;) {
                    word_t end = run_end(r->giver, at, r->last);
                    if (!holds(r->giver, at)) {
                        cut(p, at, end);
                        again = true;
                        goto next_range;
                    }
                    at = end + 1;
                }
        }
    }
}

/* What of [first, last] anybody has directly from s. */
static void revoke(struct space *s, word_t first, word_t last)
{
    for (struct ports *p = kernel.ports; p; p = p->next) {
    next_range:
        for (struct port_range *r = p->ranges; r; r = r->next)
            if (r->giver == s && r->first <= last && r->last >= first) {
                cut(p, r->first > first ? r->first : first, r->last < last ? r->last : last);
                goto next_range;
            }
    }
}

/* What others have of a port from `old` they have from `giver` now. Without memory they lose it. */
static void derive_from(struct space *giver, struct space *old, word_t port)
{
    for (struct ports *p = kernel.ports; p; p = p->next) {
        const struct port_range *r = p->space == giver ? NULL : range_at(p->space, port);
        if (r && r->giver == old && !add(p, port, port, giver))
            cut(p, port, port);
    }
}

/* One port of s goes over to r, with what is derived from it. A range at a time would have to look
 * at every port all the same: each may have come its own way. */
static bool grant_port(struct space *s, struct space *r, word_t port)
{
    const struct port_range *own = range_at(s, port);
    if ((!holds(r, port) || derives(r, s, port)) && !add(r->ports, port, port, own->giver))
        return false;
    derive_from(r, s, port);
    cut(s->ports, port, port);
    return true;
}

bool ports_map(struct space *from, fpage_t send, struct space *to, bool grant)
{
    word_t first, last;
    if (!kernel.ports_by_fpage || !io_fpage_range(send, &first, &last) || to == from ||
        to->is_sigma0)
        return true;
    if (!ports_of(to))
        return false;
    for (word_t at = first, end; at <= last; at = end + 1) {
        end = run_end(from, at, last);
        if (!holds(from, at))
            continue;
        if (grant && !from->is_sigma0) {
            for (word_t port = at; port <= end; port++)
                if (!grant_port(from, to, port))
                    return false;
            continue;
        }
        for (word_t part = at, part_end; part <= end; part = part_end + 1) {
            part_end = run_end(to, part, end);
            if (!holds(to, part) && !add(to->ports, part, part_end, from))
                return false;
        }
    }
    return true;
}

void ports_unmap(struct space *s, fpage_t f, bool flush)
{
    word_t first, last;
    if (!kernel.ports_by_fpage || !io_fpage_range(f, &first, &last))
        return;
    revoke(s, first, last);
    if (flush && s->ports && !s->is_sigma0)
        cut(s->ports, first, last);
    prune();
}

void ports_forget(struct space *dying)
{
    struct ports *p = dying->ports;
    if (!p)
        return;
    ports_hide(dying);
    revoke(dying, 0, PORTS - 1);
    cut(p, 0, PORTS - 1);
    *(p->prev ? &p->prev->next : &kernel.ports) = p->next;
    if (p->next)
        p->next->prev = p->prev;
    dying->ports = NULL;
    prune();
    ASSERT(!p->ranges);
    kmem_frames_free(p->denied, 2);
    kmem_pool_give(&kernel.ports_pool, p);
}
