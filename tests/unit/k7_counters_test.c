/* The four performance counters of the K7 and K8: exact counts of a few instructions. */
#include "guest.h"

#include "cpu/models/k7/k7.h"
#include "cpu/models/k7/pipeline.h"
#include "cpu/msr.h"

#define EN 0x430000u /* at all levels */
#define USR 0x410000u
#define OS 0x420000u

static struct guest *k8_new(void)
{
    struct guest *g = guest_new_part(&k8_manchester, &k8_manchester_geometry);
    cpu_set_model(&g->cpu, model_k7_new(&k8_manchester_timing, 2200000000, 1));
    g->cpu.cr0 &= ~(uint32_t)(CR0_CD | CR0_NW);
    cpu_mode_changed(&g->cpu);
    msr_write(&g->cpu, 0x2FF, MTRR_DEFAULT_ON | TYPE_WB);
    return g;
}

/* What an event comes to while code runs, to its HLT. */
#define COUNT(g, select, text)                                                                     \
    (msr_write(&(g)->cpu, 0xC0010001, 0), msr_write(&(g)->cpu, 0xC0010005, 0),                     \
     msr_write(&(g)->cpu, 0xC0010001, select), guest_bytes(g, GUEST_CODE, text),                   \
     blocks_flush((g)->cpu.blocks), (g)->cpu.eip = GUEST_CODE, guest_run(g),                       \
     msr_counter(&(g)->cpu, 1))

static void retired_instructions_by_privilege(void **state)
{
    (void)state;
    struct guest *g = k8_new();
    assert_int_equal(COUNT(g, EN | 0xC0, "\x90\x90\x40\x90\xF4"), 5);
    assert_int_equal(COUNT(g, OS | 0xC0, "\x90\x90\x40\x90\xF4"), 5);
    assert_int_equal(COUNT(g, USR | 0xC0, "\x90\x90\x40\x90\xF4"), 0);
    assert_int_equal(COUNT(g, 0xC0, "\x90\x90\x40\x90\xF4"), 0);
    guest_free(g);
}

static void overflowed(void *owner) { ++*(unsigned *)owner; }

static void past_its_end_a_counter_with_int_tells_the_local_apic_once(void **state)
{
    (void)state;
    struct guest *g = k8_new();
    unsigned times = 0;
    g->cpu.counter_overflowed = overflowed;
    g->cpu.counter_overflowed_owner = &times;
    static const struct {
        uint32_t select;
        int64_t from;
        unsigned times;
    } cases[] = {{EN | 1 << 20 | 0xC0, -5, 1}, {EN | 1 << 20 | 0xC0, -6, 0}, {EN | 0xC0, -5, 0}};
    for (unsigned i = 0; i < ARRAY_COUNT(cases); i++) {
        times = 0;
        msr_write(&g->cpu, 0xC0010001, cases[i].select);
        msr_write(&g->cpu, 0xC0010005, (uint64_t)cases[i].from);
        guest_bytes(g, GUEST_CODE, "\x90\x90\x40\x90\xF4"); /* five instructions */
        blocks_flush(g->cpu.blocks);
        g->cpu.eip = GUEST_CODE;
        guest_run(g);
        assert_int_equal(times, cases[i].times);
    }
    guest_free(g);
}

static void user_instructions_and_those_of_the_handler(void **state)
{
    (void)state;
    struct guest *g = k8_new();
    guest_user(g);
    assert_int_equal(COUNT(g, USR | 0xC0, "\x90\x90\xCD\x30"), 3);
    guest_free(g);
    g = k8_new();
    guest_user(g);
    assert_int_equal(COUNT(g, OS | 0xC0, "\x90\x90\xCD\x30"), 1); /* the handler's HLT */
    guest_free(g);
    g = k8_new();
    guest_user(g);
    assert_int_equal(COUNT(g, EN | 0xC6, "\x90\x90\xCD\x30"), 1);
    guest_free(g);
}

