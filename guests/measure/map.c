// map.c: pages from one space to another: mapped, granted, taken back; and the RPC that gives a
// page as its answer and takes it back before it gives the next.
#include "measure.h"

#define SIZES 9 // 1, 2, 4 .. 256 pages
#define PAGES_MAX 256u
#define WINDOW_LOG2 20 // of PAGES_MAX pages
#define COUNT 31

// Where the receiver has what it gets: far from the region and the image.
#define WINDOW 0x20000000u

static struct summary map_by_size[SIZES], unmap_by_size[SIZES], grant_by_size[SIZES];
static struct summary mapping_rpc[2];
static l4_thread_id partner;

static l4_fpage window_fpage(void)
{
    return l4_make_fpage(WINDOW, WINDOW_LOG2, 0);
}

static l4_fpage pages_at(word_t base, word_t size_log2)
{
    return l4_make_fpage(base, L4_PAGE_BITS + size_log2, L4_FULLY_ACCESSIBLE);
}

static void touch_pages(word_t base, word_t count)
{
    for (word_t i = 0; i < count; i++)
        touch(base + i * L4_PAGE_SIZE);
}

// ---- Map and unmap ----------------------------------------------------------------------------

// Takes what it is given, and answers with nothing.
static void map_receiver(void *unused)
{
    (void)unused;
    l4_thread_id from;
    l4_accept(window_fpage(), false);
    l4_wait(&from);
    for (;;) {
        l4_msg_begin(0);
        answer_and_wait(&from);
    }
}

// The sum of two samples: the call that maps, the Unmap after it.
static void measure_map(word_t size_log2)
{
    static uint32_t unmap_samples[COUNT];
    l4_fpage pages = pages_at(region, size_log2);
    for (word_t i = 0; i < WARM_COUNT + COUNT; i++) {
        word_t k = i < WARM_COUNT ? 0 : i - WARM_COUNT;
        uint32_t begin = now();
        l4_msg_begin(1);
        l4_msg_map(pages, 0);
        l4_tag tag = l4_call(partner);
        uint32_t end = now();
        if (l4_tag_failed(tag))
            done(1);
        samples[k] = end - begin;
        begin = now();
        l4_unmap_fpage(pages, false);
        end = now();
        unmap_samples[k] = end - begin;
    }
    map_by_size[size_log2] = summarise(samples, COUNT);
    unmap_by_size[size_log2] = summarise(unmap_samples, COUNT);
}

static void map_sender(void *unused)
{
    (void)unused;
    touch_pages(region, PAGES_MAX);
    for (word_t size_log2 = 0; size_log2 < SIZES; size_log2++)
        measure_map(size_log2);
    done(0);
}

// ---- Grant, there and back --------------------------------------------------------------------

static word_t grant_log2; // how much is on its way, for the receiver

static void grant_receiver(void *unused)
{
    (void)unused;
    l4_thread_id from;
    l4_accept(window_fpage(), false);
    l4_wait(&from);
    for (;;) {
        l4_msg_begin(0);
        l4_msg_grant(pages_at(WINDOW, grant_log2), 0);
        answer_and_wait(&from);
    }
}

static void grant_sender(void *unused)
{
    (void)unused;
    touch_pages(region, PAGES_MAX);
    l4_accept(l4_make_fpage(region, WINDOW_LOG2, 0), false);
    for (grant_log2 = 0; grant_log2 < SIZES; grant_log2++) {
        for (word_t i = 0; i < WARM_COUNT + COUNT; i++) {
            uint32_t begin = now();
            l4_msg_begin(1);
            l4_msg_grant(pages_at(region, grant_log2), 0);
            l4_tag tag = l4_call(partner);
            uint32_t end = now();
            if (l4_tag_failed(tag))
                done(1);
            samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
        }
        grant_by_size[grant_log2] = summarise(samples, COUNT);
    }
    done(0);
}

// ---- The mapping RPC --------------------------------------------------------------------------

// Each answer maps the pages asked for, after the last client's were taken back.
static void mapping_server(void *unused)
{
    (void)unused;
    l4_thread_id from;
    touch_pages(region, PAGES_MAX);
    l4_wait(&from);
    for (;;) {
        l4_fpage pages = pages_at(region, l4_mr(1));
        l4_unmap_fpage(pages, false);
        l4_msg_begin(0);
        l4_msg_map(pages, 0);
        answer_and_wait(&from);
    }
}

static struct summary measure_mapping_rpc(word_t size_log2)
{
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        uint32_t begin = now();
        l4_msg_begin(1);
        l4_msg_word(size_log2);
        l4_tag tag = l4_call(partner);
        uint32_t end = now();
        if (l4_tag_failed(tag))
            done(1);
        *(volatile word_t *)(uintptr_t)WINDOW = i; // it is there
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    return summarise(samples, SAMPLE_COUNT);
}

static void mapping_client(void *unused)
{
    (void)unused;
    l4_accept(window_fpage(), false);
    mapping_rpc[0] = measure_mapping_rpc(0);
    mapping_rpc[1] = measure_mapping_rpc(4);
    done(0);
}

static void run_pair(void (*server)(void *), void (*client)(void *), const char *what)
{
    struct space a = {0}, b = {0};
    partner = thread_in(&b, pager_thread, server, NULL);
    await_done(thread_in(&a, pager_thread, client, NULL), what);
    world_end();
}

void part_map(void)
{
    run_pair(map_receiver, map_sender, "map");
    for (word_t k = 0; k < SIZES; k++)
        report_number("map_rpc", "pages", 1u << k, &map_by_size[k], 1);
    for (word_t k = 0; k < SIZES; k++)
        report_number("unmap", "pages", 1u << k, &unmap_by_size[k], 1);
    run_pair(grant_receiver, grant_sender, "grant");
    for (word_t k = 0; k < SIZES; k++)
        report_number("grant", "pages", 1u << k, &grant_by_size[k], 2);
    run_pair(mapping_server, mapping_client, "mapping_rpc");
    report_number("mapping_rpc", "pages", 1, &mapping_rpc[0], 1);
    report_number("mapping_rpc", "pages", 16, &mapping_rpc[1], 1);
}
