#include "sim/machine/story.h"

#include "sim/core/check.h"

#include <inttypes.h>
#include <stdlib.h>

#define KEPT 8

struct delivery {
    cycle_t cycle;
    uint8_t vector, source, cpl;
    bool has_code;
    uint32_t code, cr2, eip, esp;
    uint16_t cs, ss;
    laddr_t la;
};

struct story {
    struct cpu *cpu;
    struct delivery kept[KEPT];
    uint64_t count;
    story_listener listener;
    void *listener_owner;
};

static void noted(void *owner, unsigned vector, unsigned source, bool has_code, uint32_t code)
{
    struct story *s = owner;
    const struct cpu *c = s->cpu;
    s->kept[s->count++ % KEPT] = (struct delivery){
        .cycle = c->clock->now,
        .vector = (uint8_t)vector,
        .source = (uint8_t)source,
        .cpl = c->cpl,
        .has_code = has_code,
        .code = code,
        .cr2 = c->cr2,
        .eip = c->op->eip,
        .esp = c->r[ESP],
        .cs = c->seg[CS].selector,
        .ss = c->seg[SS].selector,
        .la = c->seg[CS].base + c->op->eip,
    };
    if (s->listener)
        s->listener(s->listener_owner, c, vector, source, has_code, code);
}

struct story *story_new(struct cpu *c)
{
    struct story *s = xalloc(1, sizeof *s);
    s->cpu = c;
    c->on_delivery = noted;
    c->observer = s;
    return s;
}

void story_free(struct story *s) { free(s); }

const struct cpu *story_cpu(const struct story *s) { return s->cpu; }

void story_listen(struct story *s, story_listener listener, void *owner)
{
    s->listener = listener;
    s->listener_owner = owner;
}

const char *exception_name(unsigned vector)
{
    static const char *const names[32] = {
        "#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound",
        "#UD invalid opcode", "#NM device not available", "#DF double fault",
        "coprocessor segment overrun", "#TS invalid TSS", "#NP segment not present",
        "#SS stack fault", "#GP general protection", "#PF page fault", NULL, "#MF x87 error",
        "#AC alignment check", "#MC machine check",
    };
    return vector < 32 ? names[vector] : NULL;
}

static void tell_one(const struct delivery *d, FILE *out,
                     void (*name)(void *owner, laddr_t la, char *text, size_t size), void *owner)
{
    static const char *const sources[] = {"INT instruction", "INT3", "INTO", "exception",
                                          "external interrupt", "NMI", "ICEBP"};
    char symbol[128] = "", code[32] = "", address[48] = "";
    if (name)
        name(owner, d->la, symbol, sizeof symbol);
    if (d->has_code)
        snprintf(code, sizeof code, " error %04x", d->code);
    if (d->vector == EXC_PF && d->source == SOURCE_FAULT)
        snprintf(address, sizeof address, " address %08x", d->cr2);
    const char *exception = exception_name(d->vector);
    fprintf(out,
            "  cycle %-12" PRIu64
            " %04x:%08x %-24s %s %02x%s%s%s%s  (CPL %u, SS:ESP %04x:%08x)\n",
            d->cycle, d->cs, d->eip, symbol, sources[d->source], d->vector, exception ? " " : "",
            exception && d->source == SOURCE_FAULT ? exception : "", code, address, d->cpl, d->ss,
            d->esp);
}

void story_tell(const struct story *s, FILE *out,
                void (*name)(void *owner, laddr_t la, char *text, size_t size), void *owner)
{
    const struct cpu *c = s->cpu;
    uint64_t first = s->count > KEPT ? s->count - KEPT : 0;
    fprintf(out, "how it came to this, oldest first:\n");
    for (uint64_t i = first; i < s->count; i++)
        tell_one(&s->kept[i % KEPT], out, name, owner);
    fprintf(out,
            "  then delivering it failed, and the processor shut down\n"
            "  IDT %08x limit %04x, GDT %08x limit %04x, CR0 %08x CR2 %08x CR3 %08x CR4 %08x\n"
            "  EAX %08x EBX %08x ECX %08x EDX %08x ESI %08x EDI %08x EBP %08x ESP %08x\n",
            c->idt_base, c->idt_limit, c->gdt_base, c->gdt_limit, c->cr0, c->cr2, c->cr3, c->cr4,
            c->r[EAX], c->r[EBX], c->r[ECX], c->r[EDX], c->r[ESI], c->r[EDI], c->r[EBP],
            c->r[ESP]);
}
