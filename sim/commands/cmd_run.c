/* run: boots a kernel on a machine and accounts for every cycle. */
#include "cpu/model.h"
#include "cpu/run.h"
#include "sim/commands/commands.h"
#include "sim/commands/console.h"
#include "sim/commands/options.h"
#include "sim/commands/progress.h"
#include "sim/commands/trace_log.h"
#include "sim/core/check.h"
#include "sim/machine/machine.h"
#include "sim/machine/story.h"
#include "sim/report/ledger_json.h"
#include "sim/report/symbols.h"
#include "sim/report/window.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_CYCLES 2000000

static const struct option_spec specs[] = {
    {"what to run", NULL, NULL, 0},
    {"kernel", "FILE", "Multiboot kernel, Linux vmlinux, bzImage or zImage; may be gzip", 'k'},
    {"initrd", "FILE", "initrd; for Multiboot \"module args,module args\"", 'i'},
    {"append", "TEXT", "kernel command line", 'a'},
    {"the machine", NULL, NULL, 0},
    {"machine", "NAME", "p133 (default), p166, i686: `isochron machines`", 'M'},
    {"model", "NAME", "flat (one cycle an instruction) or p5; default: the machine's", 'o'},
    {"set", "KEY=VALUE", "override one value of the machine; may be repeated", 's'},
    {"m", "SIZE", "memory, megabytes or with K, M, G", 'm'},
    {"device", "isa-debug-exit,iobase=0xf4,iosize=4", "a port whose write ends the run", 'D'},
    {"no-reboot", NULL, "a reset ends the run instead of booting again", 'n'},
    {"what comes out and goes in", NULL, NULL, 0},
    {"serial", "stdio|file:PATH|null", "where COM1 goes (default stdio); again for COM2", 'S'},
    {"serial-input", "FILE", "script: `at CYCLE \"..\"`, `wait \"..\"`, `send \"..\\n\"`", 'I'},
    {"record-input", "FILE", "write what is typed at the terminal as such a script", 'R'},
    {"nographic", NULL, "accepted: there is no other way; COM1 is the terminal", 'g'},
    {"screen", NULL, "print the VGA text screen when the run ends", 'v'},
    {"when to stop", NULL, NULL, 0},
    {"until-serial", "TEXT", "stop when COM1 has sent TEXT", 'u'},
    {"max-cycles", "N", "stop after N cycles, exit code 124 (k, M, G)", 'x'},
    {"fast-forward", NULL, NULL, 0},
    {"fast-forward", "UNTIL", "run on flat until symbol:NAME, serial:TEXT, cycle:N or post:HH,\n"
                              "then on the chosen model, from cold caches", 'f'},
    {"warmup", "N", "forget the ledger's first N cycles after that: counts are warm", 'w'},
    {"what to see", NULL, NULL, 0},
    {"symbols", "FILE[@OFFSET]", "names from an ELF file or a System.map; may be repeated", 'y'},
    {"ledger", "FILE.json", "write cycles by cause, path and place; read by `isochron report`",
     'l'},
    {"window", "SYMBOL#N", "show the N-th stretch from SYMBOL to SYMBOL (or A..B#N),\n"
                           "instruction by instruction", 'W'},
    {"window-json", "FILE", "write it as JSON too", 'J'},
    {"d", "int,io,cr,exceptions", "log to stderr, with cycle stamps", 'd'},
    {"hash", NULL, "print the hash of the whole state at the end", 'H'},
    {"quiet", NULL, "no progress on stderr", 'q'},
    {"help", NULL, "this text", 'h'},
};

struct run {
    struct machine_config config;
    const char *model;
    struct boot boot;
    struct symbols symbols;
    struct console *console;
    struct machine *machine;
    struct window window;
    const char *ledger, *window_spec, *window_file, *log, *forward;
    uint64_t max_cycles, warmup;
    uint32_t debug_exit_base, debug_exit_size;
    bool screen, quiet, terminal, no_reboot, warm, hash, limit_hit;
    unsigned serials;
    struct event poll_event, limit_event;
    struct progress progress;
};

/* --- options ------------------------------------------------------------------------------------------ */

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
         "  isochron run -kernel pong -device isa-debug-exit,iobase=0xf4,iosize=4 --max-cycles 50M");
}

static uint32_t device_value(const char *spec, const char *key, uint32_t otherwise)
{
    const char *p = strstr(spec, key);
    return p ? (uint32_t)strtoul(p + strlen(key), NULL, 0) : otherwise;
}

