// SPDX-License-Identifier: GPL-2.0-only
/* context.c: Linux's kernel threads, as coroutines of one L4 thread: switching is a jump from one
 * stack to another, and nothing that the microkernel hears of. */
#include <generated/asm-offsets.h>
#include <as-layout.h>
#include <kern_util.h>
#include <longjmp.h>
#include <os.h>
#include <skas.h>
#include "layer.h"

enum ending { RUNNING, CALLBACK, HALT, REBOOT };

extern int kmalloc_ok;
extern void uml_cleanup(void);

static jmp_buf beginning, after_callback;
static void (*callback)(void *);
static void *callback_argument;

void new_thread(void *stack, jmp_buf *buffer, void (*handler)(void))
{
    (*buffer)[0].JB_IP = (unsigned long)handler;
    (*buffer)[0].JB_SP = (unsigned long)stack + UM_THREAD_SIZE - sizeof(void *);
}

void switch_threads(jmp_buf *from, jmp_buf *to)
{
    if (UML_SETJMP(from) == 0)
        UML_LONGJMP(to, 1);
}

/* Runs Linux, until it halts (0) or wants the machine to start again (1). What must run on this
 * first stack comes back here for as long. */
int start_idle_thread(void *stack, jmp_buf *idle)
{
    layer_start_interrupts();
    switch (setjmp(beginning)) {
    case RUNNING:
        new_thread(stack, idle, uml_finishsetup);
        break;
    case CALLBACK:
        callback(callback_argument);
        longjmp(after_callback, 1);
        __builtin_unreachable();
    case HALT:
        kmalloc_ok = 0;
        return 0;
    default:
        kmalloc_ok = 0;
        return 1;
    }
    longjmp(*idle, 1);
    return 0;
}

void initial_thread_cb_skas(void (*procedure)(void *), void *argument)
{
    callback = procedure;
    callback_argument = argument;
    block_signals_trace();
    if (UML_SETJMP(&after_callback) == 0)
        UML_LONGJMP(&beginning, CALLBACK);
    unblock_signals_trace();
    callback = NULL;
}

void halt_skas(void)
{
    block_signals_trace();
    UML_LONGJMP(&beginning, HALT);
}

void reboot_skas(void)
{
    block_signals_trace();
    UML_LONGJMP(&beginning, REBOOT);
}
