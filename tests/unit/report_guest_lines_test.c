/* guest_lines: what programs print becomes results, and nothing can be missing unseen. */
#include "sim/report/guest_lines.h"

#include "sim/core/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *results;
static char wrong[300];

static int set_up(void **state)
{
    (void)state;
    results = json_array();
    *wrong = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(results);
    return 0;
}

static bool parse(const char *text)
{
    return guest_lines_parse(text, "bench", true, results, wrong, sizeof wrong);
}

static void refused(const char *text, const char *because)
{
    assert_false(parse(text));
    if (!strstr(wrong, because))
        fail_msg("'%s' does not say '%s'", wrong, because);
}

static double cycles_of(const char *wanted)
{
    const json_t *o = guest_lines_find(results, wanted);
    assert_non_null(o);
    return json_number_value(json_object_get(o, "cycles"));
}

static void lines_become_results_amid_other_text(void **state)
{
    (void)state;
    assert_true(parse("isochron: shell\r\n# lat_x\r\nbench: begin lat_x\r\n"
                      "bench: null cycles=358.4 min=358.3 max=360 n=21\r\n"
                      "a kernel's message\r\n"
                      "bench: ctx processes=2 kb=0 overhead=3.5 cycles=61 min=60 max=62 n=5\r\n"
                      "bench: skipped ctx processes=60 kb=512 needs=9 free=8\r\n"
                      "bench: end lat_x lines=3\r\n# "));
    assert_int_equal(json_array_size(results), 3);
    assert_true(cycles_of("null") == 358.4);
    assert_true(cycles_of("ctx processes=2 kb=0") == 61);
    assert_true(cycles_of("ctx kb=0") == 61);
    assert_null(guest_lines_find(results, "ctx processes=3 kb=0"));
    assert_null(guest_lines_find(results, "ct"));
    assert_true(json_is_true(json_object_get(guest_lines_find(results, "ctx kb=512"), "skipped")));
}

static void words_are_parameters_too(void **state)
{
    (void)state;
    assert_true(guest_lines_parse("measure: trap handler=other_space cycles=358 n=1\n"
                                  "measure: trap handler=same_space cycles=302 n=1\n"
                                  "measure: done\nmeasure: small skipped: no segments\n",
                                  "measure", false, results, wrong, sizeof wrong));
    assert_int_equal(json_array_size(results), 2);
    assert_true(cycles_of("trap handler=same_space") == 302);
}

static void a_malformed_line_is_named(void **state)
{
    (void)state;
    refused("\nbench: null cycle=358\n", "line 2: 'bench: null cycle=358'");
    refused("bench: null cycles=12x\n", "bench: null cycles=12x");
    refused("bench: null cycles=-1\n", "cycles=-1");
    refused("bench: null cycles=1 cycles=2\n", "cycles=2");
    refused("bench: NULL cycles=1\n", "NULL");
    refused("bench: \n", "accepted is");
    refused("bench: null cycles=1 and more\n", "and more");
}

static void a_result_twice_is_named(void **state)
{
    (void)state;
    refused("bench: ctx kb=0 cycles=1\nbench: ctx kb=1 cycles=1\nbench: ctx kb=0 cycles=2\n",
            "line 3: 'bench: ctx kb=0 cycles=2' comes twice");
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    refused("bench: begin lat_x\nbench: null cycles=1\n", "lat_x did not end");
    refused("bench: begin lat_x\nbench: n cycles=1\nbench: end lat_x lines=2\n", "1 of them came");
    refused("bench: begin lat_x\nbench: begin lat_y\n", "lat_x has not ended");
    refused("bench: end lat_x lines=0\n", "what has begun is ''");
}

static void a_program_that_failed_is_named(void **state)
{
    (void)state;
    refused("bench: begin lat_x\nbench: error lat_x: fork: -11\n", "lat_x: fork: -11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(lines_become_results_amid_other_text), TEST(words_are_parameters_too),
        TEST(a_malformed_line_is_named),            TEST(a_result_twice_is_named),
        TEST(what_is_missing_is_named),             TEST(a_program_that_failed_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
