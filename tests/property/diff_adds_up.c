/* diff_adds_up: random documents of costs, compared: on every axis the parts sum to the difference;
 * instructions that were only moved are found again; what is matched is as long as any common
 * sequence. A document compared with itself differs in nothing. */
#include "sim/core/check.h"
#include "sim/report/diff.h"
#include "sim/report/diff_align.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 300
#define SHAPES 6 /* few, so that sequences are ambiguous */

struct random {
    uint64_t state;
};

static uint32_t below(struct random *r, uint32_t n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return n ? (uint32_t)(r->state >> 33) % n : 0;
}

/* --- documents -------------------------------------------------------------------------------- */

static json_t *random_causes(struct random *r, uint64_t *sums, uint64_t *cycles)
{
    json_t *o = json_object();
    *cycles = 0;
    for (unsigned n = below(r, 4); n; n--) {
        unsigned k = below(r, CAUSE_COUNT);
        uint64_t value = below(r, 5) ? below(r, 100) : below(r, 1u << 30);
        if (!value || json_object_get(o, cause_names[k]))
            continue;
        json_object_set_new(o, cause_names[k], json_integer((json_int_t)value));
        sums[k] += value;
        *cycles += value;
    }
    return o;
}

static json_t *random_line(struct random *r, unsigned address, uint64_t *sums)
{
    static const char *const phases[] = {"entry", "kernel", "nested", "exit"};
    char symbol[32], text[48];
    uint64_t cycles;
    json_t *causes = random_causes(r, sums, &cycles);
    snprintf(symbol, sizeof symbol, "f%u+%x", below(r, 3), address & 0xFF);
    snprintf(text, sizeof text, "op%u eax, 0x%x", below(r, SHAPES), 0x100000 + address);
    return json_pack("{s:i,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:o}", "address", (int)address,
                     "symbol", symbol, "instruction", text, "kind", "kernel", "phase",
                     phases[below(r, 4)], "executions", (json_int_t)below(r, 100), "cycles",
                     (json_int_t)cycles, "u", (json_int_t)0, "v", (json_int_t)0, "paired",
                     (json_int_t)0, "causes", causes);
}

/* Some of its cycles may be of no line, and it may have no lines at all. */
static json_t *random_path(struct random *r, uint64_t *total)
{
    uint64_t sums[CAUSE_COUNT] = {0}, cycles;
    json_t *lines = json_array();
    for (unsigned n = below(r, 40), address = below(r, 1000); n; n--, address += 1 + below(r, 5))
        json_array_append_new(lines, random_line(r, address, sums));
    json_decref(random_causes(r, sums, &cycles));
    cycles = 0;
    for (int k = 0; k < CAUSE_COUNT; k++)
        cycles += sums[k];
    *total += cycles;
    json_t *path = json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "count",
                             (json_int_t)1 + below(r, below(r, 2) ? 3 : 100000), "cycles",
                             (json_int_t)cycles, "typical", (json_int_t)1, "min", (json_int_t)1,
                             "max", (json_int_t)1, "causes", costs_causes_json(sums));
    if (below(r, 5))
        json_object_set(path, "lines", lines);
    json_decref(lines);
    return path;
}

static json_t *random_document(struct random *r)
{
    json_t *paths = json_object();
    uint64_t total = 0;
    for (unsigned n = below(r, 6); n; n--) {
        char name[16];
        snprintf(name, sizeof name, "path%u", below(r, 6));
        json_object_set_new(paths, name, random_path(r, &total));
    }
    return json_pack("{s:{s:I,s:I},s:o}", "accounts", "user", (json_int_t)below(r, 1u << 30),
                     "idle", (json_int_t)below(r, 1000), "named_paths", paths);
}

/* --- the laws --------------------------------------------------------------------------------- */

