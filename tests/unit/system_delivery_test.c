/* Interrupts and exceptions: gates, frames, privilege, double faults, ledger paths. */
#include "guest.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

/* The n-th doubleword of the frame at the top of the handler's stack. */
static uint32_t frame(const struct guest *g, unsigned n)
{
    return guest_peek(g, g->cpu.r[ESP] + 4 * n, 4);
}

TEST(int_at_same_level_pushes_three_doublewords)
{
    UNUSED;
    struct guest *g = guest_new();
    g->cpu.eflags |= F_IF | F_NT;
    guest_bytes(g, GUEST_CODE, "\xCD\x41");
    assert_int_equal(guest_run(g), 0x41);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK - 12);
    assert_int_equal(frame(g, 0), GUEST_CODE + 2);
    assert_int_equal(frame(g, 1), GUEST_CODE0);
    assert_int_equal(frame(g, 2), 2 | F_IF | F_NT);
    assert_int_equal(g->cpu.eflags & (F_IF | F_NT), 0);
    guest_free(g);
}

TEST(trap_gate_leaves_if)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_gate(g, guest_idt(0x41), GUEST_CODE0, GUEST_HANDLERS + 16 * 0x41, 0x8F, 0);
    g->cpu.eflags |= F_IF;
    guest_bytes(g, GUEST_CODE, "\xCD\x41");
    guest_run(g);
    assert_true(g->cpu.eflags & F_IF);
    guest_free(g);
}

TEST(gate_of_16_bits_pushes_words)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_gate(g, guest_idt(0x41), GUEST_CODE0, GUEST_HANDLERS + 16 * 0x41, 0x86, 0);
    guest_bytes(g, GUEST_CODE, "\xCD\x41");
    assert_int_equal(guest_run(g), 0x41);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK - 6);
    assert_int_equal(guest_peek(g, GUEST_STACK - 6, 2), (GUEST_CODE + 2) & 0xFFFF);
    assert_int_equal(guest_peek(g, GUEST_STACK - 4, 2), GUEST_CODE0);
    guest_free(g);
}

TEST(int_from_user_switches_stack)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_user(g);
    guest_bytes(g, GUEST_CODE, "\xCD\x30");
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(g->cpu.cpl, 0);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK0 - 20);
    assert_int_equal(g->cpu.seg[SS].selector, GUEST_DATA0);
    assert_int_equal(frame(g, 1), GUEST_CODE3);
    assert_int_equal(frame(g, 3), GUEST_STACK3);
    assert_int_equal(frame(g, 4), GUEST_DATA3);
    assert_int_equal(g->cpu.seg[DS].selector, GUEST_DATA3);
    guest_free(g);
}

TEST(int_through_a_kernel_gate_from_user_faults_with_its_vector)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_user(g);
    guest_bytes(g, GUEST_CODE, "\xCD\x41");
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(frame(g, 0), 0x41 * 8 + 2);
    assert_int_equal(frame(g, 1), GUEST_CODE);
    assert_true(frame(g, 3) & F_RF);
    guest_free(g);
}

TEST(interrupt_through_a_missing_gate_says_ext)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_poke(g, guest_idt(0x41) + 5, 1, 0x0E);
    g->interrupt = 0x41;
    g->cpu.intr_line = true;
    g->cpu.eflags |= F_IF;
    guest_bytes(g, GUEST_CODE, "\x90\xF4");
    assert_int_equal(guest_run(g), EXC_NP);
    assert_int_equal(frame(g, 0), 0x41 * 8 + 3);
    assert_int_equal(frame(g, 1), GUEST_CODE);
    guest_free(g);
}

TEST(page_fault_frame_has_code_and_cr2)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_paging(g);
    guest_poke(g, GUEST_PAGES + 0x1000 + 4 * (GUEST_FREE >> 12), 4, 0);
    guest_user(g);
    guest_bytes(g, GUEST_CODE, "\xA3\x34\x02\x06\x00"); /* mov [60234h], eax */
    assert_int_equal(guest_run(g), EXC_PF);
    assert_int_equal(frame(g, 0), 6);
    assert_int_equal(frame(g, 1), GUEST_CODE);
    assert_int_equal(g->cpu.cr2, GUEST_FREE + 0x234);
    guest_free(g);
}

TEST(fault_while_delivering_a_fault_is_double)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_poke(g, guest_idt(EXC_GP) + 5, 1, 0x0E); /* #GP -> #NP -> #DF */
    guest_user(g);
    guest_bytes(g, GUEST_CODE, "\xF4");
    assert_int_equal(guest_run(g), EXC_DF);
    assert_int_equal(frame(g, 0), 0);
    assert_int_equal(frame(g, 1), GUEST_CODE);
    assert_int_equal(g->deliveries, 2); /* observers see the #GP that was tried, too */
    guest_free(g);
}

