/* cycles: times a few instructions, in a warm loop, on a modelled processor. */
#include "sim/commands/commands.h"
#include "sim/commands/options.h"
#include "sim/core/check.h"
#include "sim/core/file.h"
#include "sim/report/cycles.h"
#include "sim/report/ledger_json.h"
#include "sim/report/units.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec specs[] = {
    {"asm", "'ASM'", "the instructions, Intel syntax as GNU as reads it; ';' between them", 'a'},
    {"file", "FILE", "the same from a file; - is standard input", 'f'},
    {"setup", "'ASM'", "run once before the loop", 's'},
    {"unroll", "N", "N copies in a row in the loop (default 1); the result is divided", 'u'},
    {"machine", "NAME", "p133 (default), k7-1400, ...: `isochron machines`", 'M'},
    {"set", "KEY=VALUE", "override one value of the machine; may be repeated", 'S' | REPEATS},
    {"user", NULL, "at privilege 3 (default 0)", 'r'},
    {"json", NULL, "print an object; its `cycles` is the clocks of one copy", 'j'},
    {"help", NULL, "this text", 'h'},
};

struct job {
    struct machine_config config;
    struct assembly text[2]; /* the copy, the set-up */
    uint32_t copies;
    bool json, user;
};

static void help(void)
{
    puts("usage: isochron cycles [OPTIONS] --asm 'ASM'\n\n"
         "Assembles a few instructions, runs them in a warm loop on a modelled processor, and\n"
         "prints the clocks of one copy, and for each instruction its pipe, whether it\n"
         "paired with the one before and where its clocks went. Out of order it prints lane and\n"
         "unit, the clocks of fetch, decoding, dispatch, of each micro-operation's issue and\n"
         "result, and of retirement; its clocks are those between retirements. A snippet whose\n"
         "instructions depend on each other gives a latency, one of independent instructions a\n"
         "throughput.\n\n"
         "`buf` is 64 KB of writable memory, aligned to 64 KB. Registers start at zero and the\n"
         "FPU as FNINIT leaves it; all but ESP are the snippet's to change: the loop's counter\n"
         "lives in memory, and what the empty loop takes is subtracted. STD and a changed FPU\n"
         "state do no harm.\n");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nexamples:\n"
         "  isochron cycles --machine p166 --asm 'add eax,[ebx]; mov ecx,eax' "
         "--setup 'lea ebx,[buf]'\n"
         "  isochron cycles --unroll 120 --asm 'imul eax,eax'\n"
         "  isochron cycles --asm 'fld1; fadd st(1),st; fstp st(0)' --json");
}

static void set_machine(struct job *j, const char *name)
{
    struct machine_config *m = machine_find(name);
    if (strcmp(m->model, "flat") == 0)
        usage_error("--machine %s: its model is flat, which has no pipelines to time", name);
    j->config = *m;
    free(m);
}

static const char *read_text(const char *path)
{
    return file_read_text("--file ", strcmp(path, "-") == 0 ? "/dev/stdin" : path);
}

static void parse(struct job *j, int argc, char **argv)
{
    struct options o = OPTIONS("cycles", specs, argc, argv);
    const char *value;
    set_machine(j, "p133");
    for (int c; (c = options_next(&o, &value));)
        if (c == 'M')
            set_machine(j, value);
    o.at = 1;
    for (int c; (c = options_next(&o, &value));) {
        switch (c) {
        case 'a': j->text[0].text = value; break;
        case 'f': j->text[0].text = read_text(value); break;
        case 's': j->text[1].text = value; break;
        case 'u': j->copies = (uint32_t)option_within("unroll", value, 1, 100000); break;
        case 'S': machine_set(&j->config, value); break;
        case 'r': j->user = true; break;
        case 'j': j->json = true; break;
        case 'h': help(); exit(EXIT_DONE);
        case 1: usage_error("cycles: '%s' is no option; instructions go into --asm", value);
        default: break;
        }
    }
    if (!j->text[0].text)
        usage_error("cycles: --asm 'ASM' or --file FILE is missing; `isochron cycles --help`");
    machine_check(&j->config);
}

static double per_copy(const struct cycles_result *r)
{
    return (double)r->cycles / (double)r->copies;
}

static void causes_text(const struct cycles_line *l, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (int k = 0; k < CAUSE_COUNT && at < size; k++)
        if (l->cause[k])
            at += (size_t)snprintf(text + at, size - at, "%s%s %u", at ? ", " : "",
                                   cause_names[k], l->cause[k]);
}

static const char *pairing(const struct model_last *l)
{
    return l->paired ? "with the one before" : l->why_not ? l->why_not : "";
}

static void print_pipes(const struct cycles_result *r)
{
    printf("  %6s %-36s %-4s %6s  %-34s %s\n", "offset", "instruction", "pipe", "clocks", "where",
           "pairing");
    for (size_t i = 0; i < r->line_count; i++) {
        const struct cycles_line *l = &r->lines[i];
        char causes[200];
        causes_text(l, causes, sizeof causes);
        printf("  %6x %-36.36s %-4c %6u  %-34s %s\n", l->offset, l->text, l->last.pipe, l->cycles,
               causes, pairing(&l->last));
    }
}

