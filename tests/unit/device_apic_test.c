/* The local APIC alone, one behaviour a test [SDM3 10.4-10.9]; and in a machine, where how blocks
 * are cut must not move what its timer reads. */
#include "devices/apic_local.h"
#include "cpu/run.h"
#include "sim/core/check.h"
#include "sim/core/snap.h"
#include "sim/machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ID = 0x20, VERSION = 0x30, TPR = 0x80, APR = 0x90, PPR = 0xA0, EOI = 0xB0, LDR = 0xD0,
       DFR = 0xE0, SVR = 0xF0, ISR = 0x100, TMR = 0x180, IRR = 0x200, ESR = 0x280, ICR = 0x300,
       TIMER = 0x320, COUNTER = 0x340, LINT0 = 0x350, LINT1 = 0x360, ERROR = 0x370,
       INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3E0 };
enum { MASKED = 1 << 16, PERIODIC = 1 << 17, LEVEL = 1 << 15, REMOTE = 1 << 14, LOW = 1 << 13,
       EXTINT = 0x700, NMI = 0x400, SELF = 1 << 18, ON = 1 << 8 };

struct board {
    struct clock clock;
    struct apic apic;
    bool intr, nmi_possible;
    unsigned nmis, pic_acknowledged;
};

static void on_intr(void *owner, int n, bool level)
{
    (void)n;
    ((struct board *)owner)->intr = level;
}

static void on_possible(void *owner, int n, bool possible)
{
    (void)n;
    ((struct board *)owner)->nmi_possible = possible;
}

static void on_nmi(void *owner, int n, bool level)
{
    (void)n;
    ((struct board *)owner)->nmis += level;
}

static uint8_t on_acknowledge(void *owner)
{
    ((struct board *)owner)->pic_acknowledged++;
    return 0x28;
}

/* Ten processor cycles to a clock of the timer. Enabled, and LINT0 and LINT1 in its hands. */
static int setup(void **state)
{
    struct board *b = xalloc(1, sizeof *b);
    clock_init(&b->clock);
    apic_init(&b->apic, (struct apic_config){.clock = &b->clock,
                                             .period = {10, 1},
                                             .intr = {on_intr, b, 0},
                                             .nmi = {on_nmi, b, 0},
                                             .nmi_possible = {on_possible, b, 0},
                                             .acknowledge = on_acknowledge,
                                             .acknowledge_owner = b});
    apic_enable(&b->apic, true);
    apic_bypass(&b->apic, false);
    apic_write(&b->apic, APIC_ADDRESS + SVR, 4, ON | 0xFF);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct board *b = *state;
    clock_free(&b->clock);
    free(b);
    return 0;
}

static uint32_t get(struct board *b, uint32_t at)
{
    return apic_read(&b->apic, APIC_ADDRESS + at, 4);
}

static void set(struct board *b, uint32_t at, uint32_t value)
{
    apic_write(&b->apic, APIC_ADDRESS + at, 4, value);
}

static void run_to(struct board *b, cycle_t cycle)
{
    while (clock_next(&b->clock) <= cycle) {
        b->clock.now = clock_next(&b->clock);
        clock_dispatch(&b->clock);
    }
    b->clock.now = cycle;
}

static void out_of_reset_it_is_as_if_there_were_none(void **state)
{
    struct board *b = *state;
    apic_enable(&b->apic, false);
    assert_int_equal(get(b, VERSION), UINT32_MAX);
    apic_set_lint(&b->apic, 0, true);
    assert_true(b->intr);
    assert_int_equal(apic_acknowledge(&b->apic), 0x28); /* and no APIC_ON_CHIP */
    apic_set_lint(&b->apic, 1, true);
    assert_int_equal(b->nmis, 1);
    apic_enable(&b->apic, true);
    assert_int_equal(get(b, SVR), 0xFF);
    assert_int_equal(get(b, LINT0), MASKED);
    assert_int_equal(get(b, DFR), UINT32_MAX);
    assert_int_equal(get(b, VERSION), 0x00040010);
}

