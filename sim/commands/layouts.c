#include "sim/commands/layouts.h"

#include "sim/commands/measured.h"
#include "sim/core/check.h"

#include <stdio.h>
#include <string.h>

void layouts_add(struct layouts *l, const char *spec)
{
    const char *colon = strchr(spec, ':');
    if (l->count == LAYOUTS_MOST)
        usage_error("--layout %s: more than %d", spec, LAYOUTS_MOST);
    struct layout *n = &l->list[l->count++];
    n->spec = spec;
    size_t length = colon ? (size_t)(colon - spec) : 0;
    if (length == 0 || length >= sizeof n->run || !colon[1] || strchr(colon + 1, ':') ||
        strlen(colon + 1) >= sizeof n->baseline)
        usage_error("--layout %s: accepted is RUN:BASELINE, two files without a colon in their "
                    "names", spec);
    memcpy(n->run, spec, length);
    strcpy(n->baseline, colon + 1);
}

void layouts_read(struct layouts *l, const struct path_rules *rules)
{
    for (unsigned i = 0; i < l->count; i++) {
        struct layout *n = &l->list[i];
        costs_read(&n->now, measured("check", n->run), n->run, rules, COSTS_ALL);
        costs_read(&n->before, measured("check", n->baseline), n->baseline, rules, COSTS_ALL);
    }
}

void layouts_free(struct layouts *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        costs_free(&l->list[i].now);
        costs_free(&l->list[i].before);
    }
}

/* How the mean of an instance differs, in hundredths of a cycle; false: one of the two has no such
 * path. */
static bool difference(const struct cost_path *before, const struct cost_path *now,
                       int64_t *hundredths)
{
    if (!before || !now)
        return false;
    __int128 over = (__int128)now->count * before->count;
    __int128 times = ((__int128)now->cycles * before->count -
                      (__int128)before->cycles * now->count) * 100;
    *hundredths = (int64_t)((times + (times < 0 ? -over : over) / 2) / over);
    return true;
}

static int64_t whole(int64_t hundredths)
{
    return (hundredths + (hundredths < 0 ? -50 : 50)) / 100;
}

static void say_difference(struct verdict *v, int64_t hundredths)
{
    verdict_say(v, "%s%lld.%02lld", hundredths < 0 ? "-" : "+",
                (long long)(hundredths < 0 ? -hundredths : hundredths) / 100,
                (long long)(hundredths < 0 ? -hundredths : hundredths) % 100);
}

void layouts_say(const struct layouts *l, struct verdict *v, const struct cost_path *before,
                 const struct cost_path *now)
{
    int64_t one, least, most;
    if (!l->count || !difference(before, now, &one))
        return;
    least = most = whole(one);
    verdict_say(v, "in %u layouts the mean differs by ", l->count + 1);
    say_difference(v, one);
    for (unsigned i = 0; i < l->count; i++) {
        verdict_say(v, ", ");
        if (!difference(costs_find(&l->list[i].before, now->name),
                        costs_find(&l->list[i].now, now->name), &one)) {
            verdict_say(v, "(no such path)");
            continue;
        }
        say_difference(v, one);
        least = whole(one) < least ? whole(one) : least;
        most = whole(one) > most ? whole(one) : most;
    }
    if (least == most && least == 0)
        verdict_say(v, ": it is neither, that rounds to no cycle\n");
    else if (least == most)
        verdict_say(v, ": it is the code, %+lld cycles wherever it lies\n", (long long)least);
    else if (least > 0 || most < 0)
        verdict_say(v, ": it is the code by %+lld, and the layout by up to %lld more\n",
                    (long long)(least > 0 ? least : most), (long long)(most - least));
    else
        verdict_say(v, ": it is the layout, from %+lld to %+lld cycles\n", (long long)least,
                    (long long)most);
}
