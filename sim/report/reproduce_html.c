/* reproduce_html: all tables on one page: text, style and bars, and nothing outside it. First a
 * line for each table; then the tables. A bar goes to what was simulated, a mark stands where the
 * published figure is; phases of one call are laid end to end. */
#include "sim/report/page/page.h"
#include "sim/report/reproduce.h"

#include "sim/core/check.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static double number_of(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static const json_t *lines_of(const json_t *table) { return json_object_get(table, "lines"); }

static bool is(const json_t *o, const char *key, const char *text)
{
    return strcmp(text_of(o, key), text) == 0;
}

static bool is_like(const json_t *a, const json_t *b, const char *key)
{
    return is(a, key, text_of(b, key));
}

static void put_text(const char *text, FILE *out)
{
    for (; *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(*text, out); break;
        }
}

static void put_value(double value, FILE *out)
{
    fprintf(out, "%.*f", reproduce_digits(value), value);
}

static void put_cell(const json_t *line, const char *key, FILE *out)
{
    fputs("<td class=\"n\">", out);
    if (json_object_get(line, key))
        put_value(number_of(line, key), out);
    fputs("</td>", out);
}

static void put_percent(bool has, double value, FILE *out)
{
    fputs("<td class=\"n\">", out);
    if (has)
        fprintf(out, "%+.1f&nbsp;%%", value);
    fputs("</td>", out);
}

/* --- bars ------------------------------------------------------------------------------------- */

static double larger(double a, double b) { return a > b ? a : b; }

/* Of the lines of the same test, the largest figure: what their bars are drawn to. */
static double scale_of(const json_t *lines, const json_t *line)
{
    size_t i;
    json_t *other;
    double most = 0;
    json_array_foreach(lines, i, other)
        if (is_like(other, line, "test") && is_like(other, line, "unit")) {
            /* What nothing stands beside does not set the scale. */
            most = larger(most, number_of(other, "simulated"));
            if (json_object_get(other, "simulated"))
                most = larger(most, number_of(other, "published"));
        }
    return most;
}

static void put_bar(const json_t *table, const json_t *line, FILE *out)
{
    double simulated = number_of(line, "simulated"), published = number_of(line, "published");
    double scale = scale_of(lines_of(table), line);
    fputs("<td class=\"bars\">", out);
    if (json_object_get(line, "simulated") && scale > 0) {
        fprintf(out, "<i style=\"width:%.1f%%\"></i>", simulated * 100 / scale);
        if (published > 0)
            fprintf(out, "<b style=\"left:%.1f%%\"></b>", published * 100 / scale);
    } else if (!is_like(line, table, "status") && !is(line, "status", "measured")) {
        put_text(text_of(line, "status"), out);
    }
    fputs("</td>", out);
}

/* --- one call, phase by phase ----------------------------------------------------------------- */

static const struct {
    const char *test, *colour;
} phases[] = {
    {"enter the library", "--decode"}, {"first message", "--cross"}, {"Linux server", "--work"},
    {"second message", "--fetch"},     {"leave the library", "--branch"},
};

static const json_t *phase_of(const json_t *lines, const char *test, const char *row)
{
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line)
        if (is(line, "test", test) && is(line, "row", row))
            return line;
    return NULL;
}

/* The whole of a system's phases, 0 unless all are there. */
static double phases_sum(const json_t *lines, const char *row, const char *key)
{
    double sum = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(phases); i++) {
        double value = number_of(phase_of(lines, phases[i].test, row), key);
        if (value <= 0)
            return 0;
        sum += value;
    }
    return sum;
}

static void put_stack(const json_t *lines, const char *row, const char *key, double scale,
                      FILE *out)
{
    double sum = phases_sum(lines, row, key);
    if (sum <= 0)
        return;
    fputs("<div class=\"cell\"><span class=\"label\">", out);
    put_text(text_of(phase_of(lines, phases[0].test, row), "system"), out);
    fprintf(out, ", %s</span><div class=\"stack\" style=\"width:%.1f%%\">", key,
            sum * 60 / scale);
    for (unsigned i = 0; i < ARRAY_COUNT(phases); i++) {
        double value = number_of(phase_of(lines, phases[i].test, row), key);
        fprintf(out, "<i style=\"width:%.2f%%;background:var(%s)\" title=\"%s: %.0f\"></i>",
                value * 100 / sum, phases[i].colour, phases[i].test, value);
    }
    fprintf(out, "</div><b>%.0f cycles</b></div>\n", sum);
}

