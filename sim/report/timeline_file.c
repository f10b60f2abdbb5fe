#include "sim/report/timeline_file.h"

#include "sim/core/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char timeline_letters[TIMELINE_KINDS + 1] = "bukihnq";
const char *const timeline_kind_names[TIMELINE_KINDS] = {
    "boot", "user", "kernel", "idle", "halted", "nested", "request",
};

/* How many numbers follow the letter. */
static const uint8_t numbers_of[TIMELINE_KINDS] = {2, 3, 4, 2, 2, 4, 3};

struct reader {
    struct timeline_file *t;
    const char *path;
    FILE *in;
    char *line;
    size_t line_size;
    unsigned number;
    cycle_t tiled; /* up to where */
};

static NORETURN void refuse(const struct reader *r, const char *what)
{
    usage_error("export: %s: line %u: %s; accepted is what --timeline writes", r->path, r->number,
                what);
}

/* The next line, parsed; NULL at the end. */
static json_t *next(struct reader *r)
{
    json_error_t error;
    ssize_t n = getline(&r->line, &r->line_size, r->in);
    if (n < 0)
        return NULL;
    r->number++;
    json_t *v = json_loadb(r->line, (size_t)n, 0, &error);
    if (!v)
        refuse(r, error.text);
    return v;
}

static json_int_t whole(const struct reader *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0) {
        char text[96];
        snprintf(text, sizeof text, "'%s' is missing or no whole number", key);
        refuse(r, text);
    }
    return json_integer_value(v);
}

static void string(const struct reader *r, const json_t *o, const char *key, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(o, key));
    if (!s) {
        char text[96];
        snprintf(text, sizeof text, "'%s' is missing or no string", key);
        refuse(r, text);
    }
    snprintf(out, size, "%s", s);
}

static void read_head(struct reader *r, const json_t *head)
{
    const char *schema = json_string_value(json_object_get(head, "schema"));
    if (!schema || strcmp(schema, TIMELINE_SCHEMA) != 0)
        refuse(r, "no head with schema '" TIMELINE_SCHEMA "'");
    string(r, head, "machine", r->t->machine, sizeof r->t->machine);
    string(r, head, "model", r->t->model, sizeof r->t->model);
    r->t->clock_hz = json_number_value(json_object_get(head, "clock_hz"));
    if (!(r->t->clock_hz > 0))
        refuse(r, "'clock_hz' is missing or no number above 0");
    r->t->begin = r->tiled = (cycle_t)whole(r, head, "begin");
}

static void read_span(struct reader *r, const json_t *line)
{
    struct timeline_file *t = r->t;
    const char *letter = json_string_value(json_array_get(line, 0));
    const char *known = letter && *letter && !letter[1] ? strchr(timeline_letters, *letter) : NULL;
    json_int_t n[4] = {0};
    if (!known)
        refuse(r, "no span of a known kind");
    enum timeline_kind kind = (enum timeline_kind)(known - timeline_letters);
    if (json_array_size(line) != numbers_of[kind] + 1u)
        refuse(r, "a span with too few or too many numbers");
    for (unsigned i = 0; i < numbers_of[kind]; i++) {
        const json_t *v = json_array_get(line, i + 1);
        bool may = i == 3 && kind == TIMELINE_KERNEL;
        n[i] = json_integer_value(v);
        if (!json_is_integer(v) || n[i] < (may ? -1 : 0) || (i > 1 && n[i] > INT32_MAX))
            refuse(r, "a span with something that is no number of its kind");
    }
    if (t->count == t->capacity) {
        t->capacity = t->capacity * 2 + 4096;
        t->spans = realloc(t->spans, t->capacity * sizeof *t->spans);
        CHECK(t->spans != NULL);
    }
    struct timeline_span *s = &t->spans[t->count++];
    *s = (struct timeline_span){.begin = (cycle_t)n[0], .length = (cycle_t)n[1], .kind = kind};
    bool request = kind == TIMELINE_REQUEST;
    s->thread = request ? 0 : (uint32_t)n[2];
    s->what = (int32_t)n[request ? 2 : 3];
    if (!timeline_kind_tiles(kind))
        return;
    if (s->begin != r->tiled)
        refuse(r, "a span does not begin where the one before ended");
    r->tiled += s->length;
    t->sums[kind] += s->length;
}

static void read_spaces(struct reader *r, const json_t *list)
{
    size_t i;
    json_t *o;
    if (!json_is_array(list))
        refuse(r, "'spaces' is missing or no array");
    r->t->spaces = xalloc(json_array_size(list) + 1, sizeof *r->t->spaces);
    json_array_foreach(list, i, o) {
        struct timeline_space *s = &r->t->spaces[r->t->space_count++];
        string(r, o, "name", s->name, sizeof s->name);
        s->cr3 = (uint32_t)whole(r, o, "cr3");
        s->base = (uint32_t)whole(r, o, "base");
        s->born = (cycle_t)whole(r, o, "born");
    }
}

