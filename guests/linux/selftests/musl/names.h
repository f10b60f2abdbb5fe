// SPDX-License-Identifier: GPL-2.0-only
/* names.h: what the tests expect of a C library's headers and musl's lack; included before each. */
#pragma once

#define DEFFILEMODE 0666
#define MSG_COPY 040000
#define RENAME_EXCHANGE 2
#define __GLIBC_PREREQ(major, minor) 1
#define __NR_clock_nanosleep 267
#define __NR_futex_waitv 449
#define renameat2(...) ((int)syscall(353, __VA_ARGS__))
