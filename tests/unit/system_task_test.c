/* Hardware task switches. */
#include "guest.h"

#include "cpu/debug.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

static unsigned type_of(const struct guest *g, unsigned selector)
{
    return guest_peek(g, guest_gdt(selector) + 5, 1) & 0xF;
}

static uint32_t frame(const struct guest *g, unsigned n)
{
    return guest_peek(g, g->cpu.r[ESP] + 4 * n, 4);
}

TEST(jmp_to_a_task_saves_and_loads_everything)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_other_task(g);
    g->cpu.r[EAX] = 0xCAFEBABE;
    guest_bytes(g, GUEST_CODE, "\xEA\x00\x00\x00\x00\x30\x00");
    guest_bytes(g, GUEST_FREE, "\xF4");
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.tr.selector, GUEST_OTHER_SELECTOR);
    assert_int_equal(g->cpu.r[EDI], 0x77777777);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK3);
    assert_true(g->cpu.cr0 & CR0_TS);
    assert_int_equal(guest_peek(g, GUEST_TSS + 0x20, 4), GUEST_CODE + 7);
    assert_int_equal(guest_peek(g, GUEST_TSS + 0x28, 4), 0xCAFEBABE);
    assert_int_equal(guest_peek(g, GUEST_TSS + 0x4C, 2), GUEST_CODE0);
    assert_int_equal(type_of(g, GUEST_TSS_SELECTOR), 9);
    assert_int_equal(type_of(g, GUEST_OTHER_SELECTOR), 11);
    assert_false(g->cpu.eflags & F_NT);
    guest_free(g);
}

TEST(call_links_and_iret_returns)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_other_task(g);
    guest_bytes(g, GUEST_CODE, "\x9A\x00\x00\x00\x00\x30\x00\xCD\x41");
    guest_bytes(g, GUEST_FREE, "\xCF");
    assert_int_equal(guest_run(g), 0x41);
    assert_int_equal(guest_peek(g, GUEST_TSS_OTHER, 2), GUEST_TSS_SELECTOR);
    assert_int_equal(g->cpu.tr.selector, GUEST_TSS_SELECTOR);
    assert_int_equal(type_of(g, GUEST_TSS_SELECTOR), 11);
    assert_int_equal(type_of(g, GUEST_OTHER_SELECTOR), 9);
    assert_int_equal(frame(g, 0), GUEST_CODE + 9);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK - 12);
    assert_int_equal(guest_peek(g, GUEST_TSS_OTHER + 0x24, 4) & F_NT, 0);
    guest_free(g);
}

TEST(busy_task_cannot_be_called)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_bytes(g, GUEST_CODE, "\x9A\x00\x00\x00\x00\x28\x00");
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(frame(g, 0), GUEST_TSS_SELECTOR);
    guest_free(g);
}

TEST(short_tss_is_invalid)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_other_task(g);
    guest_poke(g, guest_gdt(GUEST_OTHER_SELECTOR), 2, 0x66);
    guest_bytes(g, GUEST_CODE, "\xEA\x00\x00\x00\x00\x30\x00");
    assert_int_equal(guest_run(g), EXC_TS);
    assert_int_equal(frame(g, 0), GUEST_OTHER_SELECTOR);
    assert_int_equal(frame(g, 1), GUEST_CODE);
    assert_int_equal(type_of(g, GUEST_TSS_SELECTOR), 11);
    guest_free(g);
}

TEST(bad_selector_faults_in_the_new_task)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_other_task(g);
    guest_poke(g, GUEST_TSS_OTHER + 0x54, 2, 0x800); /* DS */
    g->cpu.gdt_limit = 0x7F;
    guest_bytes(g, GUEST_CODE, "\xEA\x00\x00\x00\x00\x30\x00");
    assert_int_equal(guest_run(g), EXC_TS);
    assert_int_equal(g->cpu.tr.selector, GUEST_OTHER_SELECTOR);
    assert_int_equal(frame(g, 0), 0x800);
    assert_int_equal(frame(g, 1), GUEST_FREE);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK3 - 16);
    guest_free(g);
}

