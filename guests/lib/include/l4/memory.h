// memory.h: the memory server ("memory"): dataspaces, which are pieces of memory with a number, and
// regions, which are where a task sees them. The server is the pager of a task's regions: the first
// mapping makes it the pager of the calling thread, and what it does not know it asks the root
// server for. Pages are zero until written. Nothing is copied on write.
#pragma once

#include <l4/types.h>

enum l4_memory_label {
    L4_MEMORY_OPEN = 0x1400,   // size in bytes -> dataspace; the caller's task owns it
    L4_MEMORY_MAP = 0x1401,    // dataspace, address (0: choose), offset, size, rights -> address
    L4_MEMORY_UNMAP = 0x1402,  // address: the region that begins there
    L4_MEMORY_CLOSE = 0x1403,  // dataspace; the owner's: its regions go everywhere
    L4_MEMORY_SHARE = 0x1404,  // dataspace, thread of the task that may map it, rights
    L4_MEMORY_STATE = 0x1405,  // -> frames spare, frames in use, dataspaces, regions
};

enum l4_memory_error {
    L4_MEMORY_OK = 0,
    L4_MEMORY_NONE = 1,    // no such dataspace or region, or no right to it
    L4_MEMORY_NO_ROOM = 2, // out of memory, of numbers or of address space
    L4_MEMORY_BAD = 3,     // misaligned, empty, outside the dataspace, or overlapping
};

// All return 0 (or NULL) on failure, l4_memory_error() then says why.
word_t l4_memory_open(word_t size);
void *l4_memory_map(word_t dataspace, void *address, word_t offset, word_t size, word_t rights);
bool l4_memory_unmap(void *address);
bool l4_memory_close(word_t dataspace);
bool l4_memory_share(word_t dataspace, l4_thread_id with, word_t rights);
enum l4_memory_error l4_memory_error(void);
