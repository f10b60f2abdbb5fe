// bindings.h: how a program on the microkernel makes its system calls (syscalls.h, which includes
// this): through the stubs of the kernel interface page. The l4_raw_* forms pass and return all
// seven general registers, which the others do not need: they are for looking at what a call
// preserves. All need l4_stubs, which l4_library_init fills for the space it runs in; spaces that
// share this memory must have their kernel interface page at the same address, or build their own
// struct l4_stubs. What is linked with its kernel has other bindings (guests/linux/os-bare).
#pragma once

// ---- Raw form ---------------------------------------------------------------------------------

struct l4_registers {
    word_t eax, ecx, edx, esi, edi, ebx, ebp;
    word_t eflags; // output only
};

_Static_assert(offsetof(struct l4_registers, eflags) == 28, "l4_invoke's offsets");

// Calls the stub with all seven registers as given and returns all seven as the call left them.
// For Ipc, Unmap and MemoryControl set esi to MR0 and edi to l4_utcb() as the ABI asks.
static inline void l4_invoke(word_t stub, struct l4_registers *registers)
{
    __asm__ volatile("pushl %%ebp\n\t"
                     "pushl %%eax\n\t" // the registers' address, to be found again
                     "pushl %%ecx\n\t" // the stub's
                     "movl 4(%%eax), %%ecx\n\t"
                     "movl 8(%%eax), %%edx\n\t"
                     "movl 12(%%eax), %%esi\n\t"
                     "movl 16(%%eax), %%edi\n\t"
                     "movl 20(%%eax), %%ebx\n\t"
                     "movl 24(%%eax), %%ebp\n\t"
                     "movl (%%eax), %%eax\n\t"
                     "call *(%%esp)\n\t"
                     "leal 4(%%esp), %%esp\n\t"
                     "xchgl %%ebp, (%%esp)\n\t"
                     "movl %%eax, (%%ebp)\n\t"
                     "movl %%ecx, 4(%%ebp)\n\t"
                     "movl %%edx, 8(%%ebp)\n\t"
                     "movl %%esi, 12(%%ebp)\n\t"
                     "movl %%edi, 16(%%ebp)\n\t"
                     "movl %%ebx, 20(%%ebp)\n\t"
                     "popl 24(%%ebp)\n\t"
                     "pushfl\n\t"
                     "popl 28(%%ebp)\n\t"
                     "popl %%ebp\n\t"
                     "cld"
                     : "+a"(registers), "+c"(stub)
                     :
                     : "edx", "esi", "edi", "ebx", "memory", "cc");
}

static inline void l4_raw_space_control(struct l4_registers *r)
{
    l4_invoke(l4_stubs.space_control, r);
}

static inline void l4_raw_thread_control(struct l4_registers *r)
{
    l4_invoke(l4_stubs.thread_control, r);
}

static inline void l4_raw_processor_control(struct l4_registers *r)
{
    l4_invoke(l4_stubs.processor_control, r);
}

static inline void l4_raw_memory_control(struct l4_registers *r)
{
    l4_invoke(l4_stubs.memory_control, r);
}

static inline void l4_raw_ipc(struct l4_registers *r)
{
    l4_invoke(l4_stubs.ipc, r);
}

static inline void l4_raw_lipc(struct l4_registers *r)
{
    l4_invoke(l4_stubs.lipc, r);
}

static inline void l4_raw_unmap(struct l4_registers *r)
{
    l4_invoke(l4_stubs.unmap, r);
}

static inline void l4_raw_exchange_registers(struct l4_registers *r)
{
    l4_invoke(l4_stubs.exchange_registers, r);
}

static inline void l4_raw_system_clock(struct l4_registers *r)
{
    l4_invoke(l4_stubs.system_clock, r);
}

static inline void l4_raw_thread_switch(struct l4_registers *r)
{
    l4_invoke(l4_stubs.thread_switch, r);
}

