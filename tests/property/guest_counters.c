/* guest_counters: what a guest reads from the Pentium's performance counters, and from its time
 * stamp counter, is what happened. The guest (tests/guest/counters.S) counts every documented
 * event over work that makes it happen. Here each of its counts is held against a count made
 * another way:
 *
 *   - from the access log and the ledger's charges, as an observer of each priced instruction
 *     sees them, by rules written down here once more, naively;
 *   - from the events that the model tells reports;
 *   - from what the guest knows its work to do: it prints that beside each count.
 *
 * Also: RDTSC tells the ledger's cycles; a run that is saved and restored at any cycle, and one
 * that changes its model meanwhile, goes on counting. */
#include "cpu/model.h"
#include "cpu/models/p5/p5.h"
#include "cpu/msr.h"
#include "cpu/run.h"
#include "mmu/tlb.h"
#include "sim/machine/machine.h"
#include "tests/property/twin_run.h"

#include <inttypes.h>

#define SERIAL_MAX 16384
#define CYCLES_MAX 400000000
#define EVENTS 0x40
#define SOME 0xFFFFFFFFu
#define ANY 0xFFFFFFFEu
#define RESTORES 12

/* By whether it was at CPL 3. */
struct counts {
    uint64_t event[2][EVENTS], clocks[2][EVENTS];
};

struct run {
    struct machine *m;
    struct event stop;
    bool stopped;
    unsigned serial_count;
    char serial[SERIAL_MAX];

    struct verdict v;
    unsigned windows; /* counts compared */
    struct counts now, begin;              /* counted here */
    struct counts model_next, model_begin; /* the model's, before a WRMSR or RDMSR to come */
    uint32_t cesr;                         /* the present selection */
    uint64_t value[2];                     /* what CTR0 and CTR1 held when counting began */
    bool user;   /* the instruction being counted counts at CPL 3 */
    bool user_next;

    uint64_t charged[CAUSE_COUNT]; /* by the instruction being priced */
    uint64_t front_wait;           /* of its bus.wait, what came before it issued */
    bool issued;
    bool data_before; /* the instruction before it accessed data */
    cycle_t elapsed;  /* the sum of all charges */
    cycle_t before;   /* ... when it began */
    bool tsc_known;
    uint64_t tsc_offset;
};

/* --- the charges of one instruction ----------------------------------------------------------- */

static void tapped(void *owner, enum cause cause, cycle_t cycles)
{
    struct run *r = owner;
    r->elapsed += cycles;
    r->charged[cause] += cycles;
    r->issued |= cause == CAUSE_ISSUE || cause == CAUSE_FIRST_FETCH;
    if (!r->issued && cause == CAUSE_BUS_WAIT)
        r->front_wait += cycles;
}

/* --- counting from the log -------------------------------------------------------------------- */

static void add(struct run *r, unsigned event, uint64_t n)
{
    r->now.event[r->user][event] += n;
}

static bool uncached_page(const struct cpu *c, laddr_t la)
{
    int index = tlb_find(&c->mmu->dtlb, la >> 12);
    return index >= 0 && (c->mmu->dtlb.entry[index].flags & TLB_UNCACHED);
}

static void count_access(struct run *r, const struct cpu *c, const struct access *a)
{
    unsigned natural = a->size > 4 ? 8 : 4, halves = 1;
    if (a->la / natural != (a->la + a->size - 1) / natural)
        halves = 2;
    bool outside = a->level != LEVEL_L1, lock = a->flags & ACCESS_LOCKED;
    bool single = lock || a->level == LEVEL_DEVICE || uncached_page(c, a->la);
    add(r, 0x0B, (a->flags & ACCESS_MISALIGNED) != 0);
    if (a->kind != ACCESS_WRITE) {
        unsigned misses = !outside ? 0 : single ? halves : 1;
        add(r, 0x00, halves);
        add(r, 0x28, halves);
        add(r, 0x03, misses);
        add(r, 0x29, misses);
        add(r, 0x1E, outside && single ? halves : 0);
        add(r, 0x1C, lock ? halves : 0);
    } else if (a->size == 32) {
        add(r, 0x06, 1);
    } else {
        bool miss = outside && !(a->flags & ACCESS_LINE_SHARED);
        add(r, 0x01, halves);
        add(r, 0x28, halves);
        add(r, 0x05, a->flags & ACCESS_HIT_M ? halves : 0);
        add(r, 0x04, miss ? halves : 0);
        add(r, 0x29, miss ? halves : 0);
    }
}

