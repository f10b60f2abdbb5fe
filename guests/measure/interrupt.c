// interrupt.c: from the line to the handler. The handler is a thread of high priority in a space of
// its own that waits for line 0, whose timer it sets for one shot after another; meanwhile a thread
// in another space does nothing but write down the time. So the last time written is when the
// interrupt was taken, to within one turn of that loop, and the handler's first read of the counter
// when it ran. The timer itself, which goes on counting, tells the same more coarsely (its tick is
// 111 cycles at 133 MHz) but from the moment when the line rose.
#include "measure.h"

#define LINE 0
#define PIT_COUNTER 0x40
#define PIT_CONTROL 0x43
#define PIT_ONE_SHOT 0x30 // counter 0, both bytes, mode 0: the line rises at the terminal count
#define PIT_LATCH 0x00

#define SHOTS 201

static volatile uint32_t last_time;
static uint32_t loop_period;
static uint32_t ticks_late[SHOTS];
static struct summary latency, lateness;
static uint32_t of_ten[11]; // of_ten[i]: i of ten are at most so late

static void busy(void *unused)
{
    (void)unused;
    for (;;)
        last_time = now();
}

static void set_timer(word_t ticks)
{
    l4_out8(PIT_CONTROL, PIT_ONE_SHOT);
    l4_out8(PIT_COUNTER, (uint8_t)ticks);
    l4_out8(PIT_COUNTER, (uint8_t)(ticks >> 8));
}

// Past the terminal count the counter wraps and goes on.
static uint32_t ticks_past(void)
{
    l4_out8(PIT_CONTROL, PIT_LATCH);
    word_t low = l4_in8(PIT_COUNTER);
    return (0x10000 - (low | (word_t)l4_in8(PIT_COUNTER) << 8)) & 0xFFFF;
}

// 300 to 1323 ticks, never in step with anything.
static word_t next_ticks(void)
{
    static word_t state = 12345;
    state = state * 1103515245 + 12345;
    return 300 + (state >> 16 & 1023);
}

static bool shot(uint32_t *cycles, uint32_t *late)
{
    set_timer(next_ticks());
    l4_set_mr(0, 0);
    l4_tag tag = l4_ipc(l4_irq_thread(LINE), l4_irq_thread(LINE), 0, NULL); // acknowledge, wait
    uint32_t end = now();
    *cycles = end - last_time;
    *late = ticks_past();
    return !l4_tag_failed(tag);
}

// The first message may be older than the first shot, and stays unacknowledged until then.
static void handler(void *unused)
{
    (void)unused;
    l4_receive_timeout(l4_irq_thread(LINE), l4_period(100));
    for (word_t i = 0; i < WARM_COUNT + SHOTS; i++) {
        word_t k = i < WARM_COUNT ? 0 : i - WARM_COUNT;
        if (!shot(&samples[k], &ticks_late[k]))
            done(1);
    }
    latency = summarise(samples, SHOTS);
    for (word_t i = 0; i <= 10; i++)
        of_ten[i] = samples[(SHOTS - 1) * i / 10];
    word_t saved = overhead;
    overhead = 0;
    lateness = summarise(ticks_late, SHOTS);
    overhead = saved;
    done(0);
}

// How often the busy thread writes down the time: that much the latency may be too short.
static void measure_loop(void)
{
    uint32_t begin = now();
    for (word_t i = 0; i < 100; i++)
        last_time = now();
    loop_period = (now() - begin) / 100;
}

void part_interrupt(void)
{
    struct space a = {0}, b = {0};
    measure_loop();
    l4_thread_id id = thread_in(&a, pager_thread, handler, NULL);
    l4_set_priority(id, 200);
    if (!l4_irq_associate(LINE, id))
        l4_panic("measure: line %u is not to be had: error %u", LINE, l4_error_code());
    thread_in(&b, pager_thread, busy, NULL);
    await_done(id, "interrupt");
    l4_irq_dissociate(LINE);
    world_end();
    report_number("interrupt", "resolution", loop_period, &latency, 1);
    l4_printf("measure: interrupt_tenths");
    for (word_t i = 0; i <= 10; i++)
        l4_printf(" p%u=%u", i * 10, of_ten[i]);
    l4_printf("\n");
    l4_printf("measure: interrupt_timer ticks=%u min=%u max=%u n=%u\n", lateness.median,
              lateness.min, lateness.max, lateness.count);
}
