/* json_lines: the short form is jansson's own, letter for letter; what does not fit a line has one
 * for each part, and all of it reads back as it was. */
#include "sim/report/json_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t seed = 0x1507;

static uint32_t draw(uint32_t limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % limit;
}

static json_t *draw_text(void)
{
    static const char *const parts[] = {"cycles", " ",    "\"", "\\", "\n",
                                        "\x1F",   "\x7F", "é",  "/",  ""};
    char text[64] = "";
    for (uint32_t n = draw(5); n; n--)
        strcat(text, parts[draw(sizeof parts / sizeof *parts)]);
    return json_string(text);
}

static json_t *draw_scalar(void)
{
    static const json_int_t edges[] = {0, -1, 9, 10, INT64_MAX, INT64_MIN};
    switch (draw(6)) {
    case 0: return json_integer(edges[draw(sizeof edges / sizeof *edges)]);
    case 1: return json_integer((json_int_t)draw(1000000) - 500000);
    case 2: return json_real(draw(1000) / 7.0);
    case 3: return draw(2) ? json_true() : json_false();
    case 4: return json_null();
    default: return draw_text();
    }
}

static json_t *draw_value(unsigned depth)
{
    json_t *o;
    if (depth == 0 || draw(3) == 0)
        return draw_scalar();
    if (draw(2)) {
        o = json_array();
        for (uint32_t n = draw(6); n; n--)
            json_array_append_new(o, draw_value(depth - 1));
        return o;
    }
    o = json_object();
    for (uint32_t n = draw(6); n; n--) {
        json_t *key = draw_text();
        json_object_set_new(o, json_string_value(key), draw_value(depth - 1));
        json_decref(key);
    }
    return o;
}

static char *printed(const json_t *value)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    json_lines_print(value, f);
    fclose(f);
    return text;
}

/* Of depth 2 and fewer than 480 characters: on one line, as json_dumps has it. */
static void what_is_small_is_one_line_as_jansson_writes_it(void **state)
{
    unsigned lines = 0;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        json_t *value = draw_value(2);
        char *text = printed(value), *dumped = json_dumps(value, JSON_ENCODE_ANY);
        if (strlen(dumped) <= 480) {
            size_t length = strlen(text);
            assert_int_equal(text[length - 1], '\n');
            text[length - 1] = '\0';
            assert_string_equal(text, dumped);
            lines++;
        }
        free(text);
        free(dumped);
        json_decref(value);
    }
    assert_in_range(lines, 15000, 20000);
}

static void all_of_it_reads_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        json_t *value = draw_value(5);
        char *text = printed(value);
        json_t *back = json_loads(text, JSON_DECODE_ANY, NULL);
        assert_true(json_equal(value, back));
        json_decref(back);
        json_decref(value);
        free(text);
    }
}

static json_t *row_of(void *owner, size_t i) { return json_incref(json_array_get(owner, i)); }

/* What json_lines_write puts into a file. */
static char *written(const json_t *value, const struct json_rows *rows)
{
    char path[] = "/tmp/json_lines_test_XXXXXX", *text = calloc(1, 1 << 20);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(json_lines_write(value, rows, path));
    assert_true(read(fd, text, (1 << 20) - 1) > 0);
    close(fd);
    unlink(path);
    return text;
}

/* As if the document held them. */
static void rows_are_made_when_they_are_printed(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 300; n += 1 + n / 2) {
        json_t *list = json_array(), *place = json_array();
        for (unsigned i = 0; i < n; i++)
            json_array_append_new(list, json_pack("{s:i,s:o}", "row", (int)i, "of", draw_value(4)));
        struct json_rows rows = {place, n, list, row_of};
        json_t *document = json_pack("{s:o,s:s}", "rows", place, "name", "a table");
        char *late = written(document, &rows);
        json_object_set(document, "rows", list);
        char *early = written(document, NULL);
        json_t *back = json_loads(late, 0, NULL);
        assert_true(json_equal(document, back));
        if (n > 200) /* too many for a line */
            assert_string_equal(late, early);
        json_decref(back);
        json_decref(document);
        json_decref(list);
        free(late);
        free(early);
    }
}

/* ["aaa..."] of that many characters. */
static json_t *array_of(size_t length)
{
    char text[500];
    json_t *array = json_array();
    memset(text, 'a', sizeof text);
    json_array_append_new(array, json_stringn(text, length - strlen("[\"\"]")));
    return array;
}

static void a_line_has_at_most_480_characters(void **state)
{
    (void)state;
    for (size_t length = 480; length <= 481; length++) {
        json_t *value = array_of(length);
        char *text = printed(value);
        assert_int_equal(strcspn(text, "\n"), length == 480 ? 480 : 1);
        free(text);
        json_decref(value);
    }
}

static void a_text_is_never_cut(void **state)
{
    char text[2000];
    memset(text, 'a', sizeof text);
    json_t *value = json_stringn(text, sizeof text);
    char *line = printed(value);
    (void)state;
    assert_int_equal(strlen(line), sizeof text + strlen("\"\"\n"));
    free(line);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_small_is_one_line_as_jansson_writes_it),
        cmocka_unit_test(all_of_it_reads_back),
        cmocka_unit_test(rows_are_made_when_they_are_printed),
        cmocka_unit_test(a_line_has_at_most_480_characters),
        cmocka_unit_test(a_text_is_never_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
