// faults.c: page faults as messages: clauses 150 to 152 [L4X2 5.2, 6].
#include "suite.h"

#include <l4/string.h>

#define AT (HOLE + 0x5124)

// The two instructions whose addresses the messages must name.
void read_there(void *address);
void write_there(void *address);
extern char read_instruction[], write_instruction[];
__asm__(".text\n"
        "read_there:\n\tmovl 4(%esp), %eax\n"
        "read_instruction:\n\tmovl (%eax), %eax\n\tret\n"
        "write_there:\n\tmovl 4(%esp), %eax\n"
        "write_instruction:\n\tmovl $77, (%eax)\n\tret\n");

static void jump_there(void *address)
{
    ((void (*)(void))(uintptr_t)ADDRESS(address))();
}

static void c150_a_page_fault_is_the_specified_message(void)
{
    static const struct {
        void (*function)(void *);
        l4_tag tag;
        word_t ip;
    } cases[] = {
        {read_there, 0xFFE40002, 0}, {write_there, 0xFFE20002, 1}, {jump_there, 0xFFE40002, 2}};
    struct space *s = space_make();
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned own = 0; own < 2; own++) {
            struct helper h = helper_make(own ? root : s, tester_id);
            helper_begin(&h, cases[i].function, (void *)(uintptr_t)AT);
            l4_thread_id from;
            word_t ip = cases[i].ip == 0   ? ADDRESS(read_instruction)
                        : cases[i].ip == 1 ? ADDRESS(write_instruction)
                                           : AT;
            EQUAL(next_message(L4_ANY_THREAD, &from, 1000000), cases[i].tag);
            EQUAL(from, h.id);
            EQUAL(l4_page_fault_address(), AT);
            EQUAL(l4_page_fault_ip(), ip);
            helper_delete(&h);
        }
    }
}

static struct kept_words {
    word_t mr[L4_MR_COUNT], br0, error, read;
    volatile bool done;
} kept;

static void fault_with_full_registers(void *unused)
{
    (void)unused;
    receive(l4_my_local_id(), L4_ZERO_TIME, NULL); // leaves ErrorCode 3
    for (unsigned i = 0; i < L4_MR_COUNT; i++)
        l4_set_mr(i, 0xC7000000 | i);
    l4_set_br(0, 0x765430);
    __asm__ volatile("" : : : "memory");
    kept.read = *word_at(AT);
    __asm__ volatile("" : : : "memory");
    memcpy(kept.mr, l4_utcb(), sizeof(kept.mr));
    kept.br0 = l4_br(0);
    kept.error = l4_error_code();
    kept.done = true;
}

static void c151_an_answer_with_more_words_does_not_disturb_the_faulter(void)
{
    kept.done = false;
    struct helper h = helper_make(space_make(), tester_id);
    helper_begin(&h, fault_with_full_registers, NULL);
    EQUAL(next_message(h.id, NULL, 1000000), 0xFFE40002);
    *word_at(pool_page(0) + (AT & 0xFFF)) = 0xACE;
    l4_msg_begin(0x1234);
    for (word_t i = 0; i < 20; i++)
        l4_msg_word(0xBAD00000 + i);
    l4_msg_map(l4_make_fpage(pool_page(0), 12, 7), AT & ~0xFFFu);
    EQUAL(outcome(l4_send_timeout(h.id, SECOND)), 0);
    EQUAL(outcome(next_message(h.id, NULL, 20000)), L4_IPC_RECEIVE_TIMEOUT); // all is well
    HOLDS(kept.done);
    EQUAL(kept.read, 0xACE);
    for (unsigned i = 0; i < L4_MR_COUNT; i++)
        EQUAL(kept.mr[i], 0xC7000000 | i);
    EQUAL(kept.br0, 0x765430);
    EQUAL(kept.error, L4_IPC_RECEIVE_TIMEOUT);
}

static void change_pager_and_read(void *pager)
{
    l4_set_tcr(L4_TCR_PAGER, ADDRESS(pager));
    kept.read = *word_at(AT);
    kept.done = true;
}

static void c152_a_fault_without_a_pager_halts_the_thread(void)
{
    kept.done = false;
    l4_thread_id pager[] = {L4_NIL_THREAD, new_id()};
    for (unsigned i = 0; i < 2; i++) {
        struct helper h =
            helper_start(root, change_pager_and_read, (void *)(uintptr_t)pager[i]);
        settle();
        EQUAL(thread_state(h.id), L4_STATE_INACTIVE);
        EQUAL(control_of(h.id) & L4_EXREGS_HALT, L4_EXREGS_HALT);
        EQUAL(kept.done, false);
    }
    helper_start_at(root, 50, count_for_ever, (void *)&counters[0]);
    HOLDS(advance_asleep(&counters[0], 20000) > 0);
}

const struct test faults_tests[] = {
    TEST(c150_a_page_fault_is_the_specified_message),
    TEST(c151_an_answer_with_more_words_does_not_disturb_the_faulter),
    TEST(c152_a_fault_without_a_pager_halts_the_thread),
    TESTS_END,
};
