/* fuzz_script: what a user writes: serial scripts, --set values, numbers and sizes, symbol files,
 * windows, the log's words, files of figures; and what guests print on the serial line. Anything
 * but a crash or a hang is right; most cases end in usage_error. */
#include "sim/commands/console.h"
#include "sim/commands/options.h"
#include "sim/report/figures.h"
#include "sim/report/guest_lines.h"
#include "sim/report/symbols.h"
#include "sim/report/window.h"
#include "tests/fuzz/fuzz.h"

struct text {
    struct random *r;
    char bytes[4096];
    size_t size;
};

static void add(struct text *t, const char *piece)
{
    size_t n = strlen(piece);
    if (t->size + n < sizeof t->bytes - 1) {
        memcpy(t->bytes + t->size, piece, n);
        t->size += n;
    }
}

/* Pieces in random order, sometimes damaged; always a string. */
static void make(struct text *t, const char *const *pieces, unsigned count, unsigned most)
{
    t->size = 0;
    for (unsigned n = 1 + random_below(t->r, most); n; n--)
        add(t, pieces[random_below(t->r, count)]);
    if (random_chance(t->r, 30) && t->size)
        t->size = fuzz_mutate(t->r, (uint8_t *)t->bytes, t->size);
    t->bytes[t->size] = 0;
}

