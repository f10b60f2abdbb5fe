#include "sim/report/round_trips.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

void round_trips_init(struct round_trips *t, cycle_t now)
{
    memset(t, 0, sizeof *t);
    t->row = xalloc(TRIPS_ROWS, sizeof *t->row);
    t->user_since = now;
}

void round_trips_free(struct round_trips *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        distribution_free(&t->row[i].totals);
    free(t->row);
    t->row = NULL;
}

static struct trip_row *row_of(struct round_trips *t, const struct trip_call *call,
                               const struct trip_path *reply)
{
    for (uint32_t i = 0; i < t->count; i++) {
        struct trip_row *r = &t->row[i];
        if (r->call == call->cluster && r->reply == reply->cluster &&
            r->client_space == call->space && r->server_space == reply->from_space)
            return r;
    }
    if (t->count == TRIPS_ROWS)
        return NULL;
    struct trip_row *r = &t->row[t->count++];
    r->call = call->cluster;
    r->reply = reply->cluster;
    r->client_space = call->space;
    r->server_space = reply->from_space;
    return r;
}

/* Returns what passed since the call was made. */
static uint64_t complete(struct round_trips *t, const struct trip_call *call,
                         const struct trip_path *reply)
{
    uint64_t total = call->cycles + t->user + t->other + reply->cycles;
    struct trip_row *r = row_of(t, call, reply);
    if (!r) {
        t->others++;
        return total;
    }
    if (!r->count || total < r->min) {
        r->min = total;
        r->least.client = call->client;
        r->least.send = call->cycles;
        r->least.server = t->user;
        r->least.answer = reply->cycles;
        r->least.other = t->other;
    }
    if (total > r->max)
        r->max = total;
    r->count++;
    r->client += call->client;
    r->send += call->cycles;
    r->server += t->user;
    r->answer += reply->cycles;
    r->other += t->other;
    distribution_add(&r->totals, total, 1);
    return total;
}

static void begin_stretch(struct round_trips *t, uint64_t user, uint64_t other)
{
    t->user = user;
    t->since_reply = 0;
    t->other = other;
}

static void push(struct round_trips *t, const struct trip_path *p)
{
    if (t->depth == TRIPS_NESTED)
        memmove(t->call, t->call + 1, --t->depth * sizeof *t->call);
    t->call[t->depth++] = (struct trip_call){.cluster = p->cluster, .thread = p->from_thread,
                                             .space = p->from_space, .client = t->since_reply,
                                             .user = t->user, .other = t->other,
                                             .cycles = p->cycles};
    begin_stretch(t, 0, 0);
}

/* The thread it leads to has made a call before: that is over. */
static bool reply(struct round_trips *t, const struct trip_path *p)
{
    unsigned at = t->depth;
    while (at > 0 && t->call[at - 1].thread != p->to_thread)
        at--;
    if (at == 0)
        return false;
    const struct trip_call call = t->call[at - 1];
    bool direct = at == t->depth;
    uint64_t total = direct ? complete(t, &call, p) : 0;
    t->depth = at - 1;
    if (t->depth && direct) /* itself a server: what it called is part of serving */
        begin_stretch(t, call.user, call.other + total);
    else
        begin_stretch(t, 0, 0);
    return true;
}

void round_trips_path(struct round_trips *t, const struct trip_path *p)
{
    if (!p->idle) {
        t->user += p->begin - t->user_since;
        t->since_reply += p->begin - t->user_since;
    }
    t->user_since = p->end;
    if (p->idle) { /* who called has been left waiting: nothing can be joined across it */
        t->depth = 0;
        begin_stretch(t, 0, 0);
    } else if (p->from_thread == p->to_thread) {
        t->other += p->cycles;
    } else if (!reply(t, p)) {
        push(t, p);
    }
}
