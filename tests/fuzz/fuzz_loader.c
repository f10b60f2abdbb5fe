/* fuzz_loader: kernels, modules and initrds that mean harm: a Multiboot ELF, a Multiboot a.out
 * kludge, a plain ELF, a bzImage and a zImage, mutated and cut short, also inside or under gzip;
 * initrds and module lists; command lines. What loads is run a little. */
#include "sim/core/check.h"
#include "tests/fuzz/fuzz.h"

#include <zlib.h>

#define IMAGE_MAX (64u << 10)

enum base { MULTIBOOT_ELF, KLUDGE, PLAIN_ELF, BZIMAGE, ZIMAGE, NOISE, BASES };
static const char *const base_names[BASES] = {"multiboot", "kludge", "elf", "bzImage", "zImage",
                                              "noise"};

struct kernel {
    uint8_t data[2 * IMAGE_MAX];
    size_t size;
};

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, sizeof v); }

static void law_guest(struct kernel *k)
{
    FILE *f = fopen(LAW_GUEST, "rb");
    if (!f)
        fuzz_fail("no law guest at %s", LAW_GUEST);
    k->size = fread(k->data, 1, IMAGE_MAX, f);
    fclose(f);
}

static void multiboot_header(uint8_t *p, uint32_t flags)
{
    put32(p, 0x1BADB002);
    put32(p + 4, flags);
    put32(p + 8, 0 - 0x1BADB002u - flags);
}

/* Not Multiboot any more: the header's magic is broken. */
static void plain_elf(struct kernel *k)
{
    law_guest(k);
    for (size_t at = 0; at + 4 <= k->size && at < 8192; at += 4)
        if (memcmp(k->data + at, "\x02\xB0\xAD\x1B", 4) == 0)
            k->data[at] = 0;
}

static void kludge(struct kernel *k)
{
    k->size = 2048;
    memset(k->data, 0x90, k->size);
    uint8_t *h = k->data + 64;
    multiboot_header(h, 0x10003);
    put32(h + 12, 0x100040);
    put32(h + 16, 0x100000);
    put32(h + 20, 0x100800);
    put32(h + 24, 0x101000);
    put32(h + 28, 0x100100);
}

static void boot_sector_image(struct kernel *k, bool high)
{
    k->size = 3 * 512 + 4096;
    memset(k->data, 0x90, k->size);
    k->data[0x1F1] = 2;
    k->data[0x1FE] = 0x55;
    k->data[0x1FF] = 0xAA;
    k->data[0x200] = 0xEB;
    k->data[0x201] = 0x66;
    memcpy(k->data + 0x202, "HdrS", 4);
    k->data[0x206] = 0x0C;
    k->data[0x207] = 0x02;
    k->data[0x211] = high;
    put32(k->data + 0x214, high ? 0x100000 : 0x1000);
    put32(k->data + 0x22C, 0x37FFFFFF);
}

static void make_base(struct kernel *k, enum base base, struct random *r)
{
    switch (base) {
    case MULTIBOOT_ELF: law_guest(k); break;
    case KLUDGE: kludge(k); break;
    case PLAIN_ELF: plain_elf(k); break;
    case BZIMAGE: boot_sector_image(k, true); break;
    case ZIMAGE: boot_sector_image(k, false); break;
    default:
        k->size = random_below(r, 4096);
        for (size_t i = 0; i < k->size; i++)
            k->data[i] = (uint8_t)random_next(r);
        break;
    }
}

/* A changed Multiboot header keeps its checksum right, or it would be none. */
static void mutate_multiboot(struct kernel *k, struct random *r)
{
    for (size_t at = 0; at + 32 <= k->size && at < 8192; at += 4) {
        if (memcmp(k->data + at, "\x02\xB0\xAD\x1B", 4) != 0)
            continue;
        uint32_t flags = random_chance(r, 30) ? fuzz_value(r) : 0x10003;
        multiboot_header(k->data + at, random_chance(r, 50) ? flags : 3);
        for (unsigned i = 12; i < 32; i += 4)
            if (random_chance(r, 40))
                put32(k->data + at + i, fuzz_value(r));
        return;
    }
}

