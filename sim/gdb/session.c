#include "sim/gdb/session.h"

#include "cpu/run.h"
#include "sim/gdb/monitor.h"
#include "sim/gdb/registers.h"

#include "sim/core/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#define READ_MAX (GDB_PACKET_MAX / 2)
#define MONITOR_TEXT_MAX (GDB_PACKET_MAX / 2 - 8)

enum { SIGNAL_TRAP = 5 };

/* --- replies ---------------------------------------------------------------------------------- */

static void send_reply(struct gdb_session *s)
{
    s->frame_size = gdb_reply_frame(&s->reply, s->frame);
    s->send(s->owner, s->frame, s->frame_size);
}

static void begin_reply(struct gdb_session *s)
{
    s->reply.length = 0;
    s->reply.too_long = false;
}

static void ok(struct gdb_session *s) { gdb_reply_text(&s->reply, "OK"); }
static void error(struct gdb_session *s, unsigned number)
{
    gdb_reply_text(&s->reply, "E%02x", number);
}

void gdb_session_init(struct gdb_session *s, const struct gdb_target *target)
{
    memset(s, 0, sizeof *s);
    s->target = *target;
    s->machine = target->machine;
    snprintf(s->stop, sizeof s->stop, "T%02xthread:01;", SIGNAL_TRAP);
}

void gdb_session_end(struct gdb_session *s)
{
    while (s->break_count)
        cpu_break_remove(s->machine->cpu, s->breaks[--s->break_count]);
    while (s->watch_count)
        cpu_watch_remove(s->machine->cpu, s->watches[--s->watch_count]);
    s->machine->cpu->watches.hit = false;
    s->running = false;
}

static void report_stop(struct gdb_session *s)
{
    begin_reply(s);
    gdb_reply_text(&s->reply, "%s", s->stop);
    send_reply(s);
}

void gdb_session_stopped(struct gdb_session *s, unsigned signal)
{
    struct cpu_watches *w = &s->machine->cpu->watches;
    const char *kind = "";
    s->running = false;
    if (w->hit) {
        const struct cpu_watch *k = &w->hit_watch;
        kind = !k->on_read ? "watch" : !k->on_write ? "rwatch" : "awatch";
        snprintf(s->stop, sizeof s->stop, "T%02x%s:%x;thread:01;", signal, kind, w->hit_la);
    } else {
        kind = gdb_session_at_break(s) ? "hwbreak:;" : "";
        snprintf(s->stop, sizeof s->stop, "T%02x%sthread:01;", signal, kind);
    }
    w->hit = false;
    report_stop(s);
}

void gdb_session_at_edge(struct gdb_session *s, const char *edge)
{
    s->running = false;
    s->machine->cpu->watches.hit = false;
    snprintf(s->stop, sizeof s->stop, "T%02xreplaylog:%s;thread:01;", SIGNAL_TRAP, edge);
    report_stop(s);
}

void gdb_session_exited(struct gdb_session *s, unsigned code)
{
    s->running = false;
    snprintf(s->stop, sizeof s->stop, "W%02x", code & 0xFF);
    report_stop(s);
}

bool gdb_session_at_break(const struct gdb_session *s)
{
    const struct cpu *c = s->machine->cpu;
    laddr_t la = c->seg[CS].base + c->eip;
    for (unsigned i = 0; i < s->break_count; i++)
        if (s->breaks[i] == la)
            return c->stops.passed && c->stops.passed_la == la;
    return false;
}

static PRINTF(2, 3) void log_input(struct gdb_session *s, const char *fmt, ...)
{
    va_list ap;
    if (!s->log)
        return;
    fprintf(s->log, "isochron: input at cycle %" PRIu64 ": gdb writes ", s->machine->clock.now);
    va_start(ap, fmt);
    vfprintf(s->log, fmt, ap);
    va_end(ap);
    fputc('\n', s->log);
}

