// SPDX-License-Identifier: GPL-2.0-only
/* sys/vm86.h: the GNU C library's name for the system call and its structures. */
#pragma once

#include <asm/vm86.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int vm86(unsigned long function, struct vm86plus_struct *state)
{
    return (int)syscall(SYS_vm86, function, state);
}
