/* Bit strings, exchanges and moves whose order or addressing is easily got wrong. */
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

static void bts_reaches_below_its_address_with_a_negative_offset(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = (uint32_t)-33; /* two doublewords down, bit 31 */
    b->cpu.r[EBX] = 0x4008;
    assert_int_equal(RUN(b, "\x0F\xAB\x03"), BENCH_NO_FAULT); /* BTS [EBX], EAX */
    assert_int_equal(bench_word(b, 0x4000, 4), 0x80000000);
    assert_false(get_cf(&b->cpu));
    b->cpu.r[EAX] = 0x8000FFFF; /* BT [EBX], AX: one word down, bit 15 */
    bench_put(b, 0x4006, 2, 0x8000);
    assert_int_equal(RUN(b, "\x66\x0F\xA3\x03"), BENCH_NO_FAULT);
    assert_true(get_cf(&b->cpu));
}

static void bt_with_an_immediate_stays_inside_the_operand(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EBX] = 0x4000;
    bench_put(b, 0x4000, 4, 2);
    assert_int_equal(RUN(b, "\x0F\xBA\x23\x21"), BENCH_NO_FAULT); /* BT [EBX], 33 */
    assert_true(get_cf(&b->cpu));
}

static void bsf_of_zero_keeps_its_destination(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 77;
    b->cpu.r[ECX] = 0;
    assert_int_equal(RUN(b, "\x0F\xBC\xC1"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 77);
    assert_true(get_zf(&b->cpu));
}

static void count_write(void *owner, paddr_t pa, unsigned size)
{
    (void)size;
    assert_int_equal(pa, 0x4000);
    ++*(unsigned *)owner;
}

static void cmpxchg_writes_memory_even_when_unequal(void **state)
{
    struct bench *b = *state;
    unsigned writes = 0;
    b->page_flags[4] = PAGE_CODE; /* so that somebody is told of the write */
    b->mmu.code_written = count_write;
    b->mmu.code_owner = &writes;
    b->cpu.r[EBX] = 0x4000;
    b->cpu.r[EAX] = 1;
    b->cpu.r[ECX] = 9;
    bench_put(b, 0x4000, 4, 5);
    assert_int_equal(RUN(b, "\x0F\xB1\x0B"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 5);
    assert_int_equal(bench_word(b, 0x4000, 4), 5);
    assert_int_equal(writes, 1);
    assert_false(get_zf(&b->cpu));
}

static void cmpxchg8b_exchanges_eight_bytes(void **state)
{
    struct bench *b = *state;
    struct cpu *c = &b->cpu;
    bench_put(b, 0x4000, 4, 1);
    bench_put(b, 0x4004, 4, 2);
    c->r[ESI] = 0x4000;
    c->r[EAX] = 1;
    c->r[EDX] = 2;
    c->r[EBX] = 3;
    c->r[ECX] = 4;
    assert_int_equal(RUN(b, "\xF0\x0F\xC7\x0E"), BENCH_NO_FAULT);
    assert_true(get_zf(c));
    assert_int_equal(bench_word(b, 0x4000, 4), 3);
    assert_int_equal(bench_word(b, 0x4004, 4), 4);
    assert_int_equal(RUN(b, "\x0F\xC7\x0E"), BENCH_NO_FAULT);
    assert_false(get_zf(c));
    assert_int_equal(c->r[EAX], 3);
    assert_int_equal(c->r[EDX], 4);
}

static void cmpxchg8b_of_a_register_is_invalid(void **state)
{
    struct bench *b = *state;
    uint8_t code[] = {0xF0, 0x0F, 0xC7, 0xC8};
    struct op o;
    decode(b->cpu.decoder, b->cpu.mode_key, 0x1000, code, sizeof code, &o);
    assert_string_equal(o.row->name, "(bad)");
}

static void xadd_of_a_register_with_itself_doubles_it(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 21;
    assert_int_equal(RUN(b, "\x0F\xC1\xC0"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 42);
}

static void xchg_with_memory_locks_without_the_prefix(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 7;
    b->cpu.r[EBX] = 0x4000;
    bench_put(b, 0x4000, 4, 8);
    assert_int_equal(RUN(b, "\x87\x03"), BENCH_NO_FAULT);
    assert_true(b->mmu.locked);
    assert_int_equal(b->cpu.r[EAX], 8);
    assert_int_equal(bench_word(b, 0x4000, 4), 7);
}

static void xchg_with_the_accumulator_knows_its_register(void **state)
{
    struct bench *b = *state;
    b->cpu.r[EAX] = 1;
    b->cpu.r[EDI] = 2;
    assert_int_equal(RUN(b, "\x97"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 2);
    assert_int_equal(b->cpu.r[EDI], 1);
    assert_int_equal(b->op.rm, EDI);
}

static void an_odd_word_in_page_zero_is_read(void **state)
{
    struct bench *b = *state;
    bench_put(b, 0x101, 2, 0xBEEF);
    b->cpu.r[EAX] = 0;
    assert_int_equal(RUN(b, "\x66\xA1\x01\x01\x00\x00"), BENCH_NO_FAULT);
    assert_int_equal(b->cpu.r[EAX], 0xBEEF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bts_reaches_below_its_address_with_a_negative_offset, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(bt_with_an_immediate_stays_inside_the_operand, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(bsf_of_zero_keeps_its_destination, setup, teardown),
        cmocka_unit_test_setup_teardown(cmpxchg_writes_memory_even_when_unequal, setup, teardown),
        cmocka_unit_test_setup_teardown(cmpxchg8b_exchanges_eight_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(cmpxchg8b_of_a_register_is_invalid, setup, teardown),
        cmocka_unit_test_setup_teardown(xadd_of_a_register_with_itself_doubles_it, setup, teardown),
        cmocka_unit_test_setup_teardown(xchg_with_memory_locks_without_the_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(xchg_with_the_accumulator_knows_its_register, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_odd_word_in_page_zero_is_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
