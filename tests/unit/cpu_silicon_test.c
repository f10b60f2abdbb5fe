/* What silicon and Capstone taught: each of these was once different (tests/isa/differential,
 * tests/isa/decoder_capstone). */
#include "tests/unit/guest.h"

#include "cpu/decode.h"

static int setup(void **state)
{
    *state = guest_new();
    return 0;
}

static int teardown(void **state)
{
    guest_free(*state);
    return 0;
}

static void protect_page(struct guest *g, uint32_t page, unsigned flags)
{
    guest_poke(g, GUEST_PAGES + 0x1000 + 4 * (page >> 12), 4, page | flags);
    mmu_set_cr3(g->cpu.mmu, GUEST_PAGES);
}

static void over_long_instruction_is_gp_even_with_lock(void **state)
{
    struct guest *g = *state;
    memset(g->ram + GUEST_CODE, 0xF0, 15);
    guest_bytes(g, GUEST_CODE + 15, "\x90\xF4");
    assert_int_equal(guest_run(g), EXC_GP);
}

static void over_long_before_invalid(void **state)
{
    struct guest *g = *state;
    /* Fourteen prefixes, 8F, and an invalid ModRM byte as the sixteenth. */
    memset(g->ram + GUEST_CODE, 0x66, 14);
    guest_bytes(g, GUEST_CODE + 14, "\x8F\xC8\xF4");
    assert_int_equal(guest_run(g), EXC_GP);
}

static void modrm_byte_in_an_absent_page_is_fetched(void **state)
{
    struct guest *g = *state;
    guest_paging(g);
    protect_page(g, GUEST_CODE + 0x1000, 0);
    guest_bytes(g, GUEST_CODE + 0xFFE, "\x0F\xBA"); /* 0F BA /0 is invalid, /4 is BT */
    g->cpu.eip = GUEST_CODE + 0xFFE;
    assert_int_equal(guest_run(g), EXC_PF);
    assert_int_equal(g->cpu.cr2, GUEST_CODE + 0x1000);
}

static void mov_from_control_register_ignores_mod(void **state)
{
    struct guest *g = *state;
    struct op o;
    static const uint8_t bytes[] = {0x0F, 0x20, 0x05, 0x90, 0x90, 0x90, 0x90};
    uint32_t mode = MODE_32 | MODE_PROTECTED;
    assert_int_equal(decode(g->cpu.decoder, mode, 0, bytes, sizeof bytes, &o), 3);
    assert_int_equal(o.rm, EBP);
    assert_false(o.flags & OP_MEM);
}

static void salc_spreads_the_carry(void **state)
{
    struct guest *g = *state;
    guest_bytes(g, GUEST_CODE, "\xF9\xD6\x88\xC4\xF8\xD6\xF4"); /* STC SALC MOV AH,AL CLC SALC */
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.r[EAX] & 0xFFFF, 0xFF00);
}

static void arpl_that_changes_nothing_does_not_write(void **state)
{
    struct guest *g = *state;
    guest_paging(g);
    protect_page(g, GUEST_FREE, 5);
    guest_poke(g, GUEST_FREE, 2, 3);
    g->cpu.r[EAX] = 1;
    guest_bytes(g, GUEST_CODE, "\x63\x05\x00\x00\x06\x00\xF4"); /* ARPL [GUEST_FREE], AX */
    assert_int_equal(guest_run(g), GUEST_HLT);
    g->cpu.r[EAX] = 3;
    guest_poke(g, GUEST_FREE, 2, 1);
    g->cpu.eip = GUEST_CODE;
    assert_int_equal(guest_run(g), EXC_PF);
}

static void rep_outs_asks_for_the_port_even_for_nothing(void **state)
{
    struct guest *g = *state;
    guest_user(g);
    g->cpu.r[ECX] = 0;
    guest_poke(g, GUEST_TSS + 0x66, 2, 0xFFFF); /* no permission bitmap */
    guest_bytes(g, GUEST_CODE, "\xF3\x6E\xCD\x30"); /* REP OUTSB; INT 30h */
    assert_int_equal(guest_run(g), EXC_GP);
}

static void far_call_names_the_push_that_fails(void **state)
{
    struct guest *g = *state;
    guest_paging(g);
    protect_page(g, GUEST_FREE, 0);
    guest_user(g);
    guest_bytes(g, GUEST_CODE, "\x9A\x07\x00\x01\x00\x1B\x00\xCD\x30"); /* CALL 1B:00010007 */
    g->cpu.r[ESP] = GUEST_FREE + 0x10;
    assert_int_equal(guest_run(g), EXC_PF);
    assert_int_equal(g->cpu.cr2, GUEST_FREE + 0xC); /* CS, the first */
}

static void x87_store_to_bad_memory_faults_before_its_exception(void **state)
{
    struct guest *g = *state;
    guest_paging(g);
    protect_page(g, GUEST_FREE, 0);
    g->cpu.cr0 |= CR0_NE;
    /* FNINIT; FLDCW [GUEST_FREE + 1000h] = 37Eh; FSTP dword [GUEST_FREE] of an empty register */
    guest_poke(g, GUEST_FREE + 0x1000, 2, 0x37E);
    guest_bytes(g, GUEST_CODE, "\xDB\xE3\xD9\x2D\x00\x10\x06\x00\xD9\x1D\x00\x00\x06\x00\xF4");
    assert_int_equal(guest_run(g), EXC_PF);
    assert_int_equal(g->cpu.x87.status & 0x80FF, 0);
}

