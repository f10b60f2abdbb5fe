// SPDX-License-Identifier: GPL-2.0-only
/* process.c: Linux's processes. Each address space is an L4 space with one thread, whose faults,
 * system calls and other exceptions come here as messages with its registers, and which goes on
 * with the registers of the answer.
 *
 * A new space is empty; its pages come one by one with the answers to its faults. The layer keeps a
 * shadow of what each space has been given, so that it knows what to take back when Linux changes a
 * page table. A space that is not needed any more is emptied and kept for the next process: to make
 * one, with its page tables, and to take it down costs as much as fifty faults. */
#include <errno.h>
#include <string.h>
#include <l4/task.h>
#include <l4/thread.h>
#include <as-layout.h>
#include <kern_util.h>
#include <mem_user.h>
#include <os.h>
#include <skas.h>
#include <sysdep/ptrace.h>
#include <sysdep/ptrace_user.h>
#include "layer.h"
#include "place.h"
#include "state.h"

#define ERROR_PRESENT     1u /* in a page fault's error */
#define VECTOR_GP         13u
#define ERROR_INT_80      (0x80u << 3 | 2u)
#define ERROR_INT_30      (0x30u << 3 | 2u)
#define EFLAGS_TF         0x100u
#define EFLAGS_RF         0x10000u
#define EIP_NOWHERE       0xFFFFFFFCu

/* Linux is built so that locals begin as zeros, which takes 90 cycles for a frame of registers; a
 * message of the process's own has no use for it. */
#define UNINITIALIZED __attribute__((uninitialized))

/* A shadow entry: the frame's offset in Linux's physical memory, the rights, and a mark. */
#define SHADOW_VALID 8u
#define SHADOW_PER_TABLE 1024u
#define REGION_SHIFT 22
#define REGIONS      (PROCESS_TOP >> REGION_SHIFT)

/* The entries of 4 MB. Some from `first` to before `end` are valid, and none elsewhere. */
struct shadow {
    word_t *entries; /* NULL: none has been made yet */
    uint16_t first, end;
};

enum doing { STOPPED, RUNS, CALLS };

struct process {
    bool used; /* else it is kept for the next one */
    l4_thread_id thread;
    enum doing doing;
    struct library_place caller; /* of the call of its own that it has sent: CALLS (library.c) */
    word_t result; /* the last such answer */
    struct process_state state;
    uint32_t regions[REGIONS / 32 + 1]; /* bit set: the region's entries have been made */
    struct shadow shadow[REGIONS];
};

/* A space that is kept has some 50 KB of the microkernel's memory. */
#define KEPT_MAX 8

static struct process *processes[PROCESS_MAX];
static word_t kept_count;
#define PROCESS_ORDER 1 /* pages, as a power of two */
_Static_assert(sizeof(struct process) <= PAGE_BYTES << PROCESS_ORDER, "");
int userspace_pid[1];
int kill_userspace_mm[1];

static struct process *process_of(int pid)
{
    return processes[(word_t)pid - THREAD_PROCESS];
}

struct process_state *state_of_process(uint32_t number)
{
    struct process *p = number && number <= PROCESS_MAX ? processes[number - 1] : NULL;

    return p ? &p->state : NULL;
}

/* --- the shadow ------------------------------------------------------------------------------- */

/* NULL: no memory for it. */
static word_t *shadow_entry(struct process *p, word_t address)
{
    word_t region = address >> REGION_SHIFT, index = address / PAGE_BYTES % SHADOW_PER_TABLE;
    struct shadow *s = &p->shadow[region];

    if (!s->entries) {
        s->entries = (word_t *)alloc_stack(0, 1);
        if (!s->entries)
            return NULL;
        memset(s->entries, 0, PAGE_BYTES);
        p->regions[region / 32] |= 1u << region % 32;
    }
    if (s->first == s->end)
        s->first = s->end = (uint16_t)index;
    if (index < s->first)
        s->first = (uint16_t)index;
    if (index >= s->end)
        s->end = (uint16_t)(index + 1);
    return &s->entries[index];
}

