/* paths: phases from milestones, calls joined with their replies, latencies counted, and what is
 * displaced of a program's working set, each against a count by hand. */
#include "sim/report/irq_latency.h"
#include "sim/report/overlap.h"
#include "sim/report/path_marks.h"
#include "sim/report/round_trips.h"

#include "cpu/models/p5/p5.h"
#include "mmu/cache.h"
#include "tests/unit/guest.h"

/* --- phases ----------------------------------------------------------------------------------- */

static struct path_phases phases;
static struct path_mark_places places;

static bool parse(const char *text)
{
    struct symbols symbols;
    symbols_init(&symbols);
    symbols_add_text(&symbols, "1000 10 send\n2000 10 deliver\n", "test");
    memset(&places, 0, sizeof places);
    bool good = path_phases_parse(text, &symbols, &places, &phases);
    symbols_free(&symbols);
    return good;
}

static void phases_begin_at_their_milestones(void **state)
{
    (void)state;
    struct path_marks m = {0};
    uint64_t sums[PATH_PHASES_MAX] = {0};
    assert_true(parse("enter send@send switch@cr3 leave@exit"));
    path_mark(&m, PATH_MARK_ENTERED, 50); /* no phase of the rule's: enter goes on */
    path_mark_code(&m, &places, 0x1000, 60);
    path_mark_code(&m, &places, 0x1000, 70); /* the first counts */
    path_mark_code(&m, &places, 0x1040, 75); /* the filter's neighbour */
    path_mark(&m, PATH_MARK_CR3, 100);
    path_mark(&m, PATH_MARK_EXIT, 130);
    path_phases_add(&phases, &m, 160, sums);
    assert_int_equal(sums[0], 60);
    assert_int_equal(sums[1], 40);
    assert_int_equal(sums[2], 30);
    assert_int_equal(sums[3], 30);
}

/* The order is the instance's, not the rule's. */
static void phases_that_are_not_come_to_take_nothing(void **state)
{
    (void)state;
    struct path_marks m = {0};
    uint64_t sums[PATH_PHASES_MAX] = {0};
    assert_true(parse("enter send@send deliver@deliver leave@exit"));
    path_mark_code(&m, &places, 0x2000, 10);
    path_phases_add(&phases, &m, 25, sums);
    assert_int_equal(sums[0], 10);
    assert_int_equal(sums[1], 0);
    assert_int_equal(sums[2], 15);
    assert_int_equal(sums[3], 0);
}

static void phases_of_unknown_symbols_are_left_out(void **state)
{
    (void)state;
    assert_true(parse("enter other@nowhere send@send"));
    assert_int_equal(phases.count, 2);
    assert_string_equal(phases.list[1].name, "send");
    assert_false(parse("enter send"));
    assert_false(parse("enter@send"));
    assert_false(parse(""));
}

/* --- round trips ------------------------------------------------------------------------------ */

static struct round_trips trips;

static void path(uint32_t cluster, uint32_t from, uint32_t to, cycle_t begin, cycle_t end)
{
    round_trips_path(&trips, &(struct trip_path){
        .cluster = cluster, .from_thread = from, .from_space = from, .to_thread = to,
        .to_space = to, .cycles = end - begin, .begin = begin, .end = end});
}

static const struct trip_row *trip(uint32_t call, uint32_t reply)
{
    for (uint32_t i = 0; i < trips.count; i++)
        if (trips.row[i].call == call && trips.row[i].reply == reply)
            return &trips.row[i];
    fail_msg("no round trip of paths %u and %u", call, reply);
    return NULL;
}

static int begin_trips(void **state)
{
    (void)state;
    round_trips_init(&trips, 0);
    return 0;
}

static int end_trips(void **state)
{
    (void)state;
    round_trips_free(&trips);
    return 0;
}

/* "enter 20, send 168, server 131, reply 188" */
static void a_call_and_its_reply_are_a_round_trip(void **state)
{
    (void)state;
    path(7, 1, 2, 20, 188);
    path(8, 2, 1, 188 + 131, 188 + 131 + 188);
    const struct trip_row *r = trip(7, 8);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->client, 20);
    assert_int_equal(r->send, 168);
    assert_int_equal(r->server, 131);
    assert_int_equal(r->answer, 188);
    assert_int_equal(r->other, 0);
    assert_int_equal(r->min, 168 + 131 + 188);
    assert_int_equal(r->least.client, 20);
}

