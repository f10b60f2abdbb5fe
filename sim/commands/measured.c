#include "sim/commands/measured.h"

#include "sim/commands/console.h"
#include "sim/commands/session.h"
#include "sim/core/check.h"
#include "sim/replay/replay.h"
#include "sim/report/json_lines.h"

#include <stdio.h>
#include <string.h>

static json_t *replayed(const char *command, const char *file)
{
    struct session s = {.with_paths = true, .with_profile = true};
    struct console *console = console_new();
    struct machine_host host = console_host(console);
    struct replay *r = replay_open(file, &host);
    session_init(&s);
    if (!r->ended)
        fprintf(stderr, "isochron: %s was not finished; it is good up to cycle %llu\n", file,
                (unsigned long long)r->last);
    if (r->manifest.model && strcmp(r->manifest.model, "flat") == 0)
        usage_error("%s: %s was recorded on the flat model, which has no cycles to tell", command,
                    file);
    replay_symbols(r, &s.symbols);
    console_set_output(console, 0, "null");
    replay_seek(r, r->first);
    session_attach(&s, r->machine, r->last);
    session_count_from_here(&s);
    s.warm = r->machine->clock.now > 0;
    replay_until(r, UINT64_MAX);
    session_watch(&s);
    session_run(&s);
    progress_end(&s.progress);
    json_t *ledger = session_ledger(&s, NULL);
    check_set_last_words(NULL, NULL);
    session_free(&s);
    replay_free(r);
    console_free(console);
    return ledger;
}

json_t *measured(const char *command, const char *file)
{
    char option[32];
    if (trace_is(file))
        return replayed(command, file);
    snprintf(option, sizeof option, "%s: ", command);
    return json_lines_read(option, file, "a trace, or what --ledger writes");
}