static void expect_path(const struct diff_path *p)
{
    int64_t lines = 0, sites = 0, causes = 0, line_causes[CAUSE_COUNT] = {0};
    for (uint32_t i = 0; i < p->line_count; i++) {
        int64_t sum = 0;
        for (int k = 0; k < CAUSE_COUNT; k++) {
            sum += p->lines[i].cause[k];
            line_causes[k] += p->lines[i].cause[k];
        }
        CHECK(sum == p->lines[i].cycles);
        CHECK((p->lines[i].status == DIFF_NEW) == !p->lines[i].a);
        CHECK((p->lines[i].status == DIFF_GONE) == !p->lines[i].b);
        lines += sum;
    }
    for (uint32_t i = 0; i < p->site_count; i++)
        sites += p->sites[i].cycles;
    for (int k = 0; k < CAUSE_COUNT; k++) {
        CHECK(line_causes[k] + p->rest_cause[k] == p->cause[k]);
        causes += p->cause[k];
    }
    CHECK(lines + p->rest == p->cost && causes == p->cost && sites == lines);
    CHECK(p->instances + p->cost == p->cycles);
    if (p->a && p->b && p->a->count == p->b->count)
        CHECK(p->instances == 0);
    if (p->detailed) /* every line of both is there once */
        for (int side = 0; side < 2; side++) {
            const struct cost_path *of = side ? p->b : p->a;
            uint64_t seen = 0;
            for (uint32_t i = 0; i < p->line_count; i++)
                seen += (side ? p->lines[i].b : p->lines[i].a) != NULL;
            CHECK(seen == of->line_count);
        }
}

static void expect_sums(const struct diff *d)
{
    int64_t sum = 0;
    for (int n = 0; n < COST_ACCOUNTS; n++)
        sum += d->account[n];
    for (uint32_t i = 0; i < d->path_count; i++) {
        expect_path(&d->paths[i]);
        sum += d->paths[i].cycles;
    }
    CHECK(sum == d->cycles);
}

static void two_documents(struct random *r)
{
    static const struct path_rules none;
    struct costs a, b;
    struct diff d;
    costs_read(&a, random_document(r), "a", &none, COSTS_ALL);
    costs_read(&b, random_document(r), "b", &none, COSTS_ALL);
    diff_make(&d, &a, &b);
    expect_sums(&d);
    diff_free(&d);
    diff_make(&d, &a, &a);
    expect_sums(&d);
    for (uint32_t i = 0; i < d.path_count; i++)
        CHECK(d.paths[i].cost == 0 && d.paths[i].site_count == 0);
    diff_free(&d);
    costs_free(&a);
    costs_free(&b);
}

/* --- alignment -------------------------------------------------------------------------------- */

#define LONGEST 24

/* One function whose instructions are the letters of a word. */
static struct cost_path word(struct cost_line *lines, char shapes[][2], unsigned length,
                             laddr_t address)
{
    for (unsigned i = 0; i < length; i++)
        lines[i] = (struct cost_line){.address = address + i, .function = (char *)"f",
                                      .shape = shapes[i], .phase = "kernel", .symbol = "f",
                                      .text = shapes[i]};
    return (struct cost_path){.name = "p", .count = 1, .lines = lines, .line_count = length};
}

static unsigned longest_common(char a[][2], unsigned i, char b[][2], unsigned n)
{
    unsigned table[LONGEST + 1][LONGEST + 1] = {{0}};
    for (unsigned x = 1; x <= i; x++)
        for (unsigned y = 1; y <= n; y++) {
            unsigned up = table[x - 1][y], left = table[x][y - 1];
            table[x][y] = a[x - 1][0] == b[y - 1][0] ? table[x - 1][y - 1] + 1
                          : up > left                ? up
                                                     : left;
        }
    return table[i][n];
}

static void two_words(struct random *r)
{
    struct cost_line x[LONGEST], y[LONGEST];
    char a[LONGEST][2] = {{0}}, b[LONGEST][2] = {{0}};
    uint32_t partner[LONGEST], matched = 0, last = 0;
    unsigned i = 1 + below(r, LONGEST), n = 1 + below(r, LONGEST);
    for (unsigned k = 0; k < i; k++)
        a[k][0] = (char)('a' + below(r, 3));
    for (unsigned k = 0; k < n; k++)
        b[k][0] = (char)('a' + below(r, 3));
    struct cost_path p = word(x, a, i, 0x1000), q = word(y, b, n, 0x9000);
    diff_align(&p, &q, partner);
    for (unsigned k = 0; k < i; k++) {
        if (partner[k] == DIFF_NONE)
            continue;
        CHECK(partner[k] < n && a[k][0] == b[partner[k]][0]);
        CHECK(matched == 0 || partner[k] > last); /* in order */
        last = partner[k];
        matched++;
    }
    CHECK(matched == longest_common(a, i, b, n));
}

int main(void)
{
    printf("seeds 1 to %d\n", SEEDS);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random r = {seed * 0x9E3779B97F4A7C15u};
        two_documents(&r);
        for (int i = 0; i < 20; i++)
            two_words(&r);
    }
    printf("%d passed, 0 failed\n", SEEDS * 21);
    return 0;
}
