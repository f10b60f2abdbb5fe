#include "sim/commands/verdict.h"

#include "sim/core/check.h"
#include "sim/report/ledger_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verdict *verdict_add(struct verdicts *v, const char *name)
{
    v->list = realloc(v->list, (v->count + 1) * sizeof *v->list);
    CHECK(v->list != NULL);
    struct verdict *one = v->list[v->count++] = xalloc(1, sizeof *one);
    snprintf(one->name, sizeof one->name, "%s", name);
    return one;
}

void verdict_say(struct verdict *v, const char *fmt, ...)
{
    size_t at = strlen(v->detail);
    va_list list;
    va_start(list, fmt);
    vsnprintf(v->detail + at, sizeof v->detail - at, fmt, list);
    va_end(list);
}

unsigned verdicts_failed(const struct verdicts *v)
{
    unsigned failed = 0;
    for (unsigned i = 0; i < v->count; i++)
        failed += *v->list[i]->detail != 0;
    return failed;
}

void verdicts_free(struct verdicts *v)
{
    for (unsigned i = 0; i < v->count; i++)
        free(v->list[i]);
    free(v->list);
}

/* --- output ----------------------------------------------------------------------------------- */

/* Each line of why, between what stands before and behind it. */
static void print_lines(const char *text, const char *before, const char *behind)
{
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p != 0)
        printf("%s%.*s%s", before, (int)strcspn(p, "\n"), p, behind);
}

static void print_text(const struct verdicts *v)
{
    for (unsigned i = 0; i < v->count; i++) {
        const struct verdict *one = v->list[i];
        printf("%-8s %s\n", *one->detail ? "EXCEEDED" : "ok", one->name);
        print_lines(one->detail, "    ", "\n");
    }
    printf("%u of %u hold\n", v->count - verdicts_failed(v), v->count);
}

static void print_markdown(const struct verdicts *v)
{
    printf("### Kernel paths: %u of %u hold\n\n", v->count - verdicts_failed(v), v->count);
    puts("| | path | |\n| --- | --- | --- |");
    for (unsigned i = 0; i < v->count; i++) {
        const struct verdict *one = v->list[i];
        printf("| %s | `%s` | ", *one->detail ? "exceeded" : "ok", one->name);
        for (const char *p = one->detail; *p; p++) /* a bar would end the cell */
            fputs(*p == '\n'  ? (p[1] ? "<br>" : "")
                  : *p == '|' ? "\\|"
                              : (char[]){*p, 0},
                  stdout);
        puts(" |");
    }
}

static void print_tap(const struct verdicts *v)
{
    printf("1..%u\n", v->count);
    for (unsigned i = 0; i < v->count; i++) {
        const struct verdict *one = v->list[i];
        printf("%sok %u - %s\n", *one->detail ? "not " : "", i + 1, one->name);
        print_lines(one->detail, "# ", "\n");
    }
}

static void print_xml(const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '<': fputs("&lt;", stdout); break;
        case '>': fputs("&gt;", stdout); break;
        case '&': fputs("&amp;", stdout); break;
        case '"': fputs("&quot;", stdout); break;
        default: putchar(*s); break;
        }
}

static void print_junit(const struct verdicts *v)
{
    printf("<testsuite name=\"isochron check\" tests=\"%u\" failures=\"%u\">\n", v->count,
           verdicts_failed(v));
    for (unsigned i = 0; i < v->count; i++) {
        const struct verdict *one = v->list[i];
        fputs("  <testcase name=\"", stdout);
        print_xml(one->name);
        fputs(*one->detail ? "\"><failure>" : "\"/>\n", stdout);
        print_xml(one->detail);
        if (*one->detail)
            puts("</failure></testcase>");
    }
}

static void print_quality(const json_t *quality, const char *before, const char *behind)
{
    if (!quality)
        return;
    fputs(before, stdout);
    quality_print(quality, stdout);
    fputs(behind, stdout);
}

void verdicts_print(const struct verdicts *v, const json_t *quality, enum verdict_format format)
{
    switch (format) {
    case VERDICT_TEXT:
        print_text(v);
        print_quality(quality, "", "");
        break;
    case VERDICT_MARKDOWN:
        print_markdown(v);
        print_quality(quality, "\n", "");
        break;
    case VERDICT_TAP:
        print_tap(v);
        print_quality(quality, "# ", "");
        break;
    case VERDICT_JUNIT:
        print_junit(v);
        print_quality(quality, "  <system-out>", "  </system-out>\n");
        puts("</testsuite>");
        break;
    }
}