/* Fields of ELF and program headers, one by one. */
static void mutate_elf(struct kernel *k, struct random *r)
{
    if (k->size < 52 + 3 * 32 || memcmp(k->data, "\177ELF", 4) != 0)
        return;
    for (unsigned n = random_below(r, 4); n; n--) {
        uint32_t v = fuzz_value(r), at = random_chance(r, 30) ? 16 + 2 * random_below(r, 18)
                                                             : 52 + 4 * random_below(r, 24);
        memcpy(k->data + at, &v, random_chance(r, 50) ? 4 : 2);
    }
}

static void squeeze(struct kernel *k)
{
    static uint8_t out[2 * IMAGE_MAX];
    z_stream z = {.next_in = k->data, .avail_in = (uInt)k->size, .next_out = out,
                  .avail_out = sizeof out};
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        fuzz_fail("no deflate");
    deflate(&z, Z_FINISH);
    k->size = sizeof out - z.avail_out;
    deflateEnd(&z);
    memcpy(k->data, out, k->size);
}

static void make_kernel(struct kernel *k, struct random *r)
{
    enum base base = (enum base)random_below(r, BASES);
    make_base(k, base, r);
    fuzz_count(base_names[base]);
    if (random_chance(r, 50))
        mutate_multiboot(k, r);
    if (random_chance(r, 50))
        mutate_elf(k, r);
    if (random_chance(r, 60))
        k->size = fuzz_mutate(r, k->data, k->size);
    if (random_chance(r, 20))
        squeeze(k);
    if (random_chance(r, 20))
        k->size = fuzz_mutate(r, k->data, k->size);
}

static void make_initrd(char *text, size_t size, struct random *r)
{
    static uint8_t bytes[1 << 16];
    const char *a = fuzz_file(1, bytes, random_below(r, sizeof bytes));
    const char *pieces[] = {a, a, ",", " ", "args", ",,", "nowhere", " a b c ",
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    size_t at = 0;
    unsigned most = random_chance(r, 10) ? 200 : 6;
    for (unsigned n = 1 + random_below(r, most); n; n--) {
        const char *p = pieces[random_below(r, ARRAY_COUNT(pieces))];
        if (at + strlen(p) + 1 < size)
            at += (size_t)snprintf(text + at, size - at, "%s", p);
    }
    if (random_chance(r, 50))
        snprintf(text, size, "%s", a);
}

struct attempt {
    struct machine *m;
    struct boot boot;
};

static void boot_it(void *owner)
{
    struct attempt *a = owner;
    machine_boot(a->m, &a->boot);
    fuzz_run(a->m, 3000);
    fuzz_count("loaded and ran");
}

static void one_case(uint64_t seed)
{
    static struct kernel k;
    static char initrd[8192], append[8192];
    struct random r = {seed};
    struct attempt a = {.m = fuzz_machine(&r, "p133", "flat")};
    int code;
    make_kernel(&k, &r);
    a.boot = (struct boot){.kernel = fuzz_file(0, k.data, k.size), .append = append};
    size_t length = random_chance(&r, 10) ? random_below(&r, sizeof append) : random_below(&r, 100);
    memset(append, 'a', length);
    append[length] = 0;
    if (random_chance(&r, 50)) {
        make_initrd(initrd, sizeof initrd, &r);
        a.boot.initrd = initrd;
    }
    if (!fuzz_guard(boot_it, &a, &code)) {
        if (code != EXIT_USAGE && code != EXIT_UNIMPLEMENTED)
            fuzz_fail("exit code %d", code);
        fuzz_count(code == EXIT_USAGE ? "refused" : "not modelled");
    }
    machine_free(a.m);
}

int main(int argc, char **argv) { return fuzz_main(argc, argv, "fuzz_loader", one_case); }
