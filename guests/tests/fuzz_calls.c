// fuzz_calls.c: what a fuzzer throws: system calls with random and hostile arguments through the
// stubs and by the bare instructions, messages with random items, instructions that a program may
// not execute, accesses where it has nothing. All of it runs in an unprivileged space whose only
// writable memory is its arena.
#include "fuzz.h"

#include <l4/utcb.h>

#define FIRST_NUMBER 200u // of the fuzzers (fuzz.c)
#define NOWHERE 0x70000000u
extern char _end[];

void fuzz_main(struct fuzz_thread *t);
__asm__(".text\n"
        ".globl fuzz_entry\n"
        "fuzz_entry:\n\t"
        "pushl $0x202\n\tpopfl\n\t" // no TF, NT, DF, AC; interrupts on
        "movw %ss, %ax\n\tmovw %ax, %ds\n\tmovw %ax, %es\n\tmovw %ax, %fs\n\t"
        "movl (%esp), %ebx\n\t"
        "cmpl $0, 12(%ebx)\n\tjne 1f\n\t"
        "movw %gs, %ax\n\tmovzwl %ax, %eax\n\tmovl %eax, 12(%ebx)\n"
        "1:\tmovl 12(%ebx), %eax\n\tmovw %ax, %gs\n\t"
        "pushl %ebx\n\tcall fuzz_main\n\tud2\n");
_Static_assert(offsetof(struct fuzz_thread, gs) == 12, "fuzz_entry's offset");

static word_t random_word(struct fuzz_thread *t)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 17;
    t->random ^= t->random << 5;
    return t->random;
}

static word_t below(struct fuzz_thread *t, word_t limit)
{
    return (random_word(t) >> 4) % limit;
}

// ---- Arguments ---------------------------------------------------------------------------------

static word_t any_address(struct fuzz_thread *t)
{
    static const word_t fixed[] = {0,          4,          0xBFFFFFFC, 0xBFFFF000, 0xC0000000,
                                   0xD0000000, 0xD0100000, 0xFFC00000, 0xFFFFFFFC, 0xFFFFF000,
                                   0x80000000, 0x80000100, 0xBFF00000, 0xBFF00FFC, 0x00400000};
    switch (below(t, 4)) {
    case 0: return fixed[below(t, sizeof(fixed) / sizeof(fixed[0]))];
    case 1: return random_word(t);
    case 2: return 0x10000000 + below(t, 64) * 0x00100000 + below(t, 4096);
    default: return (word_t)(uintptr_t)t->arena->page + below(t, FUZZ_PAGES * 4096);
    }
}

// Where a program finds no code, and a stack no return address: nothing, or the pager's page of
// INT3. It must not run random bytes, which write to ports and turn interrupts off.
static word_t nowhere(struct fuzz_thread *t)
{
    return below(t, 2) ? 0xC0000000 | random_word(t) : NOWHERE + below(t, 0x1000000);
}

static word_t any_thread(struct fuzz_thread *t)
{
    switch (below(t, 10)) {
    case 0: return L4_NIL_THREAD;
    case 1: return L4_ANY_THREAD;
    case 2: return L4_ANY_LOCAL_THREAD;
    case 3: return l4_global_id(below(t, 60), 1); // interrupts, system, sigma0, the root server
    case 4: return random_word(t);
    case 5: return 0x80000100 + below(t, 40) * 0x200;
    case 6: return random_word(t) & ~0x3Fu;
    case 7: return l4_my_global_id();
    default: return l4_global_id(FIRST_NUMBER + below(t, 12), 1 + below(t, 6));
    }
}

static word_t any_fpage(struct fuzz_thread *t)
{
    static const word_t fixed[] = {0, 0x10, 0x17, 0x4020, 0x4026, 0xBFF000C7, 0x800000C7,
                                   0xC00001F7, 0xFFFFFFFF};
    if (below(t, 12) == 0)
        return fixed[below(t, sizeof(fixed) / sizeof(fixed[0]))];
    word_t log2 = below(t, 12) ? 12 + below(t, 4) : below(t, 64);
    return (any_address(t) & 0xFFFFFC00) | log2 << 4 | below(t, 16);
}

// Where mappings may go, and whether strings are taken: above the image, whose code they would
// replace by random bytes, and below nowhere().
static word_t any_window(struct fuzz_thread *t)
{
    word_t window = below(t, 3) ? l4_make_fpage(0x10000000, 28, 0) : any_fpage(t) & ~0xFu;
    word_t log2 = l4_fpage_log2_size(window), first = l4_fpage_base(window);
    if (log2 > 28 || first < (word_t)(uintptr_t)_end || first >= NOWHERE)
        window = 0;
    return window | below(t, 4);
}

