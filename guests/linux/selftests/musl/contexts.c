// SPDX-License-Identifier: GPL-2.0-only
/* contexts.c: getcontext and its kin for IA-32, which musl does not have. A context is what calls
 * preserve of the registers, a stack pointer, a place to go on, and the signal mask. */
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>

_Static_assert(offsetof(ucontext_t, uc_mcontext.gregs) == 20 &&
                   offsetof(ucontext_t, uc_sigmask) == 108 && SYS_rt_sigprocmask == 175 &&
                   REG_EDI == 4 && REG_ESI == 5 && REG_EBP == 6 && REG_ESP == 7 && REG_EBX == 8 &&
                   REG_EIP == 14 && SIG_SETMASK == 2,
               "the assembly counts on these");

/* The rest of swapcontext is setcontext with its second argument; masks are eight bytes. */
__asm__(".globl getcontext, swapcontext, setcontext\n"
        ".macro save\n"
        "    movl 4(%esp), %eax\n"
        "    movl %edi, 36(%eax)\n"
        "    movl %esi, 40(%eax)\n"
        "    movl %ebp, 44(%eax)\n"
        "    movl %ebx, 52(%eax)\n"
        "    movl (%esp), %ecx\n"
        "    movl %ecx, 76(%eax)\n"
        "    leal 4(%esp), %ecx\n"
        "    movl %ecx, 48(%eax)\n"
        "    leal 108(%eax), %edx\n"
        "    xorl %ecx, %ecx\n"
        "    xorl %ebx, %ebx\n"
        "    movl $8, %esi\n"
        "    movl $175, %eax\n"
        "    int $0x80\n"
        "    movl 4(%esp), %eax\n"
        "    movl 40(%eax), %esi\n"
        "    movl 52(%eax), %ebx\n"
        ".endm\n"
        "getcontext:\n"
        "    save\n"
        "    xorl %eax, %eax\n"
        "    ret\n"
        "swapcontext:\n"
        "    save\n"
        "    movl 8(%esp), %ebp\n"
        "    jmp 1f\n"
        "setcontext:\n"
        "    movl 4(%esp), %ebp\n"
        "1:  leal 108(%ebp), %ecx\n"
        "    movl $2, %ebx\n"
        "    xorl %edx, %edx\n"
        "    movl $8, %esi\n"
        "    movl $175, %eax\n"
        "    int $0x80\n"
        "    movl %ebp, %edx\n"
        "    movl 36(%edx), %edi\n"
        "    movl 40(%edx), %esi\n"
        "    movl 44(%edx), %ebp\n"
        "    movl 52(%edx), %ebx\n"
        "    movl 48(%edx), %esp\n"
        "    xorl %eax, %eax\n"
        "    jmp *76(%edx)\n");

/* The first function returns here, with the context's link in EBX. */
static void __attribute__((used)) contexts_end(const ucontext_t *link)
{
    if (link)
        setcontext(link);
    exit(0);
}

void contexts_return(void);
__asm__("contexts_return:\n"
        "    pushl %ebx\n"
        "    call contexts_end\n");

void makecontext(ucontext_t *context, void (*function)(void), int count, ...)
{
    greg_t *registers = context->uc_mcontext.gregs;
    char *end = (char *)context->uc_stack.ss_sp + context->uc_stack.ss_size;
    greg_t *stack = (greg_t *)(((size_t)end - sizeof(greg_t) * (size_t)count) & ~(size_t)15);
    va_list arguments;

    va_start(arguments, count);
    for (int i = 0; i < count; i++)
        stack[i] = va_arg(arguments, greg_t);
    va_end(arguments);
    *--stack = (greg_t)contexts_return;
    registers[REG_ESP] = (greg_t)stack;
    registers[REG_EIP] = (greg_t)function;
    registers[REG_EBX] = (greg_t)context->uc_link;
}
