// hello.c: the smallest task that uses a little of everything: console, threads, timer, memory.
// Its exit status is 0 if all of it did what it should. With "ud2", "null" or "text" on its command
// line it dies of an undefined opcode, a read through a null pointer, a write to its own code; with
// "late", of a null pointer when the memory server is its pager; with "hog", of taking all memory.
#include <l4/alloc.h>
#include <l4/ipc.h>
#include <l4/library.h>
#include <l4/memory.h>
#include <l4/names.h>
#include <l4/print.h>
#include <l4/string.h>
#include <l4/task.h>
#include <l4/timer.h>

// The second thread: answers one call with the sum of its two words.
static void add(void *argument)
{
    l4_thread_id client;
    (void)argument;
    l4_wait(&client);
    word_t sum = l4_mr(1) + l4_mr(2);
    l4_msg_begin(0);
    l4_msg_word(sum);
    l4_send(client);
}

static bool talk_to_thread(void)
{
    static word_t stack[1024];
    l4_thread_id adder = l4_spawn(add, NULL, stack, sizeof(stack));
    if (!adder) {
        l4_printf("hello: no second thread\n");
        return false;
    }
    l4_msg_begin(1);
    l4_msg_word(40);
    l4_msg_word(2);
    l4_tag tag = l4_call(adder);
    l4_printf("hello: thread %08x says 40 + 2 = %u\n", adder, l4_mr(1));
    return !l4_tag_failed(tag) && l4_mr(1) == 42;
}

static bool sleep_a_little(void)
{
    l4_clock before = l4_system_clock();
    if (!l4_timer_sleep(20000))
        l4_sleep(l4_period(20000));
    l4_clock slept = l4_system_clock() - before;
    l4_printf("hello: slept %llu microseconds\n", slept);
    return slept >= 20000;
}

static bool use_memory(void)
{
    if (!l4_names_lookup("memory")) {
        l4_printf("hello: no memory server\n");
        return true;
    }
    word_t *block = l4_alloc(300000), sum = 0;
    if (!block)
        return false;
    for (word_t i = 0; i < 75000; i++)
        block[i] = i;
    for (word_t i = 0; i < 75000; i++)
        sum += block[i] == i;
    l4_printf("hello: %u of 75000 words are right at %p\n", sum, (void *)block);
    l4_free(block);
    return sum == 75000;
}

// More than there is, a page at a time.
static void take_all_memory(void)
{
    word_t size = 1u << 29;
    uint8_t *block = l4_memory_map(l4_memory_open(size), NULL, 0, 0, L4_READABLE | L4_WRITABLE);
    if (!block)
        return;
    for (word_t page = 0; page < size; page += L4_PAGE_SIZE)
        block[page] = 1;
}

static void die_if_told(const char *command_line)
{
    word_t *volatile nowhere = (word_t *)0x10; // volatile: gcc knows better than to read it
    word_t *volatile code = (word_t *)(uintptr_t)&die_if_told;
    if (strstr(command_line, "ud2"))
        __asm__ volatile("ud2");
    if (strstr(command_line, "null"))
        l4_printf("hello: read %u\n", *nowhere);
    if (strstr(command_line, "text"))
        *code = 0;
}

int l4_main(const char *command_line)
{
    l4_printf("hello: thread %08x, command line \"%s\"\n", l4_my_global_id(), command_line);
    die_if_told(command_line);
    bool right = talk_to_thread();
    right = sleep_a_little() && right;
    right = use_memory() && right;
    if (strstr(command_line, "late"))
        die_if_told("null");
    if (strstr(command_line, "hog"))
        take_all_memory();
    return right ? 0 : 1;
}
