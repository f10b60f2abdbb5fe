/* paths_json: paths, their clusters and what was joined of them as a document. */
#include "sim/core/check.h"
#include "sim/report/ledger_json.h"
#include "sim/report/paths.h"

#include <inttypes.h>

static json_t *causes_of(const struct path_cluster *k)
{
    json_t *o = json_object();
    for (int c = 0; c < CAUSE_COUNT; c++)
        if (k->cause[c])
            json_object_set_new(o, cause_names[c], json_integer((json_int_t)k->cause[c]));
    return o;
}

static json_t *symbols_of(const struct path_cluster *k, const struct symbols *symbols)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < PATHS_SYMBOLS; i++)
        if (k->symbol[i].cycles)
            json_array_append_new(
                list, json_pack("{s:s,s:I}", "name",
                                symbols_place_name(symbols, k->symbol[i].place), "cycles",
                                (json_int_t)k->symbol[i].cycles));
    return list;
}

static json_t *pairs_of(const struct path_cluster *k)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < PATHS_PAIRS && k->pair[i].count; i++)
        json_array_append_new(
            list, json_pack("{s:i,s:i,s:I,s:I}", "from", (int)k->pair[i].from, "to",
                            (int)k->pair[i].to, "count", (json_int_t)k->pair[i].count, "cycles",
                            (json_int_t)k->pair[i].cycles));
    return list;
}

static json_t *phases_of(const struct path_cluster *k)
{
    json_t *list = json_array();
    uint64_t sum = 0;
    for (unsigned i = 0; i < k->phases->count; i++) {
        json_array_append_new(list, json_pack("{s:s,s:I}", "name", k->phases->list[i].name,
                                              "cycles", (json_int_t)k->phase[i]));
        sum += k->phase[i];
    }
    CHECK(sum == k->cycles);
    return list;
}

/* How many instances passed it, and the sum of the cycles from their beginnings. */
static json_t *milestones_of(const struct path_cluster *k)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < PATH_MARK_SYMBOL; i++)
        if (k->mark[i].count)
            json_object_set_new(o, path_mark_names[i],
                                json_pack("{s:I,s:I}", "count", (json_int_t)k->mark[i].count,
                                          "cycles", (json_int_t)k->mark[i].at));
    return o;
}

static json_t *overlap_of(const struct path_cluster *k)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < OVERLAP_KINDS; i++)
        json_object_set_new(o, overlap_names[i],
                            json_pack("{s:I,s:I,s:I}", "used", (json_int_t)k->used[i], "shared",
                                      (json_int_t)k->shared[i], "displaced",
                                      (json_int_t)k->displaced[i]));
    return o;
}

static void add_details(json_t *o, const struct path_cluster *k)
{
    json_object_set_new(o, "code_sets", json_integer((json_int_t)k->code_sets));
    json_object_set_new(o, "data_sets", json_integer((json_int_t)k->data_sets));
    json_object_set_new(o, "longest", json_integer((json_int_t)k->longest));
    json_object_set_new(o, "phases", phases_of(k));
    json_object_set_new(o, "milestones", milestones_of(k));
    json_object_set_new(o, "overlap", overlap_of(k));
    json_object_set_new(o, "pairs", pairs_of(k));
    json_object_set_new(o, "other_pairs", json_pack("{s:I,s:I}", "count",
                                                    (json_int_t)k->other_pairs, "cycles",
                                                    (json_int_t)k->other_pairs_cycles));
}

