/* traps.c: what a program's exceptions mean to the kernel [L4X2 5.2, 5.3]. Some it settles itself:
 * the system call KernelInterface (an undefined instruction), the x87's owner, segment registers,
 * page faults of sigma0 and in the small spaces' area. The rest becomes a message to the pager or
 * the exception handler. */
#include "arch/cpu.h"

#include "api/ipc.h"
#include "api/kip.h"
#include "api/scheduler.h"
#include "arch/instruction.h"
#include "arch/offsets.h"
#include "debugger/print.h"
#include "platform/platform.h"
#include "state.h"

enum vector {
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_BP = 3,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = VECTOR_PAGE_FAULT,
};

/* Page fault error code. */
#define PF_PRESENT 1u
#define PF_WRITE   2u


/* #GP error code: the selector index is a gate's. */
#define GP_IDT 2u

static bool is_user(const struct trap_frame *f)
{
    return f->cs & 3;
}

static void exception(struct trap_frame *f, word_t vector, word_t error)
{
    if (current()->space->foreign)
        foreign_exception(current(), vector, error,
                          vector == VECTOR_DB ? foreign_debug_status() : 0);
    else
        exception_ipc(f, vector, error);
}

/* --- page faults ----------------------------------------------------------------------------- */

HOT static void page_fault(struct trap_frame *f)
{
    struct tcb *t = current();
    struct space *s = t->space;
    word_t la = read_cr2();
    bool write = f->error & PF_WRITE;

    if (la >= SMALL_AREA && !(f->error & PF_PRESENT) && small_area_resolve(la))
        return;
    vaddr_t va = la - s->small_base < s->small_size ? la - s->small_base : la;
    if (s->is_sigma0 && !(f->error & PF_PRESENT) && space_sigma0_fill(s, va))
        return;
    if (s->foreign)
        foreign_exception(t, VECTOR_PF, f->error, va);
    else
        page_fault_ipc(t, va, f->eip, write);
}

/* --- undefined instructions and general protection ------------------------------------------- */

/* The bytes F0 90, which no processor executes, ask for the kernel interface page. */
static bool kernel_interface(struct trap_frame *f)
{
    struct space *s = current()->space;
    uint8_t code[2];
    if (!space_read(s, f->eip, code, 2) || code[0] != 0xF0 || code[1] != 0x90)
        return false;
    f->eip += 2;
    f->eax = s->kip_area & 0xFFFFFC00;
    f->ecx = kip.api_version;
    f->edx = kip.api_flags;
    f->esi = kip.kernel.id;
    return true;
}

/* Somebody left a null or a wrong selector in a register: the way out of the kernel loads the
 * right ones, but for FS, so the instruction need only be tried again. FS is null until a program
 * uses it. */
static bool selectors_wrong(const struct trap_frame *f)
{
    word_t fs, gs;
    __asm__ volatile("movl %%fs, %0\n\tmovl %%gs, %1" : "=r"(fs), "=r"(gs));
    word_t ds = f->esp_ignored & 0xFFFF, es = f->esp_ignored >> 16;
    __asm__ volatile("movl %0, %%fs" : : "r"(USER_DS));
    return ds != USER_DS || es != USER_DS || (fs & 0xFFFF) != USER_DS || (gs & 0xFFFF) != USER_GS;
}

static bool privileged_msr(struct trap_frame *f, const struct instruction *i)
{
    word_t value[2] = {f->eax, f->edx};
    bool is_read = i->opcode == 0x0F32, is_write = i->opcode == 0x0F30;
    if (!(is_read || is_write) || !current()->space->privileged || !cpu_has_msr())
        return false;
    if (is_read ? !msr_read(f->ecx, value) : !msr_write(f->ecx, value))
        return false;
    f->eax = value[0];
    f->edx = value[1];
    f->eip += i->length;
    return true;
}

/* A segment register loaded with what the program may not have: it keeps the default, and the
 * instruction is passed over. */
static bool segment_load(struct trap_frame *f, const struct instruction *i)
{
    if (!i->loads_segment)
        return false;
    f->eip += i->length;
    f->esp += i->pops;
    return true;
}

static bool general_protection(struct trap_frame *f)
{
    struct space *s = current()->space;
    struct instruction i;

    if (f->error & GP_IDT || s->foreign)
        return false;
    if (instruction_read(s, f->eip, &i) && (segment_load(f, &i) || privileged_msr(f, &i)))
        return true;
    if (f->error != 0)
        return false;
    if (ports_fault(f))
        return true;
    if (selectors_wrong(f))
        return true;
    /* Beyond a small space's limit? As a large space it may go there; if the cause was another
     * one, the fault comes again. */
    if (s->small_size != 0) {
        print("kernel: %08x goes beyond its small space: large now\n", current()->id);
        space_make_large(s);
        return true;
    }
    return false;
}