/* Whether guest state may be written; if not, that is the reply, which gdb shows for registers. */
static bool may_write(struct gdb_session *s)
{
    if (!s->target.read_only)
        return true;
    if (s->log)
        fprintf(s->log, "isochron: gdb: nothing is written: %s\n", s->target.read_only);
    begin_reply(s);
    gdb_reply_text(&s->reply, "E.%s", s->target.read_only);
    return false;
}

/* What was before a write can no longer be lived again. */
static void written(struct gdb_session *s)
{
    if (s->target.history)
        history_restart(s->target.history);
}

/* --- registers and memory --------------------------------------------------------------------- */

static void read_registers(struct gdb_session *s)
{
    uint8_t bytes[GDB_REGISTER_BYTES_MAX];
    for (unsigned n = 0, size; (size = gdb_register_size(s->machine->cpu, n)) != 0; n++) {
        gdb_register_read(s->machine->cpu, n, bytes);
        gdb_reply_hex(&s->reply, bytes, size);
    }
}

enum written { WRITTEN, NOT_WRITABLE, REFUSED };

static enum written write_register(struct gdb_session *s, unsigned n, const uint8_t *bytes)
{
    uint8_t old[GDB_REGISTER_BYTES_MAX];
    unsigned size = gdb_register_size(s->machine->cpu, n);
    uint32_t v;
    if (!size)
        return NOT_WRITABLE;
    gdb_register_read(s->machine->cpu, n, old);
    if (memcmp(old, bytes, size) == 0)
        return WRITTEN;
    if (!may_write(s))
        return REFUSED;
    if (!gdb_register_write(s->machine->cpu, n, bytes))
        return NOT_WRITABLE;
    memcpy(&v, bytes, sizeof v);
    log_input(s, "%s, low bits %08x", gdb_register_name(n), v);
    written(s);
    return WRITTEN;
}

/* The reply to a write; a refusal is its own. */
static void answer_write(struct gdb_session *s, enum written how, unsigned number)
{
    if (how == WRITTEN)
        ok(s);
    else if (how == NOT_WRITABLE)
        error(s, number);
}

static void write_registers(struct gdb_session *s, struct gdb_words *w)
{
    uint8_t bytes[GDB_REGISTER_BYTES_MAX];
    enum written how = WRITTEN, one;
    for (unsigned n = 0, size; !gdb_at_end(w); n++) {
        size = gdb_register_size(s->machine->cpu, n);
        if (!size)
            break;
        if (!gdb_bytes(w, bytes, size)) {
            begin_reply(s);
            error(s, 1);
            return;
        }
        one = write_register(s, n, bytes);
        how = one > how ? one : how;
    }
    answer_write(s, how, 2);
}

static void read_register(struct gdb_session *s, struct gdb_words *w)
{
    uint8_t bytes[GDB_REGISTER_BYTES_MAX];
    uint32_t n;
    if (!gdb_word(w, &n) || !gdb_at_end(w) || !gdb_register_size(s->machine->cpu, n)) {
        error(s, 1);
        return;
    }
    gdb_register_read(s->machine->cpu, n, bytes);
    gdb_reply_hex(&s->reply, bytes, gdb_register_size(s->machine->cpu, n));
}

static void write_one_register(struct gdb_session *s, struct gdb_words *w)
{
    uint8_t bytes[GDB_REGISTER_BYTES_MAX];
    uint32_t n;
    bool good = gdb_word(w, &n) && gdb_literal(w, "=") &&
                gdb_register_size(s->machine->cpu, n) &&
                gdb_bytes(w, bytes, gdb_register_size(s->machine->cpu, n)) && gdb_at_end(w);
    answer_write(s, good ? write_register(s, n, bytes) : NOT_WRITABLE, 1);
}

