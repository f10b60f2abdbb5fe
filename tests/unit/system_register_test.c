/* Control, debug and model-specific registers; LAR and its kin; CPUID, RDTSC. */
#include "guest.h"

#include "cpu/debug.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

static uint32_t frame(const struct guest *g, unsigned n)
{
    return guest_peek(g, g->cpu.r[ESP] + 4 * n, 4);
}

/* Runs code with EAX loaded, from a fresh EIP. */
#define RUN_WITH(g, eax, text)                                                                     \
    ((g)->cpu.r[EAX] = (eax), guest_bytes(g, GUEST_CODE, text), blocks_flush((g)->cpu.blocks),     \
     (g)->cpu.eip = GUEST_CODE, guest_run(g))

TEST(cr0_combinations)
{
    UNUSED;
    struct guest *g = guest_new();
    assert_int_equal(RUN_WITH(g, CR0_PG, "\x0F\x22\xC0\xF4"), EXC_GP);
    assert_int_equal(RUN_WITH(g, CR0_PE | CR0_NW, "\x0F\x22\xC0\xF4"), EXC_GP);
    assert_int_equal(RUN_WITH(g, CR0_PE | CR0_MP, "\x0F\x22\xC0\x0F\x20\xC1\xF4"), GUEST_HLT);
    assert_int_equal(g->cpu.r[ECX], CR0_PE | CR0_MP | CR0_ET);
    assert_int_equal(RUN_WITH(g, CR0_TS, "\x0F\x01\xF0\x0F\x01\xE1\xF4"), GUEST_HLT); /* lmsw */
    assert_int_equal(g->cpu.r[ECX], CR0_PE | CR0_TS | CR0_ET);
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x06\x0F\x20\xC1\xF4"), GUEST_HLT);
    assert_int_equal(g->cpu.r[ECX], CR0_PE | CR0_ET);
    guest_free(g);
}

TEST(cr4_reserved_bits_and_missing_registers)
{
    UNUSED;
    struct guest *g = guest_new();
    assert_int_equal(RUN_WITH(g, 0x80, "\x0F\x22\xE0\xF4"), EXC_GP);
    assert_int_equal(RUN_WITH(g, 0x5F, "\x0F\x22\xE0\xF4"), GUEST_HLT);
    assert_int_equal(g->cpu.cr4, 0x5F);
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x22\xC8\xF4"), EXC_UD); /* CR1 */
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x20\xE8\xF4"), EXC_UD); /* CR5 */
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x24\xF0\xF4"), EXC_UD); /* TR6 */
    guest_free(g);
}

TEST(privileged_instructions_fault_at_user_level)
{
    UNUSED;
    static const char *const codes[] = {"\x0F\x20\xC0", "\x0F\x22\xD8", "\x0F\x21\xF8",
                                        "\x0F\x01\x15", "\x0F\x01\x1D", "\x0F\x00\xD0",
                                        "\x0F\x00\xD8", "\x0F\x01\xF0", "\x0F\x06\x90",
                                        "\x0F\x01\x3D", "\x0F\x08\x90", "\x0F\x09\x90",
                                        "\x0F\x30\x90", "\x0F\x32\x90", "\xF4\x90\x90"};
    for (unsigned i = 0; i < ARRAY_COUNT(codes); i++) {
        struct guest *g = guest_new();
        guest_user(g);
        memcpy(g->ram + GUEST_CODE, codes[i], 3);
        assert_int_equal(guest_run(g), EXC_GP);
        assert_int_equal(frame(g, 0), 0);
        assert_int_equal(frame(g, 1), GUEST_CODE);
        guest_free(g);
    }
}

TEST(paging_turned_on_by_the_guest)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_paging(g);
    g->cpu.cr0 &= ~CR0_PG;
    cpu_mode_changed(&g->cpu);
    g->cpu.r[EBX] = GUEST_PAGES;
    guest_poke(g, GUEST_PAGES + 0x1000 + 4 * 0x70, 4, GUEST_FREE | 7); /* 70000h -> 60000h */
    guest_poke(g, GUEST_FREE, 4, 0x12345678);
    assert_int_equal(RUN_WITH(g, CR0_PG | CR0_PE,
                              "\x0F\x22\xDB\x0F\x22\xC0\x8B\x0D\x00\x00\x07\x00\xF4"),
                     GUEST_HLT);
    assert_int_equal(g->cpu.r[ECX], 0x12345678);
    guest_free(g);
}

