/* export_perfetto: the timeline in Perfetto's own protobuf [PERFETTO], smaller and faster to load
 * than a Chrome trace. The format's unit is the nanosecond: one stands for one cycle.
 *
 * The tracks are those of export_chrome. A trace is a sequence of packets; here each is a track's
 * description, or a slice's begin or end on a track. Slices of one track nest by their order, so
 * ends are told inside out. */
#include "sim/core/check.h"
#include "sim/report/export.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of fields, by message. */
enum { TRACE_PACKET = 1 };
enum {
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE = 10,
    PACKET_TRACK_EVENT = 11,
    PACKET_SEQUENCE_FLAGS = 13,
    PACKET_TRACK_DESCRIPTOR = 60,
};
enum { TRACK_UUID = 1, TRACK_NAME = 2, TRACK_PARENT = 5 };
enum { EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_CATEGORY = 22, EVENT_NAME = 23 };
enum { SLICE_BEGIN = 1, SLICE_END = 2 };
enum { SEQUENCE = 1, INCREMENTAL_STATE_CLEARED = 1 };

/* Tracks. */
enum { UUID_MACHINE = 1, UUID_REQUESTS = 2, UUID_SPACES = 0x1000, UUID_THREADS = 0x10000000 };

/* --- protobuf --------------------------------------------------------------------------------- */

struct message {
    uint8_t bytes[512];
    size_t size;
};

static void put_number(struct message *m, uint64_t v)
{
    CHECK(m->size + 10 <= sizeof m->bytes);
    do {
        m->bytes[m->size++] = (uint8_t)((v & 0x7F) | (v > 0x7F ? 0x80 : 0));
        v >>= 7;
    } while (v);
}

static void put_field(struct message *m, unsigned field, uint64_t v)
{
    put_number(m, (uint64_t)field << 3 | 0);
    put_number(m, v);
}

static void put_bytes(struct message *m, unsigned field, const void *bytes, size_t size)
{
    put_number(m, (uint64_t)field << 3 | 2);
    put_number(m, size);
    CHECK(m->size + size <= sizeof m->bytes);
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void put_text(struct message *m, unsigned field, const char *text)
{
    put_bytes(m, field, text, strlen(text));
}

static void put_packet(const struct message *packet, FILE *out)
{
    struct message m = {.size = 0};
    put_number(&m, TRACE_PACKET << 3 | 2);
    put_number(&m, packet->size);
    fwrite(m.bytes, 1, m.size, out);
    fwrite(packet->bytes, 1, packet->size, out);
}

/* --- tracks and slices ------------------------------------------------------------------------ */

static void describe(uint64_t uuid, uint64_t parent, const char *name, FILE *out)
{
    struct message track = {.size = 0}, packet = {.size = 0};
    put_field(&track, TRACK_UUID, uuid);
    if (parent)
        put_field(&track, TRACK_PARENT, parent);
    put_text(&track, TRACK_NAME, name);
    put_field(&packet, PACKET_SEQUENCE, SEQUENCE);
    put_bytes(&packet, PACKET_TRACK_DESCRIPTOR, track.bytes, track.size);
    put_packet(&packet, out);
}

static void describe_tracks(const struct timeline_file *t, FILE *out)
{
    describe(UUID_MACHINE, 0, "machine: boot and idle", out);
    describe(UUID_REQUESTS, 0, "interrupt requests: INTR to delivery", out);
    for (size_t i = 0; i < t->space_count; i++)
        describe(UUID_SPACES + i, 0, t->spaces[i].name, out);
    for (size_t i = 0; i < t->thread_count; i++)
        describe(UUID_THREADS + i, UUID_SPACES + t->threads[i].space, t->threads[i].name, out);
}

static uint64_t track_of(const struct timeline_span *s)
{
    if (s->kind == TIMELINE_REQUEST)
        return UUID_REQUESTS;
    if (s->kind == TIMELINE_USER || s->kind == TIMELINE_KERNEL || s->kind == TIMELINE_NESTED)
        return UUID_THREADS + s->thread;
    return UUID_MACHINE;
}

static void put_event(const struct timeline_file *t, const struct timeline_span *s, bool begins,
                      FILE *out)
{
    struct message event = {.size = 0}, packet = {.size = 0};
    char name[160];
    put_field(&event, EVENT_TYPE, begins ? SLICE_BEGIN : SLICE_END);
    put_field(&event, EVENT_TRACK, track_of(s));
    if (begins) {
        timeline_name(t, s, name, sizeof name);
        put_text(&event, EVENT_CATEGORY, timeline_kind_names[s->kind]);
        put_text(&event, EVENT_NAME, name);
    }
    put_field(&packet, PACKET_TIMESTAMP, begins ? s->begin : s->begin + s->length);
    put_field(&packet, PACKET_SEQUENCE, SEQUENCE);
    put_bytes(&packet, PACKET_TRACK_EVENT, event.bytes, event.size);
    put_packet(&packet, out);
}

/* --- order ------------------------------------------------------------------------------------ */

struct moment {
    cycle_t at;
    bool begins;
    const struct timeline_span *span;
};

/* By time; of one time ends come first, the inner before the outer; of begins the outer first.
 * A span of no length ends behind its own begin. */
static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    bool x_empty = !x->span->length, y_empty = !y->span->length;
    int x_rank = x_empty ? 1 : x->begins ? 2 : 0, y_rank = y_empty ? 1 : y->begins ? 2 : 0;
    if (x_rank != y_rank)
        return x_rank < y_rank ? -1 : 1;
    if (x_rank == 1) {
        if (x->span != y->span)
            return x->span < y->span ? -1 : 1;
        return x->begins ? -1 : 1;
    }
    if (x->span->length != y->span->length)
        return (x->span->length > y->span->length) == x->begins ? -1 : 1;
    bool x_outer = x->span->kind < y->span->kind;
    return x->span == y->span ? 0 : x_outer == x->begins ? -1 : 1;
}

void export_perfetto(const struct export_input *in, FILE *out)
{
    const struct timeline_file *t = in->timeline;
    struct moment *list = xalloc(2 * t->count + 1, sizeof *list);
    struct message packet = {.size = 0};
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_span *s = &t->spans[i];
        list[2 * i] = (struct moment){s->begin, true, s};
        list[2 * i + 1] = (struct moment){s->begin + s->length, false, s};
    }
    qsort(list, 2 * t->count, sizeof *list, by_time);
    put_field(&packet, PACKET_SEQUENCE, SEQUENCE);
    put_field(&packet, PACKET_SEQUENCE_FLAGS, INCREMENTAL_STATE_CLEARED);
    put_packet(&packet, out);
    describe_tracks(t, out);
    for (size_t i = 0; i < 2 * t->count; i++)
        put_event(t, list[i].span, list[i].begins, out);
    free(list);
}
