/* spaces_report: spaces and threads as JSON, and as a table. */
#include "sim/core/check.h"
#include "sim/report/spaces.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- names ------------------------------------------------------------------------------------ */

void spaces_name(const struct spaces *s, uint32_t space, char *text, size_t size)
{
    CHECK(space < s->count);
    if (space == SPACE_KERNEL)
        snprintf(text, size, "kernel");
    else if (*s->list[space].name)
        snprintf(text, size, "%s", s->list[space].name);
    else
        snprintf(text, size, "space %u", space);
}

void spaces_thread_name(const struct spaces *s, uint32_t thread, char *text, size_t size)
{
    CHECK(thread < s->thread_count);
    if (thread == 0)
        snprintf(text, size, "kernel");
    else if (*s->thread[thread].name)
        snprintf(text, size, "%s", s->thread[thread].name);
    else
        snprintf(text, size, "thread %u", thread);
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* What has been charged since the last instruction was over: a wait in HLT, for one. */
static uint64_t unfinished(const struct spaces *s) { return s->cpu->clock->now - s->last_now; }

json_t *spaces_json(const struct spaces *s)
{
    json_t *list = json_array();
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        struct space now = s->list[i], *p = &now;
        *(s->last_cpl == 3 ? &p->user : &p->kernel) += i == s->now ? unfinished(s) : 0;
        char name[SPACE_NAME_SIZE];
        spaces_name(s, i, name, sizeof name);
        sum += p->user + p->kernel;
        json_array_append_new(
            list, json_pack("{s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "id", (json_int_t)i, "name",
                            name, "cr3", (json_int_t)p->cr3, "base", (json_int_t)p->base, "born",
                            (json_int_t)p->born, "cycles", (json_int_t)(p->user + p->kernel),
                            "user", (json_int_t)p->user, "kernel", (json_int_t)p->kernel,
                            "entries", (json_int_t)p->entries));
    }
    CHECK(sum == s->cpu->clock->now - s->start);
    return list;
}

json_t *spaces_threads_json(const struct spaces *s)
{
    json_t *list = json_array();
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->thread_count; i++) {
        struct space_thread now = s->thread[i], *t = &now;
        *(s->last_cpl == 3 ? &t->user : &t->kernel) += i == s->thread_now ? unfinished(s) : 0;
        char name[SPACE_NAME_SIZE];
        spaces_thread_name(s, i, name, sizeof name);
        sum += t->user + t->kernel;
        json_array_append_new(
            list, json_pack("{s:I,s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "id", (json_int_t)i, "space",
                            (json_int_t)t->space, "name", name, "stack", (json_int_t)t->stack,
                            "born", (json_int_t)t->born, "cycles",
                            (json_int_t)(t->user + t->kernel), "user", (json_int_t)t->user,
                            "kernel", (json_int_t)t->kernel, "entries", (json_int_t)t->entries));
    }
    CHECK(sum == s->cpu->clock->now - s->start);
    return list;
}

/* --- the table -------------------------------------------------------------------------------- */

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static int by_cycles(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    json_int_t cx = number(x, "cycles"), cy = number(y, "cycles");
    if (cx != cy)
        return cx < cy ? 1 : -1;
    return number(x, "id") < number(y, "id") ? -1 : 1;
}

static unsigned threads_of(const json_t *threads, json_int_t space)
{
    unsigned n = 0;
    size_t i;
    json_t *t;
    json_array_foreach(threads, i, t)
        n += number(t, "space") == space;
    return n;
}

void spaces_report(const json_t *spaces, const json_t *threads, unsigned most, FILE *out)
{
    size_t count = json_array_size(spaces);
    json_int_t total = 0;
    json_t **sorted = xalloc(count ? count : 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = json_array_get(spaces, i);
        total += number(sorted[i], "cycles");
    }
    if (count)
        qsort(sorted, count, sizeof *sorted, by_cycles);
    fprintf(out, "\naddress spaces: %zu, of %zu threads (their `kernel` is from entry to exit)\n\n",
            count ? count - 1 : 0, json_array_size(threads) ? json_array_size(threads) - 1 : 0);
    fprintf(out, "%4s  %-24s %8s %8s %7s %13s %13s %10s %6s\n", "id", "space", "cr3", "base",
            "threads", "user", "kernel", "entries", "% run");
    for (size_t i = 0; i < count && i < most; i++)
        fprintf(out, "%4" JSON_INTEGER_FORMAT "  %-24.24s %08x %08x %7u %13" JSON_INTEGER_FORMAT
                     " %13" JSON_INTEGER_FORMAT " %10" JSON_INTEGER_FORMAT " %6.2f\n",
                number(sorted[i], "id"), json_string_value(json_object_get(sorted[i], "name")),
                (unsigned)number(sorted[i], "cr3"), (unsigned)number(sorted[i], "base"),
                threads_of(threads, number(sorted[i], "id")), number(sorted[i], "user"),
                number(sorted[i], "kernel"), number(sorted[i], "entries"),
                100.0 * (double)number(sorted[i], "cycles") / (double)(total ? total : 1));
    if (count > most)
        fprintf(out, "      and %zu more\n", count - most);
    free(sorted);
}