static void bypassed_the_pins_lead_past_it_and_its_own_interrupts_come_too(void **state)
{
    struct board *b = *state;
    apic_bypass(&b->apic, true);
    apic_set_lint(&b->apic, 0, true);
    assert_true(b->intr);
    set(b, ICR, SELF | 0x40);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x40);
    assert_int_equal(apic_acknowledge(&b->apic), 0x28);
    apic_bypass(&b->apic, false); /* LINT0 is masked */
    assert_false(b->intr);
}

static void only_what_is_above_the_class_in_service_or_of_the_task_is_offered(void **state)
{
    struct board *b = *state;
    set(b, TPR, 0x45);
    assert_int_equal(get(b, PPR), 0x45);
    set(b, ICR, SELF | 0x4F);
    assert_false(b->intr);
    assert_int_equal(get(b, IRR + 0x20), 1 << 15);
    set(b, ICR, SELF | 0x50);
    assert_true(b->intr);
    assert_int_equal(get(b, APR), 0x50);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x50);
    assert_int_equal(get(b, ISR + 0x20), 1 << 16);
    assert_int_equal(get(b, PPR), 0x50);
    assert_false(b->intr);
    set(b, ICR, SELF | 0x5F); /* of the same class */
    assert_false(b->intr);
    set(b, ICR, SELF | 0x61);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x61);
    set(b, EOI, 0);
    assert_false(b->intr);
    set(b, EOI, 0);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x5F);
    set(b, EOI, 0);
    assert_int_equal(get(b, PPR), 0x45);
    set(b, TPR, 0);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x4F);
}

static void nothing_to_take_is_the_spurious_vector_and_not_in_service(void **state)
{
    struct board *b = *state;
    set(b, SVR, ON | 0xEF);
    set(b, ICR, SELF | 0x40);
    set(b, TPR, 0x40); /* raised between INTR and INTA */
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0xEF);
    assert_int_equal(get(b, ISR + 0x70), 0);
}

static void a_one_shot_timer_ends_once_at_its_exact_cycle(void **state)
{
    struct board *b = *state;
    set(b, DIVIDE, 0xB); /* by 1 */
    set(b, TIMER, 0x80);
    b->clock.now = 1005; /* between two edges: the count begins at the edge before */
    set(b, INITIAL, 100);
    run_to(b, 1009);
    assert_int_equal(get(b, CURRENT), 100);
    run_to(b, 1010);
    assert_int_equal(get(b, CURRENT), 99);
    run_to(b, 1999);
    assert_int_equal(get(b, CURRENT), 1);
    assert_false(b->intr);
    run_to(b, 2000);
    assert_true(b->intr);
    assert_int_equal(get(b, CURRENT), 0);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x80);
    set(b, EOI, 0);
    run_to(b, 100000);
    assert_false(b->intr);
    assert_int_equal(clock_next(&b->clock), CYCLE_NEVER);
}

static void a_periodic_timer_drifts_by_nothing_and_a_masked_one_counts(void **state)
{
    struct board *b = *state;
    set(b, DIVIDE, 0x3); /* by 16 */
    set(b, TIMER, PERIODIC | 0x80);
    set(b, INITIAL, 7);
    for (unsigned i = 1; i <= 100; i++) {
        run_to(b, i * 7 * 160 - 1);
        assert_false(b->intr);
        run_to(b, i * 7 * 160);
        assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x80);
        set(b, EOI, 0);
    }
    set(b, TIMER, MASKED | PERIODIC | 0x80);
    run_to(b, 101 * 7 * 160 + 160);
    assert_false(b->intr);
    assert_int_equal(get(b, CURRENT), 6);
    set(b, INITIAL, 0);
    assert_int_equal(get(b, CURRENT), 0);
}

