#include "sim/commands/trace_log.h"

#include "sim/core/check.h"
#include "sim/machine/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void delivered(const struct cpu *c, bool exceptions, unsigned vector, unsigned source,
                      bool has_code, uint32_t code)
{
    const char *name = exception_name(vector);
    bool exception = source == SOURCE_FAULT || source == SOURCE_NMI;
    if (exception != exceptions)
        return;
    fprintf(stderr, "%12" PRIu64 " %s %02x%s%s", c->clock->now, exception ? "exception" : "int",
            vector, exception && name ? " " : "", exception && name ? name : "");
    if (has_code)
        fprintf(stderr, " error %04x", code);
    if (exception && vector == EXC_PF)
        fprintf(stderr, " cr2 %08x", c->cr2);
    fprintf(stderr, " at %04x:%08x cpl %u eax %08x\n", c->seg[CS].selector, c->op->eip, c->cpl,
            c->r[EAX]);
}

static void log_interrupts(void *owner, const struct cpu *c, unsigned vector, unsigned source,
                           bool has_code, uint32_t code)
{
    (void)owner;
    delivered(c, false, vector, source, has_code, code);
}

static void log_exceptions(void *owner, const struct cpu *c, unsigned vector, unsigned source,
                           bool has_code, uint32_t code)
{
    (void)owner;
    delivered(c, true, vector, source, has_code, code);
}

static void log_both(void *owner, const struct cpu *c, unsigned vector, unsigned source,
                     bool has_code, uint32_t code)
{
    (void)owner;
    delivered(c, false, vector, source, has_code, code);
    delivered(c, true, vector, source, has_code, code);
}

static void log_port(void *owner, bool write, uint32_t port, unsigned size, uint32_t value,
                     const char *device)
{
    struct machine *m = owner;
    fprintf(stderr, "%12" PRIu64 " %s %04x.%u %s %0*x (%s) at %08x\n", m->clock.now,
            write ? "out" : "in ", port, size, write ? "<-" : "->", (int)size * 2, value, device,
            m->cpu->op->eip);
}

static void log_control(void *owner, unsigned which, uint32_t value)
{
    const struct cpu *c = story_cpu(owner);
    fprintf(stderr, "%12" PRIu64 " cr%u <- %08x at %08x\n", c->clock->now, which, value,
            c->op->eip);
}

void trace_log_start(struct machine *m, const char *what)
{
    bool interrupts = false, exceptions = false;
    for (const char *p = what; *p;) {
        size_t n = strcspn(p, ",");
        if (n == 3 && strncmp(p, "int", n) == 0) {
            interrupts = true;
        } else if (n == 10 && strncmp(p, "exceptions", n) == 0) {
            exceptions = true;
        } else if (n == 2 && strncmp(p, "io", n) == 0) {
            m->bus.observe = log_port;
            m->bus.observe_owner = m;
        } else if (n == 2 && strncmp(p, "cr", n) == 0) {
            m->cpu->on_control = log_control;
        } else {
            usage_error("-d %s: accepted are int, io, cr and exceptions, with commas", what);
        }
        p += n;
        p += *p == ',';
    }
    if (interrupts || exceptions)
        story_listen(m->story,
                     interrupts && exceptions ? log_both
                     : interrupts             ? log_interrupts
                                              : log_exceptions,
                     m);
}
