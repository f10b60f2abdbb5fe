/* insn_string: MOVS CMPS SCAS LODS STOS INS OUTS, alone and repeated. [SDM2]
 *
 * A repeated instruction runs in chunks: a call of its body does some iterations and, if more
 * remain, leaves EIP on the instruction itself and sets rep_running, so that interrupts, faults and
 * traps land between iterations with exact state. A chunk is cut where a pointer leaves its page or
 * its segment, or wraps; therefore only its first iteration can fault, and the count noted for the
 * model is complete. It is also cut after an iteration that hit a data breakpoint or changed what
 * stands between instructions (an interrupt line), but not where it wrote over code: even over its
 * own it goes on as it was fetched.
 *
 * The run loop gives a repeated instruction a block of its own.
 *
 * The port instructions check the port, then the memory operand, and only then touch the device. */
#include "cpu/flags.h"
#include "cpu/mem.h"
#include "cpu/rows.h"

#define PAGE_BYTES 4096u

enum pointers { SOURCE = 1, DESTINATION = 2 };

/* --- pointers --------------------------------------------------------------------------------- */

static ALWAYS_INLINE uint32_t source_offset(const struct cpu *c, const struct op *o)
{
    return c->r[ESI] & o->amask;
}

static ALWAYS_INLINE uint32_t destination_offset(const struct cpu *c, const struct op *o)
{
    return c->r[EDI] & o->amask;
}

/* Adds to a register of the address size; the upper half stays with 16-bit addresses. */
static ALWAYS_INLINE void register_add(struct cpu *c, const struct op *o, unsigned i, uint32_t n)
{
    c->r[i] = (c->r[i] & ~o->amask) | ((c->r[i] + n) & o->amask);
}

static ALWAYS_INLINE void advance(struct cpu *c, const struct op *o, enum pointers which, int w)
{
    uint32_t step = c->eflags & F_DF ? 0u - (uint32_t)w : (uint32_t)w;
    if (which & SOURCE)
        register_add(c, o, ESI, step);
    if (which & DESTINATION)
        register_add(c, o, EDI, step);
}

/* --- one iteration of each -------------------------------------------------------------------- */

static ALWAYS_INLINE uint32_t load(struct cpu *c, const struct op *o, int w)
{
    return (uint32_t)mem_read(c, o->seg, source_offset(c, o), (unsigned)w);
}

/* The destination is always ES:eDI; a segment prefix does not reach it. */
static ALWAYS_INLINE void store(struct cpu *c, const struct op *o, uint32_t v, int w)
{
    mem_write(c, ES, destination_offset(c, o), (unsigned)w, v);
}

static ALWAYS_INLINE void movs_once(struct cpu *c, const struct op *o, int w)
{
    store(c, o, load(c, o, w), w);
    advance(c, o, SOURCE | DESTINATION, w);
}

static ALWAYS_INLINE void stos_once(struct cpu *c, const struct op *o, int w)
{
    store(c, o, reg_read(c, EAX, w), w);
    advance(c, o, DESTINATION, w);
}

static ALWAYS_INLINE void lods_once(struct cpu *c, const struct op *o, int w)
{
    reg_write(c, EAX, load(c, o, w), w);
    advance(c, o, SOURCE, w);
}

static ALWAYS_INLINE void compare(struct cpu *c, uint32_t a, uint32_t b, int w)
{
    flags_sub(c, a, b, a - b, w);
}

static ALWAYS_INLINE void cmps_once(struct cpu *c, const struct op *o, int w)
{
    uint32_t a = load(c, o, w);
    compare(c, a, (uint32_t)mem_read(c, ES, destination_offset(c, o), (unsigned)w), w);
    advance(c, o, SOURCE | DESTINATION, w);
}

static ALWAYS_INLINE void scas_once(struct cpu *c, const struct op *o, int w)
{
    uint32_t b = (uint32_t)mem_read(c, ES, destination_offset(c, o), (unsigned)w);
    compare(c, reg_read(c, EAX, w), b, w);
    advance(c, o, DESTINATION, w);
}

static ALWAYS_INLINE void ins_once(struct cpu *c, const struct op *o, int w)
{
    uint16_t port = (uint16_t)c->r[EDX];
    io_check(c, port, (unsigned)w);
    laddr_t la = segment_linear(c, ES, destination_offset(c, o), (unsigned)w, true);
    mem_probe_write(c, la, (unsigned)w);
    linear_write(c, la, (unsigned)w, bus_port_read(c->bus, port, (unsigned)w));
    advance(c, o, DESTINATION, w);
}

static ALWAYS_INLINE void outs_once(struct cpu *c, const struct op *o, int w)
{
    uint16_t port = (uint16_t)c->r[EDX];
    io_check(c, port, (unsigned)w);
    uint32_t v = load(c, o, w);
    bus_port_write(c->bus, port, (unsigned)w, v);
    advance(c, o, SOURCE, w);
}

