/* run: boots a kernel on a machine and accounts for every cycle. */
#include "cpu/run.h"
#include "sim/commands/commands.h"
#include "sim/commands/console.h"
#include "sim/commands/options.h"
#include "sim/commands/session.h"
#include "sim/core/check.h"
#include "sim/core/number.h"
#include "sim/machine/machine.h"
#include "sim/replay/manifest.h"
#include "sim/replay/recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec specs[] = {
    {"what to run", NULL, NULL, 0},
    {"kernel", "FILE", "Multiboot kernel, Linux vmlinux, bzImage or zImage; may be gzip", 'k'},
    {"initrd", "FILE", "initrd; for Multiboot \"module args,module args\"", 'i'},
    {"append", "TEXT", "kernel command line", 'a'},
    {"the machine", NULL, NULL, 0},
    {"machine", "NAME", "p133 (default), k7-1400, a64-2200 ...; `isochron machines` lists them",
     'M'},
    {"model", "NAME", "flat (one cycle an instruction), p5, k7, k8; default: the machine's", 'o'},
    {"set", "KEY=VALUE", "override one value of the machine; may be repeated", 's' | REPEATS},
    {"m", "SIZE", "memory, megabytes or with K, M, G", 'm'},
    {"device", "isa-debug-exit,iobase=0xf4,iosize=4",
     "a port at which a guest ends its run: a write of N there is "
     "exit code 2 N + 1, as QEMU has it", 'D'},
    {"no-reboot", NULL, "a reset ends the run instead of booting again", 'n'},
    {"what comes out and goes in", NULL, NULL, 0},
    {"serial", "stdio|file:PATH|null", "where COM1 goes (default stdio); again for COM2; a "
                                       "file is written over; mon:stdio is stdio, none is null",
     'O' | REPEATS},
    {"serial-input", "FILE", "what is typed at COM1, as a script: lines `wait \"..\"`, "
                             "`send \"..\\n\"`, `at CYCLE \"..\"`", 'I'},
    {"record-input", "FILE", "write what is typed at the terminal as such a script, into a new "
                             "file: a recording replaces none", 'R'},
    {"record", "FILE", "write a trace of the run (after --fast-forward, of the rest), into a "
                       "new file; `isochron replay`, `verify` and `checkpoint` read it", 'C'},
    {"record-every", "CYCLES", "a checkpoint in it every so many cycles (default 1G)", 'E'},
    {"nographic", NULL, "accepted: there is no other way; COM1 is the terminal", 'g'},
    {"when to stop", NULL, NULL, 0},
    {"until-serial", "TEXT", "stop when COM1 has sent TEXT; again: or that", 'u' | REPEATS},
    {"max-cycles", "N", "stop after N cycles, exit code 124 (k, M, G)", 'x'},
    {"fast-forward", NULL, NULL, 0},
    {"fast-forward", "UNTIL", "run on flat until symbol:NAME, serial:TEXT, cycle:N or post:HH, "
                              "then on the chosen model, from cold caches", 'f'},
    {"warmup", "N", "forget the ledger's first N cycles after that: counts are warm", 'w'},
    SESSION_OPTIONS,
    {"accepted, so that scripts that call QEMU need no change", NULL, NULL, 0},
    {"no-shutdown", NULL, "the guest has no power switch to press", 'Z'},
    {"nodefaults", NULL, "there are no default devices but the board's", 'Z'},
    {"display", "none", "only none: there is no window", 'Y'},
    {"vga", "std", "only std: text and 16-colour VGA", 'V'},
    {"monitor", "none", "only none: there is no monitor", 'Q'},
    {"net", "none", "only none: there is no network", 'T'},
    {"nic", "none", "only none: there is no network", 'T'},
    {"smp", "1", "only 1 processor", 'P'},
    {"the rest", NULL, NULL, 0},
    {"help", NULL, "this text", 'h'},
};

