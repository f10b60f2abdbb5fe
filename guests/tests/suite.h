// suite.h: what the tests of the kernel's API share. The suite is the root task. Its first thread
// is the controller: priority 255, pager and exception handler of everything it starts, and the
// clock that ends a test which hangs. Each test runs in a thread of its own (the tester, priority
// 90); the helper threads that it makes have the kernel's default priority, 100, so a helper that
// was started has run until it blocks before the tester goes on. Threads and spaces made by a test
// are deleted after it.
//
// A helper may live in another space: that space sees the suite's image at the same addresses,
// page by page as it asks for it (except the pool of pages, which tests map on purpose), so
// helpers share functions and variables with the tester.
#pragma once

#include <l4/ipc.h>
#include <l4/kip.h>
#include <l4/protocols.h>
#include <l4/syscalls.h>
#include <l4/thread.h>
#include <l4/types.h>
#include <l4/utcb.h>

// ---- Tests and checks -----------------------------------------------------------------------

struct test {
    const char *name; // cNNN_behaviour, NNN the clause [L4X2 6]
    void (*run)(void);
};
#define TEST(function) {#function, function}
#define TESTS_END {NULL, NULL}

extern const struct test kip_tests[], clock_tests[], utcb_tests[], exchange_registers_tests[],
    thread_control_tests[], space_control_tests[], schedule_tests[], ipc_tests[], map_tests[],
    strings_tests[], propagation_tests[], faults_tests[], exceptions_tests[], interrupts_tests[],
    sigma0_tests[], fpu_tests[], foreign_tests[];

// What a root task of tests consists of: chapters.c, or ports.c.
extern const struct test *const chapters[]; // NULL ends them
void suite_prepare(void);                   // by the controller, before the first test

