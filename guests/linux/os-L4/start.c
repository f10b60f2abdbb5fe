// SPDX-License-Identifier: GPL-2.0-only
/* start.c: from the start of the server to linux_main, and the end. Who started it says where it
 * stands (place.h). */
#include <stdarg.h>
#include <string.h>
#include <l4/thread.h>
#include <init.h>
#include <as-layout.h>
#include <kern_util.h>
#include <os.h>
#include "layer.h"
#include "files.h"
#include "place.h"

struct l4_kip *l4_kip;
struct l4_stubs l4_stubs;
word_t l4_utcb_area;
l4_thread_id layer_server;

#define ARGUMENTS_MAX 64

const struct place *layer_place;
static char *arguments[ARGUMENTS_MAX + 1], space_kind[16];

extern char _end[], __binary_start[];

/* --- words, before there is a driver ---------------------------------------------------------- */

void um_early_printk(const char *s, unsigned int n)
{
    unsigned int from = 0;

    for (unsigned int i = 0; i < n; i++) {
        if (s[i] != '\n')
            continue;
        layer_place->write(s + from, i - from);
        layer_place->write("\r\n", 2);
        from = i + 1;
    }
    if (n > from)
        layer_place->write(s + from, n - from);
}

void layer_terminal_write(const unsigned char *text, int length)
{
    layer_place->write((const char *)text, (size_t)length);
}

int layer_terminal_read(void)
{
    return layer_place->read();
}

void layer_terminal_ready(void)
{
    layer_place->ready();
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

void exit(int status)
{
    layer_place->end(status);
}

void layer_panic(const char *format, ...)
{
    va_list list;

    um_early_printk("linux: ", 7);
    va_start(list, format);
    vsay(format, list);
    va_end(list);
    um_early_printk("\n", 1);
    layer_place->end(1);
}

void os_dump_core(void)
{
    layer_panic("stopped after a panic");
}

/* --- the start -------------------------------------------------------------------------------- */

static bool starts(const char *word, const char *prefix)
{
    return strncmp(word, prefix, strlen(prefix)) == 0;
}

/* The words of the command line; some are ours, or the root server's. */
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
        if (starts(word, "space="))
            strlcpy(space_kind, word + strlen("space="), sizeof(space_kind));
        else if (end != word && !starts(word, "exit=") && !starts(word, "name=") &&
                 !starts(word, "prio=") && !starts(word, "pages=") && !starts(word, "start="))
            arguments[count++] = word;
        word = last ? end + 1 : end;
    }
    return count;
}

static void find_ramdisk(int count)
{
    for (int i = 1; i < count; i++) {
        size_t size;

        if (!starts(arguments[i], "initrd="))
            continue;
        const void *data = layer_place->file(arguments[i] + strlen("initrd="), &size);
        if (data)
            layer_file_set(data, size);
    }
}

/* space=small: 64 MB of addresses from 0, which is all that small spaces have. The switch to a
 * process and back is one of segments then, and no TLB is flushed. */
static void choose_space(void)
{
    if (!*space_kind || strcmp(space_kind, "large") == 0)
        return;
    if (strcmp(space_kind, "small") != 0)
        layer_panic("space=%s is no kind of space: accepted are large and small", space_kind);
    layer_place->make_small();
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
    layer_place = layer_server == l4_root_id(l4_kip) ? &layer_direct : &layer_task;
    count = split(layer_place->begin());
    choose_space();
    find_ramdisk(count);
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
