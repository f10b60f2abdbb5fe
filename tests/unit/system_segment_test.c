/* Segment loads, far transfers and call gates. */
#include "guest.h"

#define TEST(name) static void name(void **state)
#define UNUSED (void)state

static uint32_t frame(const struct guest *g, unsigned n)
{
    return guest_peek(g, g->cpu.r[ESP] + 4 * n, 4);
}

/* mov ds, ax: the vector and error code, or GUEST_HLT. */
static int load(struct guest *g, unsigned seg, unsigned selector, uint32_t *code)
{
    g->cpu.r[EAX] = selector;
    guest_bytes(g, GUEST_CODE, "\x8E\xC0\xF4");
    g->ram[GUEST_CODE + 1] |= (uint8_t)(seg << 3);
    blocks_flush(g->cpu.blocks);
    g->cpu.eip = GUEST_CODE;
    int vector = guest_run(g);
    *code = g->code;
    return vector;
}

TEST(data_segment_checks)
{
    UNUSED;
    static const struct {
        unsigned access, rpl;
        int vector;
    } cases[] = {
        {0x93, 0, GUEST_HLT}, {0x91, 3, EXC_GP},    {0xF1, 3, GUEST_HLT}, {0x9B, 0, GUEST_HLT},
        {0x99, 0, EXC_GP},    {0x9F, 3, GUEST_HLT}, {0x13, 0, EXC_NP},    {0x89, 0, EXC_GP},
        {0x97, 0, GUEST_HLT}, {0x1B, 3, EXC_GP},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        struct guest *g = guest_new();
        uint32_t code;
        guest_descriptor(g, GUEST_SPARE, 0, 0xFFFFF, cases[i].access, 0xC0);
        assert_int_equal(load(g, DS, GUEST_SPARE | cases[i].rpl, &code), cases[i].vector);
        if (cases[i].vector != GUEST_HLT) {
            assert_int_equal(code, GUEST_SPARE);
            assert_int_equal(g->cpu.seg[DS].selector, GUEST_DATA0);
        }
        guest_free(g);
    }
}

TEST(stack_segment_checks)
{
    UNUSED;
    static const struct {
        unsigned access, rpl;
        int vector;
    } cases[] = {
        {0x93, 0, GUEST_HLT}, {0x93, 3, EXC_GP}, {0xF3, 0, EXC_GP}, {0x91, 0, EXC_GP},
        {0x9B, 0, EXC_GP},    {0x13, 0, EXC_SS}, {0x97, 0, GUEST_HLT},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        struct guest *g = guest_new();
        uint32_t code;
        guest_descriptor(g, GUEST_SPARE, 0, 0xFFFFF, cases[i].access, 0xC0);
        assert_int_equal(load(g, SS, GUEST_SPARE | cases[i].rpl, &code), cases[i].vector);
        guest_free(g);
    }
}

TEST(null_selectors)
{
    UNUSED;
    struct guest *g = guest_new();
    uint32_t code;
    assert_int_equal(load(g, ES, 3, &code), GUEST_HLT);
    assert_int_equal(g->cpu.seg[ES].selector, 3);
    assert_int_equal(load(g, SS, 0, &code), EXC_GP);
    assert_int_equal(code, 0);
    assert_int_equal(load(g, DS, 0x1000, &code), EXC_GP); /* beyond the GDT */
    assert_int_equal(code, 0x1000);
    assert_int_equal(load(g, DS, 0xC, &code), EXC_GP); /* no LDT */
    assert_int_equal(code, 0xC);
    assert_int_equal(load(g, CS, GUEST_CODE0, &code), EXC_UD);
    guest_free(g);
}

TEST(null_segment_faults_on_use_even_at_its_first_byte)
{
    UNUSED;
    struct guest *g = guest_new();
    g->cpu.seg[ES] = (struct segment){0};
    guest_bytes(g, GUEST_CODE, "\x26\xA0\x00\x00\x00\x00");
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(g->code, 0);
    guest_free(g);
}

TEST(load_sets_the_accessed_bit)
{
    UNUSED;
    struct guest *g = guest_new();
    uint32_t code;
    guest_descriptor(g, GUEST_SPARE, 0x12345678, 0xFFFFF, 0x92, 0xC0);
    assert_int_equal(load(g, DS, GUEST_SPARE, &code), GUEST_HLT);
    assert_int_equal(guest_peek(g, guest_gdt(GUEST_SPARE) + 5, 1), 0x93);
    assert_int_equal(g->cpu.seg[DS].base, 0x12345678);
    assert_int_equal(g->cpu.seg[DS].limit, 0xFFFFFFFF);
    guest_free(g);
}