/* The first region with entries, from this one on; REGIONS: there is none. */
static word_t next_region(const struct process *p, word_t region)
{
    while (region < REGIONS) {
        uint32_t rest = p->regions[region / 32] >> region % 32;

        if (rest)
            return region + (word_t)__builtin_ctz(rest);
        region = (region | 31) + 1;
    }
    return REGIONS;
}

static void shadow_free(struct process *p)
{
    for (word_t i = 0; (i = next_region(p, i)) < REGIONS; i++)
        free_stack((unsigned long)p->shadow[i].entries, 0);
}

/* --- taking pages back ------------------------------------------------------------------------ */

struct revocation {
    struct process *process;
    word_t count;
};

static void take_back_now(struct revocation *r)
{
    if (r->count && !l4_foreign_state(r->process->thread, L4_STATE_UNMAP, (void *)r->count))
        layer_panic("process thread %08x keeps its pages: error %u", r->process->thread,
                    l4_error_code());
    r->count = 0;
}

static void take_back(struct revocation *r, word_t address, word_t rights)
{
    if (r->count == L4_MR_COUNT)
        take_back_now(r);
    l4_set_mr(r->count++, l4_make_fpage(address, 12, rights));
}

typedef void action(struct revocation *r, word_t *entry, word_t address, word_t argument);

/* Calls for each page in the range that the process has. */
static void for_each_page(struct process *p, word_t address, word_t length, action *action,
                          word_t argument)
{
    struct revocation r = {p, 0};
    word_t first = address / PAGE_BYTES, last = (address + length - 1) / PAGE_BYTES;

    if (last >= PROCESS_TOP / PAGE_BYTES)
        last = PROCESS_TOP / PAGE_BYTES - 1;
    for (word_t region = first / SHADOW_PER_TABLE;
         (region = next_region(p, region)) <= last / SHADOW_PER_TABLE; region++) {
        struct shadow *s = &p->shadow[region];
        word_t base = region * SHADOW_PER_TABLE, at = base + s->first, end = base + s->end;

        if (at < first)
            at = first;
        if (end > last + 1)
            end = last + 1;
        for (; at < end; at++)
            if (s->entries[at - base] & SHADOW_VALID)
                action(&r, &s->entries[at - base], at * PAGE_BYTES, argument);
    }
    take_back_now(&r);
}

static void drop(struct revocation *r, word_t *entry, word_t address, word_t unused)
{
    (void)unused;
    take_back(r, address, L4_FULLY_ACCESSIBLE);
    *entry = 0;
}

/* The page behind AT_SYSINFO is not in the shadow: it stays, as what each process has. */
static void drop_all(struct process *p)
{
    for_each_page(p, 0, PROCESS_TOP, drop, 0);
    for (word_t i = 0; (i = next_region(p, i)) < REGIONS; i++)
        p->shadow[i].first = p->shadow[i].end = 0;
}

/* UM_PROT_READ, _WRITE and _EXEC are L4's rights in the opposite order. */
static word_t rights_of(unsigned int protection)
{
    return (protection & UM_PROT_READ ? L4_READABLE | L4_EXECUTABLE : 0) |
           (protection & UM_PROT_EXEC ? L4_READABLE | L4_EXECUTABLE : 0) |
           (protection & UM_PROT_WRITE ? L4_WRITABLE | L4_READABLE | L4_EXECUTABLE : 0);
}

static void restrict_to(struct revocation *r, word_t *entry, word_t address, word_t rights)
{
    word_t lost = *entry & L4_FULLY_ACCESSIBLE & ~rights;

    if (!(rights & L4_READABLE)) {
        drop(r, entry, address, 0);
    } else if (lost) {
        take_back(r, address, lost);
        *entry &= ~lost;
    }
}

