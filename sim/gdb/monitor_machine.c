#include "sim/gdb/monitor_machine.h"

#include "mmu/cache.h"
#include "mmu/tlb.h"
#include "sim/machine/story.h"
#include "sim/report/ledger_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12
#define LARGE_SHIFT 22

bool monitor_address(const struct gdb_target *t, const char *text, laddr_t *la, FILE *out)
{
    char *end, name[128];
    size_t n = strcspn(text, " ");
    const struct symbol *y = NULL;
    unsigned long long v = strtoull(text, &end, 0);
    if (n && end == text + n && *text != '-' && v <= UINT32_MAX) {
        *la = (laddr_t)v;
        return true;
    }
    snprintf(name, sizeof name, "%.*s", (int)n, text);
    if (n && t->symbols)
        y = symbols_by_name(t->symbols, name);
    if (y)
        *la = y->address;
    else if (n)
        fprintf(out, "'%s' is no address and no symbol\n", name);
    else
        fprintf(out, "which address? a number, hexadecimal behind 0x, or a symbol\n");
    return y != NULL;
}

void monitor_place(const struct gdb_target *t, laddr_t la, FILE *out)
{
    char name[128] = "";
    if (t->symbols)
        symbols_format(t->symbols, la, name, sizeof name);
    fprintf(out, "%08x%s%s", la, *name ? " " : "", name);
}

