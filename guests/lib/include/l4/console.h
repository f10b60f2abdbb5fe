// console.h: the console server ("console"): COM1 by interrupts, text out and lines in. Text
// travels in message registers, at most 248 bytes a message; printing (print.h) uses it by itself.
#pragma once

#include <l4/types.h>

#define L4_CONSOLE_CHUNK 248u

enum l4_console_label {
    L4_CONSOLE_WRITE = 0x1200, // length, bytes -> answered when the server has room for the next
    L4_CONSOLE_READ = 0x1201,  // -> length, bytes of a line without its end, once it is complete
    L4_CONSOLE_FLUSH = 0x1202, // -> bytes out so far, when all has gone out to the UART
    L4_CONSOLE_LOG = 0x1204,   // length, bytes; no reply, and what has no room is lost
    L4_CONSOLE_STATE = 0x1203, // -> bytes out, bytes in, interrupts, bytes lost
    L4_CONSOLE_OPEN = 0x1205,  // name words: the caller's task has a terminal of this name
    L4_CONSOLE_KEYS = 0x1206,  // -> length, bytes as they are typed, for who has a terminal
};

// Printing goes to this server from now on; nil: to COM1 itself. Until it is called, printing looks
// for a server of the name "console" each time.
void l4_console_set(l4_thread_id console);

// One line of input without its end, cut to size - 1 bytes. Its length, or -1 without a server.
int l4_read_line(char *line, word_t size);

void l4_console_flush(void);