static void try_script(void *owner)
{
    static const char *const pieces[] = {
        "at ", "wait ", "send ", "\"", "\"login: \"", "\"a\\n\"", "\\x", "\\x41", "\\", "\n", "#",
        " ", "12345", "99999999999999999999", "-1", "0x10", "\"\"\n", "at 100 \"x\"\n",
        "wait \"ab\"\n", "send \"\\x00\\xff\"\n", "\t",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct text *t = owner;
    make(t, pieces, ARRAY_COUNT(pieces), 40);
    struct console *k = console_new();
    console_set_script(k, fuzz_file(0, t->bytes, t->size));
    struct machine_host host = console_host(k);
    struct machine_config *config = (struct machine_config *)(uintptr_t)machine_find("p133");
    config->ram_bytes = 1 << 20;
    struct machine *m = machine_new(config, "flat", &host);
    machine_boot(m, &(struct boot){.append = ""});
    memset(m->phys.ram, 0x90, m->phys.size);
    load_protected_mode(m->cpu, 0x1000);
    console_attach(k, m);
    for (unsigned i = 0; i < 100; i++)
        host.serial(host.owner, 0, (uint8_t) "ablogin: "[random_below(t->r, 9)]);
    fuzz_run(m, 5000);
    machine_free(m);
    console_free(k);
    free(config);
    fuzz_count("scripts that ran");
}

static void try_set(void *owner)
{
    static const char *const pieces[] = {
        "l1d.ways", "l1d.size", "l1i.size", "l1i.ways", "l2.size", "l2.ways", "itlb.entries",
        "itlb.ways", "dtlb.entries", "dtlb.ways", "dtlb_large.entries", "dtlb_large.ways",
        "dram.row", "dram.banks", "ram", "clock.hz_num", "clock.hz_den", "seed", "rtc.start",
        "walk", "bus.core_num", "bus.core_den",
    };
    static const char *const values[] = {
        "0", "1", "2", "3", "4", "8", "16", "32", "64", "512", "4096", "8K", "16K", "64K", "256K",
        "1M", "4M", "1G", "99999999999999999999", "-1", "1x", "", "0x10", "1000000007",
    };
    struct text *t = owner;
    struct machine_config *config = (struct machine_config *)(uintptr_t)machine_find("p133");
    config->ram_bytes = 1 << 20;
    for (unsigned n = 1 + random_below(t->r, 4); n; n--) {
        make(t, pieces, ARRAY_COUNT(pieces), 1);
        if (random_chance(t->r, 98))
            add(t, "=");
        add(t, values[random_below(t->r, ARRAY_COUNT(values))]);
        t->bytes[t->size] = 0;
        machine_set(config, t->bytes);
    }
    if (config->ram_bytes > 64u << 20)
        config->ram_bytes = 1 << 20;
    struct machine *m = machine_new(config, random_chance(t->r, 50) ? "p5" : "flat", NULL);
    machine_boot(m, &(struct boot){.append = ""});
    for (uint32_t i = 0; i < 0x4000; i++)
        m->phys.ram[0x1000 + i] = (uint8_t)random_next(t->r);
    load_protected_mode(m->cpu, 0x1000);
    fuzz_run(m, 20000);
    machine_free(m);
    free(config);
    fuzz_count("machines that ran");
}

static void try_numbers(void *owner)
{
    static const char *const pieces[] = {"0", "1", "9", "k", "K", "M", "G", "-", "+", " ", "0x",
                                         "f", "99999999", "18446744073709551615", ".", "e"};
    struct text *t = owner;
    make(t, pieces, ARRAY_COUNT(pieces), 5);
    if (random_chance(t->r, 50))
        option_number("max-cycles", t->bytes);
    else
        option_memory("m", t->bytes);
    fuzz_count("numbers taken");
}

static void try_symbols(void *owner)
{
    static const char *const pieces[] = {
        "c0100000", " ", "T", "t", "A", "U", " start_kernel\n", " trap\n", "\n", "00000000 A x\n",
        "ffffffff T end\n", "c0100000 T a\n", "c0100010 t b\n", "xyz", "\177ELF\1\1\1",
    };
    struct text *t = owner;
    struct symbols s;
    struct window w = {0};
    char spec[96], name[64];
    make(t, pieces, ARRAY_COUNT(pieces), 60);
    symbols_init(&s);
    const char *path = fuzz_file(1, t->bytes, t->size);
    snprintf(spec, sizeof spec, "%s%s", path, random_chance(t->r, 20) ? "@0x1000" : "");
    symbols_add(&s, spec);
    for (unsigned i = 0; i < 20; i++)
        symbols_format(&s, fuzz_value(t->r), name, sizeof name);
    static const char *const windows[] = {"a", "b", "..", "#", "1", "0", "trap", "0x10", "zz",
                                          "-1"};
    make(t, windows, ARRAY_COUNT(windows), 5);
    window_init(&w, &s, t->bytes);
    symbols_free(&s);
    fuzz_count("symbol files taken");
}

static void try_guest_lines(void *owner)
{
    static const char *const pieces[] = {
        "bench: ", "bench:", "begin lat_x\n", "end lat_x lines=1\n", "null cycles=358.4 n=1\n",
        "ctx processes=2 kb=0 cycles=1\n", "skipped ctx kb=9\n", "error x\n", "cycles=", "=", "\n",
        "\r\n", " ", "1234567890123456789", ".", "# ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct text *t = owner;
    char wrong[80];
    json_t *results = json_array();
    make(t, pieces, ARRAY_COUNT(pieces), 60);
    if (guest_lines_parse(t->bytes, "bench", random_chance(t->r, 50), results, wrong,
                          sizeof wrong))
        fuzz_count("guests' lines taken");
    make(t, pieces, ARRAY_COUNT(pieces), 4);
    guest_lines_find(results, t->bytes);
    json_decref(results);
}

static void try_figures(void *owner)
{
    static const char *const pieces[] = {"a,b,c\n", "\"", ",", "\n", "# x\n", "1", "\"a, \"\"b\"",
                                         "\r\n", "x,\"y\nz\",1\n", ",,\n"};
    struct text *t = owner;
    struct figures f;
    make(t, pieces, ARRAY_COUNT(pieces), 40);
    figures_read(&f, fuzz_file(2, t->bytes, t->size));
    for (size_t row = 0; row < f.rows; row++)
        for (unsigned c = 0; c < f.columns; c++)
            figures_get(&f, row, f.field[c]);
    figures_free(&f);
    fuzz_count("files of figures taken");
}

static void one_case(uint64_t seed)
{
    static void (*const tries[])(void *owner) = {try_script, try_set, try_numbers, try_symbols,
                                                 try_guest_lines, try_figures};
    struct random r = {seed};
    struct text *t = calloc(1, sizeof *t);
    int code;
    t->r = &r;
    if (!fuzz_guard(tries[random_below(&r, ARRAY_COUNT(tries))], t, &code)) {
        if (code != 2 && code != 5)
            fuzz_fail("exit code %d", code);
        fuzz_count(code == 2 ? "usage errors" : "not modelled");
    }
    free(t);
}

int main(int argc, char **argv) { return fuzz_main(argc, argv, "fuzz_script", one_case); }
