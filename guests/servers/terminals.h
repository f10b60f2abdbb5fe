// terminals.h: terminals of tasks that share one serial line with each other and with those that
// only print. A terminal's lines begin with its name, "[linux] "; one that something else has
// broken into goes on in a line that begins "[linux]+". What a terminal without the keyboard
// writes appears when its line is complete. Control-] and a digit give the keyboard to a terminal,
// by their order, or, 0, to readers of edited lines.
#pragma once

#include <l4/task.h>
#include <l4/types.h>

#define TERMINAL_MAX 8
#define TERMINAL_LINE 240u
#define TERMINAL_KEYS 240u // fits a message
#define TERMINAL_ESCAPE 0x1D

struct terminal {
    word_t task;
    char name[L4_NAME_SIZE];
    char line[TERMINAL_LINE]; // what has not appeared yet
    word_t length;
    bool after_cr;
    bool continued; // the last piece that appeared did not end its line
    char keys[TERMINAL_KEYS];
    word_t key_count;
    l4_thread_id reader; // nil: nobody waits for keys
};

struct terminals {
    void (*put)(void *owner, char byte); // to the serial line
    void *owner;
    struct terminal list[TERMINAL_MAX];
    word_t count;
    const char *wanted;        // the name of who gets the keyboard as soon as it is there
    struct terminal *keyboard; // NULL: readers of lines
    struct terminal *on_line;  // whose line is on the serial line; NULL: somebody who prints
    bool line_open;            // and has not ended
    bool after_escape;
    word_t lost; // keys
};

struct terminal *terminals_find(struct terminals *t, word_t task);

// The task's terminal, empty; NULL: there are too many.
struct terminal *terminals_open(struct terminals *t, word_t task, const char *name);

void terminals_write(struct terminals *t, struct terminal *terminal, const char *text,
                     word_t length);
void terminals_print(struct terminals *t, char c); // for who has no terminal

// False: the key is for readers of lines.
bool terminals_type(struct terminals *t, int byte);
void terminals_serve(struct terminals *t); // sends keys to who waits for them