static void set_device(struct run *r, const char *spec)
{
    if (strncmp(spec, "isa-debug-exit", 14) != 0)
        usage_error("-device %s: accepted is isa-debug-exit,iobase=0xf4,iosize=4", spec);
    r->debug_exit_base = device_value(spec, "iobase=", 0x501);
    r->debug_exit_size = device_value(spec, "iosize=", 2);
    if (r->debug_exit_base > 0xFFFF || r->debug_exit_size < 1 || r->debug_exit_size > 4)
        usage_error("-device %s: iobase is at most 0xffff, iosize 1 to 4", spec);
}

static void set_machine(struct run *r, const char *name)
{
    const struct machine_config *m = machine_find(name);
    if (!m)
        usage_error("--machine %s: no such machine; `isochron machines` lists them", name);
    r->config = *m;
    r->model = m->model;
    free((void *)(uintptr_t)m);
}

static void set_option(struct run *r, int letter, const char *value)
{
    switch (letter) {
    case 'k': r->boot.kernel = value; break;
    case 'i': r->boot.initrd = value; break;
    case 'a': r->boot.append = value; break;
    case 'o': r->model = value; break;
    case 's': machine_set(&r->config, value); break;
    case 'm': r->config.ram_bytes = option_memory("m", value); break;
    case 'D': set_device(r, value); break;
    case 'n': r->no_reboot = true; break;
    case 'S':
        if (r->serials >= MACHINE_UARTS)
            usage_error("--serial %s: there are only %d ports", value, MACHINE_UARTS);
        console_set_output(r->console, (int)r->serials++, value);
        break;
    case 'I': console_set_script(r->console, value); r->terminal = false; break;
    case 'R': console_log_input(r->console, value); break;
    case 'v': r->screen = true; break;
    case 'x': r->max_cycles = option_number("max-cycles", value); break;
    case 'f': r->forward = value; break;
    case 'w': r->warmup = option_number("warmup", value); break;
    case 'y': symbols_add(&r->symbols, value); break;
    case 'l': r->ledger = value; break;
    case 'W': r->window_spec = value; break;
    case 'J': r->window_file = value; break;
    case 'd': r->log = value; break;
    case 'H': r->hash = true; break;
    case 'q': r->quiet = true; break;
    default: break;
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
    r->limit_hit = true;
    machine_stop(r->machine);
}

/* Machine first: --set and -m change what --machine chose, wherever they stand. */
static void parse(struct run *r, int argc, char **argv)
{
    struct options o = {specs, ARRAY_COUNT(specs), argc, argv, 1, "run"};
    const char *value;
    set_machine(r, "p133");
    for (int c; (c = options_next(&o, &value));)
        if (c == 'M')
            set_machine(r, value);
    o.at = 1;
    for (int c; (c = options_next(&o, &value));) {
        if (c == 'h') {
            help();
            exit(EXIT_DONE);
        }
        if (c == 1)
            usage_error("run: '%s' is no option; a kernel is given with -kernel", value);
        if (c == 'u')
            console_watch(r->console, value, stop_now, r);
        else
            set_option(r, c, value);
    }
    if (!r->boot.kernel)
        usage_error("run: -kernel FILE is missing; `isochron run --help` explains");
    if (r->serials == 0)
        console_set_output(r->console, 0, "stdio");
}

/* --- while it runs -------------------------------------------------------------------------------------- */

static void poll_host(void *owner)
{
    struct run *r = owner;
    console_poll(r->console);
    progress_show(&r->progress, r->machine->clock.now, r->machine->cpu->instructions);
    event_schedule_observer(&r->machine->clock, &r->poll_event,
                            r->machine->clock.now + POLL_CYCLES);
}

static void arm_limit(struct run *r)
{
    if (r->max_cycles)
        event_schedule_observer(&r->machine->clock, &r->limit_event, r->max_cycles);
}

/* --- fast-forward ------------------------------------------------------------------------------------------ */

static void arm_forward(struct run *r)
{
    const char *colon = strchr(r->forward, ':'), *value = colon ? colon + 1 : "";
    size_t n = colon ? (size_t)(colon - r->forward) : 0;
    if (n == 6 && strncmp(r->forward, "symbol", n) == 0) {
        const struct symbol *y = symbols_by_name(&r->symbols, value);
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
        console_watch_post(r->console, (uint8_t)strtoul(value, NULL, 16), forward_done, r);
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
    machine_run(r->machine);
    console_unwatch(r->console, forward_done);
    if (r->machine->end != END_STOPPED || (r->limit_hit && !by_cycle))
        return false;
    r->limit_hit = false;
    fprintf(stderr, "isochron: %s reached at cycle %" PRIu64 " on flat; now on %s, cold\n",
            r->forward, r->machine->clock.now, r->model);
    machine_set_model(r->machine, r->model);
    ledger_restart(&r->machine->ledger);
    return true;
}

static void warmed_up(void *owner)
{
    struct run *r = owner;
    ledger_restart(&r->machine->ledger);
    r->warm = true;
    arm_limit(r);
}

static void arm_warmup(struct run *r)
{
    if (!r->warmup) {
        arm_limit(r);
        return;
    }
    event_init(&r->limit_event, warmed_up, r, 200);
    event_schedule_observer(&r->machine->clock, &r->limit_event,
                            r->machine->clock.now + r->warmup);
}

/* --- the end ------------------------------------------------------------------------------------------------- */

static void name_of(void *owner, laddr_t la, char *text, size_t size)
{
    symbols_format(owner, la, text, size);
}

static void write_json(const char *path, json_t *object)
{
    if (json_dump_file(object, path, JSON_INDENT(1) | JSON_PRESERVE_ORDER) != 0)
        usage_error("%s: cannot be written: %s", path, strerror(errno));
    json_decref(object);
}

static void write_results(struct run *r)
{
    struct machine *m = r->machine;
    if (r->window_spec) {
        window_print(&r->window, &r->symbols, stdout, isatty(STDOUT_FILENO));
        if (r->window_file)
            write_json(r->window_file, window_json(&r->window, &r->symbols));
    }
    if (r->ledger)
        write_json(r->ledger, ledger_json(m, &r->symbols, r->warm));
    if (r->screen)
        vga_print_text(&m->vga, stdout, isatty(STDOUT_FILENO));
    if (r->hash)
        printf("state hash %016" PRIx64 " at cycle %" PRIu64 "\n", machine_hash(m), m->clock.now);
}

static int say_end(struct run *r)
{
    struct machine *m = r->machine;
    cycle_t now = m->clock.now;
    switch (m->end) {
    case END_HALTED:
        fprintf(stderr, "isochron: halted at cycle %" PRIu64 "\n", now);
        return EXIT_DONE;
    case END_RESET:
        fprintf(stderr, "isochron: the guest reset the machine at cycle %" PRIu64 "\n", now);
        return EXIT_DONE;
    case END_SHUTDOWN:
        fprintf(stderr, "isochron: triple fault at cycle %" PRIu64 "; ", now);
        story_tell(m->story, stderr, name_of, &r->symbols);
        return EXIT_GUEST_FAILED;
    case END_DEBUG_EXIT:
        return (int)(debug_exit_status(m->exit_value) & 0xFF);
    case END_STOPPED:
    case END_NONE:
        break;
    }
    if (!r->limit_hit)
        return EXIT_DONE;
    fprintf(stderr, "isochron: cycle limit reached at cycle %" PRIu64 "\n", now);
    return EXIT_CYCLE_LIMIT;
}

int cmd_run(int argc, char **argv)
{
    struct run r = {.boot = {.append = ""}, .terminal = true};
    symbols_init(&r.symbols);
    r.console = console_new();
    parse(&r, argc, argv);
    struct machine_host host = console_host(r.console);
    r.machine = machine_new(&r.config, r.forward ? "flat" : r.model, &host);
    struct machine *m = r.machine;
    m->no_reboot = r.no_reboot;
    m->cpu->place_of = symbols_place;
    m->cpu->place_owner = &r.symbols;
    if (r.debug_exit_size)
        machine_add_debug_exit(m, (uint16_t)r.debug_exit_base, (uint16_t)r.debug_exit_size);
    if (r.log)
        trace_log_start(m, r.log);
    r.boot.random_seed = r.config.random_seed;
    machine_boot(m, &r.boot);
    console_set_terminal(r.console, r.terminal);
    console_attach(r.console, m);
    event_init(&r.poll_event, poll_host, &r, 200);
    event_init(&r.limit_event, limit_reached, &r, 200);
    progress_start(&r.progress, r.quiet, r.max_cycles);
    poll_host(&r);

    if (fast_forward(&r)) {
        arm_warmup(&r);
        if (r.window_spec)
            window_start(&r.window, m->cpu, &r.symbols, r.window_spec);
        machine_run(m);
    }
    progress_end(&r.progress);
    console_flush(r.console);
    write_results(&r);
    int code = say_end(&r);
    if (r.window_spec)
        window_free(&r.window);
    machine_free(m);
    console_free(r.console);
    symbols_free(&r.symbols);
    return code;
}
