/* faults.c: the processor's exceptions, as the signals that native Linux makes of them. */
#include "check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static char *page;

/* Where it was, in terms of the program: a page, or a small address. */
static const char *place(uintptr_t address)
{
    static char text[40];

    if (address == (uintptr_t)page || address == (uintptr_t)page + 4095)
        return "the page";
    if (address < 4096) {
        sprintf(text, "%u", (unsigned)address);
        return text;
    }
    return "elsewhere";
}

static uintptr_t instruction;

static void handler(int signal, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t address = (uintptr_t)info->si_addr;
    long distance = r[REG_EIP] - (long)instruction;

    printf("signal %d code %d trap %d error %x", signal, info->si_code, r[REG_TRAPNO], r[REG_ERR]);
    if (info->si_code == 0x80)
        printf(" no address");
    else if (address == (uintptr_t)r[REG_EIP])
        printf(" address EIP");
    else
        printf(" address %s", place(address));
    if (distance >= 0 && distance < 16)
        printf(" EIP +%ld", distance);
    printf("\n");
    siglongjmp(back, 1);
}

/* The instruction is the first of the text. */
#define FAULT(name, ...)                                                                           \
    do {                                                                                           \
        printf("%s: ", name);                                                                      \
        if (sigsetjmp(back, 1) == 0) {                                                             \
            __asm__ volatile("movl $7f, %0" : "=m"(instruction));                                  \
            __asm__ volatile("7:\n\t" __VA_ARGS__);                                                \
            printf("nothing\n");                                                                   \
        }                                                                                          \
    } while (0)

static void processor(void)
{
    int bounds[2] = {1, 2};
    double zero = 0;

    FAULT("divide", "divl %0" : : "m"(zero), "a"(1), "d"(0));
    FAULT("breakpoint", "int3");
    FAULT("bound", "boundl %0, %1" : : "r"(5), "m"(bounds));
    FAULT("undefined", "ud2");
    FAULT("cli", "cli");
    FAULT("hlt", "hlt");
    FAULT("in", "inb $0x80, %%al" : : : "eax");
    FAULT("out", "outb %%al, %%dx" : : "a"(0), "d"(0x3F8));
    FAULT("cr0", "movl %%cr0, %%eax" : : : "eax");
    FAULT("lgdt", "lgdt %0" : : "m"(bounds));
    FAULT("int 20h", "int $0x20");
    FAULT("int 30h", "int $0x40");
    FAULT("ds", "movl %0, %%ds" : : "r"(0x1234));
    FAULT("lock", ".byte 0xF0, 0x89, 0xC0");
    FAULT("step", "pushfl\n\torl $0x100, (%%esp)\n\tpopfl\n\tnop\n\tnop" : : : "memory");
}

static void x87(void)
{
    static const uint16_t unmasked = 0x0340;
    double one = 1, zero = 0;

    FAULT("x87 division", "fninit\n\tfldcw %0\n\tfldl %1\n\tfdivl %2\n\tfwait"
          : : "m"(unmasked), "m"(one), "m"(zero));
    FAULT("x87 invalid", "fninit\n\tfldcw %0\n\tfldl %1\n\tfdivl %1\n\tfwait"
          : : "m"(unmasked), "m"(zero));
    __asm__ volatile("fninit");
}

static void memory(void)
{
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = 1;
    FAULT("read 16", "movl 16, %%eax" : : : "eax");
    FAULT("write 16", "movl %%eax, 16" : : : "memory");
    mprotect(page, 4096, PROT_READ);
    FAULT("write to what is read-only", "movb $1, (%0)" : : "r"(page));
    mprotect(page, 4096, PROT_NONE);
    FAULT("read of what is closed", "movb (%0), %%al" : : "r"(page) : "eax");
    munmap(page, 4096);
    FAULT("read of what is gone", "movb (%0), %%al" : : "r"(page + 4095) : "eax");
    FAULT("jump to 0", "xorl %%eax, %%eax\n\tjmp *%%eax" : : : "eax");
}

/* What one does that has no handler. */
static int killed_by_division(void)
{
    __asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0));
    return 0;
}
static int killed_by_breakpoint(void)
{
    __asm__ volatile("int3");
    return 0;
}
static int killed_by_undefined(void)
{
    __asm__ volatile("ud2");
    return 0;
}
static int killed_by_protection(void)
{
    __asm__ volatile("cli");
    return 0;
}

int main(void)
{
    static const int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    printf("killed: %d %d %d %d\n", in_child(killed_by_division), in_child(killed_by_breakpoint),
           in_child(killed_by_undefined), in_child(killed_by_protection));
    for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &act, NULL);
    processor();
    x87();
    memory();
    return 0;
}
