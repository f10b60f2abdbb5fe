// SPDX-License-Identifier: GPL-2.0-only
/* options.c: the words of Linux's command line that are the layer's. Compiled with the kernel's
 * headers. */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>

void library_start(bool by_trampoline);

/* syscalls=: by which way processes call Linux. Whichever it is, INT 80h works. */
static int __init system_calls(char *way)
{
    if (strcmp(way, "library") == 0)
        library_start(false);
    else if (strcmp(way, "trampoline") == 0)
        library_start(true);
    else if (strcmp(way, "exception") != 0)
        panic("syscalls=%s is no way of system calls: exception, trampoline and library are", way);
    return 1;
}
__setup("syscalls=", system_calls);