static void each_divide_code_divides_as_the_table_says(void **state)
{
    struct board *b = *state;
    static const struct {
        unsigned code, by;
    } table[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};
    for (unsigned i = 0; i < ARRAY_COUNT(table); i++) {
        set(b, DIVIDE, table[i].code | 4); /* bit 2 is not there */
        assert_int_equal(get(b, DIVIDE), table[i].code);
        set(b, INITIAL, 1000);
        run_to(b, b->clock.now + 10ull * table[i].by * 300);
        assert_int_equal(get(b, CURRENT), 700);
    }
}

static void the_8259_comes_through_an_external_lint0_alone(void **state)
{
    struct board *b = *state;
    apic_set_lint(&b->apic, 0, true);
    assert_false(b->intr);
    set(b, LINT0, EXTINT);
    assert_true(b->intr);
    assert_int_equal(apic_acknowledge(&b->apic), 0x28);
    assert_int_equal(b->pic_acknowledged, 1);
    set(b, TPR, 0xFF); /* does not hold it back */
    assert_true(b->intr);
    set(b, LINT0, MASKED | EXTINT);
    assert_false(b->intr);
}

static void edges_of_a_pin_become_vectors_or_nmi(void **state)
{
    struct board *b = *state;
    set(b, LINT0, 0x41);
    apic_set_lint(&b->apic, 0, true);
    apic_set_lint(&b->apic, 0, true);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x41);
    set(b, EOI, 0);
    assert_false(b->intr);
    assert_false(b->nmi_possible);
    set(b, LINT0, NMI);
    assert_true(b->nmi_possible);
    apic_set_lint(&b->apic, 0, false);
    apic_set_lint(&b->apic, 0, true);
    assert_int_equal(b->nmis, 1);
    set(b, LINT1, LOW | 0x42);
    apic_set_lint(&b->apic, 1, true);
    assert_false(b->intr);
    apic_set_lint(&b->apic, 1, false);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x42);
}

static void a_level_asks_again_after_its_eoi(void **state)
{
    struct board *b = *state;
    set(b, LINT0, LEVEL | 0x41);
    apic_set_lint(&b->apic, 0, true);
    assert_int_equal(get(b, LINT0), LEVEL | REMOTE | 0x41);
    assert_int_equal(get(b, TMR + 0x20), 2);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x41);
    assert_false(b->intr);
    set(b, EOI, 0);
    assert_true(b->intr);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0x41);
    apic_set_lint(&b->apic, 0, false);
    set(b, EOI, 0);
    assert_false(b->intr);
    assert_int_equal(get(b, LINT0), LEVEL | 0x41);
}

static void messages_reach_whom_they_name(void **state)
{
    struct board *b = *state;
    set(b, ID, 5u << 24);
    set(b, LDR, 4u << 24);
    static const struct {
        uint32_t dfr, destination, low;
        bool reached;
    } cases[] = {
        {0xFFFFFFFF, 5, 0x50, true},     {0xFFFFFFFF, 4, 0x50, false},
        {0xFFFFFFFF, 0xFF, 0x50, true},  {0xFFFFFFFF, 4, 0x850, true}, /* logical, flat */
        {0xFFFFFFFF, 6, 0x850, true},    {0xFFFFFFFF, 3, 0x850, false},
        {0x0FFFFFFF, 4, 0x850, true}, /* cluster 0, member 2 */
        {0x0FFFFFFF, 0x14, 0x850, false}, {0x0FFFFFFF, 3, 0x850, false},
        {0xFFFFFFFF, 9, 0x80050, true},  {0xFFFFFFFF, 5, 0xC0050, false}, /* shorthands */
    };
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        set(b, DFR, cases[i].dfr);
        set(b, ICR + 0x10, cases[i].destination << 24);
        set(b, ICR, cases[i].low);
        assert_int_equal(b->intr, cases[i].reached);
        if (b->intr)
            apic_acknowledge(&b->apic);
        set(b, EOI, 0);
        set(b, ESR, 0);
        assert_int_equal(get(b, ESR), cases[i].reached ? 0 : 4);
    }
    set(b, ICR, SELF | NMI);
    assert_int_equal(b->nmis, 1);
    set(b, ICR, 0x88500); /* INIT level de-assert to all */
}

