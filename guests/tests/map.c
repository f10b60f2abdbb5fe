// map.c: mapping, granting, unmapping: clauses 120 to 135 [L4X2 4.3-4.5, 4.13, 6].
#include "suite.h"

#define RWX L4_FULLY_ACCESSIBLE
#define RX (L4_READABLE | L4_EXECUTABLE)
#define AT 0x10000000u // where the tests map to in other spaces
#define PAGE L4_PAGE_SIZE

static struct l4_item map_page(word_t page, word_t at, word_t rights)
{
    return l4_map_item(l4_make_fpage(page, L4_PAGE_BITS, rights), at);
}

// A page of the pool with a value, mapped to `at` in the space.
static void give(struct space *s, unsigned page, word_t at, word_t rights, word_t value)
{
    *word_at(pool_page(page)) = value;
    EQUAL(map_to(s, L4_COMPLETE_SPACE, map_page(pool_page(page), at, rights), NULL), 0);
}

static void pass_on(struct space *from, struct space *to, word_t at, word_t rights)
{
    map_between(from, to, L4_COMPLETE_SPACE, map_page(at, at, rights));
}

static void c120_a_mapped_page_is_read_at_the_send_base(void)
{
    struct space *s = space_make();
    HOLDS(!readable(s, AT, NULL));
    give(s, 0, AT, RWX, 0xA1);
    READS(s, AT, 0xA1);
    HOLDS(!readable(s, AT + PAGE, NULL));
    HOLDS(writable(s, AT + 8, 0xB2));
    EQUAL(*word_at(pool_page(0) + 8), 0xB2);
}

// Four pages of the pool whose common base is a multiple of their size.
static word_t four_pages(void)
{
    unsigned first = (4 - (pool_page(0) / PAGE) % 4) % 4;
    for (unsigned i = 0; i < 4; i++)
        *word_at(pool_page(first + i)) = 0x40 + i;
    return pool_page(first);
}

static void c121_the_send_base_selects_when_sizes_differ(void)
{
    struct space *s = space_make();
    word_t base = four_pages();
    // A window of one page for four: the base says which.
    EQUAL(map_to(s, l4_make_fpage(AT, 12, 0),
                 l4_map_item(l4_make_fpage(base, 14, RWX), 0x30002000), NULL),
          0);
    READS(s, AT, 0x42);
    HOLDS(!readable(s, AT + PAGE, NULL));
    // A window of sixteen pages for one: the base says where.
    EQUAL(map_to(s, l4_make_fpage(AT + 0x10000, 16, 0), map_page(base + PAGE, 0x7000, RWX), NULL),
          0);
    READS(s, AT + 0x17000, 0x41);
    HOLDS(!readable(s, AT + 0x10000, NULL));
    HOLDS(!readable(s, AT + 0x16000, NULL));
    HOLDS(!readable(s, AT + 0x18000, NULL));
    // Equal sizes: the base says nothing.
    EQUAL(map_to(s, l4_make_fpage(AT + 0x20000, 14, 0),
                 l4_map_item(l4_make_fpage(base, 14, RWX), 0x1000), NULL),
          0);
    for (unsigned i = 0; i < 4; i++)
        READS(s, AT + 0x20000 + i * PAGE, 0x40 + i);
}

static void c122_a_map_item_without_a_window_is_an_overflow(void)
{
    struct space *s = space_make();
    word_t receiver = 0;
    EQUAL(map_to(s, L4_NIL_FPAGE, map_page(pool_page(0), AT, RWX), &receiver),
          L4_IPC_SEND_OVERFLOW);
    EQUAL(receiver, L4_IPC_RECEIVE_OVERFLOW);
    HOLDS(!readable(s, AT, NULL));
}

static void c123_a_nil_fpage_maps_nothing(void)
{
    struct space *s = space_make();
    word_t receiver = 99;
    EQUAL(map_to(s, L4_COMPLETE_SPACE, l4_map_item(L4_NIL_FPAGE, AT), &receiver), 0);
    EQUAL(receiver, 0);
    HOLDS(!readable(s, AT, NULL));
    HOLDS(!readable(s, 0, NULL));
    // A part of the sender's space where it has nothing.
    EQUAL(map_to(s, L4_COMPLETE_SPACE, map_page(HOLE, AT, RWX), &receiver), 0);
    EQUAL(receiver, 0);
    HOLDS(!readable(s, AT, NULL));
}