/* As much as is mapped, from the first byte on. */
static void read_memory(struct gdb_session *s, struct gdb_words *w)
{
    uint8_t byte;
    uint32_t la, size, i;
    if (!gdb_word(w, &la) || !gdb_literal(w, ",") || !gdb_word(w, &size) || !gdb_at_end(w)) {
        error(s, 1);
        return;
    }
    if (size > READ_MAX)
        size = READ_MAX;
    for (i = 0; i < size && mmu_peek(&s->machine->mmu, la + i, &byte, 1); i++)
        gdb_reply_hex(&s->reply, &byte, 1);
    if (i == 0 && size > 0)
        error(s, 14);
}

static void poke(struct gdb_session *s, uint32_t la, const uint8_t *bytes, uint32_t size)
{
    if (size && !may_write(s))
        return;
    if (size && !mmu_poke(&s->machine->mmu, la, bytes, size)) {
        error(s, 14);
        return;
    }
    if (size) {
        log_input(s, "%u bytes at %08x, the first %02x", size, la, bytes[0]);
        written(s);
    }
    ok(s);
}

static void write_memory(struct gdb_session *s, struct gdb_words *w, bool binary)
{
    uint8_t bytes[GDB_PACKET_MAX];
    uint32_t la, size;
    bool good = gdb_word(w, &la) && gdb_literal(w, ",") && gdb_word(w, &size) &&
                gdb_literal(w, ":") && size <= sizeof bytes;
    if (good && binary) {
        good = (size_t)(w->end - w->at) == size;
        if (good)
            memcpy(bytes, w->at, size);
    } else if (good) {
        good = gdb_bytes(w, bytes, size) && gdb_at_end(w);
    }
    if (good)
        poke(s, la, bytes, size);
    else
        error(s, 1);
}

/* --- breakpoints and watchpoints -------------------------------------------------------------- */

static bool insert_break(struct gdb_session *s, uint32_t la)
{
    for (unsigned i = 0; i < s->break_count; i++)
        if (s->breaks[i] == la)
            return true;
    if (s->break_count == CPU_STOPS_MAX || !cpu_break_add(s->machine->cpu, la))
        return false;
    s->breaks[s->break_count++] = la;
    return true;
}

static bool remove_break(struct gdb_session *s, uint32_t la)
{
    for (unsigned i = 0; i < s->break_count; i++) {
        if (s->breaks[i] != la)
            continue;
        s->breaks[i] = s->breaks[--s->break_count];
        cpu_break_remove(s->machine->cpu, la);
    }
    return true;
}

static bool insert_watch(struct gdb_session *s, struct cpu_watch watch)
{
    if (s->watch_count == CPU_WATCHES_MAX || !cpu_watch_add(s->machine->cpu, watch))
        return false;
    s->watches[s->watch_count++] = watch;
    return true;
}

static bool remove_watch(struct gdb_session *s, struct cpu_watch watch)
{
    for (unsigned i = 0; i < s->watch_count; i++) {
        const struct cpu_watch *k = &s->watches[i];
        if (k->la != watch.la || k->size != watch.size || k->on_read != watch.on_read ||
            k->on_write != watch.on_write)
            continue;
        s->watches[i] = s->watches[--s->watch_count];
        return cpu_watch_remove(s->machine->cpu, watch);
    }
    return true;
}

/* Z0 and Z1 are the same here: nothing is written into memory. Z2 watches writes, Z3 reads, Z4
 * both. */
static void change_point(struct gdb_session *s, struct gdb_words *w, bool insert)
{
    uint32_t type, la, size;
    if (!gdb_word(w, &type) || !gdb_literal(w, ",") || !gdb_word(w, &la) || !gdb_literal(w, ",") ||
        !gdb_word(w, &size)) {
        error(s, 1);
        return;
    }
    if (type > 4)
        return; /* the empty reply: not supported */
    bool done;
    if (type <= 1) {
        done = insert ? insert_break(s, la) : remove_break(s, la);
    } else {
        struct cpu_watch watch = {la, size, type != 2, type != 3};
        done = insert ? insert_watch(s, watch) : remove_watch(s, watch);
    }
    done ? ok(s) : error(s, 28);
}