static json_t *cluster_json(const struct path_cluster *k, const struct symbols *symbols)
{
    char entry[64], signature[20];
    path_name(k->entry, entry, sizeof entry);
    snprintf(signature, sizeof signature, "%016" PRIx64, k->signature);
    json_t *o =
        json_pack("{s:s,s:b,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}",
                  "entry", entry, "from_idle", (int)k->from_idle, "ends",
                  path_end_names[k->end], "signature", signature, "count",
                  (json_int_t)k->count, "cycles", (json_int_t)k->cycles, "min",
                  (json_int_t)k->min, "max", (json_int_t)k->max, "instructions",
                  (json_int_t)k->instructions, "nested", (json_int_t)k->nested,
                  "nested_cycles", (json_int_t)k->nested_cycles, "cr3_writes",
                  (json_int_t)k->cr3_writes, "code_lines", (json_int_t)k->code_lines,
                  "data_lines", (json_int_t)k->data_lines, "pages", (json_int_t)k->pages,
                  "first", (json_int_t)k->first, "causes", causes_of(k), "symbols",
                  symbols_of(k, symbols));
    distribution_write(&k->durations, o);
    for (int m = 0; m < PATH_MISSES; m++)
        json_object_set_new(o, path_miss_names[m], json_integer((json_int_t)k->misses[m]));
    add_details(o, k);
    return o;
}

static json_t *least_of(const struct trip_row *r)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "client", (json_int_t)r->least.client, "send",
                     (json_int_t)r->least.send, "server", (json_int_t)r->least.server, "answer",
                     (json_int_t)r->least.answer, "other", (json_int_t)r->least.other);
}

static json_t *trip_json(const struct trip_row *r, const struct spaces *s)
{
    char client[SPACE_NAME_SIZE], server[SPACE_NAME_SIZE];
    spaces_name(s, r->client_space, client, sizeof client);
    spaces_name(s, r->server_space, server, sizeof server);
    json_t *o =
        json_pack("{s:i,s:i,s:i,s:i,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "call",
                  (int)r->call, "reply", (int)r->reply, "client_space",
                  (int)r->client_space, "server_space", (int)r->server_space, "client_name",
                  client, "server_name", server, "count", (json_int_t)r->count, "client",
                  (json_int_t)r->client, "send", (json_int_t)r->send, "server",
                  (json_int_t)r->server, "answer", (json_int_t)r->answer, "other",
                  (json_int_t)r->other, "min", (json_int_t)r->min, "max", (json_int_t)r->max,
                  "least", least_of(r));
    distribution_write(&r->totals, o);
    return o;
}

static json_t *trips_json(const struct round_trips *t, const struct spaces *s)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < t->count; i++)
        json_array_append_new(list, trip_json(&t->row[i], s));
    return list;
}

static json_t *off_json(const struct path_off *off, const struct symbols *symbols)
{
    char from[128], to[128];
    symbols_format(symbols, off->from, from, sizeof from);
    symbols_format(symbols, off->to, to, sizeof to);
    return json_pack("{s:I,s:I,s:I,s:s,s:I,s:s,s:I}", "longest", (json_int_t)off->cycles, "began",
                     (json_int_t)off->began, "address", (json_int_t)off->from, "symbol", from,
                     "to_address", (json_int_t)off->to, "to_symbol", to, "cluster",
                     off->cluster == PATHS_NONE ? (json_int_t)-1 : (json_int_t)off->cluster);
}

json_t *paths_json(const struct paths *p, const struct symbols *symbols)
{
    json_t *list = json_array();
    struct path_accounts a = paths_accounts(p);
    uint64_t sum = a.boot + a.user + a.idle + a.unfinished;
    uint64_t total = p->cpu->clock->now - p->start;
    for (uint32_t i = 0; i < p->count; i++) {
        json_array_append_new(list, cluster_json(&p->list[i], symbols));
        sum += p->list[i].cycles;
    }
    CHECK(sum == total);
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:I,s:o}", "cycles",
                     (json_int_t)total, "boot", (json_int_t)a.boot, "user",
                     (json_int_t)a.user, "user_instructions", (json_int_t)a.user_instructions,
                     "idle", (json_int_t)a.idle, "unfinished", (json_int_t)a.unfinished, "crowded",
                     (json_int_t)p->crowded,
                     "interrupts_off", off_json(&p->off_longest, symbols), "clusters", list,
                     "round_trips",
                     trips_json(&p->trips, p->spaces), "round_trips_untold",
                     (json_int_t)p->trips.others,
                     "interrupt_latency", irq_latency_json(&p->latency));
}
