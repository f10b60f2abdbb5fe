// ring.c: the root task `ring`: context switches as lmbench's lat_ctx has them. N threads, each in
// a space of its own, pass a token round by Ipc; who gets it sums up a footprint of its own and
// passes it on. So a switch costs the kernel's path, and what the others have taken from TLB and
// caches since one ran last.
//
//     ring: processes=N kb=K space=large|small cycles=MEDIAN sum=CYCLES min=.. max=.. n=..
//
// The cycles are those of one switch with the summing in it; `sum` is what summing alone takes
// when everything is in place, which is what lmbench subtracts.
//
//     spaces=small    all processes in small spaces
//     which=4x16      one cell of the grid: 4 processes of 16 KB
//
// Around the laps that count, ring_cell is called: by it the simulator knows which stretch of a run
// is which cell, and how many switches it holds.
#include "measure.h"

#define WARM_LAPS 4
#define LAPS 15 // an odd number: the median is one of them
#define PROCESSES_MAX 8
#define FOOTPRINT_MAX (16 * KILOBYTE)
#define SUMS 5

static const word_t process_counts[] = {2, 4, 8};
static const word_t footprints_kb[] = {0, 4, 16};

struct process {
    word_t number, stub;
    l4_thread_id next, previous;
};

static struct process processes[PROCESSES_MAX];
static word_t process_count, footprint_words;
static char cell_name[16];
static uint32_t sum_alone;
static struct summary result;
static volatile word_t sink;

static word_t memory[PROCESSES_MAX][FOOTPRINT_MAX / sizeof(word_t)] __attribute__((aligned(4096)));

// Nothing to see from inside. `name` begins a cell with so many switches; "" ends it.
__attribute__((noinline, regparm(2))) void ring_cell(const char *name, word_t switches)
{
    __asm__ volatile("" : : "a"(name), "d"(switches) : "memory");
}

__attribute__((noinline)) static void work(const struct process *p)
{
    const word_t *at = memory[p->number], *end = at + footprint_words;
    word_t total = 0;
    for (; at < end; at++)
        total += *at;
    sink = total;
}

// The token goes to the next one; returns when it is back from the previous one.
static void pass(const struct process *p)
{
    l4_set_mr(0, 0);
    l4_ipc_through(p->stub, p->next, p->previous, 0, NULL);
}

static void member(void *argument)
{
    const struct process *p = argument;
    l4_ipc_through(p->stub, L4_NIL_THREAD, p->previous, 0, NULL);
    for (;;) {
        work(p);
        pass(p);
    }
}

static uint32_t lap(const struct process *p)
{
    uint32_t begin = now();
    work(p);
    pass(p);
    return now() - begin;
}

static void leader(void *argument)
{
    const struct process *p = argument;
    for (word_t i = 0; i < WARM_LAPS; i++)
        lap(p);
    ring_cell(cell_name, LAPS * process_count);
    for (word_t i = 0; i < LAPS; i++)
        samples[i] = lap(p);
    ring_cell("", 0);
    result = summarise(samples, LAPS);
    for (word_t i = 0; i < SUMS; i++) {
        uint32_t begin = now();
        work(p);
        sum_alone = now() - begin - overhead;
    }
    done_through(p->stub, 0);
}

// All know their neighbours before they run; the leader is the last to be made.
static bool make_ring(struct space *spaces, enum space_size size)
{
    word_t stub = size == SMALL ? small_stubs.ipc : l4_stubs.ipc;
    l4_thread_id id[PROCESSES_MAX];
    for (word_t i = 0; i < process_count; i++)
        id[i] = thread_id_next(process_count - 1 - i);
    for (word_t i = 0; i < process_count; i++)
        processes[i] = (struct process){i, stub, id[(i + 1) % process_count],
                                        id[(i + process_count - 1) % process_count]};
    for (word_t i = process_count; i--;) {
        spaces[i] = (struct space){.size = size};
        l4_thread_id made;
        if (!thread_new(&spaces[i], pager_thread, i ? member : leader, &processes[i], &made))
            return false;
    }
    return true;
}

static void cell(word_t count, word_t kb, enum space_size size)
{
    struct space spaces[PROCESSES_MAX];
    const char *in = size == SMALL ? "small" : "large";
    process_count = count;
    footprint_words = kb * KILOBYTE / sizeof(word_t);
    l4_snprintf(cell_name, sizeof(cell_name), "%ux%u", count, kb);
    if (!make_ring(spaces, size)) {
        l4_printf("ring: processes=%u kb=%u space=%s skipped: error %u\n", count, kb, in,
                  l4_error_code());
        world_end();
        return;
    }
    await_done(processes[1].previous, "the ring");
    world_end();
    char parameters[64];
    l4_snprintf(parameters, sizeof(parameters), "processes=%u kb=%u space=%s sum=%u ", count, kb,
                in, sum_alone);
    report("ring", parameters, &result, count);
}

int l4_main(const char *command_line)
{
    char which[16], spaces[16], name[16];
    bool one = l4_option(command_line, "which", which, sizeof(which)), found = false;
    bool small = l4_option(command_line, "spaces", spaces, sizeof(spaces)) &&
                 strncmp(spaces, "small", sizeof(spaces)) == 0;
    world_init();
    report_overhead();
    for (word_t i = 0; i < sizeof(process_counts) / sizeof(word_t); i++)
        for (word_t k = 0; k < sizeof(footprints_kb) / sizeof(word_t); k++) {
            l4_snprintf(name, sizeof(name), "%ux%u", process_counts[i], footprints_kb[k]);
            if (one && strncmp(name, which, sizeof(name)) != 0)
                continue;
            found = true;
            cell(process_counts[i], footprints_kb[k], small ? SMALL : LARGE);
        }
    if (!found) {
        l4_printf("ring: no cell '%s'; there are 2, 4 and 8 processes of 0, 4 and 16 KB\n", which);
        return 1;
    }
    l4_printf("ring: done\n");
    return 0;
}