static void count_walk(struct run *r, const struct access *first, const struct access *a)
{
    bool begins = a == first || a[-1].la != a->la ||
                  (a[-1].kind != ACCESS_WALK && a[-1].kind != ACCESS_UPDATE);
    add(r, a->flags & ACCESS_CODE_SIDE ? 0x0D : 0x02, begins);
    add(r, 0x1E, a->level != LEVEL_L1);
    add(r, 0x1C, a->kind == ACCESS_UPDATE);
}

static unsigned port_bytes(const struct op *o)
{
    return strstr(o->row->operands, "AL") ? 1 : o->flags & OP_DATA16 ? 2 : 4;
}

static void count_port(struct run *r, const struct op *o, uint32_t port)
{
    bool crosses = port / 4 != (port + port_bytes(o) - 1) / 4;
    add(r, 0x1D, 1 + crosses);
    add(r, 0x0B, crosses);
}

static void count_log(struct run *r, const struct cpu *c, const struct op *o)
{
    const struct access *first = c->log.list, *end = first + c->log.count;
    bool user = r->user;
    for (const struct access *a = first; a < end; a++) {
        r->user = user && (c->cpl == 3 || a->kind == ACCESS_FETCH || (a->flags & ACCESS_CODE_SIDE));
        if (a->kind == ACCESS_WALK || a->kind == ACCESS_UPDATE)
            count_walk(r, first, a);
        else if (a->kind == ACCESS_FETCH) {
            add(r, 0x0C, 1);
            add(r, 0x0E, a->level != LEVEL_L1);
        } else if (a->kind != ACCESS_NOTE)
            count_access(r, c, a);
        else if (a->level >= NOTE_IO_REAL && a->level <= NOTE_IO_V86)
            count_port(r, o, a->la);
        if (a->kind != ACCESS_NOTE && !(a->kind == ACCESS_WRITE && a->size == 32))
            add(r, 0x06, (a->flags & ACCESS_EVICT_DIRTY) != 0);
    }
    r->user = user;
}

/* --- counting what was executed --------------------------------------------------------------- */

static bool is(const struct op *o, const char *name) { return strcmp(o->row->name, name) == 0; }

static bool serialises(const struct op *o)
{
    static const char *const names[] = {"WRMSR", "CPUID", "INVD", "WBINVD", "INVLPG", "LGDT",
                                        "LIDT",  "LLDT",  "LTR",  "VERR",   "VERW"};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (is(o, names[i]))
            return true;
    return is(o, "MOV") && (strstr(o->row->operands, "Cd,") == o->row->operands ||
                            strstr(o->row->operands, "Dd,") == o->row->operands);
}

static bool is_branch(const struct op *o)
{
    static const char *const names[] = {"CALL", "RET", "RETN", "RETF", "IRET", "INT", "LOOP"};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (strncmp(o->row->name, names[i], strlen(names[i])) == 0)
            return true;
    return o->row->name[0] == 'J';
}