/* --- chunks ----------------------------------------------------------------------------------- */

/* How many elements from offset off on lie whole in the same page and inside the segment's plain
 * limits; at least one, which may then fault or cross. */
static ALWAYS_INLINE uint32_t elements_within(const struct cpu *c, const struct op *o, unsigned seg,
                                              uint32_t off, int w)
{
    const struct segment *s = &c->seg[seg];
    uint32_t in_page = (s->base + off) & (PAGE_BYTES - 1), size = (uint32_t)w;
    if (in_page + size > PAGE_BYTES || (uint64_t)off + size - 1 > s->fast_limit)
        return 1;
    if (c->eflags & F_DF) {
        uint32_t below = in_page < off ? in_page : off; /* bytes below, in page and in segment */
        return below / size + 1;
    }
    uint32_t limit = s->fast_limit < o->amask ? s->fast_limit : o->amask;
    uint32_t above = PAGE_BYTES - in_page;
    if (limit - off < above)
        above = limit - off + 1;
    return above < size ? 1 : above / size;
}

static ALWAYS_INLINE uint32_t chunk_size(const struct cpu *c, const struct op *o,
                                         enum pointers which, uint32_t count, int w)
{
    uint32_t n = count < c->rep_limit ? count : c->rep_limit;
    if (which & SOURCE) {
        uint32_t room = elements_within(c, o, o->seg, source_offset(c, o), w);
        n = n < room ? n : room;
    }
    if (which & DESTINATION) {
        uint32_t room = elements_within(c, o, ES, destination_offset(c, o), w);
        n = n < room ? n : room;
    }
    return n;
}

/* Does a whole chunk of n elements at host speed; false if it may not. */
typedef bool (*bulk_fn)(struct cpu *c, const struct op *o, uint32_t n, int w);
typedef void (*once_fn)(struct cpu *c, const struct op *o, int w);

/* Iterations of one chunk; returns how many. test_zf: REPE and REPNE end on ZF too: *ended. */
static ALWAYS_INLINE uint32_t iterate(struct cpu *c, const struct op *o, int w, once_fn once,
                                      uint32_t n, bool test_zf, bool *ended)
{
    bool while_zf = o->flags & OP_REPE;
    uint32_t done = 0;
    while (done < n) {
        once(c, o, w);
        register_add(c, o, ECX, ~0u);
        done++;
        if (test_zf && get_zf(c) != while_zf) {
            *ended = true;
            break;
        }
        if (UNLIKELY(c->debug_hits || c->stop_block))
            break;
    }
    return done;
}

static ALWAYS_INLINE void string(struct cpu *c, const struct op *o, int w, enum pointers which,
                                 once_fn once, bulk_fn bulk, bool test_zf)
{
    if (!(o->flags & (OP_REPE | OP_REPNE))) {
        once(c, o, w);
        return;
    }
    uint32_t count = c->r[ECX] & o->amask;
    if (!c->rep_running)
        note(c, NOTE_REP_START, count);
    uint32_t n = chunk_size(c, o, which, count, w), done;
    bool ended = false;
    if (bulk && n > 1 && !c->mmu->timed && bulk(c, o, n, w)) {
        register_add(c, o, ECX, 0u - n);
        done = n;
    } else {
        done = iterate(c, o, w, once, n, test_zf, &ended);
    }
    note(c, NOTE_COUNT, done);
    c->rep_running = done < count && !ended;
    if (c->rep_running)
        c->eip = o->eip;
}

/* --- bulk MOVS and STOS --------------------------------------------------------------------------
 *
 * On an untimed model, upwards, aligned, inside one page each (the chunk's size makes sure) and
 * with both pages in the fast table, which excludes devices, decoded code and armed data
 * breakpoints. */

static ALWAYS_INLINE uint8_t *bulk_destination(struct cpu *c, const struct op *o, int w)
{
    uint32_t off = destination_offset(c, o);
    if ((c->eflags & F_DF) || (uint64_t)off + (unsigned)w - 1 > c->seg[ES].fast_limit)
        return NULL;
    return mmu_fast(c->mmu, c->seg[ES].base + off, (unsigned)w, ACCESS_WRITE);
}

static ALWAYS_INLINE bool movs_bulk(struct cpu *c, const struct op *o, uint32_t n, int w)
{
    uint32_t off = source_offset(c, o);
    if (debug_armed(c) || (uint64_t)off + (unsigned)w - 1 > c->seg[o->seg].fast_limit)
        return false;
    const uint8_t *from = mmu_fast(c->mmu, c->seg[o->seg].base + off, (unsigned)w, ACCESS_READ);
    uint8_t *to = from ? bulk_destination(c, o, w) : NULL;
    if (!to)
        return false;
    size_t bytes = (size_t)n * (unsigned)w;
    /* Upwards onto its own source the copy repeats a pattern: element by element. */
    if ((uintptr_t)to - (uintptr_t)from < bytes) {
        for (size_t i = 0; i < bytes; i += (unsigned)w)
            memmove(to + i, from + i, (unsigned)w);
    } else {
        memmove(to, from, bytes);
    }
    register_add(c, o, ESI, (uint32_t)bytes);
    register_add(c, o, EDI, (uint32_t)bytes);
    return true;
}

