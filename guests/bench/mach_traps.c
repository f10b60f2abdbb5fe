// mach_traps: the bootstrap task of GNU Mach in the smallest form: a multiboot module that prints
// through the kernel's own console, measures the cheapest trap (mach_task_self) with RDTSC, and
// then waits for a message for ever. Load it as a module with the string
//     mach_traps $(task-create) $(task-resume)
//
// A trap's number goes negated in EAX, its arguments lie on the stack as for a function, and the
// kernel is entered by a far call through the gate 7:0. Symbols as in getpid_loop: trap_loop_start,
// trap_call, trap_loop_end.
#include "text.h"

#define TRAP(name, number)                                                                         \
    __asm__(".text\n.globl " #name "\n" #name ":\n"                                                \
            "        movl    $-" #number ", %eax\n"                                                \
            "        lcall   $7, $0\n"                                                             \
            "        ret\n")

TRAP(mach_msg_trap, 25);
TRAP(mach_reply_port, 26);
TRAP(mach_print, 30);

int mach_msg_trap(void *message, int option, unsigned send_size, unsigned receive_size,
                  unsigned receive_port, unsigned timeout, unsigned notify);
unsigned mach_reply_port(void);
void mach_print(const char *text);
void trap_loop(unsigned traps);

__asm__(".globl trap_loop, trap_loop_start, trap_call, trap_loop_end\n"
        "trap_loop:\n"
        "        movl    4(%esp), %ecx\n"
        "        .p2align 5\n"
        "trap_loop_start:\n"
        "        movl    $-28, %eax\n"
        "        pushl   %ecx\n"
        "trap_call:\n"
        "        lcall   $7, $0\n"
        "        popl    %ecx\n"
        "        decl    %ecx\n"
        "        jnz     trap_loop_start\n"
        "trap_loop_end:\n"
        "        ret\n");

enum { MACH_RCV_MSG = 2, BATCH_TRAPS = 64, BATCHES = 16 };

static unsigned message[64];

int start(int argc, char **argv)
{
    unsigned best = ~0u;
    struct line line = {0};

    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < BATCHES; i++) {
        unsigned before = tsc_low(), cycles;
        trap_loop(BATCH_TRAPS);
        cycles = (tsc_low() - before) / BATCH_TRAPS;
        best = cycles < best ? cycles : best;
    }
    line_text(&line, "mach_task_self: ");
    line_number(&line, BATCHES * BATCH_TRAPS);
    line_text(&line, " traps, min ");
    line_number(&line, best);
    line_text(&line, " cycles\n");
    line_char(&line, 0);
    mach_print(line.text);
    unsigned port = mach_reply_port();
    for (;;)
        mach_msg_trap(message, MACH_RCV_MSG, 0, sizeof message, port, 0, 0);
}
