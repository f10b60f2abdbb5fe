/* path_marks: the milestones of an instance of a path, and the phases between them.
 *
 * Milestones that every kernel has: `entered`, behind the instruction or delivery that enters
 * privilege 0; `stack`, the stack pointer moves by more than PATH_STACK_JUMP bytes at once, to
 * another stack; `cr3`, CR3 is loaded; `exit`, before the instruction that leaves (or before HLT).
 * And those that rules name: code of a symbol is reached. Of each the first counts; what happens in
 * interrupts inside does not. A simple instruction that moves the stack pointer is seen when its
 * block is over.
 *
 * A rule's phases (path_rules.h) cut an instance at milestones, in the order in which it came to
 * them; the first phase begins with the instance. They sum to its cycles. */
#pragma once

#include "sim/report/symbols.h"

#define PATH_STACK_JUMP 1536
#define PATH_SYMBOL_MARKS 48 /* symbols that rules name as milestones */
#define PATH_PHASES_MAX 12

enum path_mark {
    PATH_MARK_ENTERED, PATH_MARK_STACK, PATH_MARK_CR3, PATH_MARK_EXIT, PATH_MARK_SYMBOL,
    PATH_MARKS = PATH_MARK_SYMBOL + PATH_SYMBOL_MARKS,
};
extern const char *const path_mark_names[PATH_MARK_SYMBOL];

/* What one instance has come to, in order. */
struct path_marks {
    uint64_t seen; /* bit per mark */
    unsigned count;
    struct {
        uint8_t mark;
        uint32_t at; /* cycles since the instance began */
    } list[PATH_MARKS];
};

#define PATH_MARK_FILTER 4096

/* Where marks of symbols are. */
struct path_mark_places {
    unsigned count;
    laddr_t la[PATH_SYMBOL_MARKS];
    uint64_t filter[PATH_MARK_FILTER / 64]; /* bit per la % them: most code is no mark */
};

struct path_phase {
    char name[24];
    uint8_t mark; /* it begins there; of the first phase: nothing */
};

struct path_phases {
    unsigned count;
    struct path_phase list[PATH_PHASES_MAX];
};

/* "NAME NAME@MILESTONE ...": as rules have them; the milestones' symbols are added to `places`. A
 * phase whose symbol is not there is left out. False: not understood. */
bool path_phases_parse(const char *text, const struct symbols *symbols,
                       struct path_mark_places *places, struct path_phases *phases);

static inline void path_mark(struct path_marks *m, unsigned mark, uint64_t at)
{
    if (m->seen >> mark & 1)
        return;
    m->seen |= 1ull << mark;
    m->list[m->count].mark = (uint8_t)mark;
    m->list[m->count++].at = (uint32_t)at;
}

/* Notes that code at la is reached, if a rule names it. */
static inline void path_mark_code(struct path_marks *m, const struct path_mark_places *p,
                                  laddr_t la, uint64_t at)
{
    uint32_t bit = la & (PATH_MARK_FILTER - 1);
    if (LIKELY(!(p->filter[bit / 64] >> bit % 64 & 1)))
        return;
    for (unsigned i = 0; i < p->count; i++)
        if (p->la[i] == la)
            path_mark(m, PATH_MARK_SYMBOL + i, at);
}

/* Adds what each phase took of an instance of so many cycles. */
void path_phases_add(const struct path_phases *phases, const struct path_marks *m, uint64_t cycles,
                     uint64_t sums[PATH_PHASES_MAX]);
