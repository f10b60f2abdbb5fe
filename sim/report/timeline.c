#include "sim/report/timeline.h"

#include "cpu/model.h"
#include "cpu/note.h"
#include "sim/core/check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* --- lines ------------------------------------------------------------------------------------ */

static void put(struct timeline *t, enum timeline_kind kind, cycle_t begin, cycle_t end,
                int64_t first, int64_t second)
{
    static const uint8_t more[TIMELINE_KINDS] = {0, 1, 2, 0, 0, 2, 1};
    fprintf(t->out, "[\"%c\",%" PRIu64 ",%" PRIu64, timeline_letters[kind], begin, end - begin);
    if (more[kind] > 0)
        fprintf(t->out, ",%" PRId64, first);
    if (more[kind] > 1)
        fprintf(t->out, ",%" PRId64, second);
    fputs("]\n", t->out);
    t->sums[kind] += end - begin;
}

/* Ends the span that goes on, and begins one of another kind. */
static void change(struct timeline *t, enum timeline_kind to, cycle_t at, int64_t cluster)
{
    if (t->now == TIMELINE_USER)
        put(t, TIMELINE_USER, t->span_begin, at, t->thread, 0);
    else if (t->now == TIMELINE_KERNEL)
        put(t, TIMELINE_KERNEL, t->span_begin, at, t->thread, cluster);
    else if (at > t->span_begin)
        put(t, t->now, t->span_begin, at, 0, 0);
    t->now = to;
    t->span_begin = at;
}

/* --- while it runs ---------------------------------------------------------------------------- */

static bool has_note(const struct access_log *log, enum note first, enum note last)
{
    for (uint32_t i = 0; i < log->count; i++)
        if (log->list[i].kind == ACCESS_NOTE && log->list[i].level >= first &&
            log->list[i].level <= last)
            return true;
    return false;
}

/* When INTR rose and when it was answered. Devices act between instructions, so INTR was high from
 * the instruction's begin on, unless that itself wrote to a device. A request that is answered at
 * once rises with the delivery's first cycle. */
static void watch_requests(struct timeline *t, const struct cpu *c, bool delivery, cycle_t before)
{
    if (delivery && has_note(&c->log, NOTE_INTA, NOTE_INTA)) {
        cycle_t since = t->request_since < before ? t->request_since : before;
        put(t, TIMELINE_REQUEST, since, before, c->delivered, 0);
        t->request_since = CYCLE_NEVER;
    }
    if (!c->intr_line)
        t->request_since = CYCLE_NEVER;
    else if (t->request_since == CYCLE_NEVER)
        t->request_since = delivery || has_note(&c->log, NOTE_IO_REAL, NOTE_IO_V86)
                               ? c->clock->now : before;
}

/* Interrupts inside an instance: paths keeps a stack of them. */
static void watch_nested(struct timeline *t, const struct cpu *c)
{
    const struct path_instance *i = &t->paths->now;
    unsigned depth = i->open ? i->depth : 0;
    while (t->depth < depth) {
        t->inside[t->depth].begin = i->inside[t->depth].begin;
        t->inside[t->depth++].vector = c->delivered;
    }
    while (t->depth > depth) {
        t->depth--;
        put(t, TIMELINE_NESTED, t->inside[t->depth].begin, c->clock->now, t->thread,
            t->inside[t->depth].vector);
    }
}

static enum timeline_kind flat_kind(const struct timeline *t, const struct cpu *c)
{
    return c->cpl == 3 ? TIMELINE_USER : t->paths->booted ? TIMELINE_IDLE : TIMELINE_BOOT;
}

static void look(struct timeline *t, const struct cpu *c, bool delivery)
{
    const struct paths *p = t->paths;
    cycle_t now = c->clock->now, before = t->last_now + t->halted;
    if (UNLIKELY(t->halted))
        put(t, TIMELINE_HALTED, t->last_now, before, 0, 0);
    if (UNLIKELY(delivery || c->intr_line || t->request_since != CYCLE_NEVER))
        watch_requests(t, c, delivery, before);
    if (p->now.open && t->now != TIMELINE_KERNEL) {
        change(t, TIMELINE_KERNEL, before, 0);
    } else if (!p->now.open && t->now == TIMELINE_KERNEL) {
        watch_nested(t, c);
        change(t, flat_kind(t, c), now, p->last_cluster);
    } else if (!p->now.open && flat_kind(t, c) != t->now) {
        change(t, flat_kind(t, c), now, 0);
    }
    if (UNLIKELY(p->now.open && t->depth != p->now.depth))
        watch_nested(t, c);
    t->thread = t->spaces->thread_now;
    t->halted = 0;
    t->last_now = now;
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    (void)o;
    look(owner, c, delivery);
}

