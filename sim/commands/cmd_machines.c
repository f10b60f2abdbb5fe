#include "sim/commands/commands.h"
#include "sim/commands/options.h"
#include "sim/core/check.h"
#include "sim/machine/config.h"

#include <stdio.h>
#include <stdlib.h>

static const struct option_spec specs[] = {
    {"help", NULL, "this text", 'h'},
};

int cmd_machines(int argc, char **argv)
{
    struct options o = OPTIONS("machines", specs, argc, argv);
    const char *value, *name = NULL;
    for (int c; (c = options_next(&o, &value));) {
        if (c == 'h') {
            puts("usage: isochron machines [NAME]\n\n"
                 "Without a name: the machines, a line each. With one: every value that\n"
                 "`--set KEY=VALUE` can override, and what it means.\n");
            options_help(specs, ARRAY_COUNT(specs));
            return EXIT_DONE;
        }
        if (name)
            usage_error("machines: '%s' after '%s'; accepted is one name", value, name);
        name = value;
    }
    if (name) {
        struct machine_config *m = machine_find(name);
        machine_print(m);
        free(m);
        return EXIT_DONE;
    }
    for (unsigned i = 0; machines[i]; i++)
        printf("%-16s %s\n", machines[i]->name, machines[i]->text);
    return EXIT_DONE;
}
