// console.c: the console server. Output goes through a ring that the transmitter's interrupts
// empty; a writer gets its reply at once while the ring is less than half full, else when it is
// again. Input is edited into lines, with echo, or goes to a terminal as it comes (terminals.h).
// keyboard=NAME on the command line gives the keyboard to the terminal of this name when it opens.
#include <l4/console.h>

#include <l4/library.h>
#include <l4/names.h>
#include <l4/print.h>
#include <l4/protocols.h>
#include <l4/server.h>
#include <l4/string.h>
#include <l4/task.h>

#include "terminals.h"
#include "uart.h"

#define RING_SIZE 32768u // a power of two
#define RING_HIGH (RING_SIZE / 2)
#define LINE_SIZE 240u
#define QUEUE_MAX 32

struct queue {
    l4_thread_id client[QUEUE_MAX];
    word_t count;
};

struct console {
    uint8_t ring[RING_SIZE];
    word_t written, sent; // bytes since the start; what lies between is in the ring
    char line[LINE_SIZE]; // being typed
    word_t line_length;
    char ready[4096]; // complete lines, each with its newline
    word_t ready_length;
    struct queue writers, readers, flushers;
    word_t received, interrupts, lost;
    bool transmit_interrupt;
    bool after_cr;
    struct terminals terminals;
};

static struct console console;

static bool enqueue(struct queue *queue, l4_thread_id client)
{
    if (queue->count == QUEUE_MAX)
        return false;
    queue->client[queue->count++] = client;
    return true;
}

static l4_thread_id dequeue(struct queue *queue)
{
    l4_thread_id client = queue->client[0];
    queue->count--;
    memmove(queue->client, queue->client + 1, queue->count * sizeof(queue->client[0]));
    return client;
}

// ---- Output -------------------------------------------------------------------------------------

static void put_byte(struct console *c, uint8_t byte)
{
    if (c->written - c->sent == RING_SIZE) {
        c->lost++;
        return;
    }
    c->ring[c->written++ % RING_SIZE] = byte;
}

static void put_for_terminal(void *owner, char character)
{
    put_byte(owner, (uint8_t)character);
}

static void put(struct console *c, char character)
{
    terminals_print(&c->terminals, character);
}

static void reply_flushers(struct console *c)
{
    if (c->flushers.count == 0)
        return;
    uart_drain();
    while (c->flushers.count > 0) {
        l4_thread_id client = dequeue(&c->flushers);
        l4_msg_begin(0);
        l4_msg_word(c->sent);
        // The root server does not wait for it in particular: it may be busy for a moment.
        l4_send_timeout(client, l4_period(100000));
    }
}

// Moves what it can from the ring to the chip and wakes writers that have room again.
static void pump(struct console *c)
{
    word_t room = uart_transmit_room();
    bool idle = room > 0;
    for (; room > 0 && c->sent != c->written; room--, idle = false)
        uart_transmit(c->ring[c->sent++ % RING_SIZE]);
    if (idle)
        reply_flushers(c);
    while (c->writers.count > 0 && c->written - c->sent < RING_HIGH) {
        l4_msg_begin(0);
        l4_reply(dequeue(&c->writers));
    }
    bool wanted = c->sent != c->written || c->flushers.count > 0;
    if (wanted != c->transmit_interrupt) {
        c->transmit_interrupt = wanted;
        uart_want_transmit_interrupt(wanted);
    }
}

static void put_message(struct console *c, l4_thread_id from, l4_tag tag)
{
    struct terminal *terminal = terminals_find(&c->terminals, l4_task_of(from));
    const char *text = (const char *)(l4_utcb() + 2);
    word_t length = l4_mr(1), most = (l4_tag_untyped(tag) - 1) * 4;
    if (length > most)
        length = most;
    if (terminal)
        terminals_write(&c->terminals, terminal, text, length);
    for (word_t i = 0; !terminal && i < length; i++)
        put(c, text[i]);
}

static enum l4_disposition on_write(void *context, l4_thread_id from, l4_tag tag)
{
    struct console *c = context;
    put_message(c, from, tag);
    bool full = c->written - c->sent >= RING_HIGH && enqueue(&c->writers, from);
    pump(c);
    return full ? L4_NO_REPLY : l4_server_result(0);
}

static enum l4_disposition on_log(void *context, l4_thread_id from, l4_tag tag)
{
    put_message(context, from, tag);
    pump(context);
    return L4_NO_REPLY;
}

static enum l4_disposition on_flush(void *context, l4_thread_id from, l4_tag tag)
{
    struct console *c = context;
    (void)tag;
    if (!enqueue(&c->flushers, from))
        return l4_server_result(1);
    pump(c);
    return L4_NO_REPLY;
}

// ---- Input --------------------------------------------------------------------------------------

static void send_line(struct console *c, l4_thread_id client)
{
    word_t length = 0;
    while (c->ready[length] != '\n')
        length++;
    word_t *mr = l4_utcb();
    mr[0] = l4_make_tag(0, (length + 3) / 4 + 1, 0);
    mr[1] = length;
    memcpy(mr + 2, c->ready, length);
    // A reader that is gone leaves its line to the next one.
    if (l4_tag_failed(l4_reply(client)))
        return;
    c->ready_length -= length + 1;
    memmove(c->ready, c->ready + length + 1, c->ready_length);
}

