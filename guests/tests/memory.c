// memory.c: a root task that uses up the kernel's memory in each way that it can be used up, and
// sees that the kernel says so, goes on, and has all of it again afterwards: the second time as
// much fits as the first time. Then pages are mapped thousands of times over, and from each to the
// next. The kernel's option kmem=2M makes it shorter.
#include <l4/ipc.h>
#include <l4/library.h>
#include <l4/print.h>
#include <l4/sigma0.h>
#include <l4/string.h>
#include <l4/thread.h>

#define FIRST_NUMBER    1000u
#define COUNT_MAX       60000u
#define CHILD_UTCB_AREA 0xA0000000u
#define CHAIN           0x90000000u // a page mapped on and on: here and upwards
#define CHAIN_LENGTH    20000u
#define FAN             0x10000000u // where children see the 4 MB
#define LARGE           (4u << 20)
#define CHILDREN        8u
#define RWX             L4_FULLY_ACCESSIBLE

static l4_thread_id self, receiver, child[CHILDREN];
static word_t receiver_stack[512] __attribute__((aligned(4096)));
static word_t child_stack[CHILDREN][1024] __attribute__((aligned(4096)));
static word_t region; // 4 MB
extern char __executable_start[], _end[];

static void require(bool condition, const char *what, word_t index)
{
    if (!condition)
        l4_panic("memory: %s fails at %u, error 0x%x", what, index, l4_error_code());
}

static word_t milliseconds(void) { return (word_t)(l4_system_clock() / 1000); }

// ---- Threads and spaces without end
// --------------------------------------------------------------

static l4_thread_id numbered(word_t index) { return l4_global_id(FIRST_NUMBER + index, 1); }

// Spaces with one inactive thread, until there is no memory for more.
static word_t spaces_until_full(void)
{
    word_t count = 0;
    while (count < COUNT_MAX && l4_thread_control(numbered(count), numbered(count), self,
                                                  L4_NIL_THREAD, L4_UTCB_UNCHANGED))
        count++;
    require(count < COUNT_MAX && l4_error_code() == L4_ERROR_NO_MEMORY, "the last space", count);
    // There is no memory for the kernel interface page's table either, or just for that.
    if (count > 0 && !l4_space_control(numbered(count - 1), 0, l4_make_fpage(0x1000, 12, 0),
                                       l4_make_fpage(CHILD_UTCB_AREA, 21, 0), L4_ANY_THREAD, NULL))
        require(l4_error_code() == L4_ERROR_NO_MEMORY, "its areas", count);
    for (word_t i = 0; i < count; i++)
        require(l4_thread_delete(numbered(i)), "deletion of a space", i);
    return count;
}

// Active threads of the root task's own space, as far as its UTCB area goes or there is memory.
static word_t threads_until_full(void)
{
    l4_thread_id anchor = numbered(COUNT_MAX);
    require(l4_thread_control(anchor, anchor, self, L4_NIL_THREAD, L4_UTCB_UNCHANGED), "a space",
            0);
    require(l4_space_control(anchor, 0, l4_make_fpage(0x1000, 12, 0),
                             l4_make_fpage(CHILD_UTCB_AREA, 25, 0), L4_ANY_THREAD, NULL),
            "its areas", 0);
    word_t count = 0;
    while (count < COUNT_MAX && l4_thread_control(numbered(count), anchor, self, self,
                                                  CHILD_UTCB_AREA + count * L4_UTCB_SIZE))
        count++;
    require(count < COUNT_MAX && l4_error_code() == L4_ERROR_NO_MEMORY, "the last thread", count);
    for (word_t i = 0; i < count; i++)
        require(l4_thread_delete(numbered(i)), "deletion of a thread", i);
    require(l4_thread_delete(anchor), "deletion of their space", 0);
    return count;
}

static void twice(const char *what, word_t (*until_full)(void))
{
    word_t start = milliseconds(), first = until_full(), second = until_full();
    l4_printf("memory: %u %s, then %u: %u ms\n", first, what, second, milliseconds() - start);
    require(second >= first, what, second); // the first round may leave a table behind in our space
}

// ---- Mappings without end
// ------------------------------------------------------------------------

// Takes whatever is mapped to it; a word tells where to read, and the answer what was there.
static void take_mappings(void *unused)
{
    (void)unused;
    l4_thread_id from;
    l4_accept(L4_COMPLETE_SPACE, false);
    l4_tag tag = l4_wait(&from);
    for (;;) {
        word_t value = 0;
        if (!l4_tag_failed(tag) && l4_tag_label(tag) == 1)
            value = *(volatile word_t *)(uintptr_t)l4_mr(1);
        l4_set_mr(1, value);
        l4_set_mr(0, l4_make_tag(2, 1, 0));
        l4_accept(L4_COMPLETE_SPACE, false);
        tag = l4_reply_wait(from, &from);
    }
}

static word_t read_by(l4_thread_id reader, word_t address)
{
    l4_set_mr(1, address);
    l4_set_mr(0, l4_make_tag(1, 1, 0));
    require(!l4_tag_failed(l4_call(reader)), "a question", address);
    return l4_mr(1);
}

// False: the kernel had no memory for it.
static bool map(l4_thread_id to, l4_fpage fpage, word_t base)
{
    l4_msg_begin(0);
    l4_msg_map(fpage, base);
    l4_tag tag = l4_call(to);
    if (!l4_tag_failed(tag))
        return true;
    require(l4_error_code() == L4_IPC_SEND_OVERFLOW, "a map item", base);
    l4_receive_timeout(to, l4_period(100000)); // the receiver was told too, and answers it
    return false;
}

