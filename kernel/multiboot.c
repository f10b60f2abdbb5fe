/* multiboot.c: the part of kickstart, see multiboot.h. Memory is described in the same order as
 * there, because later descriptors override earlier ones. */
#include "multiboot.h"

#include "api/kip.h"
#include "debugger/print.h"
#include "options.h"
#include "server_image.h"

/* The Multiboot information [MB1 3.3], as far as it is used. */
struct multiboot_info {
    word_t flags, mem_lower, mem_upper, boot_device, command_line, mods_count, mods_addr, syms[4];
    word_t mmap_length, mmap_addr;
    word_t rest[9];
};
#define INFO_MEMORY  0x01u
#define INFO_COMMAND 0x04u
#define INFO_MODULES 0x08u
#define INFO_MAP     0x40u

struct module {
    word_t start, end, string, reserved;
};

struct map_entry {
    word_t size;
    uint32_t base_low, base_high, length_low, length_high;
    word_t type;
} __attribute__((packed));
#define MAP_USABLE 1u

/* [low, high) */
struct range {
    word_t low, high;
};

#define MODULES_MAX   32u
#define SERVERS       2u
#define KMEM_CEILING  (240u << 20)
#define KMEM_MAX      (16u << 20)
#define KMEM_LEAST    (2u << 20)
#define LOW_MEMORY    0x100000u

extern const char image_start[], image_end[];

struct boot {
    const struct multiboot_info *info;
    struct module *modules;
    word_t module_count;
    struct range map, kmem;       /* map: the region that kmem is the top of */
    struct range table;           /* the information with all that it points to */
    struct server_image server[SERVERS];
    word_t free_top;              /* modules that must move go below this */
};

static bool overlap(struct range a, struct range b)
{
    return a.low < b.high && b.low < a.high;
}

static word_t page_down(word_t a)
{
    return a & ~(PAGE_SIZE - 1);
}

static word_t page_up(word_t a)
{
    return page_down(a + PAGE_SIZE - 1);
}

static word_t string_length(const char *s)
{
    word_t n = 0;
    while (s[n])
        n++;
    return n;
}

/* --- the memory map --------------------------------------------------------------------------- */

/* Calls fn for each region of the map, cut to 32 bits: [low, high], inclusive, and its BIOS
 * type. */
static void each_region(struct boot *b,
                        void (*fn)(struct boot *b, word_t low, word_t high, word_t type))
{
    const struct multiboot_info *info = b->info;
    if (!(info->flags & INFO_MAP)) {
        if (!(info->flags & INFO_MEMORY))
            panic("the boot loader told nothing about memory");
        fn(b, 0, info->mem_lower * 1024 - 1, MAP_USABLE);
        fn(b, LOW_MEMORY, LOW_MEMORY + info->mem_upper * 1024 - 1, MAP_USABLE);
        return;
    }
    for (word_t at = info->mmap_addr; at < info->mmap_addr + info->mmap_length;) {
        const struct map_entry *e = direct(at);
        uint64_t base = (uint64_t)e->base_high << 32 | e->base_low;
        uint64_t last = base + ((uint64_t)e->length_high << 32 | e->length_low) - 1;
        if (e->base_high == 0 && last > base)
            fn(b, e->base_low, last >> 32 ? 0xFFFFFFFF : (word_t)last, e->type);
        at += e->size + sizeof e->size;
    }
}

static void describe_region(struct boot *b, word_t low, word_t high, word_t type)
{
    (void)b;
    if (type == MAP_USABLE)
        kip_memory_add(MEMORY_CONVENTIONAL, 1, false, low, high);
    else
        kip_memory_add(MEMORY_ARCHITECTURE, type, false, low, high);
}

/* The largest usable region below the ceiling is where the kernel's memory comes from. */
static void choose_region(struct boot *b, word_t low, word_t high, word_t type)
{
    word_t end = high < KMEM_CEILING ? high + 1 : KMEM_CEILING;
    if (type == MAP_USABLE && end > low && end - low > b->map.high - b->map.low)
        b->map = (struct range){page_up(low), page_down(end)};
}

