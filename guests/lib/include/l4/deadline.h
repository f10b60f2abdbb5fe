// deadline.h: the thread with a deadline ("deadline"): each period the interval timer's channel 0
// interrupts, and work is to be done before the deadline. It tells how late it was at the worst.
#pragma once

#include <l4/types.h>

enum l4_deadline_label {
    L4_DEADLINE_STATE = 0x1500, // -> struct l4_deadline, counted since it was asked the last time
};

struct l4_deadline {
    word_t beats;
    word_t lost;     // interrupts that came before the one before them had been seen
    word_t start_ns; // at the worst, from the timer's edge until the thread ran,
    word_t end_ns;   // and until its work was done
    word_t missed;   // beats whose work was done after the deadline
    word_t deadline_ns;
};