struct run {
    struct session session;
    struct manifest manifest;
    struct console *console;
    struct machine *machine;
    struct recorder *recorder;
    const char *forward, *script;
    uint64_t max_cycles, warmup, record_every;
    bool terminal, watched; /* by --until-serial */
    struct event limit_event, warm_event;
};

/* --- options ---------------------------------------------------------------------------------- */

static void help(void)
{
    puts("usage: isochron run [OPTIONS] -kernel FILE\n\n"
         "Boots a kernel on a simulated PC. Options take QEMU's spellings where QEMU has the\n"
         "option; one dash or two. Progress goes to stderr. Ctrl-A x ends a run at a terminal.");
    options_help(specs, ARRAY_COUNT(specs));
    puts("\nexamples:\n"
         "  isochron run -kernel vmlinux -initrd initrd.cpio -append 'console=ttyS0 quiet'\n"
         "  isochron run -kernel vmlinux -initrd initrd.cpio --fast-forward serial:'# ' \\\n"
         "      --serial-input script --ledger out.json --symbols vmlinux\n"
         "  isochron run -kernel pong -device isa-debug-exit,iobase=0xf4,iosize=4 \\\n"
         "      --max-cycles 50M");
}

/* isa-debug-exit[,iobase=N][,iosize=N]; QEMU's defaults are 501h and 2. */
static void set_device(struct manifest *a, const char *spec)
{
    char words[128] = "", *save = NULL;
    uint64_t base = 0x501, size = 2;
    bool good = (size_t)snprintf(words, sizeof words, "%s", spec) < sizeof words;
    const char *word = strtok_r(words, ",", &save);
    good = good && word && strcmp(word, "isa-debug-exit") == 0;
    while (good && (word = strtok_r(NULL, ",", &save)))
        good = (strncmp(word, "iobase=", 7) == 0 && number_parse(word + 7, 0, 0xFFFF, &base)) ||
               (strncmp(word, "iosize=", 7) == 0 && number_parse(word + 7, 0, 4, &size) && size);
    if (!good)
        usage_error("-device %s: accepted is isa-debug-exit,iobase=N,iosize=N, iobase up to "
                    "0xffff, iosize 1 to 4", spec);
    a->debug_exit_base = (uint32_t)base;
    a->debug_exit_size = (uint32_t)size;
}

/* What QEMU's scripts say and what changes nothing here. */
static void set_harmless(int letter, const char *value)
{
    static const struct {
        int letter;
        const char *option, *accepted[3];
    } list[] = {
        {'Y', "display", {"none", NULL}},
        {'V', "vga", {"std", NULL}},
        {'Q', "monitor", {"none", "null", NULL}},
        {'T', "net and -nic", {"none", NULL}},
        {'P', "smp", {"1", NULL}},
    };
    for (unsigned i = 0; i < ARRAY_COUNT(list); i++)
        if (list[i].letter == letter)
            option_accepts(list[i].option, value, list[i].accepted);
}

static void set_option(struct run *r, int letter, const char *value)
{
    struct manifest *a = &r->manifest;
    switch (letter) {
    case 'k': a->boot.kernel = value; break;
    case 'i': a->boot.initrd = value; break;
    case 'a': a->boot.append = value; break;
    case 'o': a->model = value; break;
    case 's': manifest_set(a, value); break;
    case 'm': a->config.ram_bytes = option_memory("m", value); break;
    case 'D': set_device(a, value); break;
    case 'n': a->no_reboot = true; break;
    case 'I': r->script = value; r->terminal = false; break;
    case 'R': r->session.record_input = value; break;
    case 'x': r->max_cycles = option_within("max-cycles", value, 1, UINT64_MAX); break;
    case 'C': r->session.record = value; break;
    case 'E': r->record_every = option_within("record-every", value, 1, UINT64_MAX); break;
    case 'f': r->forward = value; break;
    case 'w': r->warmup = option_number("warmup", value); break;
    default:
        if (!session_option(&r->session, letter, value))
            set_harmless(letter, value);
        break;
    }
}

