#include "sim/commands/console.h"

#include "sim/core/check.h"
#include "sim/core/file.h"
#include "sim/core/number.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define WATCHES_MAX 8

enum step_kind { STEP_AT, STEP_WAIT, STEP_SEND };

struct step {
    enum step_kind kind;
    cycle_t cycle;
    char *text;
    size_t length;
};

/* Finds a text in a stream of bytes, one byte at a time. */
struct matcher {
    const char *text;
    size_t length, matched;
};

struct watch {
    struct matcher matcher;
    void (*seen)(void *owner);
    void *owner;
};

struct console {
    struct machine *machine;
    FILE *out[MACHINE_UARTS];
    const char *out_name[MACHINE_UARTS];
    int out_error[MACHINE_UARTS]; /* why there is no `out` any more */
    struct watch watches[WATCHES_MAX];
    unsigned watch_count;
    struct watch post;
    uint8_t post_value;
    struct step *steps;
    unsigned step_count, step;
    size_t typed; /* characters of the present send that have been typed */
    struct matcher waiting;
    struct event type_event;
    bool terminal, raw, escape;
    struct termios saved;
    struct progress *progress; /* a line on the same terminal; NULL: there is none */
    FILE *log;
    const char *log_name;
    struct recorder *recorder;
    struct history *history;
};

/* --- matching --------------------------------------------------------------------------------- */

static struct matcher matcher_of(const char *text, size_t length)
{
    return (struct matcher){text, length, 0};
}

static bool match(struct matcher *k, uint8_t byte)
{
    if (k->length == 0)
        return true;
    while (k->matched > 0 && (uint8_t)k->text[k->matched] != byte) {
        /* Fall back to the longest prefix that is also a suffix of what matched. */
        size_t shorter = k->matched - 1;
        while (shorter > 0 && memcmp(k->text, k->text + k->matched - shorter, shorter) != 0)
            shorter--;
        k->matched = shorter;
    }
    if ((uint8_t)k->text[k->matched] == byte)
        k->matched++;
    if (k->matched < k->length)
        return false;
    k->matched = 0;
    return true;
}

static void receive(struct console *k, uint8_t byte)
{
    uart_receive(&k->machine->uart[0], byte);
    if (k->recorder)
        recorder_input(k->recorder, 0, byte);
    if (k->history)
        history_input(k->history, 0, byte);
}

/* --- typing ----------------------------------------------------------------------------------- */

/* Types what the script has due; comes back when the line's queue has room or the cycle has come.
 * What is typed is an input of the run, and its events take no sequence number, as those of the
 * terminal take none: so a run at a terminal and the run from its record have one state. */
static void type(void *owner)
{
    struct console *k = owner;
    struct machine *m = k->machine;
    while (k->step < k->step_count) {
        struct step *s = &k->steps[k->step];
        if (s->kind == STEP_WAIT) {
            if (k->waiting.text != s->text)
                k->waiting = matcher_of(s->text, s->length);
            return;
        }
        if (s->kind == STEP_AT && m->clock.now < s->cycle) {
            event_schedule_observer(&m->clock, &k->type_event, s->cycle);
            return;
        }
        while (k->typed < s->length) {
            if (!uart_can_receive(&m->uart[0])) {
                event_schedule_observer(&m->clock, &k->type_event, m->clock.now + 100000);
                return;
            }
            receive(k, (uint8_t)s->text[k->typed++]);
        }
        k->typed = 0;
        k->step++;
    }
}

/* The line goes on into nothing, as a cable that was pulled out; console_free tells. */
static void output_failed(struct console *k, int port)
{
    FILE *f = k->out[port];
    k->out_error[port] = errno;
    k->out[port] = NULL;
    __fpurge(f);
    clearerr(f);
    if (f != stdout)
        fclose(f);
}

