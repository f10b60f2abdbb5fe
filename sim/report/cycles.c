#include "sim/report/cycles.h"

#include "cpu/model.h"
#include "sim/core/check.h"
#include "sim/report/bench.h"
#include "sim/report/disassemble.h"

#include <stdlib.h>
#include <string.h>

#define WARM_LOOPS 24
#define MEASURED_LOOPS 16
#define LINES_MAX 4096u
#define OPCODE_HLT 0xF4
#define FNOP_BYTES 2
#define UNFINISHED_CYCLES 500000000u /* and this many more for each copy that is run: it hangs */
#define UNFINISHED_COPY_CYCLES 10000u

/* --- the program ------------------------------------------------------------------------------ */

/* setup; jmp loop; loop: fnop; copies; fnop; dec dword ptr [counter]; jnz loop; hlt
 *
 * FNOP pairs with nothing and touches nothing: the copies begin and end in U, as the empty loop
 * does. It also keeps the branch two groups from its own target, for a branch in the first group
 * after a misprediction is mispredicted in turn. */
struct program {
    uint8_t *bytes;
    size_t size;
    uint32_t loop; /* offsets from BENCH_CODE */
    uint32_t copy_size;
};

static void append(struct program *p, const void *bytes, size_t size)
{
    if (p->size + size > BENCH_CODE_BYTES)
        usage_error("%zu bytes of code: at most %d fit", p->size + size, BENCH_CODE_BYTES);
    memcpy(p->bytes + p->size, bytes, size);
    p->size += size;
}

static void append_jump(struct program *p, const uint8_t *opcode, size_t opcode_size, uint32_t to)
{
    append(p, opcode, opcode_size);
    uint32_t distance = to - (uint32_t)(p->size + 4);
    append(p, &distance, 4);
}

static void build(struct program *p, const struct cycles_request *q, uint32_t copies)
{
    static const uint8_t decrement[] = {0xFF, 0x0D}, jnz[] = {0x0F, 0x85}, jmp[] = {0xE9};
    static const uint8_t fnop[FNOP_BYTES] = {0xD9, 0xD0};
    static const uint8_t halt = OPCODE_HLT;
    const uint32_t counter = BENCH_COUNTER;
    p->bytes = xalloc(BENCH_CODE_BYTES, 1);
    if (q->setup)
        append(p, q->setup->bytes, q->setup->size);
    p->loop = ((uint32_t)p->size + 5 + 31) & ~31u;
    append_jump(p, jmp, sizeof jmp, p->loop);
    p->size = p->loop;
    p->copy_size = (uint32_t)q->code->size;
    append(p, fnop, sizeof fnop);
    for (uint32_t i = 0; i < copies; i++)
        append(p, q->code->bytes, q->code->size);
    append(p, fnop, sizeof fnop);
    append(p, decrement, sizeof decrement);
    append(p, &counter, 4);
    append_jump(p, jnz, sizeof jnz, p->loop);
    append(p, &halt, 1);
}

/* --- watching it ------------------------------------------------------------------------------ */

struct watch {
    struct bench *bench;
    struct cycles_result *result;
    laddr_t loop, end;             /* of the copies */
    laddr_t view_first, view_last; /* of the copy whose instructions are shown */
    uint32_t warm, loops;          /* loops to run before measuring, and in all */
    uint32_t arrivals;
    cycle_t last_now, first_cycle, cycles;
    uint16_t pending[CAUSE_COUNT];
    uint64_t quality[QUALITY_COUNT]; /* when measuring began */
    bool measuring;
    bool shows; /* the last loop runs */
};

static void charged(void *owner, enum cause cause, cycle_t cycles)
{
    struct watch *w = owner;
    w->pending[cause] = (uint16_t)(w->pending[cause] + cycles);
    if (w->measuring)
        w->result->cause[cause] += cycles;
}

static void show(struct watch *w, const struct cpu *c, const struct op *o, laddr_t la)
{
    struct cycles_result *r = w->result;
    if (w->result->lines == NULL || r->line_count == LINES_MAX)
        return;
    struct cycles_line *l = &r->lines[r->line_count++];
    c->model->last(c->model, &l->last);
    l->begun = (int64_t)r->lines[0].last.dispatched;
    l->offset = la - w->view_first;
    l->cycles = (uint32_t)(c->clock->now - w->last_now);
    memcpy(l->cause, w->pending, sizeof l->cause);
    /* Disassembled later: only its length is kept now. */
    l->text[0] = (char)o->length;
}

