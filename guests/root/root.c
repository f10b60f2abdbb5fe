// root.c: the root server's start: COM1, the modules, then the service loop. Its command line may
// say how the machine ends: exit=debug, exit=reboot, exit=halt (library.h); and sigma0=LEVEL sets
// what sigma0 tells, sigma0=dump has it list who owns what once all tasks have been started.
#include <l4/boot.h>
#include <l4/kip.h>
#include <l4/library.h>
#include <l4/ports.h>
#include <l4/print.h>
#include <l4/sigma0.h>
#include <l4/string.h>
#include <l4/syscalls.h>

#include "root.h"

#define MODULE_MAX (TASK_MAX + 4)

static struct root root;
static struct l4_boot_module modules[MODULE_MAX];

// 115200 baud, eight bits, no parity, one stop bit, FIFOs on.
static void set_up_serial(void)
{
    const uint16_t port = 0x3F8;
    l4_serial_drain(); // what the kernel said last
    l4_out8(port + 1, 0x00);
    l4_out8(port + 3, 0x83);
    l4_out8(port + 0, 0x01);
    l4_out8(port + 1, 0x00);
    l4_out8(port + 3, 0x03);
    l4_out8(port + 2, 0x07);
    l4_out8(port + 4, 0x0B);
}

static void tell_sigma0(const char *how)
{
    l4_thread_id sigma0 = l4_sigma0_id(l4_kip);
    if (strcmp(how, "dump") == 0)
        l4_sigma0_dump(sigma0);
    else if (how[0])
        l4_sigma0_set_verbosity(sigma0, strtoul(how, NULL, 0));
}

int l4_main(const char *command_line)
{
    const struct l4_boot_access access = {l4_sigma0_get_range};
    set_up_serial();
    l4_set_priority(l4_my_global_id(), PRIORITY_ROOT);
    root.command_line = command_line;
    root.access = access;

    word_t count = l4_boot_modules(l4_kip, &access, modules, MODULE_MAX);
    word_t mine = l4_boot_root_index(l4_kip, &access, modules, count);
    if (mine == count)
        l4_panic("none of %u boot modules is this program (boot information at %08x)", count,
                 l4_kip->boot_info);
    const struct l4_kernel_descriptor *kernel = l4_kernel_descriptor(l4_kip);
    say(&root, "root: %s; %u tasks\n", kernel->version_string, count - mine - 1);
    char how[8];
    l4_option(command_line, "sigma0", how, sizeof(how));
    if (strcmp(how, "dump") != 0)
        tell_sigma0(how);
    root.modules = &modules[mine + 1];
    tasks_start(&root, count - mine - 1);
    if (strcmp(how, "dump") == 0)
        tell_sigma0(how);
    root_serve(&root);
}