static inline void l4_raw_schedule(struct l4_registers *r)
{
    l4_invoke(l4_stubs.schedule, r);
}

// KernelInterface has no stub: the same seven registers around the instruction bytes F0 90.
static inline void l4_raw_kernel_interface(struct l4_registers *r)
{
    static const uint8_t code[] __attribute__((section(".text.l4_kernel_interface"))) = {
        0xF0, 0x90, 0xC3};
    l4_invoke((word_t)(uintptr_t)code, r);
}

// ---- Ipc --------------------------------------------------------------------------------------

// One Ipc through the given stub (Ipc's or Lipc's). MR0 is taken from the UTCB. Returns the tag
// received, and the sender in *from when a receive phase is asked for and from is given; MR1 and
// MR2, which arrive in registers, are stored where the other MRs are.
static inline l4_tag l4_ipc_through(word_t stub, l4_thread_id to, l4_thread_id from_specifier,
                                    word_t timeouts, l4_thread_id *from)
{
    word_t *utcb = l4_utcb();
    word_t sender = to, tag = utcb[0], mr1, mr2 = timeouts, specifier = from_specifier;
    word_t *edi = utcb;
    __asm__ volatile("pushl %%ebp\n\t"
                     "call *%%ebx\n\t"
                     "movl %%ebp, %%ecx\n\t"
                     "popl %%ebp"
                     : "+a"(sender), "+S"(tag), "=b"(mr1), "+c"(mr2), "+d"(specifier), "+D"(edi)
                     : "2"(stub)
                     : "memory", "cc");
    if (from_specifier != L4_NIL_THREAD) {
        utcb[1] = mr1;
        utcb[2] = mr2;
        if (from)
            *from = sender;
    }
    return tag;
}

static inline l4_tag l4_ipc(l4_thread_id to, l4_thread_id from_specifier, word_t timeouts,
                            l4_thread_id *from)
{
    return l4_ipc_through(l4_stubs.ipc, to, from_specifier, timeouts, from);
}

static inline l4_tag l4_lipc(l4_thread_id to, l4_thread_id from_specifier, word_t timeouts,
                             l4_thread_id *from)
{
    return l4_ipc_through(l4_stubs.lipc, to, from_specifier, timeouts, from);
}

// ---- Threads ----------------------------------------------------------------------------------

// Passes and returns everything through *x. Returns x->thread.
static inline l4_thread_id l4_exchange_registers(struct l4_exchange *x)
{
    struct l4_registers r = {.eax = x->thread, .ecx = x->control, .edx = x->sp, .esi = x->ip,
                             .edi = x->flags, .ebx = x->user_handle, .ebp = x->pager};
    l4_raw_exchange_registers(&r);
    *x = (struct l4_exchange){r.eax, r.ecx, r.edx, r.esi, r.edi, r.ebx, r.ebp};
    return x->thread;
}

static inline word_t l4_thread_control(l4_thread_id thread, l4_thread_id space,
                                       l4_thread_id scheduler, l4_thread_id pager,
                                       word_t utcb_location)
{
    word_t result = thread, stub = l4_stubs.thread_control;
    __asm__ volatile("pushl %%ebp\n\tcall *%%ebx\n\tpopl %%ebp"
                     : "+a"(result), "+S"(space), "+d"(scheduler), "+c"(pager),
                       "+D"(utcb_location), "+b"(stub)
                     :
                     : "memory", "cc");
    return result;
}

static inline l4_clock l4_system_clock(void)
{
    word_t low, high;
    __asm__ volatile("call *%2"
                     : "=&a"(low), "=&d"(high)
                     : "m"(l4_stubs.system_clock)
                     : "ecx", "esi", "edi", "memory", "cc");
    return (l4_clock)high << 32 | low;
}

// The running thread gives its time slice to the thread, or with L4_NIL_THREAD to its equals.
static inline void l4_thread_switch(l4_thread_id thread)
{
    __asm__ volatile("call *%1" : "+a"(thread) : "m"(l4_stubs.thread_switch) : "memory", "cc");
}