/* What a message-passing system's call consists of, where the table has that. */
static void put_phases(const json_t *lines, FILE *out)
{
    static const char *const keys[] = {"published", "simulated"};
    size_t i;
    json_t *line;
    double scale = 0;
    json_array_foreach(lines, i, line)
        for (unsigned k = 0; k < ARRAY_COUNT(keys); k++)
            scale = larger(scale, phases_sum(lines, text_of(line, "row"), keys[k]));
    if (scale <= 0)
        return;
    json_array_foreach(lines, i, line)
        for (unsigned k = 0; k < ARRAY_COUNT(keys) && is(line, "test", phases[0].test); k++)
            put_stack(lines, text_of(line, "row"), keys[k], scale, out);
    fputs("<ul class=\"legend\">", out);
    for (i = 0; i < ARRAY_COUNT(phases); i++)
        fprintf(out, "<li style=\"--c:var(%s)\">%s</li>", phases[i].colour, phases[i].test);
    fputs("</ul>\n", out);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void put_line(const json_t *table, const json_t *line, bool first, FILE *out)
{
    const char *stands = reproduce_stand_in(line);
    bool extra = !json_object_get(line, "published");
    fprintf(out, "<tr class=\"%s%s\"><td>", first ? "first " : "", extra ? "extra" : "");
    put_text(first ? text_of(line, "test") : "", out);
    fputs("</td><td>", out);
    put_text(text_of(line, "system"), out);
    if (stands) {
        fputs("<small>", out);
        put_text(stands, out);
        fputs("</small>", out);
    }
    fputs("</td><td>", out);
    put_text(text_of(line, "unit"), out);
    fputs("</td><td class=\"n\">", out);
    if (!extra)
        put_value(number_of(line, "published"), out);
    if (json_object_get(line, "published_high")) {
        fputs("&ndash;", out);
        put_value(number_of(line, "published_high"), out);
    }
    fputs("</td>", out);
    put_cell(line, "simulated", out);
    put_percent(json_object_get(line, "error"), number_of(line, "error"), out);
    put_cell(line, "published_ratio", out);
    put_cell(line, "simulated_ratio", out);
    put_bar(table, line, out);
    fputs("</tr>\n", out);
}

static void put_lines(const json_t *table, FILE *out)
{
    size_t i;
    json_t *line;
    const json_t *last = NULL;
    fputs("<table><thead><tr><th>test</th><th>system</th><th>unit</th>"
          "<th class=\"n\">published</th><th class=\"n\">simulated</th><th class=\"n\">error</th>"
          "<th class=\"n\">published<br>&times; native</th>"
          "<th class=\"n\">simulated<br>&times; native</th><th></th></tr></thead><tbody>\n", out);
    json_array_foreach(lines_of(table), i, line) {
        put_line(table, line, !last || !is_like(line, last, "test") || !is_like(line, last, "unit"),
                 out);
        last = line;
    }
    fputs("</tbody></table>\n", out);
}

static void put_note(const json_t *table, FILE *out)
{
    fputs("<p class=\"note\">", out);
    if (*text_of(table, "status")) {
        put_text(text_of(table, "status"), out);
    } else {
        fputs("Published of ", out);
        put_text(text_of(table, "hardware"), out);
        if (*text_of(table, "published_linux"))
            fprintf(out, "%sLinux %s", *text_of(table, "hardware") ? ", " : "",
                    text_of(table, "published_linux"));
        fprintf(out, "; simulated on %s", text_of(table, "machine"));
        if (*text_of(table, "published_linux"))
            fputs(", Linux " REPRODUCE_LINUX ": booted on the flat model, measured on the "
                  "machine's own", out);
        fputc('.', out);
    }
    if (!is(table, "published_on", text_of(table, "machine")))
        fputs(" These are two machines: the ratios compare, the rest does not.", out);
    fputs("</p>\n", out);
}

static void put_name(const json_t *table, FILE *out)
{
    fprintf(out, "%s %s", text_of(table, "paper"), text_of(table, "table"));
}

static void put_table(const json_t *table, FILE *out)
{
    bool folded = *text_of(table, "status");
    fprintf(out, "<section role=\"tabpanel\" id=\"%s-%s\"><h2>", text_of(table, "paper"),
            text_of(table, "table"));
    put_name(table, out);
    fputs(": ", out);
    put_text(text_of(table, "title"), out);
    fputs("<small>[", out);
    put_text(text_of(table, "source"), out);
    fputs("]</small></h2>", out);
    put_note(table, out);
    put_phases(lines_of(table), out);
    if (folded)
        fprintf(out, "<details><summary>%zu published figures</summary>",
                json_array_size(lines_of(table)));
    put_lines(table, out);
    fputs(folded ? "</details></section>\n" : "</section>\n", out);
}

/* --- all of them at a glance ------------------------------------------------------------------ */

#define VALUES_MAX 1024

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool is_server(const json_t *line)
{
    const struct reproduce_row *row = reproduce_row(text_of(line, "row"));
    return row && row->stack == STACK_L4;
}

/* Of a table: how many lines, or servers' lines, have both, and the median of how far apart they
 * are, in percent. */
static unsigned apart(const json_t *table, const char *published, const char *simulated,
                      bool servers, double *median)
{
    double list[VALUES_MAX];
    unsigned count = 0;
    size_t i;
    json_t *line;
    json_array_foreach(lines_of(table), i, line) {
        double p = number_of(line, published), s = number_of(line, simulated);
        if (p > 0 && s > 0 && (!servers || is_server(line)) && count < VALUES_MAX)
            list[count++] = (s - p) * 100 / p;
    }
    qsort(list, count, sizeof *list, by_value);
    *median = count == 0 ? 0 : (list[(count - 1) / 2] + list[count / 2]) / 2;
    return count;
}

static void put_glance(const json_t *table, FILE *out)
{
    double error, ratio;
    size_t i, figures = 0;
    json_t *line;
    unsigned measured = apart(table, "published", "simulated", false, &error);
    unsigned ratios = apart(table, "published_ratio", "simulated_ratio", true, &ratio);
    json_array_foreach(lines_of(table), i, line)
        figures += json_object_get(line, "published") != NULL;
    fprintf(out, "<tr><td><a href=\"#%s-%s\">", text_of(table, "paper"), text_of(table, "table"));
    put_name(table, out);
    fputs("</a></td><td>", out);
    put_text(text_of(table, "title"), out);
    fprintf(out, "</td><td>%s</td><td class=\"n\">%zu</td><td class=\"n\">%u</td>",
            text_of(table, "machine"), figures, measured);
    put_percent(measured, error, out);
    put_percent(ratios, ratio, out);
    fputs("<td>", out);
    put_text(text_of(table, "status"), out);
    fputs("</td></tr>\n", out);
}

static void put_overview(const json_t *tables, FILE *out)
{
    size_t i;
    json_t *table;
    fputs("<section role=\"tabpanel\" id=\"overview\"><h2>At a glance</h2><p class=\"note\">"
          "In the tables below a bar <span class=\"sample\"></span> is what was simulated, the "
          "mark <span class=\"sample mark\"></span> on it what was published. &times; native is "
          "how many times as slow as native Linux on the same hardware: what a server costs, and "
          "what compares best, since the Linux that is simulated is younger than the ones that "
          "were published. Here stand the medians of how far the simulated figures are from the "
          "published ones, as they are and as such ratios; MB are 10<sup>6</sup> bytes.</p>\n"
          "<table><thead><tr><th>table</th><th>of</th><th>machine</th>"
          "<th class=\"n\">published</th><th class=\"n\">simulated</th>"
          "<th class=\"n\">median error</th><th class=\"n\">of &times; native</th><th></th></tr>"
          "</thead><tbody>\n", out);
    json_array_foreach(tables, i, table)
        put_glance(table, out);
    fputs("</tbody></table></section>\n", out);
}

/* The papers, and their tables after each. */
static void put_navigation(const json_t *tables, FILE *out)
{
    size_t i;
    json_t *table;
    const char *last = "";
    fputs("<nav>", out);
    json_array_foreach(tables, i, table) {
        const char *paper = text_of(table, "paper"), *name = text_of(table, "table");
        if (strcmp(paper, last) != 0)
            fprintf(out, "%s<p>%s", *last ? "</p>" : "", paper);
        fprintf(out, " <a href=\"#%s-%s\">%s</a>", paper, name, name);
        last = paper;
    }
    fputs(*last ? "</p></nav>\n<main>\n" : "</nav>\n<main>\n", out);
}

static void put_style(const char *name, FILE *out)
{
    const struct page_file *f = page_files;
    while (f->name && strcmp(f->name, name) != 0)
        f++;
    CHECK(f->name != NULL);
    fwrite(f->bytes, 1, f->size, out);
}

void reproduce_html(const json_t *tables, FILE *out)
{
    size_t i;
    json_t *table;
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
          "<title>Isochron: published and simulated</title>\n<style>\n", out);
    put_style("page.css", out);
    put_style("reproduce.css", out);
    fputs("</style></head><body><header><h1>Isochron</h1>"
          "<p>published figures, and what the simulated machines come to</p></header>\n", out);
    put_navigation(tables, out);
    put_overview(tables, out);
    json_array_foreach(tables, i, table)
        put_table(table, out);
    fputs("</main></body></html>\n", out);
}
