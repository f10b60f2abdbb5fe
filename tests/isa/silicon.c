/* silicon: enters the compatibility segment with a case's state and comes back from its trap. */
#define _GNU_SOURCE
#include "tests/isa/silicon.h"

#include "sim/core/check.h"

#include <asm/ldt.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

/* Type, S, DPL 3 and P in the second word as modify_ldt builds it (accessed bit set, AVL from
 * `useable`). */
#define DESCRIPTOR(base, limit, type, present, d, g)                                               \
    ((uint64_t)((limit) & 0xFFFF) | (uint64_t)((base) & 0xFFFFFF) << 16 |                          \
     (uint64_t)(type) << 40 | (uint64_t)7 << 44 | (uint64_t)(present) << 47 |                      \
     (uint64_t)((limit) >> 16 & 15) << 48 | (uint64_t)1 << 52 | (uint64_t)(d) << 54 |              \
     (uint64_t)(g) << 55 | (uint64_t)((base) >> 24) << 56)

enum { DATA_RO = 1, DATA_RW = 3, DATA_DOWN_RW = 7, CODE_X = 9, CODE_XR = 11 };

const uint64_t isa_ldt[ISA_LDT_COUNT] = {
    DESCRIPTOR(ISA_DATA, 0x0FFF, DATA_RW, 1, 1, 0),
    DESCRIPTOR(ISA_DATA, 0x1FFF, DATA_RO, 1, 1, 0),
    DESCRIPTOR(0, 0x8FFF, DATA_DOWN_RW, 1, 1, 0),
    DESCRIPTOR(0, ISA_CODE + 0x13F, CODE_XR, 1, 1, 0),
    DESCRIPTOR(0, 0xFFFF, CODE_XR, 1, 0, 0),
    DESCRIPTOR(0, 0xFFFF, DATA_RW, 1, 0, 0),
    DESCRIPTOR(0, 0xFFFFF, DATA_RW, 0, 1, 1),
    DESCRIPTOR(0, 0xFFFFF, CODE_X, 1, 1, 0),
    DESCRIPTOR(0, 0x8FFF, DATA_DOWN_RW, 1, 0, 0),
    DESCRIPTOR(ISA_DATA + 3, 0x1FFC, DATA_RW, 1, 1, 0),
};

/* What the assembly below and the handlers share. IRETQ to a 16-bit stack segment leaves bits 31-16
 * of ESP as they were [SDM3 7.4.6]: the frame that it pops lies at an address with these bits. */
#define FRAMES 0x100000000ul
#define FRAME_OFFSET 0x1800

struct fxsave {
    uint16_t control, status;
    uint8_t full, reserved;
    uint16_t opcode;
    uint64_t code_pointer, data_pointer;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
    uint8_t xmm[8][16];
    uint8_t rest[224];
} __attribute__((aligned(16)));

struct silicon_registers {
    struct fxsave fx;
    uint64_t iret_frame;
    uint32_t r[8];
    uint16_t ds, es, fs, gs;
};

_Static_assert(offsetof(struct silicon_registers, iret_frame) == 512, "used by silicon_enter");
_Static_assert(offsetof(struct silicon_registers, ds) == 552, "used by silicon_enter");

void silicon_enter(const struct silicon_registers *in);
void silicon_leave(void);
void silicon_trap_entry(int signal, siginfo_t *info, void *context);
void silicon_tick_entry(int signal, siginfo_t *info, void *context);
void silicon_trap(int signal, siginfo_t *info, void *context);

uint64_t silicon_saved_rsp, silicon_saved_fsbase, silicon_ticks;
static struct isa_outcome *outcome;

/* The entries of the handlers first undo what the case may have left that the kernel does not
 * reset: AC and NT in EFLAGS, and FS, by which this process finds its thread. A case that is
 * still running at the third tick of the timer (20 ms of this process's own time) is endless. */
