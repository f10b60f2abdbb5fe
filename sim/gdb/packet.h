/* packet: the framing of the GDB remote protocol [GDB-REMOTE Overview]: `$data#hh`, acknowledged by
 * `+` or `-`, and a lone 03h that interrupts. In data `}` escapes the next byte (XOR 20h). Fed byte
 * by byte; any bytes are accepted, and what is no packet is passed over. */
#pragma once

#include "sim/core/types.h"

#include <string.h>

#define GDB_PACKET_MAX 0x4000 /* bytes of data, after unescaping */

enum gdb_input { GDB_NOTHING, GDB_PACKET, GDB_DAMAGED, GDB_NAK, GDB_INTERRUPT };

struct gdb_reader {
    enum { READ_IDLE, READ_DATA, READ_ESCAPE, READ_SUM_HIGH, READ_SUM_LOW } state;
    bool too_long;
    uint8_t sum, wanted;
    size_t length;
    char data[GDB_PACKET_MAX + 1]; /* a zero follows the last byte */
};

/* What this byte completes. After GDB_PACKET, data and length hold it until the next byte. */
enum gdb_input gdb_reader_feed(struct gdb_reader *r, uint8_t byte);

/* A growing reply. Too much is cut off and makes the reply an error. */
struct gdb_reply {
    size_t length;
    bool too_long;
    char data[2 * GDB_PACKET_MAX + 8];
};

void gdb_reply_byte(struct gdb_reply *r, char c);
void gdb_reply_text(struct gdb_reply *r, const char *fmt, ...) PRINTF(2, 3);
void gdb_reply_hex(struct gdb_reply *r, const void *bytes, size_t count);
/* Binary data of a qXfer reply: escaped. */
void gdb_reply_binary(struct gdb_reply *r, const void *bytes, size_t count);
/* Frames the reply: `$`, data, `#`, checksum. Returns the size; out holds sizeof r->data + 4. */
size_t gdb_reply_frame(const struct gdb_reply *r, char *out);

/* --- reading a packet's words --- */

struct gdb_words {
    const char *at, *end;
};

static inline struct gdb_words gdb_words_of(const char *data, size_t length)
{
    return (struct gdb_words){data, data + length};
}

/* A hexadecimal number of at most 64 bits. False: there is none, or it is larger. */
bool gdb_number(struct gdb_words *w, uint64_t *value);
/* The same, of at most 32 bits. */
bool gdb_word(struct gdb_words *w, uint32_t *value);
bool gdb_literal(struct gdb_words *w, const char *text); /* passes over text if it is next */
/* Exactly count bytes in hexadecimal. */
bool gdb_bytes(struct gdb_words *w, void *bytes, size_t count);
static inline bool gdb_at_end(const struct gdb_words *w) { return w->at == w->end; }
