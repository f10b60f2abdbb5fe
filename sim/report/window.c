#include "sim/report/window.h"

#include "mmu/mmu.h"
#include "sim/core/check.h"
#include "sim/core/number.h"
#include "sim/report/disassemble.h"
#include "sim/report/units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STAGED_WIDTH 8 /* of lane and unit */

const char *const phase_names[PHASE_COUNT] = {"user", "entry", "kernel", "exit"};

/* --- recording -------------------------------------------------------------------------------- */

static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct window *w = owner;
    w->pending[cause] += (uint32_t)cycles;
}

/* The instruction that crosses into privilege 0 is the entry, the one that leaves it the exit. */
static enum window_phase phase_of(uint8_t before, uint8_t after)
{
    if (before == 3)
        return after == 3 ? PHASE_USER : PHASE_ENTRY;
    return after == 3 ? PHASE_EXIT : PHASE_KERNEL;
}

static void record(struct window *w, const struct cpu *c, const struct op *o, laddr_t la,
                   bool delivery)
{
    if (w->count == WINDOW_ENTRIES_MAX) {
        w->overflowed = true;
        return;
    }
    struct window_entry *e = &w->entries[w->count++];
    memset(e, 0, sizeof *e);
    e->la = la;
    e->length = o->length;
    e->delivery = delivery;
    e->phase = (uint8_t)phase_of(w->last_cpl, c->cpl);
    c->model->last(c->model, &e->last);
    if (delivery)
        e->last.pipe = '-';
    e->cycles = (uint32_t)(c->clock->now - w->last_now);
    memcpy(e->cause, w->pending, sizeof e->cause);
    if (!delivery)
        mmu_peek(c->mmu, la, e->bytes, o->length);
    lines_add(&w->lines, c, la, delivery ? 0 : o->length, w->last_cpl != 3, e->phase != PHASE_USER);
}

/* A stretch is over that may be the one with the median: the first of its cost is kept. */
static void keep(struct window *w)
{
    struct window_cost *cost = w->costs, *end = cost + w->cost_count;
    cycle_t cycles = w->end_cycle - w->begin_cycle;
    w->of++;
    while (cost < end && cost->end_cycle - cost->begin_cycle != cycles)
        cost++;
    if (cost < end) {
        cost->times++;
        lines_free(&w->lines);
    } else {
        *cost = (struct window_cost){w->of, 1, xalloc(w->count, sizeof *w->entries), w->count,
                                     w->overflowed, w->lines, w->begin_cycle, w->end_cycle};
        memcpy(cost->entries, w->entries, w->count * sizeof *w->entries);
        w->cost_count++;
    }
    lines_init(&w->lines, w->cpu);
    w->count = 0;
    w->overflowed = false;
    w->closed = w->cost_count == WINDOW_COSTS_MAX;
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct window *w = owner;
    laddr_t la = w->last_cs_base + o->eip;
    bool at_first = !delivery && la == w->first, at_last = !delivery && la == w->last;
    if (w->open && at_last && w->count > 0) {
        w->open = false;
        w->closed = true;
        w->end_cycle = w->last_now;
        if (w->median)
            keep(w);
    }
    if (!w->open && !w->closed && at_first) {
        if (w->skip > 0) {
            w->skip--;
        } else {
            w->open = true;
            w->begin_cycle = w->last_now;
            w->number++;
        }
    }
    if (w->open)
        record(w, c, o, la, delivery);
    memset(w->pending, 0, sizeof w->pending);
    w->last_now = c->clock->now;
    w->last_cpl = c->cpl;
    w->last_cs_base = c->seg[CS].base;
}

static laddr_t parse_address(const struct symbols *symbols, const char *spec, const char *text,
                             size_t n)
{
    char name[256];
    if (n == 0 || n >= sizeof name)
        usage_error("--window %s: expected SYMBOL#N or SYMBOL..SYMBOL#N", spec);
    memcpy(name, text, n);
    name[n] = 0;
    if (strncmp(name, "0x", 2) == 0) {
        uint64_t la;
        if (!number_parse(name + 2, 16, UINT32_MAX, &la))
            usage_error("--window %s: '%s' is no address", spec, name);
        return (laddr_t)la;
    }
    const struct symbol *y = symbols_by_name(symbols, name);
    if (!y)
        usage_error("--window %s: no symbol '%s' (give its file with --symbols)", spec, name);
    return y->address;
}

