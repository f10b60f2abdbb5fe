/* REP: chunks, resumption, where a chunk is cut, and the order of port checks. */
#include "tests/unit/insn_bench.h"

static int setup(void **state)
{
    *state = bench_new();
    return 0;
}

static int teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static void rep_stops_at_the_limit_and_resumes(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    c->rep_limit = 3;
    c->r[EAX] = 0x11223344;
    c->r[EDI] = 0x4000;
    c->r[ECX] = 5;
    assert_int_equal(RUN(b, "\xF3\xAB"), BENCH_NO_FAULT);
    assert_true(c->rep_running);
    assert_int_equal(c->eip, 0x1000);
    assert_int_equal(c->r[ECX], 2);
    assert_int_equal(c->r[EDI], 0x400C);
    assert_int_equal(bench_word(b, 0x400C, 4), 0);
    assert_int_equal(RUN(b, "\xF3\xAB"), BENCH_NO_FAULT);
    assert_false(c->rep_running);
    assert_int_equal(c->eip, 0x1002);
    assert_int_equal(bench_word(b, 0x4010, 4), 0x11223344);
}

static void rep_with_count_zero_touches_nothing(void **state)
{
    struct bench *b = *state;
    b->cpu.seg[ES].limit = b->cpu.seg[ES].fast_limit = 0;
    b->cpu.r[EDI] = 0x4000;
    assert_int_equal(RUN(b, "\xF3\xAB"), BENCH_NO_FAULT);
    assert_false(b->cpu.rep_running);
    assert_int_equal(b->cpu.eip, 0x1002);
}

static void movs_upwards_onto_its_source_repeats_the_pattern(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    for (unsigned turn = 0; turn < 2; turn++) { /* the second finds both pages in the fast table */
        memset(b->ram + 0x4000, 0, 64);
        bench_put(b, 0x4000, 1, 0xAB);
        c->r[ESI] = 0x4000;
        c->r[EDI] = 0x4001;
        c->r[ECX] = 32;
        c->eip = 0x1000;
        assert_int_equal(RUN(b, "\xF3\xA4"), BENCH_NO_FAULT);
        assert_int_equal(bench_word(b, 0x4020, 1), 0xAB);
        assert_int_equal(bench_word(b, 0x4021, 1), 0);
        assert_int_equal(c->r[EDI], 0x4021);
    }
}

static void a_chunk_ends_with_its_page(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    c->r[ESI] = 0x2000;
    c->r[EDI] = 0x4FF8;
    c->r[ECX] = 4;
    assert_int_equal(RUN(b, "\xF3\xA5"), BENCH_NO_FAULT);
    assert_true(c->rep_running);
    assert_int_equal(c->r[ECX], 2);
    assert_int_equal(RUN(b, "\xF3\xA5"), BENCH_NO_FAULT);
    assert_false(c->rep_running);
}

static void downwards_a_chunk_ends_with_its_page_too(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    c->eflags |= F_DF;
    c->r[ESI] = 0x2100;
    c->r[EDI] = 0x5004;
    c->r[ECX] = 4;
    assert_int_equal(RUN(b, "\xF3\xA5"), BENCH_NO_FAULT);
    assert_true(c->rep_running);
    assert_int_equal(c->r[ECX], 2);
    assert_int_equal(c->r[EDI], 0x4FFC);
}

static void a_fault_comes_only_with_the_first_iteration_of_a_chunk(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    c->seg[ES].limit = c->seg[ES].fast_limit = 0x4009;
    c->r[EDI] = 0x4000;
    c->r[ECX] = 4;
    assert_int_equal(RUN(b, "\xF3\xAB"), BENCH_NO_FAULT);
    assert_true(c->rep_running);
    assert_int_equal(c->r[ECX], 2);
    assert_int_equal(RUN(b, "\xF3\xAB"), EXC_GP);
    assert_int_equal(c->r[ECX], 2);
    assert_int_equal(c->r[EDI], 0x4008);
}

static void sixteen_bit_pointers_wrap_and_keep_their_upper_halves(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    c->r[EDI] = 0x1234FFFF;
    c->r[ECX] = 0x56780002;
    c->r[EAX] = 0x77;
    assert_int_equal(RUN(b, "\x67\xF3\xAA"), BENCH_NO_FAULT);
    assert_true(c->rep_running);
    assert_int_equal(c->r[EDI], 0x12340000);
    assert_int_equal(RUN(b, "\x67\xF3\xAA"), BENCH_NO_FAULT);
    assert_int_equal(c->r[EDI], 0x12340001);
    assert_int_equal(c->r[ECX], 0x56780000);
    assert_int_equal(bench_word(b, 0xFFFF, 1), 0x77);
    assert_int_equal(bench_word(b, 0, 1), 0x77);
}