static void make_child(word_t i)
{
    child[i] = l4_global_id(500 + i, 1);
    require(l4_thread_control(child[i], child[i], self, L4_NIL_THREAD, L4_UTCB_UNCHANGED), "child",
            i);
    require(l4_space_control(child[i], 0, l4_make_fpage((word_t)(uintptr_t)l4_kip, 12, 0),
                             l4_make_fpage(CHILD_UTCB_AREA, 12, 0), L4_ANY_THREAD, NULL),
            "areas of child", i);
    require(l4_thread_control(child[i], child[i], self, self, CHILD_UTCB_AREA), "child", i);
    word_t sp = l4_stack_prepare(child_stack[i], sizeof(child_stack[i]), NULL);
    require(!l4_tag_failed(l4_send_start(child[i], (word_t)(uintptr_t)take_mappings, sp)), "start",
            i);
    // Its faults for the image, until it waits for us.
    for (;;) {
        l4_tag tag = l4_receive_timeout(child[i], l4_period(20000));
        if (l4_tag_failed(tag))
            return;
        require(l4_is_page_fault(tag), "page fault of child", i);
        word_t page = l4_page_fault_address() & ~(L4_PAGE_SIZE - 1);
        require(page >= (word_t)(uintptr_t)__executable_start && page < (word_t)(uintptr_t)_end,
                "page of child", page);
        l4_put_page_fault_reply(l4_map_item(l4_make_fpage(page, 12, RWX), page));
        l4_reply(child[i]);
    }
}

// The 4 MB page by page to all children, again and again at other places.
static word_t mappings_until_full(void)
{
    for (word_t count = 0;; count++) {
        word_t round = count / (CHILDREN * 1024), page = count / CHILDREN % 1024;
        l4_fpage fpage = l4_make_fpage(region + page * L4_PAGE_SIZE, 12, RWX);
        require(round < 64, "an end of mappings", count);
        if (map(child[count % CHILDREN], fpage, FAN + round * LARGE + page * L4_PAGE_SIZE))
            continue;
        // What is mapped is there, in spite of all.
        for (word_t i = 0; i < 1024 && i < count / CHILDREN; i += 100) {
            word_t value = read_by(child[i % CHILDREN], FAN + i * L4_PAGE_SIZE);
            require(value == i, "reading while memory is full", i);
        }
        // Taking needs no memory, even where a large page has to be broken up for it.
        l4_unmap_fpage(l4_make_fpage(region + 5 * L4_PAGE_SIZE, 12, RWX), false);
        l4_unmap_fpage(l4_make_fpage(region, 22, RWX), false);
        return count;
    }
}

// ---- Deep
// ------------------------------------------------------------------------------------------

static void deep(void)
{
    word_t start = milliseconds(), length = 0;
    *(volatile word_t *)(uintptr_t)region = 0xDEE9;
    l4_fpage page = l4_make_fpage(region, 12, RWX);
    while (length < CHAIN_LENGTH && map(receiver, page, CHAIN + length * L4_PAGE_SIZE))
        page = l4_make_fpage(CHAIN + length++ * L4_PAGE_SIZE, 12, RWX);
    word_t mapped = milliseconds();
    require(length > 0, "a chain", 0);
    require(*(volatile word_t *)(uintptr_t)(CHAIN + (length - 1) * L4_PAGE_SIZE) == 0xDEE9,
            "the end of the chain", length);
    l4_unmap_fpage(l4_make_fpage(region, 12, 0), false);
    *(volatile word_t *)(uintptr_t)(CHAIN + (length - 1) * L4_PAGE_SIZE) = 1;
    require((l4_unmap_fpage(l4_make_fpage(region, 12, 0), false) & 7) == RWX, "its use", length);
    word_t asked = milliseconds();
    l4_unmap_fpage(l4_make_fpage(region, 12, RWX), false);
    word_t unmapped = milliseconds();
    require(!map(receiver, page, CHAIN) || true, "what is gone maps nothing", 0);
    l4_printf("memory: a chain of %u: %u ms; asked twice in %u, unmapped in %u ms\n", length,
              mapped - start, asked - mapped, unmapped - asked);
}

static void touch_image(void)
{
    for (char *page = __executable_start; page < _end; page += L4_PAGE_SIZE) {
        volatile char *byte = page;
        *byte = *byte;
    }
}

int l4_main(const char *command_line)
{
    (void)command_line;
    self = l4_my_global_id();
    touch_image();
    l4_fpage got = l4_sigma0_get_any(22, L4_COMPLETE_SPACE);
    require(got != L4_NIL_FPAGE, "4 MB from sigma0", 0);
    region = got & ~0x3FFu;
    for (word_t i = 0; i < 1024; i++)
        *(word_t *)(uintptr_t)(region + i * L4_PAGE_SIZE) = i;
    twice("spaces", spaces_until_full);
    twice("threads", threads_until_full);
    for (word_t i = 0; i < CHILDREN; i++)
        make_child(i);
    twice("mappings", mappings_until_full);
    for (word_t i = 0; i < CHILDREN; i++)
        require(l4_thread_delete(child[i]), "deletion of child", i);
    twice("spaces", spaces_until_full);

    receiver = l4_global_id(500, 2);
    require(l4_thread_create(receiver, 1), "the receiver", 0);
    l4_thread_start(receiver, take_mappings, NULL, receiver_stack, sizeof(receiver_stack));
    l4_sleep(l4_period(10000));
    deep();
    deep();
    twice("spaces", spaces_until_full);
    l4_printf("memory: passed\n");
    return 0;
}
