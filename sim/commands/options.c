#include "sim/commands/options.h"

#include "sim/core/check.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_AT  28 /* the column at which explanations begin */
#define HELP_END 80

static const struct option_spec *find(const struct options *o, const char *name, size_t n)
{
    if (n == 1 && *name == 'h') {
        name = "help";
        n = 4;
    }
    for (unsigned i = 0; i < o->count; i++)
        if (o->specs[i].help && strlen(o->specs[i].name) == n &&
            strncmp(o->specs[i].name, name, n) == 0)
            return &o->specs[i];
    return NULL;
}

/* Of two values of one option the first would be lost unseen. */
static void check_repeated(struct options *o, const struct option_spec *s, const char *value)
{
    const char **given = &o->given[s - o->specs];
    CHECK(o->count <= OPTIONS_MAX);
    if (!(s->letter & REPEATS) && *given && strcmp(*given, value) != 0)
        usage_error("%s: -%s %s after -%s %s; accepted is one", o->command, s->name, value, s->name,
                    *given);
    *given = value;
}

int options_next(struct options *o, const char **value)
{
    *value = NULL;
    if (o->at >= o->argc)
        return 0;
    const char *word = o->argv[o->at++];
    if (word[0] != '-' || word[1] == 0) {
        *value = word;
        return 1;
    }
    const char *name = word + 1 + (word[1] == '-');
    size_t n = strcspn(name, "=");
    const struct option_spec *s = find(o, name, n);
    if (!s)
        usage_error("%s: no option %s; `isochron %s --help` lists them", o->command, word,
                    o->command);
    if (!s->argument) {
        if (name[n])
            usage_error("%s: %s takes no value", o->command, s->name);
        return s->letter & 0xFF;
    }
    if (name[n])
        *value = name + n + 1;
    else if (o->at < o->argc)
        *value = o->argv[o->at++];
    else
        usage_error("%s: -%s wants a value: %s", o->command, s->name, s->argument);
    check_repeated(o, s, *value);
    return s->letter & 0xFF;
}

/* Words from HELP_AT on, none beyond HELP_END; at: columns that are taken. */
static void print_words(const char *text, size_t at)
{
    for (size_t n; (n = strcspn(text, " \n")) > 0; text += n + strspn(text + n, " \n")) {
        if (at > HELP_AT && at + 1 + n > HELP_END) {
            putchar('\n');
            at = 0;
        }
        at += (size_t)printf("%*s%.*s", at < HELP_AT ? (int)(HELP_AT - at) : 1, "", (int)n, text);
    }
    putchar('\n');
}

void options_help(const struct option_spec *specs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct option_spec *s = &specs[i];
        if (!s->help) {
            printf("\n%s\n", s->name);
            continue;
        }
        int at = printf("  -%s%s%s", s->name, s->argument ? " " : "",
                        s->argument ? s->argument : "");
        if (at >= HELP_AT)
            putchar('\n');
        print_words(s->help, at >= HELP_AT ? 0 : (size_t)at);
    }
}

static uint64_t scaled(const char *option, const char *text, unsigned base, unsigned plain)
{
    char *end;
    errno = 0;
    uint64_t v = strtoull(text, &end, 0), scale = 1;
    const char *letters = "kKmMgG", *found = *end ? strchr(letters, *end) : NULL;
    if (found) {
        for (long i = (found - letters) / 2; i >= 0; i--)
            scale *= base;
        end++;
    } else {
        scale = plain;
    }
    if (errno || end == text || *end || !isdigit((unsigned char)*text) || v > UINT64_MAX / scale)
        usage_error("-%s %s: expected a number, with k, M or G if you like", option, text);
    return v * scale;
}

unsigned option_accepts(const char *option, const char *text, const char *const *accepted)
{
    char list[200] = "";
    size_t n = 0;
    for (unsigned i = 0; accepted[i]; i++) {
        if (strcmp(text, accepted[i]) == 0)
            return i;
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", accepted[i]);
    }
    usage_error("-%s %s: accepted is only %s", option, text, list);
}

uint64_t option_number(const char *option, const char *text)
{
    return scaled(option, text, 1000, 1);
}

uint64_t option_within(const char *option, const char *text, uint64_t least, uint64_t most)
{
    uint64_t v = option_number(option, text);
    if (v < least && most == UINT64_MAX)
        usage_error("-%s %s: accepted is %" PRIu64 " and up", option, text, least);
    if (v < least || v > most)
        usage_error("-%s %s: accepted is %" PRIu64 " to %" PRIu64, option, text, least, most);
    return v;
}

uint32_t option_memory(const char *option, const char *text)
{
    uint64_t v = scaled(option, text, 1024, 1 << 20);
    if (v < 1 << 20 || v > (uint64_t)3 << 30)
        usage_error("-%s %s: accepted is 1M to 3G", option, text);
    return (uint32_t)v;
}
