/* reproduce: published and measured figures beside each other: units, ratios, errors, and why
 * something is not there. */
#include "sim/report/reproduce.h"

#include "sim/core/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/isochron-figures-XXXXXX";
static const struct reproduce_system systems[] = {
    {"Old Linux", "native"}, {"Server", "l4-exception"}, {"Other", "mklinux"}, {NULL, NULL}};
static const struct reproduce_table table = {
    "paper", "table9", "a title", "SOURCE 9", "paper.csv", "9", "S", "Nine", "p133", "1.0",
    systems};

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_figures(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_file("paper.csv", "# figures of a paper\n"
                            "table,hardware,system,benchmark,test,parameter,metric,unit,value\n"
                            "9,\"a PC, 100 MHz\",Old Linux,b,pipe,,latency,us,10\n"
                            "9,x,Server,b,pipe,,latency,us,30\n9,x,Other,b,pipe,,latency,us,90\n"
                            "8,x,Server,b,pipe,,latency,us,31\n"
                            "9,x,Old Linux,b,pipe bandwidth,,bandwidth,MB/s,40\n"
                            "9,x,Server,b,pipe bandwidth,,bandwidth,MB/s,20\n"
                            "9,x,Server,b,who knows,,latency,us,1\n"
                            "9,x,Server,b,work,,user,s,1\n9,x,Server,b,work,,sys,s,2\n"
                            "9,x,Server,b,context switch,2 procs x 16k,latency,us,5\n");
    write_file("l4.csv", "operation,measured,per,published,high,source,place\n"
                         "a message,ipc words=0,,100,120,S,Nine\n"
                         "slower by,a,b,2,,S,Nine\nelsewhere,c,,1,,S,Ten\n");
    return 0;
}

static int remove_figures(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/paper.csv", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/l4.csv", folder);
    unlink(path);
    return rmdir(folder);
}

/* Everything was measured, at 100 MHz. */
static json_t *runs(void)
{
    return json_loads(
        "{\"runs\": [{\"row\": \"native\", \"machine\": \"p133\", \"hz\": 1e8, \"results\": ["
        " {\"name\": \"pipe\", \"cycles\": 1100},"
        " {\"name\": \"bw_pipe\", \"bytes\": 1000000, \"cycles\": 2000000}]},"
        "{\"row\": \"l4-exception\", \"machine\": \"p133\", \"hz\": 1e8, \"results\": ["
        " {\"name\": \"pipe\", \"cycles\": 4400},"
        " {\"name\": \"bw_pipe\", \"bytes\": 1000000, \"cycles\": 8000000},"
        " {\"name\": \"ctx\", \"processes\": 2, \"kb\": 16, \"skipped\": true}]},"
        "{\"row\": \"l4\", \"machine\": \"p133\", \"hz\": 1e8, \"results\": ["
        " {\"name\": \"ipc\", \"words\": 0, \"cycles\": 150}, {\"name\": \"a\", \"cycles\": 30},"
        " {\"name\": \"b\", \"cycles\": 10}]}]}", 0, NULL);
}

static const json_t *line_of(const json_t *joined, const char *test, const char *row)
{
    size_t i;
    json_t *line;
    json_array_foreach(json_object_get(joined, "lines"), i, line)
        if (strcmp(json_string_value(json_object_get(line, "test")), test) == 0 &&
            strcmp(json_string_value(json_object_get(line, "row")), row) == 0)
            return line;
    fail_msg("no line '%s', %s", test, row);
    return NULL;
}

static void is_number(const json_t *line, const char *key, double expected)
{
    const json_t *v = json_object_get(line, key);
    double difference = json_number_value(v) - expected;
    if (!v || difference > 1e-9 || difference < -1e-9)
        fail_msg("%s is %g, not %g", key, json_number_value(v), expected);
}

static void says(const json_t *line, const char *status)
{
    const char *text = json_string_value(json_object_get(line, "status"));
    if (!strstr(text, status))
        fail_msg("'%s' does not say '%s'", text, status);
}

static void times_and_rates_are_in_the_papers_units(void **state)
{
    (void)state;
    json_t *r = runs(), *joined = reproduce_join(&table, folder, r, NULL, NULL);
    assert_string_equal(json_string_value(json_object_get(joined, "hardware")), "a PC, 100 MHz");
    const json_t *pipe = line_of(joined, "pipe", "l4-exception");
    is_number(pipe, "published", 30);
    is_number(pipe, "simulated", 44);
    is_number(pipe, "published_ratio", 3);
    is_number(pipe, "simulated_ratio", 4);
    is_number(pipe, "error", 100 * 14 / 30.0);
    const json_t *rate = line_of(joined, "pipe bandwidth", "l4-exception");
    is_number(rate, "simulated", 12.5);
    is_number(rate, "published_ratio", 2);
    is_number(rate, "simulated_ratio", 4);
    json_decref(joined);
    json_decref(r);
}

static void figures_of_our_kernel_stand_beside_ranges(void **state)
{
    (void)state;
    json_t *r = runs(), *joined = reproduce_join(&table, folder, r, NULL, NULL);
    const json_t *message = line_of(joined, "a message", "l4");
    is_number(message, "published_high", 120);
    is_number(message, "error", 25);
    is_number(line_of(joined, "slower by", "l4"), "simulated", 3);
    json_decref(joined);
    json_decref(r);
}

