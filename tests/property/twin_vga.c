/* twin_vga: the VGA against a naive one. The twin's beam steps through characters and lines at
 * every edge of the dot clock; its memory is bits that the write modes visit one by one. */
#include "devices/vga_text.h"
#include "tests/property/twin_run.h"

struct twin {
    struct ratio clocks[2];
    unsigned misc, seq[5], crtc[25], gc[9];
    uint64_t edge; /* of the selected clock */
    unsigned dot, column, scan, line;
    uint8_t bits[4][VGA_PLANE_SIZE][8];
    uint8_t latch[4][8];
};

/* ---- the beam */

static struct ratio twin_clock(const struct twin *t) { return t->clocks[(t->misc & 0x0C) == 4]; }
static unsigned twin_bit(unsigned value, unsigned bit) { return value >> bit & 1; }

static unsigned twin_dots(const struct twin *t)
{
    return (twin_bit(t->seq[1], 0) ? 8 : 9) << twin_bit(t->seq[1], 3);
}

static unsigned twin_lines(const struct twin *t)
{
    return 2 + t->crtc[6] + 256 * twin_bit(t->crtc[7], 0) + 512 * twin_bit(t->crtc[7], 5);
}

static void twin_edge(struct twin *t)
{
    t->edge++;
    if (++t->dot < twin_dots(t))
        return;
    t->dot = 0;
    if (++t->column < t->crtc[0] + 5)
        return;
    t->column = 0;
    if (twin_bit(t->crtc[0x17], 2) && (t->scan ^= 1))
        return;
    if (++t->line >= twin_lines(t))
        t->line = 0;
}

static void twin_run_to(struct twin *t, cycle_t cycle)
{
    while (ratio_edge(twin_clock(t), t->edge + 1) <= cycle)
        twin_edge(t);
}

static unsigned twin_status(const struct twin *t)
{
    unsigned o = t->crtc[7];
    unsigned shown = 1 + t->crtc[0x12] + 256 * twin_bit(o, 1) + 512 * twin_bit(o, 6);
    unsigned start = t->crtc[0x10] + 256 * twin_bit(o, 2) + 512 * twin_bit(o, 7);
    unsigned status = t->column >= t->crtc[1] + 1 || t->line >= shown ? 1 : 0;
    if (!twin_bit(t->crtc[0x17], 7) || start >= twin_lines(t))
        return status;
    /* Walk the retrace from its start until the low four bits match the end. */
    unsigned at = start, age = 0;
    do {
        if (at % twin_lines(t) == t->line)
            status |= 8;
        at++, age++;
    } while ((at & 15) != (t->crtc[0x11] & 15) && age < 16);
    return status;
}

/* ---- memory, bit by bit */

static bool twin_window(const struct twin *t, uint32_t address, uint32_t *at)
{
    static const uint32_t first[] = {0xA0000, 0xA0000, 0xB0000, 0xB8000};
    static const uint32_t size[] = {0x20000, 0x10000, 0x8000, 0x8000};
    unsigned w = t->gc[6] / 4 % 4;
    *at = (address - first[w]) % 0x10000;
    return (t->misc & 2) && address >= first[w] && address - first[w] < size[w];
}

static unsigned twin_read_byte(struct twin *t, uint32_t address)
{
    uint32_t at;
    unsigned plane = t->gc[4], value = 0;
    if (!twin_window(t, address, &at))
        return 0xFF;
    if (twin_bit(t->seq[4], 3)) {
        plane = at % 4;
        at -= plane;
    } else if (twin_bit(t->gc[5], 4)) {
        plane = plane / 2 * 2 + at % 2;
        at -= at % 2;
    }
    for (unsigned p = 0; p < 4; p++)
        memcpy(t->latch[p], t->bits[p][at], 8);
    for (unsigned b = 0; b < 8; b++) {
        bool match = true;
        for (unsigned p = 0; p < 4; p++)
            if (twin_bit(t->gc[7], p) && t->latch[p][b] != twin_bit(t->gc[2], p))
                match = false;
        value |= (unsigned)(twin_bit(t->gc[5], 3) ? match : t->latch[plane][b]) << b;
    }
    return value;
}

