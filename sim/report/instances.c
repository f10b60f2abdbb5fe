/* instances: when each instance of a kernel path began and ended, so that one can be found by the
 * name of its path, which is known only when it is over. */
#include "sim/core/check.h"
#include "sim/core/number.h"
#include "sim/report/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void see(struct instance_list *l, const struct cpu *c)
{
    if (l->paths->ended == PATHS_NONE)
        return;
    if (l->count == l->capacity) {
        l->capacity = l->capacity * 2 + 1024;
        l->list = realloc(l->list, l->capacity * sizeof *l->list);
        CHECK(l->list != NULL);
    }
    l->list[l->count++] =
        (struct instance){l->paths->ended, l->paths->now.begin, c->clock->now};
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    (void)o, (void)delivery;
    see(owner, c);
}

static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    (void)r;
    see(owner, c);
}

void instances_start(struct instance_list *l, struct watch *h, struct cpu *c,
                     const struct paths *paths)
{
    memset(l, 0, sizeof *l);
    l->paths = paths;
    watch_add_runs(h, c, (struct watcher){.priced = priced, .owner = l}, run);
}

/* "NAME#N" from 1 on, as arrivals and windows are counted, or NAME for the first. */
static size_t read_number(const char *which, uint64_t *n)
{
    const char *mark = strrchr(which, '#');
    *n = 1;
    if (!mark)
        return strlen(which);
    if (!number_parse(mark + 1, 10, UINT64_MAX, n) || *n == 0)
        usage_error("%s: accepted is NAME#N with N from 1", which);
    return (size_t)(mark - which);
}

void instances_find(const struct instance_list *l, const json_t *paths, const char *which,
                    cycle_t *from, cycle_t *to)
{
    uint64_t n, seen = 0;
    size_t length = read_number(which, &n);
    const json_t *clusters = json_object_get(paths, "clusters");
    bool *named = xalloc(l->paths->count + 1, sizeof *named);
    for (uint32_t i = 0; i < l->paths->count; i++) {
        const char *name = json_string_value(
            json_object_get(json_array_get(clusters, i), "name"));
        named[i] = name && strlen(name) == length && strncmp(name, which, length) == 0;
    }
    size_t i = 0;
    for (; i < l->count; i++)
        if (named[l->list[i].cluster] && ++seen == n)
            break;
    free(named);
    if (i == l->count)
        usage_error("%s: there are %" PRIu64 " instances of it between cycles %" PRIu64
                    " and %" PRIu64, which, seen, *from, *to);
    *from = l->list[i].begin;
    *to = l->list[i].end;
}

void instances_free(struct instance_list *l, struct watch *h)
{
    watch_remove(h, l);
    free(l->list);
}
