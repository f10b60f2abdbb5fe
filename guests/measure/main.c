// main.c: the root task `measure`: measures what its command line says, which=all or a list like
// which=ipc+fault (a comma would end the module for QEMU's -initrd), and ends as exit= says
// (library.h).
#include "measure.h"

static const struct part {
    const char *name;
    void (*run)(void);
    bool unasked; // part of which=all
} parts[] = {
    {"ipc", part_ipc, true},
    {"rpc", part_rpc, true},
    {"string", part_string, true},
    {"map", part_map, true},
    {"fault", part_fault, true},
    {"exception", part_exception, true},
    {"switch", part_switch, true},
    {"interrupt", part_interrupt, true},
    {"pipe", part_pipe, true},
    {"colour", part_colour, true},
    {"window", part_window, false},
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static bool is_named(const struct part *p, const char *name, word_t length)
{
    if (length == 3 && strncmp(name, "all", 3) == 0)
        return p->unasked;
    return strlen(p->name) == length && strncmp(name, p->name, length) == 0;
}

// Runs what one word of the list names; false if it names nothing.
static bool run_named(const char *name, word_t length)
{
    bool found = false;
    for (word_t i = 0; i < PART_COUNT; i++)
        if (is_named(&parts[i], name, length)) {
            found = true;
            parts[i].run();
        }
    return found;
}

int l4_main(const char *command_line)
{
    char which[128];
    if (!l4_option(command_line, "which", which, sizeof(which)))
        l4_copy_string(which, "all", sizeof(which));
    world_init();
    report_overhead();
    for (const char *name = which; *name;) {
        const char *plus = strchr(name, '+');
        word_t length = plus ? (word_t)(plus - name) : strlen(name);
        if (!run_named(name, length)) {
            l4_printf("measure: no part '%.*s'; there are all", (int)length, name);
            for (word_t i = 0; i < PART_COUNT; i++)
                l4_printf(" %s", parts[i].name);
            l4_printf("\n");
            return 1;
        }
        name += length + (plus != NULL);
    }
    l4_printf("measure: done\n");
    return 0;
}
