#include "sim/gdb/monitor_past.h"

#include "cpu/run.h"
#include "sim/core/check.h"
#include "sim/gdb/monitor_machine.h"
#include "sim/report/blame.h"
#include "sim/report/disassemble.h"
#include "sim/report/ledger_json.h"
#include "sim/report/watch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_BACK ((cycle_t)200000) /* cycles to live again for a path's begin; then 8 times that */
#define EVICTOR_BACK ((cycle_t)20000000)
#define SYMBOLS_MAX 40              /* rows of monitor path */

static bool has_past(const struct gdb_target *t, FILE *out)
{
    if (!t->history)
        fprintf(out, "this run cannot go back: %s\n", t->no_history ? t->no_history
                                                                    : "nothing of it is kept");
    return t->history != NULL;
}

/* --- goto ------------------------------------------------------------------------------------- */

/* A number of cycles with k, M or G. */
static bool read_cycle(const char *text, cycle_t *cycle)
{
    static const char letters[] = "kMG";
    char *end;
    unsigned long long v = strtoull(text, &end, 0), scale = 1;
    const char *letter = *end ? strchr(letters, *end) : NULL;
    for (long i = letter ? letter - letters : -1; i >= 0; i--)
        scale *= 1000;
    end += letter != NULL;
    *cycle = v * scale;
    return *text >= '0' && *text <= '9' && *end == 0 && v <= UINT64_MAX / scale;
}

static void arrived(const struct gdb_target *t, FILE *out)
{
    const struct cpu *c = t->machine->cpu;
    fprintf(out, "now at cycle %" PRIu64 ", ", c->clock->now);
    monitor_place(t, c->seg[CS].base + c->eip, out);
    fprintf(out, "; `maintenance flush register-cache` makes gdb look again\n");
}

static void goto_arrival(const struct gdb_target *t, const char *text, const char *hash, FILE *out)
{
    char name[128], *end;
    uint64_t n = strtoull(hash + 1, &end, 10), found;
    const struct symbol *y = NULL;
    snprintf(name, sizeof name, "%.*s", (int)(hash - text), text);
    if (t->symbols)
        y = symbols_by_name(t->symbols, name);
    if (end == hash + 1 || *end || n == 0 || hash[1] == '-')
        fprintf(out, "'%s': behind # goes which arrival, from 1 on\n", text);
    else if (!y)
        fprintf(out, "there is no symbol '%s'\n", name);
    else if (history_goto_arrival(t->history, y->address, n, &found))
        arrived(t, out);
    else
        fprintf(out, "%s is reached only %" PRIu64 " times\n", name, found);
}

void monitor_goto(const struct gdb_target *t, const char *arguments, FILE *out)
{
    const char *hash = strchr(arguments, '#');
    cycle_t cycle;
    if (!has_past(t, out))
        return;
    if (hash)
        goto_arrival(t, arguments, hash, out);
    else if (!read_cycle(arguments, &cycle))
        fprintf(out, "where to? CYCLE, with k, M or G if you like, or SYMBOL#N\n");
    else if (cycle < history_first(t->history) || cycle > history_last(t->history))
        fprintf(out, "cycle %" PRIu64 " is outside: accepted are %" PRIu64 " to %" PRIu64 "\n",
                cycle, history_first(t->history), history_last(t->history));
    else if (history_goto_cycle(t->history, cycle))
        arrived(t, out);
    else
        fprintf(out, "the run ends at cycle %" PRIu64 ", before that\n", t->machine->clock.now);
}

/* --- path ------------------------------------------------------------------------------------- */

struct share {
    const char *symbol;
    uint64_t instructions, cycles;
};

/* One instance of a kernel path, as paths.h defines it. */
struct instance {
    bool found, open;
    uint32_t entry;
    laddr_t from; /* what was interrupted */
    cycle_t begin, end;
    uint64_t causes[CAUSE_COUNT], instructions;
    struct share rows[SYMBOLS_MAX];
    unsigned row_count;
};

struct path_watch {
    const struct gdb_target *target;
    struct instance now, last;
    uint64_t pending[CAUSE_COUNT];
    uint8_t last_cpl;
    laddr_t last_la;
    cycle_t last_now;
    bool booted;
};

static void path_charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct path_watch *w = owner;
    w->pending[cause] += cycles;
    if (cause == CAUSE_HALTED && !w->now.open) { /* before what ends it, not of it */
        w->pending[cause] = 0;
        w->last_now += cycles;
    }
}

static struct share *share_of(struct instance *i, const char *symbol)
{
    for (unsigned n = 0; n < i->row_count; n++)
        if (strcmp(i->rows[n].symbol, symbol) == 0)
            return &i->rows[n];
    if (i->row_count == SYMBOLS_MAX - 1) /* the last row takes the rest */
        symbol = "(others)";
    if (i->row_count < SYMBOLS_MAX)
        i->rows[i->row_count++] = (struct share){.symbol = symbol};
    return &i->rows[i->row_count - 1];
}

