#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include "sim/core/check.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUZZ_CPU_SECONDS 20
#define BATCH 400
#define FAILURES_MAX 20
#define KINDS 16

/* Seen by parent and child. */
static struct shared {
    uint64_t seed, done;
    char kind[KINDS][40];
    uint64_t count[KINDS];
} *shared;

static jmp_buf on_exit_jump;
static bool guarded;
static int exit_code;
static int words = -1; /* what the child says: its stderr */
static bool show;

/* --- exit, wrapped ---------------------------------------------------------------------------- */

NORETURN void __real_exit(int code);
NORETURN void __wrap_exit(int code);

void __wrap_exit(int code)
{
    if (guarded) {
        exit_code = code;
        longjmp(on_exit_jump, 1);
    }
    __real_exit(code);
}

bool fuzz_guard(void (*f)(void *owner), void *owner, int *code)
{
    guarded = true;
    bool returned = setjmp(on_exit_jump) == 0;
    if (returned)
        f(owner);
    guarded = false;
    *code = exit_code;
    return returned;
}

/* What a case leaves behind when it exits is the process's to free. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:allocator_may_return_null=1"; }

/* --- material --------------------------------------------------------------------------------- */

uint32_t fuzz_value(struct random *r)
{
    static const uint32_t values[] = {0, 1, 2, 3, 4, 7, 8, 0x20, 0x7F, 0x80, 0xFF, 0xFFF, 0x1000,
                                      0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x9F000, 0xA0000, 0xFFFFF,
                                      0x100000, 0x3FFFFF, 0x400000, 0x7FFFFFFF, 0x80000000u,
                                      0xFFFFF000u, 0xFFFFFFF0u, 0xFFFFFFFEu, 0xFFFFFFFFu};
    uint32_t v = values[random_below(r, ARRAY_COUNT(values))];
    switch (random_below(r, 4)) {
    case 0: return (uint32_t)random_next(r);
    case 1: return v + random_below(r, 5) - 2;
    default: return v;
    }
}

static size_t place(struct random *r, size_t size)
{
    size_t limit = random_chance(r, 70) && size > 512 ? 512 : size;
    return (size_t)(random_next(r) % (limit ? limit : 1));
}

size_t fuzz_mutate(struct random *r, uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    for (unsigned n = 1 + random_below(r, 12); n; n--) {
        size_t at = place(r, size), from = place(r, size), length = 1 + random_below(r, 64);
        uint32_t v = fuzz_value(r);
        switch (random_below(r, 5)) {
        case 0: data[at] ^= (uint8_t)(1u << random_below(r, 8)); break;
        case 1: data[at] = (uint8_t)v; break;
        case 2:
            at &= ~(size_t)3;
            memcpy(data + at, &v, size - at < 4 ? size - at : 4);
            break;
        case 3:
            if (at + length <= size && from + length <= size)
                memmove(data + at, data + from, length);
            break;
        default:
            if (random_chance(r, 20))
                size = 1 + (random_chance(r, 50) ? size - 1 - at % (size < 64 ? size : 64)
                                                 : random_next(r) % size);
            break;
        }
    }
    return size;
}

const char *fuzz_file(unsigned slot, const void *data, size_t size)
{
    static int fd[4] = {-1, -1, -1, -1};
    static char path[4][32];
    if (fd[slot] < 0)
        fd[slot] = memfd_create("fuzz", 0);
    if (ftruncate(fd[slot], 0) != 0 || pwrite(fd[slot], data, size, 0) != (ssize_t)size)
        fuzz_fail("a file of %zu bytes cannot be written", size);
    snprintf(path[slot], sizeof path[slot], "/proc/self/fd/%d", fd[slot]);
    return path[slot];
}

struct machine *fuzz_machine(struct random *r, const char *name, const char *model)
{
    struct machine_config *config = (struct machine_config *)(uintptr_t)machine_find(name);
    config->ram_bytes = (1u + random_below(r, 4)) << 20;
    struct machine *m = machine_new(config, model, NULL);
    m->no_reboot = true;
    free(config);
    return m;
}

static void stop(void *owner) { machine_stop(owner); }

