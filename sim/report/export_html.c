/* export_html: one page with pictures and tables of a run. Style, scripts and documents are all
 * inside it; it asks nobody for anything. The page's sources are in sim/report/page. */
#include "sim/core/check.h"
#include "sim/report/distribution.h"
#include "sim/report/export.h"
#include "sim/report/page/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A page with more spans than a browser likes draws the shortest ones together. */
#define SPANS_MAX 200000
#define KIND_MIXED TIMELINE_KINDS

/* --- documents -------------------------------------------------------------------------------- */

/* JSON has '<' in strings only, where it may be written so; then no string ends the script. */
static int put_escaped(const char *text, size_t size, void *data)
{
    FILE *out = data;
    for (size_t i = 0; i < size; i++)
        if (text[i] == '<')
            fputs("\\u003c", out);
        else
            fputc(text[i], out);
    return 0;
}

static void begin_document(const char *id, FILE *out)
{
    fprintf(out, "<script type=\"application/json\" id=\"%s\">", id);
}

static void put_document(const char *id, const json_t *o, FILE *out)
{
    if (!o)
        return;
    begin_document(id, out);
    json_dump_callback(o, put_escaped, out, JSON_COMPACT);
    fputs("</script>\n", out);
}

/* --- the timeline ----------------------------------------------------------------------------- */

struct spans {
    FILE *out;
    cycle_t last; /* where the span before began */
    bool some;
    struct timeline_span mixed; /* being gathered; length 0: none */
    uint64_t parts[TIMELINE_KINDS];
};

static void put_span(struct spans *p, int kind, const struct timeline_span *s)
{
    fprintf(p->out, "%s[%d,%" PRId64 ",%" PRIu64 ",%" PRIu32 ",%" PRId32, p->some ? "," : "", kind,
            (int64_t)(s->begin - p->last), s->length, s->thread, s->what);
    if (kind == KIND_MIXED)
        fprintf(p->out, ",[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
                p->parts[TIMELINE_BOOT], p->parts[TIMELINE_USER], p->parts[TIMELINE_KERNEL],
                p->parts[TIMELINE_IDLE]);
    fputc(']', p->out);
    p->some = true;
    p->last = s->begin;
}

static void flush_mixed(struct spans *p)
{
    if (p->mixed.length)
        put_span(p, KIND_MIXED, &p->mixed);
    p->mixed.length = 0;
    memset(p->parts, 0, sizeof p->parts);
}

/* Spans shorter than least are gathered; those inside others are left out, for they count in
 * none of the sums. */
static void put_spans(const struct timeline_file *t, cycle_t least, FILE *out)
{
    struct spans p = {.out = out, .last = t->begin};
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_span *s = &t->spans[i];
        if (s->length >= least) {
            if (timeline_kind_tiles(s->kind))
                flush_mixed(&p);
            put_span(&p, (int)s->kind, s);
        } else if (timeline_kind_tiles(s->kind)) {
            if (!p.mixed.length)
                p.mixed.begin = s->begin;
            p.mixed.length += s->length;
            p.parts[s->kind] += s->length;
        }
    }
    flush_mixed(&p);
}