static void stop_now(void *owner)
{
    struct run *r = owner;
    machine_stop(r->machine);
}

static void forward_done(void *owner) { stop_now(owner); }

static void limit_reached(void *owner)
{
    struct run *r = owner;
    r->session.limit_hit = true;
    machine_stop(r->machine);
}

/* An initrd is one file, or "module args,module args". */
static void check_files(struct run *r)
{
    const char *read[LOAD_MODULES_MAX + 4], *initrd = r->manifest.boot.initrd;
    char *list = initrd ? strdup(initrd) : NULL, *save = NULL;
    unsigned count = 0;
    read[count++] = r->manifest.boot.kernel;
    if (r->script)
        read[count++] = r->script;
    if (initrd)
        read[count++] = initrd;
    for (char *m = list ? strtok_r(list, ",", &save) : NULL; m && count < ARRAY_COUNT(read) - 1;
         m = strtok_r(NULL, ",", &save)) {
        m[strcspn(m, " ")] = 0;
        read[count++] = m;
    }
    read[count] = NULL;
    session_check(&r->session, r->manifest.model, read);
    free(list);
}

/* Machine first: --set and -m change what --machine chose, wherever they stand. */
static void parse(struct run *r, int argc, char **argv)
{
    struct options o = OPTIONS("run", specs, argc, argv);
    const char *value;
    manifest_set_machine(&r->manifest, "p133");
    for (int c; (c = options_next(&o, &value));)
        if (c == 'M')
            manifest_set_machine(&r->manifest, value);
    o.at = 1;
    for (int c; (c = options_next(&o, &value));) {
        if (c == 'h') {
            help();
            exit(EXIT_DONE);
        }
        if (c == 1)
            usage_error("run: '%s' is no option; a kernel is given with -kernel", value);
        r->watched |= c == 'u';
        if (c == 'u')
            console_watch(r->console, value, stop_now, r);
        else
            set_option(r, c, value);
    }
    if (!r->manifest.boot.kernel)
        usage_error("run: -kernel FILE is missing; `isochron run --help` explains");
    check_files(r);
    session_open_console(&r->session, r->console);
    if (r->script)
        console_set_script(r->console, r->script);
}

/* --- while it runs ---------------------------------------------------------------------------- */

static void poll_terminal(void *owner)
{
    struct run *r = owner;
    console_poll(r->console);
}

static void restore_terminal(void *owner)
{
    struct run *r = owner;
    console_set_terminal(r->console, false);
    console_flush(r->console);
}

static void arm_limit(struct run *r)
{
    if (r->max_cycles)
        event_schedule_observer(&r->machine->clock, &r->limit_event, r->max_cycles);
}

/* --- fast-forward ----------------------------------------------------------------------------- */

static void arm_forward(struct run *r)
{
    const char *colon = strchr(r->forward, ':'), *value = colon ? colon + 1 : "";
    size_t n = colon ? (size_t)(colon - r->forward) : 0;
    if (n == 6 && strncmp(r->forward, "symbol", n) == 0) {
        const struct symbol *y = symbols_by_name(&r->session.symbols, value);
        if (!y)
            usage_error("--fast-forward %s: no symbol '%s'; give its file with --symbols",
                        r->forward, value);
        cpu_stop_at(r->machine->cpu, y->address);
    } else if (n == 6 && strncmp(r->forward, "serial", n) == 0) {
        console_watch(r->console, value, forward_done, r);
    } else if (n == 5 && strncmp(r->forward, "cycle", n) == 0) {
        event_schedule_observer(&r->machine->clock, &r->limit_event,
                                option_number("fast-forward cycle", value));
    } else if (n == 4 && strncmp(r->forward, "post", n) == 0) {
        uint64_t code;
        if (!number_parse(value, 16, 0xFF, &code))
            usage_error("--fast-forward %s: '%s' is no hexadecimal byte", r->forward, value);
        console_watch_post(r->console, (uint8_t)code, forward_done, r);
    } else {
        usage_error("--fast-forward %s: accepted are symbol:NAME, serial:TEXT, cycle:N, post:HH",
                    r->forward);
    }
}

