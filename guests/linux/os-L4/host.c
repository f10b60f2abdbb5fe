// SPDX-License-Identifier: GPL-2.0-only
/* host.c: what Linux's user-mode architecture asks of a host and this one answers in a line: its
 * name, its features, and the files, descriptors and helper programs that it does not have. */
#include <errno.h>
#include <string.h>
#include <as-layout.h>
#include <irq_user.h>
#include <os.h>
#include <registers.h>
#include <skas.h>
#include "layer.h"
#include "state.h"

#define CPUID_FXSR 24

/* --- start-up --------------------------------------------------------------------------------- */

void os_early_checks(void)
{
    word_t eax = 1, ebx, ecx = 0, edx;

    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    have_fpx_regs = edx >> CPUID_FXSR & 1;
}

void os_check_bugs(void)
{
}

void get_host_cpu_features(void (*flags)(char *line), void (*cache)(char *line))
{
    (void)flags, (void)cache;
}

void setup_machinename(char *machine)
{
    strcpy(machine, "i586");
}

void setup_hostinfo(char *text, int length)
{
    strlcpy(text, "L4 X.2", (size_t)length);
}

int set_umid(char *name)
{
    (void)name;
    return 0;
}

char *get_umid(void)
{
    return "l4";
}

int parse_iomem(char *text, int *add)
{
    (void)text, (void)add;
    return 0;
}

int os_getpid(void)
{
    return (int)THREAD_SERVER;
}

/* There is no chance on this machine that two runs should share: always the same seed. */
ssize_t os_getrandom(void *to, size_t length, unsigned int flags)
{
    (void)flags;
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)to)[i] = (unsigned char)(i * 37 + 11);
    return (ssize_t)length;
}

/* --- registers of a new process --------------------------------------------------------------- */

void get_safe_registers(unsigned long *regs, unsigned long *fp)
{
    memset(regs, 0, MAX_REG_NR * sizeof(*regs));
    regs[HOST_CS] = 0x1B;
    regs[HOST_DS] = regs[HOST_ES] = regs[HOST_SS] = 0x23;
    regs[HOST_EFLAGS] = 0x202;
    if (fp) /* uml_pt_regs.gp and .fp */
        layer_begin_anew((struct uml_pt_regs *)regs);
}

/* --- descriptors that would interrupt --------------------------------------------------------- */

int os_setup_epoll(void)
{
    return 0;
}

int os_add_epoll_fd(int events, int fd, void *data)
{
    (void)events, (void)fd, (void)data;
    return 0;
}

int os_mod_epoll_fd(int events, int fd, void *data)
{
    (void)events, (void)fd, (void)data;
    return 0;
}

int os_del_epoll_fd(int fd)
{
    (void)fd;
    return 0;
}

int os_waiting_for_events_epoll(void)
{
    return 0;
}

int os_epoll_triggered(int index, int events)
{
    (void)index, (void)events;
    return 0;
}

void *os_epoll_get_data_pointer(int index)
{
    (void)index;
    return NULL;
}

int os_event_mask(enum um_irq_type type)
{
    (void)type;
    return 0;
}

void os_set_ioignore(void)
{
}

void os_close_epoll_fd(void)
{
}

int os_set_fd_async(int fd)
{
    (void)fd;
    return 0;
}

int os_clear_fd_async(int fd)
{
    (void)fd;
    return 0;
}

int os_set_fd_block(int fd, int blocking)
{
    (void)fd, (void)blocking;
    return 0;
}

int add_sigio_fd(int fd)
{
    (void)fd;
    return 0;
}

int ignore_sigio_fd(int fd)
{
    (void)fd;
    return 0;
}

void maybe_sigio_broken(int fd)
{
    (void)fd;
}

void sigio_broken(int fd)
{
    (void)fd;
}

/* --- what only a host process has ------------------------------------------------------------- */

/* There is no vDSO, and without the option syscalls= no emulation page: processes make their system
 * calls by INT 80h. */
long elf_aux_hwcap;
char *elf_aux_platform = "i586";
unsigned long vsyscall_ehdr, vsyscall_end, __kernel_vsyscall;
int have_fpx_regs;

unsigned long get_thread_reg(int reg, jmp_buf *buffer)
{
    switch (reg) {
    case HOST_IP: return (*buffer)[0].__eip;
    case HOST_SP: return (*buffer)[0].__esp;
    case HOST_BP: return (*buffer)[0].__ebp;
    default: return 0;
    }
}

void arch_check_bugs(void)
{
}

void arch_examine_signal(int signal, struct uml_pt_regs *regs)
{
    (void)signal, (void)regs;
}

void free_irqs(void)
{
}

long syscall(long number, ...)
{
    (void)number;
    return -ENOSYS;
}
