/* load_linux: the Linux/x86 boot protocol by its 32-bit entry [LINUX-BOOT]: bzImage, zImage, and
 * vmlinux (an ELF whose physical addresses are where it wants to be). */
#include "sim/core/check.h"
#include "sim/machine/load.h"

#include <string.h>

/* Offsets in boot_params. The setup header begins at 1F1h and is copied from the image. */
enum {
    BP_ALT_MEM_K = 0x1E0,
    BP_E820_COUNT = 0x1E8,
    BP_SETUP_HEADER = 0x1F1,
    BP_SETUP_SECTS = 0x1F1,
    BP_BOOT_FLAG = 0x1FE,
    BP_JUMP = 0x200,
    BP_MAGIC = 0x202,
    BP_VERSION = 0x206,
    BP_LOADER = 0x210,
    BP_LOADFLAGS = 0x211,
    BP_CODE32 = 0x214,
    BP_RAMDISK = 0x218,
    BP_RAMDISK_SIZE = 0x21C,
    BP_CMDLINE = 0x228,
    BP_INITRD_MAX = 0x22C,
    BP_SETUP_DATA = 0x250,
    BP_HEADER_MAX = 0x290,
    BP_E820 = 0x2D0,
    BP_BYTES = 4096,
};

#define MAGIC_HDRS 0x53726448u
#define LOADED_HIGH 1
#define SETUP_RNG_SEED 9
#define SEED_BYTES 32
#define E820_RAM 1

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, sizeof v); }
static void put16(uint8_t *p, uint16_t v) { memcpy(p, &v, sizeof v); }

/* The kernel proper of a bzImage or zImage: everything after the real-mode setup. */
static uint32_t load_boot_sector_image(struct cpu *c, const struct image *i, uint8_t *params)
{
    uint32_t version = image_u16(i, BP_VERSION);
    if (version < 0x200)
        usage_error("%s: boot protocol %x.%02x; accepted is 2.00 and later", i->path, version >> 8,
                    version & 0xFF);
    unsigned sectors = image_at(i, BP_SETUP_SECTS, 1) ? *image_at(i, BP_SETUP_SECTS, 1) : 0;
    uint64_t offset = ((sectors ? sectors : 4) + 1) * 512u;
    const uint8_t *kernel = image_at(i, offset, 1);
    if (!kernel)
        usage_error("%s: the kernel should begin at byte %llu, the file has %zu", i->path,
                    (unsigned long long)offset, i->size);
    uint64_t header_end = BP_JUMP + 2 + *image_at(i, BP_JUMP + 1, 1);
    if (header_end > BP_HEADER_MAX)
        header_end = BP_HEADER_MAX;
    memcpy(params + BP_SETUP_HEADER, image_at(i, BP_SETUP_HEADER, header_end - BP_SETUP_HEADER),
           header_end - BP_SETUP_HEADER);
    bool high = params[BP_LOADFLAGS] & LOADED_HIGH;
    uint32_t at = high ? 0x100000 : image_u32(i, BP_CODE32);
    uint64_t size = i->size - offset;
    if (!high && at + size > LOAD_PARAMETERS)
        usage_error("%s: a zImage of %llu bytes does not fit below %x", i->path,
                    (unsigned long long)size, LOAD_PARAMETERS);
    load_bytes(c, i->path, at, kernel, size);
    return at;
}

/* vmlinux carries no setup header: give it one. */
static uint32_t load_vmlinux(struct cpu *c, const struct image *i, uint8_t *params)
{
    uint32_t end;
    uint32_t entry = load_elf(c, i, &end);
    put16(params + BP_BOOT_FLAG, 0xAA55);
    put32(params + BP_MAGIC, MAGIC_HDRS);
    put16(params + BP_VERSION, 0x20F);
    params[BP_LOADFLAGS] = LOADED_HIGH;
    put32(params + BP_INITRD_MAX, 0x37FFFFFF);
    return entry;
}