static bool is_operation(const struct op *o)
{
    static const char *const names[] = {"FADD", "FMUL", "FDIV", "FSUB", "FSQRT", "MUL", "IMUL"};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (strncmp(o->row->name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static bool accesses_data(const struct cpu *c)
{
    for (unsigned i = 0; i < c->log.count; i++)
        if (c->log.list[i].kind <= ACCESS_RMW)
            return true;
    return false;
}

static void count_executed(struct run *r, const struct cpu *c, const struct op *o)
{
    bool again = false, string = (o->row->attributes & (A_REP | A_REPZ)) &&
                                 o->flags & (OP_REPE | OP_REPNE);
    for (unsigned i = 0; i < c->log.count; i++)
        again |= c->log.list[i].kind == ACCESS_NOTE && c->log.list[i].level == NOTE_REP_START;
    struct model_last last;
    c->model->last(c->model, &last);
    bool second = last.pipe == 'V', data = accesses_data(c);
    add(r, 0x16, !string || again);
    add(r, 0x17, second);
    add(r, 0x09, second && data && r->data_before);
    add(r, 0x0A, r->charged[CAUSE_BANK]);
    add(r, 0x22, is_operation(o));
    r->data_before = data;
    r->user &= c->cpl == 3;
    add(r, 0x12, is_branch(o) || serialises(o));
    add(r, 0x15, r->charged[CAUSE_BRANCH] != 0);
}

static void count_delivery(struct run *r, const struct cpu *c)
{
    r->user &= c->cpl == 3;
    add(r, 0x12, 1);
    add(r, 0x15, 1);
    add(r, 0x16, 1);
    for (unsigned i = 0; i < c->log.count; i++)
        add(r, 0x27, c->log.list[i].kind == ACCESS_NOTE && c->log.list[i].level == NOTE_INTA);
}

/* Clocks of what lasts, by the ledger's causes; of everything else each event counts one. Bus
 * waits of a fetch, which come before the instruction issues, are no data's. */
static void count_clocks(struct run *r, const struct cpu *c)
{
    const uint64_t *n = r->charged;
    uint64_t *clocks = r->now.clocks[r->user];
    bool front = false, code = false;
    for (unsigned i = 0; i < c->log.count; i++) {
        const struct access *a = &c->log.list[i];
        front |= a->kind == ACCESS_FETCH && a->level != LEVEL_L1;
        code |= a->kind != ACCESS_NOTE && (a->flags & ACCESS_CODE_SIDE);
    }
    clocks[0x19] += n[CAUSE_WRITE_FULL];
    clocks[0x1B] += n[CAUSE_WRITE_ORDER];
    clocks[0x1F] += n[CAUSE_AGI];
    clocks[0x1A] += n[CAUSE_DATA_L2] + n[CAUSE_DATA_DRAM] + n[CAUSE_DATA_DEVICE] + n[CAUSE_DTLB] +
                    n[CAUSE_BUS_WAIT] - (front || code ? r->front_wait : 0) +
                    (code ? 0 : n[CAUSE_TLB_UPDATE]);
}

/* --- what the guest does with the registers --------------------------------------------------- */

static bool lasts(unsigned event) { return (event >= 0x18 && event <= 0x1B) || event == 0x1F; }

/* What counter index should have gone up by, counted here (mine) or by the model. */
static uint64_t gained(const struct run *r, unsigned index, bool mine)
{
    uint32_t control = r->cesr >> (16 * index);
    unsigned event = control & 0x3F;
    bool clocks = control & 0x100 && (lasts(event) || !mine);
    const struct counts *now = mine ? &r->now : &r->model_next;
    const struct counts *begin = mine ? &r->begin : &r->model_begin;
    uint64_t n = 0;
    for (unsigned user = 0; user < 2; user++)
        if (control >> (6 + user) & 1)
            n += clocks ? now->clocks[user][event] - begin->clocks[user][event]
                        : now->event[user][event] - begin->event[user][event];
    return n;
}

/* Segment loads, branch target buffer, breakpoints, how often something lasted, and the bus: the
 * guest knows what to expect of them, but they leave no trace in the log that is told apart from
 * others. */
static bool counted_here(uint32_t control)
{
    unsigned event = control & 0x3F;
    if (event == 0x0F || event == 0x13 || event == 0x14 || event == 0x18 ||
        (event >= 0x23 && event <= 0x26))
        return false;
    return !lasts(event) || control & 0x100;
}

/* Adds up what was counted since the last time; counting begins anew. */
static void add_up(struct run *r)
{
    for (unsigned i = 0; i < 2; i++) {
        r->value[i] += gained(r, i, false);
        if (!counted_here(r->cesr >> (16 * i)))
            continue;
        if (gained(r, i, true) != gained(r, i, false))
            verdict_fail(&r->v, "CESR %08x: counter %u gained %" PRIu64 ", but %" PRIu64
                         " happened", r->cesr, i, gained(r, i, false), gained(r, i, true));
        r->windows++;
    }
    r->begin = r->now;
    r->model_begin = r->model_next;
}

static uint64_t edx_eax(const struct cpu *c) { return (uint64_t)c->r[EDX] << 32 | c->r[EAX]; }

static void on_wrmsr(struct run *r, const struct cpu *c)
{
    uint32_t number = c->r[ECX];
    add_up(r);
    if (number == 0x10)
        r->tsc_known = false;
    else if (number == 0x11)
        r->cesr = c->r[EAX] & 0x03FF03FF;
    else
        r->value[number - 0x12] = edx_eax(c);
}

static void on_rdmsr(struct run *r, const struct cpu *c)
{
    unsigned index = c->r[ECX] - 0x12;
    add_up(r);
    if (index <= 1)
        verdict_expect(&r->v, "RDMSR and what was counted", edx_eax(c),
                       r->value[index] & 0xFFFFFFFFFF);
}

static void on_rdtsc(struct run *r, const struct cpu *c)
{
    uint64_t offset = edx_eax(c) - r->before;
    if (r->tsc_known)
        verdict_expect(&r->v, "RDTSC and the ledger's cycles", offset, r->tsc_offset);
    r->tsc_known = true;
    r->tsc_offset = offset;
}

/* --- observing -------------------------------------------------------------------------------- */

static void remember_model(struct run *r, const struct cpu *c)
{
    uint8_t next[2];
    if (!mmu_peek(c->mmu, c->seg[CS].base + c->eip, next, 2) || next[0] != 0x0F ||
        (next[1] != 0x30 && next[1] != 0x32))
        return;
    for (unsigned e = 0; e < EVENTS; e++)
        for (unsigned user = 0; user < 2; user++) {
            r->model_next.event[user][e] = model_p5_count(c->model, e, 1u << user);
            r->model_next.clocks[user][e] = model_p5_count(c->model, e, 4 | 1u << user);
        }
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct run *r = owner;
    if (!delivery && is(o, "WRMSR"))
        on_wrmsr(r, c);
    else if (!delivery && is(o, "RDMSR"))
        on_rdmsr(r, c);
    else if (!delivery && is(o, "RDTSC"))
        on_rdtsc(r, c);
    r->user = r->user_next;
    count_log(r, c, o);
    if (delivery)
        count_delivery(r, c);
    else
        count_executed(r, c, o);
    count_clocks(r, c);
    r->user_next = c->cpl == 3;
    r->before = r->elapsed;
    r->front_wait = 0;
    r->issued = false;
    memset(r->charged, 0, sizeof r->charged);
    remember_model(r, c);
}

/* --- running ---------------------------------------------------------------------------------- */

static void serial(void *owner, int port, uint8_t byte)
{
    struct run *r = owner;
    if (port == 0 && r->serial_count < SERIAL_MAX - 1)
        r->serial[r->serial_count++] = (char)byte;
}

static void stop_now(void *owner)
{
    struct run *r = owner;
    r->stopped = true;
    machine_stop(r->m);
}

static struct run *run_new(const char *guest)
{
    struct run *r = calloc(1, sizeof *r);
    struct machine_config *config = machine_find("p133");
    config->ram_bytes = 4u << 20;
    r->m = machine_new(config, "p5", &(struct machine_host){.owner = r, .serial = serial});
    free(config);
    event_init(&r->stop, stop_now, r, 200);
    machine_boot(r->m, &(struct boot){.kernel = guest, .append = ""});
    return r;
}

static void run_free(struct run *r)
{
    machine_free(r->m);
    free(r);
}

static void run_to(struct run *r, cycle_t cycle)
{
    r->stopped = false;
    event_schedule_observer(&r->m->clock, &r->stop, cycle);
    machine_run(r->m);
    event_cancel(&r->m->clock, &r->stop);
}

static bool ended(const struct run *r)
{
    return r->m->end == END_HALTED && strstr(r->serial, "counters guest: done");
}

/* --- the checks ------------------------------------------------------------------------------- */

struct tally {
    unsigned passed, failed;
};

static void report(struct tally *t, bool ok, const char *format, ...)
{
    va_list list;
    t->passed += ok;
    t->failed += !ok;
    if (ok)
        return;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    putchar('\n');
}

static bool meets(uint32_t value, uint32_t wanted)
{
    return wanted == ANY || (wanted == SOME ? value > 0 && value < 0x80000000u : value == wanted);
}

/* What the guest printed: its work's own numbers. */
static void check_lines(struct tally *t, const char *s)
{
    for (; s && *s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL) {
        uint32_t cesr, count[2], wanted[2];
        char name[64];
        if (sscanf(s, "event %x %x %x %x %x", &cesr, &count[0], &count[1], &wanted[0],
                   &wanted[1]) == 5) {
            for (unsigned i = 0; i < 2; i++)
                report(t, meets(count[i], wanted[i]),
                       "event %02x, control %x (CESR %08x): the work has %u, the counter %u",
                       cesr >> (16 * i) & 0x3F, cesr >> (16 * i + 6) & 7, cesr, wanted[i],
                       count[i]);
        } else if (sscanf(s, "check %63s %x %x", name, &count[0], &wanted[0]) == 3) {
            report(t, meets(count[0], wanted[0]), "%s: %08x, not %08x", name, count[0], wanted[0]);
        }
    }
}

/* Saved at some cycle and restored into another machine, it prints the same and ends in the
 * same cycle. */
static void check_restore(struct tally *t, const char *guest, const struct run *whole,
                          cycle_t cycle)
{
    struct run *first = run_new(guest), *second = run_new(guest);
    struct snap save, load;
    run_to(first, cycle);
    snap_begin_save(&save);
    machine_snapshot(first->m, &save);
    snap_begin_load(&load, save.data, save.size);
    machine_snapshot(second->m, &load);
    ledger_restart(&second->m->ledger);
    memcpy(second->serial, first->serial, sizeof first->serial);
    second->serial_count = first->serial_count;
    run_to(second, CYCLES_MAX);
    report(t, ended(second) && strcmp(second->serial, whole->serial) == 0 &&
               second->m->clock.now == whole->m->clock.now,
           "restored at cycle %" PRIu64 ": the counts differ", cycle);
    snap_free(&save);
    run_free(first);
    run_free(second);
}

/* A model that counts nothing takes over, and back: what was counted stays, nothing is added. */
static void check_models(struct tally *t, const char *guest)
{
    struct run *r = run_new(guest);
    struct cpu *c = r->m->cpu;
    run_to(r, 100000);
    msr_write(c, 0x11, 0xD6); /* instructions */
    msr_write(c, 0x12, 5);
    run_to(r, 200000);
    uint64_t n = msr_read(c, 0x12);
    machine_set_model(r->m, "flat");
    run_to(r, 300000);
    uint64_t flat = msr_read(c, 0x12);
    machine_set_model(r->m, "p5");
    uint64_t back = msr_read(c, 0x12);
    run_to(r, 400000);
    report(t, n > 5 && flat == n && back == n && msr_read(c, 0x12) > n,
           "across models: %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", then %" PRIu64, n, flat, back,
           msr_read(c, 0x12));
    cpu_reset(c);
    report(t, msr_read(c, 0x11) == 0 && msr_read(c, 0x12) == 0, "RESET leaves counters");
    run_free(r);
}

int main(int argc, char **argv)
{
    const char *guest = argc == 3 && strcmp(argv[1], "--guest") == 0 ? argv[2] : COUNTERS_GUEST;
    struct run *r = run_new(guest);
    struct random random = {1};
    struct tally tally = {0, 0}, *t = &tally;
    r->m->cpu->on_priced = priced;
    r->m->cpu->priced_owner = r;
    r->m->ledger.tap = tapped;
    r->m->ledger.tap_owner = r;
    run_to(r, CYCLES_MAX);
    report(t, ended(r), "the guest did not end as it should (end %d): %s", r->m->end, r->serial);
    report(t, !r->v.failed, "%s", r->v.message);
    check_lines(t, r->serial);
    printf("%u counts compared with the log\n", r->windows);
    for (unsigned i = 0; i < RESTORES && ended(r); i++)
        check_restore(t, guest, r, random_next(&random) % r->m->clock.now);
    check_models(t, guest);
    run_free(r);
    printf("%u passed, %u failed\n", t->passed, t->failed);
    return t->failed ? 1 : 0;
}