static void sent(void *owner, int port, uint8_t byte)
{
    struct console *k = owner;
    FILE *f = k->out[port];
    bool flushed = byte == '\n' || k->terminal;
    if (f == stdout && k->progress) {
        progress_end(k->progress);
        k->progress->away = byte != '\n';
    }
    if (f && (fputc(byte, f) == EOF || (flushed && fflush(f) != 0)))
        output_failed(k, port);
    if (port != 0)
        return;
    for (unsigned i = 0; i < k->watch_count; i++)
        if (match(&k->watches[i].matcher, byte))
            k->watches[i].seen(k->watches[i].owner);
    if (k->waiting.text && match(&k->waiting, byte)) {
        k->waiting.text = NULL;
        k->step++;
        type(k);
    }
}

static void posted(void *owner, uint8_t code)
{
    struct console *k = owner;
    if (k->post.seen && code == k->post_value)
        k->post.seen(k->post.owner);
}

struct console *console_new(void)
{
    struct console *k = xalloc(1, sizeof *k);
    event_init(&k->type_event, type, k, 100);
    return k;
}

static void restore_terminal(struct console *k)
{
    if (k->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &k->saved);
    k->raw = false;
}

/* error: that there was before. A reader that has gone is told of by the signal. */
static void close_file(FILE *f, int error, const char *option, const char *name)
{
    if (!error && f && (ferror(f) | (f == stdout ? 0 : fclose(f))))
        error = errno ? errno : EIO;
    if (error && error != EPIPE)
        usage_error("--%s %s: not all of it could be written: %s", option, name, strerror(error));
}

void console_free(struct console *k)
{
    restore_terminal(k);
    for (int i = 0; i < MACHINE_UARTS; i++)
        close_file(k->out[i], k->out_error[i], "serial", k->out_name[i]);
    close_file(k->log, 0, "record-input", k->log_name);
    for (unsigned i = 0; i < k->step_count; i++)
        free(k->steps[i].text);
    free(k->steps);
    free(k);
}

struct machine_host console_host(struct console *k)
{
    return (struct machine_host){.owner = k, .serial = sent, .post = posted};
}

void console_set_output(struct console *k, int port, const char *spec)
{
    k->out_name[port] = spec;
    if (strcmp(spec, "stdio") == 0 || strcmp(spec, "mon:stdio") == 0) {
        k->out[port] = stdout;
    } else if (strcmp(spec, "null") == 0 || strcmp(spec, "none") == 0) {
        k->out[port] = NULL;
    } else if (strncmp(spec, "file:", 5) == 0) {
        k->out[port] = fopen(spec + 5, "wb");
        if (!k->out[port])
            usage_error("--serial %s: %s", spec, strerror(errno));
    } else {
        usage_error("--serial %s: accepted are stdio, file:PATH and null", spec);
    }
}

void console_share_terminal(struct console *k, struct progress *progress)
{
    k->progress = isatty(STDOUT_FILENO) ? progress : NULL;
}

bool console_colours(void)
{
    const char *refused = getenv("NO_COLOR"), *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(refused && *refused) && kind && strcmp(kind, "dumb") != 0;
}

void console_watch(struct console *k, const char *text, void (*seen)(void *owner), void *owner)
{
    if (k->watch_count == WATCHES_MAX || *text == 0)
        usage_error("a serial text to wait for is empty, or there are more than %d", WATCHES_MAX);
    k->watches[k->watch_count++] =
        (struct watch){matcher_of(text, strlen(text)), seen, owner};
}

void console_watch_post(struct console *k, uint8_t value, void (*seen)(void *owner), void *owner)
{
    k->post_value = value;
    k->post = (struct watch){.seen = seen, .owner = owner};
}

void console_unwatch(struct console *k, void (*seen)(void *owner))
{
    unsigned kept = 0;
    for (unsigned i = 0; i < k->watch_count; i++)
        if (k->watches[i].seen != seen)
            k->watches[kept++] = k->watches[i];
    k->watch_count = kept;
    if (k->post.seen == seen)
        k->post.seen = NULL;
}