static unsigned twin_write_bit(const struct twin *t, unsigned p, unsigned b, unsigned value)
{
    unsigned mode = t->gc[5] & 3, latch = t->latch[p][b];
    unsigned turned = twin_bit(value, (b + t->gc[3] % 8) % 8);
    unsigned source = twin_bit(t->gc[0], p);
    bool open = twin_bit(t->gc[8], b);
    if (mode == 1)
        return latch;
    if (mode == 3)
        return open && turned ? source : latch;
    if (mode == 2)
        source = twin_bit(value, p);
    else if (!twin_bit(t->gc[1], p))
        source = turned;
    switch (t->gc[3] / 8) {
    case 1:
        source &= latch;
        break;
    case 2:
        source |= latch;
        break;
    case 3:
        source ^= latch;
        break;
    }
    return open ? source : latch;
}

static void twin_write_byte(struct twin *t, uint32_t address, unsigned value)
{
    uint32_t at;
    if (!twin_window(t, address, &at))
        return;
    bool chained = twin_bit(t->seq[4], 3), odd_even = !chained && !twin_bit(t->seq[4], 2);
    uint32_t cell = chained ? at - at % 4 : odd_even ? at - at % 2 : at;
    for (unsigned p = 0; p < 4; p++)
        for (unsigned b = 0; b < 8; b++)
            if (twin_bit(t->seq[2], p) && (!chained || p == at % 4) &&
                (!odd_even || p % 2 == at % 2))
                t->bits[p][cell][b] = (uint8_t)twin_write_bit(t, p, b, value);
}

/* ---- registers */

struct frame_shape {
    struct ratio clock;
    unsigned dots, columns, lines, halves;
};

static struct frame_shape twin_shape(const struct twin *t)
{
    struct frame_shape shape;
    memset(&shape, 0, sizeof shape);
    shape.clock = twin_clock(t);
    shape.dots = twin_dots(t);
    shape.columns = t->crtc[0];
    shape.lines = twin_lines(t);
    shape.halves = twin_bit(t->crtc[0x17], 2);
    return shape;
}

static void twin_set(struct twin *t, unsigned *where, unsigned value, cycle_t now)
{
    struct frame_shape before = twin_shape(t);
    *where = value;
    struct frame_shape after = twin_shape(t);
    if (memcmp(&before, &after, sizeof before)) {
        t->dot = t->column = t->line = t->scan = 0;
        t->edge = ratio_count(after.clock, now);
    }
}

/* ---- the pair ------------------------------------------------------------------------------ */

struct pair {
    struct random random;
    struct verdict verdict;
    struct clock clock;
    struct vga vga;
    struct twin twin;
};

static void pair_init(struct pair *p, uint64_t seed)
{
    static const struct ratio clocks[][2] = {
        {{1, 1}, {1, 1}}, {{5, 3}, {4, 3}}, {{160, 31}, {9, 2}}};
    unsigned which = (unsigned)(seed % ARRAY_COUNT(clocks));
    memset(p, 0, sizeof *p);
    p->random.state = seed;
    clock_init(&p->clock);
    struct vga_config config = {&p->clock, clocks[which][0], clocks[which][1]};
    vga_init(&p->vga, config);
    memcpy(p->twin.clocks, clocks[which], sizeof p->twin.clocks);
}

static void pair_crtc(struct pair *p)
{
    static const uint8_t indices[] = {0, 1, 6, 7, 0x10, 0x11, 0x12, 0x17};
    struct random *r = &p->random;
    unsigned index = indices[random_below(r, sizeof indices)];
    unsigned value = random_below(r, index == 0x17 ? 256 : 24);
    if (index == 7 && random_chance(r, 95))
        value = 0;
    if (index == 0x17)
        value = (value & 0xEF) | (random_chance(r, 70) ? 0x80u : 0);
    if (index == 0x11 && random_chance(r, 20))
        value |= 0x80;
    bool protected = p->twin.crtc[0x11] & 0x80;
    vga_port_write(&p->vga, 0x3D4 - (p->twin.misc & 1 ? 0 : 0x20), 1, index);
    vga_port_write(&p->vga, 0x3D5 - (p->twin.misc & 1 ? 0 : 0x20), 1, value);
    if (protected && index == 7)
        value = (p->twin.crtc[7] & 0xEF) | (value & 0x10);
    if (!protected || index >= 7)
        twin_set(&p->twin, &p->twin.crtc[index], value, p->clock.now);
    verdict_expect(&p->verdict, "CRTC register",
                   vga_port_read(&p->vga, 0x3D5 - (p->twin.misc & 1 ? 0 : 0x20), 1),
                   p->twin.crtc[index]);
}

