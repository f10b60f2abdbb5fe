/* reproduce_html: all tables on one page: text, style and bars, and nothing outside it. A bar goes
 * to what was simulated, a mark stands where the published figure is. */
#include "sim/report/page/page.h"
#include "sim/report/reproduce.h"

#include "sim/core/check.h"

#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
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

static void put_number(const json_t *line, const char *key, const char *suffix, bool sign,
                       FILE *out)
{
    const json_t *v = json_object_get(line, key);
    double value = json_number_value(v), size = value < 0 ? -value : value;
    fputs("<td class=\"n\">", out);
    if (v)
        fprintf(out, sign ? "%+.*f%s" : "%.*f%s", sign ? 1 : reproduce_digits(size), value,
                suffix);
    fputs("</td>", out);
}

static double larger(double a, double b) { return a > b ? a : b; }

/* Of the lines of the same test, the largest figure: what their bars are drawn to. */
static double scale_of(const json_t *lines, const json_t *line)
{
    size_t i;
    json_t *other;
    double most = 0;
    json_array_foreach(lines, i, other)
        if (strcmp(text_of(other, "test"), text_of(line, "test")) == 0 &&
            strcmp(text_of(other, "unit"), text_of(line, "unit")) == 0) {
            /* What nothing stands beside does not set the scale. */
            most = larger(most, json_number_value(json_object_get(other, "simulated")));
            if (json_object_get(other, "simulated"))
                most = larger(most, json_number_value(json_object_get(other, "published")));
        }
    return most;
}

static void put_bar(const json_t *line, double scale, FILE *out)
{
    double simulated = json_number_value(json_object_get(line, "simulated"));
    double published = json_number_value(json_object_get(line, "published"));
    fputs("<td class=\"bars\">", out);
    if (simulated > 0 && scale > 0) {
        fprintf(out, "<i style=\"width:%.1f%%\"></i>", simulated * 100 / scale);
        if (published > 0)
            fprintf(out, "<b style=\"left:%.1f%%\"></b>", published * 100 / scale);
    } else {
        put_text(text_of(line, "status"), out);
    }
    fputs("</td>", out);
}

static void put_line(const json_t *lines, const json_t *line, bool first, FILE *out)
{
    fprintf(out, "<tr%s><td>", first ? " class=\"first\"" : "");
    put_text(first ? text_of(line, "test") : "", out);
    fputs("</td><td>", out);
    put_text(text_of(line, "system"), out);
    fputs("</td><td>", out);
    put_text(text_of(line, "unit"), out);
    fputs("</td>", out);
    put_number(line, "published", "", false, out);
    put_number(line, "simulated", "", false, out);
    put_number(line, "error", " %", true, out);
    put_number(line, "published_ratio", "", false, out);
    put_number(line, "simulated_ratio", "", false, out);
    put_bar(line, scale_of(lines, line), out);
    fputs("</tr>\n", out);
}

static void put_table(const json_t *table, FILE *out)
{
    size_t i;
    json_t *line;
    const json_t *lines = json_object_get(table, "lines");
    const char *last = NULL, *unit = "";
    fprintf(out, "<section role=\"tabpanel\" id=\"%s-%s\"><h2>", text_of(table, "paper"),
            text_of(table, "table"));
    put_text(text_of(table, "paper"), out);
    fputc(' ', out);
    put_text(text_of(table, "table"), out);
    fputs(": ", out);
    put_text(text_of(table, "title"), out);
    fputs("</h2><p class=\"note\">[", out);
    put_text(text_of(table, "source"), out);
    fprintf(out, "]; published on %s, simulated on %s.%s</p>\n<table><thead><tr><th>test</th>"
                 "<th>system</th><th>unit</th><th class=\"n\">published</th>"
                 "<th class=\"n\">simulated</th><th class=\"n\">error</th>"
                 "<th class=\"n\">published &times; native</th>"
                 "<th class=\"n\">simulated &times; native</th><th></th></tr></thead><tbody>\n",
            text_of(table, "published_on"), text_of(table, "machine"),
            strcmp(text_of(table, "published_on"), text_of(table, "machine")) == 0
                ? "" : " These are two machines: the ratios compare, the rest does not.");
    json_array_foreach(lines, i, line) {
        bool first = !last || strcmp(text_of(line, "test"), last) != 0 ||
                     strcmp(text_of(line, "unit"), unit) != 0;
        put_line(lines, line, first, out);
        last = text_of(line, "test");
        unit = text_of(line, "unit");
    }
    fputs("</tbody></table></section>\n", out);
}

static const struct page_file *page_file(const char *name)
{
    const struct page_file *f = page_files;
    while (f->name && strcmp(f->name, name) != 0)
        f++;
    CHECK(f->name != NULL);
    return f;
}

void reproduce_html(const json_t *tables, FILE *out)
{
    const struct page_file *style = page_file("page.css");
    size_t i;
    json_t *table;
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
          "<title>Isochron: published and simulated</title>\n<style>\n", out);
    fwrite(style->bytes, 1, style->size, out);
    fputs("section[role=\"tabpanel\"] { min-height: 0; margin-bottom: 18px; }\n"
          "thead th { position: static; padding: 3px 8px; }\n"
          "tr.first td { border-top: 1px solid var(--muted); }\n"
          "td.bars { width: 30%; min-width: 14rem; position: relative; color: var(--muted); }\n"
          "td.bars i { display: block; height: 11px; background: var(--accent);"
          " border-radius: 2px; }\n"
          "td.bars b { position: absolute; top: 2px; bottom: 2px; width: 3px; margin-left: -1px;"
          " background: var(--kernel); }\n"
          "</style></head><body><header><h1>Isochron</h1>"
          "<p>published figures, and what the simulated machines come to</p></header>\n<nav>", out);
    json_array_foreach(tables, i, table)
        fprintf(out, "<a style=\"padding:7px 12px\" href=\"#%s-%s\">%s %s</a>",
                text_of(table, "paper"), text_of(table, "table"), text_of(table, "paper"),
                text_of(table, "table"));
    fputs("</nav>\n<main>\n<p class=\"note\">A bar is what was simulated, the mark on it what was "
          "published. Ratios are to native Linux on the same hardware, above 1 for slower; MB are "
          "10<sup>6</sup> bytes. Where a figure stands alone, its line says why.</p>\n", out);
    json_array_foreach(tables, i, table)
        put_table(table, out);
    fputs("</main></body></html>\n", out);
}
