// internal.h: what the library's own files share.
#pragma once

#include <l4/task.h>
#include <l4/types.h>

// The program's command line: of the start area, or of the root server's module.
extern char l4_command_line[1024];

// Writes through the console server; false if there is none to be found.
bool l4_console_write(const char *text, word_t length);

// How the root server ends the machine.
_Noreturn void l4_machine_stop(const char *command_line, int status);
