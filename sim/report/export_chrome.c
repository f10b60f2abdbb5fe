/* export_chrome: the timeline as a Chrome trace [CHROMETRACE], which chrome://tracing and
 * ui.perfetto.dev load. The format's unit is the microsecond: one stands for one cycle.
 *
 * A process is a space, a track of it a thread: on it the program's spans, the kernel's path
 * instances that were entered from it, and inside these the interrupts that came. Boot, idle time
 * and HLT, and interrupt requests have a process of their own each. */
#include "sim/core/check.h"
#include "sim/report/export.h"

#include <inttypes.h>

#define PROCESS_SPACES 10 /* the first space's */

enum { PROCESS_MACHINE = 1, PROCESS_REQUESTS = 2 };

struct chrome {
    FILE *out;
    bool some;
};

static void comma(struct chrome *c)
{
    fputs(c->some ? ",\n" : "\n", c->out);
    c->some = true;
}

static void put_string(struct chrome *c, const char *text)
{
    json_t *s = json_string(text);
    json_dumpf(s ? s : json_null(), c->out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    json_decref(s);
}

static void name_track(struct chrome *c, uint32_t process, uint32_t track, bool is_process,
                       const char *name)
{
    comma(c);
    fprintf(c->out, "{\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"name\":\"%s\",\"args\":{\"name\":",
            process, track, is_process ? "process_name" : "thread_name");
    put_string(c, name);
    fputs("}}", c->out);
}

static void name_tracks(struct chrome *c, const struct timeline_file *t)
{
    name_track(c, PROCESS_MACHINE, 0, true, "machine");
    name_track(c, PROCESS_MACHINE, 1, false, "boot and idle");
    name_track(c, PROCESS_REQUESTS, 0, true, "interrupt requests");
    name_track(c, PROCESS_REQUESTS, 1, false, "INTR to delivery");
    for (uint32_t i = 0; i < t->space_count; i++)
        name_track(c, PROCESS_SPACES + i, 0, true, t->spaces[i].name);
    for (uint32_t i = 0; i < t->thread_count; i++)
        name_track(c, PROCESS_SPACES + t->threads[i].space, i + 1, false, t->threads[i].name);
}

static void put_span(struct chrome *c, const struct timeline_file *t, const struct timeline_span *s)
{
    char name[160];
    uint32_t process = PROCESS_MACHINE, track = 1;
    timeline_name(t, s, name, sizeof name);
    if (s->kind == TIMELINE_REQUEST) {
        process = PROCESS_REQUESTS;
    } else if (s->kind == TIMELINE_USER || s->kind == TIMELINE_KERNEL ||
               s->kind == TIMELINE_NESTED) {
        process = PROCESS_SPACES + t->threads[s->thread].space;
        track = s->thread + 1;
    }
    comma(c);
    fprintf(c->out,
            "{\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":%" PRIu64 ",\"dur\":%" PRIu64
            ",\"cat\":\"%s\",\"name\":",
            process, track, s->begin, s->length, timeline_kind_names[s->kind]);
    put_string(c, name);
    fputc('}', c->out);
}

void export_chrome(const struct export_input *in, FILE *out)
{
    const struct timeline_file *t = in->timeline;
    struct chrome c = {.out = out};
    char title[160];
    export_title(in, title, sizeof title);
    fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"clock\":", out);
    put_string(&c, title);
    fputs(",\"unit\":\"1 us shown = 1 cycle\"},\"traceEvents\":[", out);
    name_tracks(&c, t);
    for (size_t i = 0; i < t->count; i++)
        put_span(&c, t, &t->spans[i]);
    fputs("\n]}\n", out);
}