int unmap(struct mm_id *id, unsigned long address, unsigned long length, int done, void **data)
{
    (void)done, (void)data;
    for_each_page(process_of(id->u.pid), address, length, drop, 0);
    return 0;
}

int protect(struct mm_id *id, unsigned long address, unsigned long length, unsigned int protection,
            int done, void **data)
{
    (void)done, (void)data;
    for_each_page(process_of(id->u.pid), address, length, restrict_to, rights_of(protection));
    return 0;
}

/* The page comes with the next fault. What was there goes. */
int map(struct mm_id *id, unsigned long address, unsigned long length, int protection, int fd,
        unsigned long long offset, int done, void **data)
{
    (void)protection, (void)fd, (void)offset;
    return unmap(id, address, length, done, data);
}

long run_syscall_stub(struct mm_id *id, int number, unsigned long *args, long expected,
                      void **address, int done)
{
    (void)id, (void)number, (void)args, (void)expected, (void)address, (void)done;
    return -ENOSYS;
}

long syscall_stub_data(struct mm_id *id, unsigned long *data, int count, void **address,
                       void **stub)
{
    (void)id, (void)data, (void)count, (void)address, (void)stub;
    return 0;
}

/* --- spaces come and go ----------------------------------------------------------------------- */

/* The new thread starts where nothing is, and so it waits for registers. */
static bool await_registers(l4_thread_id thread)
{
    l4_put_start_message(EIP_NOWHERE, 0);
    return !l4_tag_failed(l4_send(thread)) && !l4_tag_failed(l4_receive(thread));
}

static void process_free(word_t index)
{
    shadow_free(processes[index]);
    free_stack((unsigned long)processes[index], PROCESS_ORDER);
    processes[index] = NULL;
}

/* False: no memory, here or in the microkernel. */
static bool process_new(word_t index)
{
    struct process *p = (struct process *)alloc_stack(PROCESS_ORDER, 0);

    if (!p)
        return false;
    memset(p, 0, sizeof(*p));
    processes[index] = p;
    p->thread = layer_place->space(index);
    if (!p->thread) {
        process_free(index);
        return false;
    }
    if (!l4_set_priority(p->thread, PRIORITY_PROCESS) || !await_registers(p->thread))
        layer_panic("process thread %08x does not start: error %u", p->thread, l4_error_code());
    return true;
}

/* A place with a space that is kept, or else one without any; PROCESS_MAX: all are in use. */
static word_t find_place(void)
{
    word_t place = PROCESS_MAX;

    for (word_t i = 0; i < PROCESS_MAX && (kept_count || place == PROCESS_MAX); i++) {
        if (processes[i] && !processes[i]->used)
            return i;
        if (!processes[i] && place == PROCESS_MAX)
            place = i;
    }
    return place;
}

int start_userspace(unsigned long unused)
{
    word_t place = find_place();
    struct process *p;

    (void)unused;
    if (place == PROCESS_MAX)
        return -EAGAIN;
    if (processes[place])
        kept_count--;
    else if (!process_new(place))
        return -ENOMEM;
    p = processes[place];
    p->used = true;
    p->state = (struct process_state){.thread = p->thread, .number = place + 1};
    if (!library_prepare(p->thread))
        layer_panic("process thread %08x has no trampoline: error %u", p->thread, l4_error_code());
    return (int)(THREAD_PROCESS + place);
}

int copy_context_skas0(unsigned long stack, int pid)
{
    (void)pid;
    return start_userspace(stack);
}

/* Nothing of the process stays in its space. The thread waits for registers, as a new one does. */
static void keep(struct process *p)
{
    if (p->doing == CALLS)
        library_recall(p->thread);
    p->doing = STOPPED;
    drop_all(p);
    if (!l4_foreign_state(p->thread, L4_STATE_RESET, NULL))
        layer_panic("process thread %08x keeps its state: error %u", p->thread, l4_error_code());
    p->used = false;
    kept_count++;
}