__asm__(".text\n"
        ".globl silicon_enter\n"
        "silicon_enter:\n"
        "    push %rbx\n    push %rbp\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
        "    mov %rsp, silicon_saved_rsp(%rip)\n"
        "    rdfsbase %rax\n"
        "    mov %rax, silicon_saved_fsbase(%rip)\n"
        "    fxrstor (%rdi)\n"
        "    mov 552(%rdi), %ds\n    mov 554(%rdi), %es\n"
        "    mov 556(%rdi), %fs\n    mov 558(%rdi), %gs\n"
        "    mov 512(%rdi), %rsp\n"
        "    mov 520(%rdi), %eax\n    mov 524(%rdi), %ecx\n"
        "    mov 528(%rdi), %edx\n    mov 532(%rdi), %ebx\n"
        "    mov 540(%rdi), %ebp\n    mov 544(%rdi), %esi\n"
        "    mov 548(%rdi), %edi\n"
        "    xor %r8d, %r8d\n    xor %r9d, %r9d\n    xor %r10d, %r10d\n    xor %r11d, %r11d\n"
        "    xor %r12d, %r12d\n    xor %r13d, %r13d\n    xor %r14d, %r14d\n    xor %r15d, %r15d\n"
        "    iretq\n"
        ".globl silicon_leave\n"
        "silicon_leave:\n"
        "    mov silicon_saved_rsp(%rip), %rsp\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbp\n    pop %rbx\n"
        "    ret\n"
        ".globl silicon_trap_entry\n"
        "silicon_trap_entry:\n"
        "    pushq $0x202\n"
        "    popfq\n"
        "    xor %eax, %eax\n"
        "    mov %fs, %r8d\n"
        "    mov %gs, %r9d\n"
        "    mov %eax, %fs\n"
        "    mov %eax, %gs\n"
        "    mov silicon_saved_fsbase(%rip), %rax\n"
        "    wrfsbase %rax\n"
        "    mov %r8d, silicon_fs(%rip)\n"
        "    mov %r9d, silicon_gs(%rip)\n"
        "    jmp silicon_trap\n"
        ".globl silicon_tick_entry\n"
        "silicon_tick_entry:\n"
        "    pushq $0x202\n"
        "    popfq\n"
        "    incq silicon_ticks(%rip)\n"
        "    cmpq $3, silicon_ticks(%rip)\n"
        "    jae silicon_trap_entry\n"
        "    ret\n"
        ".bss\n"
        ".globl silicon_fs\nsilicon_fs: .long 0\n"
        ".globl silicon_gs\nsilicon_gs: .long 0\n"
        ".text\n");

extern uint32_t silicon_fs, silicon_gs;

static void take_registers(struct isa_state *s, const ucontext_t *u)
{
    static const int index[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                                 REG_RSP, REG_RBP, REG_RSI, REG_RDI};
    const greg_t *g = u->uc_mcontext.gregs;
    for (int i = 0; i < 8; i++)
        s->r[i] = (uint32_t)g[index[i]];
    s->eip = (uint32_t)g[REG_RIP];
    s->eflags = (uint32_t)g[REG_EFL];
    uint16_t data_selectors[2];
    __asm__ volatile("mov %%ds, %0\n mov %%es, %1"
                     : "=m"(data_selectors[0]), "=m"(data_selectors[1]));
    s->selector[0] = data_selectors[1];
    s->selector[1] = (uint16_t)g[REG_CSGSFS];
    s->selector[2] = (uint16_t)((uint64_t)g[REG_CSGSFS] >> 48);
    s->selector[3] = data_selectors[0];
    s->selector[4] = (uint16_t)silicon_fs;
    s->selector[5] = (uint16_t)silicon_gs;
}

static void take_x87(struct isa_x87 *x, const struct fxsave *f)
{
    x->control = f->control;
    x->status = f->status;
    x->full = f->full;
    for (int i = 0; i < 8; i++)
        memcpy(x->st[i], f->st[i], 10);
}

static void take_sse(struct isa_state *s, const struct fxsave *f)
{
    s->mxcsr = f->mxcsr;
    memcpy(s->xmm, f->xmm, sizeof s->xmm);
}

/* Not static: jumped to by silicon_trap_entry. Never returns to the kernel. */
void silicon_trap(int signal, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    const greg_t *g = u->uc_mcontext.gregs;
    bool in_64_bit = (g[REG_CSGSFS] & 0xFFFF) == 0x33;
    bool in_host = in_64_bit && (uint64_t)g[REG_RIP] >> 32;
    if (in_host && signal == SIGVTALRM)
        return; /* the host's code may take its time */
    if (in_host) {
        /* The host's own fault, not a case's: say so and die of it. */
        fprintf(stderr, "silicon: signal %d in 64-bit code at silicon_run%+lld, address %p\n",
                signal, (long long)g[REG_RIP] - (long long)(intptr_t)silicon_run, info->si_addr);
        _exit(1);
    }
    struct isa_outcome *o = outcome;
    o->timeout = signal == SIGVTALRM;
    take_registers(&o->state, u);
    take_x87(&o->state.x87, (const struct fxsave *)u->uc_mcontext.fpregs);
    take_sse(&o->state, (const struct fxsave *)u->uc_mcontext.fpregs);
    o->vector = (uint8_t)g[REG_TRAPNO];
    o->error = (uint32_t)g[REG_ERR];
    if (signal == SIGSYS || in_64_bit)
        o->vector = SILICON_STRAYED;
    o->cr2 = o->vector == 14 ? (uint32_t)g[REG_CR2] : 0;
    silicon_leave();
}

static void *frame_page(uint32_t high)
{
    return (void *)(FRAMES + high + (FRAME_OFFSET & ~0xFFFu));
}

