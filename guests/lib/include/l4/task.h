// task.h: what a task of the root server finds when it starts, and what it may ask the root server
// for: threads, interrupts, its end. The root server's page holds for its own tasks only; a program
// that the kernel started itself (l4_is_root) has no start area.
#pragma once

#include <l4/kip.h>
#include <l4/types.h>

// Task n's threads have the L4_TASK_THREAD_MAX numbers from UserBase + L4_TASK_FIRST_NUMBER + n *
// L4_TASK_THREAD_MAX on. A task that is started again has the same numbers and the next version.
#define L4_TASK_FIRST_NUMBER 16u
#define L4_TASK_THREAD_MAX 16u

// The number of the task that a global id belongs to; a huge number for the first servers.
static inline word_t l4_task_of(l4_thread_id thread)
{
    word_t first = l4_user_base(l4_kip) + L4_TASK_FIRST_NUMBER;
    word_t number = l4_thread_number(thread);
    return number < first ? 0xFFFFFFFF : (number - first) / L4_TASK_THREAD_MAX;
}

// The start area: one page below the UTCB area of every task, read-only by convention.
#define L4_START_AREA 0xBEFFF000u
#define L4_START_MAGIC 0x41533458u // 'X' '4' 'S' 'A'
#define L4_NAME_SIZE 28

struct l4_start_area {
    word_t magic;
    l4_thread_id root;      // pager, exception handler and scheduler of the first thread
    l4_thread_id names;     // the name server, nil if there is none
    l4_thread_id first;     // the task's first thread; its others have the numbers that follow
    word_t task;            // its number, from 0
    word_t thread_max;      // how many threads it may have
    char name[L4_NAME_SIZE];
    char command_line[1024];
};

// NULL in the root server.
const struct l4_start_area *l4_start_area(void);

// ---- The root server's protocol: labels, words in, words out ------------------------------------
// A reply's label is 0 for success, else an L4_ROOT_* error.

enum l4_root_label {
    L4_ROOT_EXIT = 0x1000,      // status; no reply: the task is gone
    L4_ROOT_FINISH = 0x1001,    // status; no reply: the machine stops
    L4_ROOT_SERVE = 0x1002,     // the caller will not end; finishing does not wait for it
    L4_ROOT_THREAD = 0x1003,    // pager -> global id of a new active thread in the task
    L4_ROOT_IRQ = 0x1004,       // line, 1 take or 0 give back
    L4_ROOT_TASK = 0x1005,      // task number -> state, first thread, status, faults, name words
    L4_ROOT_KILL = 0x1006,      // task number
    L4_ROOT_PAGE = 0x1007,      // thread, address, access -> map item, for pagers in between
    L4_ROOT_UNTHREAD = 0x1008,  // thread of the task; no reply if it is the caller
    L4_ROOT_PRIORITY = 0x1009,  // thread of the task, priority at most the root server's limit
    L4_ROOT_START = 0x100A,     // task number: one that has ended begins again
    L4_ROOT_COUNTS = 0x100B,    // -> struct l4_root_counts
    L4_ROOT_MODULE = 0x100C,    // address, name words -> bytes: a module that is no program appears
                                // there, to be read
    L4_ROOT_FRAME = 0x100D,     // address in the task's memory -> map item of the page, for a
                                // second place in its space
    L4_ROOT_SPACE = 0x100E,     // kernel interface page, UTCB area, its thread's UTCB in that,
                                // SpaceControl's control -> first thread of a new space, whose
                                // pager, scheduler and redirector is the caller
    L4_ROOT_UNSPACE = 0x100F,   // first thread of a space that the task made
};

enum l4_root_error {
    L4_ROOT_OK = 0,
    L4_ROOT_NO_SUCH = 1,
    L4_ROOT_REFUSED = 2,
    L4_ROOT_FULL = 3,
};

enum l4_task_state {
    L4_TASK_RUNNING = 1,
    L4_TASK_SERVING = 2,
    L4_TASK_EXITED = 3,
    L4_TASK_DIED = 4, // of an exception, or of a fault that nothing answers
    L4_TASK_DATA = 5, // no program: a module that tasks may read
};

struct l4_task_info {
    word_t state;
    l4_thread_id first;
    word_t status;      // of an exited one; a dead one's vector
    word_t fault_count; // page faults that the root server answered
    char name[L4_NAME_SIZE];
};

// What all tasks together have of the root server.
struct l4_root_counts {
    word_t frames, blocks;  // of 4 KB, of 4 MB
    word_t threads, spaces; // those too that tasks made
};

// All return 0 for success or an l4_root_error.
word_t l4_root_serve(void);
word_t l4_root_irq(word_t line, bool take);
word_t l4_root_task(word_t task, struct l4_task_info *info);
word_t l4_root_kill(word_t task);
word_t l4_root_start(word_t task);
word_t l4_root_counts(struct l4_root_counts *counts);
word_t l4_root_priority(l4_thread_id thread, word_t priority);
_Noreturn void l4_root_finish(int status);

// A new thread in this task that runs function(argument) on the stack, with the pager that the
// caller has. In a privileged space without the root server's help. Nil when there is no room.
l4_thread_id l4_spawn(void (*function)(void *), void *argument, void *stack, word_t size);

_Noreturn void l4_sleep_for_ever(void);
