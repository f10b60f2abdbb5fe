/* export: what a run wrote, in the formats of other programs, and as one page to look at. */
#include "sim/commands/commands.h"
#include "sim/commands/options.h"
#include "sim/core/check.h"
#include "sim/report/explain.h"
#include "sim/report/export.h"
#include "sim/report/json_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEDGER = 1, TIMELINE = 2, WINDOW = 4, EXPLAIN = 8 };

static const struct format {
    const char *name;
    unsigned any;  /* it needs one of these documents ... */
    unsigned also; /* ... and takes these */
    void (*write)(const struct export_input *in, FILE *out);
    const char *text;
} formats[] = {
    {"html", LEDGER, TIMELINE | WINDOW | EXPLAIN, export_html,
     "one page with pictures and tables, for any browser, without a network"},
    {"chrome", TIMELINE, LEDGER, export_chrome,
     "trace for chrome://tracing and ui.perfetto.dev (JSON)"},
    {"perfetto", TIMELINE, LEDGER, export_perfetto, "the same as Perfetto's own protobuf"},
    {"speedscope", LEDGER | TIMELINE, 0, export_speedscope,
     "profile for speedscope: stacks of the ledger, spans of the timeline"},
    {"callgrind", LEDGER, 0, export_callgrind, "profile for KCachegrind and callgrind_annotate"},
    {"folded", LEDGER, 0, export_folded, "stacks for flamegraph.pl: `path;place;cause cycles`"},
    {"csv", LEDGER, 0, export_csv, "every cell of the ledger, a line each"},
    {"kanata", WINDOW, 0, export_kanata, "a window's instructions in the pipes, for Konata"},
};

static const struct option_spec specs[] = {
    {"format", "NAME", "which one, of the list below", 'f'},
    {"out", "FILE", "where to; default: the standard output", 'o'},
    {"timeline", "FILE", "what `run --timeline FILE` wrote", 't'},
    {"window", "FILE", "what `run --window-json FILE` wrote", 'w'},
    {"help", NULL, "this text", 'h'},
};

static void help(void)
{
    puts("usage: isochron export [OPTIONS] FILE...\n\n"
         "Writes a run's ledger (`--ledger`), timeline (`--timeline`) or window (`--window-json`)\n"
         "in another format; a page takes what `isochron explain --format json` prints, too. Each\n"
         "FILE is known by what is in it. One cycle is one unit: a viewer that knows only micro-\n"
         "or nanoseconds shows that many cycles. Sums are checked before anything is written.\n");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nformats:");
    for (unsigned i = 0; i < ARRAY_COUNT(formats); i++)
        printf("  %-11s %s\n", formats[i].name, formats[i].text);
    puts("\nexamples:\n"
         "  isochron replay traces/ipc.iso --paths --timeline t.json --ledger l.json \\\n"
         "      --serial null\n"
         "  isochron export l.json t.json --format html --out page.html\n"
         "  isochron export t.json --format perfetto --out ipc.pftrace\n"
         "  isochron export l.json --format callgrind --out callgrind.out.ipc");
}

/* --- what is read ----------------------------------------------------------------------------- */

static void only_one(bool had, const char *path, const char *what)
{
    if (had)
        usage_error("export: %s: a second %s; accepted is one", path, what);
}

/* wanted: what it must be; 0: whatever it is. */
static void read_document(struct export_input *in, const char *path, unsigned wanted)
{
    if (wanted == TIMELINE || (!wanted && timeline_is(path))) {
        only_one(in->timeline, path, "timeline");
        in->timeline = timeline_read(path);
        return;
    }
    json_t *o = json_lines_read("export: ", path,
                                "what --ledger, --timeline or --window-json writes");
    if (!wanted && strcmp(export_text(o, "schema"), EXPLAIN_SCHEMA) == 0) {
        export_check_explain(o, path);
        if (!in->explained)
            in->explained = json_array();
        json_array_append_new(in->explained, o);
        return;
    }
    if (wanted == WINDOW || (!wanted && json_object_get(o, "instructions") &&
                             json_is_array(json_object_get(o, "instructions")))) {
        only_one(in->window, path, "window");
        export_check_window(o, path);
        in->window = o;
        in->window_path = path;
    } else {
        only_one(in->ledger, path, "ledger");
        export_check_ledger(o, path);
        in->ledger = o;
        in->ledger_path = path;
    }
}

static unsigned given(const struct export_input *in)
{
    return (in->ledger ? LEDGER : 0u) | (in->timeline ? TIMELINE : 0u) |
           (in->window ? WINDOW : 0u) | (in->explained ? EXPLAIN : 0u);
}

static const char *names(unsigned documents, char text[64])
{
    snprintf(text, 64, "%s%s%s%s", documents & LEDGER ? "--ledger " : "",
             documents & TIMELINE ? "--timeline " : "", documents & WINDOW ? "--window-json " : "",
             documents & EXPLAIN ? "`explain` " : "");
    return text;
}

static void check_documents(const struct format *f, const struct export_input *in)
{
    char text[64], more[64];
    unsigned has = given(in);
    if (!(has & f->any))
        usage_error("export: --format %s needs what %swrites", f->name, names(f->any, text));
    if (has & ~(f->any | f->also))
        usage_error("export: --format %s has no use for what %swrites; accepted is what %swrites",
                    f->name, names(has & ~(f->any | f->also), text), names(f->any | f->also, more));
}

static const struct format *find_format(const char *name)
{
    char list[160] = "";
    size_t n = 0;
    for (unsigned i = 0; i < ARRAY_COUNT(formats); i++) {
        if (name && strcmp(name, formats[i].name) == 0)
            return &formats[i];
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", formats[i].name);
    }
    usage_error("export: %s%s; accepted is %s", name ? "--format " : "which --format?",
                name ? name : "", list);
}

static void write_document(const struct format *f, const struct export_input *in, const char *path)
{
    FILE *out = path ? fopen(path, "wb") : stdout;
    if (!out)
        usage_error("export: --out %s: %s", path, strerror(errno));
    f->write(in, out);
    bool bad = fflush(out) != 0 || ferror(out);
    if (path && fclose(out) != 0)
        bad = true;
    if (bad)
        usage_error("export: %s: cannot be written: %s", path ? path : "the standard output",
                    strerror(errno));
}

int cmd_export(int argc, char **argv)
{
    struct options o = OPTIONS("export", specs, argc, argv);
    struct export_input in = {0};
    const char *value, *format = NULL, *out = NULL;
    for (int c; (c = options_next(&o, &value));) {
        switch (c) {
        case 'h': help(); return EXIT_DONE;
        case 'f': format = value; break;
        case 'o': out = value; break;
        case 't': read_document(&in, value, TIMELINE); break;
        case 'w': read_document(&in, value, WINDOW); break;
        default: read_document(&in, value, 0); break;
        }
    }
    const struct format *f = find_format(format);
    check_documents(f, &in);
    write_document(f, &in, out);
    json_decref(in.ledger);
    json_decref(in.window);
    json_decref(in.explained);
    timeline_close(in.timeline);
    return EXIT_DONE;
}
