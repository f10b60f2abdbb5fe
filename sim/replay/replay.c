#include "sim/replay/replay.h"

#include "sim/core/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what the trace holds --------------------------------------------------------------------- */

static bool is_state(const struct trace_chunk *c, bool after_reset)
{
    return c->kind == TRACE_STATE && !(c->flags & TRACE_AFTER_RESET) == !after_reset;
}

static void add_inputs(struct replay *r, size_t chunk)
{
    uint64_t size = r->trace->chunks[chunk].size;
    size_t n = size / sizeof(struct trace_input);
    if (size % sizeof(struct trace_input))
        usage_error("%s: a chunk of inputs of %" PRIu64 " bytes", r->trace->path, size);
    uint8_t *data = trace_read(r->trace, chunk);
    r->inputs = realloc(r->inputs, (r->input_count + n) * sizeof *r->inputs);
    r->input_chunk = realloc(r->input_chunk, (r->input_count + n) * sizeof *r->input_chunk);
    CHECK(n == 0 || (r->inputs && r->input_chunk));
    memcpy(r->inputs + r->input_count, data, n * sizeof *r->inputs);
    free(data);
    for (size_t i = r->input_count; i < r->input_count + n; i++) {
        r->input_chunk[i] = chunk;
        if (r->inputs[i].port >= MACHINE_UARTS || r->inputs[i].byte > 0xFF ||
            (i && r->inputs[i].cycle < r->inputs[i - 1].cycle))
            usage_error("%s: input %zu is impossible", r->trace->path, i);
    }
    r->input_count += n;
}

static void read_end(struct replay *r, size_t chunk)
{
    char *text = (char *)trace_read(r->trace, chunk);
    const char *end;
    json_error_t e;
    json_int_t cycle, instructions;
    json_t *o = json_loads(text, 0, &e);
    if (!o || json_unpack_ex(o, &e, 0, "{s:s,s:I,s:I}", "end", &end, "cycle", &cycle,
                             "instructions", &instructions) != 0)
        usage_error("%s: its end cannot be read: %s", r->trace->path, e.text);
    snprintf(r->end, sizeof r->end, "%s", end);
    r->last = (cycle_t)cycle;
    r->instructions = (uint64_t)instructions;
    r->ended = true;
    json_decref(o);
    free(text);
}

static struct trace_moment moment_of(const struct replay *r, size_t chunk)
{
    struct trace_moment at;
    trace_peek(r->trace, chunk, &at, sizeof at);
    return at;
}

static void check_sizes(const struct replay *r, size_t chunk)
{
    const struct trace_chunk *c = &r->trace->chunks[chunk];
    if ((c->kind == TRACE_HASH && c->size != sizeof(struct trace_hash)) ||
        (c->kind == TRACE_STATE && c->size < sizeof(struct trace_state)))
        usage_error("%s: chunk %zu has %" PRIu64 " bytes", r->trace->path, chunk, c->size);
}

/* Each hash is chained to the one before: none is missing, doubled or out of order. */
static void check_chain(const struct replay *r, size_t chunk, uint64_t *chain)
{
    struct trace_hash h;
    trace_peek(r->trace, chunk, &h, sizeof h);
    *chain = trace_chain(*chain, h.state);
    if (h.chain != *chain)
        usage_error("%s: the hash of cycle %" PRIu64 " does not follow the one before it: "
                    "the trace is damaged", r->trace->path, h.at.cycle);
}

static void read_chunks(struct replay *r)
{
    struct trace *t = r->trace;
    if (t->count < 2 || t->chunks[0].kind != TRACE_MANIFEST)
        usage_error("%s: %s", t->path, t->cut_short ? "the recorder was killed before it began"
                                                    : "it does not begin with a manifest");
    bool any = false;
    uint64_t chain = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint32_t kind = t->chunks[i].kind;
        check_sizes(r, i);
        if (kind == TRACE_HASH)
            check_chain(r, i, &chain);
        if (kind == TRACE_INPUT)
            add_inputs(r, i);
        if (kind == TRACE_END)
            read_end(r, i);
        if (kind != TRACE_STATE && kind != TRACE_HASH)
            continue;
        cycle_t cycle = moment_of(r, i).cycle;
        if (!any)
            r->first = cycle;
        if (cycle > TRACE_CYCLES_MAX)
            usage_error("%s: chunk %zu is of cycle %" PRIu64 "; accepted are at most %" PRIu64,
                        t->path, i, cycle, TRACE_CYCLES_MAX);
        if (any && cycle < r->last)
            usage_error("%s: chunk %zu goes back in time", t->path, i);
        r->last = cycle;
        any = true;
    }
    if (!any)
        usage_error("%s: holds no state to begin with", t->path);
}

