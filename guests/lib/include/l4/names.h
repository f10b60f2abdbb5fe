// names.h: the name server: names of at most 27 characters for threads. The root server tells every
// task who it is, in the start area.
#pragma once

#include <l4/task.h>
#include <l4/types.h>

#define L4_NAME_WORDS (L4_NAME_SIZE / 4)

enum l4_names_label {
    L4_NAMES_REGISTER = 0x1100, // name words, thread (nil: the caller)
    L4_NAMES_LOOKUP = 0x1101,   // name words -> thread, nil if there is none
    L4_NAMES_WAIT = 0x1102,     // name words -> thread, once there is one
    L4_NAMES_ENTRY = 0x1103,    // index -> thread, name words; nil behind the last
    L4_NAMES_REMOVE = 0x1104,   // name words; only who registered it may
};

// True if the name is ours now: it was free, or its thread is gone.
bool l4_names_register(const char *name);
l4_thread_id l4_names_lookup(const char *name);
l4_thread_id l4_names_wait(const char *name);
l4_thread_id l4_names_entry(word_t index, char name[L4_NAME_SIZE]);
