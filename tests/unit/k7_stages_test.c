/* k7_stages_test: the stages that `isochron cycles` and Konata show of a micro-operation, held
 * against the rules of the pipeline (cpu/models/k7/README.md): small programs written for them, in
 * a warm loop. */
#include "cycles_bench.h"

#define COPIES 8
#define ROB_LINES 24
#define FRONT_STAGES_K8 7
#define LANE_ENTRIES_K8 8
#define FP_ENTRIES 36

#define K8(setup, code)                                                                            \
    bench_cycles("a64-2200", COPIES, setup, sizeof(setup) - 1, code, sizeof(code) - 1)

static const struct model_last *line(const struct cycles_result *r, size_t i)
{
    assert_in_range(i, 0, r->line_count - 1);
    return &r->lines[i].last;
}

/* The micro-operation of a unit. */
static const struct model_micro *micro(const struct model_last *l, enum model_unit unit)
{
    for (unsigned i = 0; i < l->micro_count; i++)
        if (l->micro[i].unit == unit)
            return &l->micro[i];
    fail_msg("no micro-operation of unit %u", unit);
    return NULL;
}

/* What holds of any program: stages in their order, lines of at most three in order, one line
 * retired a clock, and no earlier than it is complete. */
static void expect_lawful(const struct cycles_result *r)
{
    unsigned together = 1;
    for (size_t i = 0; i < r->line_count; i++) {
        const struct model_last *l = line(r, i), *before = i ? line(r, i - 1) : l;
        assert_true(l->staged);
        assert_int_equal(l->decoded - l->fetched, FRONT_STAGES_K8);
        assert_true(l->decoded <= l->dispatched && l->dispatched < l->issued);
        assert_true(l->issued <= l->completed && l->completed < l->retired);
        for (unsigned k = 0; k < l->micro_count; k++)
            assert_true(l->micro[k].issued > l->dispatched &&
                        l->micro[k].completed <= l->completed);
        assert_true(l->dispatched >= before->dispatched && l->retired >= before->retired);
        together = l->paired ? together + 1 : 1;
        assert_in_range(together, 1, 3);
        if (i && l->paired)
            assert_int_equal(l->dispatched, before->dispatched);
        else if (i)
            assert_true(l->dispatched > before->dispatched && l->retired > before->retired);
    }
}

static void a_line_is_three_in_lanes_and_goes_together(void **state)
{
    (void)state;
    struct cycles_result r = K8("", "\x40\x43\x41"); /* inc eax; inc ebx; inc ecx */
    expect_lawful(&r);
    for (size_t i = 1; i < 3; i++) {
        bool joins = line(&r, i)->paired;
        assert_int_equal(line(&r, i)->dispatched - line(&r, i - 1)->dispatched, joins ? 0 : 1);
        assert_int_equal(line(&r, i)->retired - line(&r, i - 1)->retired, joins ? 0 : 1);
        assert_int_equal(line(&r, i)->pipe, joins ? line(&r, i - 1)->pipe + 1 : '0');
        assert_int_equal(line(&r, i)->unit, MODEL_ALU);
    }
    cycles_free(&r);
}

/* inc ecx; inc edx; imul eax,eax: the products, each of which waits for the one before, fill the
 * scheduler of their lane; the other two lanes wait with it. */
static void a_line_waits_until_each_lane_has_room(void **state)
{
    (void)state;
    struct cycles_result r = K8("", "\x41\x42\x0F\xAF\xC0");
    expect_lawful(&r);
    unsigned waited = 0;
    for (size_t i = 2; i < r.line_count; i++) {
        const struct model_last *l = line(&r, i);
        if (l->unit != MODEL_MULTIPLIER || l->pipe != '2' || !l->paired)
            continue;
        assert_int_equal(line(&r, i - 2)->dispatched, l->dispatched);
        assert_int_equal(line(&r, i - 2)->issued, l->dispatched + 1);
        waited += l->issued - l->dispatched > 3 * (LANE_ENTRIES_K8 - 1);
    }
    assert_true(waited > 0);
    cycles_free(&r);
}

/* inc ecx; fadd st,st; fadd st,st: sums that wait for each other fill the floating-point scheduler
 * before the reorder buffer; the one that finds no entry begins a line. */
static void a_full_floating_point_scheduler_parts_no_line(void **state)
{
    (void)state;
    struct cycles_result r =
        bench_cycles("a64-2200", 5 * COPIES, "\xD9\xEE", 2, "\x41\xD8\xC0\xD8\xC0", 5);
    expect_lawful(&r);
    assert_true(line(&r, 1)->issued - line(&r, 1)->dispatched > 4 * (FP_ENTRIES - 4));
    assert_int_equal(line(&r, 0)->issued, line(&r, 0)->dispatched + 1);
    assert_true(line(&r, 1)->dispatched > line(&r, 0)->dispatched && line(&r, 2)->paired);
    cycles_free(&r);
}