/* --- inputs ----------------------------------------------------------------------------------- */

static void arm_input(struct replay *r)
{
    if (r->next_input < r->input_count)
        event_schedule_observer(&r->machine->clock, &r->input_event,
                                r->inputs[r->next_input].cycle);
}

static void input_due(void *owner)
{
    struct replay *r = owner;
    struct machine *m = r->machine;
    while (r->next_input < r->input_count && r->inputs[r->next_input].cycle <= m->clock.now) {
        const struct trace_input *i = &r->inputs[r->next_input++];
        uart_receive(&m->uart[i->port], (uint8_t)i->byte);
        if (r->recorder)
            recorder_input(r->recorder, (int)i->port, (uint8_t)i->byte);
    }
    arm_input(r);
}

/* --- states ----------------------------------------------------------------------------------- */

static struct trace_state load_state(struct replay *r, size_t chunk)
{
    struct machine *m = r->machine;
    uint8_t *data = trace_read(r->trace, chunk);
    struct trace_state head;
    struct snap s;
    memcpy(&head, data, sizeof head);
    snap_begin_load(&s, data + sizeof head, r->trace->chunks[chunk].size - sizeof head);
    s.cycle_most = head.at.cycle;
    machine_snapshot(m, &s);
    if (s.failed)
        usage_error("%s: the state of cycle %" PRIu64 " does not fit this machine: %s",
                    r->trace->path, head.at.cycle, s.message);
    if (m->clock.now != head.at.cycle || head.path >= PATH_COUNT)
        usage_error("%s: the state of cycle %" PRIu64 " says that it is of cycle %" PRIu64,
                    r->trace->path, head.at.cycle, m->clock.now);
    free(data);
    return head;
}

static void after_reset(void *owner)
{
    struct replay *r = owner;
    struct trace *t = r->trace;
    while (r->reset_chunk < t->count && !is_state(&t->chunks[r->reset_chunk], true))
        r->reset_chunk++;
    if (r->reset_chunk == t->count || moment_of(r, r->reset_chunk).cycle != r->machine->clock.now)
        usage_error("%s: the guest resets the machine at cycle %" PRIu64
                    ", and the trace has no state for that",
                    t->path, r->machine->clock.now);
    load_state(r, r->reset_chunk++);
}

/* --- comparing -------------------------------------------------------------------------------- */

static void diverge(struct replay *r, const char *fmt, ...) PRINTF(2, 3);
static void diverge(struct replay *r, const char *fmt, ...)
{
    va_list list;
    if (!r->diverged) {
        va_start(list, fmt);
        vsnprintf(r->message, sizeof r->message, fmt, list);
        va_end(list);
    }
    r->diverged = true;
    machine_stop(r->machine);
}

static void next_check(struct replay *r)
{
    struct trace *t = r->trace;
    while (r->check_chunk < t->count &&
           (t->chunks[r->check_chunk].kind != TRACE_HASH || r->verifying == VERIFY_STATES) &&
           !is_state(&t->chunks[r->check_chunk], false))
        r->check_chunk++;
}

/* Compares the machine with a recorded state, field by field. */
static void compare_state(struct replay *r, size_t chunk)
{
    uint8_t *data = trace_read(r->trace, chunk);
    struct snap s;
    snap_begin_diff(&s, data + sizeof(struct trace_state),
                    r->trace->chunks[chunk].size - sizeof(struct trace_state));
    machine_snapshot(r->machine, &s);
    if (s.failed)
        diverge(r, "at cycle %" PRIu64 ": %.200s", r->machine->clock.now, s.message);
    free(data);
}

static void compare_hash(struct replay *r, const struct trace_hash *h)
{
    uint64_t here = machine_hash(r->machine);
    if (here != h->state)
        diverge(r, "at cycle %" PRIu64 ": state hash %016" PRIx64 ", recorded %016" PRIx64,
                h->at.cycle, here, h->state);
}

static void check_one(struct replay *r, size_t chunk)
{
    struct trace_hash h;
    struct trace_moment at = moment_of(r, chunk);
    if (at.cycle != r->machine->clock.now) {
        diverge(r, "an instruction ends at cycle %" PRIu64 ", recorded %" PRIu64,
                r->machine->clock.now, at.cycle);
        return;
    }
    if (r->trace->chunks[chunk].kind == TRACE_STATE) {
        compare_state(r, chunk);
    } else {
        trace_peek(r->trace, chunk, &h, sizeof h);
        compare_hash(r, &h);
    }
    r->checked += !r->diverged;
}