/* --- faults of the kernel itself ------------------------------------------------------------- */

static bool is_iret(word_t eip)
{
    extern const word_t iret_addresses[];
    for (const word_t *a = iret_addresses; *a; a++)
        if (*a == eip)
            return true;
    return false;
}

/* IRET found that the program's EIP lies beyond its segment: the program's fault, which the
 * processor noticed while still in the kernel. It pushed no ESP and SS; in their place is what
 * IRET was to take. */
static struct trap_frame *return_fault(const struct trap_frame *f)
{
    struct trap_frame *user = thread_frame(current());
    ASSERT(&f->esp == &user->eip);
    __builtin_memmove(user, f, offsetof(struct trap_frame, eip));
    return user;
}

/* Instructions of the kernel that may fault, and where it goes on then (entry.S, fast_path.S). */
static bool fixed_up(struct trap_frame *f)
{
    extern const struct fixup {
        word_t vector, at, to;
    } fixups[];
    for (const struct fixup *x = fixups; x->at; x++)
        if (x->vector == f->vector && x->at == f->eip) {
            f->eip = x->to;
            return true;
        }
    return false;
}

/* What can be repaired, is: returns the frame to go on with. */
static struct trap_frame *kernel_fault(struct trap_frame *f)
{
    if (fixed_up(f))
        return f;
    if (f->vector == VECTOR_GP && is_iret(f->eip)) {
        f = return_fault(f);
        if (!general_protection(f))
            exception(f, VECTOR_GP, 0);
        return f;
    }
    /* The trap flag of a program survives SYSENTER; and a breakpoint on what MOV to SS reads waits
     * for the next instruction to end, which may be one that enters the kernel. */
    if (f->vector == VECTOR_DB) {
        f->eflags &= ~EFLAGS_TF;
        foreign_debug_status();
        return f;
    }
    if (f->vector == VECTOR_NMI) {
        print("kernel: NMI at %08x\n", f->eip);
        return f;
    }
    print("fault address %08x, thread %08x\n", read_cr2(), kernel.current ? current()->id : 0);
    panic_frame(f, "fault in the kernel");
}

void double_fault(void)
{
    panic("double fault in the kernel, thread %08x: most likely its stack is full",
          kernel.current ? current()->id : 0);
}

/* --- all ------------------------------------------------------------------------------------- */

/* Settles the fault in the kernel, or returns false after which it is the exception handler's:
 * *vector and the frame's error code may have become those of another one. */
static bool user_fault(struct trap_frame *f, word_t *vector)
{
    switch (*vector) {
    case VECTOR_PF:
        page_fault(f);
        return true;
    case VECTOR_NM:
        return fpu_take();
    case VECTOR_UD:
        return kernel_interface(f);
    case VECTOR_SS:
    case VECTOR_GP:
        return general_protection(f);
    case VECTOR_BP:
        if (current()->space->foreign)
            return false;
        /* Without the debugger's marks it is an INT like any other that has no gate [L4X2 2]. */
        if (debugger_breakpoint(f))
            return true;
        f->eip--;
        f->error = VECTOR_BP * 8 + GP_IDT;
        *vector = VECTOR_GP;
        return false;
    case VECTOR_NMI:
        print("kernel: NMI at user %08x\n", f->eip);
        return true;
    default:
        return false;
    }
}

/* No program can be in virtual-8086 mode, since only the kernel's IRET could bring it there; but
 * QEMU's emulation takes the flag from IRET at any privilege. Four segment registers more lie
 * above the frame then. The program goes on in protected mode, where it most likely faults. */
static struct trap_frame *leave_virtual_8086(const struct trap_frame *f)
{
    struct trap_frame *user = thread_frame(current());
    __builtin_memmove(user, f, sizeof *user);
    user->cs = USER_CS;
    user->ss = USER_DS;
    user->eflags &= ~EFLAGS_VM;
    return user;
}

HOT struct trap_frame *trap(struct trap_frame *f)
{
    if (f->eflags & EFLAGS_VM)
        f = leave_virtual_8086(f);
    word_t vector = f->vector;

    if (!is_user(f))
        return kernel_fault(f);
    if (!user_fault(f, &vector))
        exception(f, vector, f->error);
    return f;
}

struct trap_frame *interrupt(struct trap_frame *f)
{
    if (f->eflags & EFLAGS_VM)
        f = leave_virtual_8086(f);
    word_t line = f->vector - 0x20;

    if (pic_spurious(line))
        return f;
    if (line == CLOCK_LINE) {
        clock_acknowledge();
        pic_acknowledge(line);
        debugger_poll(f);
        scheduler_tick();
        return f;
    }
    pic_mask(line);
    pic_acknowledge(line);
    interrupt_fired(line);
    return f;
}