static void interrupts_on_the_way_are_other_cycles(void **state)
{
    (void)state;
    path(7, 1, 2, 10, 110);
    path(9, 2, 2, 130, 430); /* a tick in the server */
    path(8, 2, 1, 450, 550);
    assert_int_equal(trip(7, 8)->server, 40);
    assert_int_equal(trip(7, 8)->other, 300);
    assert_int_equal(trip(7, 8)->min, 540);
}

static void a_server_that_calls_another_serves_on(void **state)
{
    (void)state;
    path(1, 1, 2, 5, 105);
    path(2, 2, 3, 115, 215);  /* 10 of its own, then its call */
    path(3, 3, 2, 235, 335);  /* 20 in the second server */
    path(4, 2, 1, 365, 465);  /* 30 more */
    assert_int_equal(trip(2, 3)->server, 20);
    assert_int_equal(trip(2, 3)->client, 10);
    assert_int_equal(trip(1, 4)->server, 40);
    assert_int_equal(trip(1, 4)->other, 220);
    assert_int_equal(trip(1, 4)->min, 460);
}

/* Its second call had the cycles before its first one once more. */
static void a_server_that_calls_twice_is_a_client_from_its_reply_on(void **state)
{
    (void)state;
    path(1, 1, 2, 5, 105);
    path(2, 2, 3, 115, 215); /* 10 of its own, then its first call */
    path(3, 3, 2, 235, 335);
    path(5, 2, 3, 342, 442); /* 7 more, then its second */
    path(6, 3, 2, 445, 545);
    path(4, 2, 1, 575, 675); /* and 30 */
    assert_int_equal(trip(2, 3)->client, 10);
    assert_int_equal(trip(5, 6)->client, 7);
    assert_int_equal(trip(1, 4)->server, 47);
    assert_int_equal(trip(1, 4)->min, 670);
}

static void a_client_begins_anew_after_its_reply(void **state)
{
    (void)state;
    for (cycle_t t = 0; t < 3000; t += 1000) {
        path(1, 1, 2, t + 400, t + 500);
        path(2, 2, 1, t + 600, t + 1000);
    }
    assert_int_equal(trip(1, 2)->count, 3);
    assert_int_equal(trip(1, 2)->client, 3 * 400);
    assert_int_equal(trip(1, 2)->totals.values, 1);
}

/* The second server answers the first caller: the call in between is over, untold. */
static void a_reply_that_skips_a_caller_is_no_round_trip(void **state)
{
    (void)state;
    path(1, 1, 2, 5, 105);
    path(2, 2, 3, 115, 215);
    path(3, 3, 1, 235, 335);
    assert_int_equal(trips.count, 0);
    assert_int_equal(trips.depth, 0);
}

static void more_calls_than_are_kept_lose_the_oldest(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3 * TRIPS_NESTED; i++)
        path(1, i + 1, i + 2, 100 * i + 50, 100 * i + 100);
    assert_int_equal(trips.depth, TRIPS_NESTED);
    path(2, 3 * TRIPS_NESTED + 1, 3 * TRIPS_NESTED, 100000, 100100);
    assert_int_equal(trip(1, 2)->count, 1);
}

/* --- interrupts ------------------------------------------------------------------------------- */

static struct guest *g;
static struct overlap overlap;

static int begin_guest(void **state)
{
    (void)state;
    g = guest_new();
    g->mmu.geometry.large_pages_split_in_itlb = true;
    cpu_set_model(&g->cpu, model_p5_new(&p5_p133));
    overlap_init(&overlap, &g->cpu);
    return 0;
}

static int end_guest(void **state)
{
    (void)state;
    overlap_free(&overlap);
    guest_free(g);
    return 0;
}

static void deliver_at(struct irq_latency *l, cycle_t rose, cycle_t at)
{
    struct cpu *c = &g->cpu;
    c->intr_rose = rose;
    c->delivered = 0x28;
    g->clock.now = at;
    c->log.count = 1;
    c->log.list[0] = (struct access){.kind = ACCESS_NOTE, .level = NOTE_INTA};
    irq_latency_delivered(l, c);
    c->log.count = 0;
}

