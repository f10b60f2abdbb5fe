/* Virtual-8086 mode: entering, leaving, IOPL, and the virtual mode extensions. */
#include "guest.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

static uint32_t frame(const struct guest *g, unsigned n)
{
    return guest_peek(g, g->cpu.r[ESP] + 4 * n, 4);
}

static void set_ivt(struct guest *g, unsigned vector, uint16_t segment, uint16_t offset)
{
    guest_poke(g, vector * 4, 4, (uint32_t)segment << 16 | offset);
}

TEST(exception_from_v86_saves_and_clears_all_segments)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_v86(g, 0);
    segment_load_real(&g->cpu, GS, 0x1234);
    guest_bytes(g, GUEST_V86, "\x0F\x0B");
    assert_int_equal(guest_run(g), EXC_UD);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK0 - 36);
    assert_int_equal(frame(g, 0), 0);
    assert_int_equal(frame(g, 1), GUEST_V86 >> 4);
    assert_int_equal(frame(g, 2), F_VM | F_RF | 2);
    assert_int_equal(frame(g, 3), 0xFFF0);
    assert_int_equal(frame(g, 4), GUEST_V86 >> 4);
    assert_int_equal(frame(g, 5), GUEST_V86 >> 4);
    assert_int_equal(frame(g, 8), 0x1234);
    for (unsigned i = 0; i < SEG_COUNT; i++)
        assert_true(i == CS || i == SS || !g->cpu.seg[i].valid);
    assert_false(g->cpu.eflags & F_VM);
    assert_true(g->cpu.protected_mode);
    guest_free(g);
}

TEST(int_in_v86_obeys_iopl)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_v86(g, 2);
    guest_bytes(g, GUEST_V86, "\xCD\x30");
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(frame(g, 0), 0);
    assert_int_equal(frame(g, 1), 0);
    guest_v86(g, 3);
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(frame(g, 0), 2);
    guest_free(g);
}

TEST(int3_in_v86_ignores_iopl)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_gate(g, guest_idt(3), GUEST_CODE0, GUEST_HANDLERS + 48, 0xEE, 0);
    guest_v86(g, 0);
    guest_bytes(g, GUEST_V86, "\xCC");
    assert_int_equal(guest_run(g), 3);
    guest_free(g);
}

TEST(handler_of_v86_must_be_at_level_0)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_descriptor(g, GUEST_SPARE, 0, 0xFFFFF, 0x9F, 0xC0); /* conforming */
    guest_gate(g, guest_idt(EXC_UD), GUEST_SPARE, GUEST_HANDLERS, 0x8E, 0);
    guest_v86(g, 0);
    guest_bytes(g, GUEST_V86, "\x0F\x0B");
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(frame(g, 0), GUEST_SPARE | 1);
    guest_free(g);
}

TEST(iret_to_v86_loads_nine_doublewords)
{
    UNUSED;
    struct guest *g = guest_new();
    static const uint32_t frame9[9] = {0x10, GUEST_V86 >> 4, F_VM | F_IOPL | F_IF | 2, 0xFF00,
                                       GUEST_V86 >> 4, 0x1000, 0x2000, 0x3000, 0x4000};
    g->cpu.r[ESP] = GUEST_STACK - sizeof frame9;
    memcpy(g->ram + GUEST_STACK - sizeof frame9, frame9, sizeof frame9);
    guest_bytes(g, GUEST_CODE, "\xCF");
    guest_bytes(g, GUEST_V86 + 0x10, "\xCD\x30");
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(frame(g, 0), 0x12);
    assert_int_equal(frame(g, 2), F_VM | F_IOPL | F_IF | 2);
    assert_int_equal(frame(g, 3), 0xFF00);
    assert_int_equal(frame(g, 5), 0x1000);
    assert_int_equal(frame(g, 6), 0x2000);
    assert_int_equal(frame(g, 7), 0x3000);
    assert_int_equal(frame(g, 8), 0x4000);
    guest_free(g);
}

