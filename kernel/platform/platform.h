/* platform.h: the PC round the processor, as far as the kernel itself needs it. */
#pragma once

#include "types.h"

void pic_init(void);           /* remapped to 0x20 .. 0x2F, all masked but the cascade */
void pic_mask(word_t line);
void pic_unmask(word_t line);
void pic_acknowledge(word_t line);
bool pic_spurious(word_t line); /* a line 7 or 15 that nobody raised */

#define CLOCK_LINE       8     /* MC146818, periodic at 512 Hz: line 0 stays free for programs */
#define CLOCK_TICK_HZ    512
void clock_init(void);         /* starts the periodic interrupt */
void clock_acknowledge(void);  /* reads register C, or there is no next one */
word_t clock_measure_tsc_khz(void); /* against the 8254's channel 2 */

void serial_init(void);        /* COM1, 115200 8N1, polled */
void serial_put(char c);
int serial_get(void);          /* -1: nothing typed */
