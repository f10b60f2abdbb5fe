#include "sim/replay/recorder.h"

#include "sim/core/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS_MAX 256 /* a chunk's worth */

struct recorder {
    struct machine *machine;
    struct trace_writer *file;
    cycle_t hash_every, state_every, start;
    struct event hash_event, state_event;
    uint64_t chain;
    struct trace_input inputs[INPUTS_MAX];
    size_t input_count;
    void (*after_reset)(void *owner); /* who wanted to know before: a replay that is recorded */
    void *after_reset_owner;
};

uint64_t trace_chain(uint64_t chain, uint64_t state)
{
    uint64_t h = (chain ^ state) * 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

/* Inputs go before whatever is younger than they are: the file is in the order of time. */
static void put(struct recorder *r, enum trace_kind kind, uint32_t flags, const void *data,
                size_t size)
{
    if (r->input_count)
        trace_put(r->file, TRACE_INPUT, 0, r->inputs, r->input_count * sizeof r->inputs[0]);
    r->input_count = 0;
    trace_put(r->file, kind, flags, data, size);
}

static void put_state(struct recorder *r, cycle_t due, uint32_t flags)
{
    struct machine *m = r->machine;
    struct trace_state head = {{due, m->clock.now}, m->ledger.path};
    struct snap s;
    snap_begin_save(&s);
    machine_snapshot(m, &s);
    uint8_t *whole = xalloc(sizeof head + s.size, 1);
    memcpy(whole, &head, sizeof head);
    memcpy(whole + sizeof head, s.data, s.size);
    put(r, TRACE_STATE, flags, whole, sizeof head + s.size);
    free(whole);
    snap_free(&s);
}

static void put_hash(struct recorder *r, cycle_t due)
{
    struct trace_hash h = {{due, r->machine->clock.now}, machine_hash(r->machine), 0};
    h.chain = r->chain = trace_chain(r->chain, h.state);
    put(r, TRACE_HASH, 0, &h, sizeof h);
}

static cycle_t next_multiple(const struct recorder *r, cycle_t every)
{
    cycle_t passed = r->machine->clock.now - r->start;
    return r->start + (passed / every + 1) * every;
}

static void hash_due(void *owner)
{
    struct recorder *r = owner;
    put_hash(r, r->hash_event.when);
    event_schedule_observer(&r->machine->clock, &r->hash_event, next_multiple(r, r->hash_every));
}

static void state_due(void *owner)
{
    struct recorder *r = owner;
    put_state(r, r->state_event.when, 0);
    event_schedule_observer(&r->machine->clock, &r->state_event, next_multiple(r, r->state_every));
}

static void after_reset(void *owner)
{
    struct recorder *r = owner;
    if (r->after_reset)
        r->after_reset(r->after_reset_owner);
    put_state(r, r->machine->clock.now, TRACE_AFTER_RESET);
}

static void write_code(struct symbols *symbols, FILE *f)
{
    for (uint32_t i = 0; i < symbols->count; i++)
        if (!symbols->list[i].space)
            fprintf(f, "%08x %x %s\n", symbols->list[i].address, symbols->list[i].size,
                    symbols->list[i].name);
}

static void write_names(struct symbols *symbols, FILE *f) { symbols_write_names(symbols, f); }
static void write_lines(struct symbols *symbols, FILE *f) { source_write(&symbols->source, f); }

static void put_text(struct recorder *r, enum trace_kind kind, struct symbols *symbols,
                     void (*write)(struct symbols *symbols, FILE *f))
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    CHECK(f != NULL);
    write(symbols, f);
    fclose(f);
    if (size)
        trace_put(r->file, kind, 0, text, size);
    free(text);
}

static void put_symbols(struct recorder *r, struct symbols *symbols)
{
    put_text(r, TRACE_SYMBOLS, symbols, write_code);
    put_text(r, TRACE_NAMES, symbols, write_names);
    put_text(r, TRACE_LINES, symbols, write_lines);
}

struct recorder *recorder_new(struct machine *m, const char *path, const struct manifest *manifest,
                              struct symbols *symbols, cycle_t hash_every,
                              cycle_t state_every)
{
    struct recorder *r = xalloc(1, sizeof *r);
    json_t *object = manifest_to_json(manifest);
    char *text = json_dumps(object, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    CHECK(text != NULL);
    r->machine = m;
    r->hash_every = hash_every ? hash_every : RECORD_HASH_CYCLES;
    r->state_every = state_every ? state_every : RECORD_STATE_CYCLES;
    r->start = m->clock.now;
    r->file = trace_create(path);
    trace_put(r->file, TRACE_MANIFEST, 0, text, strlen(text));
    put_symbols(r, symbols);
    put_state(r, m->clock.now, 0);
    r->after_reset = m->after_reset;
    r->after_reset_owner = m->after_reset_owner;
    m->after_reset = after_reset;
    m->after_reset_owner = r;
    event_init(&r->hash_event, hash_due, r, 210);
    event_init(&r->state_event, state_due, r, 211);
    event_schedule_observer(&m->clock, &r->hash_event, next_multiple(r, r->hash_every));
    event_schedule_observer(&m->clock, &r->state_event, next_multiple(r, r->state_every));
    free(text);
    json_decref(object);
    return r;
}

void recorder_input(struct recorder *r, int port, uint8_t byte)
{
    r->inputs[r->input_count++] =
        (struct trace_input){r->machine->clock.now, (uint32_t)port, byte};
    if (r->input_count == INPUTS_MAX) {
        trace_put(r->file, TRACE_INPUT, 0, r->inputs, sizeof r->inputs);
        r->input_count = 0;
    }
}

void recorder_free(struct recorder *r)
{
    struct machine *m = r->machine;
    static const char *const ends[] = {
        [END_NONE] = "running",      [END_HALTED] = "halted",         [END_RESET] = "reset",
        [END_SHUTDOWN] = "shutdown", [END_DEBUG_EXIT] = "debug exit", [END_STOPPED] = "stopped",
    };
    put_hash(r, m->clock.now);
    put_state(r, m->clock.now, 0);
    json_t *end = json_pack("{s:s,s:I,s:I}", "end", ends[m->end], "cycle",
                            (json_int_t)m->clock.now, "instructions",
                            (json_int_t)m->cpu->instructions);
    char *text = json_dumps(end, 0);
    CHECK(text != NULL);
    put(r, TRACE_END, 0, text, strlen(text));
    free(text);
    json_decref(end);
    event_cancel(&m->clock, &r->hash_event);
    event_cancel(&m->clock, &r->state_event);
    m->after_reset = r->after_reset;
    m->after_reset_owner = r->after_reset_owner;
    trace_close(r->file);
    free(r);
}
