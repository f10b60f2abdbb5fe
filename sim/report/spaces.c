#include "sim/report/spaces.h"

#include "mmu/mmu.h"
#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12
#define REGION_SHIFT 22
#define DIRECTORY_ENTRIES 1024
#define ENTRY_PRESENT 1u
#define ENTRY_USER 4u

/* The frames behind the directory entries that a program may use: of a small space, those which
 * its segment covers. Returns their number. */
static uint32_t read_tables(const struct cpu *c, uint32_t cr3, uint32_t tables[DIRECTORY_ENTRIES])
{
    uint32_t count = 0, entry;
    uint32_t first = c->seg[CS].base >> REGION_SHIFT;
    uint32_t last = (c->seg[CS].base + c->seg[CS].limit) >> REGION_SHIFT;
    for (uint32_t i = first; i <= last && i < DIRECTORY_ENTRIES; i++)
        if (phys_read(&c->mmu->phys, (cr3 & ~0xFFFu) + i * 4, &entry, 4) &&
            (entry & (ENTRY_PRESENT | ENTRY_USER)) == (ENTRY_PRESENT | ENTRY_USER))
            tables[count++] = i | (entry & ~0xFFFu);
    return count;
}

/* Has the directory nothing left of what the space had when it was last looked at? */
static bool is_replaced(const struct space *s, const uint32_t *tables, uint32_t count)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->table_count; i++) {
        while (n < count && (tables[n] & 0x3FF) < (s->tables[i] & 0x3FF))
            n++;
        if (n < count && tables[n] == s->tables[i])
            return false;
    }
    return s->table_count > 0;
}

static void keep_tables(struct space *s, const uint32_t *tables, uint32_t count)
{
    free(s->tables);
    s->tables = xalloc(count ? count : 1, sizeof *s->tables);
    memcpy(s->tables, tables, count * sizeof *tables);
    s->table_count = count;
    s->written = false;
}

static uint32_t add(struct spaces *s, uint32_t cr3, uint32_t base, cycle_t born)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 16;
        s->list = realloc(s->list, s->capacity * sizeof *s->list);
        CHECK(s->list != NULL);
    }
    s->list[s->count] = (struct space){.cr3 = cr3, .base = base, .born = born};
    return s->count++;
}

/* The youngest space of this directory and base; 0: there was none. */
static uint32_t find(const struct spaces *s, uint32_t cr3, uint32_t base)
{
    for (uint32_t i = s->count - 1; i > 0; i--)
        if (s->list[i].cr3 == cr3 && s->list[i].base == base)
            return i;
    return 0;
}

/* A program runs in another directory or segment than the one before. */
static void enter(struct spaces *s, const struct cpu *c)
{
    uint32_t tables[DIRECTORY_ENTRIES], count;
    uint32_t at = find(s, c->cr3, c->seg[CS].base);
    if (at && !s->list[at].written) {
        s->now = at;
        return;
    }
    count = read_tables(c, c->cr3, tables);
    if (!at || is_replaced(&s->list[at], tables, count))
        at = add(s, c->cr3, c->seg[CS].base, c->clock->now);
    keep_tables(&s->list[at], tables, count);
    s->now = at;
    if (c->cr3 >> PAGE_SHIFT < s->frame_count)
        s->is_directory[c->cr3 >> PAGE_SHIFT] = 1;
}

static void directory_written(struct spaces *s, uint32_t frame)
{
    for (uint32_t i = 1; i < s->count; i++)
        if (s->list[i].cr3 >> PAGE_SHIFT == frame)
            s->list[i].written = true;
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct spaces *s = owner;
    (void)o, (void)delivery;
    for (uint32_t i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        if (a->kind == ACCESS_WRITE && a->pa >> PAGE_SHIFT < s->frame_count &&
            s->is_directory[a->pa >> PAGE_SHIFT])
            directory_written(s, a->pa >> PAGE_SHIFT);
    }
    const struct space *now = &s->list[s->now];
    if (c->cpl == 3 && (now->cr3 != c->cr3 || now->base != c->seg[CS].base || now->written))
        enter(s, c);
}

static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    (void)owner, (void)cause, (void)cycles;
}

void spaces_start(struct spaces *s, struct watch *h, struct cpu *c)
{
    memset(s, 0, sizeof *s);
    s->cpu = c;
    s->frame_count = c->mmu->phys.size >> PAGE_SHIFT;
    s->is_directory = xalloc(s->frame_count, 1);
    add(s, 0, 0, c->clock->now);
    if (c->cpl == 3)
        enter(s, c);
    watch_add(h, c, (struct watcher){priced, charged, s});
}

void spaces_free(struct spaces *s, struct watch *h)
{
    watch_remove(h, s);
    for (uint32_t i = 0; i < s->count; i++)
        free(s->list[i].tables);
    free(s->list);
    free(s->is_directory);
}
