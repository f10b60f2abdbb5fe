#include "sim/machine/load.h"

#include "sim/machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct machine *m;
    char path[32];
    uint8_t file[8192];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct machine_config *config = machine_find("p133");
    config->ram_bytes = 4u << 20;
    f->m = machine_new(config, "flat", NULL);
    free(config);
    strcpy(f->path, "/tmp/isochron-load-XXXXXX");
    close(mkstemp(f->path));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    machine_free(f->m);
    free(f);
    return 0;
}

static void put(struct fixture *f, size_t at, uint32_t value)
{
    memcpy(f->file + at, &value, sizeof value);
}

static void boot(struct fixture *f, size_t size, const char *append)
{
    FILE *out = fopen(f->path, "wb");
    assert_int_equal(fwrite(f->file, 1, size, out), size);
    fclose(out);
    machine_boot(f->m, &(struct boot){.kernel = f->path, .append = append});
}

static uint32_t memory(const struct fixture *f, uint32_t pa)
{
    uint32_t v;
    memcpy(&v, f->m->phys.ram + pa, sizeof v);
    return v;
}

/* A header at byte 64 of the file says where everything goes. */
static void put_kludge(struct fixture *f, uint32_t load_end, uint32_t bss_end)
{
    put(f, 64, 0x1BADB002);
    put(f, 68, 0x10003);
    put(f, 72, 0u - 0x1BADB002 - 0x10003);
    put(f, 76, 0x200040); /* header_addr: the file's byte 0 is at 200000h */
    put(f, 80, 0x200000);
    put(f, 84, load_end);
    put(f, 88, bss_end);
    put(f, 92, 0x200060);
    put(f, 4092, 0x11223344);
}

static void multiboot_kludge_loads_where_its_header_says(void **state)
{
    struct fixture *f = *state;
    put_kludge(f, 0x201000, 0x203000);
    boot(f, sizeof f->file, "");
    assert_int_equal(memory(f, 0x200FFC), 0x11223344);
    assert_int_equal(memory(f, 0x201000), 0); /* the file goes on, load_end does not */
    assert_int_equal(f->m->cpu->eip, 0x200060);
    assert_int_equal(f->m->cpu->r[EAX], 0x2BADB002);
    assert_int_equal(f->m->cpu->r[EBX], LOAD_PARAMETERS);
    assert_true(f->m->cpu->cr0 & CR0_PE);
    assert_false(f->m->cpu->cr0 & CR0_PG);
    assert_false(f->m->cpu->eflags & F_IF);
}

static void multiboot_kludge_without_an_end_loads_the_whole_file(void **state)
{
    struct fixture *f = *state;
    put_kludge(f, 0, 0);
    put(f, 8188, 0x55667788);
    boot(f, sizeof f->file, "");
    assert_int_equal(memory(f, 0x201FFC), 0x55667788);
}

/* The kernel is its own module: pages left free below it move it by as much. */
static void modules_may_lie_higher(void **state)
{
    struct fixture *f = *state;
    uint32_t start[2];
    put_kludge(f, 0x201000, 0x203000);
    boot(f, sizeof f->file, "");
    for (unsigned skip = 0; skip < 2; skip++) {
        machine_boot(f->m, &(struct boot){.kernel = f->path, .initrd = f->path, .append = "",
                                          .modules_skip = skip * 3});
        uint32_t module = memory(f, 0x90000 + 24); /* mods_addr, of one that begins at ... */
        assert_int_equal(memory(f, 0x90000 + 20), 1);
        start[skip] = memory(f, module);
        assert_int_equal(memory(f, start[skip] + 4092), 0x11223344);
    }
    assert_int_equal(start[1] - start[0], 3 * 4096);
}

static void pages_at_the_top_are_kept_from_kernels(void **state)
{
    struct fixture *f = *state;
    put_kludge(f, 0x201000, 0x203000);
    boot(f, sizeof f->file, "");
    for (uint32_t kept = 0; kept < 8; kept += 5) {
        machine_boot(f->m, &(struct boot){.kernel = f->path, .append = "", .ram_kept = kept});
        uint32_t map = memory(f, 0x90000 + 48), end = (4u << 20) - kept * 4096;
        assert_int_equal(memory(f, 0x90000 + 8), end / 1024 - 1024); /* mem_upper */
        assert_int_equal(memory(f, map + 2 * 24 + 4), 0x100000);
        assert_int_equal(memory(f, map + 2 * 24 + 12), end - 0x100000);
    }
}

/* A Linux image: one sector of boot code, one of setup, then the kernel. */
static void put_linux(struct fixture *f, uint8_t loadflags, uint32_t code32)
{
    f->file[0x1F1] = 1;
    f->file[0x200] = 0xEB;
    f->file[0x201] = 0x66;
    put(f, 0x202, 0x53726448);
    put(f, 0x206, 0x20F);
    f->file[0x211] = loadflags;
    put(f, 0x214, code32);
    put(f, 1024, 0xCAFEF00D);
}

static void zimage_is_loaded_low_and_entered_there(void **state)
{
    struct fixture *f = *state;
    put_linux(f, 0, 0x1000);
    boot(f, 4096, "console=ttyS0");
    assert_int_equal(memory(f, 0x1000), 0xCAFEF00D);
    assert_int_equal(f->m->cpu->eip, 0x1000);
    assert_int_equal(f->m->cpu->r[ESI], LOAD_PARAMETERS);
}

static void bzimage_is_loaded_at_one_megabyte(void **state)
{
    struct fixture *f = *state;
    put_linux(f, 1, 0x100000);
    boot(f, 4096, "quiet");
    assert_int_equal(memory(f, 0x100000), 0xCAFEF00D);
    assert_int_equal(f->m->cpu->eip, 0x100000);
    assert_string_equal((char *)f->m->phys.ram + memory(f, LOAD_PARAMETERS + 0x228), "quiet");
    assert_int_equal(memory(f, LOAD_PARAMETERS + 0x202), 0x53726448);
}

static void linux_is_told_its_memory_and_a_seed(void **state)
{
    struct fixture *f = *state;
    put_linux(f, 1, 0x100000);
    boot(f, 4096, "");
    assert_int_equal(f->m->phys.ram[LOAD_PARAMETERS + 0x1E8], 2);
    assert_int_equal(memory(f, LOAD_PARAMETERS + 0x2D0 + 20), 0x100000);
    assert_int_equal(memory(f, LOAD_PARAMETERS + 0x2D0 + 28), 3u << 20);
    machine_boot(f->m, &(struct boot){.kernel = f->path, .append = "", .ram_kept = 5});
    assert_int_equal(memory(f, LOAD_PARAMETERS + 0x2D0 + 28), (3u << 20) - 5 * 4096);
    uint32_t data = memory(f, LOAD_PARAMETERS + 0x250);
    assert_int_equal(memory(f, data + 8), 9); /* SETUP_RNG_SEED */
    assert_int_equal(memory(f, data + 12), 32);
    assert_int_not_equal(memory(f, data + 16), 0);
}

int main(void)
{
#define IN_FIXTURE(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(multiboot_kludge_loads_where_its_header_says),
        IN_FIXTURE(modules_may_lie_higher),
        IN_FIXTURE(pages_at_the_top_are_kept_from_kernels),
        IN_FIXTURE(multiboot_kludge_without_an_end_loads_the_whole_file),
        IN_FIXTURE(zimage_is_loaded_low_and_entered_there),
        IN_FIXTURE(bzimage_is_loaded_at_one_megabyte),
        IN_FIXTURE(linux_is_told_its_memory_and_a_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