// Short ones, so that a fuzzer goes on; sometimes for ever, which its watcher ends.
static word_t any_timeouts(struct fuzz_thread *t)
{
    static const word_t fixed[] = {0x00010001, 0x04000001, 0x08010801, 0x80018001};
    word_t which = below(t, 400);
    if (which < 2)
        return which ? random_word(t) : 0;
    return which < 20 ? fixed[below(t, 4)] : 0x04000400;
}

static word_t any_word(struct fuzz_thread *t)
{
    switch (below(t, 6)) {
    case 0: return any_thread(t);
    case 1: return any_address(t);
    case 2: return any_fpage(t);
    case 3: return below(t, 16);
    case 4: return 0xFFFFFFFF;
    default: return random_word(t);
    }
}

static void fill_registers(struct fuzz_thread *t, struct l4_registers *r)
{
    *r = (struct l4_registers){.eax = any_word(t), .ecx = any_word(t), .edx = any_word(t),
                               .esi = any_word(t), .edi = any_word(t), .ebx = any_word(t),
                               .ebp = any_word(t)};
}

// ---- Messages ----------------------------------------------------------------------------------

static word_t any_item_word(struct fuzz_thread *t)
{
    switch (below(t, 6)) {
    case 0:
    case 1: return (any_address(t) & 0xFFFFFC00) | 8 | below(t, 4); // map, grant, C or not
    case 2: return below(t, 9000) << 10 | below(t, 2); // a simple string
    case 3: return below(t, 64) << 10 | below(t, 0x400);
    case 4: return any_fpage(t);
    default: return any_word(t);
    }
}

static void fill_message(struct fuzz_thread *t)
{
    word_t untyped = below(t, 8), typed = below(t, 16);
    if (below(t, 8) == 0) {
        untyped = below(t, 64);
        typed = below(t, 64);
    }
    l4_set_mr(0, below(t, 65536) << 16 | (below(t, 8) ? 0 : below(t, 16) << 12) | typed << 6 |
                     untyped);
    for (word_t i = 1; i < L4_MR_COUNT; i++)
        l4_set_mr(i, i <= untyped ? any_word(t)
                     : (i - untyped) % 2 ? any_item_word(t)
                                         : (below(t, 2) ? any_fpage(t) : any_address(t)));
    l4_set_br(0, any_window(t));
    for (word_t i = 1; i < L4_BR_COUNT; i++)
        l4_set_br(i, i % 2 ? any_item_word(t) : any_address(t));
    l4_set_tcr(L4_TCR_XFER_TIMEOUTS, any_timeouts(t));
    if (below(t, 4) == 0)
        l4_set_tcr(L4_TCR_SENDER, any_thread(t));
}

static void throw_ipc(struct fuzz_thread *t)
{
    fill_message(t);
    struct l4_registers r = {.eax = any_thread(t), .edx = any_thread(t), .ecx = any_timeouts(t),
                             .esi = l4_mr(0), .edi = (word_t)(uintptr_t)l4_utcb()};
    if (below(t, 4) == 0)
        r.eax = L4_NIL_THREAD;
    if (below(t, 4) == 0)
        r.edx = L4_NIL_THREAD;
    if (below(t, 50) == 0)
        r.edi = any_address(t);
    l4_invoke(below(t, 2) ? l4_stubs.ipc : l4_stubs.lipc, &r);
}

// A page of the arena to a fuzzer somewhere, at some place: long chains of mappings come of it.
static void throw_mapping(struct fuzz_thread *t)
{
    word_t page = below(t, 2) ? (word_t)(uintptr_t)t->arena->page[below(t, FUZZ_PAGES)]
                              : 0x10000000 + below(t, 64) * 0x00100000;
    l4_set_mr(0, 2 << 6);
    l4_set_mr(1, (0x10000000 + below(t, 64) * 0x00100000) | 8 | (below(t, 8) ? 0 : 2));
    l4_set_mr(2, l4_make_fpage(page, 12 + below(t, 3), 7));
    l4_set_br(0, any_window(t));
    struct l4_registers r = {.ecx = below(t, 16) ? 0x04000400 : 0x08010801, .esi = 2 << 6,
                             .edi = (word_t)(uintptr_t)l4_utcb()};
    if (below(t, 2))
        r.eax = l4_global_id(FIRST_NUMBER + below(t, 12), 1 + below(t, 6));
    else
        r.edx = L4_ANY_THREAD;
    l4_invoke(l4_stubs.ipc, &r);
}

