/* multiboot.h: when a Multiboot loader starts the kernel itself, the kernel first does what
 * kickstart otherwise does for it [L4X2 7]. */
#pragma once

#include "types.h"

#define MULTIBOOT_LOADED 0x2BADB002u /* in EAX [MB1 3.2] */

/* Loads sigma0 (the first module) and the root server (the second), describes memory and the
 * servers in the kernel interface page, and takes the kernel's options. */
void multiboot_start(paddr_t information);