TEST(ldt_segments)
{
    UNUSED;
    struct guest *g = guest_new();
    uint32_t code;
    guest_descriptor(g, GUEST_SPARE, GUEST_FREE, 15, 0x82, 0);
    guest_poke(g, GUEST_FREE + 8, 4, 0x0000FFFF);
    guest_poke(g, GUEST_FREE + 12, 4, 0x00CF9300);
    g->cpu.r[EBX] = GUEST_SPARE;
    guest_bytes(g, GUEST_CODE + 0x100, "\x0F\x00\xD3\xF4"); /* lldt bx */
    g->cpu.eip = GUEST_CODE + 0x100;
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(load(g, DS, 0xC, &code), GUEST_HLT);
    assert_int_equal(load(g, DS, 0x14, &code), EXC_GP);
    assert_int_equal(code, 0x14);
    guest_free(g);
}

TEST(mov_ss_holds_off_interrupts_for_one_instruction)
{
    UNUSED;
    struct guest *g = guest_new();
    g->interrupt = 0x41;
    g->cpu.intr_line = true;
    g->cpu.r[EAX] = GUEST_DATA0;
    guest_bytes(g, GUEST_CODE, "\xFB\x8E\xD0\x90\x90"); /* sti; mov ss; nop; nop */
    assert_int_equal(guest_run(g), 0x41);
    /* STI holds off for MOV SS, MOV SS for the NOP. */
    assert_int_equal(frame(g, 0), GUEST_CODE + 4);
    guest_free(g);
}

static void call_gate(struct guest *g, unsigned selector, unsigned access, unsigned count)
{
    guest_gate(g, guest_gdt(GUEST_SPARE), selector, GUEST_HANDLERS + 16 * 0x50, access, count);
    guest_bytes(g, GUEST_CODE, "\x9A\x00\x00\x00\x00\x3B\x00\xCD\x30"); /* call 3B:0; int 30 */
}

TEST(call_gate_to_an_inner_level_copies_parameters)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_user(g);
    call_gate(g, GUEST_CODE0, 0xEC, 2);
    g->cpu.r[ESP] -= 8;
    guest_poke(g, g->cpu.r[ESP], 4, 0x11111111);
    guest_poke(g, g->cpu.r[ESP] + 4, 4, 0x22222222);
    assert_int_equal(guest_run(g), 0x50);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK0 - 24);
    assert_int_equal(frame(g, 0), GUEST_CODE + 7);
    assert_int_equal(frame(g, 1), GUEST_CODE3);
    assert_int_equal(frame(g, 2), 0x11111111);
    assert_int_equal(frame(g, 3), 0x22222222);
    assert_int_equal(frame(g, 4), GUEST_STACK3 - 8);
    assert_int_equal(frame(g, 5), GUEST_DATA3);
    assert_int_equal(g->ledger.path, PATH_CALL_GATE);
    guest_bytes(g, GUEST_HANDLERS + 16 * 0x50 + 1, "\xCA\x08\x00"); /* retf 8 */
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(frame(g, 0), GUEST_CODE + 9);
    assert_int_equal(frame(g, 3), GUEST_STACK3);
    guest_free(g);
}

TEST(call_gate_of_16_bits)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_user(g);
    call_gate(g, GUEST_CODE0, 0xE4, 1);
    guest_poke(g, GUEST_STACK3, 2, 0x4321);
    assert_int_equal(guest_run(g), 0x50);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK0 - 10);
    assert_int_equal(guest_peek(g, GUEST_STACK0 - 6, 2), 0x4321);
    guest_free(g);
}

TEST(call_gate_privilege)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_user(g);
    call_gate(g, GUEST_CODE0, 0x8C, 0);
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(g->code, GUEST_SPARE);
    guest_free(g);
    g = guest_new();
    guest_user(g);
    call_gate(g, GUEST_CODE0, 0xEC, 0);
    guest_bytes(g, GUEST_CODE, "\xEA\x00\x00\x00\x00\x3B\x00"); /* JMP may not go inward */
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(g->code, GUEST_CODE0);
    guest_free(g);
}

TEST(call_gate_at_the_same_level)
{
    UNUSED;
    struct guest *g = guest_new();
    call_gate(g, GUEST_CODE0, 0xEC, 5);
    assert_int_equal(guest_run(g), 0x50);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK - 8);
    assert_int_equal(frame(g, 0), GUEST_CODE + 7);
    assert_int_equal(frame(g, 1), GUEST_CODE0);
    guest_free(g);
}

