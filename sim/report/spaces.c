#include "sim/report/spaces.h"

#include "mmu/mmu.h"
#include "sim/core/check.h"
#include "sim/report/guest_value.h"

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
    if (s->namer)
        s->namer(s->namer_owner, s->cpu, false, s->list[s->count].name, SPACE_NAME_SIZE);
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

/* --- threads ---------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct spaces *s, uint32_t space, uint32_t stack, uint32_t trampoline)
{
    uint64_t h = (space ^ (uint64_t)stack << 32 ^ (uint64_t)trampoline << 12) *
                 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 40) & (s->thread_slots - 1);
}

static void grow_threads(struct spaces *s)
{
    s->thread_capacity = s->thread_capacity * 2 + 32;
    s->thread = realloc(s->thread, s->thread_capacity * sizeof *s->thread);
    CHECK(s->thread != NULL);
    free(s->thread_slot);
    s->thread_slots = 128;
    while (s->thread_slots < 2 * s->thread_capacity)
        s->thread_slots *= 2;
    s->thread_slot = xalloc(s->thread_slots, sizeof *s->thread_slot);
    for (uint32_t i = 1; i < s->thread_count; i++) {
        const struct space_thread *t = &s->thread[i];
        uint32_t at = slot_of(s, t->space, t->stack, t->trampoline);
        while (s->thread_slot[at])
            at = (at + 1) & (s->thread_slots - 1);
        s->thread_slot[at] = i;
    }
}

static void enter_thread(struct spaces *s, const struct cpu *c)
{
    uint32_t esp0, esp1;
    guest_stacks(c, &esp0, &esp1);
    const struct space_thread *t = &s->thread[s->thread_now];
    if (s->thread_now && t->space == s->now && t->stack == esp0 && t->trampoline == esp1)
        return;
    uint32_t at = slot_of(s, s->now, esp0, esp1);
    for (; s->thread_slot[at]; at = (at + 1) & (s->thread_slots - 1)) {
        t = &s->thread[s->thread_slot[at]];
        if (t->space == s->now && t->stack == esp0 && t->trampoline == esp1) {
            s->thread_now = s->thread_slot[at];
            return;
        }
    }
    s->thread_slot[at] = s->thread_now = s->thread_count++;
    struct space_thread *made = &s->thread[s->thread_now];
    *made = (struct space_thread){.space = s->now, .stack = esp0, .trampoline = esp1,
                                  .born = c->clock->now};
    if (s->namer)
        s->namer(s->namer_owner, c, true, made->name, SPACE_NAME_SIZE);
    if (s->thread_count == s->thread_capacity)
        grow_threads(s);
}

/* --- watching --------------------------------------------------------------------------------- */

static void directory_written(struct spaces *s, uint32_t frame)
{
    for (uint32_t i = 1; i < s->count; i++)
        if (s->list[i].cr3 >> PAGE_SHIFT == frame)
            s->list[i].written = true;
}

static void see_writes(struct spaces *s)
{
    for (uint32_t i = 0; i < s->watch->news_count; i++) {
        const struct access *a = s->watch->news[i];
        if (a->kind == ACCESS_WRITE && a->pa >> PAGE_SHIFT < s->frame_count &&
            UNLIKELY(s->is_directory[a->pa >> PAGE_SHIFT]))
            directory_written(s, a->pa >> PAGE_SHIFT);
    }
}

static ALWAYS_INLINE void account(struct spaces *s, cycle_t until, bool user)
{
    uint64_t n = until - s->last_now;
    struct space *p = &s->list[s->now];
    struct space_thread *t = &s->thread[s->thread_now];
    *(user ? &p->user : &p->kernel) += n;
    *(user ? &t->user : &t->kernel) += n;
    s->last_now = until;
}

/* The entry to privilege 0 is the kernel's, the exit from it as well; where that leads to owns what
 * comes after it. */
static void cross(struct spaces *s, const struct cpu *c)
{
    if (s->last_cpl == 3) {
        s->list[s->now].entries++;
        s->thread[s->thread_now].entries++;
    } else if (c->cpl == 3) {
        const struct space *now = &s->list[s->now];
        if (now->cr3 != c->cr3 || now->base != c->seg[CS].base || now->written || !s->now)
            enter(s, c);
        enter_thread(s, c);
    }
    s->last_cpl = c->cpl;
}

/* Privilege 0 may write to directories, once there are any. */
static void ask(struct spaces *s, const struct cpu *c)
{
    enum watch_wants wants = c->cpl == 3 || s->count == 1 ? WATCH_CROSSINGS : WATCH_NEWS;
    if (wants != s->wants)
        watch_wants(s->watch, s, wants);
    s->wants = wants;
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct spaces *s = owner;
    (void)o, (void)delivery;
    account(s, s->watch->before, s->last_cpl == 3);
    account(s, c->clock->now, s->last_cpl == 3 && c->cpl == 3);
    if (s->last_cpl == 3 && c->cpl == 3) {
        const struct space *now = &s->list[s->now];
        if (UNLIKELY(now->base != c->seg[CS].base)) /* a far jump to a segment of its own */
            enter(s, c);
        return;
    }
    see_writes(s);
    if (s->last_cpl != c->cpl)
        cross(s, c);
    else if (UNLIKELY(c->halted))
        s->now = s->thread_now = SPACE_KERNEL;
    ask(s, c);
}

static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    struct spaces *s = owner;
    (void)r;
    account(s, c->clock->now, c->cpl == 3);
    if (c->cpl != 3)
        see_writes(s);
}

void spaces_start(struct spaces *s, struct watch *h, struct cpu *c)
{
    *s = (struct spaces){.cpu = c, .watch = h, .start = c->clock->now, .last_now = c->clock->now,
                         .last_cpl = c->cpl};
    s->frame_count = c->mmu->phys.size >> PAGE_SHIFT;
    s->is_directory = xalloc(s->frame_count, 1);
    add(s, 0, 0, c->clock->now);
    s->thread_count = 1;
    grow_threads(s);
    s->thread[0] = (struct space_thread){.space = SPACE_KERNEL, .born = c->clock->now};
    if (c->cpl == 3) {
        enter(s, c);
        enter_thread(s, c);
    }
    watch_add_runs(h, c, (struct watcher){.priced = priced, .owner = s}, run);
    s->wants = WATCH_ALL;
    ask(s, c);
}

void spaces_set_namer(struct spaces *s, space_namer namer, void *owner)
{
    s->namer = namer;
    s->namer_owner = owner;
    if (s->now)
        namer(owner, s->cpu, false, s->list[s->now].name, SPACE_NAME_SIZE);
    if (s->thread_now)
        namer(owner, s->cpu, true, s->thread[s->thread_now].name, SPACE_NAME_SIZE);
}

void spaces_free(struct spaces *s, struct watch *h)
{
    watch_remove(h, s);
    for (uint32_t i = 0; i < s->count; i++)
        free(s->list[i].tables);
    free(s->list);
    free(s->thread);
    free(s->thread_slot);
    free(s->is_directory);
}
