// clients.c: the client's side of the name, console, timer and memory servers.
#include <l4/console.h>
#include <l4/ipc.h>
#include <l4/memory.h>
#include <l4/names.h>
#include <l4/print.h>
#include <l4/string.h>
#include <l4/task.h>
#include <l4/timer.h>

#include "internal.h"

// ---- Names --------------------------------------------------------------------------------------

static l4_thread_id names_server(void)
{
    const struct l4_start_area *area = l4_start_area();
    return area ? area->names : L4_NIL_THREAD;
}

static void put_name(word_t label, const char *name)
{
    word_t words[L4_NAME_WORDS] = {0};
    l4_copy_string((char *)words, name, sizeof(words));
    l4_msg_begin(label);
    for (word_t i = 0; i < L4_NAME_WORDS; i++)
        l4_msg_word(words[i]);
}

// Sends what put_name made to the name server; the first word of its reply, or 0.
static word_t call_names(void)
{
    l4_thread_id names = names_server();
    // The name server has nobody to ask about names.
    if (names == L4_NIL_THREAD || names == l4_my_global_id())
        return 0;
    l4_tag tag = l4_call(names);
    if (l4_tag_failed(tag) || l4_tag_label(tag) != 0 || l4_tag_untyped(tag) < 1)
        return 0;
    return l4_mr(1);
}

bool l4_names_register(const char *name)
{
    put_name(L4_NAMES_REGISTER, name);
    l4_msg_word(L4_NIL_THREAD);
    return call_names() != 0;
}

l4_thread_id l4_names_lookup(const char *name)
{
    put_name(L4_NAMES_LOOKUP, name);
    return call_names();
}

l4_thread_id l4_names_wait(const char *name)
{
    put_name(L4_NAMES_WAIT, name);
    return call_names();
}

l4_thread_id l4_names_entry(word_t index, char name[L4_NAME_SIZE])
{
    l4_msg_begin(L4_NAMES_ENTRY);
    l4_msg_word(index);
    l4_thread_id thread = call_names();
    if (thread)
        memcpy(name, l4_utcb() + 2, L4_NAME_SIZE);
    return thread;
}

// ---- Console ------------------------------------------------------------------------------------

static l4_thread_id console = L4_ANY_THREAD; // L4_ANY_THREAD: not known yet

static l4_thread_id find_console(void)
{
    if (console != L4_ANY_THREAD)
        return console;
    l4_thread_id found = l4_names_lookup("console");
    if (found)
        console = found;
    return found;
}

void l4_console_set(l4_thread_id server)
{
    console = server;
}

static bool write_chunk(l4_thread_id server, const char *text, word_t length)
{
    word_t words = (length + 3) / 4;
    word_t *mr = l4_utcb();
    mr[0] = l4_make_tag(L4_CONSOLE_WRITE, words + 1, 0);
    mr[1] = length;
    memcpy(mr + 2, text, length);
    return !l4_tag_failed(l4_call(server));
}

bool l4_console_write(const char *text, word_t length)
{
    l4_thread_id server = find_console();
    if (server == L4_NIL_THREAD)
        return false;
    for (word_t at = 0; at < length; at += L4_CONSOLE_CHUNK) {
        word_t chunk = length - at < L4_CONSOLE_CHUNK ? length - at : L4_CONSOLE_CHUNK;
        if (!write_chunk(server, text + at, chunk)) {
            // The server is gone: whatever is left goes out without it.
            console = L4_NIL_THREAD;
            for (; at < length; at++)
                l4_serial_put(text[at]);
        }
    }
    return true;
}

// Printing may come while a message is being built, or before one that came has been read.
void l4_put_text(const char *text, word_t length)
{
    word_t saved[L4_MR_COUNT], acceptor = l4_br(0);
    memcpy(saved, l4_utcb(), sizeof(saved));
    l4_accept_nothing();
    bool written = l4_console_write(text, length);
    for (word_t i = 0; !written && i < length; i++)
        l4_serial_put(text[i]);
    l4_set_br(0, acceptor);
    memcpy(l4_utcb(), saved, sizeof(saved));
}

