/* trace.c: a debugger's view: single steps, breakpoints in code and in the debug registers,
 * registers and x87 state read and written, stops at system calls. */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#define DEBUGREG(n) offsetof(struct user, u_debugreg[n])

extern char loop[], loop_call[], loop_write[], loop_written[], loop_end[];
static volatile int watched;

/* Five turns of four instructions; a system call; a write; the end. */
__asm__(".text\n"
        "traced_code:\n\t"
        "movl $5, %ecx\n"
        "loop:\n\tnop\n\tleal 1(%ebx), %ebx\n\tdecl %ecx\n\tjnz loop\n\t"
        "movl $20, %eax\n"
        "loop_call:\n\tint $0x80\n\tmovl %eax, %esi\n"
        "loop_write:\n\tmovl $77, watched\n"
        "loop_written:\n\tfldpi\n\tfldl2t\n"
        "loop_end:\n\tint3\n\tjmp traced_code\n");

extern char traced_code[];

static pid_t begin(void)
{
    int status;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        __asm__ volatile("xorl %%ebx, %%ebx\n\tjmp traced_code" : : : "ebx");
        _exit(1);
    }
    waitpid(child, &status, 0);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    return child;
}

static void end(pid_t child)
{
    int status;

    kill(child, SIGKILL);
    waitpid(child, &status, 0);
}

