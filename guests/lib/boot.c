// boot.c: reading Multiboot information and generic bootinfo.
#include <l4/boot.h>
#include <l4/sigma0.h>
#include <l4/string.h>

#define BOOTINFO_MAGIC 0x14B0021Du
#define RECORD_MODULE 1u
#define MULTIBOOT_MODULES (1u << 3)

struct bootinfo {
    word_t magic, version, size, first_record, record_count, reserved[3];
};

struct bootinfo_record {
    word_t type, version, next;
    word_t start, size, text; // of a module; text is an offset from the record
};

struct multiboot {
    word_t flags, memory_lower, memory_upper, boot_device, command_line, module_count, modules;
};

struct multiboot_module {
    word_t start, end, command_line, reserved;
};

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    word_t version, entry;
};

static const void *open_at(const struct l4_boot_access *access, word_t address, word_t size)
{
    if (address == 0 || address + size < address || !access->open(address, size))
        return NULL;
    return (const void *)(uintptr_t)address;
}

static word_t from_bootinfo(const struct l4_boot_access *access, word_t address,
                            struct l4_boot_module *modules, word_t max)
{
    const struct bootinfo *info = open_at(access, address, sizeof(*info));
    if (!info || !open_at(access, address, info->size))
        return 0;
    word_t count = 0, at = address + info->first_record;
    for (word_t i = 0; i < info->record_count; i++) {
        const struct bootinfo_record *record = open_at(access, at, sizeof(*record));
        if (!record)
            break;
        if (record->type == RECORD_MODULE && count < max)
            modules[count++] = (struct l4_boot_module){record->start, record->start + record->size,
                                                       record->text ? at + record->text : 0};
        if (record->next == 0)
            break;
        at += record->next;
    }
    return count;
}

static word_t from_multiboot(const struct l4_boot_access *access, word_t address,
                             struct l4_boot_module *modules, word_t max)
{
    const struct multiboot *info = open_at(access, address, sizeof(*info));
    if (!info || !(info->flags & MULTIBOOT_MODULES) || info->module_count > 256)
        return 0;
    const struct multiboot_module *module =
        open_at(access, info->modules, info->module_count * sizeof(*module));
    word_t count = module ? info->module_count : 0;
    if (count > max)
        count = max;
    for (word_t i = 0; i < count; i++)
        modules[i] = (struct l4_boot_module){module[i].start, module[i].end,
                                             module[i].command_line};
    return count;
}

word_t l4_boot_modules(const struct l4_kip *kip, const struct l4_boot_access *access,
                       struct l4_boot_module *modules, word_t max)
{
    const word_t *first = open_at(access, kip->boot_info, sizeof(*first));
    if (!first)
        return 0;
    return *first == BOOTINFO_MAGIC ? from_bootinfo(access, kip->boot_info, modules, max)
                                    : from_multiboot(access, kip->boot_info, modules, max);
}

word_t l4_boot_root_index(const struct l4_kip *kip, const struct l4_boot_access *access,
                          const struct l4_boot_module *modules, word_t count)
{
    for (word_t i = 0; i < count; i++) {
        const struct elf_header *elf = open_at(access, modules[i].start, sizeof(*elf));
        if (elf && memcmp(elf->ident, "\177ELF", 4) == 0 && elf->entry == kip->root.ip)
            return i;
    }
    return count;
}

void l4_boot_text(const struct l4_boot_access *access, const struct l4_boot_module *module,
                  char *buffer, word_t size)
{
    const char *text = open_at(access, module->text, 1);
    word_t i = 0;
    // Nothing says how long it is, so pages are opened as they are reached.
    for (; text && i + 1 < size; i++) {
        bool new_page = ((module->text + i) & (L4_PAGE_SIZE - 1)) == 0;
        if ((new_page && !open_at(access, module->text + i, 1)) || text[i] == 0)
            break;
        buffer[i] = text[i];
    }
    buffer[i] = 0;
}

bool l4_sigma0_get_range(word_t start, word_t size)
{
    word_t page = start & ~(L4_PAGE_SIZE - 1), end = start + size;
    while (page < end) {
        word_t bits = L4_PAGE_BITS;
        while (bits < 22 && !(page & ((2u << bits) - 1)) && end - page >= 2u << bits)
            bits++;
        while (l4_sigma0_get(page, bits, L4_COMPLETE_SPACE) == L4_NIL_FPAGE) {
            if (bits == L4_PAGE_BITS)
                return false;
            bits--;
        }
        page += 1u << bits;
    }
    return true;
}
