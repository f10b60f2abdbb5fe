/* twin_pic: a master and a slave 8259A against a naive pair.
 *
 * The twin keeps eight cells in the order of their priority and, as the chip's priority cells do,
 * passes an inhibit down that order; rotation moves cells. Nothing in it is a bit mask. */
#include "devices/pic_8259.h"
#include "sim/core/snap.h"
#include "tests/property/twin_run.h"

/* ---- the twin ---- */

struct cell {
    int level;
    bool pin, sense; /* input, and the edge sense latch */
    bool level_mode; /* by ELCR */
    bool serviced, masked;
};

struct twin {
    struct cell cell[8]; /* highest priority first */
    bool sp;             /* strapped as the master */
    unsigned elcr_bits;  /* which ELCR bits exist */
    bool ltim, single, wants_icw4;
    int next_icw; /* 2, 3, 4; 0 when there is none to come */
    bool ready;
    unsigned icw2, icw3;
    bool sfnm, buffered, buffered_master, aeoi, is_8086;
    bool rotating, special_mask, reads_isr, polled;
    struct twin *slave;  /* of a master: on input 2 */
    struct twin *master; /* of a slave */
    bool out;
    unsigned changes; /* of INT during this operation */
};

static struct cell *twin_cell(struct twin *t, int level)
{
    for (int i = 0; i < 8; i++)
        if (t->cell[i].level == level)
            return &t->cell[i];
    abort();
}

static bool twin_is_master(const struct twin *t)
{
    return t->buffered ? t->buffered_master : t->sp;
}

static bool twin_requests(const struct twin *t, const struct cell *c)
{
    return c->pin && (c->sense || t->ltim || c->level_mode);
}

static bool twin_has_slave(const struct twin *t, int level)
{
    return !t->single && twin_is_master(t) && (t->icw3 >> level & 1);
}

/* The cell that asks for INT: the first request that no cell in service inhibits. */
static struct cell *twin_asking(struct twin *t)
{
    if (!t->ready || t->next_icw)
        return NULL;
    for (int i = 0; i < 8; i++) {
        struct cell *c = &t->cell[i];
        bool inhibits = c->serviced && !(t->special_mask && c->masked);
        bool nested = t->sfnm && twin_has_slave(t, c->level);
        if (twin_requests(t, c) && !c->masked && (!inhibits || nested))
            return c;
        if (inhibits)
            return NULL;
    }
    return NULL;
}

static void twin_pin(struct twin *t, int level, bool high);

static void twin_int(struct twin *t)
{
    bool out = twin_asking(t) != NULL;
    if (out == t->out)
        return;
    t->out = out;
    t->changes++;
    if (t->master)
        twin_pin(t->master, 2, out);
}

static void twin_pin(struct twin *t, int level, bool high)
{
    struct cell *c = twin_cell(t, level);
    if (!c->pin && high)
        c->sense = true;
    if (!high)
        c->sense = false;
    c->pin = high;
    twin_int(t);
}

/* Turns the order until the given level is last. */
static void twin_make_lowest(struct twin *t, int level)
{
    while (t->cell[7].level != level) {
        struct cell first = t->cell[0];
        memmove(&t->cell[0], &t->cell[1], 7 * sizeof first);
        t->cell[7] = first;
    }
}

static void twin_icw1(struct twin *t, uint8_t value)
{
    twin_make_lowest(t, 7);
    for (int i = 0; i < 8; i++)
        t->cell[i].sense = t->cell[i].serviced = t->cell[i].masked = false;
    t->ltim = value & 8;
    t->single = value & 2;
    t->wants_icw4 = value & 1;
    t->next_icw = 2;
    t->icw2 = 0;
    t->icw3 = 7;
    t->sfnm = t->buffered = t->buffered_master = t->aeoi = t->is_8086 = false;
    t->rotating = t->special_mask = t->reads_isr = t->polled = false;
}

static void twin_data_write(struct twin *t, uint8_t value)
{
    switch (t->next_icw) {
    case 2:
        t->icw2 = value & 0xF8;
        t->next_icw = !t->single ? 3 : t->wants_icw4 ? 4 : 0;
        break;
    case 3:
        t->icw3 = value;
        t->next_icw = t->wants_icw4 ? 4 : 0;
        break;
    case 4:
        t->sfnm = value & 16;
        t->buffered = value & 8;
        t->buffered_master = value & 4;
        t->aeoi = value & 2;
        t->is_8086 = value & 1;
        t->next_icw = 0;
        break;
    default:
        for (int level = 0; level < 8; level++)
            twin_cell(t, level)->masked = value >> level & 1;
        return;
    }
    t->ready = t->ready || t->next_icw == 0;
}

