#include "sim/report/path_rules.h"

#include "sim/core/check.h"
#include "sim/core/file.h"
#include "sim/report/distribution.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------------------- */

static bool copy(char *to, size_t size, const char *value)
{
    return (size_t)snprintf(to, size, "%s", value) < size;
}

static bool set_key(struct path_rule *k, const char *key, const char *value)
{
    if (strcmp(key, "entry") == 0)
        return copy(k->entry, sizeof k->entry, value);
    if (strcmp(key, "back_to") == 0)
        return copy(k->back_to, sizeof k->back_to, value);
    if (strcmp(key, "passes") == 0)
        return copy(k->passes, sizeof k->passes, value);
    if (strcmp(key, "avoids") == 0)
        return copy(k->avoids, sizeof k->avoids, value);
    if (strcmp(key, "phases") == 0) { /* may go on in further lines */
        size_t used = strlen(k->phases);
        snprintf(k->phases + used, sizeof k->phases - used, "%s", used ? " " : "");
        used = strlen(k->phases);
        return copy(k->phases + used, sizeof k->phases - used, value);
    }
    if (strcmp(key, "from_idle") != 0 || (strcmp(value, "yes") && strcmp(value, "no")))
        return false;
    k->from_idle = strcmp(value, "yes") == 0;
    return true;
}

/* 1: taken; 0: an error at this line, which inih then reports. */
static int take(void *owner, const char *section, const char *key, const char *value)
{
    struct path_rules *r = owner;
    if (strcmp(section, "kernel") == 0 || strcmp(section, "names") == 0)
        return 1; /* guest_names.h */
    struct path_rule *k = r->count ? &r->list[r->count - 1] : NULL;
    if (!k || strcmp(k->name, section) != 0) {
        if (r->count == PATH_RULES_MAX || !*section || strlen(section) >= sizeof k->name)
            return 0;
        k = &r->list[r->count++];
        *k = (struct path_rule){.from_idle = -1};
        copy(k->name, sizeof k->name, section);
    }
    return set_key(k, key, value);
}

int rules_parse(const char *file, ini_handler take_key, void *owner)
{
    char *text = file_read_text("--rules ", file);
    unsigned number = 1;
    for (const char *p = text; *p; number++) {
        size_t n = strcspn(p, "\n");
        if (n > RULES_LINE_MAX)
            usage_error("%s:%u: longer than the %d characters accepted; a value may go on in the "
                        "next line, behind blanks", file, number, RULES_LINE_MAX);
        p += n + (p[n] != 0);
    }
    int line = ini_parse_string(text, take_key, owner);
    free(text);
    return line;
}

void path_rules_read(struct path_rules *r, const char *file)
{
    r->count = 0;
    int line = rules_parse(file, take, r);
    if (line)
        usage_error("%s:%d: accepted are [name] and, below it, entry, back_to, passes, avoids, "
                    "phases and from_idle = yes or no", file, line);
}

/* --- naming ----------------------------------------------------------------------------------- */

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static bool ran(void *owner, const char *symbol, size_t length)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(owner, "symbols"), i, v) {
        const char *name = text(v, "name");
        if (strlen(name) == length && strncmp(name, symbol, length) == 0)
            return true;
    }
    return false;
}

/* How many of the words are symbols that ran; *words: how many there are. */
static unsigned count_ran(const struct path_facts *f, const char *list, unsigned *words)
{
    unsigned n = 0;
    *words = 0;
    for (const char *p = list; *p;) {
        size_t length = strcspn(p, " ,");
        if (length) {
            n += f->ran(f->owner, p, length);
            ++*words;
        }
        p += length + (p[length] != 0);
    }
    return n;
}

static bool fits(const struct path_rule *k, const struct path_facts *f)
{
    unsigned words;
    if (strncmp(f->entry, k->entry, strlen(k->entry)) != 0)
        return false;
    if (*k->back_to && strcmp(f->ends, k->back_to) != 0)
        return false;
    if (k->from_idle >= 0 && f->from_idle != (k->from_idle == 1))
        return false;
    if (count_ran(f, k->passes, &words) != words)
        return false;
    return count_ran(f, k->avoids, &words) == 0;
}

int path_rules_find(const struct path_rules *r, const struct path_facts *f)
{
    for (unsigned i = 0; i < r->count; i++)
        if (fits(&r->list[i], f))
            return (int)i;
    return -1;
}