static void throw_unmap(struct fuzz_thread *t)
{
    for (word_t i = 0; i < L4_MR_COUNT; i++)
        l4_set_mr(i, below(t, 3) ? l4_make_fpage(0x10000000 + below(t, 64) * 0x00100000,
                                                 12 + below(t, 10), below(t, 8))
                                 : any_fpage(t));
    if (below(t, 8)) // not the code too often
        for (word_t i = 0; i < L4_MR_COUNT; i++)
            if (l4_fpage_log2_size(l4_mr(i)) == 1)
                l4_set_mr(i, 0);
    struct l4_registers r = {.eax = below(t, 16) ? below(t, 128) & 0x43 : random_word(t),
                             .esi = l4_mr(0),
                             .edi = (word_t)(uintptr_t)l4_utcb()};
    l4_invoke(l4_stubs.unmap, &r);
}

// ---- Other calls -------------------------------------------------------------------------------

static void throw_any_stub(struct fuzz_thread *t)
{
    const word_t *stub = (const word_t *)&l4_stubs;
    struct l4_registers r;
    fill_registers(t, &r);
    word_t which = below(t, sizeof(l4_stubs) / sizeof(word_t));
    if (stub[which] == l4_stubs.ipc || stub[which] == l4_stubs.lipc)
        r.ecx = any_timeouts(t);
    if (stub[which] == l4_stubs.exchange_registers)
        r.ecx &= ~(L4_EXREGS_IP | L4_EXREGS_SP);
    l4_invoke(stub[which], &r);
}

static void throw_exchange(struct fuzz_thread *t)
{
    struct l4_registers r;
    fill_registers(t, &r);
    r.eax = any_thread(t);
    r.ecx = below(t, 0x400);
    if (below(t, 2))
        r.ecx &= ~0x101u; // halting is seldom interesting
    r.edx = nowhere(t);
    r.esi = below(t, 2) ? (word_t)(uintptr_t)fuzz_entry : nowhere(t);
    l4_invoke(l4_stubs.exchange_registers, &r);
}

static void throw_schedule(struct fuzz_thread *t)
{
    struct l4_registers r;
    fill_registers(t, &r);
    r.eax = any_thread(t);
    r.ecx = below(t, 512);
    l4_invoke(l4_stubs.schedule, &r);
}

// The bare instructions with any registers; the stack must not matter to the kernel.
static void throw_interrupt(struct fuzz_thread *t)
{
    static const uint8_t code[][6] = {
        {0xCD, 0x30, 0xC3}, {0xCD, 0x31, 0xC3}, {0xCD, 0x32, 0xC3}, {0xCD, 0x33, 0xC3},
        {0xCD, 0x34, 0xC3}, {0xCD, 0x35, 0xC3}, {0xCD, 0x36, 0xC3}, {0xCD, 0x37, 0xC3},
        {0xCD, 0x38, 0xC3}, {0xCD, 0x39, 0xC3}, {0xCD, 0x3A, 0xC3}, {0xCD, 0x80, 0xC3},
        {0xCD, 0x20, 0xC3}, {0xCD, 0x28, 0xC3}, {0xCD, 0x08, 0xC3}, {0xCD, 0x0E, 0xC3},
        {0xCD, 0x02, 0xC3}, {0xCC, 0xC3},       {0xF0, 0x90, 0xC3}, {0xCE, 0xC3},
        {0x0F, 0x34, 0xC3}, {0x0F, 0x05, 0xC3}, {0x0F, 0x35, 0xC3}, {0xF1, 0xC3},
    };
    struct l4_registers r;
    fill_registers(t, &r);
    word_t which = below(t, sizeof(code) / sizeof(code[0]));
    r.ecx = which < 2 ? any_timeouts(t) : r.ecx & ~(L4_EXREGS_IP | L4_EXREGS_SP);
    r.ebp = nowhere(t); // the stack that SYSENTER returns to
    l4_invoke((word_t)(uintptr_t)code[which], &r);
}