static void data_accesses_misses_and_refills(void **state)
{
    (void)state;
    struct guest *g = k8_new();
    assert_int_equal(COUNT(g, EN | 0x41, "\xA1\x00\x00\x06\x00\xF4"), 1);
    assert_int_equal(COUNT(g, EN | 0x41, "\xA1\x00\x00\x06\x00\xF4"), 0);
    assert_int_equal(COUNT(g, EN | 0x1F43, "\xA1\x40\x00\x06\x00\xF4"), 1);
    assert_int_equal(COUNT(g, EN | 0x1F42, "\xA1\x80\x00\x07\x00\xF4"), 0);
    /* mov eax,[60000h]; mov [60000h],eax; add [60000h],eax, which reads and writes */
    assert_int_equal(COUNT(g, EN | 0x40, "\xA1\x00\x00\x06\x00\xA3\x00\x00\x06\x00"
                                         "\x01\x05\x00\x00\x06\x00\xF4"), 4);
    assert_int_equal(COUNT(g, EN | 0x47, "\xA1\x05\x00\x06\x00\xA1\x03\x00\x06\x00\xF4"), 1);
    guest_free(g);
}

static void branches_taken_and_mispredicted(void **state)
{
    (void)state;
    struct guest *g = k8_new();
    /* mov ecx,10; dec ecx; jnz -3 */
    assert_int_equal(COUNT(g, EN | 0xC2, "\xB9\x0A\x00\x00\x00\x49\x75\xFD\xF4"), 10);
    assert_int_equal(COUNT(g, EN | 0xC4, "\xB9\x0A\x00\x00\x00\x49\x75\xFD\xF4"), 9);
    assert_int_equal(COUNT(g, EN | 0xC3, "\xEB\x00\x90\x90\xF4"), 1); /* never seen before */
    guest_free(g);
}

static void cycles_are_the_clock_s(void **state)
{
    (void)state;
    struct guest *g = k8_new();
    cycle_t before = g->clock.now;
    uint64_t counted = COUNT(g, EN | 0x76, "\x40\x43\x0F\xA2\x40\xF4");
    assert_int_equal(counted, g->clock.now - before);
    before = g->clock.now;
    counted = COUNT(g, EN | 0xCD, "\x90\xF4"); /* IF is clear */
    assert_int_equal(counted, g->clock.now - before);
    guest_free(g);
}

static void walks_and_refills_of_tlbs(void **state)
{
    (void)state;
    struct guest *g = k8_new();
    guest_paging(g);
    /* two reads of one page */
    assert_int_equal(COUNT(g, EN | 0x46, "\xA1\x00\x00\x06\x00\xA1\x10\x00\x06\x00\xF4"), 1);
    assert_int_equal(COUNT(g, EN | 0x46, "\xA1\x00\x00\x06\x00\xF4"), 0);
    for (uint32_t i = 0; i < 32; i++) { /* 32 other pages */
        uint64_t value = 0;
        g->cpu.log.count = 0;
        mmu_access(&g->mmu, 0x70000 + 0x1000 * i, 4, ACCESS_READ, false, 0, &value);
    }
    g->cpu.log.count = 0;
    assert_int_equal(COUNT(g, EN | 0x45, "\xA1\x00\x00\x06\x00\xF4"), 1);
    guest_free(g);
}

/* A WRMSR that enables a counter is counted, the one that disables it is not. */
static void the_guest_counts_for_itself(void **state)
{
    (void)state;
    struct guest *g = k8_new();
    g->cpu.r[ECX] = 0xC0010000;
    g->cpu.r[EAX] = EN | 0xC0;
    g->cpu.r[EDX] = 0;
    /* wrmsr; nop; nop; xor eax,eax; wrmsr; sub ecx,-4; rdmsr; hlt */
    guest_bytes(g, GUEST_CODE, "\x0F\x30\x90\x90\x31\xC0\x0F\x30\x83\xE9\xFC\x0F\x32\xF4");
    assert_int_equal(guest_run(g), GUEST_HLT);
    assert_int_equal(g->cpu.r[EAX], 4);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retired_instructions_by_privilege),
        cmocka_unit_test(past_its_end_a_counter_with_int_tells_the_local_apic_once),
        cmocka_unit_test(user_instructions_and_those_of_the_handler),
        cmocka_unit_test(data_accesses_misses_and_refills),
        cmocka_unit_test(branches_taken_and_mispredicted),
        cmocka_unit_test(cycles_are_the_clock_s),
        cmocka_unit_test(walks_and_refills_of_tlbs),
        cmocka_unit_test(the_guest_counts_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