static void a_chain_issues_a_clock_apart_in_any_lanes(void **state)
{
    (void)state;
    struct cycles_result r = K8("", "\x01\xC3\x01\xD8\x01\xC3"); /* add ebx,eax; add eax,ebx ... */
    expect_lawful(&r);
    for (size_t i = 1; i < 3; i++)
        assert_int_equal(line(&r, i)->issued, line(&r, i - 1)->completed);
    cycles_free(&r);
}

static void a_load_is_an_address_and_its_data_three_clocks_on(void **state)
{
    (void)state;
    struct cycles_result r = K8(BUFFER_IN_ESI, "\x03\x06\x89\xC3"); /* add eax,[esi]; mov ebx,eax */
    expect_lawful(&r);
    const struct model_micro *address = micro(line(&r, 0), MODEL_AGU);
    const struct model_micro *sum = micro(line(&r, 0), MODEL_ALU);
    assert_true(address->completed - address->issued >= 3); /* in program order, two a clock */
    assert_true(sum->issued >= address->completed);
    assert_int_equal(sum->completed - sum->issued, 1);
    assert_int_equal(line(&r, 1)->issued, sum->completed);
    cycles_free(&r);
    r = K8(BUFFER_IN_ESI "\x89\x36", "\x8B\x36"); /* mov esi,[esi]: each waits for the one before */
    address = micro(line(&r, 0), MODEL_AGU);
    assert_int_equal(address->completed - address->issued, 3); /* [AF-IT] */
    cycles_free(&r);
}

static void a_plain_load_has_no_arithmetic(void **state)
{
    (void)state;
    struct cycles_result r = K8(BUFFER_IN_ESI, "\x8B\x06"); /* mov eax,[esi] */
    expect_lawful(&r);
    assert_int_equal(line(&r, 0)->micro_count, 1);
    assert_int_equal(line(&r, 0)->unit, MODEL_AGU);
    cycles_free(&r);
}

static void the_multiplier_has_a_latency_of_three(void **state)
{
    (void)state;
    struct cycles_result r = K8("", "\x0F\xAF\xC1\x01\xC3"); /* imul eax,ecx; add ebx,eax */
    expect_lawful(&r);
    const struct model_micro *product = micro(line(&r, 0), MODEL_MULTIPLIER);
    assert_int_equal(product->completed - product->issued, 3); /* [25112 A.12] */
    assert_true(micro(line(&r, 1), MODEL_ALU)->issued >= product->completed);
    cycles_free(&r);
}

static void microcode_shares_its_line_with_nothing(void **state)
{
    (void)state;
    struct cycles_result r = K8("", "\x87\xC9\x43\x87\xD2\x45"); /* xchg; inc; xchg; inc */
    expect_lawful(&r);
    for (size_t i = 0; i < 4; i++)
        assert_false(line(&r, i)->paired);
    assert_int_equal(line(&r, 0)->unit, MODEL_MICROCODE);
    cycles_free(&r);
}

static void what_fadd_and_fmul_do_alike_takes_turns(void **state)
{
    (void)state;
    struct cycles_result r = K8("", "\x0F\x57\xC1\x0F\x57\xD1"); /* xorps xmm0,xmm1; xmm2,xmm1 */
    expect_lawful(&r);
    for (size_t i = 0; i < 2; i++)
        assert_in_range(line(&r, i)->unit, MODEL_FADD, MODEL_FMUL);
    cycles_free(&r);
    r = K8("", "\x0F\x58\xC1\x0F\x59\xD1"); /* addps; mulps */
    assert_int_equal(line(&r, 0)->unit, MODEL_FADD);
    assert_int_equal(line(&r, 1)->unit, MODEL_FMUL);
    assert_int_equal(line(&r, 0)->completed - line(&r, 0)->issued, 4); /* [AF-IT] */
    cycles_free(&r);
}

static void a_window_of_sixteen_bytes_is_fetched_a_clock(void **state)
{
    (void)state;
    /* eight additions of six bytes: three windows, in order, one a clock at most */
    struct cycles_result r = K8("", "\x81\xC3\x00\x00\x10\x00\x81\xC1\x00\x00\x10\x00"
                                    "\x81\xC2\x00\x00\x10\x00\x81\xC6\x00\x00\x10\x00"
                                    "\x81\xC7\x00\x00\x10\x00\x81\xC5\x00\x00\x10\x00"
                                    "\x81\xC3\x00\x00\x10\x00\x81\xC1\x00\x00\x10\x00");
    expect_lawful(&r);
    assert_int_equal(r.line_count, 8);
    assert_true(line(&r, 7)->fetched >= line(&r, 0)->fetched + 2);
    for (size_t i = 1; i < 8; i++)
        assert_in_range(line(&r, i)->fetched - line(&r, i - 1)->fetched, 0, 1);
    cycles_free(&r);
}

