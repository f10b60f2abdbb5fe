// measure.h: what the parts of the program `measure` share: samples and how they are reported
// (report.c), the spaces and threads that are measured (world.c), and the parts themselves.
//
// All spaces but the root task's are made here and share its image: every space has the same pages
// at the same addresses, mapped by the pager thread as they are touched. So a thread measured in
// another space leaves its result in an ordinary variable.
//
// A line of results is for scripts:
//
//     measure: NAME [key=value ...] cycles=MEDIAN min=.. max=.. n=..
//
// The cycles are the processor's time-stamp counter's, without what reading it twice costs
// (`measure: overhead cycles=..`), of warm repetitions: the first WARM_COUNT do not count.
#pragma once

#include <l4/ipc.h>
#include <l4/kip.h>
#include <l4/library.h>
#include <l4/ports.h>
#include <l4/print.h>
#include <l4/protocols.h>
#include <l4/sigma0.h>
#include <l4/string.h>
#include <l4/syscalls.h>
#include <l4/thread.h>
#include <l4/types.h>
#include <l4/utcb.h>

#define KILOBYTE 1024u
#define MEGABYTE (1024u * KILOBYTE)

// ---- Samples (report.c) -----------------------------------------------------------------------

#define SAMPLE_MAX 512
#define WARM_COUNT 16
#define SAMPLE_COUNT 101 // an odd number: the median is a sample

// Where measured threads leave their samples, the overhead still in them.
extern uint32_t samples[SAMPLE_MAX];

struct summary {
    uint32_t median, min, max, count;
};

// What two reads of the counter cost with nothing between them; report_overhead measures it.
extern uint32_t overhead;

static inline uint32_t now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return low;
}

void report_overhead(void);
// Sorts the samples and subtracts the overhead from each. count is 1 or more.
struct summary summarise(uint32_t *list, word_t count);
// One line. parameters is "" or like "words=3 ". A sample held `operations` operations: the line
// gives the cycles of one, with a decimal where they do not divide.
void report(const char *name, const char *parameters, const struct summary *s, word_t operations);
void report_number(const char *name, const char *parameter, word_t value, const struct summary *s,
                   word_t operations);

// ---- Spaces and threads (world.c) -------------------------------------------------------------

enum space_size { LARGE, SMALL };

// A space begins with its first thread. A small one has its areas below 8 MB.
struct space {
    l4_thread_id first; // nil: no thread yet
    word_t thread_count;
    enum space_size size;
};

#define THREAD_MAX 8 // measured at a time
#define SMALL_SPACE_SIZE (8 * MEGABYTE)

extern l4_thread_id main_thread, pager_thread;
extern struct l4_stubs small_stubs; // as a small space sees them
// 4 MB of conventional memory at their physical address, mapped to a space where it touches them.
#define REGION_SIZE (4 * MEGABYTE)
extern word_t region;

void world_init(void);
// A thread of priority 100 in s, started at function(argument) by its pager, which must run one of
// the loops below or the root task's. False (with ErrorCode) if the kernel will not.
bool thread_new(struct space *s, l4_thread_id pager, void (*function)(void *), void *argument,
                l4_thread_id *id);
// As thread_new, in a large space; a failure ends the program with a message.
l4_thread_id thread_in(struct space *s, l4_thread_id pager, void (*function)(void *),
                       void *argument);
// The id that thread_new will give to the next thread (0), the one after it (1) ...
l4_thread_id thread_id_next(word_t after);
void world_end(void); // deletes all threads that thread_new made, and so their spaces
word_t local_id_of(const struct space *s, word_t thread_index);

// A measured thread that is done says so and sleeps; `failed` is 0, or a number and ErrorCode says
// more. In a small space the call goes through the stub given.
_Noreturn void done_through(word_t ipc_stub, word_t failed);
_Noreturn void done(word_t failed);
// The root task waits for that.
void await_done(l4_thread_id id, const char *what);

// ---- What a pager in a measured space does with messages that are not its own business --------

#define LABEL_START 0x100u // MR1 thread, MR2 ip, MR3 sp: to the thread's pager, from the root task
#define LABEL_DONE 0x101u
#define LABEL_REVOKE 0x102u // MR1 an fpage: its rights are taken from whoever has it from here

// Starts threads and maps pages of the image and the region; leaves the answer in the MRs.
void pager_serve(l4_tag tag);
// Never returns.
void pager_loop(void *unused);

static inline void touch(word_t address)
{
    (void)*(volatile uint8_t *)(uintptr_t)address;
}

// Answers and waits for the next message, whatever becomes of the answer.
static inline l4_tag answer_and_wait(l4_thread_id *from)
{
    l4_tag tag = l4_reply_wait(*from, from);
    while (l4_tag_failed(tag))
        tag = l4_wait(from);
    return tag;
}

// ---- The parts --------------------------------------------------------------------------------

void part_ipc(void);       // ipc.c: ping-pong within and between spaces, large and small
void part_window(void);    // ipc.c: a stretch of it that the simulator's ledger is held against
void part_rpc(void);       // rpc.c: client and server, in C
void part_string(void);    // rpc.c
void part_map(void);       // map.c: map, grant, unmap, mapping RPC
void part_fault(void);     // fault.c: pager fault, trap to a handler, Appel1, Appel2
void part_exception(void); // exception.c: INT 80h reflected to a handler
void part_switch(void);    // exception.c: ThreadSwitch
void part_interrupt(void); // interrupt.c
void part_pipe(void);      // pipe.c
void part_colour(void);    // colour.c: the matrix and its neighbour
