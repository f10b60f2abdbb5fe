// SPDX-License-Identifier: GPL-2.0-only
/* direct.c: the server is the root server: the kernel has loaded it, its boot module's string is
 * Linux's command line, and a module behind it is the initial ramdisk. */
#include <string.h>
#include <l4/boot.h>
#include <l4/ports.h>
#include <l4/sigma0.h>
#include <l4/thread.h>
#include "layer.h"
#include "place.h"

#define MODULES_MAX 16
#define COM1        0x3F8
#define LINE_STATUS (COM1 + 5)
#define SERIAL_LINE 4u
#define SPACE_CONTROL_SMALL 0x80000000u
#define SPACE_64_MB         0x10u
#define SMALL_BYTES         (64u << 20)
#define VERSIONS    63u /* of a thread's number: the low six bits are not 0 */

static struct l4_boot_module modules[MODULES_MAX];
static word_t module_count, module_mine;
static char command_line[1024], exit_way[16];
static word_t versions[PROCESS_MAX];

static void put(char c)
{
    while (!(l4_in8(LINE_STATUS) & 0x20))
        ;
    l4_out8(COM1, (uint8_t)c);
}

static void write(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put(text[i]);
}

static int read(void)
{
    return l4_in8(LINE_STATUS) & 1 ? l4_in8(COM1) : -1;
}

static l4_thread_id input(void)
{
    return l4_irq_associate(SERIAL_LINE, layer_interrupt) ? l4_irq_thread(SERIAL_LINE)
                                                          : L4_NIL_THREAD;
}

static void ready(void)
{
    l4_out8(COM1 + 1, 1); /* an interrupt when something has come */
}

static void drain(void)
{
    while (!(l4_in8(LINE_STATUS) & 0x40))
        ;
}

static void set_up_serial(void)
{
    drain(); /* what the kernel said last */
    l4_out8(COM1 + 1, 0);
    l4_out8(COM1 + 3, 0x83);
    l4_out8(COM1 + 0, 1);
    l4_out8(COM1 + 1, 0);
    l4_out8(COM1 + 3, 3);
    l4_out8(COM1 + 2, 7);
    l4_out8(COM1 + 4, 0x0B);
}

static _Noreturn void end(int status)
{
    drain();
    if (strcmp(exit_way, "debug") == 0)
        l4_out32(0xF4, (word_t)status);
    if (strcmp(exit_way, "reboot") == 0)
        l4_out8(0x64, 0xFE);
    for (;;)
        l4_sleep(L4_NEVER);
}

/* How the machine ends, when Linux does: exit=debug, exit=reboot or exit=halt. */
static void find_exit_way(void)
{
    const char *option = strstr(command_line, " exit=");

    for (size_t i = 0; option && i + 1 < sizeof(exit_way) && option[6 + i] > ' '; i++)
        exit_way[i] = option[6 + i];
}

static char *begin(void)
{
    const struct l4_boot_access access = {l4_sigma0_get_range};
    char *options = command_line;

    set_up_serial();
    l4_set_priority(layer_server, PRIORITY_LINUX);
    module_count = l4_boot_modules(l4_kip, &access, modules, MODULES_MAX);
    module_mine = l4_boot_root_index(l4_kip, &access, modules, module_count);
    if (module_mine == module_count)
        layer_panic("none of %u boot modules is this kernel", module_count);
    l4_boot_text(&access, &modules[module_mine], command_line, sizeof(command_line));
    find_exit_way();
    while (*options && *options != ' ') /* the module's name */
        options++;
    return options;
}

static void make_small(void)
{
    word_t done = 0;

    if ((uintptr_t)l4_kip >= SMALL_BYTES)
        layer_panic("space=small: the microkernel wants the option root=low");
    if (!l4_space_control(layer_server, SPACE_CONTROL_SMALL | SPACE_64_MB, L4_NIL_FPAGE,
                          L4_NIL_FPAGE, L4_NIL_THREAD, &done) || !(done & SPACE_CONTROL_SMALL))
        layer_panic("space=small: the microkernel gives none");
}

static const void *file(const char *name, size_t *size)
{
    const struct l4_boot_module *m = &modules[module_mine + 1];

    (void)name;
    if (module_mine + 1 >= module_count)
        return NULL;
    *size = m->end - m->start;
    if (!l4_sigma0_get_range(m->start, *size))
        layer_panic("the ramdisk at %08x..%08x is not to be had", m->start, m->end);
    return (const void *)(uintptr_t)m->start;
}

static bool memory(word_t base, word_t bits)
{
    return l4_sigma0_get(base, bits, L4_COMPLETE_SPACE) != L4_NIL_FPAGE;
}

static bool memory_again(word_t from, word_t to)
{
    return l4_sigma0_get(from, 12, l4_make_fpage(to, 12, 0)) != L4_NIL_FPAGE;
}

static l4_thread_id thread(word_t priority)
{
    l4_thread_id id = l4_global_id(THREAD_SERVER + 1, 1);

    return l4_thread_create(id, 1) && l4_set_priority(id, priority) ? id : L4_NIL_THREAD;
}

static l4_thread_id space(word_t index)
{
    l4_thread_id id;

    versions[index] = versions[index] % VERSIONS + 1;
    id = l4_global_id(THREAD_PROCESS + index, versions[index]);
    if (!l4_thread_control(id, id, layer_server, L4_NIL_THREAD, L4_UTCB_UNCHANGED))
        return L4_NIL_THREAD;
    if (l4_space_control(id, L4_SPACE_FOREIGN, l4_make_fpage(PROCESS_KIP, 12, 0),
                         l4_make_fpage(PROCESS_UTCBS, 12, 0), layer_server, NULL) &&
        l4_thread_control(id, id, L4_NIL_THREAD, layer_server, PROCESS_UTCB))
        return id;
    l4_thread_delete(id);
    return L4_NIL_THREAD;
}

static bool end_space(l4_thread_id id)
{
    return l4_thread_delete(id) != 0;
}

const struct place layer_direct = {
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
