/* SPDX-License-Identifier: GPL-2.0-only */
/* my_utcb.h: the stand-in's: the control block of the one of Linux's two threads that runs. */
#pragma once

#include <l4/types.h>

extern word_t *standin_utcb;

static inline word_t *l4_utcb(void)
{
    return standin_utcb;
}
