/* reproduce_phases: what one getpid consists of, from a window of it. The window goes from a
 * call's first instruction to the next call's. Between the program's own instructions at both ends
 * lie the kernel's; if Linux is a server, in between there are its own, too, in user mode: then the
 * kernel was entered twice, once for each message. A trampoline enters it once more before that, to
 * be sent on to code of the program's own: all of it is entering the library. */
#include "sim/report/reproduce.h"

#include "sim/core/types.h"

#include <string.h>

#define STRETCHES_MAX 64

struct stretch {
    bool user;
    double cycles;
    json_int_t instructions;
};

/* call, of calls: which one it is, and of how many it costs the median. */
static void put(json_t *results, const json_t *window, const char *part, double cycles,
                json_int_t instructions)
{
    json_array_append_new(
        results, json_pack("{s:s, s:s, s:f, s:I, s:O, s:O}", "name", "phase", "part", part,
                           "cycles", cycles, "instructions", instructions, "call",
                           json_object_get(window, "number"), "calls",
                           json_object_get(window, "of")));
}

/* What the crossings themselves cost. */
static double hardware(const json_t *instructions)
{
    size_t i;
    json_t *o;
    double sum = 0;
    json_array_foreach(instructions, i, o) {
        const json_t *causes = json_object_get(o, "causes");
        sum += json_number_value(json_object_get(causes, "kernel.entry")) +
               json_number_value(json_object_get(causes, "kernel.exit"));
    }
    return sum;
}

/* Stretches of the same privilege; 0: there are too many, or these are no instructions. */
static unsigned divide(const json_t *instructions, struct stretch *list)
{
    size_t i;
    json_t *o;
    unsigned count = 0;
    json_array_foreach(instructions, i, o) {
        const char *phase = json_string_value(json_object_get(o, "phase"));
        if (!phase || !json_is_number(json_object_get(o, "cycles")))
            return 0;
        bool user = strcmp(phase, "user") == 0;
        if (count == 0 || list[count - 1].user != user) {
            if (count == STRETCHES_MAX)
                return 0;
            list[count++] = (struct stretch){.user = user};
        }
        list[count - 1].cycles += json_number_value(json_object_get(o, "cycles"));
        list[count - 1].instructions++;
    }
    return count;
}

bool reproduce_phases(const json_t *window, json_t *results, char *wrong, size_t size)
{
    static const char *const parts[] = {"enter", "first_message", "server", "second_message",
                                        "leave"};
    const json_t *instructions = json_object_get(window, "instructions");
    struct stretch list[STRETCHES_MAX];
    unsigned count = divide(instructions, list);
    double total = 0;
    json_int_t all = 0;
    for (unsigned i = 0; i < count; i++) {
        total += list[i].cycles;
        all += list[i].instructions;
    }
    if (!json_is_integer(json_object_get(window, "number")) ||
        !json_is_integer(json_object_get(window, "of"))) {
        snprintf(wrong, size, "the window does not say which call it is");
        return false;
    }
    if ((count != 3 && count != 5 && count != 7) || !list[0].user) {
        snprintf(wrong, size, "one getpid has %u stretches of privilege; 3 (a kernel), 5 (a kernel,"
                 " a server, a kernel) and 7 (a trampoline before that) are understood", count);
        return false;
    }
    put(results, window, "total", total, all);
    if (count == 3) {
        double bare = hardware(instructions);
        put(results, window, "hardware", bare, 2);
        put(results, window, "software", total - bare, all - 2);
        return true;
    }
    struct stretch *last = &list[count - 5];
    for (struct stretch *s = list; s < last; s++) {
        last->cycles += s->cycles;
        last->instructions += s->instructions;
    }
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++)
        put(results, window, parts[i], last[i].cycles, last[i].instructions);
    put(results, window, "messages", last[1].cycles + last[3].cycles,
        last[1].instructions + last[3].instructions);
    return true;
}