static void latencies_end_at_the_handler_and_at_another_program(void **state)
{
    (void)state;
    struct irq_latency l;
    irq_latency_init(&l);
    const struct irq_vector *v = &l.vector[0x28];
    deliver_at(&l, 1000, 1130);
    g->clock.now = 1500;
    irq_latency_ended(&l, &g->cpu, false);
    deliver_at(&l, 2000, 2300);
    g->clock.now = 2900;
    irq_latency_ended(&l, &g->cpu, true);
    irq_latency_ended(&l, &g->cpu, true); /* another path: no interrupt's */
    deliver_at(&l, CYCLE_NEVER, 3000);    /* its rise was before the run began */
    assert_int_equal(v->handler.count, 2);
    assert_int_equal(v->handler.min, 130);
    assert_int_equal(v->handler.max, 300);
    assert_int_equal(v->handler.max_at, 2000);
    assert_int_equal(v->program.count, 1);
    assert_int_equal(v->program.max, 900);
    deliver_at(&l, 4000, 4130);
    deliver_at(&l, 5000, 5200);
    assert_int_equal(v->handler.values.values, 3);
    irq_latency_free(&l);
}

/* --- overlap ---------------------------------------------------------------------------------- */

/* An access by somebody, through the caches as they are. */
static void touch(uint32_t pa, bool fetch, int32_t program)
{
    struct cache *cache = fetch ? &g->mmu.l1i : &g->mmu.l1d;
    int at = cache_find(cache, pa);
    struct access a = {.la = pa, .pa = pa, .kind = fetch ? ACCESS_FETCH : ACCESS_READ,
                       .level = at < 0 ? LEVEL_L2 : LEVEL_L1, .size = 4};
    const struct access *one = &a;
    if (at < 0)
        cache_fill(cache, cache_victim(cache, pa), pa, LINE_EXCLUSIVE);
    else
        cache_touch(cache, (uint32_t)at);
    if (program < 0)
        overlap_kernel(&overlap, &one, 1);
    else
        overlap_user(&overlap, (uint32_t)program, &one, 1);
}

#define WAY_BYTES(cache) ((cache).sets << (cache).line_shift)

static void a_path_shares_and_displaces_what_the_program_used(void **state)
{
    (void)state;
    uint32_t way = WAY_BYTES(g->mmu.l1d);
    touch(0x10000, false, 1);
    touch(0x10004, false, 1); /* the same line */
    touch(0x10000 + way, false, 1);
    touch(0x20040, true, 1);
    touch(0x30080, false, 2); /* another program's */
    overlap_begin(&overlap, 1);
    assert_int_equal(overlap.now.used[OVERLAP_DATA], 2);
    assert_int_equal(overlap.now.used[OVERLAP_CODE], 1);
    touch(0x10000, false, -1);
    touch(0x10008, false, -1); /* shared, but once */
    touch(0x20040, true, -1);
    touch(0x10000 + 2 * way, false, -1); /* the second line of the set goes */
    touch(0x10000 + 3 * way, false, -1); /* and the first */
    touch(0x30080, false, -1);           /* not its */
    overlap_end(&overlap);
    assert_int_equal(overlap.now.shared[OVERLAP_DATA], 1);
    assert_int_equal(overlap.now.shared[OVERLAP_CODE], 1);
    assert_int_equal(overlap.now.displaced[OVERLAP_DATA], 2);
    assert_int_equal(overlap.now.displaced[OVERLAP_CODE], 0);
    overlap_begin(&overlap, 1);
    assert_int_equal(overlap.now.used[OVERLAP_DATA], 0);
    assert_int_equal(overlap.now.used[OVERLAP_CODE], 1);
}

static void a_line_belongs_to_the_last_program_that_used_it(void **state)
{
    (void)state;
    touch(0x10000, false, 1);
    touch(0x10000, false, 20); /* beyond the room for spaces at the beginning */
    overlap_begin(&overlap, 1);
    assert_int_equal(overlap.now.used[OVERLAP_DATA], 0);
    overlap_end(&overlap);
    overlap_begin(&overlap, 20);
    assert_int_equal(overlap.now.used[OVERLAP_DATA], 1);
}