static void what_is_not_there_says_why(void **state)
{
    (void)state;
    json_t *r = runs(), *joined = reproduce_join(&table, folder, r, NULL, NULL);
    says(line_of(joined, "pipe", "mklinux"), "not built");
    says(line_of(joined, "who knows", "l4-exception"), "no program of guests/bench");
    says(line_of(joined, "context switch, 2 procs x 16k", "l4-exception"), "memory");
    json_decref(joined);
    joined = reproduce_join(&table, folder, r, "p166", NULL);
    says(line_of(joined, "pipe", "native"), "no run of row native");
    json_decref(joined);
    joined = reproduce_join(&table, folder, r, NULL, "not built: no such machine");
    says(line_of(joined, "pipe", "native"), "no such machine");
    json_decref(joined);
    json_decref(r);
}

static void metrics_and_stand_ins_have_names(void **state)
{
    (void)state;
    json_t *r = runs(), *joined = reproduce_join(&table, folder, r, NULL, NULL);
    is_number(line_of(joined, "work, user", "l4-exception"), "published", 1);
    is_number(line_of(joined, "work, sys", "l4-exception"), "published", 2);
    assert_string_equal(reproduce_stand_in(line_of(joined, "pipe", "l4-exception")),
                        "Linux on L4, exception IPC");
    assert_null(reproduce_stand_in(line_of(joined, "pipe", "native")));
    assert_null(reproduce_stand_in(line_of(joined, "who knows", "l4-exception")));
    json_decref(joined);
    json_decref(r);
}

static void one_reason_for_all_is_the_tables(void **state)
{
    (void)state;
    json_t *r = runs(), *joined = reproduce_join(&table, folder, r, NULL, NULL);
    assert_null(json_object_get(joined, "status"));
    json_decref(joined);
    struct reproduce_table servers = table;
    servers.systems = &systems[1];
    servers.l4_place = "nowhere";
    joined = reproduce_join(&servers, folder, r, NULL, NULL);
    assert_null(json_object_get(joined, "status"));
    json_decref(joined);
    servers.systems = &systems[2];
    joined = reproduce_join(&servers, folder, r, NULL, NULL);
    says(joined, "no Linux server on Mach");
    json_decref(joined);
    json_decref(r);
}

/* A window of one call, "uku" or "ukuku", an instruction a letter, of 1, 2, 3 ... cycles. */
static bool phases_of(const char *stretches, json_t *results)
{
    char wrong[200];
    json_t *list = json_array(), *window = json_pack("{s:i, s:i, s:o}", "number", 7, "of", 9,
                                                        "instructions", list);
    for (unsigned i = 0; stretches[i]; i++)
        json_array_append_new(list, json_pack("{s:s, s:i, s:{s:i}}", "phase",
                                              stretches[i] == 'u' ? "user" : "kernel", "cycles",
                                              i + 1, "causes", "kernel.entry", 1));
    bool good = reproduce_phases(window, results, wrong, sizeof wrong);
    json_decref(window);
    return good;
}

static void a_calls_phases_are_told_by_privilege(void **state)
{
    static const struct {
        const char *part;
        double cycles;
    } expected[] = {{"total", 28}, {"enter", 1}, {"first_message", 5}, {"server", 4},
                    {"second_message", 5}, {"leave", 13}, {"messages", 10}};
    json_t *results = json_array();
    (void)state;
    assert_true(phases_of("ukkukuu", results));
    assert_int_equal(json_array_size(results), ARRAY_COUNT(expected));
    for (unsigned i = 0; i < ARRAY_COUNT(expected); i++) {
        const json_t *o = json_array_get(results, i);
        assert_string_equal(json_string_value(json_object_get(o, "part")), expected[i].part);
        is_number(o, "cycles", expected[i].cycles);
        is_number(o, "call", 7);
        is_number(o, "calls", 9);
    }
    json_array_clear(results);
    assert_true(phases_of("uku", results));
    is_number(json_array_get(results, 1), "cycles", 3); /* the hardware's */
    json_array_clear(results);
    assert_true(phases_of("ukukuku", results)); /* a trampoline is on the way in */
    is_number(json_array_get(results, 1), "cycles", 1 + 2 + 3);
    is_number(json_array_get(results, 5), "cycles", 7);
    assert_false(phases_of("ukukukuku", results));
    assert_false(phases_of("kuk", results));
    assert_false(phases_of("", results));
    json_decref(results);
}

static void every_row_of_a_table_exists(void **state)
{
    (void)state;
    for (const struct reproduce_table *t = reproduce_tables; t->name; t++)
        for (const struct reproduce_system *s = t->systems; s->row; s++)
            assert_non_null(reproduce_row(s->row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_and_rates_are_in_the_papers_units),
        cmocka_unit_test(figures_of_our_kernel_stand_beside_ranges),
        cmocka_unit_test(what_is_not_there_says_why),
        cmocka_unit_test(metrics_and_stand_ins_have_names),
        cmocka_unit_test(one_reason_for_all_is_the_tables),
        cmocka_unit_test(a_calls_phases_are_told_by_privilege),
        cmocka_unit_test(every_row_of_a_table_exists),
    };
    return cmocka_run_group_tests(tests, make_figures, remove_figures);
}