static void choose_kmem(struct boot *b)
{
    each_region(b, choose_region);
    word_t quarter = page_down((b->map.high - b->map.low) / 4);
    word_t size = page_up(option_number("kmem", quarter < KMEM_MAX ? quarter : KMEM_MAX));
    if (size < KMEM_LEAST || size > b->map.high - b->map.low)
        panic("kmem: %u KB of kernel memory; from %u to %u are possible", size / 1024,
              KMEM_LEAST / 1024, (b->map.high - b->map.low) / 1024);
    b->kmem = (struct range){b->map.high - size, b->map.high};
    b->free_top = b->kmem.low;
}

/* --- the loader's information in one piece ---------------------------------------------------- */

/* Loaders scatter the lists and strings that the information points to, and where a server is to be
 * loaded, too. They are gathered here, and then go to a place that the root server can be given. */
struct pack {
    word_t place, used; /* where the bytes will be */
    uint8_t bytes[2 * PAGE_SIZE];
};

/* Adds a copy of what lies at `from`; returns its address to be. */
static word_t pack_add(struct pack *p, word_t from, word_t size)
{
    word_t at = p->used;
    if (size > sizeof p->bytes - at)
        panic("the boot loader's information is larger than %u bytes", (word_t)sizeof p->bytes);
    __builtin_memcpy(p->bytes + at, direct(from), size);
    p->used = (at + size + 3) & ~3u;
    return p->place + at;
}

static word_t pack_string(struct pack *p, word_t from)
{
    return from ? pack_add(p, from, string_length(direct(from)) + 1) : 0;
}

/* What all of it takes, generously. */
static word_t pack_size(const struct boot *b)
{
    word_t size = sizeof *b->info + b->module_count * sizeof(struct module);
    for (word_t i = 0; i < b->module_count; i++)
        size += b->modules[i].string ? string_length(direct(b->modules[i].string)) + 4 : 0;
    if (b->info->flags & INFO_COMMAND)
        size += string_length(direct(b->info->command_line)) + 4;
    if (b->info->flags & INFO_MAP)
        size += b->info->mmap_length + 4;
    return page_up(size);
}

/* Moves the information to `place`; what is not understood here does not move and is not passed
 * on. */
static void pack_information(struct boot *b, word_t information, word_t place)
{
    static struct pack pack;
    struct multiboot_info *info = (struct multiboot_info *)pack.bytes;

    pack.place = place;
    pack_add(&pack, information, sizeof *info);
    info->flags &= INFO_MEMORY | INFO_COMMAND | INFO_MODULES | INFO_MAP;
    struct module *modules = (struct module *)(pack.bytes + pack.used);
    info->mods_addr = pack_add(&pack, info->mods_addr, b->module_count * sizeof *modules);
    for (word_t i = 0; i < b->module_count; i++)
        modules[i].string = pack_string(&pack, modules[i].string);
    if (info->flags & INFO_COMMAND)
        info->command_line = pack_string(&pack, info->command_line);
    if (info->flags & INFO_MAP)
        info->mmap_addr = pack_add(&pack, info->mmap_addr, info->mmap_length);
    __builtin_memcpy(direct(place), pack.bytes, pack.used);
    b->table = (struct range){place, page_up(place + pack.used)};
    b->info = direct(place);
    b->modules = direct(info->mods_addr);
}

/* --- where things are ------------------------------------------------------------------------- */

static struct range image(void)
{
    return (struct range){physical(image_start), physical(image_end)};
}

static struct range module_range(const struct boot *b, word_t i)
{
    return (struct range){page_down(b->modules[i].start), page_up(b->modules[i].end)};
}

static struct range server_range(const struct boot *b, word_t i)
{
    return (struct range){b->server[i].low, b->server[i].high};
}

/* --- modules out of the way ------------------------------------------------------------------- */

/* Would a module here be overwritten by a server, or lie beside the kernel, where its memory is
 * best? */
static bool in_the_way(const struct boot *b, struct range r)
{
    struct range beside = {image().low, LARGE_PAGE_SIZE};
    return overlap(r, beside) || overlap(r, server_range(b, 0)) || overlap(r, server_range(b, 1)) ||
           overlap(r, b->kmem);
}

/* The highest free place for `size` bytes below free_top. */
static word_t find_place(const struct boot *b, word_t size)
{
    word_t place = b->free_top;
    while (place >= b->map.low + size) {
        struct range r = {place - size, place};
        word_t below = in_the_way(b, r) ? r.high - PAGE_SIZE : 0;
        for (word_t i = 0; i < b->module_count; i++)
            if (overlap(r, module_range(b, i)))
                below = module_range(b, i).low;
        if (overlap(r, b->table))
            below = b->table.low;
        if (below == 0)
            return r.low;
        place = below;
    }
    return 0;
}