void os_kill_ptraced_process(int pid, int reap)
{
    struct process *p = process_of(pid);

    (void)reap;
    if (kept_count < KEPT_MAX) {
        keep(p);
        return;
    }
    if (!layer_place->end_space(p->thread))
        layer_panic("process thread %08x does not go: error %u", p->thread, l4_error_code());
    process_free((word_t)pid - THREAD_PROCESS);
}

void __switch_mm(struct mm_id *id)
{
    userspace_pid[0] = id->u.pid;
}

/* At a tick: does a process compute, rather than Linux, or nobody? */
bool layer_process_runs(void)
{
    word_t index = (word_t)userspace_pid[0] - THREAD_PROCESS;

    return index < PROCESS_MAX && processes[index] && processes[index]->doing == RUNS;
}

/* A tick while the process may be computing: it stops at once, and Linux has the processor. */
void os_alarm_process(int pid)
{
    struct l4_exchange x = {.thread = process_of(pid)->thread, .control = L4_EXREGS_RAISE};

    l4_exchange_registers(&x);
}

/* --- running ---------------------------------------------------------------------------------- */

static void put_registers(const struct uml_pt_regs *regs)
{
    struct l4_foreign_frame *f = (struct l4_foreign_frame *)&l4_utcb()[1];

    f->eip = UPT_IP(regs);
    f->eflags = UPT_EFLAGS(regs) | (singlestepping(NULL) ? EFLAGS_TF : 0);
    f->edi = UPT_DI(regs);
    f->esi = UPT_SI(regs);
    f->ebp = UPT_BP(regs);
    f->esp = UPT_SP(regs);
    f->ebx = UPT_BX(regs);
    f->edx = UPT_DX(regs);
    f->ecx = UPT_CX(regs);
    f->eax = UPT_AX(regs);
    f->gs = (uint16_t)regs->gp[HOST_GS];
    f->fs = (uint16_t)regs->gp[HOST_FS];
    l4_set_mr(0, l4_make_tag(0, L4_FOREIGN_WORDS, 0));
}

static void get_registers(struct uml_pt_regs *regs, const struct l4_foreign_frame *f)
{
    UPT_IP(regs) = f->eip;
    if (f->eflags & ~UPT_EFLAGS(regs) & EFLAGS_TF && singlestepping(NULL)) /* it is ours */
        UPT_EFLAGS(regs) = f->eflags & ~EFLAGS_TF;
    else
        UPT_EFLAGS(regs) = f->eflags;
    UPT_DI(regs) = f->edi;
    UPT_SI(regs) = f->esi;
    UPT_BP(regs) = f->ebp;
    UPT_SP(regs) = f->esp;
    UPT_BX(regs) = f->ebx;
    UPT_DX(regs) = f->edx;
    UPT_CX(regs) = f->ecx;
    UPT_AX(regs) = f->eax;
    regs->gp[HOST_GS] = f->gs;
    regs->gp[HOST_FS] = f->fs;
}

/* With the answer to a fault goes the page, if Linux has one there by now. */
static void put_page(struct process *p, word_t address)
{
    unsigned long physical;
    unsigned int protection;
    word_t rights, *entry, frame;

    if (library_page(address, &frame)) {
        l4_msg_map(l4_make_fpage(frame, 12, L4_READABLE | L4_EXECUTABLE), PROCESS_EMULATION);
        return;
    }
    if (!layer_page_of(address, &physical, &protection))
        return;
    rights = rights_of(protection);
    entry = shadow_entry(p, address);
    if (!(rights & L4_READABLE) || !entry)
        return;
    if (*entry & SHADOW_VALID && (*entry & ~(PAGE_BYTES - 1)) != physical)
        layer_panic("%08x has frame %08x, and was to have %08lx", address, *entry, physical);
    *entry = physical | rights | SHADOW_VALID;
    address &= ~(PAGE_BYTES - 1);
    l4_msg_map(l4_make_fpage(uml_physmem + physical, 12, rights), address);
}

