/* path_rules: names for kernel paths, as data. A rule file is an INI file; a section is a path's
 * name, its keys say which clusters it covers:
 *
 *     [ipc.cross_space]
 *     entry = 30 vector          ; the entry's name as the report prints it, or its beginning
 *     back_to = other space      ; user, other thread, other space, idle
 *     passes = fast_path copy    ; symbols that must all have run
 *     avoids = sys_ipc           ; symbols of which none may have run
 *     from_idle = no             ; yes, no
 *     phases = enter check@enter_ipc_fast send@deliver leave@exit
 *                                ; what it is cut into, at which milestones: path_marks.h
 *
 * The first section that fits wins; a cluster that none fits keeps "entry -> end" as its name.
 * Rules are applied to a report, after the run: they cost the run nothing and may be changed
 * later. The sections [kernel] and [names] of the same file are no paths: guest_names.h. */
#pragma once

#include "sim/core/types.h"

#include <ini.h>
#include <jansson.h>

#define PATH_RULES_MAX 256
#define RULES_LINE_MAX (INI_MAX_LINE - 3) /* what inih would cut in two */

struct path_rule {
    char name[64];
    char entry[64], back_to[32], passes[512], avoids[512];
    char phases[512];
    int from_idle; /* 1, 0, or -1: either */
};

/* What there is to know of a path that is to be named. */
struct path_facts {
    const char *entry, *ends;
    bool from_idle;
    bool (*ran)(void *owner, const char *symbol, size_t length); /* part of it is that symbol's */
    void *owner;
};

struct path_rules {
    struct path_rule list[PATH_RULES_MAX];
    unsigned count;
};

/* Hands each key to take_key; the line that it refuses first, 0: it refuses none. usage_error where
 * the file cannot be read whole. */
int rules_parse(const char *file, ini_handler take_key, void *owner);
/* usage_error naming file, line and what is accepted. */
void path_rules_read(struct path_rules *r, const char *file);
/* The first rule that fits, -1 if none does. */
int path_rules_find(const struct path_rules *r, const struct path_facts *f);
/* The name of a cluster of paths_json; without rules the one that the run gave it. */
void path_rules_name(const struct path_rules *r, const json_t *cluster, char *name, size_t size);

/* Gives each cluster of paths_json its `name`. */
void path_rules_apply(const struct path_rules *r, json_t *paths);

/* All clusters of one name as one path: {name: {count, cycles, min, max, typical, instructions,
 * code_lines, data_lines, pages, cr3_writes, code_misses, data_misses, itlb_misses, dtlb_misses,
 * causes, symbols, and what distribution_write adds}}; typical is the duration that most instances
 * have, what follows it is of its commonest cluster, but for causes, symbols and durations. */
json_t *path_rules_group(const struct path_rules *r, const json_t *paths);
