// suite.c: the controller: runs each test in a thread of its own, answers faults, ends what hangs,
// counts. The command line may say only=37-45 (or only=37), verbose, exit=debug (guests/lib).
#include "suite.h"

#include <l4/library.h>
#include <l4/ports.h>
#include <l4/print.h>
#include <l4/sigma0.h>
#include <l4/string.h>

// Messages to the controller: labels that no protocol of the kernel has.
enum request {
    REQUEST_START = 0x5A01, // MR1 thread, MR2 ip, MR3 sp: a start message from its pager
    REQUEST_REGION,         // MR1 index; answered with the address
    TEST_PASSED,
    TEST_FAILED,
};

#define TEST_MICROSECONDS 30000000u

l4_thread_id controller_id, tester_id;
uint8_t pool[POOL_PAGES][L4_PAGE_SIZE] __attribute__((aligned(L4_PAGE_SIZE)));

static struct run {
    const struct test *test;
    unsigned passed, failed;
    bool verbose;
    unsigned first, last; // clauses to run
    word_t region[2];
} run;

extern char __executable_start[], _end[];

bool in_image(word_t address)
{
    return address >= ADDRESS(__executable_start) && address < ADDRESS(_end) &&
           (address < ADDRESS(pool) || address >= ADDRESS(pool) + sizeof(pool));
}

static unsigned clause_of(const struct test *t)
{
    return (unsigned)strtoul(t->name + 1, NULL, 10);
}

// ---- Checks -----------------------------------------------------------------------------------

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    char text[240];
    int length = l4_snprintf(text, sizeof(text), "not ok %03u %s: ", clause_of(run.test),
                             run.test->name + 5);
    va_list arguments;
    va_start(arguments, format);
    length += l4_vsnprintf(text + length, sizeof(text) - (word_t)length - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof(text) - 2)
        length = sizeof(text) - 2;
    text[length++] = '\n';
    l4_put_text(text, (word_t)length);
}

static _Noreturn void give_up(void)
{
    for (;;)
        send_tag(controller_id, (l4_tag)TEST_FAILED << 16, L4_NEVER);
}

static const char *base_name(const char *file)
{
    const char *name = file;
    for (const char *c = file; *c; c++)
        if (*c == '/')
            name = c + 1;
    return name;
}

void check_equal(const char *file, int line, const char *what, word_t got, word_t expected)
{
    if (got == expected)
        return;
    complain("%s: expected 0x%x, got 0x%x (%s:%d)", what, expected, got, base_name(file), line);
    give_up();
}

void check_range(const char *file, int line, const char *what, word_t got, word_t low, word_t high)
{
    if (got >= low && got <= high)
        return;
    complain("%s: expected %u to %u, got %u (%s:%d)", what, low, high, got, base_name(file), line);
    give_up();
}

// ---- Requests ---------------------------------------------------------------------------------

void start_by_controller(l4_thread_id id, word_t ip, word_t sp)
{
    l4_set_mr(1, id);
    l4_set_mr(2, ip);
    l4_set_mr(3, sp);
    l4_set_mr(0, l4_make_tag(REQUEST_START, 3, 0));
    EQUAL(outcome(l4_call(controller_id)), 0);
    EQUAL(l4_mr(1), 0);
}

word_t big_region(unsigned index)
{
    l4_set_mr(1, index);
    l4_set_mr(0, l4_make_tag(REQUEST_REGION, 1, 0));
    EQUAL(outcome(l4_call(controller_id)), 0);
    HOLDS(l4_mr(1) != 0);
    return l4_mr(1);
}

static void start_thread(l4_thread_id requester)
{
    l4_thread_id thread = l4_mr(1);
    l4_put_start_message(l4_mr(2), l4_mr(3));
    l4_tag tag = l4_send_timeout(thread, SECOND);
    word_t error = l4_tag_failed(tag) ? l4_error_code() : 0;
    l4_set_mr(1, error);
    send_tag(requester, l4_make_tag(0, 1, 0), L4_ZERO_TIME);
}

static void give_region(l4_thread_id requester)
{
    unsigned index = l4_mr(1) & 1;
    if (!run.region[index])
        run.region[index] = l4_fpage_base(l4_sigma0_get_any(22, L4_COMPLETE_SPACE));
    l4_set_mr(1, run.region[index]);
    send_tag(requester, l4_make_tag(0, 1, 0), L4_ZERO_TIME);
}

static bool in_region(word_t address)
{
    for (unsigned i = 0; i < 2; i++)
        if (run.region[i] && address - run.region[i] < BIG_SIZE)
            return true;
    return false;
}

// The suite's own memory that a test flushed or granted away: sigma0 gives it to this thread again.
static void touch(word_t address)
{
    volatile uint8_t *byte = (volatile uint8_t *)(uintptr_t)address;
    *byte = *byte;
}

// ---- Faults of helpers --------------------------------------------------------------------------