TEST(interrupt_through_a_task_gate_pushes_its_error_code_there)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_other_task(g);
    guest_gate(g, guest_idt(EXC_GP), GUEST_OTHER_SELECTOR, 0, 0x85, 0);
    guest_user(g);
    guest_bytes(g, GUEST_CODE, "\xCD\x41");
    guest_bytes(g, GUEST_FREE, "\xF4");
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(frame(g, 0), 0x41 * 8 + 2);
    assert_int_equal(g->cpu.cpl, 0);
    assert_int_equal(guest_peek(g, GUEST_TSS + 0x20, 4), GUEST_CODE);
    assert_true(guest_peek(g, GUEST_TSS + 0x24, 4) & F_RF);
    assert_true(g->cpu.eflags & F_NT);
    guest_free(g);
}

TEST(t_bit_traps_before_the_first_instruction)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_other_task(g);
    guest_poke(g, GUEST_TSS_OTHER + 0x64, 2, 1);
    g->cpu.dr[7] |= DR7_LOCAL;
    guest_bytes(g, GUEST_CODE, "\xEA\x00\x00\x00\x00\x30\x00");
    assert_int_equal(guest_run(g), EXC_DB);
    assert_int_equal(frame(g, 0), GUEST_FREE);
    assert_true(g->cpu.dr[6] & DR6_BT);
    assert_int_equal(g->cpu.dr[7], DR7_FIXED);
    guest_free(g);
}

TEST(switch_to_a_v86_task)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_other_task(g);
    guest_poke(g, GUEST_TSS_OTHER + 0x20, 4, 0x10);
    guest_poke(g, GUEST_TSS_OTHER + 0x24, 4, F_VM | F_IOPL | 2);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        guest_poke(g, GUEST_TSS_OTHER + 0x48 + 4 * i, 4, GUEST_V86 >> 4);
    guest_poke(g, GUEST_TSS_OTHER + 4, 4, GUEST_STACK0);
    guest_poke(g, GUEST_TSS_OTHER + 8, 4, GUEST_DATA0);
    guest_bytes(g, GUEST_CODE, "\xEA\x00\x00\x00\x00\x30\x00");
    guest_bytes(g, GUEST_V86 + 0x10, "\xCD\x30");
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(frame(g, 0), 0x12);
    assert_int_equal(frame(g, 2), F_VM | F_IOPL | 2);
    guest_free(g);
}

TEST(task_of_16_bits)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_descriptor(g, GUEST_OTHER_SELECTOR, GUEST_TSS_OTHER, 0x2B, 0x81, 0);
    guest_descriptor(g, GUEST_SPARE, GUEST_FREE, 0xFFFF, 0x9B, 0);
    guest_descriptor(g, GUEST_SPARE + 8, GUEST_FREE, 0xFFFF, 0x93, 0);
    guest_poke(g, GUEST_TSS_OTHER + 0x0E, 2, 0x40);
    guest_poke(g, GUEST_TSS_OTHER + 0x10, 2, 2);
    guest_poke(g, GUEST_TSS_OTHER + 0x12, 2, 0x1234);
    guest_poke(g, GUEST_TSS_OTHER + 0x24, 2, GUEST_SPARE);
    guest_poke(g, GUEST_TSS_OTHER + 0x26, 2, GUEST_SPARE + 8);
    guest_bytes(g, GUEST_CODE, "\xEA\x00\x00\x00\x00\x30\x00");
    guest_bytes(g, GUEST_FREE + 0x40, "\xF4");
    g->cpu.r[EAX] = 0xABCD0000;
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.eip, 0x41);
    assert_int_equal(g->cpu.r[EAX], 0xABCD1234);
    assert_int_equal(type_of(g, GUEST_OTHER_SELECTOR), 3);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jmp_to_a_task_saves_and_loads_everything),
        cmocka_unit_test(call_links_and_iret_returns),
        cmocka_unit_test(busy_task_cannot_be_called),
        cmocka_unit_test(short_tss_is_invalid),
        cmocka_unit_test(bad_selector_faults_in_the_new_task),
        cmocka_unit_test(interrupt_through_a_task_gate_pushes_its_error_code_there),
        cmocka_unit_test(t_bit_traps_before_the_first_instruction),
        cmocka_unit_test(switch_to_a_v86_task),
        cmocka_unit_test(task_of_16_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
