/* console: what is on the other end of the guest's serial ports, and the words it waits for.
 *
 * Output goes to the terminal, a file, or nowhere. Input comes from a script (characters at stated
 * cycles or after stated output: an input of the run, the same every time) or from the terminal
 * (each character is logged with the cycle it arrived at, so that the run can be repeated). */
#pragma once

#include "sim/commands/progress.h"
#include "sim/machine/machine.h"
#include "sim/replay/history.h"
#include "sim/replay/recorder.h"

#include <stdio.h>

struct console;

struct console *console_new(void);
void console_free(struct console *k);
/* The host side of the machine: give it to machine_new. */
struct machine_host console_host(struct console *k);

/* "stdio", "file:PATH" or "null". usage_error otherwise. */
void console_set_output(struct console *k, int port, const char *spec);
/* The progress line makes way for what goes to the terminal, and stays away from a line that the
 * guest has begun. */
void console_share_terminal(struct console *k, struct progress *progress);
/* Whether what a command prints may have colours: a terminal that has them, and no NO_COLOR. */
bool console_colours(void);
/* A script: lines `at CYCLE "text"`, `wait "text"`, `send "text"`, `# comment`; \n, \r, \t, \\, \"
 * and \xHH in texts. `send` types when the waits before it have been met. */
void console_set_script(struct console *k, const char *path);
/* Terminal input, raw, with Ctrl-A x to end the run. Only if standard input is a terminal or
 * pipe. */
void console_set_terminal(struct console *k, bool on);
/* Writes each terminal character with its cycle to path, as a script. */
void console_log_input(struct console *k, const char *path);

/* Tells a recorder of every character typed from now on; NULL: no more. */
void console_record(struct console *k, struct recorder *recorder);
/* The same for a machine that may go back. */
void console_remember(struct console *k, struct history *history);

/* The machine to type into; starts the script. */
void console_attach(struct console *k, struct machine *m);

/* Calls back when COM1 has sent this text (each time it occurs). At most 8. */
void console_watch(struct console *k, const char *text, void (*seen)(void *owner), void *owner);
/* Forgets the watches that call seen. */
void console_unwatch(struct console *k, void (*seen)(void *owner));
/* Calls back on a write of this value to port 80h. */
void console_watch_post(struct console *k, uint8_t value, void (*seen)(void *owner), void *owner);

/* Reads the terminal now: an observer's event calls it. */
void console_poll(struct console *k);
void console_flush(struct console *k);