TEST(tables_are_loaded_and_stored)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_poke(g, GUEST_FREE, 2, 0x7FF);
    guest_poke(g, GUEST_FREE + 2, 4, 0xFF000000u | GUEST_IDT);
    /* o16 lidt takes 24 bits of base; sidt */
    assert_int_equal(RUN_WITH(g, 0, "\x66\x0F\x01\x1D\x00\x00\x06\x00"
                                    "\x0F\x01\x0D\x10\x00\x06\x00\xCD\x41"),
                     0x41);
    assert_int_equal(guest_peek(g, GUEST_FREE + 0x10, 2), 0x7FF);
    assert_int_equal(guest_peek(g, GUEST_FREE + 0x12, 4), GUEST_IDT);
    guest_free(g);
}

TEST(ltr_sets_busy_and_refuses_a_busy_tss)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_other_task(g);
    assert_int_equal(RUN_WITH(g, GUEST_OTHER_SELECTOR, "\x0F\x00\xD8\x0F\x00\xC9\xF4"), GUEST_HLT);
    assert_int_equal(guest_peek(g, guest_gdt(GUEST_OTHER_SELECTOR) + 5, 1), 0x8B);
    assert_int_equal(g->cpu.r[ECX], GUEST_OTHER_SELECTOR);
    assert_int_equal(RUN_WITH(g, GUEST_OTHER_SELECTOR, "\x0F\x00\xD8\xF4"), EXC_GP);
    assert_int_equal(frame(g, 0), GUEST_OTHER_SELECTOR);
    guest_free(g);
}

TEST(lar_lsl_verr_verw_arpl)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_user(g);
    /* lar ecx,eax; lsl edx,eax; setz bl; verw ax; setz bh; int 30 */
#define PROBE "\x0F\x02\xC8\x0F\x03\xD0\x0F\x94\xC3\x0F\x00\xE8\x0F\x94\xC7\xCD\x30"
    RUN_WITH(g, GUEST_DATA3, PROBE);
    assert_int_equal(g->cpu.r[ECX] & 0xF0FF00, 0xC0F300);
    assert_int_equal(g->cpu.r[EDX], 0xFFFFFFFF);
    assert_int_equal(g->cpu.r[EBX] & 0xFFFF, 0x0101);
    guest_user(g);
    g->cpu.r[ECX] = 7;
    RUN_WITH(g, GUEST_DATA0, PROBE);
    assert_int_equal(g->cpu.r[ECX], 7);
    assert_int_equal(g->cpu.r[EBX] & 0xFFFF, 0);
    guest_user(g);
    g->cpu.r[ECX] = 3;
    RUN_WITH(g, 0x10, "\x63\xC8\xCD\x30"); /* arpl ax, cx */
    assert_int_equal(g->cpu.r[EAX], 0x13);
    assert_true(frame(g, 2) & F_ZF);
    guest_free(g);
}

TEST(cpuid_and_msrs)
{
    UNUSED;
    struct guest *g = guest_new();
    assert_int_equal(RUN_WITH(g, 0, "\x0F\xA2\xF4"), GUEST_HLT);
    assert_int_equal(g->cpu.r[EAX], 1);
    assert_int_equal(g->cpu.r[EBX], 0x756E6547);
    g->cpu.r[ECX] = 0x10;
    g->cpu.r[EDX] = 5;
    assert_int_equal(RUN_WITH(g, 100, "\x0F\x30\x0F\x31\xF4"), GUEST_HLT); /* wrmsr; rdtsc */
    assert_int_equal(g->cpu.r[EDX], 5);
    assert_in_range(g->cpu.r[EAX], 100, 102);
    g->cpu.r[ECX] = 0x1B;
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x32\xF4"), EXC_GP);
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x33\xF4"), EXC_UD); /* no RDPMC here */
    assert_int_equal(RUN_WITH(g, 0, "\x0F\xAA\xF4"), EXC_UD);
    guest_free(g);
}

TEST(rdtsc_obeys_tsd)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_user(g);
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x31\xCD\x30"), 0x30);
    guest_user(g);
    g->cpu.cr4 = CR4_TSD;
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x31\xCD\x30"), EXC_GP);
    guest_free(g);
}

TEST(debug_registers_have_fixed_bits_and_aliases)
{
    UNUSED;
    struct guest *g = guest_new();
    assert_int_equal(RUN_WITH(g, 0xFFFFFFFF, "\x0F\x23\xF0\x0F\x21\xF1\x0F\x21\xE2\xF4"),
                     GUEST_HLT); /* mov dr6,eax; mov ecx,dr6; mov edx,dr4 */
    assert_int_equal(g->cpu.r[ECX], 0xFFFFEFFF);
    assert_int_equal(g->cpu.r[EDX], 0xFFFFEFFF);
    g->cpu.cr4 = CR4_DE;
    assert_int_equal(RUN_WITH(g, 0, "\x0F\x21\xE2\xF4"), EXC_UD);
    g->cpu.cr4 = 0;
    assert_int_equal(RUN_WITH(g, DR7_GD, "\x0F\x23\xF8\x0F\x21\xC1\xF4"), EXC_DB);
    assert_int_equal(frame(g, 0), GUEST_CODE + 3);
    assert_true(g->cpu.dr[6] & DR6_BD);
    assert_int_equal(g->cpu.dr[7], DR7_FIXED);
    guest_free(g);
}