// A check that fails prints the line, and the test is over: these do not return then.
void check_equal(const char *file, int line, const char *what, word_t got, word_t expected);
void check_range(const char *file, int line, const char *what, word_t got, word_t low, word_t high);
#define EQUAL(got, expected) \
    check_equal(__FILE__, __LINE__, #got, (word_t)(got), (word_t)(expected))
#define HOLDS(condition) check_equal(__FILE__, __LINE__, #condition, (condition) ? 1 : 0, 1)
#define BETWEEN(got, low, high) \
    check_range(__FILE__, __LINE__, #got, (word_t)(got), (word_t)(low), (word_t)(high))
// Result and ErrorCode of a system call that must have failed. The call comes first.
#define FAILS(call, error) (EQUAL(call, 0), EQUAL(l4_error_code(), error))

// ---- The suite's own threads and memory -----------------------------------------------------

extern l4_thread_id controller_id, tester_id; // global
#define TESTER_PRIORITY 90

#define POOL_PAGES 16
extern uint8_t pool[POOL_PAGES][L4_PAGE_SIZE]; // never mapped into other spaces by itself
static inline word_t pool_page(unsigned index)
{
    return (word_t)(uintptr_t)pool[index];
}
static inline volatile word_t *word_at(word_t address)
{
    return (volatile word_t *)(uintptr_t)address;
}
#define ADDRESS(object) ((word_t)(uintptr_t)(object))

// Two regions of 4 MB, aligned, in the suite's space at their physical addresses.
word_t big_region(unsigned index);
#define BIG_SIZE (4u << 20)

// Addresses where the suite and its spaces have nothing.
#define HOLE 0x70000000u
#define SCRATCH 0x60000000u

bool in_image(word_t address); // what every space may have by asking for it

// ---- Threads and spaces ---------------------------------------------------------------------

struct space {
    l4_thread_id anchor; // a thread that never runs: it keeps the space and names it
    word_t kip, utcb_base;
    unsigned utcb_count;
};
extern struct space *const root; // the suite's own
#define CHILD_UTCB_AREA 0x80000000u
#define CHILD_UTCB_LOG2 15u

struct helper {
    l4_thread_id id; // global
    l4_thread_id local;
    word_t utcb;
    struct space *space;
    l4_thread_id pager;
    unsigned stack;
};

l4_thread_id new_id(void);         // unused; the thread is deleted after the test if it was made
void reset_helpers(unsigned test); // by the controller, between tests
struct space *space_make(void);    // configured: UTCB area above, KIP where the suite has it
struct space *space_make_at(word_t kip, word_t utcb_base);
struct space *space_make_bare(void); // the anchor exists, SpaceControl was not called

// An active thread that waits for its start message.
struct helper helper_make(struct space *space, l4_thread_id pager);
// Its start at function(argument), on a stack of its own. The pager must be the controller or the
// caller. A function that returns waits for ever.
void helper_begin(const struct helper *h, void (*function)(void *), void *argument);
struct helper helper_start(struct space *space, void (*function)(void *), void *argument);
struct helper helper_start_at(struct space *space, word_t priority, void (*function)(void *),
                              void *argument);
void helper_delete(const struct helper *h);
// Where helper_begin starts the thread, and the stack pointer that it prepares.
void helper_prologue(void (*function)(void *), void *argument);
word_t helper_stack(const struct helper *h, void (*function)(void *), void *argument);
void invert_for_ever(void *unused); // a server: answers the complement of all words and the label
void wait_for_ever(void *unused); // a closed receive from itself, never ending
void start_by_controller(l4_thread_id id, word_t ip, word_t sp);

word_t thread_state(l4_thread_id id);         // as Schedule reports it; nothing is changed
l4_thread_id global_of(l4_thread_id id);      // of a thread of the running space, or a global id
word_t control_of(l4_thread_id id);           // the output bits of an ExchangeRegisters that asks

// ---- Time -----------------------------------------------------------------------------------

void sleep_us(word_t microseconds);
void settle(void);                 // long enough for a few interrupts of the clock
void spin_us(word_t microseconds); // without leaving the processor

// ---- IPC ------------------------------------------------------------------------------------

static inline word_t send_error(enum l4_ipc_error code, word_t offset)
{
    return offset << 4 | (word_t)code << 1;
}
static inline word_t receive_error(enum l4_ipc_error code, word_t offset)
{
    return offset << 4 | (word_t)code << 1 | 1;
}

l4_tag send_tag(l4_thread_id to, l4_tag tag, l4_time timeout); // the other MRs are set already
l4_tag receive(l4_thread_id from, l4_time timeout, l4_thread_id *sender);
word_t outcome(l4_tag tag); // 0 for success, else ErrorCode; the E bit must say so too
#define SECOND l4_period(1000000)

// The next message that is no page fault for the image; such faults are answered. The sender is
// given as a global id. The tag has the E bit after a timeout.
l4_tag next_message(l4_thread_id from, l4_thread_id *sender, word_t microseconds);
void answer_fault(l4_thread_id faulter, struct l4_item item);

// One message, sent or received by a helper. The first part is filled before, the second by the
// helper.
struct transfer {
    l4_thread_id partner;
    word_t timeouts, xfer_timeouts;
    word_t virtual_sender;
    word_t br[L4_BR_COUNT];
    word_t mr[L4_MR_COUNT]; // to send; or as received

    l4_tag tag; // result of the Ipc
    word_t error;
    l4_thread_id from;
    word_t actual_sender, intended_receiver;
    volatile word_t count; // messages done
};
struct transfer *transfer_new(l4_thread_id partner); // never, never, accepts nothing, empty
void reset_transfers(void); // by the controller, between tests
void transfer_word(struct transfer *t, word_t value);       // an untyped word; before any item
void transfer_item(struct transfer *t, struct l4_item item); // a typed item
void transfer_load(const struct transfer *t);               // BRs, MRs, TCRs for an Ipc
void send_once(void *transfer);
void call_once(void *transfer); // sends, and receives from the same: what kernels make short
void receive_once(void *transfer);
void receive_repeatedly(void *transfer);

// Sends the item from the suite's space to a new helper in `to` that accepts `window`. Returns the
// sender's ErrorCode, 0 for success; the receiver's is in *receiver if given.
word_t map_to(struct space *to, l4_fpage window, struct l4_item item, word_t *receiver);
// The same between two spaces of the test's; it must succeed.
void map_between(struct space *from, struct space *to, l4_fpage window, struct l4_item item);
// A helper in the space calls Unmap for one fpage; returns the word that Unmap gave.
l4_fpage unmap_in(struct space *space, word_t control, l4_fpage fpage);

// Calls such a server through the stub with messages of all lengths; how many answers are wrong.
word_t call_inverter(l4_thread_id server, word_t stub);

// What a new thread in the space finds there; false if it faults.
bool readable(struct space *space, word_t address, word_t *value);
bool writable(struct space *space, word_t address, word_t value);
#define READS(space, address, expected) \
    check_reads(__FILE__, __LINE__, #address, space, address, expected)
void check_reads(const char *file, int line, const char *what, struct space *space, word_t address,
                 word_t expected);

// ---- Loops that count, for seeing whether a thread runs --------------------------------------

#define COUNTERS 8
extern volatile word_t counters[COUNTERS]; // zero before each test
void count_for_ever(void *counter);
void count_and_yield(void *counter);
// The counter's advance in that time, during which the caller sleeps.
word_t advance_asleep(volatile word_t *counter, word_t microseconds);
word_t advance_spinning(volatile word_t *counter, word_t microseconds);