TEST(conforming_code_keeps_the_level)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_descriptor(g, GUEST_SPARE, 0, 0xFFFFF, 0x9E, 0xC0);
    guest_user(g);
    guest_bytes(g, GUEST_CODE, "\x9A\x00\x00\x06\x00\x38\x00");
    guest_bytes(g, GUEST_FREE, "\xCD\x30");
    assert_int_equal(guest_run(g), 0x30);
    assert_int_equal(frame(g, 1), GUEST_SPARE | 3);
    assert_int_equal(guest_peek(g, GUEST_STACK3 - 4, 4), GUEST_CODE3);
    guest_free(g);
}

TEST(far_call_that_faults_leaves_the_stack)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_descriptor(g, GUEST_SPARE, 0, 0xFF, 0x9B, 0x40); /* limit FFh */
    guest_bytes(g, GUEST_CODE, "\x9A\x00\x01\x00\x00\x38\x00");
    assert_int_equal(guest_run(g), EXC_GP);
    assert_int_equal(g->code, 0);
    assert_int_equal(g->cpu.r[ESP], GUEST_STACK - 16);
    assert_int_equal(frame(g, 1), GUEST_CODE);
    guest_free(g);
}

TEST(expand_down_stack)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_descriptor(g, GUEST_SPARE, 0, 0x1F, 0x97, 0xC0); /* valid above 1FFFFh */
    guest_segment(g, SS, GUEST_SPARE);
    g->cpu.r[ESP] = GUEST_STACK + 4;
    guest_bytes(g, GUEST_CODE, "\x50\x50");
    guest_gate(g, guest_idt(EXC_SS), GUEST_OTHER_SELECTOR, 0, 0x85, 0);
    guest_other_task(g);
    guest_bytes(g, GUEST_FREE, "\xF4");
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(guest_peek(g, GUEST_TSS + 0x20, 4), GUEST_CODE + 1);
    guest_free(g);
}

TEST(retf_to_an_outer_level_drops_segments)
{
    UNUSED;
    struct guest *g = guest_new();
    static const uint32_t top[4] = {GUEST_FREE, GUEST_CODE3, GUEST_STACK3, GUEST_DATA3};
    g->cpu.r[ESP] = GUEST_STACK - sizeof top;
    memcpy(g->ram + GUEST_STACK - sizeof top, top, sizeof top);
    guest_bytes(g, GUEST_CODE, "\xCB");
    guest_bytes(g, GUEST_FREE, "\xCD\x30");
    assert_int_equal(guest_run(g), 0x30);
    assert_false(g->cpu.seg[DS].valid);
    assert_int_equal(frame(g, 3), GUEST_STACK3);
    guest_free(g);
}

TEST(real_mode_keeps_a_large_limit)
{
    UNUSED;
    struct guest *g = guest_new();
    guest_real(g);
    g->cpu.seg[ES].limit = 0xFFFFFFFF;
    guest_poke(g, GUEST_FREE, 4, 0x55AA55AA);
    g->cpu.r[EBX] = GUEST_FREE;
    /* xor ax,ax; mov es,ax; mov eax,es:[ebx]; hlt */
    guest_bytes(g, GUEST_V86, "\x31\xC0\x8E\xC0\x26\x66\x67\x8B\x03\xF4");
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.r[EAX], 0x55AA55AA);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_segment_checks),
        cmocka_unit_test(stack_segment_checks),
        cmocka_unit_test(null_selectors),
        cmocka_unit_test(null_segment_faults_on_use_even_at_its_first_byte),
        cmocka_unit_test(load_sets_the_accessed_bit),
        cmocka_unit_test(ldt_segments),
        cmocka_unit_test(mov_ss_holds_off_interrupts_for_one_instruction),
        cmocka_unit_test(call_gate_to_an_inner_level_copies_parameters),
        cmocka_unit_test(call_gate_of_16_bits),
        cmocka_unit_test(call_gate_privilege),
        cmocka_unit_test(call_gate_at_the_same_level),
        cmocka_unit_test(conforming_code_keeps_the_level),
        cmocka_unit_test(far_call_that_faults_leaves_the_stack),
        cmocka_unit_test(expand_down_stack),
        cmocka_unit_test(retf_to_an_outer_level_drops_segments),
        cmocka_unit_test(real_mode_keeps_a_large_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