/* --- queries ---------------------------------------------------------------------------------- */

static void monitor(struct gdb_session *s, struct gdb_words *w)
{
    char command[256], *text = NULL;
    size_t n = (size_t)(w->end - w->at) / 2, size = 0;
    if (n >= sizeof command || !gdb_bytes(w, command, n) || !gdb_at_end(w)) {
        error(s, 1);
        return;
    }
    command[n] = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(out != NULL);
    monitor_command(&s->target, command, out);
    fclose(out);
    if (size) /* an empty reply would say that there is no such packet */
        gdb_reply_hex(&s->reply, text, size < MONITOR_TEXT_MAX ? size : MONITOR_TEXT_MAX);
    else
        ok(s);
    free(text);
}

static void read_target(struct gdb_session *s, struct gdb_words *w)
{
    const char *xml = gdb_target_xml(s->machine->cpu);
    uint32_t offset, size, total = (uint32_t)strlen(xml);
    if (!gdb_literal(w, "target.xml:") || !gdb_word(w, &offset) || !gdb_literal(w, ",") ||
        !gdb_word(w, &size) || offset > total) {
        error(s, 0);
        return;
    }
    bool more = size < total - offset;
    gdb_reply_byte(&s->reply, more ? 'm' : 'l');
    gdb_reply_binary(&s->reply, xml + offset, more ? size : total - offset);
}

static void query(struct gdb_session *s, struct gdb_words *w)
{
    if (gdb_literal(w, "Supported"))
        gdb_reply_text(&s->reply,
                       "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;"
                       "hwbreak+%s",
                       GDB_PACKET_MAX,
                       s->target.history ? ";ReverseStep+;ReverseContinue+" : "");
    else if (gdb_literal(w, "Xfer:features:read:"))
        read_target(s, w);
    else if (gdb_literal(w, "Rcmd,"))
        monitor(s, w);
    else if (gdb_literal(w, "fThreadInfo"))
        gdb_reply_text(&s->reply, "m01");
    else if (gdb_literal(w, "sThreadInfo"))
        gdb_reply_text(&s->reply, "l");
    else if (gdb_literal(w, "Attached"))
        gdb_reply_text(&s->reply, "1");
    else if (gdb_literal(w, "C") && gdb_at_end(w))
        gdb_reply_text(&s->reply, "QC01");
}

/* --- commands --------------------------------------------------------------------------------- */

static enum gdb_action resume(struct gdb_session *s, enum gdb_action how)
{
    if (s->over) {
        gdb_session_exited(s, 0);
        return GDB_KILL;
    }
    s->running = true;
    return how;
}

/* bs and bc. */
static enum gdb_action resume_back(struct gdb_session *s, struct gdb_words *w)
{
    enum gdb_action how = gdb_literal(w, "s")   ? GDB_STEP_BACK
                          : gdb_literal(w, "c") ? GDB_CONTINUE_BACK
                                                : GDB_STAY;
    if (how == GDB_STAY || !gdb_at_end(w)) {
        error(s, 1);
        return GDB_STAY;
    }
    if (!s->target.history)
        return GDB_STAY; /* the empty reply: not supported */
    s->running = true;
    return how;
}

/* c, s and C, S (whose signal means nothing to a machine), with an address to go on from. */
static enum gdb_action resume_at(struct gdb_session *s, struct gdb_words *w, bool has_signal,
                                 enum gdb_action how)
{
    uint32_t signal, eip;
    uint8_t bytes[4];
    if (has_signal && (!gdb_word(w, &signal) || !(gdb_at_end(w) || gdb_literal(w, ";")))) {
        error(s, 1);
        return GDB_STAY;
    }
    if (!gdb_at_end(w)) {
        if (!gdb_word(w, &eip) || !gdb_at_end(w)) {
            error(s, 1);
            return GDB_STAY;
        }
        memcpy(bytes, &eip, sizeof bytes);
        enum written done = write_register(s, 8, bytes);
        if (done != WRITTEN) {
            answer_write(s, done, 1);
            return GDB_STAY;
        }
    }
    return resume(s, how);
}