static int longer_first(const void *a, const void *b)
{
    cycle_t x = *(const cycle_t *)a, y = *(const cycle_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The shortest span that is still drawn by itself: half of the page's spans at most are such, for
 * between two of them there may be a gathered one. */
static cycle_t least_length(const struct timeline_file *t)
{
    if (t->count <= SPANS_MAX)
        return 0;
    cycle_t *lengths = xalloc(t->count, sizeof *lengths);
    for (size_t i = 0; i < t->count; i++)
        lengths[i] = t->spans[i].length;
    qsort(lengths, t->count, sizeof *lengths, longer_first);
    cycle_t least = lengths[SPANS_MAX / 2] + 1;
    free(lengths);
    return least;
}

static json_t *names(const struct timeline_file *t)
{
    json_t *spaces = json_array(), *threads = json_array(), *clusters = json_array();
    for (size_t i = 0; i < t->space_count; i++)
        json_array_append_new(spaces, json_pack("{s:s}", "name", t->spaces[i].name));
    for (size_t i = 0; i < t->thread_count; i++)
        json_array_append_new(threads, json_pack("{s:s,s:I}", "name", t->threads[i].name, "space",
                                                 (json_int_t)t->threads[i].space));
    for (size_t i = 0; i < t->cluster_count; i++)
        json_array_append_new(clusters, json_pack("{s:s}", "name", t->clusters[i].name));
    return json_pack("{s:o,s:o,s:o}", "spaces", spaces, "threads", threads, "clusters", clusters);
}

/* {begin, end, merged, names: {...}, spans: [[kind, begin since the one before, length, thread,
 * what], ...]} */
static void put_timeline(const struct timeline_file *t, FILE *out)
{
    cycle_t least = least_length(t);
    json_t *o = names(t);
    begin_document("timeline-data", out);
    fprintf(out, "{\"begin\":%" PRIu64 ",\"end\":%" PRIu64 ",\"merged\":%" PRIu64 ",\"names\":",
            t->begin, t->end, least);
    json_dump_callback(o, put_escaped, out, JSON_COMPACT);
    fputs(",\"spans\":[", out);
    put_spans(t, least, out);
    fputs("]}</script>\n", out);
    json_decref(o);
}

/* --- durations -------------------------------------------------------------------------------- */

/* A copy with quantiles and `histogram`: [[from, to, count]], instead of every value. */
static json_t *drawn(const json_t *of)
{
    static const struct {
        const char *key;
        unsigned percent;
    } quantiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}};
    struct distribution_bucket list[DISTRIBUTION_BUCKETS];
    unsigned count = distribution_buckets(of, list);
    json_t *o = json_copy((json_t *)(uintptr_t)of), *histogram = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(histogram, json_pack("[I,I,I]", (json_int_t)list[i].from,
                                                   (json_int_t)list[i].to,
                                                   (json_int_t)list[i].count));
    for (unsigned i = 0; i < ARRAY_COUNT(quantiles); i++) {
        json_int_t q = distribution_quantile(of, quantiles[i].percent);
        if (q >= 0)
            json_object_set_new(o, quantiles[i].key, json_integer(q));
    }
    json_object_set_new(o, "histogram", histogram);
    json_object_del(o, "values");
    return o;
}

/* The ledger with the durations of its paths and its interrupts' latency as histograms. */
static json_t *with_histograms(const json_t *ledger)
{
    json_t *page = json_copy((json_t *)(uintptr_t)ledger), *v;
    json_t *paths = json_copy(json_object_get(ledger, "kernel_paths"));
    json_t *clusters = json_array(), *latency = json_array();
    size_t i;
    if (paths)
        json_object_set_new(page, "kernel_paths", paths);
    json_array_foreach(json_object_get(paths, "clusters"), i, v)
        json_array_append_new(clusters, drawn(v));
    json_array_foreach(json_object_get(paths, "interrupt_latency"), i, v) {
        json_t *vector = json_copy(v);
        json_object_set_new(vector, "handler", drawn(json_object_get(v, "handler")));
        json_array_append_new(latency, vector);
    }
    json_object_set_new(paths, "clusters", clusters);
    json_object_set_new(paths, "interrupt_latency", latency);
    return page;
}

/* --- the page --------------------------------------------------------------------------------- */

static const struct page_file *page_file(const char *name)
{
    const struct page_file *f = page_files;
    while (f->name && strcmp(f->name, name) != 0)
        f++;
    CHECK(f->name != NULL);
    return f;
}

static void put_file(const struct page_file *f, FILE *out) { fwrite(f->bytes, 1, f->size, out); }

static void put_scripts(FILE *out)
{
    for (const struct page_file *f = page_files; f->name; f++)
        if (strstr(f->name, ".js"))
            put_file(f, out);
}

static void put_documents(const struct export_input *in, FILE *out)
{
    json_t *ledger = with_histograms(in->ledger);
    put_document("ledger-data", ledger, out);
    json_decref(ledger);
    put_document("window-data", in->window, out);
    put_document("explain-data", in->explained, out);
    if (in->timeline)
        put_timeline(in->timeline, out);
}

void export_html(const struct export_input *in, FILE *out)
{
    const struct page_file *page = page_file("page.html");
    const char *at = page->bytes, *end = at + page->size;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t size = line ? (size_t)(line + 1 - at) : (size_t)(end - at);
        if (size == 6 && memcmp(at, "@CSS@", 5) == 0)
            put_file(page_file("page.css"), out);
        else if (size == 5 && memcmp(at, "@JS@", 4) == 0)
            put_scripts(out);
        else if (size == 7 && memcmp(at, "@DATA@", 6) == 0)
            put_documents(in, out);
        else
            fwrite(at, 1, size, out);
        at += size;
    }
}
