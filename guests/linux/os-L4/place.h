/* SPDX-License-Identifier: GPL-2.0-only */
/* place.h: what the server stands on. Either the machine is its own (direct.c): then it is the root
 * server, with memory from sigma0, the serial line, and the right to make spaces. Or it is a task
 * of guests/root among others (task.c): then the root server is its pager, makes a process's space
 * and deletes it, one message each, and a console server has the serial line. Nothing else
 * differs. */
#pragma once

#include <stddef.h>
#include <l4/types.h>

struct place {
    /* The first that is called: after it one may write. Returns the command line. */
    char *(*begin)(void);
    /* The module that `initrd=` names. NULL: it is not to be had. */
    const void *(*file)(const char *name, size_t *size);

    void (*make_small)(void); /* the server's space becomes a small one */

    /* 2^bits bytes of memory at this address, if they are not there yet; false: none. */
    bool (*memory)(word_t base, word_t bits);
    bool (*memory_again)(word_t from, word_t to); /* the page at `from` appears at `to`, too */

    /* A second thread in the server's space, above the first; nil: none. */
    l4_thread_id (*thread)(word_t priority);
    /* A space with a thread that awaits its start message from here; what it sends by L4's
     * messages comes here too, whomever it names. nil: none. */
    l4_thread_id (*space)(word_t index);
    bool (*end_space)(l4_thread_id thread);

    /* The terminal. input: the thread whose calls to the interrupt thread say that read has
     * something; nil: none. There are none before Linux is ready for them. */
    void (*write)(const char *text, size_t length);
    int (*read)(void); /* a byte; -1: none has come */
    l4_thread_id (*input)(void);
    void (*ready)(void);

    void (*end)(int status) __attribute__((noreturn));
};

extern const struct place layer_direct, layer_task;
extern const struct place *layer_place;