static void twin_ocw2(struct twin *t, bool rotate, bool specific, bool eoi, int level)
{
    if (!eoi && !specific) {
        t->rotating = rotate;
        return;
    }
    if (!eoi) {
        if (rotate)
            twin_make_lowest(t, level);
        return;
    }
    if (!specific) {
        level = -1;
        for (int i = 7; i >= 0; i--)
            if (t->cell[i].serviced && !(t->special_mask && t->cell[i].masked))
                level = t->cell[i].level;
    }
    if (level < 0)
        return;
    twin_cell(t, level)->serviced = false;
    if (rotate)
        twin_make_lowest(t, level);
}

static void twin_write(struct twin *t, unsigned a0, uint8_t value)
{
    if (a0) {
        twin_data_write(t, value);
    } else if (value & 0x10) {
        twin_icw1(t, value);
    } else if (value & 0x08) {
        t->polled = value & 4;
        if (value & 2)
            t->reads_isr = value & 1;
        if (value & 0x40)
            t->special_mask = value & 0x20;
    } else {
        twin_ocw2(t, value & 0x80, value & 0x40, value & 0x20, value & 7);
    }
    twin_int(t);
}

/* Takes the asking level into service, as an INTA pulse or a poll does; -1 if none asks. */
static int twin_take(struct twin *t)
{
    struct cell *c = twin_asking(t);
    if (!c)
        return -1;
    int level = c->level;
    c->serviced = true;
    c->sense = false;
    twin_int(t);
    return level;
}

static void twin_finish(struct twin *t, int level)
{
    if (t->aeoi && level >= 0) {
        twin_cell(t, level)->serviced = false;
        if (t->rotating)
            twin_make_lowest(t, level);
    }
    twin_int(t);
}

static uint8_t twin_acknowledge(struct twin *t)
{
    int level = twin_take(t);
    int shown = level < 0 ? 7 : level;
    uint8_t vector = (uint8_t)(t->icw2 + (unsigned)shown);
    if (twin_has_slave(t, shown)) {
        struct twin *s = t->slave;
        bool selected = s && !s->single && !twin_is_master(s) && (s->icw3 & 7) == (unsigned)shown;
        vector = selected ? twin_acknowledge(s) : 0xFF;
    }
    twin_finish(t, level);
    return vector;
}

static uint8_t twin_read(struct twin *t, unsigned a0)
{
    uint8_t value = 0;
    if (t->polled) {
        int level = twin_take(t);
        t->polled = false;
        twin_finish(t, level);
        return (uint8_t)(level < 0 ? 7 : 0x80 + level);
    }
    for (int i = 0; i < 8; i++) {
        const struct cell *c = &t->cell[i];
        bool shown = a0 ? c->masked : t->reads_isr ? c->serviced : twin_requests(t, c);
        value |= (uint8_t)(shown << c->level);
    }
    return value;
}

static void twin_elcr(struct twin *t, uint8_t value)
{
    for (int level = 0; level < 8; level++)
        twin_cell(t, level)->level_mode = value & t->elcr_bits & 1u << level;
    twin_int(t);
}

static void twin_init(struct twin *t, bool sp, unsigned elcr_bits)
{
    *t = (struct twin){.sp = sp, .elcr_bits = elcr_bits};
    for (int i = 0; i < 8; i++)
        t->cell[i] = (struct cell){.level = i, .masked = true};
}

/* ---- the pair ---- */

enum { MASTER, SLAVE, CHIPS };

struct pair {
    struct pic pic[CHIPS];
    struct twin twin[CHIPS];
    unsigned changes[CHIPS];
    struct random random;
    struct verdict verdict;
};

static void on_int(void *owner, int chip, bool level)
{
    struct pair *p = owner;
    p->changes[chip]++;
    if (chip == SLAVE)
        pic_set_irq(&p->pic[MASTER], 2, level);
}

static void pair_init(struct pair *p, uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->random.state = seed;
    pic_init(&p->pic[SLAVE],
             (struct pic_config){.elcr_writable = 0xDE, .out_int = {on_int, p, SLAVE}});
    pic_init(&p->pic[MASTER], (struct pic_config){.master = true,
                                                  .elcr_writable = 0xF8,
                                                  .out_int = {on_int, p, MASTER},
                                                  .slave_acknowledge = pic_acknowledge_cascaded,
                                                  .slave_owner = &p->pic[SLAVE]});
    twin_init(&p->twin[MASTER], true, 0xF8);
    twin_init(&p->twin[SLAVE], false, 0xDE);
    p->twin[MASTER].slave = &p->twin[SLAVE];
    p->twin[SLAVE].master = &p->twin[MASTER];
}

/* ---- the traffic ---- */

static void both_write(struct pair *p, int chip, unsigned a0, unsigned value)
{
    pic_write(&p->pic[chip], a0, (uint8_t)value);
    twin_write(&p->twin[chip], a0, (uint8_t)value);
}

