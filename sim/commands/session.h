/* session: one machine being run and what watches it: symbols, ledger, window, log, debugger,
 * progress. What `run` and `replay` have in common. */
#pragma once

#include "sim/commands/options.h"
#include "sim/commands/progress.h"
#include "sim/gdb/gdb.h"
#include "sim/machine/machine.h"
#include "sim/replay/history.h"
#include "sim/report/blame.h"
#include "sim/report/guest_names.h"
#include "sim/report/path_rules.h"
#include "sim/report/paths.h"
#include "sim/report/profile.h"
#include "sim/report/symbols.h"
#include "sim/report/timeline.h"
#include "sim/report/window.h"

struct console;

struct session {
    struct machine *machine;
    struct symbols symbols;
    struct watch watch;
    struct window window;
    struct guest_names names;
    struct path_rules rules;
    struct spaces spaces;
    struct paths paths;
    struct profile profile;
    struct timeline timeline;
    struct blame blame;
    struct progress progress;
    struct gdb *gdb;
    struct history *history; /* for the debugger to go back; NULL: there is none */
    struct event poll_event;
    void (*poll)(void *owner); /* looks at the terminal now and then; NULL: there is none */
    void (*restore)(void *owner); /* leaves a usable terminal behind; NULL: nothing to restore */
    void *owner;
    void (*after_reset)(void *owner); /* the machine's listener before ours */
    void *after_reset_owner;
    const char *ledger, *window_spec, *window_file, *timeline_file, *log;
    const char *record, *record_input; /* the trace and the script that are written; or NULL */
    const char *serial[MACHINE_UARTS]; /* where COM1 and COM2 go: console_set_output */
    unsigned serials;
    uint64_t instructions_before; /* when the ledger began to count */
    struct gdb_address gdb_address;
    bool debugged, gdb_waits, screen, quiet, hash, with_paths, with_profile, with_blame;
    bool warm;      /* the ledger counts from warm caches on */
    bool limit_hit; /* what ended the run was a limit of cycles */
    int signals;    /* a signalfd; 0: signals do what they do to any program */
    int signal;     /* that ended the run, as Ctrl-A x does */
};

/* Rows of an option table; session_option takes their letters. */
#define SESSION_OPTIONS                                                                            \
    {"what to see", NULL, NULL, 0},                                                                \
    {"symbols", "FILE[@OFFSET][:SPACE]",                                                           \
     "names of code from an ELF file or a System.map, moved by OFFSET "                            \
     "(hexadecimal), in one address space only; may be repeated", 'y' | REPEATS},                  \
    {"ledger", "FILE.json", "write cycles by cause, path and place; read by `isochron report`",    \
     'l'},                                                                                         \
    {"window", "SYMBOL#N", "show the N-th stretch from SYMBOL to SYMBOL (or A..B#N), "             \
     "instruction by instruction; #median: the first that costs the median of all", 'W'},          \
    {"window-json", "FILE", "write it as JSON too", 'J'},                                          \
    {"paths", NULL, "tell address spaces, and kernel paths by what they do: into the "             \
                    "ledger's file, or printed", 'p'},                                             \
    {"profile", NULL, "and their instructions: for `isochron annotate`, `diff` and `check`; "      \
                      "goes into the ledger's file", 'F'},                                         \
    {"timeline", "FILE", "write what ran when, to the cycle; read by `isochron export`", 'N'},     \
    {"rules", "FILE", "names of spaces and paths by this file; default: that of rules/ "           \
                      "beside the command which is for the kernel that runs", 'r'},                \
    {"blame", NULL, "tell what made each cache and TLB miss one, and whose doing it was: "         \
                    "into the ledger's file, or printed", 'B'},                                    \
    {"d", "int,io,cr,exceptions", "log to stderr, with cycle stamps", 'd'},                        \
    {"screen", NULL, "print the VGA text screen when the run ends", 'v'},                          \
    {"hash", NULL, "print the hash of the whole state at the end", 'H'},                           \
    {"s", NULL, "the same as --gdb 1234", '1'},                                                    \
    {"gdb", "PORT|unix:PATH", "let gdb connect to 127.0.0.1:PORT (0: any free one; also "          \
                              ":PORT, tcp::PORT) or to a Unix socket while it runs", 'G'},         \
    {"S", NULL, "do nothing before gdb has connected and says so", '2'},                           \
    {"quiet", NULL, "no progress on stderr", 'q'}

void session_init(struct session *s);
/* False: the letter is none of SESSION_OPTIONS. */
bool session_option(struct session *s, int letter, const char *value);
/* What shows only when all options are known; usage_error. read: kernel or trace and what else is
 * read, which no output may be; NULL ends it. */
void session_check(struct session *s, const char *model, const char *const *read);
/* After that: where --serial goes, by default COM1 to stdio; and --record-input. */
void session_open_console(const struct session *s, struct console *k);
/* From now on a signal that would end the program ends the run, whose recording and reports are
 * then written as at any end; a second one ends the program. Not under a debugger. */
void session_catch_signals(struct session *s);
/* Watches a machine that is built and booted or restored. */
void session_attach(struct session *s, struct machine *m, uint64_t limit_cycles);
/* Opens the window that was asked for, and begins to tell paths apart. */
void session_watch(struct session *s);
/* Only tells paths apart; and no more. For who looks for an instance of one (explain.h). */
void session_watch_paths(struct session *s);
void session_unwatch_paths(struct session *s);
/* A debugger can go back from now on: replay is the recorded run that the machine lives, or NULL.
 * recorded: the run is being recorded. */
void session_remember(struct session *s, struct replay *replay, bool recorded);
/* Lets the machine go on, under the debugger if there is one. */
void session_run(struct session *s);
/* The ledger forgets what it has counted. */
void session_count_from_here(struct session *s);
/* Kernel paths so far, each with its name. */
json_t *session_paths(struct session *s);
/* The document that --ledger writes. later: NULL, or for the rows of blame's matrix, which has none
 * then. */
json_t *session_ledger(struct session *s, struct blame_matrix **later);
/* Prints and writes what was asked for and says how the run ended. Returns the exit code. */
int session_end(struct session *s);
/* Before the machine is freed. */
void session_free(struct session *s);
