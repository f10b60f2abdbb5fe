#include "sim/report/guest_names.h"

#include "mmu/mmu.h"
#include "sim/core/check.h"
#include "sim/report/guest_value.h"
#include "sim/report/path_rules.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------------------- */

static bool copy(char *to, size_t size, const char *value)
{
    return (size_t)snprintf(to, size, "%s", value) < size;
}

static bool take_kernel(struct guest_kernel *k, const char *key, const char *value)
{
    if (strcmp(key, "name") == 0)
        return copy(k->name, sizeof k->name, value);
    if (strcmp(key, "has") == 0)
        return copy(k->has, sizeof k->has, value);
    return strcmp(key, "when") == 0 && copy(k->when, sizeof k->when, value);
}

/* 1: taken; 0: an error at this line. Other sections are of path_rules.h. */
static int take(void *owner, const char *section, const char *key, const char *value)
{
    struct guest_kernel *k = owner;
    if (strcmp(section, "kernel") == 0)
        return take_kernel(k, key, value);
    if (strcmp(section, "names") != 0)
        return 1;
    if (k->count == GUEST_NAMES_MAX)
        return 0;
    struct guest_rule *r = &k->rule[k->count++];
    return copy(r->key, sizeof r->key, key) && copy(r->value, sizeof r->value, value);
}

static void read_file(struct guest_names *n, const char *file)
{
    if (n->kernels == GUEST_KERNELS_MAX)
        usage_error("%s: at most %d rule files", file, GUEST_KERNELS_MAX);
    n->kernel = realloc(n->kernel, (n->kernels + 1) * sizeof *n->kernel);
    CHECK(n->kernel != NULL);
    struct guest_kernel *k = &n->kernel[n->kernels++];
    memset(k, 0, sizeof *k);
    copy(k->file, sizeof k->file, file);
    int line = rules_parse(file, take, k);
    if (line)
        usage_error("%s:%d: accepted are [kernel] with name, has and when, [names] with up to %d "
                    "definitions, and paths", file, line, GUEST_NAMES_MAX);
}

void guest_names_read_file(struct guest_names *n, const char *file)
{
    guest_names_free(n);
    read_file(n, file);
}

static int is_rules(const struct dirent *e)
{
    size_t length = strlen(e->d_name);
    return length > 4 && strcmp(e->d_name + length - 4, ".ini") == 0;
}

/* In the order of their names, whatever the host's folder has them in. */
void guest_names_read_folder(struct guest_names *n, const char *folder)
{
    struct dirent **list = NULL;
    int count = scandir(folder, &list, is_rules, alphasort);
    for (int i = 0; i < count; i++) {
        char file[4096];
        if ((size_t)snprintf(file, sizeof file, "%s/%s", folder, list[i]->d_name) < sizeof file)
            read_file(n, file);
        free(list[i]);
    }
    free(list);
}

void guest_names_free(struct guest_names *n)
{
    free(n->kernel);
    n->kernel = NULL;
    n->kernels = 0;
    n->chosen = NULL;
}

/* --- which kernel it is ----------------------------------------------------------------------- */

static bool has_all(const struct guest_names *n, const char *list)
{
    char name[128];
    laddr_t la;
    for (int used; sscanf(list, "%127s%n", name, &used) == 1; list += used)
        if (!symbols_address(n->symbols, name, &la))
            return false;
    return true;
}

bool guest_names_value(const struct guest_names *n, const struct guest_kernel *k,
                       const struct cpu *c, const char *expression, uint32_t *value)
{
    struct guest_value v = {.symbols = n->symbols, .kernel = k, .cpu = c, .at = expression};
    *value = guest_value(&v);
    return !v.failed && *v.at == 0;
}

static bool fits(const struct guest_names *n, const struct guest_kernel *k, const struct cpu *c)
{
    uint32_t yes;
    if (*k->when && !(guest_names_value(n, k, c, k->when, &yes) && yes))
        return false;
    return (*k->has || *k->when) && has_all(n, k->has);
}

/* One file that was asked for by name need not say what it is for. */
const struct guest_kernel *guest_names_choose(struct guest_names *n, const struct cpu *c)
{
    for (unsigned i = 0; !n->chosen && i < n->kernels; i++) {
        const struct guest_kernel *k = &n->kernel[i];
        if (fits(n, k, c) || (n->kernels == 1 && !*k->has && !*k->when))
            n->chosen = k;
    }
    return n->chosen;
}

/* --- names ------------------------------------------------------------------------------------ */

/* A string of the guest, printable and not endless. */
static bool read_string(const struct cpu *c, laddr_t la, char *text, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (!mmu_peek(c->mmu, la + (laddr_t)i, &text[i], 1))
            return false;
        if (!text[i])
            return i > 0;
        if (!isprint((unsigned char)text[i]))
            return false;
    }
    text[size - 1] = 0;
    return true;
}

/* "path/name arguments": name. */
static void keep_base_name(char *text)
{
    text[strcspn(text, " ")] = 0;
    const char *slash = strrchr(text, '/');
    if (slash)
        memmove(text, slash + 1, strlen(slash + 1) + 1);
}

/* What stands in braces, at v->at behind the opening one. */
static bool put_value(struct guest_value *v, char *out, size_t size)
{
    char text[256];
    uint32_t value = guest_value(v);
    char form = *v->at == ':' ? v->at[1] : 'd';
    v->at += *v->at == ':' && v->at[1] ? 2 : 0;
    if (v->failed || *v->at != '}')
        return false;
    v->at++;
    if (form == 'd' || form == 'x') {
        snprintf(out, size, form == 'x' ? "%x" : "%u", value);
        return true;
    }
    if ((form != 's' && form != 'b') || !read_string(v->cpu, value, text, sizeof text))
        return false;
    if (form == 'b')
        keep_base_name(text);
    snprintf(out, size, "%.*s", (int)size - 1, text);
    return *text != 0;
}

static bool fill_in(struct guest_value *v, char *name, size_t size)
{
    size_t used = 0;
    name[0] = 0;
    while (*v->at && used + 1 < size) {
        if (*v->at != '{') {
            name[used++] = *v->at++;
            name[used] = 0;
            continue;
        }
        v->at++;
        if (!put_value(v, name + used, size - used))
            return false;
        used += strlen(name + used);
    }
    return used > 0;
}

/* "EXPRESSION ? text", or text alone. */
static bool evaluate(const struct guest_names *n, const struct cpu *c, const char *rule,
                     char *name, size_t size)
{
    struct guest_value v = {.symbols = n->symbols, .kernel = n->chosen, .cpu = c, .at = rule};
    const char *question = strchr(rule, '?'), *brace = strchr(rule, '{');
    if (question && (!brace || question < brace)) {
        if (!guest_value(&v) || v.failed || *v.at != '?')
            return false;
        for (v.at++; *v.at == ' ';)
            v.at++;
    }
    return fill_in(&v, name, size);
}

void guest_names_name(void *owner, const struct cpu *c, bool thread, char *name, size_t size)
{
    struct guest_names *n = owner;
    const struct guest_kernel *k = guest_names_choose(n, c);
    for (unsigned i = 0; k && i < k->count; i++)
        if (strcmp(k->rule[i].key, thread ? "thread" : "space") == 0 &&
            evaluate(n, c, k->rule[i].value, name, size))
            return;
    name[0] = 0;
}