static void c124_rights_are_those_that_the_sender_has_too(void)
{
    struct space *first = space_make(), *second = space_make();
    give(first, 0, AT, RX, 0xC3);
    READS(first, AT, 0xC3);
    HOLDS(!writable(first, AT, 1));
    pass_on(first, second, AT, RWX);
    READS(second, AT, 0xC3);
    HOLDS(!writable(second, AT, 1));
    EQUAL(*word_at(pool_page(0)), 0xC3);
}

static void c125_mapping_again_extends_rights_or_replaces(void)
{
    struct space *s = space_make();
    give(s, 0, AT, RX, 1);
    HOLDS(!writable(s, AT, 5));
    give(s, 0, AT, RWX, 1);
    HOLDS(writable(s, AT, 5));
    EQUAL(*word_at(pool_page(0)), 5);
    give(s, 0, AT, RX, 6); // fewer rights take nothing away
    HOLDS(writable(s, AT, 7));
    EQUAL(*word_at(pool_page(0)), 7);
    give(s, 1, AT, RX, 8); // another page takes its place
    READS(s, AT, 8);
    HOLDS(!writable(s, AT, 9));
    EQUAL(*word_at(pool_page(0)), 7);
}

static void c126_a_granted_page_moves_with_what_is_derived_from_it(void)
{
    struct space *holder = space_make(), *derived = space_make(), *heir = space_make();
    give(holder, 0, AT, RWX, 0xD4);
    pass_on(holder, derived, AT, RWX);
    map_between(holder, heir, L4_COMPLETE_SPACE,
                l4_grant_item(l4_make_fpage(AT, 12, RWX), AT + PAGE));
    HOLDS(!readable(holder, AT, NULL));
    READS(heir, AT + PAGE, 0xD4);
    READS(derived, AT, 0xD4);
    unmap_in(heir, 0, l4_make_fpage(AT + PAGE, 12, RWX));
    HOLDS(!readable(derived, AT, NULL));
    READS(heir, AT + PAGE, 0xD4);
    l4_unmap_fpage(l4_make_fpage(pool_page(0), 12, RWX), false); // and we are above the heir
    HOLDS(!readable(heir, AT + PAGE, NULL));
}

static void c127_unmap_takes_from_others_and_flush_from_the_caller_too(void)
{
    struct space *first = space_make(), *second = space_make();
    give(first, 0, AT, RWX, 0xE5);
    pass_on(first, second, AT, RWX);
    unmap_in(first, 0, l4_make_fpage(AT, 12, RWX));
    HOLDS(!readable(second, AT, NULL));
    READS(first, AT, 0xE5);
    pass_on(first, second, AT, RWX);
    READS(second, AT, 0xE5);
    unmap_in(first, L4_UNMAP_FLUSH, l4_make_fpage(AT, 12, RWX));
    HOLDS(!readable(second, AT, NULL));
    HOLDS(!readable(first, AT, NULL));
    EQUAL(*word_at(pool_page(0)), 0xE5);
}

static void c128_unmap_may_take_the_right_to_write_alone(void)
{
    struct space *first = space_make(), *second = space_make();
    give(first, 0, AT, RWX, 0xF6);
    pass_on(first, second, AT, RWX);
    HOLDS(writable(second, AT, 0xF7));
    unmap_in(first, 0, l4_make_fpage(AT, 12, L4_WRITABLE));
    READS(second, AT, 0xF7);
    HOLDS(!writable(second, AT, 1));
    HOLDS(writable(first, AT, 0xF8));
    unmap_in(first, L4_UNMAP_FLUSH, l4_make_fpage(AT, 12, L4_WRITABLE));
    READS(first, AT, 0xF8);
    HOLDS(!writable(first, AT, 1));
    EQUAL(*word_at(pool_page(0)), 0xF8);
}