static void memory_map(uint8_t *params, uint32_t ram)
{
    const struct {
        uint32_t base, bytes;
    } map[] = {{0, LOAD_LOW_END}, {0x100000, ram - 0x100000}};
    for (unsigned k = 0; k < ARRAY_COUNT(map); k++) {
        uint8_t *p = params + BP_E820 + k * 20;
        put32(p, map[k].base);
        put32(p + 8, map[k].bytes);
        put32(p + 16, E820_RAM);
    }
    params[BP_E820_COUNT] = ARRAY_COUNT(map);
    put32(params + BP_ALT_MEM_K, (ram >> 10) - 1024);
    uint32_t kilobytes = (ram >> 10) - 1024;
    put16(params + 2, kilobytes > 0xFFFF ? 0xFFFF : (uint16_t)kilobytes);
}

/* What the BIOS would have said of the screen: VGA text, 80 by 25. */
static void screen(uint8_t *params)
{
    params[6] = 3;
    params[7] = 80;
    params[14] = 25;
    params[15] = 1;
    params[16] = 16;
}

static void load_initrd(struct cpu *c, const struct boot *boot, uint8_t *params)
{
    if (!boot->initrd)
        return;
    /* An initrd is handed over as it is: Linux unpacks it itself, or not. */
    struct image m = image_read(boot->initrd);
    uint32_t top = load_memory_end(c, boot), most;
    memcpy(&most, params + BP_INITRD_MAX, 4);
    if (most && top > most)
        top = most + 1;
    if (m.size + 0x200000 > top)
        usage_error("%s: an initrd of %zu bytes does not fit into %u MB of memory (-m)",
                    boot->initrd, m.size, c->mmu->phys.size >> 20);
    uint32_t at = (uint32_t)(top - m.size) & ~0xFFFu;
    load_bytes(c, boot->initrd, at, m.data, m.size);
    put32(params + BP_RAMDISK, at);
    put32(params + BP_RAMDISK_SIZE, (uint32_t)m.size);
    image_free(&m);
}

/* The random seed, by splitmix64: without one Linux spends a billion instructions on entropy. */
static void load_seed(struct cpu *c, uint64_t seed, uint8_t *params)
{
    struct {
        uint32_t next[2], type, length;
        uint64_t bytes[SEED_BYTES / 8];
    } data = {{0, 0}, SETUP_RNG_SEED, SEED_BYTES, {0}};
    for (unsigned k = 0; k < SEED_BYTES / 8; k++) {
        uint64_t z = seed += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        data.bytes[k] = z ^ z >> 31;
    }
    load_bytes(c, "setup_data", LOAD_SETUP_DATA, &data, sizeof data);
    put32(params + BP_SETUP_DATA, LOAD_SETUP_DATA);
}

void load_linux(struct cpu *c, const struct image *i, const struct boot *boot)
{
    uint8_t params[BP_BYTES] = {0};
    uint32_t entry;
    if (image_at(i, BP_MAGIC, 4) && image_u32(i, BP_MAGIC) == MAGIC_HDRS)
        entry = load_boot_sector_image(c, i, params);
    else if (image_at(i, 0, 4) && memcmp(i->data, "\177ELF", 4) == 0)
        entry = load_vmlinux(c, i, params);
    else
        usage_error("%s: not a kernel: neither Multiboot, nor Linux bzImage or zImage, nor ELF",
                    i->path);
    size_t length = strlen(boot->append);
    if (length >= LOAD_COMMAND_LINE_MAX)
        usage_error("-append: %zu characters; at most %d fit", length, LOAD_COMMAND_LINE_MAX - 1);
    load_bytes(c, "command line", LOAD_COMMAND_LINE, boot->append, length + 1);
    params[BP_LOADER] = 0xFF;
    put32(params + BP_CMDLINE, LOAD_COMMAND_LINE);
    memory_map(params, load_memory_end(c, boot));
    screen(params);
    load_initrd(c, boot, params);
    load_seed(c, boot->random_seed, params);
    load_bytes(c, "boot parameters", LOAD_PARAMETERS, params, sizeof params);
    load_protected_mode(c, entry);
    c->r[ESI] = LOAD_PARAMETERS;
}