TEST(iret_in_v86_needs_iopl_3)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_v86(g, 0);
    guest_bytes(g, GUEST_V86, "\xCF");
    assert_int_equal(guest_run(g), EXC_GP);
    guest_v86(g, 3);
    guest_poke(g, GUEST_V86 + 0xFFF0, 4, (GUEST_V86 >> 4) << 16 | 0x20);
    guest_poke(g, GUEST_V86 + 0xFFF4, 2, F_IF | F_CF);
    guest_bytes(g, GUEST_V86 + 0x20, "\xCD\x30");
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(frame(g, 2), F_VM | F_IOPL | F_IF | F_CF | 2);
    assert_int_equal(frame(g, 3), 0xFFF6);
    guest_free(g);
}

TEST(vme_redirects_int_to_the_program_with_its_virtual_if)
{
    UNUSED;
    struct guest *g = guest_new();
    g->cpu.cr4 = CR4_VME;
    set_ivt(g, 0x21, GUEST_V86 >> 4, 0x100);
    guest_v86(g, 0);
    g->cpu.eflags |= F_IF | F_VIF;
    guest_bytes(g, GUEST_V86, "\xCD\x21");
    guest_bytes(g, GUEST_V86 + 0x100, "\x0F\x0B");
    assert_int_equal(guest_run(g), EXC_UD);
    assert_int_equal(frame(g, 0), 0x100);
    assert_int_equal(frame(g, 2), F_VM | F_RF | F_IF | 2); /* VIF cleared, IF untouched */
    assert_int_equal(frame(g, 3), 0xFFEA);
    assert_int_equal(guest_peek(g, GUEST_V86 + 0xFFEA, 2), 2);
    assert_int_equal(guest_peek(g, GUEST_V86 + 0xFFEE, 2), F_IOPL | F_IF | 2);
    guest_free(g);
}

TEST(vme_bit_set_sends_int_to_the_monitor)
{
    UNUSED;
    struct guest *g = guest_new();
    g->cpu.cr4 = CR4_VME;
    guest_poke(g, GUEST_TSS + 0x68 + 0x30 / 8, 1, 1);
    guest_v86(g, 0);
    guest_bytes(g, GUEST_V86, "\xCD\x30");
    assert_int_equal(guest_run(g), EXC_GP);
    guest_v86(g, 3);
    assert_int_equal(guest_run(g), 0x30);
    guest_free(g);
}

TEST(vme_iret_sets_vif_and_faults_when_an_interrupt_is_pending)
{
    UNUSED;
    struct guest *g = guest_new();
    g->cpu.cr4 = CR4_VME;
    guest_v86(g, 0);
    guest_poke(g, GUEST_V86 + 0xFFF0, 4, (GUEST_V86 >> 4) << 16 | 0x20);
    guest_poke(g, GUEST_V86 + 0xFFF4, 2, F_IF | F_IOPL);
    guest_bytes(g, GUEST_V86, "\xCF");
    guest_bytes(g, GUEST_V86 + 0x20, "\x0F\x0B");
    assert_int_equal(guest_run(g), EXC_UD);
    assert_int_equal(frame(g, 2), F_VM | F_RF | F_VIF | 2);
    guest_v86(g, 0);
    g->cpu.eflags |= F_VIP;
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(frame(g, 1), 0);
    guest_free(g);
}

TEST(v86_segments_end_at_64k)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_v86(g, 0);
    guest_bytes(g, GUEST_V86, "\xA1\xFF\xFF"); /* mov ax, [FFFFh] */
    assert_int_equal(guest_run(g), EXC_GP);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exception_from_v86_saves_and_clears_all_segments),
        cmocka_unit_test(int_in_v86_obeys_iopl),
        cmocka_unit_test(int3_in_v86_ignores_iopl),
        cmocka_unit_test(handler_of_v86_must_be_at_level_0),
        cmocka_unit_test(iret_to_v86_loads_nine_doublewords),
        cmocka_unit_test(iret_in_v86_needs_iopl_3),
        cmocka_unit_test(vme_redirects_int_to_the_program_with_its_virtual_if),
        cmocka_unit_test(vme_bit_set_sends_int_to_the_monitor),
        cmocka_unit_test(vme_iret_sets_vif_and_faults_when_an_interrupt_is_pending),
        cmocka_unit_test(v86_segments_end_at_64k),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
