#include "sim/core/ledger.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

const char *const cause_names[CAUSE_COUNT] = {
#define X(id, name, text) [CAUSE_##id] = name,
    LEDGER_CAUSES(X)
#undef X
};

const char *const cause_texts[CAUSE_COUNT] = {
#define X(id, name, text) [CAUSE_##id] = text,
    LEDGER_CAUSES(X)
#undef X
};

const char *const quality_names[QUALITY_COUNT] = {
    [QUALITY_READ] = "read",
    [QUALITY_FITTED] = "fitted",
    [QUALITY_ESTIMATE] = "estimate",
    [QUALITY_MEMORY] = "from memory",
};

void ledger_init(struct ledger *l, struct clock *clock)
{
    memset(l, 0, sizeof *l);
    l->clock = clock;
    l->start = clock->now;
    ledger_select(l, PATH_BOOT, 0);
}

void ledger_free(struct ledger *l)
{
    for (uint32_t p = 0; p < PATH_COUNT; p++) {
        for (uint32_t i = 0; l->paths[p].rows && i < l->place_capacity; i++)
            free(l->paths[p].rows[i]);
        free(l->paths[p].rows);
    }
    memset(l, 0, sizeof *l);
}

void ledger_restart(struct ledger *l)
{
    for (uint32_t p = 0; p < PATH_COUNT; p++) {
        for (uint32_t i = 0; l->paths[p].rows && i < l->place_capacity; i++)
            if (l->paths[p].rows[i])
                memset(l->paths[p].rows[i], 0, CAUSE_COUNT * sizeof(uint64_t));
        l->paths[p].entries = 0;
    }
    memset(l->quality, 0, sizeof l->quality);
    l->start = l->clock->now;
}

static void grow(struct ledger *l, uint32_t place)
{
    uint32_t capacity = l->place_capacity ? l->place_capacity : 1024;
    while (capacity <= place)
        capacity *= 2;
    for (uint32_t p = 0; p < PATH_COUNT; p++) {
        if (!l->paths[p].rows)
            continue;
        uint64_t **rows = xalloc(capacity, sizeof *rows);
        memcpy(rows, l->paths[p].rows, l->place_capacity * sizeof *rows);
        free(l->paths[p].rows);
        l->paths[p].rows = rows;
    }
    l->place_capacity = capacity;
}

void ledger_select(struct ledger *l, uint32_t path, uint32_t place)
{
    CHECK(path < PATH_COUNT);
    if (place >= l->place_capacity)
        grow(l, place);
    struct ledger_path *p = &l->paths[path];
    if (!p->rows)
        p->rows = xalloc(l->place_capacity, sizeof *p->rows);
    if (!p->rows[place])
        p->rows[place] = xalloc(CAUSE_COUNT, sizeof(uint64_t));
    l->row = p->rows[place];
    l->path = path;
    l->place = place;
}

void ledger_enter(struct ledger *l, uint32_t path)
{
    ledger_select(l, path, l->place);
    l->paths[path].entries++;
}

uint64_t ledger_sum(const struct ledger *l)
{
    uint64_t sum = 0;
    for (uint32_t p = 0; p < PATH_COUNT; p++)
        for (uint32_t i = 0; l->paths[p].rows && i < l->place_capacity; i++)
            for (int k = 0; l->paths[p].rows[i] && k < CAUSE_COUNT; k++)
                sum += l->paths[p].rows[i][k];
    return sum;
}

void ledger_verify(const struct ledger *l)
{
    uint64_t qualities = 0;
    for (int q = 0; q < QUALITY_COUNT; q++)
        qualities += l->quality[q];
    CHECK(ledger_sum(l) == l->clock->now - l->start);
    CHECK(qualities == l->clock->now - l->start);
}