static void page_fault(struct uml_pt_regs *regs, const struct l4_foreign_frame *f)
{
    word_t frame, error = f->error & ~ERROR_PRESENT;

    if (library_page(f->address, &frame) && !(f->error & ERROR_WRITE))
        return;
    /* The space has less than Linux's table: whether the page is there is for that to say. */
    if (layer_page_there(f->address))
        error |= ERROR_PRESENT;
    regs->faultinfo = (struct faultinfo){
        .error_code = (int)error, .cr2 = f->address, .trap_no = VECTOR_PAGE_FAULT};
    segv(regs->faultinfo, f->eip, 1, regs);
}

static void system_call(struct uml_pt_regs *regs)
{
    PT_SYSCALL_NR(regs->gp) = (long)UPT_AX(regs);
    handle_syscall(regs);
}

/* Returns the address of the page that the next answer should bring; 0: none. */
static word_t exception(struct uml_pt_regs *regs, const struct l4_foreign_frame *f)
{
    UPT_SYSCALL_NR(regs) = -1;
    if (f->vector == VECTOR_GP && f->error == ERROR_INT_80) {
        UPT_IP(regs) += 2;
        UPT_EFLAGS(regs) &= ~EFLAGS_RF; /* a fault sets it; INT would not have */
        system_call(regs);
    } else if (f->vector == VECTOR_PAGE_FAULT) {
        page_fault(regs, f);
        return f->address;
    } else if (f->vector != L4_VECTOR_RAISED) {
        layer_exception(regs, f->vector, f->error, f->address);
    }
    return 0;
}

/* The process goes on, with a page if one is wanted, until there is a message of its thread. */
static l4_tag go_on(struct process *p, const struct uml_pt_regs *regs, word_t wanted)
{
    l4_tag tag;

    if (p->doing == CALLS && !singlestepping(NULL) && library_can_answer(regs, &p->caller)) {
        p->result = UPT_AX(regs);
        l4_set_mr(1, p->result);
        l4_set_mr(0, l4_make_tag(0, 1, 0));
    } else {
        if (p->doing == CALLS)
            library_recall(p->thread);
        put_registers(regs);
        if (wanted)
            put_page(p, wanted);
    }
    p->doing = RUNS;
    tag = l4_call(p->thread);
    if (l4_tag_failed(tag))
        layer_panic("process thread %08x answers %08x: error %u", p->thread, tag, l4_error_code());
    return tag;
}

void userspace(struct uml_pt_regs *regs, unsigned long *unused)
{
    word_t wanted = 0;

    (void)unused;
    interrupt_end();
    for (;;) {
        struct process *p = process_of(userspace_pid[0]);
        struct l4_foreign_frame f UNINITIALIZED;
        l4_tag tag;

        if (kill_userspace_mm[0])
            fatal_sigsegv();
        state_bring(&p->state, regs);
        tag = go_on(p, regs, wanted);
        wanted = 0;
        regs->is_user = 1;
        p->doing = library_call(tag, regs) ? CALLS : STOPPED;
        if (p->doing == CALLS) {
            p->caller = library_place(regs);
            system_call(regs);
        } else if (l4_tag_untyped(tag) == L4_FOREIGN_WORDS) {
            memcpy(&f, &l4_utcb()[1], sizeof(f));
            get_registers(regs, &f);
            if (library_busy(regs, f.vector, p->result)) {
                wanted = f.address;
                continue;
            }
            wanted = exception(regs, &f);
        } else { /* L4's messages are not for processes: an INT that has no gate */
            library_recall(p->thread);
            layer_exception(regs, VECTOR_GP, ERROR_INT_30, 0);
        }
        interrupt_end();
    }
}
