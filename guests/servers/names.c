// names.c: the name server. A name belongs to the thread that registered it until that thread
// removes it or is gone; whoever waits for a name gets its answer when there is one.
#include <l4/console.h>
#include <l4/library.h>
#include <l4/names.h>
#include <l4/server.h>
#include <l4/string.h>
#include <l4/task.h>

#define ENTRY_MAX 64
#define WAITER_MAX 64

struct entry {
    word_t name[L4_NAME_WORDS];
    l4_thread_id thread; // nil: free
    l4_thread_id owner;
};

struct waiter {
    word_t name[L4_NAME_WORDS];
    l4_thread_id client; // nil: free
};

struct names {
    struct entry entries[ENTRY_MAX];
    struct waiter waiters[WAITER_MAX];
};

static struct names names;

static void get_name(word_t first_mr, word_t name[L4_NAME_WORDS])
{
    for (word_t i = 0; i < L4_NAME_WORDS; i++)
        name[i] = l4_mr(first_mr + i);
    name[L4_NAME_WORDS - 1] &= 0x00FFFFFF; // always a NUL at the end
}

static struct entry *find(struct names *n, const word_t name[L4_NAME_WORDS])
{
    for (word_t i = 0; i < ENTRY_MAX; i++) {
        struct entry *entry = &n->entries[i];
        if (entry->thread && memcmp(entry->name, name, L4_NAME_SIZE) == 0)
            return entry;
    }
    return NULL;
}

static struct entry *find_free(struct names *n)
{
    for (word_t i = 0; i < ENTRY_MAX; i++) {
        if (!n->entries[i].thread)
            return &n->entries[i];
    }
    return NULL;
}

static enum l4_disposition result(word_t word)
{
    l4_msg_begin(0);
    l4_msg_word(word);
    return L4_REPLY;
}

// An empty message tells: servers ignore it, and to a thread that is gone it cannot be sent.
static bool is_gone(l4_thread_id thread)
{
    l4_msg_begin(0);
    return l4_tag_failed(l4_reply(thread)) && l4_ipc_error() == L4_IPC_NO_PARTNER;
}

static void wake(struct names *n, const struct entry *entry)
{
    for (word_t i = 0; i < WAITER_MAX; i++) {
        struct waiter *waiter = &n->waiters[i];
        if (!waiter->client || memcmp(waiter->name, entry->name, L4_NAME_SIZE) != 0)
            continue;
        result(entry->thread);
        l4_reply(waiter->client);
        waiter->client = L4_NIL_THREAD;
    }
}

static enum l4_disposition on_register(void *context, l4_thread_id from, l4_tag tag)
{
    struct names *n = context;
    word_t name[L4_NAME_WORDS], thread = l4_mr(L4_NAME_WORDS + 1);
    (void)tag;
    get_name(1, name);
    struct entry *entry = find(n, name);
    if (entry && entry->owner != from && !is_gone(entry->owner))
        return result(0);
    if (!entry)
        entry = find_free(n);
    if (!entry || name[0] == 0)
        return result(0);
    memcpy(entry->name, name, L4_NAME_SIZE);
    entry->thread = thread ? thread : from;
    entry->owner = from;
    wake(n, entry);
    return result(1);
}

static enum l4_disposition on_lookup(void *context, l4_thread_id from, l4_tag tag)
{
    word_t name[L4_NAME_WORDS];
    (void)from, (void)tag;
    get_name(1, name);
    const struct entry *entry = find(context, name);
    return result(entry ? entry->thread : L4_NIL_THREAD);
}

static enum l4_disposition on_wait(void *context, l4_thread_id from, l4_tag tag)
{
    struct names *n = context;
    word_t name[L4_NAME_WORDS];
    (void)tag;
    get_name(1, name);
    const struct entry *entry = find(n, name);
    if (entry)
        return result(entry->thread);
    // A thread that asks again waits no longer for what it asked before.
    struct waiter *slot = NULL;
    for (word_t i = WAITER_MAX; i-- > 0;) {
        if (!n->waiters[i].client || n->waiters[i].client == from) {
            slot = &n->waiters[i];
            slot->client = L4_NIL_THREAD;
        }
    }
    if (!slot)
        return result(L4_NIL_THREAD);
    memcpy(slot->name, name, L4_NAME_SIZE);
    slot->client = from;
    return L4_NO_REPLY;
}

static enum l4_disposition on_entry(void *context, l4_thread_id from, l4_tag tag)
{
    const struct names *n = context;
    word_t wanted = l4_mr(1);
    (void)from, (void)tag;
    for (word_t i = 0; i < ENTRY_MAX; i++) {
        const struct entry *entry = &n->entries[i];
        if (!entry->thread || wanted-- > 0)
            continue;
        result(entry->thread);
        for (word_t word = 0; word < L4_NAME_WORDS; word++)
            l4_msg_word(entry->name[word]);
        return L4_REPLY;
    }
    return result(L4_NIL_THREAD);
}

static enum l4_disposition on_remove(void *context, l4_thread_id from, l4_tag tag)
{
    word_t name[L4_NAME_WORDS];
    (void)tag;
    get_name(1, name);
    struct entry *entry = find(context, name);
    if (!entry || entry->owner != from)
        return result(0);
    entry->thread = L4_NIL_THREAD;
    return result(1);
}

static const struct l4_operation operations[] = {
    {L4_NAMES_REGISTER, L4_NAME_WORDS + 1, on_register},
    {L4_NAMES_LOOKUP, L4_NAME_WORDS, on_lookup},
    {L4_NAMES_WAIT, L4_NAME_WORDS, on_wait},
    {L4_NAMES_ENTRY, 1, on_entry},
    {L4_NAMES_REMOVE, L4_NAME_WORDS, on_remove},
};

int l4_main(const char *command_line)
{
    (void)command_line;
    l4_console_set(L4_NIL_THREAD);
    l4_copy_string((char *)names.entries[0].name, "names", L4_NAME_SIZE);
    names.entries[0].thread = names.entries[0].owner = l4_my_global_id();
    l4_root_serve();
    const struct l4_server server = {
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .context = &names,
    };
    l4_server_run(&server);
}