static void settle(struct path_watch *w, const struct cpu *c, const struct op *o, bool delivery)
{
    const struct symbols *names = w->target->symbols;
    const struct symbol *y =
        names && !delivery ? symbols_find(names, c->seg[CS].base + o->eip) : NULL;
    struct share *share = share_of(&w->now, delivery ? "(entry)" : y ? y->name : "(no symbol)");
    for (unsigned i = 0; i < CAUSE_COUNT; i++) {
        w->now.causes[i] += w->pending[i];
        share->cycles += w->pending[i];
    }
    share->instructions += !delivery;
    w->now.instructions += !delivery;
}

static void begin_instance(struct path_watch *w, const struct cpu *c, uint32_t entry)
{
    (void)c;
    w->now = (struct instance){.found = true, .open = true, .entry = entry, .from = w->last_la,
                               .begin = w->last_now};
}

static void path_priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct path_watch *w = owner;
    if (w->last_cpl == 3 && c->cpl == 0)
        begin_instance(w, c, c->ledger->path);
    else if (delivery && c->cpl == 0 && !w->now.open && w->booted)
        begin_instance(w, c, PATH_VECTOR + c->delivered);
    if (w->now.open) {
        settle(w, c, o, delivery);
        w->now.end = c->clock->now;
        if (c->cpl == 3 || c->halted) {
            w->now.open = false;
            w->last = w->now;
        }
    }
    memset(w->pending, 0, sizeof w->pending);
    w->booted |= c->cpl == 3;
    w->last_cpl = c->cpl;
    w->last_la = c->seg[CS].base + c->eip;
    w->last_now = c->clock->now;
}

/* Lives the last stretch again, under the watch; longer ones until it has seen a whole begin. */
static const struct instance *look_back(struct path_watch *w, const struct gdb_target *t)
{
    struct machine *m = t->machine;
    struct history_place here = history_here(t->history);
    bool more = true;
    for (cycle_t cycles = LOOK_BACK; more; cycles *= 8) {
        struct watch watch = {.count = 0};
        struct history_stops kept;
        more = history_rewind(t->history, cycles);
        *w = (struct path_watch){.target = t, .last_cpl = m->cpu->cpl,
                                 .last_la = m->cpu->seg[CS].base + m->cpu->eip,
                                 .last_now = m->clock.now,
                                 .booted = m->ledger.path != PATH_BOOT};
        history_hide_stops(t->history, &kept);
        watch_add(&watch, m->cpu, (struct watcher){.priced = path_priced,
                                                   .charged = path_charged, .owner = w});
        history_live(t->history, here);
        watch_remove(&watch, w);
        history_show_stops(t->history, &kept);
        if (w->now.open)
            return &w->now;
        if (w->last.found && m->cpu->cpl == 3)
            return &w->last;
    }
    return w->last.found ? &w->last : NULL;
}

static void say_causes(const struct instance *i, FILE *out)
{
    uint64_t sum = 0;
    for (unsigned n = 0; n < CAUSE_COUNT; n++)
        sum += i->causes[n];
    for (unsigned n = 0; n < CAUSE_COUNT; n++)
        if (i->causes[n])
            fprintf(out, "  %-24s %8" PRIu64 "\n", cause_names[n], i->causes[n]);
    fprintf(out, "  %-24s %8" PRIu64 "%s\n", "sum", sum,
            sum == i->end - i->begin ? "" : "  (not what has elapsed)");
}

static void say_instance(const struct gdb_target *t, const struct instance *i, FILE *out)
{
    char name[64];
    path_name(i->entry, name, sizeof name);
    fprintf(out, "%s, entered at cycle %" PRIu64 " from ", name, i->begin);
    monitor_place(t, i->from, out);
    fprintf(out, ",\n%s after %" PRIu64 " cycles and %" PRIu64 " instructions\n",
            i->open ? "still in it" : "and left", i->end - i->begin, i->instructions);
    say_causes(i, out);
    fprintf(out, "  %-32s %12s %8s\n", "where, in order", "instructions", "cycles");
    for (unsigned n = 0; n < i->row_count; n++)
        fprintf(out, "  %-32s %12" PRIu64 " %8" PRIu64 "\n", i->rows[n].symbol,
                i->rows[n].instructions, i->rows[n].cycles);
}

void monitor_path(const struct gdb_target *t, const char *arguments, FILE *out)
{
    struct path_watch w;
    (void)arguments;
    if (!has_past(t, out))
        return;
    if (!t->machine->cpu->model->timed) {
        fprintf(out, "the %s model has no cycles to tell\n", t->machine->cpu->model->name);
        return;
    }
    const struct instance *i = look_back(&w, t);
    if (i)
        say_instance(t, i, out);
    else
        fprintf(out, "no program has entered the kernel before here\n");
}

/* --- writer ----------------------------------------------------------------------------------- */

static void say_instruction(const struct gdb_target *t, FILE *out)
{
    const struct cpu *c = t->machine->cpu;
    uint8_t code[16] = {0};
    char text[96];
    struct disassembler *d = disassembler_new();
    laddr_t la = c->seg[CS].base + c->eip;
    mmu_peek(c->mmu, la, code, sizeof code);
    disassemble(d, code, sizeof code, la, text, sizeof text);
    disassembler_free(d);
    fprintf(out, "cycle %" PRIu64 ", CPL %u, CR3 %08x: ", c->clock->now, c->cpl, c->cr3);
    monitor_place(t, la, out);
    fprintf(out, "  %s\n", text);
}