static bool answer_page_fault(l4_thread_id faulter)
{
    word_t address = l4_page_fault_address(), ip = l4_page_fault_ip();
    word_t page = address & ~(L4_PAGE_SIZE - 1);
    bool own = l4_is_local_id(faulter);
    bool in_pool = address - ADDRESS(pool) < sizeof(pool);
    if (own && (in_image(address) || in_region(address) || in_pool)) {
        touch(page);
        send_tag(faulter, 0, L4_ZERO_TIME);
        return true;
    }
    if (!own && in_image(address)) {
        touch(page);
        answer_fault(faulter,
                     l4_map_item(l4_make_fpage(page, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE), page));
        return true;
    }
    complain("thread 0x%x faults at 0x%x, ip 0x%x", global_of(faulter), address, ip);
    return false;
}

static void report_exception(l4_thread_id thrower)
{
    struct l4_exception e;
    l4_get_exception(&e);
    complain("thread 0x%x throws exception %u (error 0x%x), ip 0x%x, esp 0x%x", global_of(thrower),
             e.vector, e.error_code, e.eip, e.esp);
}

enum verdict { GOING_ON, PASSED, FAILED };

static enum verdict serve(l4_tag tag, l4_thread_id from)
{
    if (l4_is_page_fault(tag))
        return answer_page_fault(from) ? GOING_ON : FAILED;
    if (l4_is_exception(tag)) {
        report_exception(from);
        return FAILED;
    }
    switch (l4_tag_label(tag)) {
    case REQUEST_START: start_thread(from); return GOING_ON;
    case REQUEST_REGION: give_region(from); return GOING_ON;
    case TEST_PASSED: return PASSED;
    case TEST_FAILED: return FAILED;
    default:
        complain("an unexpected message 0x%x from 0x%x", tag, global_of(from));
        return FAILED;
    }
}

// ---- One test -----------------------------------------------------------------------------------

static void tester_main(void *unused)
{
    (void)unused;
    run.test->run();
    for (;;)
        send_tag(controller_id, (l4_tag)TEST_PASSED << 16, L4_NEVER);
}

static void report_hang(void)
{
    struct l4_exchange x = {.thread = tester_id, .control = L4_EXREGS_DELIVER};
    word_t state = thread_state(tester_id);
    l4_exchange_registers(&x);
    complain("not over after %u s; the tester is in state %u at ip 0x%x",
             TEST_MICROSECONDS / 1000000, state, x.ip);
}

static enum verdict attend(void)
{
    l4_clock end = l4_system_clock() + TEST_MICROSECONDS;
    for (;;) {
        l4_clock now = l4_system_clock();
        l4_thread_id from;
        l4_tag tag = now < end ? receive(L4_ANY_THREAD, l4_period((word_t)(end - now)), &from)
                               : L4_TAG_ERROR;
        if (l4_tag_failed(tag)) {
            report_hang();
            return FAILED;
        }
        enum verdict verdict = serve(tag, from);
        if (verdict != GOING_ON)
            return verdict;
    }
}

static void clean_up(void)
{
    for (word_t line = 3; line <= 4; line++)
        l4_irq_dissociate(line); // one that has no handler is no matter
    l4_out8(0x3F9, 0);           // COM1 interrupts nobody
    reset_helpers(clause_of(run.test));
    l4_accept_nothing();
    l4_unmap_fpage(l4_make_fpage(SCRATCH, 26, L4_FULLY_ACCESSIBLE), true);
    for (word_t page = ADDRESS(__executable_start) & ~(L4_PAGE_SIZE - 1); page < ADDRESS(_end);
         page += L4_PAGE_SIZE)
        touch(page);
}

static void run_test(const struct test *t)
{
    run.test = t;
    clean_up();
    struct helper tester = helper_make(root, controller_id);
    tester_id = tester.id;
    enum verdict verdict = FAILED;
    if (!l4_set_priority(tester.id, TESTER_PRIORITY)) {
        complain("the tester gets no priority: error %u", l4_error_code());
    } else {
        l4_put_start_message(ADDRESS(helper_prologue), helper_stack(&tester, tester_main, NULL));
        l4_tag tag = l4_send_timeout(tester.id, SECOND);
        if (l4_tag_failed(tag))
            complain("the tester does not start: error 0x%x", l4_error_code());
        else
            verdict = attend();
    }
    if (verdict == PASSED) {
        run.passed++;
        if (run.verbose)
            l4_printf("ok %03u %s\n", clause_of(t), t->name + 5);
    } else {
        run.failed++;
    }
}

static void run_tests(const struct test *tests)
{
    for (; tests->name; tests++)
        if (clause_of(tests) >= run.first && clause_of(tests) <= run.last)
            run_test(tests);
}

static void read_options(const char *command_line)
{
    char value[32], *end;
    run.first = 1;
    run.last = 999;
    run.verbose = strstr(command_line, "verbose") != NULL;
    if (l4_option(command_line, "only", value, sizeof(value))) {
        run.first = (unsigned)strtoul(value, &end, 10);
        run.last = *end == '-' ? (unsigned)strtoul(end + 1, NULL, 10) : run.first;
    }
}

int l4_main(const char *command_line)
{
    controller_id = l4_my_global_id();
    read_options(command_line);
    suite_prepare();
    for (const struct test *const *chapter = chapters; *chapter; chapter++)
        run_tests(*chapter);
    l4_printf("%u passed, %u failed\n", run.passed, run.failed);
    return run.failed != 0;
}