static void pair_register(struct pair *p)
{
    static const uint8_t seq_bits[] = {0, 0x3D, 0x0F, 0, 0x0E};
    static const uint8_t gc_bits[] = {15, 15, 15, 0x1F, 3, 0x7B, 15, 15, 0xFF};
    struct random *r = &p->random;
    unsigned value = random_below(r, 256);
    if (random_chance(r, 10)) {
        value = (value & 0xED) | (random_chance(r, 80) ? 2u : 0);
        vga_port_write(&p->vga, 0x3C2, 1, value);
        twin_set(&p->twin, &p->twin.misc, value & 0xEF, p->clock.now);
    } else if (random_chance(r, 30)) {
        static const uint8_t indices[] = {1, 2, 2, 4, 4};
        unsigned index = indices[random_below(r, sizeof indices)];
        vga_port_write(&p->vga, 0x3C4, 1, index);
        vga_port_write(&p->vga, 0x3C5, 1, value);
        twin_set(&p->twin, &p->twin.seq[index], value & seq_bits[index], p->clock.now);
    } else {
        unsigned index = random_below(r, 9);
        vga_port_write(&p->vga, 0x3CE, 1, index);
        vga_port_write(&p->vga, 0x3CF, 1, value);
        p->twin.gc[index] = value & gc_bits[index];
    }
}

static void pair_memory(struct pair *p)
{
    static const uint32_t bases[] = {0xA0000, 0xAFFF0, 0xB0000, 0xB7FF0, 0xB8000, 0xBFFE0};
    struct random *r = &p->random;
    uint32_t address = bases[random_below(r, ARRAY_COUNT(bases))] + random_below(r, 16);
    unsigned size = 1u << random_below(r, 3);
    uint32_t value = (uint32_t)random_next(r), read = 0;
    if (random_chance(r, 50)) {
        vga_memory_write(&p->vga, address, size, value);
        for (unsigned i = 0; i < size; i++)
            twin_write_byte(&p->twin, address + i, value >> (8 * i) & 0xFF);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        read |= twin_read_byte(&p->twin, address + i) << (8 * i);
    verdict_expect(&p->verdict, "read of memory", vga_memory_read(&p->vga, address, size), read);
}

static void pair_snapshot(struct pair *p)
{
    struct snap save, load;
    snap_begin_save(&save);
    vga_snapshot(&p->vga, &save);
    vga_reset(&p->vga);
    snap_begin_load(&load, save.data, save.size);
    vga_snapshot(&p->vga, &load);
    if (load.failed)
        verdict_fail(&p->verdict, "load: %s", load.message);
    snap_free(&save);
}

static void pair_operation(struct pair *p)
{
    static const uint32_t spans[] = {2, 20, 300, 3000};
    struct random *r = &p->random;
    p->clock.now += random_below(r, spans[random_below(r, 4)]);
    twin_run_to(&p->twin, p->clock.now);
    uint32_t what = random_below(r, 10000);
    if (what < 5000) {
        uint32_t port = p->twin.misc & 1 ? 0x3DA : 0x3BA;
        verdict_expect(&p->verdict, "input status 1", vga_port_read(&p->vga, port, 1),
                       twin_status(&p->twin));
        verdict_expect(&p->verdict, "the other input status 1",
                       vga_port_read(&p->vga, port ^ 0x60, 1), 0xFF);
    } else if (what < 5500) {
        pair_crtc(p);
    } else if (what < 6500) {
        pair_register(p);
    } else if (what < 9998) {
        pair_memory(p);
    } else {
        pair_snapshot(p);
    }
}

static struct verdict run(uint64_t seed, uint64_t operations)
{
    struct pair *p = malloc(sizeof *p);
    pair_init(p, seed);
    for (uint64_t i = 0; i < operations && !p->verdict.failed; i++) {
        p->verdict.operation = i;
        pair_operation(p);
    }
    struct verdict v = p->verdict;
    clock_free(&p->clock);
    free(p);
    return v;
}

int main(int argc, char **argv) { return twin_main(argc, argv, "twin_vga", run); }
