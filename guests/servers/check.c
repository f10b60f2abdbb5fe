// check.c: a task that checks what the servers, the root server and sigma0 promise. It runs twice:
// once plain, and once with "peer" on its command line, as the other side of shared memory and of
// names; "spin" makes a third that only runs until it is killed. Status: how many checks failed.
#include <l4/alloc.h>
#include <l4/ipc.h>
#include <l4/library.h>
#include <l4/memory.h>
#include <l4/names.h>
#include <l4/print.h>
#include <l4/sigma0.h>
#include <l4/string.h>
#include <l4/task.h>
#include <l4/thread.h>
#include <l4/timer.h>

#define PEER_SHARED 0x2000u // dataspace -> the word at 4096 as the peer saw it
#define PEER_ADDRESS 0x40000000u
#define SHARED_WORD 0x1234ABCDu

static int failures;

static void check(bool right, const char *what)
{
    if (right)
        return;
    failures++;
    l4_printf("check: FAILED: %s\n", what);
}

// ---- Names --------------------------------------------------------------------------------------

static void check_names(void)
{
    l4_thread_id me = l4_my_global_id();
    check(l4_names_register("check"), "a free name can be had");
    check(l4_names_lookup("check") == me, "it names who registered it");
    check(l4_names_register("check"), "one's own name can be had again");
    check(!l4_names_register("timer"), "another's name cannot");
    check(l4_names_lookup("nobody") == L4_NIL_THREAD, "an unknown name is nil");
    check(l4_names_wait("peer") != L4_NIL_THREAD, "waiting for a name ends when it is there");
    check(!l4_names_register(""), "the empty name cannot be had");
}

// ---- Timer --------------------------------------------------------------------------------------

static void check_sleep(void)
{
    l4_clock before = l4_system_clock();
    check(l4_timer_sleep(30000), "the timer server answers a sleep");
    check(l4_system_clock() - before >= 30000, "it sleeps as long as it should");
}

static bool wait_for_alarm(word_t cookie)
{
    l4_thread_id from;
    l4_tag tag = l4_wait_timeout(l4_period(200000), &from);
    return !l4_tag_failed(tag) && l4_tag_label(tag) == L4_TIMER_FIRED && l4_mr(1) == cookie;
}

static void check_alarms(void)
{
    l4_clock start = l4_system_clock();
    word_t late = l4_timer_alarm(start + 60000, 0, 22);
    word_t early = l4_timer_alarm(start + 20000, 0, 11);
    check(late && early && late != early, "two alarms can be set");
    check(wait_for_alarm(11) && l4_system_clock() >= start + 20000, "the early one comes first");
    check(wait_for_alarm(22) && l4_system_clock() >= start + 60000, "then the late one");

    word_t beat = l4_timer_alarm(l4_system_clock() + 10000, 20000, 33);
    check(wait_for_alarm(33) && wait_for_alarm(33) && wait_for_alarm(33), "a beat comes again");
    check(l4_timer_cancel(beat), "it can be cancelled");
    check(!l4_timer_cancel(beat), "once");
    check(!wait_for_alarm(33), "then it comes no more");
}

// ---- Memory -------------------------------------------------------------------------------------

static void check_regions(void)
{
    word_t space = l4_memory_open(3 * L4_PAGE_SIZE);
    word_t *whole = l4_memory_map(space, NULL, 0, 0, L4_READABLE | L4_WRITABLE);
    word_t *second = l4_memory_map(space, (void *)0x70000000, L4_PAGE_SIZE, L4_PAGE_SIZE,
                                   L4_READABLE);
    check(whole && second == (word_t *)0x70000000, "a dataspace can be mapped twice");
    check(whole[0] == 0 && whole[3071] == 0, "its pages are zero at first");
    whole[1024] = 77;
    check(second[0] == 77, "both regions show the same page");
    check(!l4_memory_map(space, (void *)0x70000000, 0, 0, L4_READABLE) &&
              l4_memory_error() == L4_MEMORY_BAD,
          "regions do not overlap");
    check(!l4_memory_map(space, NULL, 0, 5 * L4_PAGE_SIZE, L4_READABLE),
          "nor exceed the dataspace");
    check(l4_memory_unmap(second), "a region can be unmapped");
    check(!l4_memory_unmap(second), "once");
    check(whole[1024] == 77, "the other region still shows the page");
    check(l4_memory_close(space), "a dataspace can be closed");
    check(!l4_memory_map(space, NULL, 0, 0, L4_READABLE) && l4_memory_error() == L4_MEMORY_NONE,
          "then it is no more");
    check(l4_memory_open(0) == 0, "an empty dataspace cannot be opened");
}

