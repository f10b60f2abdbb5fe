// foreign.c: spaces of programs that know nothing of L4, beyond X.2: kernel/api/foreign.c.
#include "suite.h"

#include <l4/string.h>

#define SPACE_FOREIGN 0x40000000u
#define EXREGS_RAISE 0x400u
#define COUNTER 0x10000000u // where the program counts
#define WORDS 13u

enum word { EIP, EFLAGS, VECTOR, ERROR, EDI, ESI, EBP, ESP, EBX, EDX, ECX, EAX, ADDRESS_OF_FAULT };

extern char foreign_code[], foreign_call[], foreign_loop[], foreign_end[];
__asm__(".text\n\t.balign 64\n"
        "foreign_code:\n\t"
        "movl $0x01010101, %edi\n\tmovl $0x03030303, %ebp\n\tmovl $0x04040404, %ebx\n\t"
        "movl $0x07070707, %eax\n"
        "foreign_call:\n\tint $0x80\n\t"
        "movl %eax, 0x10000000\n"
        "foreign_loop:\n\tincl 0x10000000\n\tjmp foreign_loop\n"
        "foreign_end:\n");

static struct helper foreign_thread(void)
{
    struct space *s = space_make_bare();
    s->kip = 0xBFFF0000;
    s->utcb_base = CHILD_UTCB_AREA;
    EQUAL(l4_space_control(s->anchor, SPACE_FOREIGN, l4_make_fpage(s->kip, L4_PAGE_BITS, 0),
                           l4_make_fpage(s->utcb_base, CHILD_UTCB_LOG2, 0), L4_ANY_THREAD, NULL),
          1);
    struct helper h = helper_make(s, tester_id);
    EQUAL(l4_set_priority(h.id, 50) != 0, 1);
    l4_put_start_message(ADDRESS(foreign_code), 0x2000);
    EQUAL(outcome(l4_send_timeout(h.id, SECOND)), 0);
    return h;
}

static void next_exception(const struct helper *h, word_t *words)
{
    l4_thread_id from;
    EQUAL(next_message(h->id, &from, 1000000), 0xFFB0000D);
    memcpy(words, l4_utcb() + 1, WORDS * sizeof(*words));
}

static void answer(const struct helper *h, const word_t *words, word_t from_page, word_t to)
{
    memcpy(l4_utcb() + 1, words, WORDS * sizeof(*words));
    l4_set_mr(0, l4_make_tag(0, WORDS, 0));
    if (from_page)
        l4_msg_map(l4_make_fpage(from_page, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE), to);
    EQUAL(outcome(l4_send_timeout(h->id, SECOND)), 0);
}

// A page fault is a message with registers and address, and its answer brings the page.
static void bring_page(const struct helper *h, word_t address, bool write, word_t page)
{
    word_t words[WORDS];
    next_exception(h, words);
    EQUAL(words[VECTOR], 14);
    EQUAL(words[ADDRESS_OF_FAULT], address);
    EQUAL(words[ERROR] & 2, write ? 2 : 0);
    answer(h, words, page, address & ~(L4_PAGE_SIZE - 1));
}

static void c201_exceptions_go_to_the_keeper_with_all_registers(void)
{
    struct helper h = foreign_thread();
    word_t words[WORDS];
    bring_page(&h, ADDRESS(foreign_code), false, ADDRESS(foreign_code) & ~(L4_PAGE_SIZE - 1));
    next_exception(&h, words);
    EQUAL(words[VECTOR], 13);
    EQUAL(words[ERROR], 0x80 * 8 + 2);
    EQUAL(words[EIP], ADDRESS(foreign_call));
    EQUAL(words[ESP], 0x2000);
    EQUAL(words[EDI], 0x01010101);
    EQUAL(words[EBP], 0x03030303);
    EQUAL(words[EBX], 0x04040404);
    EQUAL(words[EAX], 0x07070707);
    words[EIP] += 2;
    words[EAX] = 1000;
    answer(&h, words, 0, 0);
    bring_page(&h, COUNTER, true, pool_page(0));
    sleep_us(20000);
    HOLDS(*word_at(pool_page(0)) > 1000);
}

static void c202_the_keeper_takes_the_processor_back(void)
{
    struct helper h = foreign_thread();
    word_t words[WORDS];
    bring_page(&h, ADDRESS(foreign_code), false, ADDRESS(foreign_code) & ~(L4_PAGE_SIZE - 1));
    next_exception(&h, words);
    words[EIP] += 2;
    answer(&h, words, 0, 0);
    bring_page(&h, COUNTER, true, pool_page(0));
    sleep_us(20000);
    for (unsigned i = 0; i < 3; i++) {
        struct l4_exchange x = {.thread = h.id, .control = EXREGS_RAISE};
        HOLDS(l4_exchange_registers(&x) != L4_NIL_THREAD);
        next_exception(&h, words);
        EQUAL(words[VECTOR], 0x100);
        EQUAL(words[EAX], 0x07070707);
        HOLDS(words[EIP] >= ADDRESS(foreign_loop) && words[EIP] < ADDRESS(foreign_end));
        word_t count = *word_at(pool_page(0));
        sleep_us(5000);
        EQUAL(*word_at(pool_page(0)), count);
        answer(&h, words, 0, 0);
        sleep_us(5000);
        HOLDS(*word_at(pool_page(0)) > count);
    }
}

const struct test foreign_tests[] = {
    TEST(c201_exceptions_go_to_the_keeper_with_all_registers),
    TEST(c202_the_keeper_takes_the_processor_back),
    TESTS_END,
};
