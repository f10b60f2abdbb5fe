/* switch.c: from one thread to the next, the general way; arch/fast_path.S does the same in its
 * own. */
#include "arch/cpu.h"

#include "api/kip.h"
#include "arch/offsets.h"
#include "arch/segments.h"
#include "api/syscalls.h"
#include "debugger/print.h"
#include "state.h"

#define HOLDS(structure, field, number)                                                            \
    _Static_assert(offsetof(struct structure, field) == (number), #structure "." #field)

HOLDS(tcb, id, TCB_ID);
HOLDS(tcb, state, TCB_STATE);
HOLDS(tcb, partner, TCB_PARTNER);
HOLDS(tcb, slow, TCB_STATE + SLOW_SHIFT / 8);
HOLDS(tcb, kernel_ipc, TCB_KERNEL_IPC);
HOLDS(tcb, kernel_accepts_map, TCB_KERNEL_ACCEPTS_MAP);
HOLDS(tcb, recv_from, TCB_RECV_FROM);
HOLDS(tcb, ipc_result, TCB_IPC_RESULT);
HOLDS(tcb, keeper, TCB_KEEPER);
HOLDS(tcb, gs, TCB_GS);
HOLDS(tcb, raised, TCB_RAISED);
HOLDS(tcb, trampoline, TCB_TRAMPOLINE);
HOLDS(tcb, debug.dr7, TCB_DR7);
HOLDS(tcb, utcb, TCB_UTCB);
HOLDS(tcb, local_id, TCB_LOCAL_ID);
HOLDS(tcb, space, TCB_SPACE);
HOLDS(tcb, esp, TCB_ESP);
HOLDS(tcb, priority, TCB_PRIORITY);
HOLDS(tcb, ipc_from, TCB_IPC_FROM);
HOLDS(tcb, senders, TCB_SENDERS);
HOLDS(tcb, stack_top, TCB_STACK_TOP);
HOLDS(space, directory, SPACE_DIRECTORY);
HOLDS(space, segment[0], SPACE_SEGMENT0);
HOLDS(space, segment[1], SPACE_SEGMENT1);
HOLDS(space, segment_code, SPACE_SEGMENT_CODE);
HOLDS(space, small_base, SPACE_SMALL_BASE);
HOLDS(space, small_size, SPACE_SMALL_SIZE);
HOLDS(space, kip_area, SPACE_KIP_AREA);
HOLDS(space, own_end, SPACE_OWN_END);
HOLDS(kernel, current, KERNEL_CURRENT);
HOLDS(kernel, active_space, KERNEL_ACTIVE_SPACE);
HOLDS(kernel, segment_space, KERNEL_SEGMENT_SPACE);
HOLDS(kernel, ready_top, KERNEL_READY_TOP);
HOLDS(kernel, threads, KERNEL_THREADS);
HOLDS(kernel, fpu_owner, KERNEL_FPU_OWNER);
HOLDS(kernel, live, KERNEL_LIVE);
HOLDS(kernel, fast_path, KERNEL_FAST_PATH);
HOLDS(kernel, small_spaces, KERNEL_SMALL_SPACES);
HOLDS(kernel, ipc_general, KERNEL_IPC_GENERAL);
HOLDS(kernel, tls_owner, KERNEL_TLS_OWNER);
HOLDS(utcb, mr, UTCB_OFFSET_MR0);
HOLDS(utcb, my_global_id, UTCB_MY_GLOBAL_ID);
HOLDS(utcb, pager, UTCB_PAGER);
HOLDS(trap_frame, vector, FRAME_VECTOR);
HOLDS(trap_frame, error, FRAME_ERROR);
HOLDS(trap_frame, esp, FRAME_ESP);
HOLDS(trap_frame, eip, FRAME_EIP);
HOLDS(trap_frame, eflags, FRAME_EFLAGS);
HOLDS(trap_frame, esp_ignored, FRAME_DS);
HOLDS(trap_frame, cs, FRAME_CS);
HOLDS(task, tss.esp0, TASK_ESP0);
HOLDS(gs_page, word, GS_PAGE_WORD);
_Static_assert(SLOW_FOREIGN << SLOW_SHIFT == STATE_FOREIGN &&
                   SLOW_REDIRECT << SLOW_SHIFT == STATE_REDIRECT, "enum thread_slow");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "trap frame");