static void check_sharing(void)
{
    l4_thread_id peer = l4_names_wait("peer");
    word_t space = l4_memory_open(2 * L4_PAGE_SIZE);
    word_t *mine = l4_memory_map(space, NULL, 0, 0, L4_READABLE | L4_WRITABLE);
    mine[1024] = SHARED_WORD;
    l4_msg_begin(PEER_SHARED);
    l4_msg_word(space);
    check(!l4_tag_failed(l4_call(peer)) && l4_mr(1) == 0, "what is not shared cannot be mapped");

    check(l4_memory_share(space, peer, L4_READABLE | L4_WRITABLE), "a dataspace can be shared");
    l4_msg_begin(PEER_SHARED);
    l4_msg_word(space);
    check(!l4_tag_failed(l4_call(peer)) && l4_mr(1) == SHARED_WORD, "the peer reads what I wrote");
    check(mine[1024] == SHARED_WORD + 1, "I read what the peer wrote");
}

static void add_up(void *argument)
{
    word_t *words = argument, sum = 0;
    for (word_t i = 1; i < 100000; i++)
        sum += words[i];
    words[0] = sum;
    l4_thread_id client;
    l4_wait(&client);
    l4_msg_begin(0);
    l4_send(client);
}

// A thread whose stack and data are the memory server's.
static void check_thread_in_heap(void)
{
    word_t *words = l4_alloc(400000), *stack = l4_alloc(8192);
    for (word_t i = 1; words && i < 100000; i++)
        words[i] = i;
    l4_thread_id thread = words && stack ? l4_spawn(add_up, words, stack, 8192) : L4_NIL_THREAD;
    l4_msg_begin(1);
    check(thread && !l4_tag_failed(l4_call(thread)) && words[0] == 704982704,
          "a thread can live in dataspaces");
}

static void check_heap(void)
{
    uint8_t *blocks[16];
    bool right = true;
    for (word_t i = 0; i < 16; i++) {
        blocks[i] = l4_alloc(10000 * (i + 1));
        right = right && blocks[i];
        if (blocks[i])
            memset(blocks[i], (int)i + 1, 10000 * (i + 1));
    }
    for (word_t i = 0; i < 16 && right; i++)
        right = blocks[i][0] == i + 1 && blocks[i][10000 * (i + 1) - 1] == i + 1;
    for (word_t i = 0; i < 16; i++)
        l4_free(blocks[i]);
    check(right, "blocks of the heap keep what they hold");
}

// ---- Sigma0 -------------------------------------------------------------------------------------

// A physical address that the memory descriptors call the kernel's.
static word_t kernel_memory(void)
{
    for (word_t i = 0; i < l4_memory_descriptor_count(l4_kip); i++) {
        const struct l4_memory_descriptor *d = l4_memory_descriptor(l4_kip, i);
        if (l4_memory_type(d) == L4_MEMORY_RESERVED && !l4_memory_is_virtual(d))
            return l4_memory_low(d) & ~(L4_PAGE_SIZE - 1);
    }
    return 0;
}

static void check_sigma0(void)
{
    // As large as what is asked for, so that the page comes to its start whatever its address.
    const word_t window = l4_make_fpage(0x50000000, 16, 0);
    l4_fpage page = l4_sigma0_get_any(16, window);
    volatile word_t *word = (word_t *)0x50000000;
    check(l4_fpage_size(page) == 0x10000 && (l4_fpage_base(page) & 0xFFFF) == 0,
          "sigma0 gives 64 KB, aligned");
    *word = 5;
    check(*word == 5, "they can be used");
    check(l4_sigma0_get(l4_fpage_base(page), 12, window) != L4_NIL_FPAGE,
          "who has a region may ask for it again");
    check(l4_sigma0_get(kernel_memory(), 12, window) == L4_NIL_FPAGE,
          "nobody gets the kernel's memory");
    check(l4_sigma0_get(l4_kip->root.low, 12, window) == L4_NIL_FPAGE,
          "nor what belongs to another thread");
    check(l4_sigma0_get_any(31, window) == L4_NIL_FPAGE, "nor more than there is");
    check(l4_sigma0_get(0xB8000, 12, window) != L4_NIL_FPAGE,
          "device memory is given if asked for");

    // The request as Pistachio's library makes it: a third word, bit 3 of the fpage set.
    l4_accept(window, false);
    l4_msg_begin(L4_LABEL_SIGMA0);
    l4_msg_word(L4_SIGMA0_ANY_BASE | 12 << 4 | 8);
    l4_msg_word(0);
    l4_msg_word(0);
    l4_tag tag = l4_call(l4_sigma0_id(l4_kip));
    l4_accept_nothing();
    check(!l4_tag_failed(tag) && l4_tag_typed(tag) == 2 && l4_mr(2) != L4_NIL_FPAGE,
          "a request of three words is understood");
}