// time_control: 31..16 time slice, 15..0 total quantum. prio_control: 7..0 priority.
// preemption_control: 23..16 sensitive priority, 15..0 maximal delay in microseconds.
// L4_UNCHANGED in any of them leaves it. *old_time, if given, gets what remains of both times.
static inline word_t l4_schedule(l4_thread_id thread, word_t time_control,
                                 word_t processor_control, word_t prio_control,
                                 word_t preemption_control, word_t *old_time)
{
    word_t result = thread, stub = l4_stubs.schedule;
    __asm__ volatile("pushl %%ebp\n\tcall *%%ebx\n\tpopl %%ebp"
                     : "+a"(result), "+d"(time_control), "+S"(processor_control),
                       "+c"(prio_control), "+D"(preemption_control), "+b"(stub)
                     :
                     : "memory", "cc");
    if (old_time)
        *old_time = time_control;
    return result;
}

// ---- Spaces and memory ------------------------------------------------------------------------

// redirector: L4_NIL_THREAD leaves it, L4_ANY_THREAD means none. *old_control may be NULL.
static inline word_t l4_space_control(l4_thread_id space, word_t control, l4_fpage kip_area,
                                      l4_fpage utcb_area, l4_thread_id redirector,
                                      word_t *old_control)
{
    word_t result = space, stub = l4_stubs.space_control;
    __asm__ volatile("pushl %%ebp\n\tcall *%%ebx\n\tpopl %%ebp"
                     : "+a"(result), "+c"(control), "+d"(kip_area), "+S"(utcb_area),
                       "+D"(redirector), "+b"(stub)
                     :
                     : "memory", "cc");
    if (old_control)
        *old_control = control;
    return result;
}

// The fpages are in MR0..MRk with k = control's low six bits; their rights are those to revoke.
// On return each one's rights say how the page was used since the last query.
static inline void l4_unmap(word_t control)
{
    word_t *utcb = l4_utcb(), *edi = utcb;
    word_t mr0 = utcb[0], stub = l4_stubs.unmap;
    __asm__ volatile("pushl %%ebp\n\tcall *%%ebx\n\tpopl %%ebp"
                     : "+a"(control), "+S"(mr0), "+D"(edi), "+b"(stub)
                     :
                     : "ecx", "edx", "memory", "cc");
    utcb[0] = mr0;
}

// fpages in MR0..MRk, k = control; each one's two low bits choose one of the four attributes.
static inline word_t l4_memory_control(word_t control, const word_t attribute[4])
{
    struct l4_registers r = {.eax = control, .ecx = attribute[0], .edx = attribute[1],
                             .ebx = attribute[2], .ebp = attribute[3], .esi = l4_mr(0),
                             .edi = (word_t)(uintptr_t)l4_utcb()};
    l4_raw_memory_control(&r);
    return r.eax;
}

static inline word_t l4_processor_control(word_t processor, word_t internal_khz,
                                          word_t external_khz, word_t voltage)
{
    word_t result = processor, stub = l4_stubs.processor_control;
    __asm__ volatile("pushl %%ebp\n\tcall *%%ebx\n\tpopl %%ebp"
                     : "+a"(result), "+c"(internal_khz), "+d"(external_khz), "+S"(voltage),
                       "+b"(stub)
                     :
                     : "edi", "memory", "cc");
    return result;
}

// ---- Ours, beyond X.2 -------------------------------------------------------------------------

// The state of a foreign thread (foreign.h): 0, 1 or 2.
static inline word_t l4_foreign_state(l4_thread_id thread, enum l4_state_operation operation,
                                      const void *state)
{
    word_t result = thread;
    __asm__ volatile("int %3" : "+a"(result) : "c"(operation), "d"(state), "i"(L4_STATE_VECTOR)
                     : "memory", "cc");
    return result;
}