_Static_assert(offsetof(struct trap_frame, eip) == FRAME_SIZE - FRAME_HARDWARE, "trap frame");
_Static_assert(TCB_BYTES == TCB_SIZE, "the stack is the block's end");
_Static_assert(STATE_READY == READY && STATE_WAITING == WAITING &&
                   STATE_WAITING_KERNEL == WAITING_KERNEL,
               "enum thread_state");

/* The page at KERNEL_PAGES: programs read their UTCB's address in it, through GS. */
struct gs_page gs_page __attribute__((section(".bss.pages"), aligned(PAGE_SIZE)));

/* While the x87 is live an Ipc that leaves its owner must set TS (ports are alike), and a thread
 * with a bit in `slow` must take the general path; foreign threads have one of their own. Rather
 * than have every short Ipc look at that, the gates lead elsewhere for as long: whenever C code
 * returns to a program it compares (entry.S), and foreign_path.S sets them by their first words. */
word_t entry_gates[3][4] __attribute__((aligned(16)));

static void (*const entries[3][3])(void) = {
    [ENTRIES_GENERAL] = {enter_ipc, enter_ipc, enter_page_fault},
    [ENTRIES_FAST] = {enter_ipc_fast, enter_lipc_fast, enter_page_fault_fast},
    [ENTRIES_FOREIGN] = {enter_ipc_foreign, enter_ipc, enter_page_fault_foreign},
};

void ipc_entry_select(void)
{
    word_t reasons = kernel.ipc_general = kernel.live | current()->slow;
    bool foreign = reasons & SLOW_FOREIGN;
    word_t row = foreign ? ENTRIES_FOREIGN : ENTRIES_FAST;

    if (!kernel.fast_path || reasons & ~(foreign ? SLOW_FOREIGN | SLOW_REDIRECT : 0u))
        row = ENTRIES_GENERAL;
    segments_set_gate(VECTOR_IPC, (void *)entries[row][0], true);
    segments_set_gate(VECTOR_LIPC, (void *)entries[row][1], true);
    segments_set_gate(VECTOR_PAGE_FAULT, (void *)entries[row][2], false);
}

static void entry_gates_init(void)
{
    for (word_t i = 0; i < 9; i++) {
        word_t entry = (word_t)(uintptr_t)entries[i / 3][i % 3];
        entry_gates[i / 3][i % 3] = (entry & 0xFFFF) | KERNEL_CS << 16;
        ASSERT((entry ^ (uintptr_t)enter_ipc) < 0x10000);
    }
}

/* The ends of the fast path become jumps to SYSEXIT: E9 and the distance. */
static void use_sysexit(void)
{
    extern uint8_t *const sysexit_places[];
    for (uint8_t *const *p = sysexit_places; *p; p++) {
        word_t distance = (word_t)(uintptr_t)leave_sysexit - (word_t)(uintptr_t)(*p + 5);
        (*p)[0] = 0xE9;
        __builtin_memcpy(*p + 1, &distance, sizeof distance);
    }
}

void ipc_entry_init(bool fast)
{
    kernel.fast_path = fast;
    entry_gates_init();
    if (fast)
        segments_set_gate(13, (void *)enter_general_protection, false);
    ipc_entry_select();
    if (kernel.has_sysenter) {
        msr_write(MSR_SYSENTER_CS, (word_t[2]){KERNEL_CS, 0});
        msr_write(MSR_SYSENTER_ESP, (word_t[2]){(word_t)(uintptr_t)&task.tss.esp0, 0});
        msr_write(MSR_SYSENTER_EIP, (word_t[2]){(word_t)(uintptr_t)enter_sysenter, 0});
        use_sysexit();
    }
}

