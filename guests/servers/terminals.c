// terminals.c: see the header.
#include "terminals.h"

#include <l4/ipc.h>
#include <l4/string.h>

static void put_text(struct terminals *t, const char *text)
{
    while (*text)
        t->put(t->owner, *text++);
}

// The serial line becomes that of somebody else.
static void change_to(struct terminals *t, struct terminal *terminal)
{
    if (t->on_line != terminal && t->line_open) {
        put_text(t, "\r\n");
        t->line_open = false;
    }
    t->on_line = terminal;
}

void terminals_print(struct terminals *t, char c)
{
    change_to(t, NULL);
    if (c == '\n')
        t->put(t->owner, '\r');
    t->put(t->owner, c);
    t->line_open = c != '\n';
}

// ---- Output of terminals ------------------------------------------------------------------------

static void show(struct terminals *t, struct terminal *terminal)
{
    if (terminal->length == 0)
        return;
    change_to(t, terminal);
    if (!t->line_open) {
        put_text(t, "[");
        put_text(t, terminal->name);
        put_text(t, terminal->continued ? "]+" : "] ");
    }
    for (word_t i = 0; i < terminal->length; i++)
        t->put(t->owner, terminal->line[i]);
    t->line_open = terminal->continued = terminal->line[terminal->length - 1] != '\n';
    terminal->length = 0;
}

static void add(struct terminals *t, struct terminal *terminal, char c)
{
    terminal->line[terminal->length++] = c;
    if (c == '\n' || terminal->length == TERMINAL_LINE)
        show(t, terminal);
}

void terminals_write(struct terminals *t, struct terminal *terminal, const char *text,
                     word_t length)
{
    for (word_t i = 0; i < length; i++) {
        if (text[i] == '\n' || terminal->after_cr)
            add(t, terminal, '\r');
        terminal->after_cr = text[i] == '\r'; // it appears with what follows
        if (!terminal->after_cr)
            add(t, terminal, text[i]);
    }
    if (terminal == t->keyboard)
        show(t, terminal);
}

// ---- The keyboard -------------------------------------------------------------------------------

static void give_keyboard(struct terminals *t, struct terminal *terminal)
{
    t->keyboard = terminal;
    change_to(t, NULL);
    put_text(t, "console: ");
    put_text(t, terminal ? terminal->name : "the line");
    put_text(t, " has the keyboard\r\n");
    if (terminal)
        show(t, terminal);
}

static void add_key(struct terminals *t, struct terminal *terminal, int byte)
{
    if (terminal->key_count < TERMINAL_KEYS)
        terminal->keys[terminal->key_count++] = (char)byte;
    else
        t->lost++;
}

bool terminals_type(struct terminals *t, int byte)
{
    if (t->after_escape) {
        t->after_escape = false;
        if (byte >= '0' && byte <= '0' + (int)t->count)
            give_keyboard(t, byte == '0' ? NULL : &t->list[byte - '1']);
        return true;
    }
    t->after_escape = byte == TERMINAL_ESCAPE && t->count > 0;
    if (t->after_escape)
        return true;
    if (t->keyboard)
        add_key(t, t->keyboard, byte);
    return t->keyboard != NULL;
}

// A reader that is gone leaves its keys to the next one.
static void serve(struct terminal *terminal)
{
    word_t *mr = l4_utcb(), length = terminal->key_count;
    l4_thread_id reader = terminal->reader;
    mr[0] = l4_make_tag(0, (length + 3) / 4 + 1, 0);
    mr[1] = length;
    memcpy(mr + 2, terminal->keys, length);
    terminal->reader = L4_NIL_THREAD;
    if (!l4_tag_failed(l4_reply(reader)))
        terminal->key_count = 0;
}

void terminals_serve(struct terminals *t)
{
    for (word_t i = 0; i < t->count; i++) {
        if (t->list[i].reader && t->list[i].key_count > 0)
            serve(&t->list[i]);
    }
}

// ---- Opening ------------------------------------------------------------------------------------

struct terminal *terminals_find(struct terminals *t, word_t task)
{
    for (word_t i = 0; i < t->count; i++) {
        if (t->list[i].task == task)
            return &t->list[i];
    }
    return NULL;
}

struct terminal *terminals_open(struct terminals *t, word_t task, const char *name)
{
    struct terminal *terminal = terminals_find(t, task);
    if (!terminal && t->count == TERMINAL_MAX)
        return NULL;
    if (!terminal)
        terminal = &t->list[t->count++];
    show(t, terminal); // what its task wrote in an earlier life
    *terminal = (struct terminal){.task = task};
    l4_copy_string(terminal->name, name, sizeof(terminal->name));
    if (t->on_line == terminal)
        change_to(t, NULL);
    if (strcmp(name, t->wanted) == 0)
        give_keyboard(t, terminal);
    return terminal;
}
