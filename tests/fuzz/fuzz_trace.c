/* fuzz_trace: traces that mean harm. A recording of a few thousand cycles is cut short, has bits
 * changed, or has a chunk unpacked, changed and packed again with right check sums, so that what
 * reads manifests, states and inputs meets hostile values too. What opens is replayed a little. */
#include "sim/core/check.h"
#include "sim/replay/replay.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define HEAD 16
#define CHUNK_HEAD 32
#define SUMMED 28

struct file {
    uint8_t *data;
    size_t size;
};

static void read_file(struct file *f, const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        fuzz_fail("no recording at %s", path);
    fseek(in, 0, SEEK_END);
    f->size = (size_t)ftell(in);
    rewind(in);
    f->data = xalloc(f->size, 1);
    if (fread(f->data, 1, f->size, in) != f->size)
        fuzz_fail("the recording cannot be read");
    fclose(in);
}

/* A loop that stores and counts; the timer runs, a character is typed. */
static void record(const char *path)
{
    static const uint8_t code[] = {0x40, 0x89, 0x04, 0x25, 0, 0x20, 0, 0, 0x01, 0xC3, 0xEB, 0xF4};
    struct random r = {1};
    struct machine *m = fuzz_machine(&r, "p133", "p5");
    struct manifest a = {.boot = {.kernel = "", .append = ""}, .images = json_array()};
    struct symbols symbols;
    symbols_init(&symbols);
    manifest_set_machine(&a, "p133");
    a.config.ram_bytes = m->config.ram_bytes;
    machine_boot(m, &(struct boot){.append = ""});
    memcpy(m->phys.ram + 0x1000, code, sizeof code);
    load_protected_mode(m->cpu, 0x1000);
    struct recorder *w = recorder_new(m, path, &a, &symbols, 2000, 5000);
    fuzz_run(m, 3000);
    uart_receive(&m->uart[0], 'x');
    recorder_input(w, 0, 'x');
    fuzz_run(m, 9000);
    recorder_free(w);
    machine_free(m);
    manifest_free(&a);
}

static const struct file *recording(void)
{
    static struct file f;
    char path[] = "/tmp/fuzz-trace-XXXXXX";
    if (f.data)
        return &f;
    int fd = mkstemp(path);
    if (fd < 0)
        fuzz_fail("no temporary file");
    close(fd);
    record(path);
    read_file(&f, path);
    unlink(path);
    return &f;
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void put_sum(uint8_t *at, const void *data, size_t size)
{
    uint32_t sum = (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)size);
    memcpy(at, &sum, sizeof sum);
}

/* Appends the chunk at `from` with its bytes changed; returns the new end of out. */
static uint8_t *repack(uint8_t *out, const uint8_t *from, struct random *r)
{
    uint64_t size = get64(from + 8), stored = get64(from + 16);
    uint8_t *bytes = xalloc(size + 64, 1);
    uLongf n = size, packed = compressBound(size + 64);
    if (uncompress(bytes, &n, from + CHUNK_HEAD, stored) != Z_OK)
        fuzz_fail("the recording is damaged");
    size = fuzz_mutate(r, bytes, n);
    memcpy(out, from, CHUNK_HEAD);
    if (compress2(out + CHUNK_HEAD, &packed, bytes, size, 1) != Z_OK)
        fuzz_fail("no compress");
    free(bytes);
    memcpy(out + 8, &size, 8);
    memcpy(out + 16, &packed, 8);
    put_sum(out + 24, out + CHUNK_HEAD, packed);
    put_sum(out + 28, out, SUMMED);
    return out + CHUNK_HEAD + packed;
}

/* Every chunk may be dropped, doubled, or changed inside. */
static struct file rebuilt(const struct file *f, struct random *r)
{
    struct file out = {xalloc(4 * f->size + (1 << 16), 1), 0};
    uint8_t *to = out.data;
    memcpy(to, f->data, HEAD);
    to += HEAD;
    unsigned target = random_below(r, 9);
    for (size_t at = HEAD, i = 0; at < f->size; i++) {
        const uint8_t *p = f->data + at;
        size_t whole = CHUNK_HEAD + get64(p + 16);
        at += whole;
        if (i == target && random_chance(r, 80)) {
            to = repack(to, p, r);
            continue;
        }
        for (unsigned n = random_chance(r, 97) ? 1 : random_below(r, 3); n; n--, to += whole)
            memcpy(to, p, whole);
    }
    out.size = (size_t)(to - out.data);
    return out;
}

struct attempt {
    const char *path;
    bool verify;
};

static void replay_it(void *owner)
{
    struct attempt *a = owner;
    struct replay *r = replay_open(a->path, NULL);
    if (r->manifest.config.ram_bytes > 64u << 20)
        usage_error("much memory");
    replay_verify(r, a->verify ? VERIFY_ALL : VERIFY_NOTHING);
    replay_seek(r, r->first);
    replay_until(r, r->first + 4000);
    machine_run(r->machine);
    replay_finish(r);
    fuzz_count(r->diverged ? "diverged" : "replayed");
    replay_free(r);
}

static void one_case(uint64_t seed)
{
    struct random r = {seed};
    const struct file *f = recording();
    bool raw = random_chance(&r, 30);
    struct file bad = {xalloc(f->size, 1), f->size};
    int code;
    memcpy(bad.data, f->data, f->size);
    if (raw) {
        bad.size = fuzz_mutate(&r, bad.data, bad.size);
    } else {
        free(bad.data);
        bad = rebuilt(f, &r);
    }
    fuzz_count(raw ? "bits changed" : "packed again");
    struct attempt a = {fuzz_file(0, bad.data, bad.size), random_chance(&r, 50)};
    if (!fuzz_guard(replay_it, &a, &code)) {
        if (code != EXIT_USAGE && code != EXIT_UNIMPLEMENTED)
            fuzz_fail("exit code %d", code);
        fuzz_count(code == EXIT_USAGE ? "refused" : "not modelled");
    }
    free(bad.data);
}

int main(int argc, char **argv) { return fuzz_main(argc, argv, "fuzz_trace", one_case); }