static void errors_show_after_a_write_and_interrupt(void **state)
{
    struct board *b = *state;
    set(b, ERROR, 0xFE);
    set(b, ICR, SELF | 3);
    assert_int_equal(get(b, ESR), 0);
    assert_int_equal(apic_acknowledge(&b->apic), APIC_ON_CHIP | 0xFE);
    set(b, EOI, 0);
    set(b, ESR, 0);
    assert_int_equal(get(b, ESR), 1 << 5);
    set(b, LINT0, 7); /* an illegal vector, when it comes */
    apic_set_lint(&b->apic, 0, true);
    get(b, 0x40);
    set(b, VERSION, 0);
    set(b, ESR, 0);
    assert_int_equal(get(b, ESR), 1 << 6 | 1 << 7);
    set(b, ERROR, 0x05); /* its own is illegal: no more than recorded */
    get(b, 0x40);
    set(b, ESR, 0);
    assert_int_equal(get(b, ESR), 1 << 7);
}

static void software_disabled_it_is_masked_and_silent(void **state)
{
    struct board *b = *state;
    set(b, TIMER, 0x80);
    set(b, ICR, SELF | 0x40);
    set(b, SVR, 0xFF);
    assert_false(b->intr);
    assert_int_equal(get(b, TIMER), MASKED | 0x80);
    set(b, TIMER, 0x80);
    assert_int_equal(get(b, TIMER), MASKED | 0x80);
    set(b, SVR, ON | 0xFF);
    assert_true(b->intr); /* what had been asked for is held */
}

static void a_counter_interrupts_by_its_entry(void **state)
{
    struct board *b = *state;
    apic_counter_overflowed(&b->apic);
    assert_int_equal(b->nmis, 0);
    set(b, COUNTER, NMI);
    apic_counter_overflowed(&b->apic);
    assert_int_equal(b->nmis, 1);
}

static void what_was_saved_goes_on_where_it_stood(void **state)
{
    struct board *b = *state;
    set(b, DIVIDE, 0xB);
    set(b, TIMER, PERIODIC | 0x80);
    set(b, INITIAL, 50);
    set(b, ICR, SELF | 0x30);
    run_to(b, 123);
    struct snap s;
    snap_begin_save(&s);
    clock_snapshot(&b->clock, &s);
    apic_snapshot(&b->apic, &s);
    void *other;
    setup(&other);
    struct board *c = other;
    struct snap l;
    snap_begin_load(&l, s.data, s.size);
    l.cycle_most = CYCLE_NEVER;
    clock_snapshot(&c->clock, &l);
    apic_snapshot(&c->apic, &l);
    assert_false(l.failed);
    assert_int_equal(get(c, CURRENT), get(b, CURRENT));
    run_to(c, 500);
    assert_int_equal(apic_acknowledge(&c->apic), APIC_ON_CHIP | 0x80);
    snap_free(&s);
    teardown(&other);
}

/* --- in a machine ----------------------------------------------------------------------------- */

static struct machine *athlon(const char *model)
{
    struct machine_config *config = machine_find("a64-2200");
    config->ram_bytes = 4u << 20;
    machine_set(config, "apic=1");
    struct machine *m = machine_new(config, model, NULL);
    machine_boot(m, &(struct boot){0});
    free(config);
    return m;
}

/* Flat protected mode, and the code at 10000h. */
static void run_code(struct machine *m, const void *code, size_t size, unsigned ops_max)
{
    struct cpu *c = m->cpu;
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        c->seg[i] = (struct segment){.limit = UINT32_MAX, .access = i == CS ? 0x9B : 0x93,
                                     .flags = 0xC0, .selector = 8, .valid = true};
        segment_refresh(&c->seg[i], i == CS);
    }
    c->cr0 = CR0_PE | CR0_ET;
    cpu_mode_changed(c);
    cpu_set_cpl(c, 0);
    assert_true(phys_write(&m->mmu.phys, 0x10000, code, size));
    blocks_set_limit(c->blocks, ops_max);
    c->eip = 0x10000;
    machine_run(m);
    assert_int_equal(m->end, END_HALTED);
}

