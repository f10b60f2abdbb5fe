/* load_multiboot: Multiboot 1 [MB1], ELF and the a.out kludge, modules with their strings. */
#include "sim/core/check.h"
#include "sim/machine/load.h"

#include <string.h>

#define HEADER_MAGIC 0x1BADB002u
#define LOADER_MAGIC 0x2BADB002u
#define SEARCH_BYTES 8192

/* Header flags. */
enum { HEADER_PAGE_ALIGN = 1 << 0, HEADER_MEMORY = 1 << 1, HEADER_VIDEO = 1 << 2 };
#define HEADER_ADDRESSES (1u << 16)

/* Information flags. */
enum { INFO_MEMORY = 1 << 0, INFO_CMDLINE = 1 << 2, INFO_MODULES = 1 << 3, INFO_MMAP = 1 << 6,
       INFO_LOADER_NAME = 1 << 9 };

/* Offsets in the information structure. */
enum { AT_FLAGS = 0, AT_MEM_LOWER = 4, AT_MEM_UPPER = 8, AT_CMDLINE = 16, AT_MODS_COUNT = 20,
       AT_MODS = 24, AT_MMAP_LENGTH = 44, AT_MMAP = 48, AT_LOADER_NAME = 64, INFO_BYTES = 116 };

static bool find_header(const struct image *i, uint32_t *offset)
{
    for (uint32_t at = 0; at + 12 <= SEARCH_BYTES && image_at(i, at, 12); at += 4) {
        if (image_u32(i, at) == HEADER_MAGIC &&
            image_u32(i, at) + image_u32(i, at + 4) + image_u32(i, at + 8) == 0) {
            *offset = at;
            return true;
        }
    }
    return false;
}

bool load_is_multiboot(const struct image *i)
{
    uint32_t offset;
    return find_header(i, &offset);
}

/* The a.out kludge: the header itself says what goes where. */
static uint32_t load_kludge(struct cpu *c, const struct image *i, uint32_t header, uint32_t *end)
{
    uint32_t header_addr = image_u32(i, header + 12), load_addr = image_u32(i, header + 16);
    uint32_t load_end = image_u32(i, header + 20), bss_end = image_u32(i, header + 24);
    if (load_addr > header_addr || header_addr - load_addr > header)
        usage_error("%s: Multiboot load address %08x does not fit header address %08x", i->path,
                    load_addr, header_addr);
    uint32_t offset = header - (header_addr - load_addr);
    uint64_t size = load_end ? (uint64_t)load_end - load_addr : i->size - offset;
    const uint8_t *bytes = image_at(i, offset, size);
    if (!bytes || (load_end && load_end < load_addr))
        usage_error("%s: Multiboot load end %08x lies past the end of the file", i->path, load_end);
    load_bytes(c, i->path, load_addr, bytes, size);
    static const uint8_t zero[4096];
    uint64_t at = load_addr + size;
    while (at < bss_end) {
        uint64_t n = bss_end - at < sizeof zero ? bss_end - at : sizeof zero;
        load_bytes(c, i->path, at, zero, n);
        at += n;
    }
    *end = (uint32_t)at;
    return image_u32(i, header + 28);
}

/* A growing area of strings and tables in low memory. */
struct area {
    struct cpu *cpu;
    uint32_t at;
};

static uint32_t put(struct area *a, const void *data, size_t size)
{
    uint32_t here = a->at;
    if (size > LOAD_STRINGS_END - here)
        usage_error("-append and module strings together are longer than %u bytes",
                    LOAD_STRINGS_END - LOAD_STRINGS);
    load_bytes(a->cpu, "boot information", here, data, size);
    a->at = (uint32_t)(here + size + 3) & ~3u;
    return here;
}

static uint32_t put_string(struct area *a, const char *first, const char *second)
{
    char text[LOAD_COMMAND_LINE_MAX];
    size_t n = strlen(first) + 1 + strlen(second);
    if (n >= sizeof text)
        usage_error("a command line of %zu characters; at most %zu fit", n, sizeof text - 1);
    strcpy(text, first);
    if (*second) {
        strcat(text, " ");
        strcat(text, second);
    }
    return put(a, text, strlen(text) + 1);
}