static void c129_unmap_tells_what_was_read_and_written(void)
{
    struct space *s = space_make();
    l4_fpage query = l4_make_fpage(pool_page(0), 12, 0);
    give(s, 0, AT, RWX, 3);
    l4_unmap_fpage(query, false);
    EQUAL(l4_unmap_fpage(query, false), query);
    READS(s, AT, 3); // through the derived mapping
    EQUAL(l4_unmap_fpage(query, false), query | RX);
    EQUAL(l4_unmap_fpage(query, false), query);
    HOLDS(writable(s, AT, 4));
    EQUAL(l4_unmap_fpage(query, false), query | RWX);
    EQUAL(l4_unmap_fpage(query, false), query);
    *word_at(pool_page(0)) = 5; // through the own one
    EQUAL(l4_unmap_fpage(query, false), query | RWX);
    HOLDS(writable(s, AT, 6)); // removal tells too
    EQUAL(l4_unmap_fpage(l4_make_fpage(pool_page(0), 12, RWX), false), query | RWX);
}

static void c130_asking_without_rights_removes_nothing(void)
{
    struct space *s = space_make();
    give(s, 0, AT, RWX, 0x11);
    l4_unmap_fpage(l4_make_fpage(pool_page(0), 12, 0), false);
    l4_unmap_fpage(l4_make_fpage(pool_page(0), 12, 0), true);
    READS(s, AT, 0x11);
    HOLDS(writable(s, AT, 0x12));
    EQUAL(*word_at(pool_page(0)), 0x12);
}

#define LEVELS 5

static void c131_unmap_reaches_all_levels_and_branches(void)
{
    struct space *spine[LEVELS], *leaf[LEVELS];
    for (unsigned i = 0; i < LEVELS; i++) {
        spine[i] = space_make();
        leaf[i] = space_make();
        if (i == 0)
            give(spine[0], 0, AT, RWX, 0x77);
        else
            pass_on(spine[i - 1], spine[i], AT, RWX);
        pass_on(spine[i], leaf[i], AT, RWX);
        map_between(spine[i], leaf[i], L4_COMPLETE_SPACE, map_page(AT, AT + 0x5000, RX));
    }
    for (unsigned i = 0; i < LEVELS; i++)
        READS(leaf[i], AT + 0x5000, 0x77);
    unmap_in(spine[2], 0, l4_make_fpage(AT, 12, RWX));
    for (unsigned i = 0; i < LEVELS; i++) {
        EQUAL(readable(spine[i], AT, NULL), i <= 2);
        EQUAL(readable(leaf[i], AT, NULL), i < 2);
        EQUAL(readable(leaf[i], AT + 0x5000, NULL), i < 2);
    }
    l4_unmap_fpage(l4_make_fpage(pool_page(0), 12, RWX), false);
    for (unsigned i = 0; i < LEVELS; i++) {
        EQUAL(readable(spine[i], AT, NULL), false);
        EQUAL(readable(leaf[i], AT, NULL), false);
    }
    EQUAL(*word_at(pool_page(0)), 0x77);
}

static volatile word_t survivor[3];

static void flush_everything(void *unused)
{
    (void)unused;
    l4_set_tcr(L4_TCR_THREAD_WORD1, 0x1234);
    l4_unmap_fpage(L4_COMPLETE_SPACE | RWX, true); // code and stack are asked for again
    survivor[0] = l4_kip->magic;
    survivor[1] = l4_tcr(L4_TCR_THREAD_WORD1);
    survivor[2] = l4_my_global_id();
}

static void c132_kip_and_utcbs_survive_a_flush_of_everything(void)
{
    struct space *s = space_make();
    give(s, 0, AT, RWX, 1);
    for (unsigned i = 0; i < 3; i++)
        survivor[i] = 0;
    struct helper h = helper_start(s, flush_everything, NULL);
    EQUAL(survivor[0], L4_KIP_MAGIC);
    EQUAL(survivor[1], 0x1234);
    EQUAL(survivor[2], h.id);
    HOLDS(!readable(s, AT, NULL));
}