static void serve_readers(struct console *c)
{
    while (c->readers.count > 0 && c->ready_length > 0)
        send_line(c, dequeue(&c->readers));
}

static void end_line(struct console *c)
{
    put(c, '\n');
    if (c->ready_length + c->line_length + 1 > sizeof(c->ready)) {
        c->lost += c->line_length;
    } else {
        memcpy(c->ready + c->ready_length, c->line, c->line_length);
        c->ready_length += c->line_length;
        c->ready[c->ready_length++] = '\n';
    }
    c->line_length = 0;
}

static void rub_out(struct console *c)
{
    if (c->line_length == 0)
        return;
    c->line_length--;
    put(c, '\b');
    put(c, ' ');
    put(c, '\b');
}

static void type(struct console *c, int byte)
{
    bool after_cr = c->after_cr;
    c->after_cr = byte == '\r';
    c->received++;
    if (terminals_type(&c->terminals, byte))
        return;
    if (byte == '\r' || (byte == '\n' && !after_cr)) {
        end_line(c);
    } else if (byte == '\b' || byte == 0x7F) {
        rub_out(c);
    } else if (byte == 0x15) { // control-U
        while (c->line_length > 0)
            rub_out(c);
    } else if (byte >= ' ' && c->line_length < LINE_SIZE) {
        c->line[c->line_length++] = (char)byte;
        put(c, (char)byte);
    }
}

static enum l4_disposition on_read(void *context, l4_thread_id from, l4_tag tag)
{
    struct console *c = context;
    (void)tag;
    if (!enqueue(&c->readers, from))
        return l4_server_result(1);
    serve_readers(c);
    return L4_NO_REPLY;
}

static enum l4_disposition on_open(void *context, l4_thread_id from, l4_tag tag)
{
    struct console *c = context;
    char name[L4_NAME_SIZE];
    (void)tag;
    memcpy(name, l4_utcb() + 1, sizeof(name));
    name[sizeof(name) - 1] = 0;
    bool opened = terminals_open(&c->terminals, l4_task_of(from), name) != NULL;
    pump(c);
    return l4_server_result(opened ? 0 : 1);
}

static enum l4_disposition on_keys(void *context, l4_thread_id from, l4_tag tag)
{
    struct console *c = context;
    struct terminal *terminal = terminals_find(&c->terminals, l4_task_of(from));
    (void)tag;
    if (!terminal)
        return l4_server_result(1);
    terminal->reader = from;
    terminals_serve(&c->terminals);
    return L4_NO_REPLY;
}

// ---- The rest -----------------------------------------------------------------------------------

// The line is edge-triggered, so every cause must be gone before the interrupt is acknowledged.
static enum l4_disposition on_interrupt(void *context, l4_thread_id from, l4_tag tag)
{
    struct console *c = context;
    (void)from, (void)tag;
    c->interrupts++;
    do {
        for (int byte; (byte = uart_receive()) >= 0;)
            type(c, byte);
        pump(c);
    } while (uart_interrupt_pending());
    serve_readers(c);
    terminals_serve(&c->terminals);
    l4_msg_begin(0);
    return L4_REPLY;
}

static enum l4_disposition on_state(void *context, l4_thread_id from, l4_tag tag)
{
    const struct console *c = context;
    (void)from, (void)tag;
    l4_msg_begin(0);
    l4_msg_word(c->sent);
    l4_msg_word(c->received);
    l4_msg_word(c->interrupts);
    l4_msg_word(c->lost + c->terminals.lost);
    return L4_REPLY;
}

static const struct l4_operation operations[] = {
    {L4_LABEL_INTERRUPT, 0, on_interrupt}, {L4_CONSOLE_WRITE, 1, on_write},
    {L4_CONSOLE_READ, 0, on_read},         {L4_CONSOLE_FLUSH, 0, on_flush},
    {L4_CONSOLE_STATE, 0, on_state},       {L4_CONSOLE_LOG, 1, on_log},
    {L4_CONSOLE_KEYS, 0, on_keys},         {L4_CONSOLE_OPEN, L4_NAME_SIZE / 4, on_open},
};

int l4_main(const char *command_line)
{
    static char keyboard[L4_NAME_SIZE];
    l4_option(command_line, "keyboard", keyboard, sizeof(keyboard));
    console.terminals = (struct terminals){
        .put = put_for_terminal, .owner = &console, .wanted = keyboard};
    l4_console_set(L4_NIL_THREAD);
    if (l4_root_irq(UART_IRQ, true) != L4_ROOT_OK)
        l4_panic("the root server does not give us interrupt %d", UART_IRQ);
    uart_init();
    if (!l4_names_register("console"))
        l4_panic("there is a console already");
    l4_root_serve();
    const struct l4_server server = {
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .context = &console,
    };
    l4_server_run(&server);
}