static void check_due(void *owner)
{
    struct replay *r = owner;
    struct machine *m = r->machine;
    for (next_check(r); r->check_chunk < r->trace->count && !r->diverged; next_check(r)) {
        cycle_t due = moment_of(r, r->check_chunk).due;
        if (due > m->clock.now) {
            event_schedule_observer(&m->clock, &r->check_event, due);
            return;
        }
        check_one(r, r->check_chunk++);
    }
}

/* --- public ----------------------------------------------------------------------------------- */

static void stop_due(void *owner)
{
    struct replay *r = owner;
    machine_stop(r->machine);
}

struct replay *replay_open(const char *path, const struct machine_host *host)
{
    struct replay *r = xalloc(1, sizeof *r);
    r->trace = trace_open(path);
    read_chunks(r);
    char *text = (char *)trace_read(r->trace, 0);
    manifest_from_json(&r->manifest, text, path);
    free(text);
    struct machine *m = r->machine = manifest_build(&r->manifest, r->manifest.model, host);
    m->after_reset = after_reset;
    m->after_reset_owner = r;
    m->cpu->input_possible = r->manifest.terminal || r->input_count;
    event_init(&r->input_event, input_due, r, 100);
    event_init(&r->check_event, check_due, r, 210);
    event_init(&r->stop_event, stop_due, r, 220);
    r->check_chunk = r->trace->count;
    r->until = CYCLE_NEVER;
    return r;
}

void replay_symbols(const struct replay *r, struct symbols *symbols)
{
    for (size_t i = 0; i < r->trace->count; i++) {
        uint32_t kind = r->trace->chunks[i].kind;
        if (kind != TRACE_SYMBOLS && kind != TRACE_NAMES && kind != TRACE_LINES)
            continue;
        char *text = (char *)trace_read(r->trace, i);
        if (kind == TRACE_SYMBOLS)
            symbols_add_text(symbols, text, "trace");
        else if (kind == TRACE_NAMES)
            symbols_add_names(symbols, text, "trace");
        else
            source_add_text(&symbols->source, text);
        free(text);
    }
}

/* The last state at or before the cycle; trace->count: there is none. */
static size_t find_state(const struct replay *r, cycle_t cycle)
{
    size_t best = r->trace->count;
    for (size_t i = 0; i < r->trace->count; i++)
        if (r->trace->chunks[i].kind == TRACE_STATE && moment_of(r, i).cycle <= cycle)
            best = i;
    return best;
}

cycle_t replay_state_before(const struct replay *r, cycle_t cycle)
{
    size_t state = find_state(r, cycle);
    return state == r->trace->count ? CYCLE_NEVER : moment_of(r, state).cycle;
}

void replay_seek(struct replay *r, cycle_t cycle)
{
    struct trace *t = r->trace;
    size_t best = find_state(r, cycle);
    if (best == t->count)
        usage_error("%s: begins at cycle %" PRIu64 "; cycle %" PRIu64 " is before that", t->path,
                    r->first, cycle);
    struct trace_state head = load_state(r, best);
    ledger_restart(&r->machine->ledger);
    ledger_select(&r->machine->ledger, (uint32_t)head.path, 0);
    r->reset_chunk = best + 1;
    for (r->next_input = 0; r->next_input < r->input_count; r->next_input++)
        if (r->input_chunk[r->next_input] > best)
            break;
    event_cancel(&r->machine->clock, &r->input_event);
    event_cancel(&r->machine->clock, &r->check_event);
    r->check_chunk = r->verifying ? best + 1 : t->count;
    input_due(r);
    check_due(r);
}

void replay_verify(struct replay *r, enum replay_verifying what)
{
    r->verifying = what;
    r->diverged = false;
}

cycle_t replay_end(const struct replay *r) { return r->until < r->last ? r->until : r->last; }

void replay_until(struct replay *r, cycle_t cycle)
{
    r->until = cycle;
    event_schedule_observer(&r->machine->clock, &r->stop_event, replay_end(r));
}

struct replay_cursor replay_cursor(const struct replay *r)
{
    return (struct replay_cursor){r->next_input, r->reset_chunk};
}

void replay_return(struct replay *r, const struct replay_cursor *cursor)
{
    r->next_input = cursor->next_input;
    r->reset_chunk = cursor->reset_chunk;
    r->check_chunk = r->trace->count;
    event_cancel(&r->machine->clock, &r->check_event);
    event_cancel(&r->machine->clock, &r->input_event);
    arm_input(r);
    replay_until(r, r->until);
}

void replay_finish(struct replay *r)
{
    check_due(r);
}

void replay_record(struct replay *r, struct recorder *recorder) { r->recorder = recorder; }

void replay_free(struct replay *r)
{
    machine_free(r->machine);
    manifest_free(&r->manifest);
    trace_free(r->trace);
    free(r->inputs);
    free(r->input_chunk);
    free(r);
}