void fuzz_run(struct machine *m, cycle_t cycles)
{
    struct event *e = xalloc(1, sizeof *e); /* outlives a run that ends by exit */
    event_init(e, stop, m, 250);
    event_schedule_observer(&m->clock, e, m->clock.now + cycles);
    machine_run(m);
    event_cancel(&m->clock, e);
    free(e);
}

/* --- reporting -------------------------------------------------------------------------------- */

void fuzz_count(const char *kind)
{
    for (unsigned i = 0; i < KINDS; i++) {
        if (!shared->kind[i][0])
            snprintf(shared->kind[i], sizeof shared->kind[i], "%s", kind);
        if (strncmp(shared->kind[i], kind, sizeof shared->kind[i] - 1) == 0) {
            shared->count[i]++;
            return;
        }
    }
}

void fuzz_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    fflush(stderr);
    _exit(3);
}

static void print_words(void)
{
    static char text[3001];
    ssize_t n = pread(words, text, sizeof text - 1, 0);
    if (n > 0)
        printf("%.*s\n", (int)n, text);
}

static void report(const char *name, uint64_t seed, int status)
{
    if (WIFSIGNALED(status))
        printf("seed %" PRIu64 ": signal %d%s\n", seed, WTERMSIG(status),
               WTERMSIG(status) == SIGPROF ? " (it hangs)" : "");
    else
        printf("seed %" PRIu64 ": exit %d\n", seed, WEXITSTATUS(status));
    print_words();
    printf("repeat: %s --seed %" PRIu64 " --cases 1 --show\n", name, seed);
    fflush(stdout);
}

/* --- running ---------------------------------------------------------------------------------- */

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void batch(void (*one_case)(uint64_t seed), uint64_t first, uint64_t cases, double deadline)
{
    struct itimerval limit = {.it_value = {.tv_sec = FUZZ_CPU_SECONDS}};
    if (!show)
        dup2(words, STDERR_FILENO);
    for (uint64_t i = 0; i < cases && now_seconds() < deadline; i++) {
        if (!show && ftruncate(words, 0) == 0)
            lseek(words, 0, SEEK_SET);
        shared->seed = first + i;
        setitimer(ITIMER_PROF, &limit, NULL);
        one_case(first + i);
        shared->done++;
    }
    fflush(NULL);
    _exit(0);
}

struct fuzz_options {
    uint64_t seconds, seed, cases;
};

static void parse(struct fuzz_options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--show")) {
            show = true;
            continue;
        }
        if (!strcmp(argv[i], "--seconds"))
            o->seconds = twin_number(argv[0], argv[i], value);
        else if (!strcmp(argv[i], "--seed"))
            o->seed = twin_number(argv[0], argv[i], value);
        else if (!strcmp(argv[i], "--cases"))
            o->cases = twin_number(argv[0], argv[i], value);
        else {
            fprintf(stderr, "usage: %s [--seconds S] [--seed N] [--cases N] [--show]\n", argv[0]);
            __real_exit(2);
        }
        i++;
    }
}

int fuzz_main(int argc, char **argv, const char *name, void (*one_case)(uint64_t seed))
{
    struct fuzz_options o = {.seconds = 3, .seed = 1, .cases = UINT64_MAX};
    parse(&o, argc, argv);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    words = memfd_create("words", 0);
    double deadline = now_seconds() + (o.cases == UINT64_MAX ? (double)o.seconds : 1e9);
    unsigned failed = 0;
    uint64_t next = o.seed, end = o.cases == UINT64_MAX ? UINT64_MAX : o.seed + o.cases;
    while (next < end && now_seconds() < deadline && failed < FAILURES_MAX) {
        uint64_t cases = end - next < BATCH ? end - next : BATCH;
        int status = 0;
        shared->seed = next - 1;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            batch(one_case, next, cases, deadline);
        waitpid(child, &status, 0);
        if (status != 0) {
            failed++;
            report(name, shared->seed, status);
        }
        next = shared->seed + 1;
    }
    printf("%" PRIu64 " cases from seed %" PRIu64, shared->done + failed, o.seed);
    for (unsigned i = 0; i < KINDS && shared->kind[i][0]; i++)
        printf("%s %s %" PRIu64, i ? "," : ":", shared->kind[i], shared->count[i]);
    printf("\n%" PRIu64 " passed, %u failed\n", shared->done, failed);
    return failed ? 1 : 0;
}