static ALWAYS_INLINE bool stos_bulk(struct cpu *c, const struct op *o, uint32_t n, int w)
{
    uint8_t *to = debug_armed(c) ? NULL : bulk_destination(c, o, w);
    if (!to)
        return false;
    uint32_t v = c->r[EAX];
    if (w == 1)
        memset(to, (int)(v & 0xFF), n);
    else
        for (uint32_t i = 0; i < n; i++)
            memcpy(to + i * (unsigned)w, &v, (unsigned)w);
    register_add(c, o, EDI, n * (uint32_t)w);
    return true;
}

#define REPEATABLE(name, which, once, bulk, test_zf)                                               \
    static ALWAYS_INLINE void name(struct cpu *c, const struct op *o, int w)                       \
    {                                                                                              \
        string(c, o, w, which, once, bulk, test_zf);                                               \
    }
#define STRING(name, which, bulk, test_zf)                                                         \
    REPEATABLE(name, which, name##_once, bulk, test_zf)                                            \
    static void name##_b(struct cpu *c, const struct op *o) { name(c, o, 1); }                     \
    BODIES_W(name)

STRING(movs, SOURCE | DESTINATION, movs_bulk, false)
STRING(cmps, SOURCE | DESTINATION, NULL, true)
STRING(stos, DESTINATION, stos_bulk, false)
STRING(lods, SOURCE, NULL, false)
STRING(scas, DESTINATION, NULL, true)
REPEATABLE(ins_any, DESTINATION, ins_once, NULL, false)
REPEATABLE(outs_any, SOURCE, outs_once, NULL, false)

/* The right to the port is asked for even when there is nothing to repeat: the manual does not say,
 * an AMD family 19h does so. */
#define PORT_STRING(name)                                                                          \
    static ALWAYS_INLINE void name(struct cpu *c, const struct op *o, int w)                       \
    {                                                                                              \
        if ((o->flags & (OP_REPE | OP_REPNE)) && !(c->r[ECX] & o->amask))                          \
            io_check(c, (uint16_t)c->r[EDX], (unsigned)w);                                         \
        name##_any(c, o, w);                                                                       \
    }                                                                                              \
    static void name##_b(struct cpu *c, const struct op *o) { name(c, o, 1); }                     \
    BODIES_W(name)

PORT_STRING(ins)
PORT_STRING(outs)

#define RM_SD (RM_ESI | RM_EDI)

/* ECX is not among the implied registers: only a REP prefix uses it. The pointers are. */
#define STRING_ROWS(n, byte, word, NAME, OPERANDS_B, OPERANDS_V, WRITTEN, ATTR, USES, SETS, T)     \
    {byte, NAME, OPERANDS_B, ANYFORM(n##_b), 0, WRITTEN, 0, ATTR, 0, USES, SETS, T},     \
    {word, NAME, OPERANDS_V, WFORM(n), 0, WRITTEN, 0, ATTR, 0, USES, SETS, T}

#define A_PORT (A_REP | A_ALONE)

static const struct row rows[] = {
    STRING_ROWS(movs, "A4", "A5", "MOVS", "Yb,Xb", "Yv,Xv", 0, A_REP, RM_SD, RM_SD, "movs"),
    STRING_ROWS(cmps, "A6", "A7", "CMPS", "Xb,Yb", "Xv,Yv", F_ARITH, A_REPZ, RM_SD, RM_SD, "cmps"),
    STRING_ROWS(stos, "AA", "AB", "STOS", "Yb,AL", "Yv,eAX", 0, A_REP, RM_EDI, RM_EDI, "stos"),
    STRING_ROWS(lods, "AC", "AD", "LODS", "AL,Xb", "eAX,Xv", 0, A_REP | A_DEST_WRITE, RM_ESI,
                RM_ESI, "lods"),
    STRING_ROWS(scas, "AE", "AF", "SCAS", "AL,Yb", "eAX,Yv", F_ARITH, A_REPZ | A_DEST_READ, RM_EDI,
                RM_EDI, "scas"),
    STRING_ROWS(ins, "6C", "6D", "INS", "Yb,DX", "Yz,DX", 0, A_PORT, RM_EDI, RM_EDI, "ins"),
    STRING_ROWS(outs, "6E", "6F", "OUTS", "DX,Xb", "DX,Xz", 0, A_PORT | A_DEST_READ, RM_ESI, RM_ESI,
                "outs"),
};

const struct row_family family_string = {rows, ARRAY_COUNT(rows)};
