// sys.h: the little that a freestanding program needs beyond text.h: Linux system calls, by their
// numbers for IA-32 (arch/x86/entry/syscalls/syscall_32.tbl of Linux). Each returns the kernel's
// result, negative for an error.
#pragma once
#include "text.h"

enum {
    SYS_EXIT = 1,
    SYS_FORK = 2,
    SYS_READ = 3,
    SYS_WRITE = 4,
    SYS_OPEN = 5,
    SYS_CLOSE = 6,
    SYS_WAITPID = 7,
    SYS_UNLINK = 10,
    SYS_EXECVE = 11,
    SYS_LSEEK = 19,
    SYS_GETPID = 20,
    SYS_KILL = 37,
    SYS_PIPE = 42,
    SYS_IOCTL = 54,
    SYS_GETPPID = 64,
    SYS_MMAP = 90, // the old one: its arguments lie in memory, so that six need no EBP
    SYS_MUNMAP = 91,
    SYS_SOCKETCALL = 102,
    SYS_STAT = 106,
    SYS_FSTAT = 108,
    SYS_SYSINFO = 116,
    SYS_MPROTECT = 125,
    SYS_POLL = 168,
    SYS_RT_SIGACTION = 174,
};

// Where to call for a system call; 0: INT 80h does it. See sys_choose.
static unsigned sys_entry;

#define SYS_ENTER                                                                                  \
    "cmpl $0, %[entry]\n\tjne 1f\n\tint $0x80\n\tjmp 2f\n1:\tcall *%[entry]\n2:"

static inline int sys3(int number, int a, int b, int c)
{
    int result;
    __asm__ volatile(SYS_ENTER
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c), [entry] "m"(sys_entry)
                     : "memory", "cc");
    return result;
}

static inline int sys4(int number, int a, int b, int c, int d)
{
    int result;
    __asm__ volatile(SYS_ENTER
                     : "=a"(result)
                     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), [entry] "m"(sys_entry)
                     : "memory", "cc");
    return result;
}

static inline int sys0(int number) { return sys3(number, 0, 0, 0); }
static inline int sys1(int number, int a) { return sys3(number, a, 0, 0); }
static inline int sys2(int number, int a, int b) { return sys3(number, a, b, 0); }

enum { AT_SYSINFO = 32 };

// What Linux announces as the place to call: above the environment, which is above the arguments;
// 0: nothing.
static inline unsigned sys_announced(char **argv)
{
    unsigned *word = (unsigned *)argv;
    for (unsigned lists = 0; lists < 2; word++)
        lists += *word == 0;
    while (*word && *word != AT_SYSINFO)
        word += 2;
    return *word ? word[1] : 0;
}

static inline int text_equal(const char *a, const char *b)
{
    for (; *a && *a == *b; a++)
        b++;
    return *a == *b;
}

// With SYSCALLS=library in the environment system calls go where Linux announces, as a C library's
// do, else by INT 80h. False: nothing is announced.
static inline int sys_choose(char **argv)
{
    char **variable = argv;
    while (*variable)
        variable++;
    for (variable++; *variable; variable++)
        if (text_equal(*variable, "SYSCALLS=library"))
            return (sys_entry = sys_announced(argv)) != 0;
    return 1;
}

static inline void line_write(struct line *line)
{
    line_char(line, '\n');
    sys3(SYS_WRITE, 1, (int)line->text, (int)line->length);
    line->length = 0;
}
