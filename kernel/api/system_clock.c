/* system_clock.c: SystemClock.
 *
 * No input; EAX and EDX are the low and high word of the time in microseconds since the kernel
 * started. No other register changes. The stub in the kernel interface page computes the same
 * from the TSC without entering the kernel; this is the call for whoever raises its interrupt. */
#include "api/scheduler.h"
#include "api/syscalls.h"

void sys_system_clock(struct trap_frame *f)
{
    usec_t now = now_us();

    f->eax = (word_t)now;
    f->edx = (word_t)(now >> 32);
}
