/* guest_lines: what benchmarks in a guest print on its serial line, as data. guests/bench/bench.h
 * and guests/measure/report.c write
 *
 *     PREFIX: NAME [KEY=VALUE ...] cycles=NUMBER [KEY=VALUE ...]
 *
 * A program of guests/bench also says where it begins and ends and how many lines it has printed:
 * then nothing can be missing unseen. Other text on the serial line is none of ours. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Appends {name, key: value ..., cycles, min, max, n} for each result to `results`, in the order of
 * the text, values as numbers where they are; {name, ..., skipped: true} for what a program left
 * out. False: a line is malformed, a result comes twice, a program did not end, or it failed: wrong
 * is one line that names it. strict: every line of the prefix is one of bench.h's. */
bool guest_lines_parse(const char *text, const char *prefix, bool strict, json_t *results,
                       char *wrong, size_t size);
/* The result that has this name and these parameters: "ctx processes=2 kb=0"; NULL: none. */
const json_t *guest_lines_find(const json_t *results, const char *wanted);
