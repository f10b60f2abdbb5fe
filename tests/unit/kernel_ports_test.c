/* kernel_ports_test.c: the kernel's book of I/O ports, ranges and bitmaps, against a naive model: a
 * table of who has each port from whom. Map, grant, Unmap and the death of spaces at random, with
 * plenty of memory and with hardly any, where whatever was revoked must still be gone.
 *
 *     kernel_ports_test [operations [seed]]
 */
#include "api/ports.h"
#include "debugger/print.h"
#include "state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SPACES 6u /* and sigma0 */
#define SIGMA0 SPACES
#define NOBODY (SPACES + 1)
#define FIRST  0x3E0u
#define COUNT  64u
#define MEMORY (1u << 20)

struct kernel kernel;
static struct space spaces[SPACES + 1];
static unsigned giver[SPACES][COUNT]; /* the model */
static unsigned long seed, operation;
static bool scarce;

void panic(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "operation %lu, seed %lu: ", operation, seed);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    abort();
}

void ports_hide(const struct space *s) { (void)s; }

static unsigned random_below(unsigned limit)
{
    static unsigned long long state;
    if (state == 0)
        state = seed * 0x9E3779B97F4A7C15ull + 1;
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(state >> 33) % limit;
}

/* --- the model -------------------------------------------------------------------------------- */
static bool has(unsigned s, unsigned port) { return s == SIGMA0 || giver[s][port] != NOBODY; }

static void take(unsigned s, unsigned port);

static void take_derived(unsigned s, unsigned port)
{
    for (unsigned i = 0; i < SPACES; i++)
        if (giver[i][port] == s)
            take(i, port);
}

static void take(unsigned s, unsigned port)
{
    giver[s][port] = NOBODY;
    take_derived(s, port);
}

static bool comes_from(unsigned s, unsigned from, unsigned port)
{
    while (s != SIGMA0 && s != from)
        s = giver[s][port];
    return s == from;
}

static void model_map(unsigned from, unsigned to, unsigned port, bool grant)
{
    if (from == to || to == SIGMA0 || !has(from, port))
        return;
    if (!grant || from == SIGMA0) {
        if (!has(to, port))
            giver[to][port] = from;
        return;
    }
    if (!has(to, port) || comes_from(to, from, port))
        giver[to][port] = giver[from][port];
    for (unsigned i = 0; i < SPACES; i++)
        if (i != to && giver[i][port] == from)
            giver[i][port] = to;
    giver[from][port] = NOBODY;
}

static void model_unmap(unsigned s, unsigned port, bool flush)
{
    take_derived(s, port);
    if (flush && s != SIGMA0)
        giver[s][port] = NOBODY;
}

/* --- one against the other -------------------------------------------------------------------- */
/* With memory they are equal. Without, the kernel may have less than it should, never more. */
static void compare(void)
{
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned port = 0; port < COUNT; port++) {
            bool held = ports_held(&spaces[s], FIRST + port, FIRST + port);
            if (held == has(s, port))
                continue;
            if (held || !scarce)
                panic("space %u, port %x: %s", s, FIRST + port, held ? "held" : "not held");
            take(s, port);
        }
    for (unsigned s = 0; s < SPACES; s++)
        if (ports_held(&spaces[s], 0, 0) || ports_held(&spaces[s], PORTS - 1, PORTS - 1))
            panic("space %u has what nobody gave it", s);
}

static fpage_t random_fpage(unsigned *first, unsigned *count)
{
    unsigned log2 = random_below(7);
    *count = 1u << log2;
    *first = random_below(COUNT) & ~(*count - 1);
    if (FIRST % COUNT != 0) { /* blocks are aligned in all of the port space */
        unsigned port = (FIRST + *first) & ~(*count - 1);
        *first = port - FIRST;
        if (port < FIRST || *first + *count > COUNT)
            return random_fpage(first, count);
    }
    return (FIRST + *first) << 16 | log2 << 10 | 2u << 4 | random_below(8);
}

static void step(void)
{
    unsigned first, count, s = random_below(SPACES + 1), to = random_below(SPACES);
    fpage_t f = random_fpage(&first, &count);
    unsigned what = random_below(100);
    if (what < 55) {
        bool grant = random_below(3) == 0, whole = ports_map(&spaces[s], f, &spaces[to], grant);
        if (!whole && !scarce)
            panic("a map item fails");
        for (unsigned i = first; i < first + count; i++)
            model_map(s, to, i, grant && whole);
        /* A grant that stops half-way has granted some: the model is told which. */
        for (unsigned i = first; !whole && i < first + count; i++)
            if (s != SIGMA0 && has(s, i) && !ports_held(&spaces[s], FIRST + i, FIRST + i))
                model_map(s, to, i, true);
    } else if (what < 95) {
        bool flush = random_below(2);
        ports_unmap(&spaces[s], f, flush);
        for (unsigned i = first; i < first + count; i++)
            model_unmap(s, i, flush);
    } else if (s != SIGMA0) {
        ports_forget(&spaces[s]);
        for (unsigned i = 0; i < COUNT; i++)
            model_unmap(s, i, true);
    }
    compare();
}

static void run(unsigned long operations, word_t memory)
{
    memset(&kernel, 0, sizeof kernel);
    memset(spaces, 0, sizeof spaces);
    for (unsigned i = 0; i < SPACES * COUNT; i++)
        giver[i / COUNT][i % COUNT] = NOBODY;
    kernel.ports_by_fpage = true;
    kernel.ports_pool.object_size = sizeof(struct ports);
    kernel.port_range_pool.object_size = sizeof(struct port_range);
    spaces[SIGMA0].is_sigma0 = true;
    kmem_add(MEMORY, MEMORY + memory);
    word_t frames = kmem_free_frames();
    for (unsigned long i = 0; i < operations; i++, operation++)
        step();
    for (unsigned i = 0; i < SPACES; i++)
        ports_forget(&spaces[i]);
    if (kernel.port_range_pool.in_use || kernel.ports_pool.in_use || kernel.ports)
        panic("something is left of dead spaces");
    if (frames - kmem_free_frames() > 2) /* a slab that each pool keeps */
        panic("%u frames are gone", frames - kmem_free_frames());
}

int main(int argc, char **argv)
{
    unsigned long operations = argc > 1 ? strtoul(argv[1], NULL, 0) : 60000;
    seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    void *memory = mmap(direct(MEMORY), MEMORY, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory != direct(MEMORY)) {
        fprintf(stderr, "kernel_ports_test: no memory at %p\n", direct(MEMORY));
        return 1;
    }
    run(operations, MEMORY);
    scarce = true;
    run(operations, 11 * PAGE_SIZE); /* bitmaps for five spaces, or four, and one slab of ranges */
    printf("2 passed, 0 failed\n");
    return 0;
}
