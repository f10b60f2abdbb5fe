// exceptions.c: exceptions as messages: clauses 153 to 156 [L4X2 5.3, 6].
#include "suite.h"

#include <l4/string.h>

word_t thrown_esp, resumed_eax, resumed_flags, resumed_count;
void divide_by_zero(void);
void interrupt_without_gate(void);
void resume_here(void);
extern char divide_instruction[], interrupt_instruction[];
__asm__(".text\n"
        "load_patterns:\n\t"
        "movl $0x01010101, %edi\n\tmovl $0x02020202, %esi\n\tmovl $0x03030303, %ebp\n\t"
        "movl $0x04040404, %ebx\n\tmovl $0x05050505, %edx\n\tmovl $0x07070707, %eax\n\t"
        "xorl %ecx, %ecx\n\tret\n"
        "divide_by_zero:\n\t"
        "movl %esp, thrown_esp\n\tcall load_patterns\n"
        "divide_instruction:\n\tdivl %ecx\n\tud2\n"
        "interrupt_without_gate:\n\t"
        "movl %esp, thrown_esp\n\tcall load_patterns\n"
        "interrupt_instruction:\n\tint $0x77\n\tud2\n"
        "resume_here:\n\t"
        "movl %eax, resumed_eax\n\tpushfl\n\tpopl resumed_flags\n\tincl resumed_count\n\t"
        "pushl $0\n\tpushl $0\n\tjmp wait_for_ever\n");

struct throwing {
    void (*function)(void);
    l4_thread_id handler;
};

static void throw_exception(void *throwing)
{
    struct throwing *t = throwing;
    l4_set_tcr(L4_TCR_EXCEPTION_HANDLER, t->handler);
    t->function();
}

static struct l4_exception catch_from(const struct helper *h)
{
    l4_thread_id from;
    struct l4_exception e;
    EQUAL(next_message(L4_ANY_THREAD, &from, 1000000), 0xFFB0000C);
    EQUAL(from, h->id);
    l4_get_exception(&e);
    return e;
}

static void check_patterns(const struct l4_exception *e)
{
    EQUAL(e->edi, 0x01010101);
    EQUAL(e->esi, 0x02020202);
    EQUAL(e->ebp, 0x03030303);
    EQUAL(e->esp, thrown_esp);
    EQUAL(e->ebx, 0x04040404);
    EQUAL(e->edx, 0x05050505);
    EQUAL(e->ecx, 0);
    EQUAL(e->eax, 0x07070707);
    EQUAL(e->eflags & 0x3200, 0x3200);
}

static void c153_a_divide_error_is_twelve_words_in_order(void)
{
    struct throwing t = {divide_by_zero, tester_id};
    struct space *spaces[] = {root, space_make()};
    for (unsigned i = 0; i < 2; i++) {
        struct helper h = helper_start(spaces[i], throw_exception, &t);
        struct l4_exception e = catch_from(&h);
        EQUAL(e.eip, ADDRESS(divide_instruction));
        EQUAL(e.vector, 0);
        check_patterns(&e);
    }
}

static void c154_the_answer_changes_the_registers(void)
{
    struct throwing t = {divide_by_zero, tester_id};
    static const word_t flags[] = {0xFFFFFFFF, 0};
    for (unsigned i = 0; i < 2; i++) {
        struct helper h = helper_start(root, throw_exception, &t);
        struct l4_exception e = catch_from(&h);
        e.eip = ADDRESS(resume_here);
        e.eax = 0x7E57;
        e.eflags = flags[i];
        resumed_count = 0;
        l4_put_exception_reply(&e);
        EQUAL(outcome(l4_send_timeout(h.id, SECOND)), 0);
        EQUAL(resumed_count, 1);
        EQUAL(resumed_eax, 0x7E57);
        EQUAL(resumed_flags, 0x3202 | (flags[i] & 0x8D5));
        EQUAL(thread_state(h.id), L4_STATE_WAITING);
    }
}

static void c155_an_exception_without_a_handler_halts(void)
{
    l4_thread_id handler[] = {L4_NIL_THREAD, new_id()};
    for (unsigned i = 0; i < 2; i++) {
        struct throwing t = {divide_by_zero, handler[i]};
        struct helper h = helper_start(root, throw_exception, &t);
        settle();
        EQUAL(thread_state(h.id), L4_STATE_INACTIVE);
        EQUAL(control_of(h.id) & L4_EXREGS_HALT, L4_EXREGS_HALT);
        resumed_count = 0; // it can be started elsewhere
        word_t sp = helper_stack(&h, NULL, NULL);
        HOLDS(l4_thread_start_at(h.id, sp, ADDRESS(resume_here)) != 0);
        EQUAL(resumed_count, 1);
    }
    helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    HOLDS(advance_asleep(&counters[0], 20000) > 0);
}

static void c156_an_interrupt_instruction_without_a_gate_is_exception_13(void)
{
    struct throwing t = {interrupt_without_gate, tester_id};
    struct helper h = helper_start(root, throw_exception, &t);
    struct l4_exception e = catch_from(&h);
    EQUAL(e.vector, 13);
    EQUAL(e.error_code, 0x77 * 8 + 2);
    EQUAL(e.eip, ADDRESS(interrupt_instruction));
    check_patterns(&e);
}

// What the library compiles into programs for the kernel's debugger. Without the option kdb they
// may neither enter it nor keep the processor from others by it.
static void enter_debugger(void *done)
{
    __asm__ volatile("int3\n\tjmp 1f\n\tmovl $2f, %%eax\n1:\n\t"
                     ".pushsection .rodata\n2:\t.asciz \"a test\"\n\t.popsection"
                     : : : "memory");
    ++*(volatile word_t *)done;
}

static void c156_a_programs_breakpoint_stops_nobody(void)
{
    static volatile word_t done;
    done = 0;
    helper_start(root, enter_debugger, (void *)&done);
    settle();
    EQUAL(done, 1);
}

static void wait_for_key(void *unused)
{
    (void)unused;
    for (;;)
        __asm__ volatile("int3\n\tcmpb $0x0D, %%al" : : : "eax", "cc", "memory");
}

static void c156_who_waits_for_the_debuggers_key_is_preempted(void)
{
    helper_start_at(root, 50, wait_for_key, NULL);
    helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    HOLDS(advance_asleep(&counters[0], 50000) > 0);
}

const struct test exceptions_tests[] = {
    TEST(c153_a_divide_error_is_twelve_words_in_order),
    TEST(c154_the_answer_changes_the_registers),
    TEST(c155_an_exception_without_a_handler_halts),
    TEST(c156_an_interrupt_instruction_without_a_gate_is_exception_13),
    TEST(c156_a_programs_breakpoint_stops_nobody),
    TEST(c156_who_waits_for_the_debuggers_key_is_preempted),
    TESTS_END,
};
