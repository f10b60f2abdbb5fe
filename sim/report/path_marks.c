#include "sim/report/path_marks.h"

#include <stdio.h>
#include <string.h>

_Static_assert(PATH_MARKS <= 64, "what was seen is a mask");

const char *const path_mark_names[PATH_MARK_SYMBOL] = {"entered", "stack", "cr3", "exit"};

/* The mark of a milestone; -1: its symbol is not there; -2: there are too many. */
static int mark_of(const char *name, const struct symbols *symbols, struct path_mark_places *p)
{
    laddr_t la;
    for (int i = 0; i < PATH_MARK_SYMBOL; i++)
        if (strcmp(path_mark_names[i], name) == 0)
            return i;
    if (!symbols_address(symbols, name, &la))
        return -1;
    for (unsigned i = 0; i < p->count; i++)
        if (p->la[i] == la)
            return PATH_MARK_SYMBOL + (int)i;
    if (p->count == PATH_SYMBOL_MARKS)
        return -2;
    p->la[p->count] = la;
    uint32_t bit = la & (PATH_MARK_FILTER - 1);
    p->filter[bit / 64] |= 1ull << bit % 64;
    return PATH_MARK_SYMBOL + (int)p->count++;
}

bool path_phases_parse(const char *text, const struct symbols *symbols,
                       struct path_mark_places *places, struct path_phases *phases)
{
    char word[128];
    int used;
    phases->count = 0;
    for (; sscanf(text, "%127s%n", word, &used) == 1; text += used) {
        char *at = strchr(word, '@');
        if ((at != NULL) != (phases->count > 0) || phases->count == PATH_PHASES_MAX)
            return false;
        if (at)
            *at = 0;
        int mark = at ? mark_of(at + 1, symbols, places) : 0;
        struct path_phase *f = &phases->list[phases->count];
        if (mark == -2 || (size_t)snprintf(f->name, sizeof f->name, "%s", word) >= sizeof f->name)
            return false;
        f->mark = (uint8_t)mark;
        phases->count += mark >= 0;
    }
    return phases->count > 0;
}

static unsigned phase_from(const struct path_phases *phases, unsigned mark)
{
    for (unsigned i = 1; i < phases->count; i++)
        if (phases->list[i].mark == mark)
            return i;
    return 0;
}

void path_phases_add(const struct path_phases *phases, const struct path_marks *m, uint64_t cycles,
                     uint64_t sums[PATH_PHASES_MAX])
{
    unsigned now = 0;
    uint64_t from = 0;
    for (unsigned i = 0; i < m->count; i++) {
        unsigned next = phase_from(phases, m->list[i].mark);
        if (!next)
            continue;
        sums[now] += m->list[i].at - from;
        from = m->list[i].at;
        now = next;
    }
    sums[now] += cycles - from;
}