/* --- the script ------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *p = strchr(digits, c | 0x20);
    return p && *p ? (int)(p - digits) : -1;
}

/* Unquotes "..." into to; returns its length, -1 if it is malformed or something follows it. */
static long unquote(const char *from, char *to)
{
    char *start = to;
    if (*from++ != '"')
        return -1;
    while (*from && *from != '"') {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        from++;
        switch (*from++) {
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        case '\\': *to++ = '\\'; break;
        case '"': *to++ = '"'; break;
        case 'x':
            if (hex_digit(from[0]) < 0 || hex_digit(from[1]) < 0)
                return -1;
            *to++ = (char)(hex_digit(from[0]) * 16 + hex_digit(from[1]));
            from += 2;
            break;
        default: return -1;
        }
    }
    *to = 0;
    return *from == '"' && from[1 + strspn(from + 1, " \t\r")] == 0 ? to - start : -1;
}

static void add_step(struct console *k, const char *path, unsigned number, const char *line)
{
    struct step s = {.kind = STEP_SEND};
    const char *p = line;
    if (strncmp(p, "at ", 3) == 0) {
        size_t n = strcspn(p + 3, " ");
        char digits[32];
        s.kind = STEP_AT;
        snprintf(digits, sizeof digits, "%.*s", (int)n, p + 3);
        if (n >= sizeof digits || !number_parse(digits, 0, UINT64_MAX, &s.cycle))
            usage_error("%s:%u: '%s' begins with no cycle", path, number, p + 3);
        p += 3 + n;
    } else if (strncmp(p, "wait ", 5) == 0) {
        s.kind = STEP_WAIT;
        p += 5;
    } else if (strncmp(p, "send ", 5) == 0) {
        p += 5;
    } else {
        usage_error("%s:%u: expected `at CYCLE \"text\"`, `wait \"text\"` or `send \"text\"`", path,
                    number);
    }
    p += strspn(p, " ");
    s.text = xalloc(strlen(p) + 1, 1);
    long length = unquote(p, s.text);
    if (length < 0 || (length == 0 && s.kind == STEP_WAIT))
        usage_error("%s:%u: the text must be quoted: \"...\", with \\n \\r \\t \\\\ \\\" \\xHH",
                    path, number);
    s.length = (size_t)length;
    k->steps = realloc(k->steps, (k->step_count + 1) * sizeof *k->steps);
    CHECK(k->steps != NULL);
    k->steps[k->step_count++] = s;
}

void console_set_script(struct console *k, const char *path)
{
    char *text = file_read_text("--serial-input ", path), *at = text;
    unsigned number = 1;
    for (const char *line; (line = file_next_line(&at)); number++) {
        const char *p = line + strspn(line, " \t\r");
        if (*p && *p != '#')
            add_step(k, path, number, p);
    }
    free(text);
}

/* --- the terminal ----------------------------------------------------------------------------- */

void console_set_terminal(struct console *k, bool on)
{
    k->terminal = on;
    if (!on)
        restore_terminal(k);
    if (!on || k->raw || !isatty(STDIN_FILENO))
        return;
    tcgetattr(STDIN_FILENO, &k->saved);
    struct termios raw = k->saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    k->raw = true;
}

void console_log_input(struct console *k, const char *path)
{
    k->log_name = path;
    k->log = file_new_recording("--record-input ", path);
}

static void typed_at_terminal(struct console *k, uint8_t byte)
{
    if (k->escape && (byte == 'x' || byte == 'X')) {
        machine_stop(k->machine);
        return;
    }
    k->escape = !k->escape && byte == 1; /* Ctrl-A */
    if (k->escape)
        return;
    receive(k, byte);
    if (k->log)
        fprintf(k->log, "at %" PRIu64 " \"\\x%02x\"\n", k->machine->clock.now, byte);
}

void console_record(struct console *k, struct recorder *recorder) { k->recorder = recorder; }

void console_remember(struct console *k, struct history *history) { k->history = history; }

void console_poll(struct console *k)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    while (k->terminal && uart_can_receive(&k->machine->uart[0]) && poll(&p, 1, 0) > 0) {
        uint8_t byte;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0) {
            k->terminal = k->machine->cpu->input_possible = false;
            return;
        }
        typed_at_terminal(k, byte);
    }
}

void console_flush(struct console *k)
{
    for (int i = 0; i < MACHINE_UARTS; i++)
        if (k->out[i])
            fflush(k->out[i]);
}

void console_attach(struct console *k, struct machine *m)
{
    k->machine = m;
    m->cpu->input_possible = k->terminal;
    type(k);
}