TEST(undefined_opcode_then_missing_gate_is_no_double_fault)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_poke(g, guest_idt(EXC_UD) + 5, 1, 0x0E);
    guest_bytes(g, GUEST_CODE, "\x0F\x0B");
    assert_int_equal(guest_run(g), EXC_NP);
    assert_int_equal(frame(g, 0), EXC_UD * 8 + 3);
    guest_free(g);
}

TEST(page_fault_on_the_kernel_stack_is_double)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_paging(g);
    guest_poke(g, GUEST_PAGES + 0x1000 + 4 * (GUEST_FREE >> 12), 4, 0);
    guest_poke(g, GUEST_TSS + 4, 4, GUEST_FREE + 0x1000);
    guest_user(g);
    guest_other_task(g);
    guest_poke(g, GUEST_TSS_OTHER + 0x20, 4, GUEST_HANDLERS + 16 * EXC_DF);
    guest_poke(g, GUEST_TSS_OTHER + 0x1C, 4, GUEST_PAGES);
    guest_gate(g, guest_idt(EXC_DF), GUEST_OTHER_SELECTOR, 0, 0x85, 0);
    guest_bytes(g, GUEST_CODE, "\xA3\x34\x02\x06\x00");
    assert_int_equal(guest_run(g), EXC_DF);
    assert_int_equal(g->cpu.tr.selector, GUEST_OTHER_SELECTOR);
    assert_int_equal(frame(g, 0), 0);
    assert_int_equal(g->cpu.cr2, GUEST_FREE + 0xFFC); /* the first push */
    assert_int_equal(guest_peek(g, GUEST_TSS + 0x20, 4), GUEST_CODE);
    guest_free(g);
}

TEST(fault_while_delivering_a_double_fault_shuts_down)
{
    UNUSED;
    struct guest *g = guest_new();
    g->cpu.idt_limit = 0;
    guest_bytes(g, GUEST_CODE, "\xCC");
    assert_int_equal(guest_run(g), GUEST_SHUTDOWN);
    guest_free(g);
}

TEST(null_ss_in_the_tss_is_invalid_tss)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_poke(g, GUEST_TSS + 8, 4, 0);
    guest_user(g);
    /* #TS itself can only be taken without that stack: give it a conforming segment */
    guest_descriptor(g, GUEST_SPARE, 0, 0xFFFFF, 0x9F, 0xC0);
    guest_gate(g, guest_idt(EXC_TS), GUEST_SPARE, GUEST_HANDLERS + 16 * EXC_TS, 0x8E, 0);
    guest_gate(g, guest_idt(EXC_GP), GUEST_SPARE, GUEST_HANDLERS + 16 * EXC_GP, 0x8E, 0);
    guest_bytes(g, GUEST_CODE, "\xCD\x30");
    guest_bytes(g, GUEST_HANDLERS + 16 * EXC_TS, "\xEB\xFE");
    for (int i = 0; i < 3; i++)
        cpu_step(&g->cpu);
    assert_int_equal(g->cpu.eip, GUEST_HANDLERS + 16 * EXC_TS);
    assert_int_equal(g->cpu.cpl, 3);
    assert_int_equal(frame(g, 0), 0);
    assert_int_equal(frame(g, 1), GUEST_CODE);
    guest_free(g);
}

TEST(iret_to_user_drops_kernel_segments)
{
    UNUSED;
    struct guest *g = guest_new();
    uint32_t at = GUEST_STACK - 20;
    g->cpu.r[ESP] = at;
    guest_poke(g, at, 4, GUEST_FREE);
    guest_poke(g, at + 4, 4, GUEST_CODE3);
    guest_poke(g, at + 8, 4, F_IF | F_ID | 2);
    guest_poke(g, at + 12, 4, GUEST_STACK3);
    guest_poke(g, at + 16, 4, GUEST_DATA3);
    guest_segment(g, FS, GUEST_DATA3);
    guest_bytes(g, GUEST_CODE, "\xCF");
    guest_bytes(g, GUEST_FREE, "\xCD\x30");
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(frame(g, 2), F_IF | F_ID | 2);
    assert_int_equal(frame(g, 3), GUEST_STACK3);
    assert_int_equal(g->cpu.seg[DS].selector, 0);
    assert_false(g->cpu.seg[DS].valid);
    assert_int_equal(g->cpu.seg[FS].selector, GUEST_DATA3);
    guest_free(g);
}

TEST(iret_at_user_level_keeps_if_and_iopl)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_user(g);
    uint32_t at = GUEST_STACK3 - 12;
    g->cpu.r[ESP] = at;
    guest_poke(g, at, 4, GUEST_CODE + 1);
    guest_poke(g, at + 4, 4, GUEST_CODE3);
    guest_poke(g, at + 8, 4, F_IF | F_IOPL | F_AC | F_CF);
    guest_bytes(g, GUEST_CODE, "\xCF\xCD\x30");
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(frame(g, 2), F_AC | F_CF | 2);
    guest_free(g);
}