static void repne_scas_stops_after_the_match(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    memcpy(b->ram + 0x4000, "abc", 4);
    c->r[EDI] = 0x4000;
    c->r[ECX] = 0xFFFFFFFF;
    c->r[EAX] = 0;
    assert_int_equal(RUN(b, "\xF2\xAE"), BENCH_NO_FAULT);
    assert_false(c->rep_running);
    assert_int_equal(c->r[EDI], 0x4004);
    assert_int_equal(c->r[ECX], 0xFFFFFFFB);
    assert_true(get_zf(c));
}

static void a_segment_prefix_moves_the_source_only(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    c->seg[FS].base = 0x6000;
    bench_put(b, 0x6010, 4, 0xFEED);
    c->r[ESI] = 0x10;
    c->r[EDI] = 0x4000;
    assert_int_equal(RUN(b, "\x64\xA5"), BENCH_NO_FAULT);
    assert_int_equal(bench_word(b, 0x4000, 4), 0xFEED);
}

struct port {
    unsigned reads, writes;
};

static uint32_t port_read(void *owner, uint32_t address, unsigned size)
{
    (void)address;
    (void)size;
    return 0x40 + ((struct port *)owner)->reads++;
}

static void port_write(void *owner, uint32_t address, unsigned size, uint32_t value)
{
    (void)address;
    (void)size;
    (void)value;
    ((struct port *)owner)->writes++;
}

static void map_port(struct bench *b, struct port *p)
{
    bus_map_ports(&b->bus, (struct bus_range){0x60, 0x63, 4, port_read, port_write, p, "port"});
    b->cpu.r[EDX] = 0x60;
}

static void ins_checks_memory_before_it_reads_the_port(void **state)
{
    struct bench *b = *state;
    struct port p = {0, 0};
    map_port(b, &p);
    b->cpu.seg[ES].limit = b->cpu.seg[ES].fast_limit = 0x4000;
    b->cpu.r[EDI] = 0x4000;
    b->cpu.r[ECX] = 2;
    assert_int_equal(RUN(b, "\xF3\x6C"), BENCH_NO_FAULT);
    assert_int_equal(p.reads, 1);
    assert_int_equal(bench_word(b, 0x4000, 1), 0x40);
    assert_int_equal(RUN(b, "\xF3\x6C"), EXC_GP);
    assert_int_equal(p.reads, 1);
}

static void ports_beyond_iopl_go_through_the_bitmap(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    struct port p = {0, 0};
    map_port(b, &p);
    bench_cpl(b, 3);
    c->tr = (struct segment){.base = 0x5000, .limit = 0x67 + 16, .access = 0x8B, .valid = true};
    bench_put(b, 0x5066, 2, 0x68);
    memset(b->ram + 0x5068, 0xFF, 16);
    assert_int_equal(RUN(b, "\xEE"), EXC_GP); /* OUT DX, AL */
    assert_int_equal(p.writes, 0);
    b->ram[0x5068 + 0x60 / 8] = 0xFE; /* port 60 only */
    assert_int_equal(RUN(b, "\xEE"), BENCH_NO_FAULT);
    assert_int_equal(RUN(b, "\x66\xEF"), EXC_GP); /* two ports, one allowed */
    assert_int_equal(p.writes, 1);
    c->tr.limit = 0x68 + 0x60 / 8; /* the second byte of the bitmap's pair is outside */
    assert_int_equal(RUN(b, "\xEE"), EXC_GP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rep_stops_at_the_limit_and_resumes),
        TEST(rep_with_count_zero_touches_nothing),
        TEST(movs_upwards_onto_its_source_repeats_the_pattern),
        TEST(a_chunk_ends_with_its_page),
        TEST(downwards_a_chunk_ends_with_its_page_too),
        TEST(a_fault_comes_only_with_the_first_iteration_of_a_chunk),
        TEST(sixteen_bit_pointers_wrap_and_keep_their_upper_halves),
        TEST(repne_scas_stops_after_the_match),
        TEST(a_segment_prefix_moves_the_source_only),
        TEST(ins_checks_memory_before_it_reads_the_port),
        TEST(ports_beyond_iopl_go_through_the_bitmap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
