// server.c: the server loop. The reply never waits: a client that is not receiving gets none.
#include <l4/server.h>

#include <l4/protocols.h>

static const struct l4_operation *find(const struct l4_server *server, l4_tag tag)
{
    word_t label = l4_tag_label(tag);
    // The rights in a kernel message's label are an argument, not part of its name.
    if (label >= L4_LABEL_IO_PAGE_FAULT)
        label = l4_protocol_label(tag);
    for (word_t i = 0; i < server->operation_count; i++) {
        const struct l4_operation *operation = &server->operations[i];
        if (operation->label == label)
            return l4_tag_untyped(tag) >= operation->word_count ? operation : NULL;
    }
    return NULL;
}

static enum l4_disposition dispatch(const struct l4_server *server, l4_thread_id from, l4_tag tag)
{
    const struct l4_operation *operation = find(server, tag);
    if (operation)
        return operation->run(server->context, from, tag);
    // An empty message asks only whether we exist; to be sent is its answer.
    if ((tag & ~L4_TAG_FLAGS) == 0)
        return L4_NO_REPLY;
    return l4_server_result(L4_SERVER_UNKNOWN);
}

void l4_server_run(const struct l4_server *server)
{
    l4_thread_id from = L4_NIL_THREAD, client = L4_NIL_THREAD;
    for (;;) {
        if (server->prepare)
            server->prepare(server->context);
        l4_time patience = server->patience ? server->patience(server->context) : L4_NEVER;
        l4_tag tag = l4_reply_wait_timeouts(client, L4_ZERO_TIME, patience, &from);
        bool failed = l4_tag_failed(tag);
        client = L4_NIL_THREAD;
        if (failed) {
            if (l4_ipc_error_in_receive() && l4_ipc_error() == L4_IPC_TIMEOUT && server->expired)
                server->expired(server->context);
            continue;
        }
        if (dispatch(server, from, tag) == L4_REPLY)
            client = from;
    }
}