void monitor_writer(const struct gdb_target *t, const char *arguments, FILE *out)
{
    struct cpu_watch watch = {.size = 1, .on_write = true};
    if (!has_past(t, out) || !monitor_address(t, arguments, &watch.la, out))
        return;
    const char *size = arguments + strcspn(arguments, " ");
    size += strspn(size, " ");
    if (*size)
        watch.size = (uint32_t)strtoul(size, NULL, 0);
    if (watch.size != 1 && watch.size != 2 && watch.size != 4) {
        fprintf(out, "size '%s': accepted are 1, 2 and 4 bytes\n", size);
        return;
    }
    struct history_place here = history_here(t->history);
    struct history_stops kept;
    history_hide_stops(t->history, &kept);
    cpu_watch_add(t->machine->cpu, watch);
    enum history_back how = history_continue_back(t->history);
    if (how == HISTORY_WATCH)
        say_instruction(t, out);
    else
        fprintf(out, how == HISTORY_BEGIN ? "nothing since the begin of the run has written there\n"
                                          : "interrupted\n");
    history_show_stops(t->history, &kept);
    history_goto(t->history, here);
}

/* --- evictor ---------------------------------------------------------------------------------- */

/* How a record came to be outside of an array, and by whose doing. */
static void say_removal(const struct gdb_target *t, const struct blame *b, const char *name,
                        uint32_t gone, FILE *out)
{
    static const char *const how[] = {
        [NEVER_SEEN] = "not referenced", [NEVER_HELD] = "referenced, never held",
        [REPLACED] = "replaced", [FLUSHED] = "flushed", [GIVEN_UP] = "given up",
    };
    uint32_t removal = gone & ((1u << REMOVAL_BITS) - 1), who = gone >> REMOVAL_BITS;
    char path[64];
    fprintf(out, "  %-10s absent: %s", name, how[removal]);
    if (removal >= REPLACED && who != BLAME_NOBODY && who < b->cells.who_count) {
        const struct blame_who *w = &b->cells.who[who];
        fprintf(out, " by %s, in %s", path_name(w->path, path, sizeof path),
                t->symbols ? symbols_place_name(t->symbols, w->place) : "(no symbol)");
        if (w->deed < DEED_COUNT && w->la) {
            fprintf(out, ", %s at ", blame_deed_names[w->deed]);
            monitor_place(t, w->la, out);
        }
    }
    fputc('\n', out);
}

static void say_arrays(const struct gdb_target *t, struct blame *b, laddr_t la, paddr_t pa,
                       FILE *out)
{
    static const char *const names[MIRRORS] = {"L1I", "L1D", "L2", "code TLB", "data TLB"};
    for (unsigned i = MIRROR_L1I; i <= MIRROR_DTLB; i++) {
        struct mirror *m = &b->mirror[i];
        bool cache = i <= MIRROR_L2;
        uint32_t tag = cache ? pa >> m->shift : la >> 12;
        if (!m->sets)
            continue;
        if (mirror_find(m, tag) >= 0)
            fprintf(out, "  %-10s holds it\n", names[i]);
        else
            say_removal(t, b, names[i],
                        mirror_gone(m, cache ? tag : mirror_translation(m, tag, pa >> 12)), out);
    }
}

/* Lives the last stretch again, watched by the observer of misses. */
static void blame_stretch(const struct gdb_target *t, laddr_t la, paddr_t pa, FILE *out)
{
    struct history_place here = history_here(t->history);
    struct history_stops kept;
    struct watch watch = {.count = 0};
    struct spaces *spaces = xalloc(1, sizeof *spaces);
    struct blame *blame = xalloc(1, sizeof *blame);
    history_rewind(t->history, EVICTOR_BACK);
    cycle_t from = t->machine->clock.now;
    history_hide_stops(t->history, &kept);
    spaces_start(spaces, &watch, t->machine->cpu);
    blame_start(blame, spaces, &watch, t->machine->cpu);
    history_live(t->history, here);
    fprintf(out, "linear %08x, physical %08x, in the %" PRIu64 " cycles up to here\n", la, pa,
            here.cycle - from);
    say_arrays(t, blame, la, pa, out);
    blame_free(blame, &watch);
    spaces_free(spaces, &watch);
    history_show_stops(t->history, &kept);
    free(blame);
    free(spaces);
}

void monitor_evictor(const struct gdb_target *t, const char *arguments, FILE *out)
{
    laddr_t la;
    paddr_t pa;
    if (!has_past(t, out) || !monitor_address(t, arguments, &la, out))
        return;
    if (!t->machine->cpu->model->timed)
        fprintf(out, "the %s model has no caches\n", t->machine->cpu->model->name);
    else if (!mmu_translate_peek(&t->machine->mmu, la, &pa) || pa >= t->machine->phys.size)
        fprintf(out, "linear %08x is no memory\n", la);
    else
        blame_stretch(t, la, pa, out);
}
