// colour.c: real-time memory management at user level. A task multiplies two 64 by 64 matrices of
// doubles (64 KB) while a neighbour of higher priority, in another space, is woken by the timer
// after each 100 microseconds of the task's and changes every line of the second-level cache that
// it can reach (it reads, too: a write alone brings no line into the cache). The task's memory is
// from a pager that knows the colours of pages: in the board's 256 KB, direct-mapped cache, pages
// whose numbers differ modulo 64 never evict each other.
//
// Without partition the task's pages have any colours, and the neighbour's have all. With it three
// colours are the task's alone, as published, or as many as it has pages. What the neighbour takes
// for its own work does not count.
#include "measure.h"

#define COLOURS 64u
#define LINE_SIZE 32u
#define SIZE 64 // of a matrix
#define INTERVAL_TICKS 119 // of the timer: 100 microseconds
#define ROUNDS 3

#define PIT_COUNTER 0x40
#define PIT_CONTROL 0x43
#define PIT_ONE_SHOT 0x30

struct matrices {
    double left[SIZE][SIZE], right[SIZE][SIZE]; // right is transposed
    double result[SIZE][SIZE];
};

#define MATRIX_PAGES 24
_Static_assert(sizeof(struct matrices) == MATRIX_PAGES * L4_PAGE_SIZE, "whole pages");

// Where the task sees the matrices and the neighbour its 256 KB; which pages these are is the
// pager's affair.
#define MATRICES 0x30000000u
#define NEIGHBOUR 0x31000000u

static word_t reserved; // how many colours are the task's alone; 0: there is no partition
static volatile uint32_t stolen; // cycles of the neighbour's own
static volatile word_t interrupts;
static struct summary result;
static word_t interrupts_of_round;

// ---- The pager --------------------------------------------------------------------------------

// The n-th page of the given set of colours, in `count` colours from `first` on, counted from the
// start of the region (which is aligned to more than all colours).
static word_t coloured_page(word_t n, word_t first, word_t count, word_t base)
{
    return base + (n / count * COLOURS + first + n % count) * L4_PAGE_SIZE;
}

// The neighbour's pages are in the region's upper half, so that no page is both's.
static word_t page_for(word_t address)
{
    word_t upper = region + REGION_SIZE / 2;
    if (address >= NEIGHBOUR) {
        word_t n = (address - NEIGHBOUR) / L4_PAGE_SIZE;
        return coloured_page(n, reserved, COLOURS - reserved, upper);
    }
    word_t n = (address - MATRICES) / L4_PAGE_SIZE;
    return coloured_page(n, 0, reserved ? reserved : COLOURS, region);
}

static void colour_pager(void *unused)
{
    (void)unused;
    l4_thread_id from;
    l4_tag tag = l4_wait(&from);
    for (;;) {
        word_t address = l4_mr(1);
        if (l4_is_page_fault(tag) && address >= MATRICES) {
            word_t page = page_for(address);
            touch(page);
            l4_put_page_fault_reply(
                l4_map_item(l4_make_fpage(page, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE),
                            address & ~(L4_PAGE_SIZE - 1)));
        } else {
            pager_serve(tag);
        }
        tag = answer_and_wait(&from);
    }
}

// ---- The neighbour ----------------------------------------------------------------------------

static void set_timer(void)
{
    l4_out8(PIT_CONTROL, PIT_ONE_SHOT);
    l4_out8(PIT_COUNTER, INTERVAL_TICKS & 0xFF);
    l4_out8(PIT_COUNTER, INTERVAL_TICKS >> 8);
}

static void trash(void)
{
    for (word_t i = 0; i < (COLOURS - reserved) * L4_PAGE_SIZE; i += LINE_SIZE)
        ++*(volatile word_t *)(uintptr_t)(NEIGHBOUR + i);
}

static void neighbour(void *unused)
{
    (void)unused;
    l4_thread_id irq = l4_irq_thread(0);
    trash();
    l4_receive_timeout(irq, l4_period(100)); // what was pending before the first shot
    for (;;) {
        set_timer();
        l4_set_mr(0, 0);
        l4_ipc(irq, irq, 0, NULL);
        uint32_t begin = now();
        trash();
        interrupts++;
        stolen += now() - begin;
    }
}

// ---- The task ---------------------------------------------------------------------------------

static void fill(struct matrices *m)
{
    for (word_t i = 0; i < SIZE; i++)
        for (word_t j = 0; j < SIZE; j++) {
            m->left[i][j] = (double)(i + j);
            m->right[i][j] = (double)i - (double)j;
        }
}

static void multiply(struct matrices *m)
{
    for (word_t i = 0; i < SIZE; i++)
        for (word_t j = 0; j < SIZE; j++) {
            const double *a = m->left[i], *b = m->right[j];
            double sum = 0;
            for (word_t k = 0; k < SIZE; k += 4)
                sum += a[k] * b[k] + a[k + 1] * b[k + 1] + a[k + 2] * b[k + 2] +
                       a[k + 3] * b[k + 3];
            m->result[i][j] = sum;
        }
}

// Sum over k of (i + k) * (j - k), in whole numbers.
static bool is_product(const struct matrices *m)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            int sum = 0;
            for (int k = 0; k < SIZE; k++)
                sum += (i + k) * (j - k);
            if ((int)m->result[i][j] != sum)
                return false;
        }
    return true;
}

static void matrix_task(void *unused)
{
    (void)unused;
    struct matrices *m = (struct matrices *)MATRICES;
    fill(m);
    multiply(m);
    for (word_t i = 0; i < ROUNDS; i++) {
        interrupts = 0;
        stolen = 0;
        uint32_t begin = now();
        multiply(m);
        uint32_t end = now();
        interrupts_of_round = interrupts;
        samples[i] = end - begin - stolen;
    }
    if (!is_product(m))
        done(1);
    result = summarise(samples, ROUNDS);
    done(0);
}

static void run(word_t reserved_colours, bool with_neighbour)
{
    struct space a = {0}, b = {0}, c = {0};
    reserved = reserved_colours;
    interrupts = 0;
    l4_thread_id pager = thread_in(&c, pager_thread, colour_pager, NULL);
    if (with_neighbour) {
        l4_thread_id id = thread_in(&b, pager, neighbour, NULL);
        l4_set_priority(id, 200);
        if (!l4_irq_associate(0, id))
            l4_panic("measure: line 0 is not to be had: error %u", l4_error_code());
    }
    await_done(thread_in(&a, pager, matrix_task, NULL), "matrix");
    if (with_neighbour)
        l4_irq_dissociate(0);
    world_end();
    char parameters[64];
    l4_snprintf(parameters, sizeof(parameters), "colours=%u neighbour=%s interrupts=%u ",
                reserved ? reserved : COLOURS, with_neighbour ? "yes" : "no", interrupts_of_round);
    report("matrix", parameters, &result, 1);
}

void part_colour(void)
{
    static const word_t partitions[] = {0, 3, MATRIX_PAGES};
    for (word_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++) {
        run(partitions[i], false);
        run(partitions[i], true);
    }
}
