// library.c: start-up and end of a program, and the few variables that stand for the space it runs
// in.
#include <l4/boot.h>
#include <l4/ipc.h>
#include <l4/kip.h>
#include <l4/library.h>
#include <l4/ports.h>
#include <l4/print.h>
#include <l4/sigma0.h>
#include <l4/string.h>
#include <l4/task.h>

#include "internal.h"

struct l4_kip *l4_kip;
struct l4_stubs l4_stubs;
word_t l4_utcb_area;
char l4_command_line[1024];

static const struct l4_start_area *start_area;
static bool is_root; // the first thread's id says so, and the others ask later

void l4_start(const struct l4_start_area *area);

void l4_library_init(void)
{
    l4_kip = l4_kernel_interface().kip;
    l4_find_stubs(&l4_stubs, l4_kip);
    l4_utcb_area = l4_my_utcb_location();
    is_root = l4_my_global_id() == l4_root_id(l4_kip);
}

bool l4_is_root(void)
{
    return is_root;
}

const struct l4_start_area *l4_start_area(void)
{
    return start_area;
}

// A command line without its first word, if that is a name and not an option.
static void drop_name(char *text)
{
    word_t length = 0;
    for (; text[length] && text[length] != ' '; length++) {
        if (text[length] == '=')
            return;
    }
    while (text[length] == ' ')
        length++;
    memmove(text, text + length, strlen(text + length) + 1);
}

// The root server's command line is its module's.
static void find_root_command_line(void)
{
    static struct l4_boot_module modules[32];
    const struct l4_boot_access access = {l4_sigma0_get_range};
    word_t count = l4_boot_modules(l4_kip, &access, modules, 32);
    word_t root = l4_boot_root_index(l4_kip, &access, modules, count);
    if (root < count)
        l4_boot_text(&access, &modules[root], l4_command_line, sizeof(l4_command_line));
    drop_name(l4_command_line);
}

void l4_start(const struct l4_start_area *area)
{
    l4_library_init();
    if (l4_is_root()) {
        find_root_command_line();
    } else if (l4_thread_number(l4_my_global_id()) > l4_user_base(l4_kip) + 2 && area &&
               area->magic == L4_START_MAGIC) {
        start_area = area;
        l4_copy_string(l4_command_line, area->command_line, sizeof(l4_command_line));
        l4_set_tcr(L4_TCR_EXCEPTION_HANDLER, area->root);
    }
    l4_exit(l4_main(l4_command_line));
}

bool l4_option(const char *command_line, const char *name, char *value, word_t size)
{
    word_t length = strlen(name);
    value[0] = 0;
    for (const char *s = command_line; s && *s; s = strchr(s, ' ')) {
        while (*s == ' ')
            s++;
        if (strncmp(s, name, length) != 0 || s[length] != '=')
            continue;
        word_t i = 0;
        for (s += length + 1; s[i] && s[i] != ' ' && i + 1 < size; i++)
            value[i] = s[i];
        value[i] = 0;
        return true;
    }
    return false;
}

void l4_machine_stop(const char *command_line, int status)
{
    char how[16];
    l4_option(command_line, "exit", how, sizeof(how));
    l4_serial_drain(); // a stopped machine sends nothing more
    if (strcmp(how, "debug") == 0)
        l4_out32(0xF4, (word_t)status);
    if (strcmp(how, "reboot") == 0) {
        for (int i = 0; i < 100000 && (l4_in8(0x64) & 2); i++)
            ;
        l4_out8(0x64, 0xFE);
    }
    l4_printf("root: halted with status %d\n", status);
    l4_sleep_for_ever();
}

void l4_sleep_for_ever(void)
{
    for (;;)
        l4_sleep(L4_NEVER);
}

void l4_exit(int status)
{
    if (l4_is_root())
        l4_machine_stop(l4_command_line, status);
    if (start_area) {
        l4_msg_begin(L4_ROOT_EXIT);
        l4_msg_word((word_t)status);
        l4_call(start_area->root);
    }
    l4_sleep_for_ever();
}

void l4_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    l4_printf("%s: ", start_area ? start_area->name : l4_is_root() ? "root" : "server");
    l4_vprintf(format, arguments);
    l4_printf("\n");
    va_end(arguments);
    l4_exit(1);
}
