/* layouts: is a difference the code's, or its place's?
 *
 * A commit that adds an instruction also moves everything behind it: to other cache sets, other
 * pairs on a line, other entries of the branch predictor. Measured at one place the two cannot be
 * told apart. So both builds are run again at other places (linked elsewhere, with other pages:
 * --set ram.kept, modules.skip), and what differs by the same at every place is the code's. */
#pragma once

#include "sim/commands/verdict.h"
#include "sim/report/costs.h"

#define LAYOUTS_MOST 16

struct layout {
    const char *spec;
    char run[1024], baseline[1024];
    struct costs now, before;
};

struct layouts {
    struct layout list[LAYOUTS_MOST];
    unsigned count;
};

/* "RUN:BASELINE", two files; usage_error if it is not. */
void layouts_add(struct layouts *l, const char *spec);
void layouts_read(struct layouts *l, const struct path_rules *rules);
void layouts_free(struct layouts *l);
/* The verdict on a path that differs between before and now: its cycles there and in each layout.
 * Says nothing if there are no layouts. */
void layouts_say(const struct layouts *l, struct verdict *v, const struct cost_path *before,
                 const struct cost_path *now);