static void the_reorder_buffer_holds_24_lines(void **state)
{
    (void)state;
    /* a chain of 30 multiplications: later lines cannot be dispatched until earlier ones retire */
    char code[90];
    for (size_t i = 0; i < sizeof code; i += 3)
        memcpy(code + i, "\x0F\xAF\xC0", 3);
    struct cycles_result r = bench_cycles("a64-2200", COPIES, "", 0, code, sizeof code);
    expect_lawful(&r);
    unsigned lines = 0;
    for (size_t i = 1, first = 0; i < r.line_count; i++) {
        lines += !line(&r, i)->paired;
        while (lines >= ROB_LINES) { /* the line at first must have left */
            assert_true(line(&r, i)->dispatched > line(&r, first)->retired);
            while (line(&r, ++first)->paired)
                ;
            lines--;
        }
    }
    cycles_free(&r);
}

/* A chain through 128 KB, so that each load finds its line in L2 and displaces another. */
#define CHAIN                                                                                      \
    "\xB9\x00\x08\x00\x00" BUFFER_IN_ESI           /* mov ecx,2048; mov esi,buf */                 \
    "\x8D\x46\x40\x89\x06\x89\xC6\x49\x75\xF6"     /* 1: lea eax,[esi+64]; mov [esi],eax;         \
                                                       mov esi,eax; dec ecx; jnz 1b */             \
    "\xC7\x46\xC0\x00\x00\x10\x00" BUFFER_IN_ESI     /* mov [esi-64],buf; mov esi,buf */
#define IDLE "\x0F\xA2\x0F\xA2\x0F\xA2"           /* cpuid three times: L2 has time */
#define LOAD_4 "\x8B\x36\x8B\x36\x8B\x36\x8B\x36" /* mov esi,[esi] */

static void expect_loads(const char *machine, const uint8_t *clocks)
{
    static const char setup[] = CHAIN, code[] = IDLE LOAD_4 LOAD_4 LOAD_4 LOAD_4;
    struct machine_config *m = machine_find(machine);
    struct assembly text = {.bytes = (uint8_t *)(uintptr_t)code, .size = sizeof code - 1};
    struct assembly before = {.bytes = (uint8_t *)(uintptr_t)setup, .size = sizeof setup - 1};
    struct cycles_request q = {.config = m, .code = &text, .setup = &before, .copies = 1,
                               .buffer_bytes = 132 << 10, .warm_loops = 256, .measured_loops = 16};
    struct cycles_result r;
    cycles_measure(&q, &r);
    free(m);
    assert_false(r.raised);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(line(&r, 3 + i)->completed - line(&r, 3 + i)->issued, clocks[i]);
    cycles_free(&r);
}

/* Of the K7's L2 a line takes 8 clocks and its victim 12, in 11 a load: after ten of them eight
 * victims are waiting, and a load waits for the ninth of its clocks that L2 did not have (Q28).
 * The K8's L2 has time for both. */
static void a_full_victim_buffer_delays_a_miss(void **state)
{
    (void)state;
    static const uint8_t k7[16] = {11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 17, 20, 20, 20, 20, 20};
    static const uint8_t k8[16] = {12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12};
    expect_loads("k7-1400", k7);
    expect_loads("a64-2200", k8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_three_in_lanes_and_goes_together),
        cmocka_unit_test(a_line_waits_until_each_lane_has_room),
        cmocka_unit_test(a_full_floating_point_scheduler_parts_no_line),
        cmocka_unit_test(a_chain_issues_a_clock_apart_in_any_lanes),
        cmocka_unit_test(a_load_is_an_address_and_its_data_three_clocks_on),
        cmocka_unit_test(a_plain_load_has_no_arithmetic),
        cmocka_unit_test(the_multiplier_has_a_latency_of_three),
        cmocka_unit_test(microcode_shares_its_line_with_nothing),
        cmocka_unit_test(what_fadd_and_fmul_do_alike_takes_turns),
        cmocka_unit_test(a_window_of_sixteen_bytes_is_fetched_a_clock),
        cmocka_unit_test(the_reorder_buffer_holds_24_lines),
        cmocka_unit_test(a_full_victim_buffer_delays_a_miss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
