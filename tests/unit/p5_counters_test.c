/* p5_counters_test: the performance counters as a guest programs them [SDM3B 18.21]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/models/p5/p5.h"
#include "sim/report/bench.h"

/* Selects `control` for CTR0, runs the code, and gives what the counter then holds. */
static uint32_t counted(uint32_t control, const char *code, size_t size)
{
    /* mov ecx,11h; xor edx,edx; mov eax */
    static const char select[] = "\xB9\x11\x00\x00\x00\x31\xD2\xB8";
    static const char write[] = "\x0F\x30";
    static const char read[] = "\xB9\x12\x00\x00\x00\x0F\x32\xF4"; /* mov ecx,12h; rdmsr; hlt */
    struct machine_config *p133 = machine_find("p133");
    struct bench *b = bench_new(p133, 4096, true, false);
    uint32_t at = BENCH_CODE;
    bench_put(b, at, select, 8);
    bench_put(b, at + 8, &control, 4);
    bench_put(b, at + 12, write, 2);
    bench_put(b, at + 14, code, size);
    bench_put(b, at + 14 + (uint32_t)size, read, 8);
    bench_run(b);
    uint32_t value = b->cpu.r[EAX];
    assert_false(b->raised);
    bench_free(b);
    free(p133);
    return value;
}

#define COUNTED(event, mode, code) counted((event) | (mode) << 6, code, sizeof(code) - 1)
#define ALL_LEVELS 3

/* WRMSR itself and the MOV before RDMSR are counted with the rest. */
static void instructions_are_counted(void **state)
{
    (void)state;
    assert_int_equal(COUNTED(0x16, ALL_LEVELS, "\x90\x90\x90\x90"), 6);
    assert_int_equal(COUNTED(0x16, 0, "\x90\x90\x90\x90"), 0); /* off */
}

static void privilege_selects(void **state)
{
    (void)state;
    assert_int_equal(COUNTED(0x16, 1, "\x90\x90\x90\x90"), 6); /* 0 to 2 */
    assert_int_equal(COUNTED(0x16, 2, "\x90\x90\x90\x90"), 0); /* 3 */
}

static void data_accesses_and_pairs_are_counted(void **state)
{
    (void)state;
    /* mov eax,[buf]; mov [buf],eax */
    assert_int_equal(COUNTED(0x00, ALL_LEVELS, "\xA1\x00\x00\x10\x00\xA3\x00\x00\x10\x00"), 1);
    assert_int_equal(COUNTED(0x01, ALL_LEVELS, "\xA1\x00\x00\x10\x00\xA3\x00\x00\x10\x00"), 1);
    assert_int_equal(COUNTED(0x28, ALL_LEVELS, "\xA1\x00\x00\x10\x00\xA3\x00\x00\x10\x00"), 2);
    /* One-byte instructions pair at first sight. */
    assert_int_equal(COUNTED(0x17, ALL_LEVELS, "\x90\x90\x90\x90"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_are_counted),
        cmocka_unit_test(privilege_selects),
        cmocka_unit_test(data_accesses_and_pairs_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
