#include "devices/port_61.h"

#include "sim/core/check.h"
#include "sim/core/snap.h"

/* Bits 3-0 are written and read back, bits 7-4 are read only:
 *
 *   7      6      5     4        3         2         1     0
 *   PERR#  IOCHK  OUT2  REFRESH  IOCHK_EN  PERR_EN   SPKR  GATE2
 *
 * The two enables are active low. */
#define SPKR 0x02u
#define GATE2 0x01u
#define WRITABLE 0x0Fu
#define REFRESH 0x10u
#define OUT2 0x20u

#define REFRESH_COUNTER 1
#define SPEAKER_COUNTER 2

static void drive(struct port_61 *p)
{
    irq_set(&p->config.gate2, (p->control & GATE2) != 0);
    irq_set(&p->config.speaker, (p->control & SPKR) != 0);
}

void port_61_init(struct port_61 *p, struct port_61_config config)
{
    CHECK(config.timer_out && config.timer_out_rises);
    *p = (struct port_61){.config = config};
    port_61_reset(p);
}

void port_61_reset(struct port_61 *p)
{
    p->control = 0;
    drive(p);
}

uint8_t port_61_read(const struct port_61 *p)
{
    const struct port_61_config *c = &p->config;
    bool out2 = c->timer_out(c->timer, SPEAKER_COUNTER);
    bool refresh = c->timer_out_rises(c->timer, REFRESH_COUNTER) & 1;
    return (uint8_t)(p->control | (out2 ? OUT2 : 0) | (refresh ? REFRESH : 0));
}

void port_61_write(struct port_61 *p, uint8_t value)
{
    p->control = value & WRITABLE;
    drive(p);
}

void port_61_snapshot(struct port_61 *p, struct snap *s) { snap_u8(s, "control", &p->control); }
