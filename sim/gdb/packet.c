#include "sim/gdb/packet.h"

#include <stdarg.h>
#include <stdio.h>

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* --- in --------------------------------------------------------------------------------------- */

static void begin(struct gdb_reader *r)
{
    r->state = READ_DATA;
    r->length = 0;
    r->sum = 0;
    r->too_long = false;
}

static void store(struct gdb_reader *r, uint8_t byte)
{
    if (r->length < GDB_PACKET_MAX)
        r->data[r->length++] = (char)byte;
    else
        r->too_long = true;
}

static enum gdb_input feed_data(struct gdb_reader *r, uint8_t byte)
{
    if (byte == '#') {
        r->state = READ_SUM_HIGH;
        return GDB_NOTHING;
    }
    if (byte == '$') { /* the packet before was cut short */
        begin(r);
        return GDB_NOTHING;
    }
    r->sum = (uint8_t)(r->sum + byte);
    if (byte == '}')
        r->state = READ_ESCAPE;
    else
        store(r, byte);
    return GDB_NOTHING;
}

static enum gdb_input finish(struct gdb_reader *r, uint8_t byte)
{
    int digit = digit_of((char)byte);
    r->state = READ_IDLE;
    r->data[r->length] = 0;
    bool good = digit >= 0 && (r->wanted | digit) == r->sum && !r->too_long;
    return good ? GDB_PACKET : GDB_DAMAGED;
}

enum gdb_input gdb_reader_feed(struct gdb_reader *r, uint8_t byte)
{
    int digit;
    switch (r->state) {
    case READ_IDLE:
        if (byte == '$')
            begin(r);
        return byte == 3 ? GDB_INTERRUPT : byte == '-' ? GDB_NAK : GDB_NOTHING;
    case READ_DATA: return feed_data(r, byte);
    case READ_ESCAPE:
        r->sum = (uint8_t)(r->sum + byte);
        store(r, byte ^ 0x20);
        r->state = READ_DATA;
        return GDB_NOTHING;
    case READ_SUM_HIGH:
        digit = digit_of((char)byte);
        r->wanted = (uint8_t)((unsigned)digit << 4);
        r->state = digit < 0 ? READ_IDLE : READ_SUM_LOW;
        return digit < 0 ? GDB_DAMAGED : GDB_NOTHING;
    case READ_SUM_LOW: return finish(r, byte);
    }
    return GDB_NOTHING;
}

/* --- out -------------------------------------------------------------------------------------- */

void gdb_reply_byte(struct gdb_reply *r, char c)
{
    if (r->length < sizeof r->data)
        r->data[r->length++] = c;
    else
        r->too_long = true;
}

void gdb_reply_text(struct gdb_reply *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (int i = 0; i < n && text[i]; i++)
        gdb_reply_byte(r, text[i]);
}

void gdb_reply_hex(struct gdb_reply *r, const void *bytes, size_t count)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < count; i++) {
        gdb_reply_byte(r, "0123456789abcdef"[p[i] >> 4]);
        gdb_reply_byte(r, "0123456789abcdef"[p[i] & 15]);
    }
}

void gdb_reply_binary(struct gdb_reply *r, const void *bytes, size_t count)
{
    const char *p = bytes;
    for (size_t i = 0; i < count; i++) {
        if (p[i] == '#' || p[i] == '$' || p[i] == '}' || p[i] == '*') {
            gdb_reply_byte(r, '}');
            gdb_reply_byte(r, (char)(p[i] ^ 0x20));
        } else {
            gdb_reply_byte(r, p[i]);
        }
    }
}

size_t gdb_reply_frame(const struct gdb_reply *r, char *out)
{
    static const char error[] = "E01";
    const char *data = r->too_long ? error : r->data;
    size_t length = r->too_long ? 3 : r->length, n = 0;
    uint8_t sum = 0;
    out[n++] = '$';
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + (uint8_t)data[i]);
        out[n++] = data[i];
    }
    out[n++] = '#';
    out[n++] = "0123456789abcdef"[sum >> 4];
    out[n++] = "0123456789abcdef"[sum & 15];
    return n;
}

/* --- words ------------------------------------------------------------------------------------ */

bool gdb_number(struct gdb_words *w, uint64_t *value)
{
    unsigned digits = 0;
    *value = 0;
    for (int d; w->at < w->end && (d = digit_of(*w->at)) >= 0; w->at++) {
        if (*value >> 60)
            return false;
        *value = *value << 4 | (unsigned)d;
        digits++;
    }
    return digits > 0;
}

bool gdb_word(struct gdb_words *w, uint32_t *value)
{
    uint64_t wide;
    bool good = gdb_number(w, &wide) && wide <= UINT32_MAX;
    *value = good ? (uint32_t)wide : 0;
    return good;
}

bool gdb_literal(struct gdb_words *w, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(w->end - w->at) < n || memcmp(w->at, text, n) != 0)
        return false;
    w->at += n;
    return true;
}

bool gdb_bytes(struct gdb_words *w, void *bytes, size_t count)
{
    uint8_t *p = bytes;
    if ((size_t)(w->end - w->at) / 2 < count)
        return false;
    for (size_t i = 0; i < count; i++, w->at += 2) {
        int high = digit_of(w->at[0]), low = digit_of(w->at[1]);
        if (high < 0 || low < 0)
            return false;
        p[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
