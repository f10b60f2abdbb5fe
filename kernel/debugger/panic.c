/* panic.c: the end, with what is needed to understand it. */
#include "arch/cpu.h"
#include "debugger/print.h"
#include "state.h"

#define STACK_WORDS 48

/* Is it an address in the kernel's code? Those on a stack are mostly return addresses. */
static bool is_code(word_t w)
{
    extern const char image_start[], text_end[];
    return w >= (word_t)(uintptr_t)image_start && w < (word_t)(uintptr_t)text_end;
}

static void print_stack(word_t esp)
{
    const struct tcb *t = current();
    word_t end = t && esp < t->stack_top ? t->stack_top : esp + STACK_WORDS * sizeof(word_t);
    if (end > esp + STACK_WORDS * sizeof(word_t))
        end = esp + STACK_WORDS * sizeof(word_t);
    print("stack (* may be a return address):");
    for (word_t at = esp & ~3u, column = 0; at + 4 <= end; at += 4, column++) {
        word_t w = *(const word_t *)(uintptr_t)at;
        if (column % 6 == 0)
            print("\n %08x:", at);
        print(" %08x%c", w, is_code(w) ? '*' : ' ');
    }
    print("\n");
}

static void print_context(void)
{
    const struct tcb *t = current();
    word_t cr3;
    __asm__ volatile("movl %%cr3, %0" : "=r"(cr3));
    print("cr0 %08x  cr2 %08x  cr3 %08x  cr4 %08x\n", read_cr0(), read_cr2(), cr3, read_cr4());
    if (t)
        print("thread %08x, state %u, of the space with directory %08x\n", t->id, t->state,
              t->space ? t->space->directory : 0);
}

static void __attribute__((noreturn)) stop(struct trap_frame *f)
{
    for (;;)
        debugger_enter(f, "panic: there is nothing to continue");
}

void panic(const char *format, ...)
{
    word_t ebx, esi, edi, ebp, esp;
    __asm__ volatile("cli\n\tmovl %%ebx, %0" : "=m"(ebx));
    __asm__ volatile("movl %%esi, %0" : "=m"(esi));
    __asm__ volatile("movl %%edi, %0" : "=m"(edi));
    __asm__ volatile("movl %%ebp, %0" : "=m"(ebp));
    __asm__ volatile("movl %%esp, %0" : "=m"(esp));
    va_list list;
    va_start(list, format);
    print("\nkernel panic: ");
    print_v(format, &list);
    va_end(list);
    print("\nfrom %p  ebx %08x  esi %08x  edi %08x  ebp %08x  esp %08x\n",
          __builtin_return_address(0), ebx, esi, edi, ebp, esp);
    print_context();
    print_stack(esp);
    stop(NULL);
}

void panic_frame(const struct trap_frame *f, const char *why)
{
    /* An exception inside the kernel pushes no ESP and SS: the stack goes on where they would
     * be. */
    word_t esp = (word_t)(uintptr_t)&f->esp;
    print("\nkernel panic: %s: vector %u, error %08x\n", why, f->vector, f->error);
    print("eip %08x  cs %04x  eflags %08x  esp %08x\n", f->eip, f->cs, f->eflags, esp);
    print("eax %08x  ebx %08x  ecx %08x  edx %08x\n", f->eax, f->ebx, f->ecx, f->edx);
    print("esi %08x  edi %08x  ebp %08x\n", f->esi, f->edi, f->ebp);
    print_context();
    print_stack(esp);
    stop(NULL);
}