static void c133_kip_and_utcbs_can_be_mapped_neither_from_nor_over(void)
{
    struct space *s = space_make();
    word_t sources[] = {ADDRESS(l4_kip), l4_utcb_area};
    for (unsigned i = 0; i < 2; i++) {
        map_to(s, L4_COMPLETE_SPACE, map_page(sources[i], AT, RWX), NULL);
        HOLDS(!readable(s, AT, NULL));
    }
    give(s, 0, s->kip, RWX, 0xBAD);
    READS(s, s->kip, L4_KIP_MAGIC);
    struct helper h = helper_start(s, wait_for_ever, NULL);
    give(s, 0, s->utcb_base, RWX, 0xBAD);
    READS(s, h.local + 4 * (word_t)L4_TCR_MY_GLOBAL_ID, h.id);
}

static void check_hole(struct space *s, word_t hole, word_t region)
{
    HOLDS(!readable(s, hole, NULL));
    READS(s, hole - PAGE, region + (hole - PAGE - 0x20000000));
    READS(s, hole + PAGE, region + (hole + PAGE - 0x20000000));
    READS(s, 0x20000000, region);
    READS(s, 0x20000000 + BIG_SIZE - PAGE, region + BIG_SIZE - PAGE);
}

static void c134_one_page_can_be_unmapped_out_of_a_large_one(void)
{
    word_t region = big_region(0);
    for (word_t offset = 0; offset < BIG_SIZE; offset += PAGE)
        *word_at(region + offset) = region + offset;
    struct space *s = space_make();
    EQUAL(map_to(s, L4_COMPLETE_SPACE, l4_map_item(l4_make_fpage(region, 22, RWX), 0x20000000),
                 NULL),
          0);
    READS(s, 0x20000000 + 0x123000, region + 0x123000);
    unmap_in(s, L4_UNMAP_FLUSH, l4_make_fpage(0x20000000 + 0x123000, 12, RWX)); // by the child
    check_hole(s, 0x20123000, region);
    l4_unmap_fpage(l4_make_fpage(region + 0x200000, 12, RWX), false); // by us
    check_hole(s, 0x20200000, region);
    check_hole(s, 0x20123000, region);
    EQUAL(*word_at(region + 0x123000), region + 0x123000);
    l4_unmap_fpage(l4_make_fpage(region, 22, RWX), false);
    HOLDS(!readable(s, 0x20000000, NULL));
    HOLDS(!readable(s, 0x20300000, NULL));
}

static void c135_a_space_takes_its_derived_mappings_along(void)
{
    struct space *first = space_make(), *second = space_make(), *third = space_make();
    give(first, 0, AT, RWX, 0x99);
    pass_on(first, second, AT, RWX);
    pass_on(second, third, AT, RWX);
    READS(third, AT, 0x99);
    EQUAL(l4_thread_delete(second->anchor), 1); // all its helpers are deleted already
    HOLDS(!readable(third, AT, NULL));
    READS(first, AT, 0x99);
    EQUAL(*word_at(pool_page(0)), 0x99);
}

const struct test map_tests[] = {
    TEST(c120_a_mapped_page_is_read_at_the_send_base),
    TEST(c121_the_send_base_selects_when_sizes_differ),
    TEST(c122_a_map_item_without_a_window_is_an_overflow),
    TEST(c123_a_nil_fpage_maps_nothing),
    TEST(c124_rights_are_those_that_the_sender_has_too),
    TEST(c125_mapping_again_extends_rights_or_replaces),
    TEST(c126_a_granted_page_moves_with_what_is_derived_from_it),
    TEST(c127_unmap_takes_from_others_and_flush_from_the_caller_too),
    TEST(c128_unmap_may_take_the_right_to_write_alone),
    TEST(c129_unmap_tells_what_was_read_and_written),
    TEST(c130_asking_without_rights_removes_nothing),
    TEST(c131_unmap_reaches_all_levels_and_branches),
    TEST(c132_kip_and_utcbs_survive_a_flush_of_everything),
    TEST(c133_kip_and_utcbs_can_be_mapped_neither_from_nor_over),
    TEST(c134_one_page_can_be_unmapped_out_of_a_large_one),
    TEST(c135_a_space_takes_its_derived_mappings_along),
    TESTS_END,
};
