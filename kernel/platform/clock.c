/* clock.c: the kernel's two clocks: the real-time clock's periodic interrupt [MC146818A], which
 * wakes the scheduler, and channel 2 of the interval timer [8254], against which the time stamp
 * counter is measured once. The timer's channel 0 is left to programs. */
#include "platform/platform.h"

#include "arch/cpu.h"

#define RTC_INDEX  0x70
#define RTC_DATA   0x71
#define RTC_A      0x0A
#define RTC_B      0x0B
#define RTC_C      0x0C
#define RTC_512_HZ 0x27 /* 32768 Hz oscillator, divided by 64 */
#define RTC_PIE    0x40

#define PIT_HZ        1193182u
#define PIT_CHANNEL_2 0x42
#define PIT_CONTROL   0x43
#define PIT_2_ONESHOT 0xB0 /* channel 2, both bytes, mode 0 */
#define PORT_B        0x61 /* bit 0: gate of channel 2, 1: speaker, 5: output of channel 2 */
#define MEASURE_TICKS 11932u /* 10 ms */
#define MEASURE_TIMES 5u

static uint8_t rtc_read(uint8_t index)
{
    outb(RTC_INDEX, index);
    return inb(RTC_DATA);
}

static void rtc_write(uint8_t index, uint8_t value)
{
    outb(RTC_INDEX, index);
    outb(RTC_DATA, value);
}

void clock_init(void)
{
    rtc_write(RTC_A, RTC_512_HZ);
    rtc_write(RTC_B, rtc_read(RTC_B) | RTC_PIE);
    clock_acknowledge();
    pic_unmask(CLOCK_LINE);
}

void clock_acknowledge(void)
{
    rtc_read(RTC_C);
}

static word_t measure_once(void)
{
    uint8_t port_b = inb(PORT_B) & 0x0C;
    outb(PORT_B, port_b | 1);
    outb(PIT_CONTROL, PIT_2_ONESHOT);
    outb(PIT_CHANNEL_2, MEASURE_TICKS & 0xFF);
    uint64_t start = rdtsc();
    outb(PIT_CHANNEL_2, MEASURE_TICKS >> 8);
    while (!(inb(PORT_B) & 0x20))
        continue;
    uint64_t cycles = rdtsc() - start;
    outb(PORT_B, port_b);
    return (word_t)(cycles * PIT_HZ / MEASURE_TICKS / 1000);
}

/* Whatever else holds the processor up meanwhile makes the count too large, so the least is
 * right. */
word_t clock_measure_tsc_khz(void)
{
    word_t least = measure_once();
    for (word_t i = 1; i < MEASURE_TIMES; i++) {
        word_t khz = measure_once();
        least = khz < least ? khz : least;
    }
    return least;
}