TEST(instruction_breakpoint_faults_once_with_rf)
{
    UNUSED;
    struct guest *g = guest_new();
    g->cpu.dr[0] = GUEST_CODE + 1;
    g->cpu.dr[7] = DR7_FIXED | 1;
    cpu_mode_changed(&g->cpu);
    assert_int_equal(RUN_WITH(g, 0, "\x90\x90\xF4"), EXC_DB);
    assert_int_equal(frame(g, 0), GUEST_CODE + 1);
    assert_int_equal(g->cpu.dr[6], DR6_FIXED | 1);
    guest_poke(g, g->cpu.r[ESP] + 8, 4, F_RF | 2);
    guest_bytes(g, GUEST_FREE, "\xCF");
    g->cpu.eip = GUEST_FREE;
    assert_int_equal(guest_run(g), GUEST_HLT);
    guest_free(g);
}

TEST(data_breakpoint_traps_after_the_write)
{
    UNUSED;
    struct guest *g = guest_new();
    g->cpu.dr[1] = GUEST_FREE;
    guest_bytes(g, GUEST_CODE, "\x90");
    /* a read and a write elsewhere first, so that the page is known to the fast path */
    assert_int_equal(RUN_WITH(g, 0, "\xA1\x00\x00\x06\x00\xA3\x10\x00\x06\x00\xF4"), GUEST_HLT);
    assert_int_equal(RUN_WITH(g, 0x00D00404, /* L1, LE; R/W1 write, LEN1 four bytes */
                              "\x0F\x23\xF8\xA1\x00\x00\x06\x00\xA2\x03\x00\x06\x00\x90\xF4"),
                     EXC_DB);
    assert_int_equal(frame(g, 0), GUEST_CODE + 13);
    assert_int_equal(g->cpu.dr[6], DR6_FIXED | 2);
    guest_free(g);
}

TEST(single_step_traps_after_each_instruction)
{
    UNUSED;
    struct guest *g = guest_new();
    /* push 102h; popf; nop: POPF itself is not trapped, the NOP is */
    assert_int_equal(RUN_WITH(g, 0, "\x68\x02\x01\x00\x00\x9D\x90\x90\xF4"), EXC_DB);
    assert_int_equal(frame(g, 0), GUEST_CODE + 7);
    assert_int_equal(frame(g, 2), 0x102);
    assert_int_equal(g->cpu.dr[6], DR6_FIXED | DR6_BS);
    guest_free(g);
}

TEST(invlpg_makes_a_changed_entry_seen)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_paging(g);
    guest_poke(g, GUEST_FREE, 4, 0x11111111);
    guest_poke(g, 0x70000, 4, 0x22222222);
    /* mov ecx,[60000]; mov [81180],eax; mov edx,[60000]; invlpg [60000]; mov ebx,[60000] */
    assert_int_equal(RUN_WITH(g, 0x70007,
                              "\x8B\x0D\x00\x00\x06\x00\xA3\x80\x11\x08\x00\x8B\x15\x00\x00\x06\x00"
                              "\x0F\x01\x3D\x00\x00\x06\x00\x8B\x1D\x00\x00\x06\x00\xF4"),
                     GUEST_HLT);
    assert_int_equal(g->cpu.r[ECX], 0x11111111);
    assert_int_equal(g->cpu.r[EDX], 0x11111111);
    assert_int_equal(g->cpu.r[EBX], 0x22222222);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cr0_combinations),
        cmocka_unit_test(cr4_reserved_bits_and_missing_registers),
        cmocka_unit_test(privileged_instructions_fault_at_user_level),
        cmocka_unit_test(paging_turned_on_by_the_guest),
        cmocka_unit_test(tables_are_loaded_and_stored),
        cmocka_unit_test(ltr_sets_busy_and_refuses_a_busy_tss),
        cmocka_unit_test(lar_lsl_verr_verw_arpl),
        cmocka_unit_test(cpuid_and_msrs),
        cmocka_unit_test(rdtsc_obeys_tsd),
        cmocka_unit_test(debug_registers_have_fixed_bits_and_aliases),
        cmocka_unit_test(instruction_breakpoint_faults_once_with_rf),
        cmocka_unit_test(data_breakpoint_traps_after_the_write),
        cmocka_unit_test(single_step_traps_after_each_instruction),
        cmocka_unit_test(invlpg_makes_a_changed_entry_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