static void block_decoded_under_a_wider_limit_is_not_run(void **state)
{
    struct guest *g = *state;
    guest_descriptor(g, GUEST_SPARE, 0, GUEST_CODE + 0xF, 0x9B, 0x40);
    /* Five bytes: MOV EAX, imm at GUEST_CODE + 0Dh, whose last two are beyond the narrow limit. */
    guest_bytes(g, GUEST_CODE + 0xD, "\xB8\x01\x00\x00\x00\xF4");
    g->cpu.eip = GUEST_CODE + 0xD;
    assert_int_equal(guest_run(g), GUEST_HLT);
    guest_bytes(g, GUEST_CODE + 0x40, "\xEA\x0D\x00\x01\x00\x38\x00");
    g->cpu.eip = GUEST_CODE + 0x40;
    assert_int_equal(guest_run(g), EXC_GP);
}

static void store_to_the_modrm_byte_that_made_it_invalid(void **state)
{
    struct guest *g = *state;
    /* FF /7 behind the store is invalid until the store makes it FF /0: INC EAX. */
    guest_bytes(g, GUEST_CODE, "\xC6\x05\x08\x00\x01\x00\xC0\xFF\xFF\xF4");
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.r[EAX], 1);
}

/* REP STOSB over itself and what follows, with HLTs. */
static void fill_with_halts(struct guest *g, uint32_t at)
{
    guest_bytes(g, at, "\xF3\xAA\xFA");
    g->cpu.r[EAX] = 0xF4;
    g->cpu.r[ECX] = 600; /* more than a chunk */
    g->cpu.r[EDI] = at;
    g->cpu.eip = at;
}

static void repetition_goes_on_as_it_was_fetched(void **state)
{
    struct guest *g = *state;
    for (uint32_t at = GUEST_CODE + 0xFFE; at <= GUEST_CODE + 0x1000; at++) {
        fill_with_halts(g, at);
        assert_int_equal(guest_run(g), GUEST_HLT);
        assert_int_equal(g->cpu.r[ECX], 0);
        assert_int_equal(g->cpu.r[EDI], at + 600);
        assert_int_equal(g->cpu.eip, at + 3);
    }
}

static void watched_repetition_goes_on_as_it_was_fetched(void **state)
{
    struct guest *g = *state;
    struct cpu_watch elsewhere = {.la = GUEST_FREE, .size = 1, .on_write = true};
    assert_true(cpu_watch_add(&g->cpu, elsewhere)); /* chunks of one iteration */
    repetition_goes_on_as_it_was_fetched(state);
}

static void snapshot_holds_what_a_repetition_goes_on_with(void **state)
{
    struct guest *g = *state;
    struct snap save, load;
    fill_with_halts(g, GUEST_CODE);
    cpu_step(&g->cpu);
    assert_true(g->cpu.rep_running);
    snap_begin_save(&save);
    cpu_snapshot(&g->cpu, &save);
    memset(g->cpu.rep_bytes, 0, sizeof g->cpu.rep_bytes);
    snap_begin_load(&load, save.data, save.size);
    cpu_snapshot(&g->cpu, &load);
    assert_false(load.failed);
    snap_free(&save);
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.r[ECX], 0);
    assert_int_equal(g->cpu.eip, GUEST_CODE + 3);
}

static void trap_makes_a_repetition_be_fetched_anew(void **state)
{
    struct guest *g = *state;
    fill_with_halts(g, GUEST_CODE);
    g->cpu.eflags |= F_TF;
    assert_int_equal(guest_run(g), EXC_DB);
    g->cpu.eflags &= ~(uint32_t)F_TF;
    g->cpu.eip = GUEST_CODE;
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.eip, GUEST_CODE + 1);
    assert_int_equal(g->cpu.r[ECX], 599);
}

static void fxrstor_reads_the_part_of_its_image_that_it_ignores(void **state)
{
    (void)state;
    static const struct identity part = {.part = "with FXSAVE", .features = 1u << FEATURE_FXSR};
    struct guest *g = guest_new_part(&part, NULL);
    guest_paging(g);
    protect_page(g, GUEST_FREE + 0x1000, 0);
    guest_bytes(g, GUEST_CODE, "\x0F\xAE\x0D\xB0\x0E\x06\x00\xF4"); /* FXRSTOR [60EB0h] */
    assert_int_equal(guest_run(g), EXC_PF);
    assert_int_equal(g->cpu.cr2 & 0xFFFFF000, GUEST_FREE + 0x1000);
    guest_free(g);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(over_long_instruction_is_gp_even_with_lock),
        TEST(over_long_before_invalid),
        TEST(modrm_byte_in_an_absent_page_is_fetched),
        TEST(mov_from_control_register_ignores_mod),
        TEST(salc_spreads_the_carry),
        TEST(arpl_that_changes_nothing_does_not_write),
        TEST(rep_outs_asks_for_the_port_even_for_nothing),
        TEST(far_call_names_the_push_that_fails),
        TEST(x87_store_to_bad_memory_faults_before_its_exception),
        TEST(block_decoded_under_a_wider_limit_is_not_run),
        TEST(store_to_the_modrm_byte_that_made_it_invalid),
        TEST(repetition_goes_on_as_it_was_fetched),
        TEST(watched_repetition_goes_on_as_it_was_fetched),
        TEST(snapshot_holds_what_a_repetition_goes_on_with),
        TEST(fxrstor_reads_the_part_of_its_image_that_it_ignores),
        TEST(trap_makes_a_repetition_be_fetched_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
