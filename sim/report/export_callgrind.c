/* export_callgrind: the ledger as a call graph with costs, in Callgrind's profile format, version 1
 * [CALLGRIND], which callgrind_annotate and KCachegrind read.
 *
 * The events are cycles and, one by one, their causes. A function is a symbol on one way into
 * privilege 0: its object is who runs (user, kernel, boot), its file the way, so that KCachegrind's
 * groups give the sums. Calls lead from the run to each way, as often as it was taken, and on to
 * its symbols; which symbol called which is not in a ledger, so those are counted once. */
#include "sim/core/check.h"
#include "sim/report/export.h"
#include "sim/core/ledger.h"

#include <ctype.h>
#include <string.h>

#define ROOT "(run)"

/* "data.l2" as Callgrind's names may be: letters and digits, "DataL2". */
static void event_name(const char *cause, char *text, size_t size)
{
    size_t n = 0;
    bool first = true;
    for (; *cause && n + 1 < size; cause++) {
        if (isalnum((unsigned char)*cause)) {
            text[n++] = (char)(first ? toupper((unsigned char)*cause) : *cause);
            first = false;
        } else {
            first = true;
        }
    }
    text[n] = 0;
}

static const char *event_text(const char *cause)
{
    for (int k = 0; k < CAUSE_COUNT; k++)
        if (strcmp(cause, cause_names[k]) == 0)
            return cause_texts[k];
    return cause;
}

/* Cycles and the causes in the order of the run's table. */
static void put_costs(const json_t *ledger, const json_t *o, FILE *out)
{
    const char *cause;
    json_t *v;
    fprintf(out, "%" JSON_INTEGER_FORMAT, export_number(o, "cycles"));
    json_object_foreach(json_object_get(ledger, "causes"), cause, v)
        fprintf(out, " %" JSON_INTEGER_FORMAT, export_number(json_object_get(o, "causes"), cause));
    fputc('\n', out);
}

static void put_header(const struct export_input *in, FILE *out)
{
    const json_t *ledger = in->ledger;
    char title[160], name[64];
    const char *cause;
    json_t *v;
    export_title(in, title, sizeof title);
    fprintf(out,
            "# callgrind format\nversion: 1\ncreator: isochron\ncmd: machine %s, model %s\n"
            "desc: Clock: %s\npositions: line\nevent: Cycles : all cycles\n",
            export_text(ledger, "machine"), export_text(ledger, "model"), title);
    json_object_foreach(json_object_get(ledger, "causes"), cause, v) {
        event_name(cause, name, sizeof name);
        fprintf(out, "event: %s : %s\n", name, event_text(cause));
    }
    fputs("events: Cycles", out);
    json_object_foreach(json_object_get(ledger, "causes"), cause, v) {
        event_name(cause, name, sizeof name);
        fprintf(out, " %s", name);
    }
    fputs("\nsummary: ", out);
    put_costs(ledger, ledger, out);
}

static const char *object_of(const char *path)
{
    return strcmp(path, "user") == 0 || strcmp(path, "boot") == 0 ? path : "kernel";
}

/* Names come from guests' files; a line's end must not be one of theirs. */
static void put_name(const char *key, const char *name, const char *behind, FILE *out)
{
    fprintf(out, "%s=", key);
    for (; *name; name++)
        fputc(iscntrl((unsigned char)*name) ? '_' : *name, out);
    fprintf(out, "%s\n", behind);
}

/* What a way into privilege 0 did: its symbols with their own costs, and the way itself, which
 * calls them. */
static void put_path(const json_t *ledger, const json_t *path, FILE *out)
{
    const char *name = export_text(path, "name");
    size_t i;
    json_t *place;
    json_array_foreach(json_object_get(ledger, "places"), i, place) {
        if (strcmp(export_text(place, "path"), name) != 0)
            continue;
        put_name("\nob", object_of(name), "", out);
        put_name("fl", name, "", out);
        put_name("fn", export_text(place, "name"), "", out);
        fputs("0 ", out);
        put_costs(ledger, place, out);
    }
    put_name("\nob", object_of(name), "", out);
    put_name("fl", name, "", out);
    put_name("fn", name, " (all)", out);
    json_array_foreach(json_object_get(ledger, "places"), i, place) {
        if (strcmp(export_text(place, "path"), name) != 0)
            continue;
        put_name("cfn", export_text(place, "name"), "", out);
        fputs("calls=1 0\n0 ", out);
        put_costs(ledger, place, out);
    }
}

void export_callgrind(const struct export_input *in, FILE *out)
{
    const json_t *ledger = in->ledger, *paths = json_object_get(ledger, "paths");
    size_t i;
    json_t *path;
    put_header(in, out);
    json_array_foreach(paths, i, path)
        put_path(ledger, path, out);
    fputs("\nob=(run)\nfl=(run)\nfn=" ROOT "\n", out);
    json_array_foreach(paths, i, path) {
        const char *name = export_text(path, "name");
        json_int_t entries = export_number(path, "entries");
        put_name("cob", object_of(name), "", out);
        put_name("cfi", name, "", out);
        put_name("cfn", name, " (all)", out);
        fprintf(out, "calls=%" JSON_INTEGER_FORMAT " 0\n0 ", entries ? entries : 1);
        put_costs(ledger, path, out);
    }
    fputs("\ntotals: ", out);
    put_costs(ledger, ledger, out);
}