static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    (void)r;
    look(owner, c, false);
}

static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct timeline *t = owner;
    if (UNLIKELY(cause == CAUSE_HALTED))
        t->halted += cycles;
}

void timeline_start(struct timeline *t, const struct paths *paths, struct watch *h,
                    const char *path, const char *machine, double clock_hz)
{
    struct cpu *c = paths->cpu;
    memset(t, 0, sizeof *t);
    t->paths = paths;
    t->spaces = paths->spaces;
    t->path = path;
    t->begin = t->span_begin = t->last_now = c->clock->now;
    t->request_since = c->intr_line ? c->clock->now : CYCLE_NEVER;
    t->now = flat_kind(t, c);
    t->thread = t->spaces->thread_now;
    t->out = fopen(path, "w");
    if (!t->out)
        usage_error("--timeline %s: %s", path, strerror(errno));
    fprintf(t->out,
            "{\"schema\":\"" TIMELINE_SCHEMA "\",\"machine\":\"%s\",\"model\":\"%s\","
            "\"clock_hz\":%.17g,\"begin\":%" PRIu64 "}\n",
            machine, c->model->name, clock_hz, t->begin);
    struct watcher w = {.priced = priced, .charged = charged, .owner = t};
    watch_add_runs(h, c, w, run);
}

/* --- the end ---------------------------------------------------------------------------------- */

static json_t *spaces_list(const struct spaces *s)
{
    json_t *list = json_array();
    char name[SPACE_NAME_SIZE];
    for (uint32_t i = 0; i < s->count; i++) {
        const struct space *p = &s->list[i];
        spaces_name(s, i, name, sizeof name);
        json_array_append_new(list, json_pack("{s:I,s:s,s:I,s:I,s:I}", "id", (json_int_t)i, "name",
                                              name, "cr3", (json_int_t)p->cr3, "base",
                                              (json_int_t)p->base, "born", (json_int_t)p->born));
    }
    return list;
}

static json_t *threads_list(const struct spaces *s)
{
    json_t *list = json_array();
    char name[SPACE_NAME_SIZE];
    for (uint32_t i = 0; i < s->thread_count; i++) {
        spaces_thread_name(s, i, name, sizeof name);
        json_array_append_new(list, json_pack("{s:I,s:I,s:s}", "id", (json_int_t)i, "space",
                                              (json_int_t)s->thread[i].space, "name", name));
    }
    return list;
}

/* "#7 ipc.local": numbered as in reports, for several may have one name. */
static json_t *clusters_list(const json_t *clusters)
{
    json_t *list = json_array(), *k;
    size_t i;
    json_array_foreach(clusters, i, k) {
        const char *name = json_string_value(json_object_get(k, "name"));
        json_array_append_new(list, json_pack("{s:o,s:O,s:O,s:O}", "name",
                                              json_sprintf("#%zu %s", i + 1, name ? name : "path"),
                                              "signature", json_object_get(k, "signature"),
                                              "count", json_object_get(k, "count"), "cycles",
                                              json_object_get(k, "cycles")));
    }
    return list;
}

void timeline_end(struct timeline *t, struct watch *h, const json_t *clusters)
{
    cycle_t now = t->paths->cpu->clock->now;
    json_t *sums = json_object();
    uint64_t sum = 0;
    watch_remove(h, t);
    if (now > t->span_begin || t->now == TIMELINE_KERNEL)
        change(t, TIMELINE_IDLE, now, TIMELINE_UNFINISHED);
    for (int k = 0; timeline_kind_tiles(k); k++) {
        json_object_set_new(sums, timeline_kind_names[k], json_integer((json_int_t)t->sums[k]));
        sum += t->sums[k];
    }
    CHECK(sum == now - t->begin);
    json_t *tail = json_pack("{s:I,s:I,s:o,s:o,s:o,s:o}", "end", (json_int_t)now, "cycles",
                             (json_int_t)sum, "sums", sums, "spaces", spaces_list(t->spaces),
                             "threads", threads_list(t->spaces), "clusters",
                             clusters_list(clusters));
    json_dumpf(tail, t->out, JSON_COMPACT);
    json_decref(tail);
    fputc('\n', t->out);
    if (ferror(t->out) | fclose(t->out))
        usage_error("--timeline %s: %s", t->path, strerror(errno));
    t->out = NULL;
}