TEST(iret_that_faults_changes_nothing)
{
    UNUSED;
    struct guest *g = guest_new();
    uint32_t at = GUEST_STACK - 20;
    g->cpu.r[ESP] = at;
    guest_poke(g, at, 4, GUEST_FREE);
    guest_poke(g, at + 4, 4, GUEST_CODE3);
    guest_poke(g, at + 12, 4, GUEST_STACK3);
    guest_poke(g, at + 16, 4, GUEST_DATA0); /* DPL 0 is no stack for CPL 3 */
    guest_bytes(g, GUEST_CODE, "\xCF");
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(frame(g, 0), GUEST_DATA0);
    assert_int_equal(frame(g, 1), GUEST_CODE);
    assert_int_equal(g->cpu.r[ESP], at - 16);
    guest_free(g);
}

TEST(real_mode_int_uses_the_table_at_zero)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_real(g);
    guest_bytes(g, GUEST_V86, "\xFB\xCD\x41");
    assert_int_equal(guest_run(g), 0x41);
    assert_int_equal(guest_peek(g, GUEST_V86 + 0xFFEA, 2), 3);
    assert_int_equal(guest_peek(g, GUEST_V86 + 0xFFEC, 2), GUEST_V86 >> 4);
    assert_int_equal(guest_peek(g, GUEST_V86 + 0xFFEE, 2), F_IF | 2);
    assert_false(g->cpu.eflags & F_IF);
    guest_free(g);
}

TEST(bound_faults_and_into_traps)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_poke(g, GUEST_FREE, 4, (uint32_t)-5);
    guest_poke(g, GUEST_FREE + 4, 4, 5);
    g->cpu.r[EAX] = (uint32_t)-5;
    guest_bytes(g, GUEST_CODE, "\x62\x05\x00\x00\x06\x00\x48\x62\x05\x00\x00\x06\x00");
    assert_int_equal(guest_run(g), EXC_BR);
    assert_int_equal(frame(g, 0), GUEST_CODE + 7);
    g->cpu.eip = GUEST_CODE + 0x20;
    guest_bytes(g, GUEST_CODE + 0x20, "\xB0\x7F\x04\x01\xCE");
    assert_int_equal(guest_run(g), EXC_OF);
    assert_int_equal(frame(g, 0), GUEST_CODE + 0x25);
    guest_free(g);
}

TEST(ledger_path_follows_the_vector_and_the_return)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_bytes(g, GUEST_CODE, "\xCD\x41"); /* from CPL 0: still boot */
    guest_run(g);
    assert_int_equal(g->ledger.path, PATH_BOOT);
    guest_user(g);
    ledger_enter(&g->ledger, PATH_USER);
    g->cpu.eip = GUEST_CODE;
    guest_bytes(g, GUEST_CODE, "\xCD\x30");
    guest_bytes(g, GUEST_HANDLERS + 16 * 0x30, "\xCF");
    g->cpu.stop = STOP_NONE;
    g->cpu.halted = false;
    cpu_step(&g->cpu);
    assert_int_equal(g->ledger.path, PATH_VECTOR + 0x30);
    cpu_step(&g->cpu);
    assert_int_equal(g->ledger.path, PATH_USER);
    ledger_verify(&g->ledger);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int_at_same_level_pushes_three_doublewords),
        cmocka_unit_test(trap_gate_leaves_if),
        cmocka_unit_test(gate_of_16_bits_pushes_words),
        cmocka_unit_test(int_from_user_switches_stack),
        cmocka_unit_test(int_through_a_kernel_gate_from_user_faults_with_its_vector),
        cmocka_unit_test(interrupt_through_a_missing_gate_says_ext),
        cmocka_unit_test(page_fault_frame_has_code_and_cr2),
        cmocka_unit_test(fault_while_delivering_a_fault_is_double),
        cmocka_unit_test(undefined_opcode_then_missing_gate_is_no_double_fault),
        cmocka_unit_test(page_fault_on_the_kernel_stack_is_double),
        cmocka_unit_test(fault_while_delivering_a_double_fault_shuts_down),
        cmocka_unit_test(null_ss_in_the_tss_is_invalid_tss),
        cmocka_unit_test(iret_to_user_drops_kernel_segments),
        cmocka_unit_test(iret_at_user_level_keeps_if_and_iopl),
        cmocka_unit_test(iret_that_faults_changes_nothing),
        cmocka_unit_test(real_mode_int_uses_the_table_at_zero),
        cmocka_unit_test(bound_faults_and_into_traps),
        cmocka_unit_test(ledger_path_follows_the_vector_and_the_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
