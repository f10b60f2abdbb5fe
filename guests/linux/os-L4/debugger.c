// SPDX-License-Identifier: GPL-2.0-only
/* debugger.c: /proc/l4, for a kernel with the option kdb, which takes typed characters for its
 * debugger at each tick. `quiet`, written there, ends that, or begins it anew; `stop` enters the
 * debugger, where `kernel` tells of the kernel's memory and `continue` leaves. What follows INT3
 * says what it is for (kernel/debugger/debugger.c). Compiled with the kernel's headers. */
#include <linux/init.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static const char stopped[] __attribute__((used)) = "Linux stops";

static ssize_t debugger_write(struct file *file, const char __user *text, size_t length,
                              loff_t *unused)
{
    char word[8] = {0};

    if (length >= sizeof(word) || copy_from_user(word, text, length))
        return -EINVAL;
    if (strcmp(strim(word), "quiet") == 0)
        __asm__ volatile("int3; cmpb $3, %%al" ::: "cc");
    else if (strcmp(strim(word), "stop") == 0)
        __asm__ volatile("int3; jmp 1f; movl $stopped, %%eax; 1:" ::: "eax");
    else
        return -EINVAL;
    return (ssize_t)length;
}

static const struct proc_ops debugger = {.proc_write = debugger_write};

static int __init debugger_begin(void)
{
    return proc_create("l4", 0200, NULL, &debugger) ? 0 : -ENOMEM;
}
fs_initcall(debugger_begin);