static bool map_frame(uint32_t high)
{
    void *page = frame_page(high);
    return mmap(page, 0x1000, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == page;
}

void silicon_run(const struct isa_state *in, struct isa_outcome *out)
{
    static struct silicon_registers regs;
    memset(&regs.fx, 0, 32);
    regs.fx.control = in->x87.control;
    regs.fx.status = in->x87.status;
    regs.fx.full = in->x87.full;
    regs.fx.mxcsr = in->mxcsr;
    memcpy(regs.fx.xmm, in->xmm, sizeof in->xmm);
    for (int i = 0; i < 8; i++)
        memcpy(regs.fx.st[i], in->x87.st[i], 10);
    uint64_t frame[5] = {in->eip, in->selector[1], in->eflags, in->r[4], in->selector[2]};
    uint32_t high = isa_is_16_bit(in->selector[2]) ? in->r[4] & 0xFFFF0000u : 0;
    regs.iret_frame = FRAMES + FRAME_OFFSET + high;
    CHECK(!high || map_frame(high));
    memcpy((void *)regs.iret_frame, frame, sizeof frame);
    memcpy(regs.r, in->r, sizeof regs.r);
    regs.es = in->selector[0];
    regs.ds = in->selector[3];
    regs.fs = in->selector[4];
    regs.gs = in->selector[5];
    outcome = out;
    silicon_ticks = 0;
    silicon_enter(&regs);
    if (high)
        munmap(frame_page(high), 0x1000);
}

/* --- opening ---------------------------------------------------------------------------------- */
static bool low_memory_is_free(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    bool is_free = f != NULL;
    while (f && fgets(line, sizeof line, f)) {
        uint64_t first;
        if (sscanf(line, "%" SCNx64, &first) == 1 && first < 0x100000000u) {
            fprintf(stderr, "silicon: something is mapped below 4 GB: %s", line);
            is_free = false;
        }
    }
    if (f)
        fclose(f);
    return is_free;
}

static uint8_t *map_at(int fd, uint32_t low, size_t offset, size_t size, int protection)
{
    void *guest = mmap((void *)(uintptr_t)low, size, protection,
                       MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, (off_t)offset);
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
                      (off_t)offset);
    if (guest == MAP_FAILED || host == MAP_FAILED)
        return NULL;
    memset(host, 0, size);
    return host;
}

static bool map_windows(struct isa_memory *m)
{
    int fd = memfd_create("isa", 0);
    if (fd < 0 || ftruncate(fd, ISA_CODE_SIZE + ISA_DATA_SIZE + ISA_FIXED_SIZE) != 0)
        return false;
    m->code = map_at(fd, ISA_CODE, 0, ISA_CODE_SIZE, PROT_READ | PROT_EXEC);
    m->data = map_at(fd, ISA_DATA, ISA_CODE_SIZE, ISA_DATA_SIZE,
                     PROT_READ | PROT_WRITE | PROT_EXEC);
    m->fixed = map_at(fd, ISA_FIXED, ISA_CODE_SIZE + ISA_DATA_SIZE, ISA_FIXED_SIZE,
                      PROT_READ | PROT_EXEC);
    close(fd);
    return m->code && m->data && m->fixed && map_frame(0);
}

static bool write_ldt(void)
{
    for (unsigned i = 0; i < ISA_LDT_COUNT; i++) {
        uint64_t d = isa_ldt[i];
        unsigned type = d >> 40 & 15;
        struct user_desc u = {
            .entry_number = i,
            .base_addr = (uint32_t)(d >> 16 & 0xFFFFFF) | (uint32_t)(d >> 56) << 24,
            .limit = (uint32_t)(d & 0xFFFF) | (uint32_t)(d >> 48 & 15) << 16,
            .seg_32bit = d >> 54 & 1,
            .contents = type >> 2,
            .read_exec_only = !(type & 2),
            .limit_in_pages = d >> 55 & 1,
            .seg_not_present = !(d >> 47 & 1),
            .useable = 1,
        };
        if (syscall(SYS_modify_ldt, 0x11, &u, sizeof u) != 0)
            return false;
    }
    return true;
}

/* No 32-bit system calls: SIGSYS instead. */
static bool refuse_system_calls(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_COUNT(filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool install_handlers(void)
{
    static uint8_t stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    if (sigaltstack(&alternate, NULL) != 0)
        return false;
    static const int traps[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS, SIGSYS};
    struct sigaction a = {.sa_sigaction = silicon_trap_entry,
                          .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (unsigned i = 0; i < ARRAY_COUNT(traps); i++)
        sigaction(traps[i], &a, NULL);
    a.sa_sigaction = silicon_tick_entry;
    a.sa_flags |= SA_RESTART;
    sigaction(SIGVTALRM, &a, NULL);
    struct itimerval tick = {{0, 20000}, {0, 20000}};
    return setitimer(ITIMER_VIRTUAL, &tick, NULL) == 0;
}

bool silicon_open(struct isa_memory *memory)
{
    if (!low_memory_is_free())
        return false;
    if (!map_windows(memory)) {
        fprintf(stderr, "silicon: cannot map the windows below 64 KB and the frames above 4 GB\n");
        return false;
    }
    if (!write_ldt()) {
        fprintf(stderr, "silicon: this kernel has no modify_ldt\n");
        return false;
    }
    if (!refuse_system_calls()) {
        fprintf(stderr, "silicon: this kernel has no seccomp filters\n");
        return false;
    }
    return install_handlers();
}
