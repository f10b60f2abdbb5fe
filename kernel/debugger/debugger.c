/* debugger.c: the kernel debugger on the serial line. The machine stands still while it is in
 * use. */
#include "debugger/debugger.h"

#include "arch/cpu.h"
#include "debugger/print.h"
#include "platform/platform.h"
#include "state.h"

#define LINE_MAX_LENGTH 64
#define ARGUMENTS_MAX 2
#define KEY_ESCAPE 0x1B
#define KEY_CONTROL_K 0x0B

static bool allowed; /* by the option kdb: else no program may make the machine stand still */
static bool break_in;

struct command {
    const char *name, *arguments, *help;
    unsigned needs; /* arguments */
    void (*run)(const word_t argument[]);
};

/* --- commands that are not in inspect.c ------------------------------------------------------- */
static void help(const word_t argument[]);

static void reboot(const word_t argument[])
{
    (void)argument;
    outb(0x64, 0xFE); /* the keyboard controller pulls the processor's reset line */
    static const uint16_t none[3]; /* limit and base */
    __asm__ volatile("lidt %0\n\tint3" : : "m"(none)); /* no gates: the processor shuts down */
}

static const struct command commands[] = {
    {"help", "", "this list; a command may be shortened", 0, help},
    {"threads", "", "all threads", 0, show_threads},
    {"info", "THREAD", "one thread, by its id or number", 1, show_thread},
    {"spaces", "", "address spaces", 0, show_spaces},
    {"pages", "THREAD", "what the space of a thread has mapped", 1, show_pages},
    {"mappings", "ADDRESS", "who has the frame at a physical address", 1, show_mappings},
    {"verify", "", "looks for contradictions in the lists of mappings", 0, check_mappings},
    {"dump", "THREAD ADDRESS", "256 bytes of the memory of a thread's space", 2, show_memory},
    {"kernel", "", "the kernel's own memory", 0, show_kernel_memory},
    {"buffer", "", "the trace buffer", 0, show_trace},
    {"continue", "", "leaves the debugger", 0, NULL},
    {"reboot", "", "resets the machine", 0, reboot},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void help(const word_t argument[])
{
    (void)argument;
    for (unsigned i = 0; i < COMMANDS; i++)
        print("  %-9s %-15s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    print("numbers are hexadecimal\n");
}

/* --- the line --------------------------------------------------------------------------------- */
static char wait_key(void)
{
    int c;
    do
        c = serial_get();
    while (c < 0);
    return (char)c;
}

static void read_line(char line[LINE_MAX_LENGTH])
{
    unsigned length = 0;
    for (;;) {
        char c = wait_key();
        if (c == '\r' || c == '\n')
            break;
        if ((c == '\b' || c == 0x7F) && length > 0) {
            length--;
            print("\b \b");
        } else if (c >= ' ' && c < 0x7F && length < LINE_MAX_LENGTH - 1) {
            line[length++] = c;
            serial_put(c);
        }
    }
    line[length] = 0;
    print("\n");
}

static bool starts_with(const char *word, const char **line)
{
    const char *p = *line;
    for (; *p && *p != ' '; p++, word++)
        if (*p != *word)
            return false;
    *line = p;
    return true;
}

static bool read_number(const char **line, word_t *number)
{
    const char *p = *line;
    while (*p == ' ')
        p++;
    const char *start = p;
    for (*number = 0; *p && *p != ' '; p++) {
        word_t digit = *p >= '0' && *p <= '9'   ? (word_t)(*p - '0')
                       : *p >= 'a' && *p <= 'f' ? (word_t)(*p - 'a' + 10)
                       : *p >= 'A' && *p <= 'F' ? (word_t)(*p - 'A' + 10)
                                                : 16;
        if (digit > 15)
            return false;
        *number = *number << 4 | digit;
    }
    *line = p;
    return p != start;
}

/* False: the debugger is left. */
static bool execute(const char *line)
{
    word_t argument[ARGUMENTS_MAX] = {0, 0};
    while (*line == ' ')
        line++;
    if (!*line)
        return true;
    for (unsigned i = 0; i < COMMANDS; i++) {
        const struct command *c = &commands[i];
        const char *rest = line;
        if (!starts_with(c->name, &rest))
            continue;
        unsigned count = 0;
        while (count < ARGUMENTS_MAX && read_number(&rest, &argument[count]))
            count++;
        if (count < c->needs)
            print("%s needs: %s\n", c->name, c->arguments);
        else if (c->run)
            c->run(argument);
        return c->run;
    }
    print("what? try help\n");
    return true;
}

void debugger_enter(struct trap_frame *f, const char *why)
{
    char line[LINE_MAX_LENGTH];
    print("\n--- kernel debugger: %s ---\n", why);
    if (f)
        show_frame(f);
    do {
        print("kdb> ");
        read_line(line);
    } while (execute(line));
}

/* --- how it is entered ------------------------------------------------------------------------ */
void debugger_break_in(bool on)
{
    allowed = break_in = on;
}

void debugger_poll(struct trap_frame *f)
{
    if (!break_in)
        return;
    int c = serial_get();
    if (c == KEY_ESCAPE || c == KEY_CONTROL_K)
        debugger_enter(f, "key");
}

/* A program's text, up to its end or a page that it has not got. */
static void print_user_text(struct space *s, vaddr_t va)
{
    char c;
    while (space_read(s, va++, &c, 1) && c)
        serial_put(c);
}

/* What follows INT3 tells what it is for:
 *
 *     EB xx B8 text     JMP over MOV EAX, text: enter the debugger and say why
 *     3C op             CMP AL, op: an operation on the console
 *
 * The instructions do no harm when the program goes on with them. That is all that happens where
 * the option kdb was not given, but for the text; and who waits for a key executes its INT3 again
 * until there is one, as the program that it is. */
enum operation {
    PUT_CHARACTER = 0x00,
    PUT_TEXT = 0x01,
    CLEAR_SCREEN = 0x02,
    TOGGLE_BREAK_IN = 0x03,
    GET_CHARACTER = 0x08,
    WAIT_CHARACTER = 0x0D,
};

static bool console(struct space *s, struct trap_frame *f, uint8_t operation)
{
    int key;
    switch (operation) {
    case PUT_CHARACTER:
        serial_put((char)f->eax);
        return true;
    case PUT_TEXT:
        print_user_text(s, f->eax);
        return true;
    case CLEAR_SCREEN:
        print("\033[H\033[2J");
        return true;
    case TOGGLE_BREAK_IN:
        break_in = allowed && !break_in;
        return true;
    case GET_CHARACTER:
        f->eax = (word_t)serial_get();
        return true;
    case WAIT_CHARACTER:
        key = serial_get();
        if (key < 0)
            f->eip--;
        else
            f->eax = (word_t)key;
        return true;
    }
    return false;
}

bool debugger_breakpoint(struct trap_frame *f)
{
    struct space *s = current()->space;
    uint8_t code[3];
    vaddr_t text;
    if (!space_read(s, f->eip, code, 2))
        return false;
    if (code[0] == 0x3C)
        return console(s, f, code[1]);
    if (code[0] != 0xEB || !space_read(s, f->eip + 2, code, 1) || code[0] != 0xB8 ||
        !space_read(s, f->eip + 3, &text, sizeof text))
        return false;
    print("\nthread %08x: ", current()->id);
    print_user_text(s, text);
    if (allowed)
        debugger_enter(f, "a program's breakpoint");
    else
        print("\n");
    return true;
}
