// SPDX-License-Identifier: GPL-2.0-only
/* task.c: the server is a task of guests/root, among others. */
#include <string.h>
#include <l4/console.h>
#include <l4/names.h>
#include <l4/task.h>
#include <l4/thread.h>
#include "layer.h"
#include "place.h"

#define FILE_ADDRESS 0x00100000u /* below the server's image there is nothing else */
#define KEYS_SIZE    1024u       /* a power of two */

static const struct l4_start_area *const area = (const struct l4_start_area *)L4_START_AREA;
static char command_line[sizeof(area->command_line)];
static l4_thread_id console;

/* What has been typed: the reader puts it in, Linux takes it out. */
static char keys[KEYS_SIZE];
static volatile word_t keys_put, keys_taken;
static l4_thread_id reader;
static char reader_stack[4096] __attribute__((aligned(16)));

/* The message in the MRs; true if the answer is a success. */
static bool call(l4_thread_id server)
{
    l4_tag tag = l4_call(server);

    return !l4_tag_failed(tag) && l4_tag_label(tag) == 0;
}

static void put_name(const char *name)
{
    word_t words[L4_NAME_WORDS] = {0};

    strlcpy((char *)words, name, sizeof(words));
    for (word_t i = 0; i < L4_NAME_WORDS; i++)
        l4_msg_word(words[i]);
}

static bool set_own_priority(word_t priority)
{
    l4_msg_begin(L4_ROOT_PRIORITY);
    l4_msg_word(layer_server);
    l4_msg_word(priority);
    return call(area->root);
}

/* --- the start and the end -------------------------------------------------------------------- */

static _Noreturn void end(int status)
{
    l4_msg_begin(L4_ROOT_EXIT);
    l4_msg_word((word_t)status);
    for (;;)
        l4_call(area->root);
}

/* Without a console nothing can be said, not even that: the status is all. */
static void find_console(void)
{
    l4_msg_begin(L4_NAMES_WAIT);
    put_name("console");
    if (area->names == L4_NIL_THREAD || !call(area->names) || l4_mr(1) == L4_NIL_THREAD)
        end(1);
    console = l4_mr(1);
    l4_msg_begin(L4_CONSOLE_OPEN);
    put_name(area->name);
    if (!call(console))
        end(1);
}

static char *begin(void)
{
    l4_set_tcr(L4_TCR_EXCEPTION_HANDLER, area->root);
    find_console();
    if (!set_own_priority(PRIORITY_LINUX))
        layer_panic("the root server refuses priority %u", PRIORITY_LINUX);
    memcpy(command_line, area->command_line, sizeof(command_line));
    return command_line;
}

static void make_small(void)
{
    layer_panic("space=small: tasks have their areas above 64 MB, so their spaces are large");
}

static const void *file(const char *name, size_t *size)
{
    l4_msg_begin(L4_ROOT_MODULE);
    l4_msg_word(FILE_ADDRESS);
    put_name(name);
    if (!call(area->root))
        layer_panic("no module called %s, or it does not fit: initrd= names a module", name);
    *size = l4_mr(1);
    return (const void *)FILE_ADDRESS;
}

/* --- memory, threads, spaces ------------------------------------------------------------------ */

/* The root server gives what mem= says, and brings it when it is touched. */
static bool memory(word_t base, word_t bits)
{
    (void)base, (void)bits;
    return true;
}

static bool memory_again(word_t from, word_t to)
{
    bool done;

    l4_accept(l4_make_fpage(to, 12, 0), false);
    l4_msg_begin(L4_ROOT_FRAME);
    l4_msg_word(from);
    done = call(area->root) && l4_tag_typed(l4_mr(0)) == 2;
    l4_accept_nothing();
    return done;
}

/* Threads are made with this one as their scheduler, who may raise none above itself. */
static l4_thread_id thread(word_t priority)
{
    l4_thread_id id;
    bool raised;

    l4_msg_begin(L4_ROOT_THREAD);
    l4_msg_word(area->root);
    if (!call(area->root))
        return L4_NIL_THREAD;
    id = l4_mr(1);
    raised = set_own_priority(priority) && l4_set_priority(id, priority);
    if (!set_own_priority(PRIORITY_LINUX) || !raised)
        return L4_NIL_THREAD;
    ((word_t *)(uintptr_t)l4_local_id_of(id))[L4_TCR_EXCEPTION_HANDLER] = area->root;
    return id;
}

static l4_thread_id space(word_t index)
{
    (void)index;
    l4_msg_begin(L4_ROOT_SPACE);
    l4_msg_word(l4_make_fpage(PROCESS_KIP, 12, 0));
    l4_msg_word(l4_make_fpage(PROCESS_UTCBS, 12, 0));
    l4_msg_word(PROCESS_UTCB);
    l4_msg_word(L4_SPACE_FOREIGN);
    return call(area->root) ? l4_mr(1) : L4_NIL_THREAD;
}

static bool end_space(l4_thread_id id)
{
    l4_msg_begin(L4_ROOT_UNSPACE);
    l4_msg_word(id);
    return call(area->root);
}

/* --- the terminal ----------------------------------------------------------------------------- */

static void write(const char *text, size_t length)
{
    while (length) {
        size_t chunk = length < L4_CONSOLE_CHUNK ? length : L4_CONSOLE_CHUNK;
        word_t *mr = l4_utcb();

        mr[0] = l4_make_tag(L4_CONSOLE_WRITE, (chunk + 3) / 4 + 1, 0);
        mr[1] = chunk;
        memcpy(mr + 2, text, chunk);
        l4_call(console);
        text += chunk;
        length -= chunk;
    }
}

static int read(void)
{
    if (keys_taken == keys_put)
        return -1;
    return (unsigned char)keys[keys_taken++ % KEYS_SIZE];
}

/* What has no room is lost, as on a serial line that nobody empties. */
static void take_keys(void)
{
    const char *typed = (const char *)(l4_utcb() + 2);

    for (word_t i = 0; i < l4_mr(1) && keys_put - keys_taken < KEYS_SIZE; i++) {
        keys[keys_put % KEYS_SIZE] = typed[i];
        keys_put++;
    }
}

static void reader_loop(void *unused)
{
    (void)unused;
    for (;;) {
        l4_msg_begin(L4_CONSOLE_KEYS);
        if (!call(console))
            l4_sleep(L4_NEVER); /* the console has gone: no more keys */
        take_keys();
        l4_msg_begin(0);
        l4_call(layer_interrupt);
    }
}

static l4_thread_id input(void)
{
    reader = thread(PRIORITY_INTERRUPT);
    return reader ? l4_local_id_of(reader) : L4_NIL_THREAD; /* as messages within a space say it */
}

static void ready(void)
{
    l4_thread_start(reader, reader_loop, NULL, reader_stack, sizeof(reader_stack));
}

const struct place layer_task = {
    .begin = begin,
    .file = file,
    .make_small = make_small,
    .memory = memory,
    .memory_again = memory_again,
    .thread = thread,
    .space = space,
    .end_space = end_space,
    .write = write,
    .read = read,
    .input = input,
    .ready = ready,
    .end = end,
};
