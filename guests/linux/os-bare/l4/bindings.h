/* SPDX-License-Identifier: GPL-2.0-only */
/* bindings.h: the stand-in's system calls, as far as the layer makes them: functions of the image.
 * What a result means is L4's (l4/syscalls.h). */
#pragma once

#define STANDIN_PROCESS 256u /* the first process's thread number: layer.h's THREAD_PROCESS */

/* The process goes on as the message registers say, until they say why it has stopped. */
l4_tag standin_run(l4_thread_id process);
/* Any other Ipc; of its timeouts, the receive phase's counts. */
l4_tag standin_ipc(l4_thread_id to, l4_thread_id from_specifier, l4_time receive,
                   l4_thread_id *from);

static inline l4_tag l4_ipc(l4_thread_id to, l4_thread_id from_specifier, word_t timeouts,
                            l4_thread_id *from)
{
    if (to == from_specifier && l4_thread_number(to) >= STANDIN_PROCESS)
        return standin_run(to);
    return standin_ipc(to, from_specifier, timeouts & 0xFFFF, from);
}

l4_thread_id l4_exchange_registers(struct l4_exchange *x);
word_t l4_thread_control(l4_thread_id thread, l4_thread_id space, l4_thread_id scheduler,
                         l4_thread_id pager, word_t utcb_location);
word_t l4_space_control(l4_thread_id space, word_t control, l4_fpage kip_area, l4_fpage utcb_area,
                        l4_thread_id redirector, word_t *old_control);
word_t l4_foreign_state(l4_thread_id thread, enum l4_state_operation operation, const void *state);
l4_clock l4_system_clock(void);
void l4_unmap(word_t control);

/* Who runs is settled: an interrupt before Linux, Linux before a process. */
static inline word_t l4_schedule(l4_thread_id thread, word_t time_control,
                                 word_t processor_control, word_t prio_control,
                                 word_t preemption_control, word_t *old_time)
{
    (void)thread, (void)time_control, (void)processor_control, (void)prio_control;
    (void)preemption_control, (void)old_time;
    return 1;
}

static inline void l4_thread_switch(l4_thread_id thread)
{
    (void)thread;
}