/* Mostly a whole sequence, mostly the PC's cascade; sometimes a torn one. */
static void op_initialize(struct pair *p, int chip)
{
    struct random *r = &p->random;
    unsigned icw1 = 0x11 | (random_chance(r, 20) ? 8 : 0) | (random_chance(r, 10) ? 2 : 0);
    unsigned icw4 = 1 | (random_chance(r, 50) ? random_below(r, 16) << 1 : 0);
    unsigned icw3 = chip == MASTER ? 4 : 2;
    both_write(p, chip, 0, icw1);
    if (random_chance(r, 5))
        return;
    both_write(p, chip, 1, random_below(r, 256));
    if (!(icw1 & 2))
        both_write(p, chip, 1, random_chance(r, 90) ? icw3 : random_below(r, 256));
    both_write(p, chip, 1, icw4);
}

static void op_command(struct pair *p, int chip)
{
    struct random *r = &p->random;
    unsigned kind = random_below(r, 10);
    if (kind < 2)
        both_write(p, chip, 1, random_below(r, 256) & random_below(r, 256));
    else if (kind < 4)
        both_write(p, chip, 0, 0x08 | (random_below(r, 256) & 0x67));
    else if (kind < 7)
        both_write(p, chip, 0, 0x20);
    else
        both_write(p, chip, 0, random_below(r, 256) & 0xE7);
}

static void op_pin(struct pair *p, int chip)
{
    int line = (int)random_below(&p->random, 8);
    bool level = random_chance(&p->random, 55);
    if (chip == MASTER && line == 2)
        return; /* the slave drives it */
    pic_set_irq(&p->pic[chip], line, level);
    twin_pin(&p->twin[chip], line, level);
}

/* An acknowledge, often without a request, wherever neither chip would run in MCS-80/85 mode. */
static void op_acknowledge(struct pair *p)
{
    if (!p->twin[MASTER].is_8086 || !p->twin[SLAVE].is_8086)
        return;
    if (!p->twin[MASTER].out && random_chance(&p->random, 70))
        return;
    verdict_expect(&p->verdict, "vector", pic_acknowledge(&p->pic[MASTER]),
                   twin_acknowledge(&p->twin[MASTER]));
}

static void op_read(struct pair *p, int chip)
{
    unsigned a0 = random_below(&p->random, 2);
    verdict_expect(&p->verdict, "register read", pic_read(&p->pic[chip], a0),
                   twin_read(&p->twin[chip], a0));
}

static void op_elcr(struct pair *p, int chip)
{
    uint8_t value = (uint8_t)(random_below(&p->random, 256) & random_below(&p->random, 256));
    pic_elcr_write(&p->pic[chip], value);
    twin_elcr(&p->twin[chip], value);
    verdict_expect(&p->verdict, "ELCR", pic_elcr_read(&p->pic[chip]),
                   value & p->twin[chip].elcr_bits);
}

static void op_snapshot(struct pair *p, int chip)
{
    struct snap save, load;
    struct pic *pic = &p->pic[chip];
    snap_begin_save(&save);
    pic_snapshot(pic, &save);
    pic_init(pic, pic->config);
    snap_begin_load(&load, save.data, save.size);
    pic_snapshot(pic, &load);
    if (load.failed)
        verdict_fail(&p->verdict, "load: %s", load.message);
    snap_free(&save);
}

static void pair_operation(struct pair *p)
{
    int chip = (int)random_below(&p->random, CHIPS);
    uint32_t what = random_below(&p->random, 1000);
    if (what < 10)
        op_initialize(p, chip);
    else if (what < 250)
        op_command(p, chip);
    else if (what < 650)
        op_pin(p, chip);
    else if (what < 850)
        op_acknowledge(p);
    else if (what < 980)
        op_read(p, chip);
    else if (what < 990)
        op_elcr(p, chip);
    else
        op_snapshot(p, chip);
}

static void pair_compare(struct pair *p)
{
    for (int i = 0; i < CHIPS; i++) {
        struct twin *t = &p->twin[i];
        verdict_expect(&p->verdict, "INT", p->pic[i].int_level, t->out);
        verdict_expect(&p->verdict, "changes of INT", p->changes[i], t->changes);
        for (int level = 0; level < 8; level++) {
            verdict_expect(&p->verdict, "IRR bit", pic_irr(&p->pic[i]) >> level & 1,
                           twin_requests(t, twin_cell(t, level)));
            verdict_expect(&p->verdict, "ISR bit", p->pic[i].isr >> level & 1,
                           twin_cell(t, level)->serviced);
        }
        p->changes[i] = t->changes = 0;
    }
}

static struct verdict run(uint64_t seed, uint64_t operations)
{
    struct pair *p = malloc(sizeof *p);
    pair_init(p, seed);
    for (uint64_t i = 0; i < operations && !p->verdict.failed; i++) {
        p->verdict.operation = i;
        pair_operation(p);
        pair_compare(p);
    }
    struct verdict v = p->verdict;
    free(p);
    return v;
}

int main(int argc, char **argv) { return twin_main(argc, argv, "twin_pic", run); }