void switch_init(void)
{
    kernel.gs_word = &gs_page.word;
    kernel.tss_esp0 = &task.tss.esp0;
}

HOT void space_activate(struct space *s)
{
    struct space *loaded = kernel.segment_space;
    if (!loaded || loaded->segment[0] != s->segment[0] || loaded->segment[1] != s->segment[1])
        segments_load(s);
    kernel.segment_space = s;
    if (s->small_size == 0 && s != kernel.active_space) {
        kernel.active_space = s;
        write_cr3(s->directory);
    }
}

/* The running thread's space became small or large. */
void space_activate_again(struct space *s)
{
    kernel.segment_space = NULL;
    space_activate(s);
}

static void leave_live(const struct tcb *to)
{
    if (kernel.live & LIVE_FPU && kernel.fpu_owner != to)
        fpu_leave();
    if (kernel.live & LIVE_PORTS && kernel.ports_space != to->space)
        ports_hide(kernel.ports_space);
}

/* All of a switch but the stacks. */
static inline void switch_context(struct tcb *from, struct tcb *to)
{
    if (kernel.live)
        leave_live(to);
    if ((from->slow | to->slow) & SLOW_FOREIGN)
        foreign_switch(from, to);
    if (to->space && to->space != kernel.segment_space)
        space_activate(to->space);
    kernel.current = to;
    *kernel.tss_esp0 = to->stack_top;
    *kernel.gs_word = to->local_id;
}

HOT void arch_switch(struct tcb *from, struct tcb *to)
{
    if (from == to)
        return;
    switch_context(from, to);
    stack_switch(&from->esp, to->esp);
}

HOT void arch_switch_ipc(struct tcb *from, struct tcb *to)
{
    extern const char ipc_resume[];
    word_t *stack = &thread_frame(from)->error; /* right below what IRET takes */

    switch_context(from, to);
    *stack = (word_t)(uintptr_t)ipc_resume;
    from->esp = (word_t)(uintptr_t)stack;
    __asm__ volatile("movl %0, %%esp\n\tret" : : "r"(to->esp) : "memory");
    __builtin_unreachable();
}

word_t user_flags_now(void)
{
    return kernel.ports_by_fpage ? USER_FLAGS & ~EFLAGS_IOPL : USER_FLAGS;
}

static void put_frame(struct tcb *t, word_t ip, word_t sp)
{
    *thread_frame(t) = (struct trap_frame){
        .eip = ip, .cs = USER_CS, .eflags = user_flags_now(), .esp = sp, .ss = USER_DS};
}

void arch_thread_start(struct tcb *t, word_t ip, word_t sp)
{
    put_frame(t, ip, sp);
    word_t *stack = (word_t *)thread_frame(t);
    *--stack = (word_t)(uintptr_t)return_to_user;
    t->esp = (word_t)(uintptr_t)stack;
}

void arch_thread_call(struct tcb *t, void (*fn)(struct tcb *))
{
    struct trap_frame *f = thread_frame(t);
    f->cs = USER_CS;
    f->ss = USER_DS;
    if (t->slow & SLOW_FOREIGN)
        f->eflags = (f->eflags & FOREIGN_FLAGS_MASK) | FOREIGN_FLAGS;
    else if ((f->eflags & ~USER_FLAGS_MASK) != user_flags_now())
        f->eflags = user_flags_now();
    word_t *stack = (word_t *)f;
    *--stack = (word_t)(uintptr_t)t;
    *--stack = (word_t)(uintptr_t)fn;
    *--stack = (word_t)(uintptr_t)thread_call;
    t->esp = (word_t)(uintptr_t)stack;
}

/* An interrupt resumes behind HLT; whoever it woke has run by then. */
void arch_idle(void)
{
    for (;;)
        __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}