static void move_module(struct boot *b, word_t i)
{
    struct module *m = &b->modules[i];
    word_t size = m->end - m->start;
    word_t place = find_place(b, page_up(size));
    if (place == 0)
        panic("module %u (%08x to %08x) is where a server or the kernel's memory belongs, and "
              "there is no other place for it", i, m->start, m->end);
    __builtin_memcpy(direct(place), direct(m->start), size);
    *m = (struct module){place, place + size, m->string, m->reserved};
}

static void check_conflict(struct range r, const char *what, struct range other,
                           const char *other_what)
{
    if (overlap(r, other))
        panic("%s (%08x to %08x) overlaps %s (%08x to %08x)", what, r.low, r.high, other_what,
              other.low, other.high);
}

static void measure_servers(struct boot *b)
{
    static const char *const name[SERVERS] = {"sigma0", "the root server"};
    for (word_t i = 0; i < SERVERS; i++) {
        if (!server_image_measure(&b->server[i], direct(b->modules[i].start),
                                  b->modules[i].end - b->modules[i].start))
            panic("module %u, which is to be %s, is no ELF program for IA-32", i, name[i]);
        check_conflict(server_range(b, i), name[i], image(), "the kernel");
        check_conflict(server_range(b, i), name[i], b->kmem, "the kernel's memory");
    }
    check_conflict(server_range(b, 0), name[0], server_range(b, 1), name[1]);
}

static void place_all(struct boot *b, word_t information)
{
    word_t place = find_place(b, pack_size(b));
    if (place == 0)
        panic("no room for the boot loader's information");
    pack_information(b, information, place);
    for (word_t i = b->module_count; i-- > 0;)
        if (in_the_way(b, module_range(b, i)))
            move_module(b, i);
    for (word_t i = 0; i < SERVERS; i++)
        server_image_load(&b->server[i], direct(b->modules[i].start));
}

/* --- the kernel interface page ---------------------------------------------------------------- */

static void describe(struct boot *b)
{
    kip_memory_clear();
    kip_memory_add(MEMORY_SHARED, 0, false, 0, 0xFFFFFFFF);
    each_region(b, describe_region);
    kip_memory_add(MEMORY_RESERVED, 0, false, b->kmem.low, b->kmem.high - 1);
    kip_memory_add(MEMORY_SHARED, 0, false, 0xA0000, 0xBFFFF);
    kip_memory_add(MEMORY_SHARED, 0, false, 0xC0000, 0xEFFFF);
    for (word_t i = 0; i < SERVERS; i++)
        kip_memory_add(MEMORY_BOOT, BOOT_SERVER, false, b->server[i].low, b->server[i].high - 1);
    for (word_t i = SERVERS; i < b->module_count; i++)
        kip_memory_add(MEMORY_BOOT, BOOT_MODULE, false, module_range(b, i).low,
                       module_range(b, i).high - 1);
    kip_memory_add(MEMORY_BOOT, BOOT_TABLE, false, b->table.low, b->table.high - 1);

    const struct server_image *s = b->server;
    kip.sigma0 = (struct kip_server){0, s[0].entry, s[0].low, s[0].high};
    kip.root = (struct kip_server){0, s[1].entry, s[1].low, s[1].high};
    kip.boot_info = b->table.low;
}

void multiboot_start(paddr_t information)
{
    static struct boot boot;
    struct boot *b = &boot;

    b->info = direct(information);
    if (b->info->flags & INFO_COMMAND)
        options_set(direct(b->info->command_line));
    if (!(b->info->flags & INFO_MODULES) || b->info->mods_count < SERVERS)
        panic("the first boot module must be sigma0, the second the root server; "
              "there are %u modules",
              b->info->flags & INFO_MODULES ? b->info->mods_count : 0);
    b->modules = direct(b->info->mods_addr);
    b->module_count = b->info->mods_count;
    if (b->module_count > MODULES_MAX)
        panic("%u boot modules; at most %u", b->module_count, MODULES_MAX);
    choose_kmem(b);
    measure_servers(b);
    place_all(b, information);
    describe(b);
}
