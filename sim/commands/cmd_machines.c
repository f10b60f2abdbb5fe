#include "sim/commands/commands.h"
#include "sim/core/check.h"
#include "sim/machine/config.h"

#include <stdio.h>
#include <string.h>

int cmd_machines(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-help") == 0)) {
        puts("usage: isochron machines [NAME]\n\n"
             "Without a name: the machines, a line each. With one: every value that\n"
             "`--set KEY=VALUE` can override, and what it means.");
        return EXIT_DONE;
    }
    if (argc > 1) {
        const struct machine_config *m = machine_find(argv[1]);
        if (!m)
            usage_error("machines: no machine '%s'; `isochron machines` lists them", argv[1]);
        machine_print(m);
        return EXIT_DONE;
    }
    for (unsigned i = 0; machines[i]; i++)
        printf("%-8s %s\n", machines[i]->name, machines[i]->text);
    return EXIT_DONE;
}