static void throw_instruction(struct fuzz_thread *t)
{
    word_t value = random_word(t);
    switch (below(t, 14)) {
    case 0: __asm__ volatile("hlt"); break;
    case 1: __asm__ volatile("movl %0, %%cr3" : : "r"(value)); break;
    case 2: __asm__ volatile("movl %%cr0, %0" : "=r"(value)); break;
    case 3: __asm__ volatile("lgdt (%0)" : : "r"(value)); break;
    case 4: __asm__ volatile("ltr %w0" : : "r"(value)); break;
    case 5: __asm__ volatile("wrmsr" : : "a"(value), "d"(value), "c"(0x174 + value % 4)); break;
    case 6:
        __asm__ volatile("movw %w0, %%ds\n\tmovw %%ss, %%ax\n\tmovw %%ax, %%ds"
                         : : "r"(value % 64) : "eax");
        break;
    case 7: __asm__ volatile("movw %w0, %%fs" : : "r"(value % 128)); break;
    case 8: __asm__ volatile("movw %w0, %%gs" : : "r"(value % 128)); break;
    case 9: // TF, NT, AC, DF, RF and arithmetic, never IF off
        __asm__ volatile("pushl %0\n\tpopfl\n\tnop\n\tpushfl\n\tpopl %0" : "+r"(value) : : "cc");
        __asm__ volatile("pushl $0x202\n\tpopfl" : : : "cc");
        break;
    case 10: __asm__ volatile("movl %0, %%dr7" : : "r"(value)); break;
    case 11:
        __asm__ volatile("ljmp *(%0)"
                         : : "r"((word_t[]){nowhere(t), value & 0xFFFF}) : "memory");
        break;
    case 12:
        __asm__ volatile("fninit\n\tfldcw %0\n\tfldz\n\tfld1\n\tfdivp\n\tfwait" : : "m"(value));
        break;
    default: __asm__ volatile("invlpg (%0)" : : "r"(value)); break;
    }
}

// System calls with odd flags: the kernel must not run with the program's DF, NT, AC or TF.
static void throw_flags(struct fuzz_thread *t)
{
    static const word_t flags[] = {0x4202, 0x602, 0x40202, 0x302, 0x4602, 0x44602, 0x202};
    word_t value = flags[below(t, 7)], eax = any_thread(t);
    static const uint8_t entries[][3] = {
        {0xCD, 0x34, 0xC3}, {0xCD, 0x35, 0xC3}, {0x0F, 0x34, 0xC3}};
    word_t stub = below(t, 2) ? l4_stubs.system_clock : below(t, 2) ? l4_stubs.ipc
                                                      : (word_t)(uintptr_t)entries[below(t, 3)];
    word_t ecx = any_timeouts(t), edi = (word_t)(uintptr_t)l4_utcb();
    __asm__ volatile("pushl %%ebp\n\tpushl %%ebx\n\tpushl %3\n\tpopfl\n\tcall *%%ebx\n\t"
                     "popl %%ebx\n\tpopl %%ebp\n\tpushl $0x202\n\tpopfl"
                     : "+a"(eax), "+c"(ecx), "+D"(edi)
                     : "d"(value), "b"(stub), "S"(0)
                     : "memory", "cc");
}

static void touch_somewhere(struct fuzz_thread *t)
{
    volatile word_t *word = (volatile word_t *)(uintptr_t)any_address(t);
    if (below(t, 3) == 0)
        *word = random_word(t);
    else
        (void)*word;
}

static void jump_somewhere(struct fuzz_thread *t)
{
    ((void (*)(void))(uintptr_t)nowhere(t))();
}

static void ask_sigma0(struct fuzz_thread *t)
{
    l4_thread_id sigma0 = l4_global_id(48, 1);
    l4_set_mr(0, (below(t, 4) ? 0xFFA00000 : below(t, 65536) << 16) |
                     (below(t, 4) ? 2 : below(t, 64)));
    // Not beyond the memory there is: a board's empty addresses are no matter of the kernel's.
    l4_set_mr(1, below(t, 2) ? any_fpage(t) & 0x03FFFFFF : 0xFFFFFC07 | (10 + below(t, 10)) << 4);
    l4_set_mr(2, below(t, 3) ? 0 : any_word(t));
    l4_set_br(0, L4_COMPLETE_SPACE);
    struct l4_registers r = {.eax = sigma0, .edx = sigma0, .ecx = 0x08010801, .esi = l4_mr(0),
                             .edi = (word_t)(uintptr_t)l4_utcb()};
    l4_invoke(l4_stubs.ipc, &r);
}

void fuzz_main(struct fuzz_thread *t)
{
    for (;;) {
        t->calls++;
        l4_set_tcr(L4_TCR_PAGER, l4_global_id(50, 1));
        l4_set_tcr(L4_TCR_EXCEPTION_HANDLER, l4_global_id(50, 1));
        word_t which = below(t, 100);
        if (which < 30)
            throw_ipc(t);
        else if (which < 50)
            throw_mapping(t);
        else if (which < 60)
            throw_unmap(t);
        else if (which < 70)
            throw_any_stub(t);
        else if (which < 75)
            throw_exchange(t);
        else if (which < 80)
            throw_schedule(t);
        else if (which < 86)
            throw_interrupt(t);
        else if (which < 90)
            throw_flags(t);
        else if (which < 93)
            throw_instruction(t);
        else if (which < 96)
            touch_somewhere(t);
        else if (which < 97)
            jump_somewhere(t);
        else
            ask_sigma0(t);
    }
}
