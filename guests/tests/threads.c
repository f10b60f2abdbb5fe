// threads.c: a root task that makes thousands of threads in one space, lets a token go round
// through all of them, deletes and makes them again, with the ids and the errors that this must
// bring. The command line may say threads=N (default 3000) and rounds=N (default 4).
#include <l4/library.h>
#include <l4/print.h>
#include <l4/string.h>
#include <l4/thread.h>

#define THREADS_MAX 4000u
#define FIRST_NUMBER 1000u
#define UTCB_AREA 0x80000000u
#define STACK_WORDS 128
#define LABEL_TOKEN 0x70E0u

static word_t stacks[THREADS_MAX][STACK_WORDS];
static uint16_t version[THREADS_MAX];
static word_t thread_count, created, messages;
static l4_thread_id self, anchor;
extern char __executable_start[], _end[];

static l4_thread_id id_of(word_t index)
{
    return l4_global_id(FIRST_NUMBER + index, version[index]);
}

static void require(bool condition, const char *what, word_t index)
{
    if (!condition)
        l4_panic("threads: %s fails at thread %u, error 0x%x", what, index, l4_error_code());
}

// Adds one to each token from the predecessor and hands it on. The last one's successor is the
// first thread of the root task.
static void hand_on(word_t index)
{
    for (;;) {
        l4_thread_id from;
        l4_tag tag = l4_wait(&from);
        if (l4_tag_failed(tag) || l4_tag_label(tag) != LABEL_TOKEN)
            continue;
        l4_set_mr(1, l4_mr(1) + 1);
        l4_set_mr(2, l4_mr(2) * 33 + index);
        l4_set_mr(0, l4_make_tag(LABEL_TOKEN, 2, 0));
        l4_send(index + 1 < thread_count ? id_of(index + 1) : self);
    }
}

static void create(word_t index)
{
    version[index] = (uint16_t)(version[index] % 63 + 1);
    word_t utcb = UTCB_AREA + index * L4_UTCB_SIZE;
    require(l4_thread_control(id_of(index), anchor, self, self, utcb), "creation", index);
    word_t *sp = &stacks[index][STACK_WORDS - 4];
    sp[0] = 0;
    sp[1] = index;
    l4_put_start_message((word_t)(uintptr_t)hand_on, (word_t)(uintptr_t)sp);
    require(!l4_tag_failed(l4_send_timeout(id_of(index), L4_ZERO_TIME)), "start", index);
    created++;
}

// Answers page faults until something else comes, or nothing for that time.
static l4_tag next_message(word_t microseconds)
{
    for (;;) {
        l4_thread_id from = L4_NIL_THREAD;
        l4_tag tag = l4_wait_timeout(l4_period(microseconds), &from);
        if (l4_tag_failed(tag) || !l4_is_page_fault(tag))
            return tag;
        word_t page = l4_page_fault_address() & ~(L4_PAGE_SIZE - 1);
        if (page < (word_t)(uintptr_t)__executable_start || page >= (word_t)(uintptr_t)_end)
            l4_panic("threads: 0x%x faults at 0x%x, ip 0x%x", from, l4_page_fault_address(),
                     l4_page_fault_ip());
        l4_put_page_fault_reply(l4_map_item(l4_make_fpage(page, 12, L4_FULLY_ACCESSIBLE), page));
        l4_reply(from);
    }
}

static bool send_token(word_t sum)
{
    l4_set_mr(1, 0);
    l4_set_mr(2, sum);
    l4_set_mr(0, l4_make_tag(LABEL_TOKEN, 2, 0));
    return !l4_tag_failed(l4_send_timeout(id_of(0), L4_ZERO_TIME));
}

static void send_round(word_t round)
{
    word_t expected = round;
    for (word_t i = 0; i < thread_count; i++)
        expected = expected * 33 + i;
    while (!send_token(round)) { // the first may still be on the way to its receive
        require(l4_error_code() == L4_IPC_SEND_TIMEOUT, "the first send", 0);
        require(l4_tag_failed(next_message(2000)), "silence", 0);
    }
    require(next_message(5000000) == l4_make_tag(LABEL_TOKEN, 2, 0), "the token's round", round);
    require(l4_mr(1) == thread_count, "the token's count", l4_mr(1));
    require(l4_mr(2) == expected, "the token's sum", round);
    messages += thread_count + 1;
}

static void make_space(void)
{
    anchor = l4_global_id(FIRST_NUMBER - 1, 1);
    require(l4_thread_control(anchor, anchor, self, L4_NIL_THREAD, L4_UTCB_UNCHANGED),
            "the space", 0);
    require(l4_space_control(anchor, 0, l4_make_fpage((word_t)(uintptr_t)l4_kip, 12, 0),
                             l4_make_fpage(UTCB_AREA, 21, 0), L4_ANY_THREAD, NULL),
            "SpaceControl", 0);
}

// Every third thread goes; its id is dead; another of the same number comes.
static void renew(void)
{
    for (word_t i = 1; i < thread_count; i += 3) {
        l4_thread_id old = id_of(i);
        require(l4_thread_delete(old), "deletion", i);
        l4_set_mr(0, 0);
        require(l4_tag_failed(l4_send_timeout(old, L4_NEVER)), "silence", i);
        require(l4_error_code() == L4_IPC_SEND_NO_PARTNER, "the dead id", i);
    }
    for (word_t i = 1; i < thread_count; i += 3)
        create(i);
}

static word_t number_option(const char *command_line, const char *name, word_t otherwise)
{
    char value[16];
    return l4_option(command_line, name, value, sizeof(value)) ? (word_t)strtoul(value, NULL, 0)
                                                               : otherwise;
}

int l4_main(const char *command_line)
{
    self = l4_my_global_id();
    thread_count = number_option(command_line, "threads", 3000);
    if (thread_count < 2 || thread_count > THREADS_MAX)
        l4_panic("threads: threads=%u is not from 2 to %u", thread_count, THREADS_MAX);
    word_t rounds = number_option(command_line, "rounds", 4);
    for (char *page = __executable_start; page < _end; page += L4_PAGE_SIZE) {
        volatile char *byte = page;
        *byte = *byte;
    }
    make_space();
    for (word_t i = 0; i < thread_count; i++)
        create(i);
    for (word_t round = 0; round < rounds; round++) {
        send_round(round);
        renew();
    }
    send_round(rounds);
    for (word_t i = 0; i < thread_count; i++)
        require(l4_thread_delete(id_of(i)), "deletion", i);
    require(l4_thread_delete(anchor), "deletion of the space", 0);
    l4_printf("threads: %u created, %u messages: passed\n", created, messages);
    return 0;
}