// ---- Root server --------------------------------------------------------------------------------

static word_t find_task(const char *name, struct l4_task_info *info)
{
    for (word_t task = 0; l4_root_task(task, info) == L4_ROOT_OK; task++) {
        if (strcmp(info->name, name) == 0)
            return task;
    }
    return L4_UNCHANGED;
}

static void answer_once(void *argument)
{
    l4_thread_id client;
    l4_wait(&client);
    l4_msg_begin(0);
    l4_msg_word(*(word_t *)argument);
    l4_send(client);
}

static void check_root(void)
{
    static word_t stacks[2][512], values[2] = {6, 7};
    struct l4_task_info info;
    word_t spinner = find_task("spin", &info);
    check(spinner != L4_UNCHANGED && info.state == L4_TASK_RUNNING, "the spinning task runs");
    check(l4_root_kill(spinner) == L4_ROOT_OK, "it can be killed");
    check(find_task("spin", &info) == spinner && info.state == L4_TASK_EXITED, "then it is ended");
    check(l4_root_kill(spinner) != L4_ROOT_OK, "once");
    l4_msg_begin(0);
    check(l4_tag_failed(l4_send_timeout(info.first, l4_period(10000))) &&
              l4_ipc_error() == L4_IPC_NO_PARTNER,
          "its thread is gone");

    word_t product = 1;
    for (word_t i = 0; i < 2; i++) {
        l4_thread_id thread = l4_spawn(answer_once, &values[i], stacks[i], sizeof(stacks[i]));
        l4_msg_begin(1);
        if (thread && !l4_tag_failed(l4_call(thread)))
            product *= l4_mr(1);
    }
    check(product == 42, "threads of this task answer");
    check(l4_root_irq(2, true) != L4_ROOT_OK, "the cascade's interrupt is nobody's");
    check(l4_root_irq(4, true) != L4_ROOT_OK, "the console's interrupt is the console's");
    check(l4_root_priority(l4_my_global_id(), 255) != L4_ROOT_OK, "priorities have a limit");
    check(l4_root_priority(l4_my_global_id(), 90) == L4_ROOT_OK, "and can be set below it");
}

// ---- The other side -----------------------------------------------------------------------------

static word_t look_at(word_t space)
{
    word_t *shared = l4_memory_map(space, (void *)PEER_ADDRESS, 0, 0, L4_READABLE | L4_WRITABLE);
    return shared ? shared[1024]++ : 0;
}

static _Noreturn void be_peer(void)
{
    check(l4_names_register("peer"), "the peer gets its name");
    l4_root_serve();
    for (;;) {
        l4_thread_id client;
        l4_tag tag = l4_wait(&client);
        word_t space = l4_mr(1);
        if (l4_tag_failed(tag) || l4_tag_label(tag) != PEER_SHARED)
            continue;
        word_t seen = look_at(space);
        l4_msg_begin(0);
        l4_msg_word(seen);
        l4_reply(client);
    }
}

int l4_main(const char *command_line)
{
    if (strcmp(l4_start_area()->name, "spin") == 0) {
        for (volatile word_t turns = 0;; turns++)
            ;
    }
    if (strstr(command_line, "peer"))
        be_peer();
    check_names();
    check_sleep();
    check_alarms();
    check_regions();
    check_sharing();
    check_heap();
    check_thread_in_heap();
    check_sigma0();
    check_root();
    l4_printf("check: %d failed\n", failures);
    return failures;
}
