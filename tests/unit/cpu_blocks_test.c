/* Tests of decoded blocks as such: running out of room for them. */
#include "tests/unit/guest.h"

#define SLED 0x60000u
#define SLED_END 0xF0000u

/* INC EAX; JMP +0: two thirds of a megabyte of it are more blocks than fit. They are thrown away in
 * the middle of a run, while one follows another by its link. */
static void blocks_that_do_not_fit_start_anew(void **state)
{
    struct guest *g = guest_new();
    struct cpu *c = &g->cpu;
    uint32_t count = 0;
    (void)state;
    for (uint32_t at = SLED; at + 3 < SLED_END; at += 3, count++)
        memcpy(g->ram + at, "\x40\xEB\x00", 3);
    g->ram[SLED + 3 * count] = 0xF4;
    for (unsigned pass = 0; pass < 3; pass++) {
        c->r[EAX] = 0;
        c->eip = SLED;
        c->halted = false;
        c->stop = STOP_NONE;
        uint64_t before = c->instructions;
        cpu_run(c);
        assert_int_equal(c->stop, STOP_HALTED);
        assert_int_equal(c->r[EAX], count);
        assert_int_equal(c->instructions - before, 2 * count + 1);
    }
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_that_do_not_fit_start_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