static void arrive(struct watch *w)
{
    if (w->arrivals == w->warm) {
        w->first_cycle = w->last_now;
        w->measuring = true;
        memcpy(w->quality, w->bench->ledger.quality, sizeof w->quality);
    }
    w->shows = w->arrivals == w->loops - 1;
    if (w->arrivals == w->loops) {
        w->cycles = w->last_now - w->first_cycle;
        w->measuring = false;
        for (int q = 0; q < QUALITY_COUNT; q++)
            w->result->quality[q] = w->bench->ledger.quality[q] - w->quality[q];
        bench_stop(w->bench);
    }
    w->arrivals++;
}

static void priced(void *owner, const struct cpu *c, const struct op *o, bool delivery)
{
    struct watch *w = owner;
    if (!delivery) {
        laddr_t la = o->eip;
        if (la == w->loop)
            arrive(w);
        if (w->shows && la >= w->view_first && la < w->view_last)
            show(w, c, o, la);
    }
    memset(w->pending, 0, sizeof w->pending);
    w->last_now = c->clock->now;
}

static void disassemble_lines(struct cycles_result *r, const struct assembly *code)
{
    struct disassembler *d = disassembler_new();
    for (size_t i = 0; i < r->line_count; i++) {
        struct cycles_line *l = &r->lines[i];
        unsigned length = (unsigned char)l->text[0];
        disassemble(d, code->bytes + l->offset, length, l->offset, l->text, sizeof l->text);
    }
    disassembler_free(d);
}

/* --- measuring -------------------------------------------------------------------------------- */

static struct bench *make_bench(const struct cycles_request *q, const struct program *p)
{
    uint32_t buffer = q->buffer_bytes ? q->buffer_bytes : CYCLES_BUFFER_BYTES;
    struct bench *b = bench_new(q->config, buffer, !q->no_paging, q->user);
    const uint32_t counter = UINT32_MAX;
    bench_put(b, BENCH_CODE, p->bytes, p->size);
    bench_put(b, BENCH_COUNTER, &counter, 4);
    return b;
}

static void give_up(void *owner) { bench_stop(owner); }

/* Runs the loop with so many copies; cycles of all measured loops. */
static cycle_t run_loop(const struct cycles_request *q, uint32_t copies, uint32_t warm,
                        uint32_t measured, struct cycles_result *r)
{
    struct program p = {0};
    build(&p, q, copies);
    struct bench *b = make_bench(q, &p);
    uint32_t middle = BENCH_CODE + p.loop + FNOP_BYTES + copies / 2 * p.copy_size;
    struct watch w = {.bench = b,
                      .result = r,
                      .loop = BENCH_CODE + p.loop,
                      .view_first = middle,
                      .view_last = copies ? middle + p.copy_size : middle,
                      .warm = warm,
                      .loops = warm + measured};
    b->cpu.on_priced = priced;
    b->cpu.priced_owner = &w;
    b->ledger.tap = charged;
    b->ledger.tap_owner = &w;
    struct event limit;
    event_init(&limit, give_up, b, 0);
    event_schedule(&b->clock, &limit,
                   UNFINISHED_CYCLES + (uint64_t)copies * w.loops * UNFINISHED_COPY_CYCLES);
    bench_run(b);
    event_cancel(&b->clock, &limit);
    r->unfinished = w.arrivals <= w.loops;
    r->raised = b->raised;
    r->vector = b->vector;
    ledger_verify(&b->ledger);
    bench_free(b);
    free(p.bytes);
    return w.cycles;
}

/* Out of order the loop around the copies overlaps with them: what twice as many copies take more
 * is what they take. */
static bool overlaps(const struct cycles_request *q) { return strcmp(q->config->model, "p5") != 0; }

void cycles_measure(const struct cycles_request *q, struct cycles_result *r)
{
    uint32_t warm = q->warm_loops ? q->warm_loops : WARM_LOOPS;
    uint32_t measured = q->measured_loops ? q->measured_loops : MEASURED_LOOPS;
    CHECK(q->copies > 0);
    memset(r, 0, sizeof *r);
    struct cycles_result other = {.lines = NULL};
    uint32_t fewer = overlaps(q) ? q->copies : 0;
    cycle_t overhead = run_loop(q, fewer, warm, measured, &other);
    r->lines = xalloc(LINES_MAX, sizeof *r->lines);
    cycle_t all = run_loop(q, fewer + q->copies, warm, measured, r);
    r->copies = (uint64_t)q->copies * measured;
    if (r->raised || r->unfinished)
        return;
    r->cycles = (int64_t)all - (int64_t)overhead;
    disassemble_lines(r, q->code);
}

void cycles_free(struct cycles_result *r)
{
    free(r->lines);
    r->lines = NULL;
}
