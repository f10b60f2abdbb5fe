/* SPDX-License-Identifier: GPL-2.0-only */
/* files.h: the one file that the layer has. */
#pragma once

#include <stddef.h>

void layer_file_set(const void *data, size_t size);