void window_init(struct window *w, const struct symbols *symbols, const char *spec)
{
    memset(w, 0, sizeof *w);
    const char *number = strchr(spec, '#'), *dots = strstr(spec, "..");
    size_t n = number ? (size_t)(number - spec) : strlen(spec);
    size_t first = dots ? (size_t)(dots - spec) : n;
    w->first = parse_address(symbols, spec, spec, first);
    w->last = dots ? parse_address(symbols, spec, dots + 2, n - first - 2) : w->first;
    w->skip = 1;
    w->median = number && strcmp(number, "#median") == 0;
    if (number && !w->median &&
        (!number_parse(number + 1, 10, UINT64_MAX, &w->skip) || w->skip == 0))
        usage_error("--window %s: '%s' is neither a number from 1 up nor median", spec,
                    number + 1);
    w->number = --w->skip;
}

void window_start(struct window *w, struct watch *h, struct cpu *c)
{
    w->entries = xalloc(WINDOW_ENTRIES_MAX, sizeof *w->entries);
    if (w->median)
        w->costs = xalloc(WINDOW_COSTS_MAX, sizeof *w->costs);
    lines_init(&w->lines, c);
    w->cpu = c;
    w->last_now = c->clock->now;
    w->last_cpl = c->cpl;
    w->last_cs_base = c->seg[CS].base;
    w->watch = h;
    watch_add(h, c, (struct watcher){.priced = priced, .charged = charged, .owner = w});
}

static int by_cycles(const void *a, const void *b)
{
    const struct window_cost *x = a, *y = b;
    cycle_t p = x->end_cycle - x->begin_cycle, q = y->end_cycle - y->begin_cycle;
    return (p > q) - (p < q);
}

void window_end(struct window *w)
{
    if (!w->median || w->cost_count == 0)
        return;
    qsort(w->costs, w->cost_count, sizeof *w->costs, by_cycles);
    const struct window_cost *c = w->costs;
    for (uint64_t below = c->times; below < (w->of + 1) / 2; below += c->times)
        c++;
    memcpy(w->entries, c->entries, c->count * sizeof *w->entries);
    lines_free(&w->lines);
    lines_copy(&w->lines, &c->lines);
    w->count = c->count;
    w->overflowed = c->overflowed;
    w->begin_cycle = c->begin_cycle;
    w->end_cycle = c->end_cycle;
    w->number = c->number;
    w->open = false;
    w->closed = true;
}

void window_free(struct window *w)
{
    if (w->watch)
        watch_remove(w->watch, w);
    for (uint32_t i = 0; i < w->cost_count; i++) {
        free(w->costs[i].entries);
        lines_free(&w->costs[i].lines);
    }
    free(w->costs);
    free(w->entries);
    lines_free(&w->lines);
}

/* --- printing --------------------------------------------------------------------------------- */

static void format_causes(const struct window_entry *e, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (int k = 0; k < CAUSE_COUNT && at < size; k++)
        if (e->cause[k])
            at += (size_t)snprintf(text + at, size - at, "%s%s %u", at ? ", " : "", cause_names[k],
                                   e->cause[k]);
}

static void print_entry(const struct window_entry *e, const struct symbols *symbols, FILE *out,
                        struct disassembler *d)
{
    char name[96], code[96], causes[256], where[UNITS_TEXT] = {e->last.pipe};
    symbols_format(symbols, e->la, name, sizeof name);
    if (e->delivery)
        snprintf(code, sizeof code, "(interrupt or exception)");
    else
        disassemble(d, e->bytes, e->length, e->la, code, sizeof code);
    format_causes(e, causes, sizeof causes);
    if (e->last.staged && !e->delivery)
        units_format(units_of(&e->last), where, sizeof where);
    fprintf(out, "  %08x %-30.30s %-38.38s %-*s %5u  %s\n", e->la, name, code,
            e->last.staged ? STAGED_WIDTH : 1, where, e->cycles, causes);
}

static void print_phases(const struct window *w, FILE *out)
{
    uint64_t cycles[PHASE_COUNT] = {0}, instructions[PHASE_COUNT] = {0}, total = 0, count = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        cycles[w->entries[i].phase] += w->entries[i].cycles;
        instructions[w->entries[i].phase] += !w->entries[i].delivery;
    }
    fprintf(out, "\n  %-10s %14s %8s\n", "phase", "instructions", "cycles");
    for (int p = 0; p < PHASE_COUNT; p++) {
        fprintf(out, "  %-10s %14" PRIu64 " %8" PRIu64 "\n", phase_names[p], instructions[p],
                cycles[p]);
        total += cycles[p];
        count += instructions[p];
    }
    fprintf(out, "  %-10s %14" PRIu64 " %8" PRIu64 "\n", "sum", count, total);
    fprintf(out, "  %-10s %14s %8" PRIu64 "  (%s)\n", "elapsed", "", w->end_cycle - w->begin_cycle,
            total == w->end_cycle - w->begin_cycle ? "equal" : "DIFFERENT");
}

