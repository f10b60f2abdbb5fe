// kickstart.c: starts an L4 kernel the way Pistachio's kickstart does [L4X2 7], to show that ours
// can be started so: modules are the kernel, sigma0, the root server and what they want. The
// kernel interface page is found in the kernel's image by its magic word, filled in, and the
// kernel entered with paging off and nothing in registers.
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

struct information {
    u32 flags, mem_lower, mem_upper, boot_device, command_line, mods_count, mods_addr, syms[4];
    u32 mmap_length, mmap_addr;
};
struct module {
    u32 start, end, string, reserved;
};
struct elf {
    u8 ident[16];
    u16 type, machine;
    u32 version, entry, phoff, shoff, flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct segment {
    u32 type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
struct loaded {
    u32 low, high, entry;
};

enum { SHARED = 4, CONVENTIONAL = 0x11, RESERVED = 2, ARCHITECTURE = 0xF };
enum { BOOT_TABLE = 0x1E, BOOT_SERVER = 0x2E, BOOT_MODULE = 0x3E };
#define KMEM (16u << 20)
#define WORD(kip, offset) (*(u32 *)((kip) + (offset)))

u32 kickstart(const struct information *info);

static void out(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void say(const char *text)
{
    for (; *text; text++)
        out(0x3F8, (u8)*text);
}

static void fail(const char *why)
{
    say("kickstart: ");
    say(why);
    say("\n");
    for (;;)
        __asm__ volatile("cli; hlt");
}

static struct loaded load(const struct module *m)
{
    const struct elf *h = (const struct elf *)m->start;
    struct loaded l = {0xFFFFFFFF, 0, h->entry};
    for (u32 i = 0; i < h->phnum; i++) {
        const struct segment *s = (const struct segment *)(m->start + h->phoff + i * h->phentsize);
        if (s->type != 1)
            continue;
        if (s->paddr < m->end && m->start < s->paddr + s->memsz)
            fail("a segment would overwrite its module");
        u8 *to = (u8 *)s->paddr;
        for (u32 b = 0; b < s->memsz; b++)
            to[b] = b < s->filesz ? ((const u8 *)m->start)[s->offset + b] : 0;
        if (s->paddr < l.low)
            l.low = s->paddr;
        if (s->paddr + s->memsz > l.high)
            l.high = s->paddr + s->memsz;
        // An entry that is a virtual address means the same byte of the segment.
        if (h->entry - s->vaddr < s->memsz)
            l.entry = h->entry - s->vaddr + s->paddr;
    }
    return l;
}

static u32 find_kip(u32 low, u32 high)
{
    for (u32 page = (low + 0xFFF) & ~0xFFFu; page < high; page += 4)
        if (WORD(page, 0) == 0x4BE6344C && WORD(page, 4) != 0 && WORD(page, 0x54) >> 16 != 0)
            return page;
    fail("no kernel interface page in the kernel");
    return 0;
}

static void describe(u32 kip, u32 *count, u32 type, u32 low, u32 last)
{
    u32 at = kip + (WORD(kip, 0x54) >> 16) + 8 * (*count)++;
    WORD(at, 0) = (low & 0xFFFFFC00) | type;
    WORD(at, 4) = last & 0xFFFFFC00;
}

static void describe_map(const struct information *info, u32 kip, u32 *count, u32 *kmem_top)
{
    u32 end = info->mmap_addr + info->mmap_length;
    for (u32 at = info->mmap_addr; at < end; at += WORD(at, 0) + 4) {
        u32 base = WORD(at, 4), last = base + WORD(at, 12) - 1, type = WORD(at, 20);
        if (WORD(at, 8) || WORD(at, 16))
            continue;
        describe(kip, count, type == 1 ? CONVENTIONAL : ARCHITECTURE | type << 4, base, last);
        u32 top = last < (240u << 20) ? last + 1 : 240u << 20;
        if (type == 1 && top > base && top - base > KMEM)
            *kmem_top = top & ~0xFFFu;
    }
}

static void server(u32 kip, u32 offset, struct loaded l)
{
    WORD(kip, offset + 4) = l.entry;
    WORD(kip, offset + 8) = l.low;
    WORD(kip, offset + 12) = l.high;
}

u32 kickstart(const struct information *info)
{
    const struct module *m = (const struct module *)info->mods_addr;
    u32 count = 0, kmem_top = 0;

    if (!(info->flags & 8) || info->mods_count < 3 || !(info->flags & 0x40))
        fail("needs a memory map and three modules: kernel, sigma0, root server");
    find_kip(m[0].start, m[0].end); // in the file first, then where it was loaded
    struct loaded kernel = load(&m[0]), sigma0 = load(&m[1]), root = load(&m[2]);
    u32 kip = find_kip(kernel.low, kernel.high);
    if (!(WORD(kip, 0xC8) & 0xFFFFFC00))
        fail("no page size in the kernel interface page");

    describe(kip, &count, SHARED, 0, 0xFFFFFFFF);
    describe_map(info, kip, &count, &kmem_top);
    describe(kip, &count, RESERVED, kmem_top - KMEM, kmem_top - 1);
    describe(kip, &count, SHARED, 0xA0000, 0xBFFFF);
    describe(kip, &count, SHARED, 0xC0000, 0xEFFFF);
    describe(kip, &count, BOOT_SERVER, sigma0.low, sigma0.high - 1);
    describe(kip, &count, BOOT_SERVER, root.low, root.high - 1);
    for (u32 i = 3; i < info->mods_count; i++)
        describe(kip, &count, BOOT_MODULE, m[i].start, m[i].end - 1);
    describe(kip, &count, BOOT_TABLE, (u32)info, (u32)info + 0x3FF);
    WORD(kip, 0x54) = (WORD(kip, 0x54) & 0xFFFF0000) | count;
    server(kip, 0x20, sigma0);
    server(kip, 0x40, root);
    WORD(kip, 0xB8) = (u32)info;
    return kernel.entry;
}
