// boot.h: the modules that the boot loader left in memory, from either form that the kernel
// interface page's BootInfo word can point to: Multiboot 1 information or generic bootinfo
// [L4X2 7]. The memory must be readable at its physical addresses: the root server asks for it with
// l4_sigma0_get_range; sigma0 has all memory.
#pragma once

#include <l4/kip.h>
#include <l4/types.h>

struct l4_boot_module {
    word_t start, end; // physical; end is exclusive
    word_t text;       // physical address of its command line, 0 for none
};

// How memory is made readable before it is looked at: returns false if it cannot be.
struct l4_boot_access {
    bool (*open)(word_t start, word_t size);
};

// Fills at most max entries and returns how many there are; 0 without boot information.
word_t l4_boot_modules(const struct l4_kip *kip, const struct l4_boot_access *access,
                       struct l4_boot_module *modules, word_t max);

// Which of the modules is the program that the kernel runs as the root server: the loader's own
// kernel and sigma0 come before it, the tasks after it. count if none is.
word_t l4_boot_root_index(const struct l4_kip *kip, const struct l4_boot_access *access,
                          const struct l4_boot_module *modules, word_t count);

// Copies a module's command line, cut to size - 1 bytes.
void l4_boot_text(const struct l4_boot_access *access, const struct l4_boot_module *module,
                  char *buffer, word_t size);

// All of [start, start + size) from sigma0 at its physical address, in as large pages as it gives.
bool l4_sigma0_get_range(word_t start, word_t size);