void path_rules_name(const struct path_rules *r, const json_t *cluster, char *name, size_t size)
{
    struct path_facts f = {.entry = text(cluster, "entry"), .ends = text(cluster, "ends"),
                           .from_idle = json_is_true(json_object_get(cluster, "from_idle")),
                           .ran = ran, .owner = (void *)(uintptr_t)cluster};
    int rule = path_rules_find(r, &f);
    const char *given = text(cluster, "name");
    if (rule >= 0)
        snprintf(name, size, "%s", r->list[rule].name);
    else if (r->count == 0 && *given)
        snprintf(name, size, "%s", given);
    else
        snprintf(name, size, "%s%s -> %s", f.entry, f.from_idle ? " (idle)" : "", f.ends);
}

void path_rules_apply(const struct path_rules *r, json_t *paths)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(paths, "clusters"), i, v) {
        char name[128];
        path_rules_name(r, v, name, sizeof name);
        json_object_set_new(v, "name", json_string(name));
    }
}

/* --- grouping --------------------------------------------------------------------------------- */

static void add(json_t *o, const char *key, json_int_t n)
{
    json_object_set_new(o, key, json_integer(number(o, key) + n));
}

static void add_causes(json_t *path, const json_t *cluster)
{
    const char *key;
    json_t *v, *sums = json_object_get(path, "causes");
    json_object_foreach(json_object_get(cluster, "causes"), key, v)
        add(sums, key, json_integer_value(v));
}

static void add_symbols(json_t *path, const json_t *cluster)
{
    size_t i;
    json_t *v, *sums = json_object_get(path, "symbols");
    json_array_foreach(json_object_get(cluster, "symbols"), i, v)
        add(sums, text(v, "name"), number(v, "cycles"));
}

/* `at`: of its durations, beside the document. */
static json_t *path_new(size_t at)
{
    return json_pack("{s:i,s:i,s:i,s:i,s:i,s:I,s:{},s:{}}", "count", 0, "cycles", 0, "min", 0,
                     "max", 0, "commonest", 0, "at", (json_int_t)at, "causes", "symbols");
}

static void add_cluster(json_t *path, const json_t *cluster)
{
    static const char *const shape[] = {"instructions", "code_lines", "data_lines", "pages",
                                        "cr3_writes", "nested", "code_misses", "data_misses",
                                        "itlb_misses", "dtlb_misses"};
    json_int_t count = number(cluster, "count"), min = number(path, "min");
    if (!number(path, "count") || number(cluster, "min") < min)
        json_object_set(path, "min", json_object_get(cluster, "min"));
    if (number(cluster, "max") > number(path, "max"))
        json_object_set(path, "max", json_object_get(cluster, "max"));
    if (count > number(path, "commonest")) {
        json_object_set_new(path, "commonest", json_integer(count));
        for (unsigned i = 0; i < ARRAY_COUNT(shape); i++) /* rounded: an instance has whole ones */
            if (json_object_get(cluster, shape[i]))
                json_object_set_new(path, shape[i],
                                    json_integer((number(cluster, shape[i]) + count / 2) / count));
    }
    add(path, "count", count);
    add(path, "cycles", number(cluster, "cycles"));
    add_causes(path, cluster);
    add_symbols(path, cluster);
}

static void set_durations(json_t *path, struct distribution *durations)
{
    distribution_write(durations, path);
    distribution_free(durations);
    struct distribution_value mode = distribution_mode(path);
    json_object_set_new(path, "typical", json_integer((json_int_t)mode.value));
    json_object_set_new(path, "typical_count", json_integer((json_int_t)mode.count));
    json_object_del(path, "commonest");
    json_object_del(path, "at");
}

json_t *path_rules_group(const struct path_rules *r, const json_t *paths)
{
    json_t *all = json_object(), *v, *clusters = json_object_get(paths, "clusters");
    struct distribution *durations = xalloc(json_array_size(clusters) + 1, sizeof *durations);
    size_t i;
    const char *key;
    json_array_foreach(clusters, i, v) {
        char name[128];
        path_rules_name(r, v, name, sizeof name);
        json_t *path = json_object_get(all, name);
        if (!path)
            json_object_set_new(all, name, path = path_new(json_object_size(all)));
        add_cluster(path, v);
        distribution_read(&durations[number(path, "at")], v);
    }
    json_object_foreach(all, key, v)
        set_durations(v, &durations[number(v, "at")]);
    free(durations);
    return all;
}
