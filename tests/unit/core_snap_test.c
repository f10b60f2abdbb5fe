#include "sim/core/snap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct thing {
    uint8_t a;
    uint32_t b;
    uint64_t c;
    bool d;
    uint8_t memory[10000];
};

static void visit(struct thing *t, struct snap *s)
{
    snap_enter(s, "thing");
    snap_u8(s, "a", &t->a);
    snap_u32(s, "b", &t->b);
    snap_u64(s, "c", &t->c);
    snap_bool(s, "d", &t->d);
    snap_bytes(s, "memory", t->memory, sizeof t->memory);
    snap_leave(s);
}

static void fill(struct thing *t)
{
    memset(t, 0, sizeof *t);
    t->a = 1;
    t->b = 0x12345678;
    t->c = 1ull << 60;
    t->d = true;
    t->memory[9999] = 7;
}

static uint64_t hash_of(struct thing *t)
{
    struct snap s;
    snap_begin_hash(&s);
    visit(t, &s);
    return s.hash;
}

static void load_gives_back_what_was_saved(void **state)
{
    (void)state;
    struct thing one, two = {0};
    struct snap save, load;
    fill(&one);
    snap_begin_save(&save);
    visit(&one, &save);
    snap_begin_load(&load, save.data, save.size);
    visit(&two, &load);
    assert_false(load.failed);
    assert_int_equal(load.position, save.size);
    assert_memory_equal(one.memory, two.memory, sizeof one.memory);
    assert_true(one.a == two.a && one.b == two.b && one.c == two.c && one.d == two.d);
    assert_true(hash_of(&one) == hash_of(&two));
    snap_free(&save);
}

static void every_field_moves_the_hash(void **state)
{
    (void)state;
    struct thing t;
    fill(&t);
    uint64_t h = hash_of(&t);
    t.a ^= 1;
    assert_true(hash_of(&t) != h);
    fill(&t), t.memory[5000] = 1;
    assert_true(hash_of(&t) != h);
    fill(&t), t.d = false;
    assert_true(hash_of(&t) != h);
}

static void diff_names_the_first_field_and_both_values(void **state)
{
    (void)state;
    struct thing one, two;
    struct snap save, diff;
    fill(&one), fill(&two);
    two.b = 0x12345679;
    snap_begin_save(&save);
    visit(&one, &save);
    snap_begin_diff(&diff, save.data, save.size);
    visit(&two, &diff);
    assert_true(diff.failed);
    assert_string_equal(diff.message, "thing.b: 12345679 here, 12345678 there");
    snap_free(&save);
}

static void diff_names_the_byte_in_memory(void **state)
{
    (void)state;
    struct thing one, two;
    struct snap save, diff;
    fill(&one), fill(&two);
    two.memory[4097] = 0xAB;
    snap_begin_save(&save);
    visit(&one, &save);
    snap_begin_diff(&diff, save.data, save.size);
    visit(&two, &diff);
    assert_string_equal(diff.message, "thing.memory: at offset 1001: ab here, 00 there");
    snap_free(&save);
}

static void a_truncated_state_fails_by_name(void **state)
{
    (void)state;
    struct thing one, two = {0};
    struct snap save, load;
    fill(&one);
    snap_begin_save(&save);
    visit(&one, &save);
    for (size_t size = 0; size < save.size; size += 7) {
        snap_begin_load(&load, save.data, size);
        visit(&two, &load);
        assert_true(load.failed);
        assert_non_null(strstr(load.message, "thing."));
    }
    snap_free(&save);
}

static void a_state_of_another_shape_fails(void **state)
{
    (void)state;
    struct snap save, load;
    uint8_t value = 1;
    snap_begin_save(&save);
    snap_u8(&save, "x", &value);
    snap_begin_load(&load, save.data, save.size);
    snap_u8(&load, "y", &value);
    assert_true(load.failed);
    assert_non_null(strstr(load.message, "another shape"));
    snap_free(&save);
}

static void zero_pages_take_one_byte(void **state)
{
    (void)state;
    static uint8_t memory[1 << 20];
    struct snap save;
    snap_begin_save(&save);
    snap_bytes(&save, "memory", memory, sizeof memory);
    assert_true(save.size < 300);
    snap_free(&save);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_gives_back_what_was_saved),
        cmocka_unit_test(every_field_moves_the_hash),
        cmocka_unit_test(diff_names_the_first_field_and_both_values),
        cmocka_unit_test(diff_names_the_byte_in_memory),
        cmocka_unit_test(a_truncated_state_fails_by_name),
        cmocka_unit_test(a_state_of_another_shape_fails),
        cmocka_unit_test(zero_pages_take_one_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