/* Goes on in this way until the next stop: its signal. */
static int go_on(pid_t child, int request)
{
    int status;

    CHECK(ptrace(request, child, 0, 0) == 0);
    waitpid(child, &status, 0);
    return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

static struct user_regs_struct registers(pid_t child)
{
    struct user_regs_struct r = {0};

    CHECK(ptrace(PTRACE_GETREGS, child, 0, &r) == 0);
    return r;
}

static void start_at(pid_t child, const char *place)
{
    struct user_regs_struct r = registers(child);

    r.eip = (long)place;
    r.ebx = 0;
    CHECK(ptrace(PTRACE_SETREGS, child, 0, &r) == 0);
}

static void say_signal(pid_t child)
{
    siginfo_t info;

    CHECK(ptrace(PTRACE_GETSIGINFO, child, 0, &info) == 0);
    printf("signal %d code %d\n", info.si_signo, info.si_code);
}

static void steps(void)
{
    pid_t child = begin();
    struct user_regs_struct r;
    int count = 0;

    start_at(child, traced_code);
    do {
        CHECK(go_on(child, PTRACE_SINGLESTEP) == SIGTRAP);
        r = registers(child);
        count++;
    } while (r.eip != (long)loop_call && count < 100);
    printf("%d steps to the call, ebx %ld ecx %ld flags %03lx\n", count, r.ebx, r.ecx, r.eflags);
    say_signal(child);
    CHECK(go_on(child, PTRACE_SINGLESTEP) == SIGTRAP);
    r = registers(child);
    printf("over the call: eip +%ld, eax %s\n", r.eip - (long)loop_call,
           r.eax == child ? "its number" : "WRONG");
    say_signal(child);
    CHECK(go_on(child, PTRACE_CONT) == SIGTRAP);
    r = registers(child);
    printf("int3: eip +%ld\n", r.eip - (long)loop_end);
    say_signal(child);
    end(child);
}

static void code_breakpoint(void)
{
    pid_t child = begin();
    struct user_regs_struct r;
    long word;

    start_at(child, traced_code);
    errno = 0;
    word = ptrace(PTRACE_PEEKTEXT, child, loop_write, 0);
    CHECK(errno == 0);
    CHECK(ptrace(PTRACE_POKETEXT, child, loop_write, (word & ~0xFF) | 0xCC) == 0);
    CHECK(go_on(child, PTRACE_CONT) == SIGTRAP);
    r = registers(child);
    printf("breakpoint in code: eip +%ld ebx %ld\n", r.eip - (long)loop_write, r.ebx);
    CHECK(ptrace(PTRACE_POKETEXT, child, loop_write, word) == 0);
    r.eip--;
    CHECK(ptrace(PTRACE_SETREGS, child, 0, &r) == 0);
    CHECK(ptrace(PTRACE_PEEKDATA, child, &watched, 0) == 0);
    CHECK(go_on(child, PTRACE_CONT) == SIGTRAP);
    printf("then: eip +%ld, watched %ld\n", registers(child).eip - (long)loop_end,
           ptrace(PTRACE_PEEKDATA, child, &watched, 0));
    end(child);
}

static long poke(pid_t child, int number, long value)
{
    return ptrace(PTRACE_POKEUSER, child, DEBUGREG(number), value) ? errno : 0;
}

static void debug_registers(void)
{
    pid_t child = begin();
    struct user_regs_struct r;

    start_at(child, traced_code);
    CHECK(poke(child, 0, (long)loop) == 0);
    CHECK(poke(child, 1, (long)&watched) == 0);
    printf("enable: %ld\n", poke(child, 7, 0x00D00005)); /* 0 by execution, 1 by a write of four */
    for (int i = 0; i < 6; i++) {
        CHECK(go_on(child, PTRACE_CONT) == SIGTRAP);
        r = registers(child);
        printf("dr6 %04lx: %s ebx %ld\n", ptrace(PTRACE_PEEKUSER, child, DEBUGREG(6), 0) & 0xFFFF,
               r.eip == (long)loop           ? "loop"
               : r.eip == (long)loop_written ? "written"
                                             : "elsewhere",
               r.ebx);
    }
    say_signal(child);
    CHECK(poke(child, 7, 0) == 0);
    CHECK(go_on(child, PTRACE_CONT) == SIGTRAP);
    printf("off: eip +%ld\n", registers(child).eip - (long)loop_end);
    printf("refused: kernel's %ld, I/O %ld, register 4 %ld\n", poke(child, 2, 0xC0001000),
           poke(child, 7, 0x00200010), poke(child, 4, 0));
    end(child);
}

static void x87(void)
{
    pid_t child = begin();
    struct user_fpregs_struct f;

    start_at(child, traced_code);
    CHECK(go_on(child, PTRACE_CONT) == SIGTRAP);
    CHECK(ptrace(PTRACE_GETFPREGS, child, 0, &f) == 0);
    printf("x87: control %08lx status %08lx tags %08lx ST %08lx %08lx\n", f.cwd, f.swd, f.twd,
           f.st_space[1], f.st_space[3] >> 16);
    f.cwd = 0xFFFF0E7F;
    CHECK(ptrace(PTRACE_SETFPREGS, child, 0, &f) == 0);
    CHECK(ptrace(PTRACE_GETFPREGS, child, 0, &f) == 0);
    printf("changed: %08lx\n", f.cwd);
    start_at(child, loop_written);
    CHECK(go_on(child, PTRACE_CONT) == SIGTRAP);
    CHECK(ptrace(PTRACE_GETFPREGS, child, 0, &f) == 0);
    printf("later: control %08lx status %08lx\n", f.cwd, f.swd);
    end(child);
}

static void calls(void)
{
    pid_t child = begin();
    struct user_regs_struct r;

    start_at(child, traced_code);
    CHECK(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD) == 0);
    printf("system call: %x", (unsigned)go_on(child, PTRACE_SYSCALL));
    r = registers(child);
    printf(" number %ld eax %ld", r.orig_eax, r.eax);
    r.orig_eax = SYS_getppid;
    CHECK(ptrace(PTRACE_SETREGS, child, 0, &r) == 0);
    printf("; after it %x", (unsigned)go_on(child, PTRACE_SYSCALL));
    printf(" %s\n", registers(child).eax == getpid() ? "its parent's number" : "WRONG");
    end(child);
}

static void flags(void)
{
    pid_t child = begin();
    struct user_regs_struct r;

    start_at(child, traced_code);
    r = registers(child);
    r.eflags = 0xED5;
    CHECK(ptrace(PTRACE_SETREGS, child, 0, &r) == 0);
    printf("flags %04lx", registers(child).eflags);
    r.eflags = 0;
    CHECK(ptrace(PTRACE_SETREGS, child, 0, &r) == 0);
    printf(" %04lx\n", registers(child).eflags);
    printf("gs %02lx fs %02lx\n", r.xgs & 0xFFFF, r.xfs & 0xFFFF);
    end(child);
}

int main(void)
{
    steps();
    code_breakpoint();
    debug_registers();
    x87();
    calls();
    flags();
    printf("trace: %d wrong\n", wrong);
    return wrong != 0;
}