void l4_putchar(char c)
{
    l4_put_text(&c, 1);
}

int l4_read_line(char *line, word_t size)
{
    l4_thread_id server = l4_names_wait("console");
    l4_msg_begin(L4_CONSOLE_READ);
    if (server == L4_NIL_THREAD || size == 0 || l4_tag_failed(l4_call(server)))
        return -1;
    word_t length = l4_mr(1) < size - 1 ? l4_mr(1) : size - 1;
    memcpy(line, l4_utcb() + 2, length);
    line[length] = 0;
    return (int)length;
}

void l4_console_flush(void)
{
    l4_thread_id server = find_console();
    l4_msg_begin(L4_CONSOLE_FLUSH);
    if (server)
        l4_call(server);
}

// ---- Timer --------------------------------------------------------------------------------------

static l4_thread_id timer;

static bool call_timer(void)
{
    return timer && !l4_tag_failed(l4_call(timer)) && l4_tag_label(l4_mr(0)) == 0;
}

static bool have_timer(void)
{
    if (!timer)
        timer = l4_names_lookup("timer");
    return timer != L4_NIL_THREAD;
}

static void put_clock(l4_clock clock)
{
    l4_msg_word((word_t)clock);
    l4_msg_word((word_t)(clock >> 32));
}

bool l4_timer_sleep(l4_clock microseconds)
{
    if (!have_timer())
        return false;
    l4_msg_begin(L4_TIMER_SLEEP);
    put_clock(microseconds);
    return call_timer();
}

word_t l4_timer_alarm(l4_clock when, l4_clock period, word_t cookie)
{
    if (!have_timer())
        return 0;
    l4_msg_begin(L4_TIMER_ALARM);
    put_clock(when);
    l4_msg_word(cookie);
    put_clock(period);
    return call_timer() ? l4_mr(1) : 0;
}

bool l4_timer_cancel(word_t alarm)
{
    if (!have_timer())
        return false;
    l4_msg_begin(L4_TIMER_CANCEL);
    l4_msg_word(alarm);
    return call_timer();
}

// ---- Memory -------------------------------------------------------------------------------------

static l4_thread_id memory;
static enum l4_memory_error last_error;

enum l4_memory_error l4_memory_error(void)
{
    return last_error;
}

static void begin_memory(word_t label)
{
    if (!memory)
        memory = l4_names_wait("memory");
    l4_msg_begin(label);
}

static bool call_memory(void)
{
    last_error = L4_MEMORY_NONE;
    if (!memory)
        return false;
    l4_tag tag = l4_call(memory);
    if (l4_tag_failed(tag))
        return false;
    last_error = (enum l4_memory_error)l4_tag_label(tag);
    return last_error == L4_MEMORY_OK;
}

word_t l4_memory_open(word_t size)
{
    begin_memory(L4_MEMORY_OPEN);
    l4_msg_word(size);
    return call_memory() ? l4_mr(1) : 0;
}

void *l4_memory_map(word_t dataspace, void *address, word_t offset, word_t size, word_t rights)
{
    begin_memory(L4_MEMORY_MAP);
    l4_msg_word(dataspace);
    l4_msg_word((word_t)(uintptr_t)address);
    l4_msg_word(offset);
    l4_msg_word(size);
    l4_msg_word(rights);
    if (!call_memory())
        return NULL;
    void *region = (void *)(uintptr_t)l4_mr(1);
    l4_set_tcr(L4_TCR_PAGER, memory);
    return region;
}

bool l4_memory_unmap(void *address)
{
    begin_memory(L4_MEMORY_UNMAP);
    l4_msg_word((word_t)(uintptr_t)address);
    return call_memory();
}

bool l4_memory_close(word_t dataspace)
{
    begin_memory(L4_MEMORY_CLOSE);
    l4_msg_word(dataspace);
    return call_memory();
}

bool l4_memory_share(word_t dataspace, l4_thread_id with, word_t rights)
{
    begin_memory(L4_MEMORY_SHARE);
    l4_msg_word(dataspace);
    l4_msg_word(with);
    l4_msg_word(rights);
    return call_memory();
}
