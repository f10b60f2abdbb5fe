/* profile_json: the profile as a part of the ledger's document, and the lines of named paths. */
#include "sim/core/check.h"
#include "sim/report/disassemble.h"
#include "sim/report/profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NOT_WRITTEN UINT32_MAX

/* --- writing ---------------------------------------------------------------------------------- */

struct writer {
    const struct profile *profile;
    struct symbols *symbols; /* which reads tables of lines when it is asked */
    struct disassembler *disassembler;
    json_t *code;
    uint32_t *index; /* in the document, by code */
};

/* A jump's or call's operand is an address: "call 0xf0101234 <many+4>". */
static void name_target(const struct symbols *symbols, char *text, size_t size)
{
    char name[96], *address = strstr(text, " 0x");
    if (!address || (text[0] != 'j' && strncmp(text, "call ", 5) != 0))
        return;
    char *end;
    laddr_t la = (laddr_t)strtoul(address + 1, &end, 16);
    symbols_format(symbols, la, name, sizeof name);
    size_t at = strlen(text);
    if (!*end && *name && at + strlen(name) + 4 < size)
        snprintf(text + at, size - at, " <%s>", name);
}

static json_t *code_json(const struct writer *w, const struct profile_code *k)
{
    char name[96], text[160] = "(interrupt or exception)", bytes[32] = "";
    const char *file;
    uint32_t line;
    symbols_format(w->symbols, k->la, name, sizeof name);
    for (unsigned i = 0; i < k->length; i++)
        snprintf(bytes + 2 * i, 3, "%02x", k->bytes[i]);
    if (!k->delivery) {
        disassemble(w->disassembler, k->bytes, k->length, k->la, text, sizeof text);
        name_target(w->symbols, text, sizeof text);
    }
    json_t *o = json_pack("{s:I,s:s,s:s,s:s,s:s,s:s}", "address", (json_int_t)k->la, "bytes", bytes,
                          "kind", k->cr3 ? "user" : "kernel", "phase",
                          profile_phase_names[k->phase], "symbol", name, "instruction", text);
    if (source_find(&w->symbols->source, k->la, &file, &line)) {
        snprintf(text, sizeof text, "%.140s:%" PRIu32, file, line);
        json_object_set_new(o, "source", json_string(text));
    }
    return o;
}

static uint32_t code_index(struct writer *w, uint32_t code)
{
    if (w->index[code] == NOT_WRITTEN) {
        w->index[code] = (uint32_t)json_array_size(w->code);
        json_array_append_new(w->code, code_json(w, &w->profile->code[code]));
    }
    return w->index[code];
}

static json_t *row_json(struct writer *w, const struct profile_rows *s, const struct profile_row *r,
                        uint64_t *cause)
{
    uint64_t sums[CAUSE_COUNT] = {0};
    json_t *causes = json_object();
    for (uint32_t n = r->cells; n; n = s->cell[n - 1].next)
        sums[s->cell[n - 1].cause] += s->cell[n - 1].cycles;
    for (int k = 0; k < CAUSE_COUNT; k++) {
        cause[k] += sums[k];
        if (sums[k])
            json_object_set_new(causes, cause_names[k], json_integer((json_int_t)sums[k]));
    }
    json_t *o = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "code",
                          (json_int_t)code_index(w, r->code), "executions",
                          (json_int_t)r->executions, "cycles", (json_int_t)r->cycles, "u",
                          (json_int_t)r->u, "v", (json_int_t)r->v, "paired",
                          (json_int_t)r->paired, "causes", causes);
    char units[UNITS_TEXT];
    if (r->units)
        json_object_set_new(o, "units", json_string(units_format(r->units, units, sizeof units)));
    return o;
}

static json_t *cluster_json(struct writer *w, uint32_t cluster)
{
    const struct profile_rows *s = &w->profile->cluster[cluster];
    const struct path_cluster *k = &w->profile->paths->list[cluster];
    uint64_t cause[CAUSE_COUNT] = {0};
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->count; i++)
        json_array_append_new(list, row_json(w, s, &s->list[i], cause));
    for (int c = 0; c < CAUSE_COUNT; c++)
        CHECK(cause[c] == k->cause[c]);
    return json_pack("{s:I,s:I,s:I,s:o}", "cluster", (json_int_t)cluster, "count",
                     (json_int_t)k->count, "cycles", (json_int_t)k->cycles, "instructions", list);
}

static bool is_kept(const struct profile *p, uint32_t cluster)
{
    return cluster < p->cluster_count && !p->cluster[cluster].dropped;
}

json_t *profile_json(const struct profile *p, struct symbols *symbols)
{
    const struct paths *paths = p->paths;
    struct writer w = {p, symbols, disassembler_new(), json_array(), NULL};
    uint32_t *order = profile_order(p);
    json_t *clusters = json_array();
    uint64_t rows = 0, cycles = 0, rest[3] = {0};
    w.index = xalloc(p->code_count + 1, sizeof *w.index);
    memset(w.index, 0xFF, p->code_count * sizeof *w.index);
    for (uint32_t i = 0; i < paths->count; i++) {
        uint32_t n = order[i];
        cycles += paths->list[n].cycles;
        if (is_kept(p, n) && rows + p->cluster[n].count <= PROFILE_ROWS_WRITTEN) {
            rows += p->cluster[n].count;
            json_array_append_new(clusters, cluster_json(&w, n));
            continue;
        }
        rest[0]++;
        rest[1] += paths->list[n].count;
        rest[2] += paths->list[n].cycles;
    }
    free(order);
    free(w.index);
    disassembler_free(w.disassembler);
    return json_pack("{s:I,s:o,s:o,s:{s:I,s:I,s:I}}", "cycles", (json_int_t)cycles, "code", w.code,
                     "clusters", clusters, "rest", "clusters", (json_int_t)rest[0], "count",
                     (json_int_t)rest[1], "cycles", (json_int_t)rest[2]);
}
