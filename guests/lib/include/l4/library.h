// library.h: what the start-up code does before l4_main, and how a program ends. Link with
// guests/lib (libl4.a), whose _start calls l4_library_init and then the program's
// int l4_main(const char *command_line); what that returns goes to l4_exit.
#pragma once

#include <l4/types.h>

int l4_main(const char *command_line);

// Finds the kernel interface page, the stubs and the UTCB area for this space.
void l4_library_init(void);

// True in the root server (a program that the kernel itself started).
bool l4_is_root(void);

// Ends the program. The root server ends the machine as its command line's exit= says: debug
// (writes status to isa-debug-exit at port 0xF4, so that QEMU ends with status * 2 + 1), reboot or
// halt, which is the default. Any other task asks the root server to end it.
_Noreturn void l4_exit(int status);

// A line saying why, then l4_exit(1).
_Noreturn void l4_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The value of name= in a command line of words with spaces between them, copied into value
// (which is cut to size - 1 bytes). False, with value empty, when there is none.
bool l4_option(const char *command_line, const char *name, char *value, word_t size);