/* A clock, from the one in which the copy's first instruction was dispatched. */
static int at(const struct cycles_line *l, cycle_t cycle)
{
    return (int)((int64_t)cycle - l->begun);
}

/* "agu 3-6, alu 6-7": from issue to the result. */
static void micros_text(const struct cycles_line *l, char *text, size_t size)
{
    size_t n = 0;
    text[0] = 0;
    for (unsigned i = 0; i < l->last.micro_count && n < size; i++) {
        const struct model_micro *m = &l->last.micro[i];
        n += (size_t)snprintf(text + n, size - n, "%s%s %d-%d", n ? ", " : "", unit_names[m->unit],
                              at(l, m->issued), at(l, m->completed));
    }
}

static void print_stages(const struct cycles_result *r)
{
    printf("  %6s %-30s %-6s %5s %5s %5s %-24s %5s %6s  %s\n", "offset", "instruction", "unit",
           "fetch", "ready", "disp.", "issue-done", "ret.", "clocks", "where");
    for (size_t i = 0; i < r->line_count; i++) {
        const struct cycles_line *l = &r->lines[i];
        char causes[200], micros[80], units[UNITS_TEXT];
        causes_text(l, causes, sizeof causes);
        micros_text(l, micros, sizeof micros);
        printf("  %6x %-30.30s %-6s %5d %5d %4d%s %-24s %5d %6u  %s\n", l->offset, l->text,
               units_format(units_of(&l->last), units, sizeof units), at(l, l->last.fetched),
               at(l, l->last.decoded), at(l, l->last.dispatched), l->last.paired ? "\"" : " ",
               micros, at(l, l->last.retired), l->cycles, causes);
    }
    puts("\n  clocks from the dispatch of the first; ready: decoded, could be dispatched; \": in\n"
         "  the line of the one before");
}

static void print_text(const struct job *j, const struct cycles_result *r)
{
    printf("%.2f clocks a copy on %s\n\n", per_copy(r), j->config.name);
    if (r->line_count && r->lines[0].last.staged)
        print_stages(r);
    else
        print_pipes(r);
    json_t *quality = quality_json(r->quality, NULL);
    putchar('\n');
    quality_print(quality, stdout);
    json_decref(quality);
}

static void add_stages(const struct cycles_line *l, json_t *to)
{
    const struct model_last *s = &l->last;
    char units[UNITS_TEXT];
    json_t *micros = json_array();
    for (unsigned i = 0; i < s->micro_count; i++)
        json_array_append_new(micros, json_pack("{s:s,s:i,s:i}", "unit",
                                                unit_names[s->micro[i].unit], "issued",
                                                at(l, s->micro[i].issued), "completed",
                                                at(l, s->micro[i].completed)));
    json_object_set_new(to, "stages", json_pack("[i,i,i,i,i,i]", at(l, s->fetched),
                                                at(l, s->decoded), at(l, s->dispatched),
                                                at(l, s->issued), at(l, s->completed),
                                                at(l, s->retired)));
    json_object_set_new(to, "micros", micros);
    json_object_set_new(to, "units", json_string(units_format(units_of(s), units, sizeof units)));
}

static void print_json(const struct job *j, const struct cycles_result *r)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < r->line_count; i++) {
        const struct cycles_line *l = &r->lines[i];
        json_t *causes = json_object();
        for (int k = 0; k < CAUSE_COUNT; k++)
            if (l->cause[k])
                json_object_set_new(causes, cause_names[k], json_integer(l->cause[k]));
        json_t *one = json_pack("{s:i,s:s,s:s#,s:b,s:s?,s:i,s:o}", "offset", (int)l->offset,
                                "instruction", l->text, "pipe", &l->last.pipe, 1, "paired",
                                (int)l->last.paired, "why_not", l->last.why_not, "cycles",
                                (int)l->cycles, "causes", causes);
        if (l->last.staged)
            add_stages(l, one);
        json_array_append_new(lines, one);
    }
    json_t *o = json_pack("{s:s,s:f,s:I,s:I,s:o,s:o}", "machine", j->config.name, "cycles",
                          per_copy(r), "clocks", (json_int_t)r->cycles, "copies",
                          (json_int_t)r->copies, "quality", quality_json(r->quality, NULL),
                          "instructions", lines);
    json_dumpf(o, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(o);
}

int cmd_cycles(int argc, char **argv)
{
    struct job j = {.copies = 1};
    parse(&j, argc, argv);
    assemble(j.text, j.text[1].text ? 2 : 1, CYCLES_SYMBOLS);
    struct cycles_request q = {.config = &j.config,
                               .code = &j.text[0],
                               .setup = j.text[1].text ? &j.text[1] : NULL,
                               .copies = j.copies,
                               .user = j.user};
    struct cycles_result r;
    cycles_measure(&q, &r);
    if (r.raised) {
        fprintf(stderr, "isochron: cycles: the instructions raised exception %u\n", r.vector);
        return EXIT_GUEST_FAILED;
    }
    if (r.unfinished) {
        fprintf(stderr, "isochron: cycles: the instructions halt, or never come to their end\n");
        return EXIT_GUEST_FAILED;
    }
    if (j.json)
        print_json(&j, &r);
    else
        print_text(&j, &r);
    cycles_free(&r);
    free(j.text[0].bytes);
    free(j.text[1].bytes);
    return EXIT_DONE;
}
