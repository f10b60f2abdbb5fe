// timer.h: the timer server ("timer"): sleeping, and alarms that arrive as messages. A thread that
// only wants to sleep can do without it (l4_sleep); an alarm wakes a server that waits for anyone.
#pragma once

#include <l4/types.h>

enum l4_timer_label {
    L4_TIMER_SLEEP = 0x1300,  // microseconds low, high -> clock low, high, then
    L4_TIMER_ALARM = 0x1301,  // clock low, high, cookie, period low, high -> alarm number
    L4_TIMER_CANCEL = 0x1302, // alarm number
    L4_TIMER_NOW = 0x1303,    // -> clock low, high
    L4_TIMER_FIRED = 0x1304,  // from the server to who set the alarm: cookie, clock low, high
};

// False without a timer server.
bool l4_timer_sleep(l4_clock microseconds);

// A message L4_TIMER_FIRED with the cookie at this clock value, then every period microseconds
// unless that is 0. A receiver that does not wait when it comes misses it. Its number, 0: refused.
word_t l4_timer_alarm(l4_clock when, l4_clock period, word_t cookie);
bool l4_timer_cancel(word_t alarm);
