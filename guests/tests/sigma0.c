// sigma0.c: the initial pager: clauses 159 to 161 [L4X2 5.6, 6].
#include "suite.h"

#include <l4/sigma0.h>

struct request {
    word_t base, log2_size;
    l4_fpage window, given;
    volatile bool done;
};

static void make_request(void *request)
{
    struct request *r = request;
    r->given = l4_sigma0_get(r->base, r->log2_size, r->window);
    r->done = true;
}

static void check_refused_elsewhere(struct space *s, word_t base)
{
    struct request r = {base, 12, L4_COMPLETE_SPACE, 99, false};
    struct helper h = helper_start(s, make_request, &r);
    HOLDS(r.done);
    EQUAL(r.given, L4_NIL_FPAGE);
    helper_delete(&h);
}

// A page that sigma0 still has, from 48 MB downward.
static word_t get_any_fixed_page(void)
{
    for (word_t base = 48u << 20; base > 16u << 20; base -= L4_PAGE_SIZE) {
        l4_fpage given = l4_sigma0_get(base, 12, L4_COMPLETE_SPACE);
        if (given != L4_NIL_FPAGE) {
            EQUAL(given, l4_make_fpage(base, 12, L4_FULLY_ACCESSIBLE));
            return base;
        }
    }
    HOLDS(false);
    return 0;
}

static void c159_a_page_goes_to_the_first_who_asks(void)
{
    struct space *s = space_make();
    word_t base = get_any_fixed_page();
    *word_at(base) = 0x516A0; // it is ours to use
    EQUAL(*word_at(base), 0x516A0);
    EQUAL(l4_fpage_base(l4_sigma0_get(base, 12, L4_COMPLETE_SPACE)), base); // again
    EQUAL(*word_at(base), 0x516A0);
    check_refused_elsewhere(s, base);
    check_refused_elsewhere(s, ADDRESS(pool)); // the root server's image
    l4_unmap_fpage(l4_make_fpage(base, 12, L4_FULLY_ACCESSIBLE), true);
}

static bool conventional(word_t low, word_t high)
{
    word_t type = L4_MEMORY_UNDEFINED;
    for (word_t i = 0; i < l4_memory_descriptor_count(l4_kip); i++) {
        const struct l4_memory_descriptor *d = l4_memory_descriptor(l4_kip, i);
        if (!l4_memory_is_virtual(d) && low <= l4_memory_high(d) && high >= l4_memory_low(d))
            type = low >= l4_memory_low(d) && high <= l4_memory_high(d) ? l4_memory_type(d) : 0;
    }
    return type == L4_MEMORY_CONVENTIONAL;
}

static void c160_any_memory_of_a_size_is_conventional_and_aligned(void)
{
    word_t last = 0;
    for (word_t bits = 12; bits <= 20; bits += 2) {
        l4_fpage given = l4_sigma0_get_any(bits, L4_COMPLETE_SPACE);
        word_t base = l4_fpage_base(given), size = 1u << bits;
        EQUAL(l4_fpage_log2_size(given), bits);
        EQUAL(l4_fpage_rights(given), L4_FULLY_ACCESSIBLE);
        EQUAL(base & (size - 1), 0);
        HOLDS(conventional(base, base + size - 1));
        HOLDS(base != last);
        last = base;
        *word_at(base) = bits;
        *word_at(base + size - 4) = ~bits;
        EQUAL(*word_at(base + size - 4), ~bits);
        l4_unmap_fpage(l4_make_fpage(base, bits, L4_FULLY_ACCESSIBLE), true);
    }
}

static void c161_video_memory_is_given_to_the_root_server(void)
{
    l4_fpage given = l4_sigma0_get(0xB8000, 12, l4_make_fpage(SCRATCH, 12, 0));
    EQUAL(given, l4_make_fpage(0xB8000, 12, L4_FULLY_ACCESSIBLE));
    volatile uint16_t *cell = (volatile uint16_t *)SCRATCH;
    uint16_t before = cell[79];
    cell[79] = 0x0741;
    EQUAL(cell[79], 0x0741);
    cell[79] = before;
}

const struct test sigma0_tests[] = {
    TEST(c159_a_page_goes_to_the_first_who_asks),
    TEST(c160_any_memory_of_a_size_is_conventional_and_aligned),
    TEST(c161_video_memory_is_given_to_the_root_server),
    TESTS_END,
};
