/* export_speedscope: a profile for https://www.speedscope.app, in its own file format
 * [SPEEDSCOPE]: the ledger's cells as weighted stacks (way into privilege 0, symbol, cause), and
 * the timeline, if there is one, as what ran when. */
#include "sim/core/check.h"
#include "sim/report/export.h"

#include <string.h>

#define SCHEMA "https://www.speedscope.app/file-format-schema.json"

/* The index of a frame, found again by its name: `index` maps names to it. */
static json_t *frame(json_t *frames, json_t *index, const char *name)
{
    json_t *known = json_object_get(index, name);
    if (!known) {
        json_t *made = json_integer((json_int_t)json_array_size(frames));
        json_array_append_new(frames, json_pack("{s:s}", "name", name));
        json_object_set_new(index, name, made);
        known = made;
    }
    return json_incref(known);
}

static json_t *sampled(const struct export_input *in, json_t *frames, json_t *index)
{
    json_t *samples = json_array(), *weights = json_array(), *place, *cycles;
    const char *cause;
    size_t i;
    json_array_foreach(json_object_get(in->ledger, "places"), i, place)
        json_object_foreach(json_object_get(place, "causes"), cause, cycles) {
            json_array_append_new(
                samples, json_pack("[o,o,o]", frame(frames, index, export_text(place, "path")),
                                   frame(frames, index, export_text(place, "name")),
                                   frame(frames, index, cause)));
            json_array_append(weights, cycles);
        }
    return json_pack("{s:s,s:s,s:s,s:i,s:I,s:o,s:o}", "type", "sampled", "name",
                     "cycles by path, symbol, cause", "unit", "none", "startValue", 0, "endValue",
                     export_number(in->ledger, "cycles"), "samples", samples, "weights", weights);
}

/* A frame that is open from begin to end. */
static void add_event(json_t *events, char type, json_t *at_frame, cycle_t at)
{
    json_array_append_new(events, json_pack("{s:s#,s:I,s:O}", "type", &type, 1, "at",
                                            (json_int_t)at, "frame", at_frame));
}

static json_t *evented(const struct timeline_file *t, json_t *frames, json_t *index)
{
    json_t *events = json_array();
    char name[160];
    for (size_t i = 0; i < t->count; i++) {
        const struct timeline_span *s = &t->spans[i];
        if (!timeline_kind_tiles(s->kind))
            continue;
        json_t *space = NULL;
        if (s->kind == TIMELINE_USER || s->kind == TIMELINE_KERNEL)
            space = frame(frames, index, timeline_space_of(t, s));
        timeline_name(t, s, name, sizeof name);
        json_t *what = frame(frames, index, name);
        if (space)
            add_event(events, 'O', space, s->begin);
        add_event(events, 'O', what, s->begin);
        add_event(events, 'C', what, s->begin + s->length);
        if (space)
            add_event(events, 'C', space, s->begin + s->length);
        json_decref(space);
        json_decref(what);
    }
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:o}", "type", "evented", "name",
                     "what ran when, in cycles", "unit", "none", "startValue",
                     (json_int_t)t->begin, "endValue", (json_int_t)t->end, "events", events);
}

void export_speedscope(const struct export_input *in, FILE *out)
{
    json_t *frames = json_array(), *index = json_object(), *profiles = json_array();
    char title[160];
    export_title(in, title, sizeof title);
    if (in->ledger)
        json_array_append_new(profiles, sampled(in, frames, index));
    if (in->timeline)
        json_array_append_new(profiles, evented(in->timeline, frames, index));
    json_t *file = json_pack("{s:s,s:s,s:s,s:i,s:{s:o},s:o}", "$schema", SCHEMA, "name", title,
                             "exporter", "isochron", "activeProfileIndex", 0, "shared", "frames",
                             frames, "profiles", profiles);
    CHECK(file != NULL);
    json_dumpf(file, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(file);
    json_decref(index);
}