/* A brute-force twin: who used what, in a list of lines. */
static void many_accesses_agree_with_a_list_of_lines(void **state)
{
    (void)state;
    enum { LINES = 1024, PROGRAMS = 3 };
    static uint8_t owner[LINES];
    uint32_t seed = 1, displaced = 0;
    bool in_kernel = false;
    memset(owner, 0, sizeof owner);
    for (unsigned n = 0; n < 100000; n++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t line = seed >> 22, program = 1 + n / 700 % PROGRAMS;
        bool kernel = n / 70 % 10 >= 7;
        if (kernel && !in_kernel) {
            uint32_t used = 0;
            for (uint32_t i = 0; i < LINES; i++)
                used += owner[i] == program;
            overlap_begin(&overlap, program);
            assert_int_equal(overlap.now.used[OVERLAP_DATA], used);
            displaced = 0;
        } else if (!kernel && in_kernel) {
            overlap_end(&overlap);
            assert_int_equal(overlap.now.displaced[OVERLAP_DATA], displaced);
        }
        in_kernel = kernel;
        touch(line << g->mmu.l1d.line_shift, false, kernel ? -1 : (int32_t)program);
        for (uint32_t i = 0; i < LINES; i++)
            if (owner[i] && cache_find(&g->mmu.l1d, i << g->mmu.l1d.line_shift) < 0) {
                displaced += owner[i] == program;
                owner[i] = 0;
            }
        if (!kernel)
            owner[line] = (uint8_t)program;
    }
}

static void set_entry(struct tlb *t, uint32_t page, uint32_t way, uint32_t tag)
{
    t->entry[(page & (t->sets - 1)) * t->ways + way].tag = tag;
}

static void a_flush_displaces_what_programs_walked_for(void **state)
{
    (void)state;
    struct tlb *t = &g->mmu.dtlb;
    struct access walk = {.la = 0x5000, .kind = ACCESS_WALK, .level = LEVEL_L1};
    const struct access *one = &walk;
    set_entry(t, 5, 0, 5);
    overlap_user(&overlap, 1, &one, 1);
    overlap_begin(&overlap, 1);
    assert_int_equal(overlap.now.used[OVERLAP_DTLB], 1);
    set_entry(t, 5, 1, 5 + t->sets); /* the kernel's own, in the same set */
    walk.la = (5 + t->sets) << 12;
    overlap_kernel(&overlap, &one, 1);
    set_entry(t, 5, 0, TLB_INVALID);
    set_entry(t, 5, 1, TLB_INVALID);
    overlap_flush(&overlap, false);
    overlap_end(&overlap);
    assert_int_equal(overlap.now.displaced[OVERLAP_DTLB], 1);
    assert_int_equal(overlap.now.displaced[OVERLAP_ITLB], 0);
}

#define TRIP(name)  cmocka_unit_test_setup_teardown(name, begin_trips, end_trips)
#define GUEST(name) cmocka_unit_test_setup_teardown(name, begin_guest, end_guest)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_begin_at_their_milestones),
        cmocka_unit_test(phases_that_are_not_come_to_take_nothing),
        cmocka_unit_test(phases_of_unknown_symbols_are_left_out),
        TRIP(a_call_and_its_reply_are_a_round_trip),
        TRIP(interrupts_on_the_way_are_other_cycles),
        TRIP(a_server_that_calls_another_serves_on),
        TRIP(a_client_begins_anew_after_its_reply),
        TRIP(a_server_that_calls_twice_is_a_client_from_its_reply_on),
        TRIP(a_reply_that_skips_a_caller_is_no_round_trip),
        TRIP(more_calls_than_are_kept_lose_the_oldest),
        GUEST(latencies_end_at_the_handler_and_at_another_program),
        GUEST(a_path_shares_and_displaces_what_the_program_used),
        GUEST(a_line_belongs_to_the_last_program_that_used_it),
        GUEST(many_accesses_agree_with_a_list_of_lines),
        GUEST(a_flush_displaces_what_programs_walked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
