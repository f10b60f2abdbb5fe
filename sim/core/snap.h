/* snap: one visitor per component for save, load, hash and diff, so that the four cannot drift.
 *
 * A component's X_snapshot(x, s) names every field of its state once. What happens to a field is
 * the visitor's mode: SNAP_SAVE appends it to a buffer, SNAP_LOAD takes it from one, SNAP_HASH
 * folds it into a 64-bit state hash (order and names count), SNAP_DIFF compares it with a saved
 * buffer and keeps the path and values of the first difference ("machine.pic.isr: 04 here, 00
 * there"). The format is self-checking: each field carries a 16-bit hash of its path, so that a
 * load of a file of another shape fails with the name of the field, never with garbage. */
#pragma once

#include "sim/core/types.h"

enum snap_mode { SNAP_SAVE, SNAP_LOAD, SNAP_HASH, SNAP_DIFF };

struct snap {
    enum snap_mode mode;
    uint8_t *data; /* SAVE: grows; LOAD, DIFF: the saved bytes */
    size_t size;
    size_t capacity;
    size_t position; /* LOAD, DIFF: read position */
    cycle_t cycle_most; /* LOAD: a clock beyond this is refused */
    uint64_t hash;
    char path[128]; /* the component being visited, dotted */
    uint32_t path_length;
    bool failed;       /* LOAD: wrong shape or too short; DIFF: a difference was found */
    char message[256]; /* says what failed, or the first difference */
};

void snap_begin_save(struct snap *s);
void snap_begin_load(struct snap *s, const uint8_t *data, size_t size);
void snap_begin_hash(struct snap *s);
void snap_begin_diff(struct snap *s, const uint8_t *data, size_t size);
void snap_free(struct snap *s);

/* LOAD: a component cannot take this value; nothing more is loaded. */
void snap_refuse(struct snap *s, const char *name, const char *why);

static inline bool snap_loading(const struct snap *s) { return s->mode == SNAP_LOAD && !s->failed; }

void snap_enter(struct snap *s, const char *name);
void snap_leave(struct snap *s);

void snap_bool(struct snap *s, const char *name, bool *v);
void snap_u8(struct snap *s, const char *name, uint8_t *v);
void snap_u16(struct snap *s, const char *name, uint16_t *v);
void snap_u32(struct snap *s, const char *name, uint32_t *v);
void snap_u64(struct snap *s, const char *name, uint64_t *v);
/* Fixed-size bytes. Zero pages of large arrays are stored as a run, so guest memory stays small. */
void snap_bytes(struct snap *s, const char *name, void *v, size_t size);