/* mov dword [FEE003E0],0B (by 1); mov dword [FEE00380],1000000; 40 nops and reads of FEE00390 */
#define TIMER_START                                                                                \
    "\xC7\x05\xE0\x03\xE0\xFE\x0B\x00\x00\x00\xC7\x05\x80\x03\xE0\xFE\x40\x42\x0F\x00"
#define NOPS /* 22 */                                                                              \
    "\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90"

static void how_blocks_are_cut_does_not_move_what_the_timer_reads(void **state)
{
    (void)state;
    static const char code[] = TIMER_START NOPS "\xA1\x90\x03\xE0\xFE\x89\xC3" NOPS NOPS
                                                "\xA1\x90\x03\xE0\xFE\xFA\xF4";
    static const char *const models[] = {"flat", "k8"};
    for (unsigned i = 0; i < ARRAY_COUNT(models); i++) {
        uint32_t first[2], second[2];
        cycle_t end[2];
        for (unsigned k = 0; k < 2; k++) {
            struct machine *m = athlon(models[i]);
            run_code(m, code, sizeof code - 1, k ? BLOCK_OPS_MAX : 1);
            first[k] = m->cpu->r[EBX];
            second[k] = m->cpu->r[EAX];
            end[k] = m->clock.now;
            machine_free(m);
        }
        assert_int_equal(first[0], first[1]);
        assert_int_equal(second[0], second[1]);
        assert_true(end[0] == end[1]);
        assert_true(first[0] <= 1000000 && second[0] < first[0]);
        if (i == 0) /* 46 instructions, 11 cycles to a clock of the timer */
            assert_int_equal(first[0] - second[0], 4);
    }
}

static void cpuid_tells_of_it_while_apic_base_enables_it(void **state)
{
    (void)state;
    /* mov eax,1; cpuid; mov esi,edx; mov ecx,1B; mov eax,FEE00100; xor edx,edx; wrmsr; mov eax,1;
     * cpuid; cli; hlt */
    static const char code[] = "\xB8\x01\x00\x00\x00\x0F\xA2\x89\xD6\xB9\x1B\x00\x00\x00"
                               "\xB8\x00\x01\xE0\xFE\x31\xD2\x0F\x30\xB8\x01\x00\x00\x00\x0F\xA2"
                               "\xFA\xF4";
    struct machine *m = athlon("flat");
    run_code(m, code, sizeof code - 1, BLOCK_OPS_MAX);
    assert_int_equal(m->cpu->r[ESI] & 1 << 9, 1 << 9);
    assert_int_equal(m->cpu->r[EDX] & 1 << 9, 0);
    assert_false(m->apic.enabled);
    machine_free(m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(out_of_reset_it_is_as_if_there_were_none),
        TEST(bypassed_the_pins_lead_past_it_and_its_own_interrupts_come_too),
        TEST(only_what_is_above_the_class_in_service_or_of_the_task_is_offered),
        TEST(nothing_to_take_is_the_spurious_vector_and_not_in_service),
        TEST(a_one_shot_timer_ends_once_at_its_exact_cycle),
        TEST(a_periodic_timer_drifts_by_nothing_and_a_masked_one_counts),
        TEST(each_divide_code_divides_as_the_table_says),
        TEST(the_8259_comes_through_an_external_lint0_alone),
        TEST(edges_of_a_pin_become_vectors_or_nmi),
        TEST(a_level_asks_again_after_its_eoi),
        TEST(messages_reach_whom_they_name),
        TEST(errors_show_after_a_write_and_interrupt),
        TEST(software_disabled_it_is_masked_and_silent),
        TEST(a_counter_interrupts_by_its_entry),
        TEST(what_was_saved_goes_on_where_it_stood),
        cmocka_unit_test(how_blocks_are_cut_does_not_move_what_the_timer_reads),
        cmocka_unit_test(cpuid_tells_of_it_while_apic_base_enables_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