/* One module, "path args": loads the file above *top, page aligned. */
static void load_module(struct area *a, const char *spec, uint32_t *top, uint32_t entry[4])
{
    char path[4096];
    size_t n = strcspn(spec, " ");
    if (n >= sizeof path || n == 0)
        usage_error("-initrd: module name '%.60s' is empty or too long", spec);
    memcpy(path, spec, n);
    path[n] = 0;
    struct image m = image_read(path);
    *top = (*top + 0xFFF) & ~0xFFFu;
    load_bytes(a->cpu, path, *top, m.data, m.size);
    entry[0] = *top;
    entry[1] = *top + (uint32_t)m.size;
    entry[2] = put_string(a, spec, "");
    entry[3] = 0;
    *top += (uint32_t)m.size;
    image_free(&m);
}

static unsigned load_modules(struct area *a, const char *list, uint32_t top, uint32_t *table)
{
    uint32_t entries[LOAD_MODULES_MAX][4];
    unsigned count = 0;
    for (const char *p = list; p && *p;) {
        char spec[LOAD_COMMAND_LINE_MAX];
        size_t n = strcspn(p, ",");
        if (count == LOAD_MODULES_MAX || n >= sizeof spec)
            usage_error("-initrd: more than %u modules, or one longer than %zu characters",
                        LOAD_MODULES_MAX, sizeof spec - 1);
        memcpy(spec, p, n);
        spec[n] = 0;
        load_module(a, spec, &top, entries[count++]);
        p += n;
        p += *p == ',';
    }
    *table = put(a, entries, count * sizeof entries[0]);
    return count;
}

static uint32_t memory_map(struct area *a, uint32_t ram, uint32_t *length)
{
    struct {
        uint32_t size;
        uint32_t base[2], bytes[2];
        uint32_t type;
    } map[3] = {
        {20, {0, 0}, {LOAD_LOW_END, 0}, 1},
        {20, {0xF0000, 0}, {0x10000, 0}, 2},
        {20, {0x100000, 0}, {ram - 0x100000, 0}, 1},
    };
    *length = sizeof map;
    return put(a, map, sizeof map);
}

void load_multiboot(struct cpu *c, const struct image *i, const struct boot *boot)
{
    uint32_t header = 0, end = 0;
    CHECK(find_header(i, &header));
    uint32_t flags = image_u32(i, header + 4);
    if (flags & 0xFFF8)
        usage_error("%s: Multiboot header asks for flags %04x; known are 0007", i->path,
                    flags & 0xFFFF);
    uint32_t entry = flags & HEADER_ADDRESSES ? load_kludge(c, i, header, &end)
                                              : load_elf(c, i, &end);
    struct area a = {c, LOAD_STRINGS};
    uint32_t ram = load_memory_end(c, boot), modules = 0, length = 0;
    uint8_t zero[INFO_BYTES] = {0};
    load_bytes(c, "Multiboot information", LOAD_PARAMETERS, zero, sizeof zero);
    load_u32(c, LOAD_PARAMETERS + AT_FLAGS,
             INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MMAP | INFO_LOADER_NAME);
    load_u32(c, LOAD_PARAMETERS + AT_MEM_LOWER, 639);
    load_u32(c, LOAD_PARAMETERS + AT_MEM_UPPER, (ram >> 10) - 1024);
    load_u32(c, LOAD_PARAMETERS + AT_CMDLINE, put_string(&a, boot->kernel, boot->append));
    uint32_t top = (end < 0x100000 ? 0x100000 : end) + boot->modules_skip * 4096;
    unsigned count = load_modules(&a, boot->initrd, top, &modules);
    load_u32(c, LOAD_PARAMETERS + AT_MODS_COUNT, count);
    load_u32(c, LOAD_PARAMETERS + AT_MODS, modules);
    load_u32(c, LOAD_PARAMETERS + AT_MMAP, memory_map(&a, ram, &length));
    load_u32(c, LOAD_PARAMETERS + AT_MMAP_LENGTH, length);
    load_u32(c, LOAD_PARAMETERS + AT_LOADER_NAME, put_string(&a, "isochron", ""));
    load_protected_mode(c, entry);
    c->r[EAX] = LOADER_MAGIC;
    c->r[EBX] = LOAD_PARAMETERS;
}