static void read_threads(struct reader *r, const json_t *list)
{
    size_t i;
    json_t *o;
    if (!json_is_array(list))
        refuse(r, "'threads' is missing or no array");
    r->t->threads = xalloc(json_array_size(list) + 1, sizeof *r->t->threads);
    json_array_foreach(list, i, o) {
        struct timeline_thread *s = &r->t->threads[r->t->thread_count++];
        string(r, o, "name", s->name, sizeof s->name);
        s->space = (uint32_t)whole(r, o, "space");
        if (s->space >= r->t->space_count)
            refuse(r, "a thread of a space that is not in the tail");
    }
}

static void read_clusters(struct reader *r, const json_t *list)
{
    size_t i;
    json_t *o;
    if (!json_is_array(list))
        refuse(r, "'clusters' is missing or no array");
    r->t->clusters = xalloc(json_array_size(list) + 1, sizeof *r->t->clusters);
    json_array_foreach(list, i, o) {
        struct timeline_cluster *k = &r->t->clusters[r->t->cluster_count++];
        string(r, o, "name", k->name, sizeof k->name);
        k->count = (uint64_t)whole(r, o, "count");
        k->cycles = (uint64_t)whole(r, o, "cycles");
    }
}

/* Indices that spans use must be in the tail's tables, and what clusters cost be what spans say. */
static void check_spans(const struct reader *r)
{
    const struct timeline_file *t = r->t;
    uint64_t *cycles = xalloc(t->cluster_count + 1, sizeof *cycles);
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_span *s = &t->spans[i];
        if (s->thread >= t->thread_count)
            refuse(r, "a span names a thread that the tail does not");
        if (s->kind == TIMELINE_KERNEL && s->what >= (int32_t)t->cluster_count)
            refuse(r, "a span names a cluster that the tail does not");
        if (s->kind == TIMELINE_KERNEL && s->what >= 0)
            cycles[s->what] += s->length;
    }
    for (size_t i = 0; i < t->cluster_count; i++)
        if (cycles[i] != t->clusters[i].cycles)
            refuse(r, "the cycles of a cluster are not those of its spans");
    free(cycles);
}

static void read_tail(struct reader *r, const json_t *tail)
{
    struct timeline_file *t = r->t;
    const json_t *sums = json_object_get(tail, "sums");
    t->end = (cycle_t)whole(r, tail, "end");
    if (t->end != r->tiled || (cycle_t)whole(r, tail, "cycles") != t->end - t->begin)
        refuse(r, "spans do not sum to the cycles of the run");
    for (int k = 0; timeline_kind_tiles(k); k++)
        if ((uint64_t)whole(r, sums, timeline_kind_names[k]) != t->sums[k])
            refuse(r, "spans do not sum to what the tail says");
    read_spaces(r, json_object_get(tail, "spaces"));
    read_threads(r, json_object_get(tail, "threads"));
    read_clusters(r, json_object_get(tail, "clusters"));
    check_spans(r);
}

bool timeline_is(const char *path)
{
    char line[64] = "";
    FILE *in = fopen(path, "r");
    if (!in)
        return false;
    size_t n = fread(line, 1, sizeof line - 1, in);
    fclose(in);
    return n > 0 && strstr(line, "\"" TIMELINE_SCHEMA "\"") != NULL;
}

struct timeline_file *timeline_read(const char *path)
{
    struct reader r = {.t = xalloc(1, sizeof *r.t), .path = path, .in = fopen(path, "r")};
    json_t *line;
    bool ended = false;
    if (!r.in)
        usage_error("export: %s: %s", path, strerror(errno));
    if (!timeline_is(path))
        usage_error("export: %s: no head; accepted is what --timeline writes", path);
    while ((line = next(&r))) {
        if (ended)
            refuse(&r, "something behind the tail");
        if (r.number == 1)
            read_head(&r, line);
        else if (json_is_array(line))
            read_span(&r, line);
        else
            read_tail(&r, line);
        ended = r.number > 1 && json_is_object(line);
        json_decref(line);
    }
    if (!ended)
        refuse(&r, "there is no tail: the run that wrote it was not finished");
    fclose(r.in);
    free(r.line);
    return r.t;
}

void timeline_close(struct timeline_file *t)
{
    if (!t)
        return;
    free(t->spans);
    free(t->spaces);
    free(t->threads);
    free(t->clusters);
    free(t);
}

const char *timeline_space_of(const struct timeline_file *t, const struct timeline_span *s)
{
    return t->spaces[t->threads[s->thread].space].name;
}

void timeline_name(const struct timeline_file *t, const struct timeline_span *s, char *text,
                   size_t size)
{
    if (s->kind == TIMELINE_KERNEL && s->what >= 0)
        snprintf(text, size, "%s", t->clusters[s->what].name);
    else if (s->kind == TIMELINE_KERNEL)
        snprintf(text, size, "kernel, not finished");
    else if (s->kind == TIMELINE_NESTED || s->kind == TIMELINE_REQUEST)
        snprintf(text, size, "vector %02" PRIx32, (uint32_t)s->what);
    else
        snprintf(text, size, "%s", timeline_kind_names[s->kind]);
}
