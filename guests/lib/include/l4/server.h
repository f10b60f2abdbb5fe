// server.h: the loop of a server: wait for a message, look its label up in a table, run the row's
// function, reply. Requests are untyped words (and whatever the server's buffer registers accept);
// kernel messages such as interrupts and page faults are rows like the others.
#pragma once

#include <l4/ipc.h>
#include <l4/types.h>

enum l4_disposition {
    L4_REPLY,    // the reply is in the message registers
    L4_NO_REPLY, // there is none, or it comes later
};

// Reads its words with l4_mr(1)..., puts its reply with l4_msg_begin or l4_server_result.
typedef enum l4_disposition l4_operation_function(void *context, l4_thread_id from, l4_tag tag);

struct l4_operation {
    word_t label;       // as in the tag; of kernel messages with rights 0
    word_t word_count;  // at least so many untyped words
    l4_operation_function *run;
};

struct l4_server {
    const struct l4_operation *operations;
    word_t operation_count;
    void *context;
    // How long to wait for the next message, and what to do when none came; NULL to wait for ever.
    l4_time (*patience)(void *context);
    void (*expired)(void *context);
    // Sets the buffer registers before each wait; NULL accepts nothing.
    void (*prepare)(void *context);
};

// The reply to a label that no row has, and to a request with too few words.
#define L4_SERVER_UNKNOWN 0xFFu

static inline enum l4_disposition l4_server_result(word_t label)
{
    l4_msg_begin(label);
    return L4_REPLY;
}

_Noreturn void l4_server_run(const struct l4_server *server);