/* The first action is for the only thread. */
static enum gdb_action verbose(struct gdb_session *s, struct gdb_words *w)
{
    if (gdb_literal(w, "Kill"))
        return GDB_KILL;
    if (!gdb_literal(w, "Cont"))
        return GDB_STAY;
    if (gdb_literal(w, "?")) {
        gdb_reply_text(&s->reply, "vCont;c;C;s;S");
        return GDB_STAY;
    }
    if (gdb_literal(w, ";c") || gdb_literal(w, ";C"))
        return resume(s, GDB_CONTINUE);
    if (gdb_literal(w, ";s") || gdb_literal(w, ";S"))
        return resume(s, GDB_STEP);
    error(s, 1);
    return GDB_STAY;
}

/* Answers into s->reply. What is not known gets the empty reply, which says so. */
static enum gdb_action command(struct gdb_session *s, char letter, struct gdb_words *w)
{
    switch (letter) {
    case '?': gdb_reply_text(&s->reply, "%s", s->stop); break;
    case 'g': read_registers(s); break;
    case 'G': write_registers(s, w); break;
    case 'p': read_register(s, w); break;
    case 'P': write_one_register(s, w); break;
    case 'm': read_memory(s, w); break;
    case 'M': write_memory(s, w, false); break;
    case 'X': write_memory(s, w, true); break;
    case 'Z': change_point(s, w, true); break;
    case 'z': change_point(s, w, false); break;
    case 'c': return resume_at(s, w, false, GDB_CONTINUE);
    case 'C': return resume_at(s, w, true, GDB_CONTINUE);
    case 's': return resume_at(s, w, false, GDB_STEP);
    case 'S': return resume_at(s, w, true, GDB_STEP);
    case 'b': return resume_back(s, w);
    case 'v': return verbose(s, w);
    case 'q': query(s, w); break;
    case 'H':
    case 'T': ok(s); break;
    case 'D': return GDB_DETACH;
    case 'k': return GDB_KILL;
    default: break;
    }
    return GDB_STAY;
}

static enum gdb_action take_packet(struct gdb_session *s)
{
    struct gdb_words w = gdb_words_of(s->reader.data, s->reader.length);
    if (!s->no_ack)
        s->send(s->owner, "+", 1);
    if (s->running) /* nothing may be asked of a running machine: stop it */
        return GDB_STOP;
    begin_reply(s);
    if (gdb_literal(&w, "QStartNoAckMode")) {
        s->no_ack = true;
        ok(s);
        send_reply(s);
        return GDB_STAY;
    }
    char letter = w.at < w.end ? *w.at++ : 0;
    bool kill = letter == 'k';
    enum gdb_action action = command(s, letter, &w);
    if (action == GDB_DETACH || (action == GDB_KILL && !kill && !s->over)) {
        begin_reply(s);
        ok(s);
    }
    if (action == GDB_STAY || action == GDB_DETACH || (action == GDB_KILL && !kill && !s->over))
        send_reply(s);
    return action;
}

enum gdb_action gdb_session_feed(struct gdb_session *s, uint8_t byte)
{
    switch (gdb_reader_feed(&s->reader, byte)) {
    case GDB_PACKET: return take_packet(s);
    case GDB_INTERRUPT: return s->running ? GDB_STOP : GDB_STAY;
    case GDB_DAMAGED:
        if (!s->no_ack)
            s->send(s->owner, "-", 1);
        break;
    case GDB_NAK:
        if (!s->no_ack && s->frame_size)
            s->send(s->owner, s->frame, s->frame_size);
        break;
    case GDB_NOTHING: break;
    }
    return GDB_STAY;
}
