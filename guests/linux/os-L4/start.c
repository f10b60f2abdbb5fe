// SPDX-License-Identifier: GPL-2.0-only
/* start.c: from the microkernel's start of the server to linux_main, and the end of the machine.
 *
 * The server is the root server: the kernel has loaded it, and its boot module's string is Linux's
 * command line. A module behind it is the initial ramdisk. */
#include <stdarg.h>
#include <string.h>
#include <l4/boot.h>
#include <l4/ports.h>
#include <l4/sigma0.h>
#include <l4/thread.h>
#include <init.h>
#include <as-layout.h>
#include <kern_util.h>
#include <os.h>
#include "layer.h"
#include "files.h"

struct l4_kip *l4_kip;
struct l4_stubs l4_stubs;
word_t l4_utcb_area;
l4_thread_id layer_server;

#define ARGUMENTS_MAX 64
#define MODULES_MAX   16
#define COM1          0x3F8

static char command_line[1024], *arguments[ARGUMENTS_MAX + 1];
static char exit_way[16], space_kind[16];

extern char _end[], __binary_start[];

/* --- the serial line, before there is a driver ----------------------------------------------- */

static void put(char c)
{
    while (!(l4_in8(COM1 + 5) & 0x20))
        ;
    l4_out8(COM1, (uint8_t)c);
}

void um_early_printk(const char *s, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        if (s[i] == '\n')
            put('\r');
        put(s[i]);
    }
}

static void set_up_serial(void)
{
    while (!(l4_in8(COM1 + 5) & 0x40)) /* what the kernel said last */
        ;
    l4_out8(COM1 + 1, 0);
    l4_out8(COM1 + 3, 0x83);
    l4_out8(COM1 + 0, 1);
    l4_out8(COM1 + 1, 0);
    l4_out8(COM1 + 3, 3);
    l4_out8(COM1 + 2, 7);
    l4_out8(COM1 + 4, 0x0B);
}

extern int vscnprintf(char *text, size_t size, const char *format, va_list arguments);

static void vsay(const char *format, va_list list)
{
    char text[256];

    um_early_printk(text, vscnprintf(text, sizeof(text), format, list));
}

int printf(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsay(format, list);
    va_end(list);
    return 0;
}

void os_info(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsay(format, list);
    va_end(list);
}

void os_warn(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsay(format, list);
    va_end(list);
}

void os_flush_stdout(void)
{
}

/* --- the end ---------------------------------------------------------------------------------- */

static _Noreturn void stop_machine(int status)
{
    while (!(l4_in8(COM1 + 5) & 0x40))
        ;
    if (strcmp(exit_way, "debug") == 0)
        l4_out32(0xF4, (word_t)status);
    if (strcmp(exit_way, "reboot") == 0)
        l4_out8(0x64, 0xFE);
    for (;;)
        l4_sleep(L4_NEVER);
}

void exit(int status)
{
    stop_machine(status);
}

void layer_panic(const char *format, ...)
{
    va_list list;

    um_early_printk("linux: ", 7);
    va_start(list, format);
    vsay(format, list);
    va_end(list);
    um_early_printk("\n", 1);
    stop_machine(1);
}

void os_dump_core(void)
{
    layer_panic("stopped after a panic");
}

/* --- the start -------------------------------------------------------------------------------- */

/* The words of the command line; exit= and space= are ours. */
static int split(char *line)
{
    int count = 1;

    arguments[0] = "linux";
    for (char *word = line; *word && count < ARGUMENTS_MAX;) {
        char *end = word;

        while (*end && *end != ' ')
            end++;
        char last = *end;
        *end = 0;
        if (strncmp(word, "exit=", 5) == 0)
            strlcpy(exit_way, word + 5, sizeof(exit_way));
        else if (strncmp(word, "space=", 6) == 0)
            strlcpy(space_kind, word + 6, sizeof(space_kind));
        else if (end != word)
            arguments[count++] = word;
        word = last ? end + 1 : end;
    }
    return count;
}

static int read_boot_modules(void)
{
    const struct l4_boot_access access = {l4_sigma0_get_range};
    static struct l4_boot_module modules[MODULES_MAX];
    word_t count = l4_boot_modules(l4_kip, &access, modules, MODULES_MAX);
    word_t mine = l4_boot_root_index(l4_kip, &access, modules, count);
    char *options = command_line;

    if (mine == count)
        layer_panic("none of %u boot modules is this kernel", count);
    l4_boot_text(&access, &modules[mine], command_line, sizeof(command_line));
    while (*options && *options != ' ') /* the module's name */
        options++;
    if (mine + 1 < count) {
        word_t start = modules[mine + 1].start, end = modules[mine + 1].end;

        if (!l4_sigma0_get_range(start, end - start))
            layer_panic("the ramdisk at %08x..%08x is not to be had", start, end);
        layer_file_set((const void *)(uintptr_t)start, end - start);
    }
    return split(options);
}

#define SPACE_CONTROL_SMALL 0x80000000u
#define SPACE_64_MB         0x10u

/* space=small: 64 MB of addresses from 0, which is all that small spaces have. The switch to a
 * process and back is one of segments then, and no TLB is flushed. */
static void choose_space(void)
{
    word_t done = 0;

    if (!*space_kind || strcmp(space_kind, "large") == 0)
        return;
    if (strcmp(space_kind, "small") != 0)
        layer_panic("space=%s is no kind of space: accepted are large and small", space_kind);
    if ((uintptr_t)l4_kip >= 64u << 20)
        layer_panic("space=small: the microkernel wants the option root=low");
    if (!l4_space_control(layer_server, SPACE_CONTROL_SMALL | SPACE_64_MB, L4_NIL_FPAGE,
                          L4_NIL_FPAGE, L4_NIL_THREAD, &done) || !(done & SPACE_CONTROL_SMALL))
        layer_panic("space=small: the microkernel gives none");
}

/* The first stack is the one that start_idle_thread leaves for good. */
static char first_stack[16384] __attribute__((aligned(16), used));
__asm__(".section .init.text, \"ax\", @progbits\n"
        ".globl _start\n"
        "_start:\tcld\n\t"
        "movl $first_stack + 16384, %esp\n\t"
        "xorl %ebp, %ebp\n\t"
        "call layer_main\n\t"
        "ud2\n\t"
        ".previous");

void layer_main(void);
void __init layer_main(void)
{
    int count;

    l4_kip = l4_kernel_interface().kip;
    l4_find_stubs(&l4_stubs, l4_kip);
    l4_utcb_area = l4_my_utcb_location();
    layer_server = l4_my_global_id();
    set_up_serial();
    count = read_boot_modules();
    choose_space();
    l4_set_priority(layer_server, PRIORITY_LINUX);
    exit(linux_main(count, arguments));
}

/* Where an L4 thread's function would return to. */
void l4_thread_end(void);
void l4_thread_end(void)
{
    layer_panic("a thread of the layer has ended");
}

/* linux_main asks where the heap ends: there is none. */
void *sbrk(int increment)
{
    (void)increment;
    return _end;
}