void monitor_where(const struct gdb_target *t, const char *arguments, FILE *out)
{
    const struct cpu *c = t->machine->cpu;
    char path[64];
    (void)arguments;
    path_name(c->ledger->path, path, sizeof path);
    fprintf(out, "cycle %" PRIu64 ", instruction %" PRIu64 ", at ", c->clock->now,
            c->instructions);
    monitor_place(t, c->seg[CS].base + c->eip, out);
    fprintf(out, "\nprivilege level %u, %s, interrupts %s%s, CR3 %08x\n", c->cpl, path,
            c->eflags & F_IF ? "on" : "off", c->halted ? ", halted" : "", c->cr3);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* One page-table entry as the manual prints its bits. */
static bool say_entry(const struct phys *p, const char *name, paddr_t at, uint32_t *entry,
                      FILE *out)
{
    static const struct {
        uint32_t bit;
        const char *set, *clear;
    } bits[] = {
        {0, "present", "not present"}, {1, "writable", "read-only"}, {2, "user", "supervisor"},
        {3, "write-through", NULL}, {4, "uncached", NULL}, {5, "accessed", NULL},
        {6, "dirty", NULL}, {7, "4 MB or PAT", NULL}, {8, "global", NULL},
    };
    if (!phys_read(p, at, entry, sizeof *entry)) {
        fprintf(out, "  %s at %08x: there is no such memory\n", name, at);
        return false;
    }
    fprintf(out, "  %s at %08x is %08x:", name, at, *entry);
    for (unsigned i = 0; i < ARRAY_COUNT(bits); i++) {
        const char *text = *entry >> bits[i].bit & 1 ? bits[i].set : bits[i].clear;
        if (text && (i == 0 || (*entry & 1)))
            fprintf(out, "%s %s", i ? "," : "", text);
    }
    fputc('\n', out);
    return *entry & 1;
}

static void say_walk(const struct cpu *c, laddr_t la, FILE *out)
{
    const struct phys *p = &c->mmu->phys;
    uint32_t entry;
    if (!say_entry(p, "directory entry", (c->cr3 & ~0xFFFu) + (la >> LARGE_SHIFT) * 4, &entry, out))
        return;
    if (!((entry & 1u << 7) && (c->cr4 & CR4_PSE)))
        say_entry(p, "table entry", (entry & ~0xFFFu) + (la >> PAGE_SHIFT & 0x3FF) * 4, &entry,
                  out);
}

void monitor_translate(const struct gdb_target *t, const char *arguments, FILE *out)
{
    const struct cpu *c = t->machine->cpu;
    laddr_t la;
    paddr_t pa;
    if (!monitor_address(t, arguments, &la, out))
        return;
    if (!(c->cr0 & CR0_PG))
        fprintf(out, "%08x: paging is off\n", la);
    else if (mmu_translate_peek(c->mmu, la, &pa))
        fprintf(out, "linear %08x is physical %08x, with CR3 %08x\n", la, pa, c->cr3);
    else
        fprintf(out, "linear %08x is not mapped, with CR3 %08x\n", la, c->cr3);
    if (c->cr0 & CR0_PG)
        say_walk(c, la, out);
}

static void say_cache(const char *name, const struct cache *k, paddr_t pa, FILE *out)
{
    static const char *const states[] = {"invalid", "shared", "exclusive", "modified"};
    if (!cache_exists(k))
        return;
    int at = cache_find(k, pa);
    uint32_t set = (pa >> k->line_shift) & (k->sets - 1);
    if (at >= 0)
        fprintf(out, "  %-4s set %u, way %u: %s\n", name, set, (uint32_t)at % k->ways,
                states[k->state[at] & 3]);
    else
        fprintf(out, "  %-4s set %u: absent\n", name, set);
}

static void say_tlb(const char *name, const struct tlb *k, uint32_t tag, FILE *out)
{
    if (!k->entries)
        return;
    int at = tlb_find(k, tag);
    if (at >= 0)
        fprintf(out, "  %-16s way %u: physical page %05x%s%s%s\n", name, (uint32_t)at % k->ways,
                k->entry[at].page, k->entry[at].flags & TLB_USER ? ", user" : "",
                k->entry[at].flags & TLB_WRITE ? ", writable" : "",
                k->entry[at].flags & TLB_DIRTY ? ", dirty" : "");
    else
        fprintf(out, "  %-16s absent\n", name);
}

void monitor_cache(const struct gdb_target *t, const char *arguments, FILE *out)
{
    const struct mmu *u = &t->machine->mmu;
    laddr_t la;
    paddr_t pa;
    if (!monitor_address(t, arguments, &la, out))
        return;
    if (!t->machine->cpu->model->timed) {
        fprintf(out, "the %s model has no caches\n", t->machine->cpu->model->name);
        return;
    }
    if (!mmu_translate_peek(u, la, &pa)) {
        fprintf(out, "linear %08x is not mapped\n", la);
        return;
    }
    fprintf(out, "linear %08x, physical %08x\n", la, pa);
    say_cache("L1I", &u->l1i, pa, out);
    say_cache("L1D", &u->l1d, pa, out);
    say_cache("L2", &u->l2, pa, out);
    say_tlb("code TLB", &u->itlb, la >> PAGE_SHIFT, out);
    say_tlb("data TLB", &u->dtlb, la >> PAGE_SHIFT, out);
    say_tlb("data TLB of 4 MB", &u->dtlb_large, la >> LARGE_SHIFT, out);
}

/* --- segments and gates ----------------------------------------------------------------------- */

static void say_segment(const char *name, const struct segment *s, FILE *out)
{
    fprintf(out, "  %-4s %04x  base %08x  limit %08x  DPL %u  type %x%s\n", name, s->selector,
            s->base, s->limit, s->access >> 5 & 3, s->access & 0x1F,
            s->valid ? "" : "  (null or never loaded)");
}

void monitor_segments(const struct gdb_target *t, const char *arguments, FILE *out)
{
    static const char *const names[SEG_COUNT] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    const struct cpu *c = t->machine->cpu;
    (void)arguments;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        say_segment(names[i], &c->seg[i], out);
    say_segment("TR", &c->tr, out);
    say_segment("LDTR", &c->ldtr, out);
    fprintf(out, "  GDTR base %08x  limit %04x\n  IDTR base %08x  limit %04x\n", c->gdt_base,
            c->gdt_limit, c->idt_base, c->idt_limit);
}

static bool say_gate(const struct gdb_target *t, unsigned vector, FILE *out)
{
    const struct cpu *c = t->machine->cpu;
    uint32_t gate[2];
    if (vector * 8 + 7 > c->idt_limit ||
        !mmu_peek(c->mmu, c->idt_base + vector * 8, gate, sizeof gate) || !(gate[1] & 0x8000))
        return false;
    const char *name = exception_name(vector);
    fprintf(out, "  %02x  type %x  DPL %u  %04x:", vector, gate[1] >> 8 & 0x1F, gate[1] >> 13 & 3,
            gate[0] >> 16);
    monitor_place(t, (gate[0] & 0xFFFF) | (gate[1] & 0xFFFF0000), out);
    fprintf(out, "%s%s\n", name ? "  " : "", name ? name : "");
    return true;
}

void monitor_idt(const struct gdb_target *t, const char *arguments, FILE *out)
{
    const struct cpu *c = t->machine->cpu;
    char *end;
    unsigned long vector = strtoul(arguments, &end, 0);
    if (!c->protected_mode) {
        fprintf(out, "the processor is not in protected mode: there are no gates\n");
    } else if (!*arguments) {
        for (unsigned i = 0; i < 256; i++)
            say_gate(t, i, out);
    } else if (end == arguments || *end || vector > 255 || *arguments == '-') {
        fprintf(out, "'%s' is no vector; accepted are 0 to 255\n", arguments);
    } else if (!say_gate(t, (unsigned)vector, out)) {
        fprintf(out, "vector %lu has no present gate\n", vector);
    }
}

void monitor_irq(const struct gdb_target *t, const char *arguments, FILE *out)
{
    const struct machine *m = t->machine;
    const struct pic *pics[2] = {&m->master, &m->slave};
    (void)arguments;
    for (unsigned i = 0; i < 16; i++) {
        const struct pic *p = pics[i / 8];
        unsigned bit = 1u << i % 8;
        if (!((pic_irr(p) | p->isr | ~p->imr) & bit))
            continue;
        fprintf(out, "  IRQ %-2u%s%s%s\n", i, p->imr & bit ? " masked" : " enabled",
                pic_irr(p) & bit ? ", requested" : "", p->isr & bit ? ", in service" : "");
    }
    fprintf(out, "  INTR %s, interrupts %s\n", m->cpu->intr_line ? "asserted" : "quiet",
            m->cpu->eflags & F_IF ? "on" : "off");
}