static void print_causes(const struct window *w, FILE *out)
{
    fprintf(out, "\n  %-24s %8s\n", "cause", "cycles");
    for (int k = 0; k < CAUSE_COUNT; k++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < w->count; i++)
            sum += w->entries[i].cause[k];
        if (sum)
            fprintf(out, "  %-24s %8" PRIu64 "  %s\n", cause_names[k], sum, cause_texts[k]);
    }
}

void window_print(const struct window *w, const struct symbols *symbols, FILE *out, bool colour)
{
    const char *bold = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
    if (!w->closed) {
        fprintf(out, "window: %s\n", w->open ? "the run ended inside it" : "never reached");
        return;
    }
    if (w->median)
        fprintf(out, "window: #%" PRIu64 ", the first that costs the median of %" PRIu64 "\n",
                w->number, w->of);
    struct disassembler *d = disassembler_new();
    int width = w->count && w->entries[0].last.staged ? STAGED_WIDTH : 1;
    fprintf(out, "%s  %-8s %-30s %-38s %-*s %5s  %s%s\n", bold, "address", "symbol",
            "instruction", width, "P", "cyc", "causes", plain);
    for (uint32_t i = 0; i < w->count; i++) {
        if (i == 0 || w->entries[i].phase != w->entries[i - 1].phase)
            fprintf(out, "%s  -- %s%s\n", bold, phase_names[w->entries[i].phase], plain);
        print_entry(&w->entries[i], symbols, out, d);
    }
    disassembler_free(d);
    print_phases(w, out);
    print_causes(w, out);
    lines_print(&w->lines, out);
    if (w->overflowed)
        fprintf(out, "  the window is longer than %d instructions: cut\n", WINDOW_ENTRIES_MAX);
}

/* A cycle, counted from the window's first: negative for what came before. */
static json_t *cycle_json(const struct window *w, cycle_t cycle)
{
    return json_integer((json_int_t)(cycle - w->begin_cycle));
}

static void add_stages(const struct window *w, const struct model_last *l, json_t *to)
{
    const cycle_t stages[] = {l->fetched, l->decoded, l->dispatched, l->issued, l->completed,
                              l->retired};
    json_t *list = json_array(), *micros = json_array();
    char where[UNITS_TEXT];
    for (unsigned i = 0; i < ARRAY_COUNT(stages); i++)
        json_array_append_new(list, cycle_json(w, stages[i]));
    for (unsigned i = 0; i < l->micro_count; i++) {
        const struct model_micro *m = &l->micro[i];
        json_array_append_new(micros, json_pack("{s:s,s:o,s:o}", "unit", unit_names[m->unit],
                                                "issued", cycle_json(w, m->issued), "completed",
                                                cycle_json(w, m->completed)));
    }
    json_object_set_new(to, "stages", list);
    json_object_set_new(to, "micros", micros);
    json_object_set_new(to, "units", json_string(units_format(units_of(l), where, sizeof where)));
}

json_t *window_json(const struct window *w, const struct symbols *symbols)
{
    json_t *list = json_array();
    struct disassembler *d = disassembler_new();
    for (uint32_t i = 0; w->closed && i < w->count; i++) {
        const struct window_entry *e = &w->entries[i];
        char name[96], code[96] = "";
        json_t *causes = json_object();
        symbols_format(symbols, e->la, name, sizeof name);
        if (!e->delivery)
            disassemble(d, e->bytes, e->length, e->la, code, sizeof code);
        for (int k = 0; k < CAUSE_COUNT; k++)
            if (e->cause[k])
                json_object_set_new(causes, cause_names[k], json_integer(e->cause[k]));
        json_t *one = json_pack("{s:I,s:s,s:s,s:s,s:s#,s:i,s:o}", "address", (json_int_t)e->la,
                                "symbol", name, "instruction", code, "phase",
                                phase_names[e->phase], "pipe", &e->last.pipe, 1, "cycles",
                                (int)e->cycles, "causes", causes);
        if (e->last.staged)
            add_stages(w, &e->last, one);
        json_array_append_new(list, one);
    }
    disassembler_free(d);
    json_t *o = json_pack("{s:I,s:I,s:o,s:o}", "number", (json_int_t)w->number, "cycles",
                          (json_int_t)(w->end_cycle - w->begin_cycle), "instructions", list,
                          "lines", w->lines.slot ? lines_json(&w->lines, symbols) : json_array());
    if (w->median)
        json_object_set_new(o, "of", json_integer((json_int_t)w->of));
    return o;
}
