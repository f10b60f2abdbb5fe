#include "sim/report/watch.h"

#include "sim/core/check.h"

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct watch *h = owner;
    for (unsigned i = 0; i < h->count; i++)
        h->list[i].priced(h->list[i].owner, c, o, delivery);
}

static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct watch *h = owner;
    for (unsigned i = 0; i < h->count; i++)
        if (h->list[i].charged)
            h->list[i].charged(h->list[i].owner, cause, cycles);
}

static void run(void *owner, const struct cpu *c, const struct priced_run *r)
{
    struct watch *h = owner;
    for (unsigned i = 0; i < h->count; i++)
        h->run[i](h->list[i].owner, c, r);
}

static bool all_take_runs(const struct watch *h)
{
    for (unsigned i = 0; i < h->count; i++)
        if (!h->run[i])
            return false;
    return h->count > 0;
}

static void connect(struct watch *h)
{
    struct watcher w = {priced, charged, h};
    watch_run all = all_take_runs(h) ? run : NULL;
    if (h->count == 1) {
        w = h->list[0];
        all = h->run[0];
    }
    h->cpu->on_priced = h->count ? w.priced : NULL;
    h->cpu->on_priced_run = h->count ? all : NULL;
    h->cpu->priced_owner = w.owner;
    h->cpu->ledger->tap = h->count ? w.charged : NULL;
    h->cpu->ledger->tap_owner = w.owner;
}

void watch_add_runs(struct watch *h, struct cpu *c, struct watcher w, watch_run run_told)
{
    CHECK(c->model->timed && h->count < WATCHERS_MAX);
    h->cpu = c;
    h->run[h->count] = run_told;
    h->list[h->count++] = w;
    connect(h);
}

void watch_add(struct watch *h, struct cpu *c, struct watcher w) { watch_add_runs(h, c, w, NULL); }

void watch_remove(struct watch *h, const void *owner)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < h->count; i++)
        if (h->list[i].owner != owner) {
            h->run[kept] = h->run[i];
            h->list[kept++] = h->list[i];
        }
    h->count = kept;
    if (h->cpu)
        connect(h);
}