/* Runs on flat to the place asked for; false if the run ended before it. */
static bool fast_forward(struct run *r)
{
    if (!r->forward)
        return true;
    bool by_cycle = strncmp(r->forward, "cycle:", 6) == 0;
    if (!by_cycle)
        arm_limit(r);
    arm_forward(r);
    session_run(&r->session);
    console_unwatch(r->console, forward_done);
    bool stopped = r->session.signal || (r->session.limit_hit && !by_cycle);
    if (r->machine->end != END_STOPPED || stopped) {
        fprintf(stderr, "isochron: the run ended before %s\n", r->forward);
        return false;
    }
    r->session.limit_hit = false;
    fprintf(stderr, "isochron: %s reached at cycle %" PRIu64 " on flat; now on %s, cold\n",
            r->forward, r->machine->clock.now, r->manifest.model);
    machine_set_model(r->machine, r->manifest.model);
    session_count_from_here(&r->session);
    return true;
}

static void warmed_up(void *owner)
{
    struct run *r = owner;
    session_count_from_here(&r->session);
    r->session.warm = true;
}

static void arm_warmup(struct run *r)
{
    if (r->warmup)
        event_schedule_observer(&r->machine->clock, &r->warm_event,
                                r->machine->clock.now + r->warmup);
}

/* What is typed before this is in the trace's first state, what comes later in its inputs. */
static void start_recording(struct run *r)
{
    if (!r->session.record)
        return;
    manifest_hash_images(&r->manifest);
    r->manifest.terminal = r->terminal;
    r->recorder = recorder_new(r->machine, r->session.record, &r->manifest, &r->session.symbols, 0,
                               r->record_every);
    console_record(r->console, r->recorder);
}

static void end_recording(struct run *r)
{
    if (!r->recorder)
        return;
    console_record(r->console, NULL);
    recorder_free(r->recorder);
}

int cmd_run(int argc, char **argv)
{
    struct run r = {.manifest = {.boot = {.append = ""}}, .terminal = true};
    struct session *s = &r.session;
    session_init(s);
    r.console = console_new();
    parse(&r, argc, argv);
    session_catch_signals(s);
    struct machine_host host = console_host(r.console);
    struct machine *m = r.machine =
        manifest_build(&r.manifest, r.forward ? "flat" : r.manifest.model, &host);
    r.manifest.boot.random_seed = r.manifest.config.random_seed;
    r.manifest.boot.modules_skip = r.manifest.config.modules_skip;
    r.manifest.boot.ram_kept = r.manifest.config.ram_kept;
    s->poll = poll_terminal;
    s->restore = restore_terminal;
    s->owner = &r;
    machine_boot(m, &r.manifest.boot);
    console_set_terminal(r.console, r.terminal);
    if (!r.forward)
        start_recording(&r);
    console_attach(r.console, m);
    event_init(&r.limit_event, limit_reached, &r, 200);
    event_init(&r.warm_event, warmed_up, &r, 200);
    console_share_terminal(r.console, &s->progress);
    session_attach(s, m, r.watched ? 0 : r.max_cycles); /* where it is expected to end */

    if (fast_forward(&r)) {
        if (r.forward)
            start_recording(&r);
        arm_limit(&r);
        arm_warmup(&r);
        session_watch(s);
        session_remember(s, NULL, s->record);
        console_remember(r.console, s->history);
        session_run(s);
    }
    end_recording(&r);
    int code = session_end(s);
    session_free(s);
    machine_free(m);
    console_free(r.console);
    manifest_free(&r.manifest);
    return code;
}
