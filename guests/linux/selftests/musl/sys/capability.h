// SPDX-License-Identifier: GPL-2.0-only
/* sys/capability.h: as much of libcap as the tests call. */
#pragma once

#include <linux/capability.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int cap_value_t;
typedef enum { CAP_EFFECTIVE, CAP_PERMITTED, CAP_INHERITABLE } cap_flag_t;
typedef enum { CAP_CLEAR, CAP_SET } cap_flag_value_t;
typedef struct cap_sets {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];
} *cap_t;

static inline cap_t cap_init(void)
{
    cap_t sets = calloc(1, sizeof(*sets));

    if (sets)
        sets->header.version = _LINUX_CAPABILITY_VERSION_3;
    return sets;
}

static inline cap_t cap_get_proc(void)
{
    cap_t sets = cap_init();

    if (sets && syscall(SYS_capget, &sets->header, sets->half) != 0) {
        free(sets);
        sets = NULL;
    }
    return sets;
}

static inline int cap_set_proc(cap_t sets)
{
    return (int)syscall(SYS_capset, &sets->header, sets->half);
}

static inline int cap_free(void *sets)
{
    free(sets);
    return 0;
}

static inline int cap_clear(cap_t sets)
{
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        sets->half[i] = (struct __user_cap_data_struct){0};
    return 0;
}

static inline int cap_set_flag(cap_t sets, cap_flag_t flag, int count, const cap_value_t *values,
                               cap_flag_value_t value)
{
    for (int i = 0; i < count; i++) {
        struct __user_cap_data_struct *half = &sets->half[values[i] / 32];
        __u32 *set = flag == CAP_EFFECTIVE   ? &half->effective
                     : flag == CAP_PERMITTED ? &half->permitted
                                             : &half->inheritable;
        __u32 bit = 1U << values[i] % 32;

        *set = value == CAP_SET ? *set | bit : *set & ~bit;
    }
    return 0;
}
