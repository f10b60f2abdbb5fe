// foreign.c: spaces of programs that know nothing of L4, beyond X.2: kernel/api/foreign.c,
// foreign_state.c.
#include "suite.h"

#include <l4/foreign.h>
#include <l4/string.h>

#define DATA 0x10000000u // the program's page of data
#define FLAG_TF 0x100u
#define FLAG_DF 0x400u
#define FLAG_IOPL 0x3000u
#define FLAG_RF 0x10000u
#define FLAG_ID 0x200000u
#define DR6_B0 1u
#define DR6_BS 0x4000u

extern char foreign_code[], foreign_call[], foreign_loop[], foreign_end[];
__asm__(".text\n\t.balign 1024\n"
        "foreign_code:\n\t"
        "movl $0x01010101, %edi\n\tmovl $0x03030303, %ebp\n\tmovl $0x04040404, %ebx\n\t"
        "movl $0x07070707, %eax\n"
        "foreign_call:\n\tint $0x80\n\t"
        "movl %eax, 0x10000000\n"
        "foreign_loop:\n\tincl 0x10000000\n\tjmp foreign_loop\n"
        "foreign_end:\n");

// Says what it finds at gs:0 and gs:-4 in EBX and EDX, in a loop.
extern char foreign_tls[], foreign_tls_found[];
__asm__("foreign_tls:\n\t"
        "movl $0x33, %eax\n\tmovl %eax, %gs\n\tmovl $0x43, %eax\n\tmovl %eax, %fs\n"
        "1:\tmovl %gs:0, %ebx\n\tmovl %gs:-4, %edx\n"
        "foreign_tls_found:\n\tint $0x80\n\tjmp 1b\n");

extern char foreign_forbidden[], foreign_ldt[], foreign_in[], foreign_int3[], foreign_null[];
__asm__("foreign_forbidden:\n\tcli\n"
        "foreign_ldt:\n\tmovl $0x1234, %eax\n\tmovl %eax, %fs\n"
        "foreign_in:\n\tinb $0x40, %al\n"
        "foreign_int3:\n\tint3\n"
        "foreign_null:\n\txorl %eax, %eax\n\tmovl %eax, %fs\n\tmovl %fs:0, %eax\n");

// Three instructions to be stepped through, and a write to be watched.
extern char foreign_steps[], foreign_step2[], foreign_step3[], foreign_watched[];
__asm__("foreign_steps:\n\tnop\n"
        "foreign_step2:\n\tmovl $5, %ecx\n"
        "foreign_step3:\n\tmovl %ecx, 0x10000010\n"
        "foreign_watched:\n\tint $0x80\n\tjmp foreign_steps\n");

// EBX is what ST(0), which is kept, is as an integer.
extern char foreign_x87[], foreign_x87_use[];
__asm__("foreign_x87:\n\tint $0x80\n"
        "foreign_x87_use:\n\tfildl 0x10000020\n"
        "1:\tfistl 0x10000024\n\tmovl 0x10000024, %ebx\n\tint $0x80\n\tjmp 1b\n");

// Sends three words to EAX and awaits an answer from EDX, with tag ESI; EDI: its message registers.
extern char foreign_ipc[], foreign_trampoline[];
__asm__("foreign_ipc:\n"
        "1:\tint $0x80\n\t"
        "movl $0x111, 4(%edi)\n\tmovl $0x222, 8(%edi)\n\tmovl $0x333, 12(%edi)\n\t"
        "xorl %ecx, %ecx\n\tint $0x30\n\tjmp 1b\n"
        "foreign_trampoline:\n\tud2\n");

// Names nobody as its pager and its exception handler, then faults.
extern char foreign_pager[];
__asm__("foreign_pager:\n\tint $0x80\n\t"
        "movl $0, -0x30(%edi)\n\tmovl $0, -0x2C(%edi)\n\tmovl %eax, 0x10000000\n\tint $0x80\n");

// Says in EBX what it finds at EDI, and leaves something there.
extern char foreign_leaves[];
__asm__("foreign_leaves:\n"
        "1:\tint $0x80\n\tmovl (%edi), %ebx\n\tmovl $0x4711, (%edi)\n\tint $0x80\n\tjmp 1b\n");

// A breakpoint on what MOV to SS reads waits for the instruction behind that.
extern char foreign_ss[], foreign_ss_int3[];
__asm__("foreign_ss:\n\tmovw %ss, 0x10000030\n\tint $0x80\n\tmovw 0x10000030, %ss\n"
        "foreign_ss_int3:\n\tint3\n");

static struct helper foreign_thread_of(const char *start, l4_thread_id redirector)
{
    struct space *s = space_make_bare();
    s->kip = 0xBFFF0000;
    s->utcb_base = CHILD_UTCB_AREA;
    EQUAL(l4_space_control(s->anchor, L4_SPACE_FOREIGN, l4_make_fpage(s->kip, L4_PAGE_BITS, 0),
                           l4_make_fpage(s->utcb_base, CHILD_UTCB_LOG2, 0), redirector, NULL),
          1);
    struct helper h = helper_make(s, tester_id);
    EQUAL(l4_set_priority(h.id, 50) != 0, 1);
    l4_put_start_message(ADDRESS(start), DATA + 0x800);
    EQUAL(outcome(l4_send_timeout(h.id, SECOND)), 0);
    return h;
}

static struct helper foreign_thread(const char *start)
{
    return foreign_thread_of(start, L4_ANY_THREAD);
}

static void next_exception(const struct helper *h, struct l4_foreign_frame *f)
{
    l4_thread_id from;
    EQUAL(next_message(h->id, &from, 1000000), L4_TAG_FOREIGN);
    memcpy(f, l4_utcb() + 1, sizeof(*f));
}

static void answer(const struct helper *h, const struct l4_foreign_frame *f, word_t from_page,
                   word_t to)
{
    memcpy(l4_utcb() + 1, f, sizeof(*f));
    l4_set_mr(0, l4_make_tag(0, L4_FOREIGN_WORDS, 0));
    if (from_page)
        l4_msg_map(l4_make_fpage(from_page, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE), to);
    EQUAL(outcome(l4_send_timeout(h->id, SECOND)), 0);
}

// A page fault is a message with registers and address, and its answer brings the page.
static void bring_page(const struct helper *h, word_t address, bool write, word_t page)
{
    struct l4_foreign_frame f;
    next_exception(h, &f);
    EQUAL(f.vector, 14);
    EQUAL(f.address, address);
    EQUAL(f.error & 2, write ? 2 : 0);
    answer(h, &f, page, address & ~(L4_PAGE_SIZE - 1));
}

static void bring_code(const struct helper *h, const char *start)
{
    bring_page(h, ADDRESS(start), false, ADDRESS(start) & ~(L4_PAGE_SIZE - 1));
}

// The system call that the program makes next, and its answer.
static void next_call(const struct helper *h, struct l4_foreign_frame *f)
{
    next_exception(h, f);
    EQUAL(f->vector, 13);
    EQUAL(f->error, 0x80 * 8 + 2);
    f->eip += 2;
}

static void c201_exceptions_go_to_the_keeper_with_all_registers(void)
{
    struct helper h = foreign_thread(foreign_code);
    struct l4_foreign_frame f;
    bring_code(&h, foreign_code);
    next_call(&h, &f);
    EQUAL(f.eip, ADDRESS(foreign_call) + 2);
    EQUAL(f.esp, DATA + 0x800);
    EQUAL(f.edi, 0x01010101);
    EQUAL(f.ebp, 0x03030303);
    EQUAL(f.ebx, 0x04040404);
    EQUAL(f.eax, 0x07070707);
    EQUAL(f.gs, 0);
    EQUAL(f.fs, 0);
    EQUAL(f.eflags & FLAG_IOPL, 0);
    f.eax = 1000;
    answer(&h, &f, 0, 0);
    bring_page(&h, DATA, true, pool_page(0));
    sleep_us(20000);
    HOLDS(*word_at(pool_page(0)) > 1000);
}

static void raise_exception(const struct helper *h, struct l4_foreign_frame *f)
{
    struct l4_exchange x = {.thread = h->id, .control = L4_EXREGS_RAISE};
    HOLDS(l4_exchange_registers(&x) != L4_NIL_THREAD);
    next_exception(h, f);
    EQUAL(f->vector, L4_VECTOR_RAISED);
}

static void c202_the_keeper_takes_the_processor_back(void)
{
    struct helper h = foreign_thread(foreign_code);
    struct l4_foreign_frame f;
    bring_code(&h, foreign_code);
    next_call(&h, &f);
    f.eflags |= FLAG_DF | FLAG_ID;
    answer(&h, &f, 0, 0);
    bring_page(&h, DATA, true, pool_page(0));
    sleep_us(20000);
    for (unsigned i = 0; i < 3; i++) {
        raise_exception(&h, &f);
        EQUAL(f.eax, 0x07070707);
        HOLDS(f.eip >= ADDRESS(foreign_loop) && f.eip < ADDRESS(foreign_end));
        EQUAL(f.eflags & (FLAG_DF | FLAG_ID), FLAG_DF | FLAG_ID);
        word_t count = *word_at(pool_page(0));
        sleep_us(5000);
        EQUAL(*word_at(pool_page(0)), count);
        answer(&h, &f, 0, 0);
        sleep_us(5000);
        HOLDS(*word_at(pool_page(0)) > count);
    }
}

// A descriptor of 4 GB from `base` on, as Linux gives threads.
static void describe(uint32_t *descriptor, word_t base)
{
    descriptor[0] = base << 16 | 0xFFFF;
    descriptor[1] = (base & 0xFF000000) | 0x00CFF200 | (base >> 16 & 0xFF);
}

// A thread that has found what its descriptor says once.
static struct helper tls_thread(word_t page, word_t offset, struct l4_foreign_frame *f)
{
    struct l4_state_tls tls = {0};
    struct helper h = foreign_thread(foreign_tls);
    describe(tls.descriptor[0], DATA + offset);
    describe(tls.descriptor[2], DATA);
    EQUAL(l4_foreign_state(h.id, L4_STATE_TLS_SET, &tls), 1);
    bring_code(&h, foreign_tls);
    bring_page(&h, DATA + offset, false, page);
    next_call(&h, f);
    return h;
}

// A null segment's use. Emulators that check no segments take it for one from 0 on.
static void null_used(const struct l4_foreign_frame *f)
{
    if (f->vector == 13)
        EQUAL(f->error, 0);
    else
        EQUAL(f->vector, 14);
}

static void c203_each_thread_has_its_segments(void)
{
    struct l4_foreign_frame f[2];
    for (unsigned i = 0; i < 4; i++)
        *word_at(pool_page(0) + 4 * i) = 100 + i;
    struct helper h[2] = {tls_thread(pool_page(0), 4, &f[0]), tls_thread(pool_page(0), 8, &f[1])};
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 2; i++) {
            struct l4_state_segments s;
            EQUAL(f[i].gs, 0x33);
            EQUAL(f[i].fs, 0x43);
            EQUAL(f[i].ebx, 101 + i);
            EQUAL(f[i].edx, 100 + i);
            EQUAL(l4_foreign_state(h[i].id, L4_STATE_SEGMENTS_GET, &s), 1);
            EQUAL(s.gs, 0x33);
            EQUAL(s.fs, 0x43);
            answer(&h[i], &f[i], 0, 0);
            next_call(&h[i], &f[i]);
        }
    // The answer sets selectors; one that names nothing is none. Null faults when it is used.
    f[0].gs = 0x43;
    f[0].fs = 0x3B;
    answer(&h[0], &f[0], 0, 0);
    next_exception(&h[0], &f[0]);
    EQUAL(f[0].vector, 14); // gs:-4 is below the page now
    EQUAL(f[0].address, DATA - 4);
    EQUAL(f[0].gs, 0x43);
    EQUAL(f[0].fs, 0);
    // And so is one whose descriptor went.
    struct l4_state_tls none = {0};
    EQUAL(l4_foreign_state(h[1].id, L4_STATE_TLS_SET, &none), 1);
    answer(&h[1], &f[1], 0, 0);
    next_exception(&h[1], &f[1]);
    null_used(&f[1]);
    EQUAL(f[1].gs, 0);
}

static void c204_what_the_processor_forbids_is_told(void)
{
    struct helper h = foreign_thread(foreign_forbidden);
    struct l4_foreign_frame f;
    bring_code(&h, foreign_forbidden);
    next_exception(&h, &f);
    EQUAL(f.vector, 13);
    EQUAL(f.eip, ADDRESS(foreign_forbidden));
    f.eip = ADDRESS(foreign_ldt);
    answer(&h, &f, 0, 0);
    next_exception(&h, &f);
    EQUAL(f.vector, 13); // not 14: there is no LDT in the program's memory
    EQUAL(f.error, 0x1234);
    f.eip = ADDRESS(foreign_in);
    f.eflags |= FLAG_IOPL;
    answer(&h, &f, 0, 0);
    next_exception(&h, &f);
    EQUAL(f.vector, 13);
    EQUAL(f.eip, ADDRESS(foreign_in));
    f.eip = ADDRESS(foreign_int3);
    answer(&h, &f, 0, 0);
    next_exception(&h, &f);
    EQUAL(f.vector, 3);
    EQUAL(f.eip, ADDRESS(foreign_int3) + 1);
    answer(&h, &f, 0, 0);
    next_exception(&h, &f);
    null_used(&f);
    HOLDS(f.eip > ADDRESS(foreign_null));
}

static void step(const struct helper *h, struct l4_foreign_frame *f, const char *next)
{
    f->eflags |= FLAG_TF;
    answer(h, f, 0, 0);
    next_exception(h, f);
    EQUAL(f->vector, 1);
    EQUAL(f->address & (DR6_BS | 15), DR6_BS);
    EQUAL(f->eip, ADDRESS(next));
}

static void c205_single_steps_and_breakpoints(void)
{
    struct helper h = foreign_thread(foreign_steps);
    struct l4_foreign_frame f;
    struct l4_state_debug d = {{0}, 0};
    bring_code(&h, foreign_steps);
    bring_page(&h, DATA + 0x10, true, pool_page(0));
    next_call(&h, &f);
    f.eip = ADDRESS(foreign_steps);
    step(&h, &f, foreign_step2);
    step(&h, &f, foreign_step3);
    step(&h, &f, foreign_watched);
    f.eflags &= ~FLAG_TF;
    answer(&h, &f, 0, 0);
    next_call(&h, &f);

    d.dr[0] = ADDRESS(foreign_step2); // execution
    d.dr7 = 0x1;
    EQUAL(l4_foreign_state(h.id, L4_STATE_DEBUG_SET, &d), 1);
    answer(&h, &f, 0, 0);
    next_exception(&h, &f);
    EQUAL(f.vector, 1);
    EQUAL(f.address & 15, DR6_B0);
    EQUAL(f.eip, ADDRESS(foreign_step2));
    f.eflags |= FLAG_RF;
    answer(&h, &f, 0, 0);
    next_call(&h, &f);

    d.dr[0] = DATA + 0x10; // a write of four bytes
    d.dr7 = 0xD0001;
    EQUAL(l4_foreign_state(h.id, L4_STATE_DEBUG_SET, &d), 1);
    answer(&h, &f, 0, 0);
    next_exception(&h, &f);
    EQUAL(f.vector, 1);
    EQUAL(f.address & 15, DR6_B0);
    EQUAL(f.eip, ADDRESS(foreign_watched));
    d.dr7 = 0;
    EQUAL(l4_foreign_state(h.id, L4_STATE_DEBUG_SET, &d), 1);
    answer(&h, &f, 0, 0);
    next_call(&h, &f);
    answer(&h, &f, 0, 0);
    next_call(&h, &f);
}

static void c206_x87_state_is_read_written_and_forgotten(void)
{
    static uint8_t image[512] __attribute__((aligned(512)));
    struct helper h = foreign_thread(foreign_x87), other;
    struct l4_foreign_frame f, g;
    bring_code(&h, foreign_x87);
    next_call(&h, &f);
    EQUAL(l4_foreign_state(h.id, L4_STATE_X87_GET, image), 2);
    *word_at(pool_page(0) + 0x20) = 4711;
    answer(&h, &f, 0, 0);
    bring_page(&h, DATA + 0x20, false, pool_page(0));
    next_call(&h, &f);
    EQUAL(f.ebx, 4711);
    EQUAL(l4_foreign_state(h.id, L4_STATE_X87_GET, image), 1);
    answer(&h, &f, 0, 0);
    next_call(&h, &f);
    EQUAL(f.ebx, 4711);

    // Another thread gets the first one's registers, which keeps them.
    other = foreign_thread(foreign_x87);
    bring_code(&other, foreign_x87);
    next_call(&other, &g);
    EQUAL(l4_foreign_state(other.id, L4_STATE_X87_SET, image), 1);
    *word_at(pool_page(0) + 0x20) = 12;
    answer(&other, &g, 0, 0);
    bring_page(&other, DATA + 0x20, false, pool_page(0));
    next_call(&other, &g);
    EQUAL(g.ebx, 12);
    EQUAL(l4_foreign_state(other.id, L4_STATE_X87_SET, image), 1);
    answer(&other, &g, 0, 0);
    next_call(&other, &g);
    EQUAL(g.ebx, 4711);
    answer(&h, &f, 0, 0);
    next_call(&h, &f);
    EQUAL(f.ebx, 4711);

    // Forgotten: the registers are empty.
    EQUAL(l4_foreign_state(h.id, L4_STATE_X87_SET, NULL), 1);
    EQUAL(l4_foreign_state(h.id, L4_STATE_X87_GET, image), 2);
    answer(&h, &f, 0, 0);
    next_call(&h, &f);
    HOLDS(f.ebx != 4711);
}

static void c207_state_that_would_do_harm_is_refused(void)
{
    struct helper h = foreign_thread(foreign_code), plain = helper_make(space_make(), tester_id);
    struct l4_state_tls tls = {0};
    struct l4_state_debug d = {{0xC0000000, 0, 0, 0}, 1};
    static const uint32_t kinds[] = {0x00CFFA00, 0x00CF9200, 0x00CFE200, 0x00CF7200};
    FAILS(l4_foreign_state(plain.id, L4_STATE_TLS_SET, &tls), L4_ERROR_INVALID_THREAD);
    FAILS(l4_foreign_state(tester_id, L4_STATE_TLS_SET, &tls), L4_ERROR_INVALID_THREAD);
    FAILS(l4_foreign_state(h.id, L4_STATE_RESET + 1, &tls), L4_ERROR_INVALID_PARAMETER);
    FAILS(l4_foreign_state(h.id, L4_STATE_TLS_SET, (void *)HOLE), L4_ERROR_INVALID_PARAMETER);
    for (unsigned i = 0; i < 4; i++) { // code, privilege 0, a system's, not present
        tls.descriptor[1][1] = kinds[i];
        FAILS(l4_foreign_state(h.id, L4_STATE_TLS_SET, &tls), L4_ERROR_INVALID_PARAMETER);
    }
    FAILS(l4_foreign_state(h.id, L4_STATE_DEBUG_SET, &d), L4_ERROR_INVALID_PARAMETER);
    d = (struct l4_state_debug){{0x40, 0, 0, 0}, 0x20001}; // an I/O breakpoint
    FAILS(l4_foreign_state(h.id, L4_STATE_DEBUG_SET, &d), L4_ERROR_INVALID_PARAMETER);
}

// Sends the frame back and returns what comes then.
static l4_tag go_on(const struct helper *h, const struct l4_foreign_frame *f)
{
    memcpy(l4_utcb() + 1, f, sizeof(*f));
    l4_set_mr(0, l4_make_tag(0, L4_FOREIGN_WORDS, 0));
    return l4_call(h->id);
}

static void c208_its_own_calls_reach_the_keeper(void)
{
    struct helper h = foreign_thread_of(foreign_ipc, tester_id);
    struct l4_foreign_frame f;
    bring_code(&h, foreign_ipc);
    next_call(&h, &f);
    for (word_t i = 0; i < 3; i++) {
        f.eax = f.edx = tester_id;
        f.esi = l4_make_tag(0x77, 3, 0);
        f.edi = h.local;
        EQUAL(go_on(&h, &f), l4_make_tag(0x77, 3, 0));
        EQUAL(l4_mr(1), 0x111);
        EQUAL(l4_mr(2), 0x222);
        EQUAL(l4_mr(3), 0x333);
        l4_set_mr(1, 0xAAA + i);
        l4_set_mr(2, 0xBBB);
        l4_set_mr(0, l4_make_tag(i, 2, 0));
        EQUAL(l4_call(h.id), L4_TAG_FOREIGN);
        memcpy(&f, l4_utcb() + 1, sizeof(f));
        EQUAL(f.vector, 13);
        EQUAL(f.eip, ADDRESS(foreign_ipc));
        EQUAL(f.eax, tester_id);
        EQUAL(f.esi, l4_make_tag(i, 2, 0));
        EQUAL(f.ebx, 0xAAA + i);
        EQUAL(f.ebp, 0xBBB);
        EQUAL(f.edi, h.local);
        f.eip += 2;
    }
}

// With the keeper as its redirector, and whatever its control block says.
static void c209_nobody_but_the_keeper_hears_of_it(void)
{
    struct helper h = foreign_thread_of(foreign_ipc, tester_id);
    struct helper other = helper_make(space_make(), tester_id);
    struct l4_foreign_frame f;
    bring_code(&h, foreign_ipc);
    next_call(&h, &f);
    f.eax = f.edx = other.id;
    f.esi = l4_make_tag(0x77, 3, 0);
    f.edi = h.local;
    EQUAL(go_on(&h, &f), l4_make_tag(0x77, 3, 0) | L4_TAG_REDIRECTED);
    EQUAL(l4_tcr(L4_TCR_INTENDED_RECEIVER), other.id);

    h = foreign_thread_of(foreign_pager, tester_id);
    bring_code(&h, foreign_pager);
    next_call(&h, &f);
    f.edi = h.local;
    answer(&h, &f, 0, 0);
    bring_page(&h, DATA, true, pool_page(0));
    next_call(&h, &f);
}

// int 0x80 as a call to the trampoline, or an exception where there is no stack for it.
static void c210_the_trampoline(void)
{
    struct helper h = foreign_thread(foreign_code);
    struct l4_foreign_frame f;
    uint32_t to = ADDRESS(foreign_trampoline);
    bring_code(&h, foreign_code);
    next_call(&h, &f);
    EQUAL(l4_foreign_state(h.id, L4_STATE_TRAMPOLINE_SET, &to), 1);
    f.eip = ADDRESS(foreign_call);
    answer(&h, &f, 0, 0);
    next_call(&h, &f);
    EQUAL(f.eip, ADDRESS(foreign_call) + 2);
    EQUAL(f.esp, DATA + 0x800);
    f.eip = ADDRESS(foreign_call);
    answer(&h, &f, pool_page(0), DATA);
    next_exception(&h, &f);
    EQUAL(f.vector, 6);
    EQUAL(f.eip, to);
    EQUAL(f.esp, DATA + 0x7FC);
    EQUAL(*word_at(pool_page(0) + 0x7FC), ADDRESS(foreign_call) + 2);
    EQUAL(f.eax, 0x07070707);
    EQUAL(f.ebx, 0x04040404);
    EQUAL(f.edi, 0x01010101);
    f.eip = ADDRESS(foreign_call); // and not where the kernel is
    f.esp = 0xC0000002;
    answer(&h, &f, 0, 0);
    next_call(&h, &f);
    EQUAL(f.esp, 0xC0000002);
}

static struct helper counting_thread(struct l4_foreign_frame *f)
{
    struct helper h = foreign_thread(foreign_code);
    bring_code(&h, foreign_code);
    next_call(&h, f);
    answer(&h, f, 0, 0);
    bring_page(&h, DATA, true, pool_page(0));
    raise_exception(&h, f);
    return h;
}

static word_t take_pages(const struct helper *h, l4_fpage page)
{
    l4_set_mr(0, page);
    return l4_foreign_state(h->id, L4_STATE_UNMAP, (void *)1);
}

// Another program that has the same page keeps it.
static void c211_pages_are_taken_by_the_programs_addresses(void)
{
    struct l4_foreign_frame f, g;
    struct helper h = counting_thread(&f), other = counting_thread(&g);
    EQUAL(take_pages(&h, l4_make_fpage(DATA, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE)), 1);
    answer(&other, &g, 0, 0);
    sleep_us(5000);
    raise_exception(&other, &g);
    answer(&h, &f, 0, 0);
    bring_page(&h, DATA, true, pool_page(0));
    raise_exception(&h, &f);
    EQUAL(take_pages(&h, l4_make_fpage(DATA, L4_PAGE_BITS, L4_WRITABLE)), 1);
    answer(&h, &f, 0, 0);
    next_exception(&h, &f);
    EQUAL(f.vector, 14);
    EQUAL(f.error & 3, 3); // it may still read
    answer(&other, &g, 0, 0);
    sleep_us(5000);
    raise_exception(&other, &g);

    EQUAL(l4_foreign_state(h.id, L4_STATE_UNMAP, NULL), 1); // none
    FAILS(take_pages(&h, l4_make_fpage(0, L4_PAGE_BITS + 11, L4_FULLY_ACCESSIBLE)),
          L4_ERROR_INVALID_PARAMETER);
    struct helper plain = helper_make(space_make(), tester_id);
    FAILS(take_pages(&plain, l4_make_fpage(DATA, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE)),
          L4_ERROR_INVALID_THREAD);
}

static word_t left_at(const struct helper *h, struct l4_foreign_frame *f, word_t place)
{
    f->edi = place;
    answer(h, f, 0, 0);
    next_call(h, f);
    word_t found = f->ebx;
    answer(h, f, 0, 0);
    next_call(h, f);
    return found;
}

// The next program finds nothing of what the one before had left in the thread or its UTCB's page.
static void c212_a_thread_becomes_as_new(void)
{
    struct helper h = foreign_thread(foreign_leaves);
    struct l4_foreign_frame f;
    struct l4_state_tls tls = {0};
    struct l4_state_debug d = {{ADDRESS(foreign_leaves), 0, 0, 0}, 1};
    word_t end = (h.local & ~(L4_PAGE_SIZE - 1)) + L4_PAGE_SIZE - 4;
    uint32_t to = ADDRESS(foreign_trampoline);
    bring_code(&h, foreign_leaves);
    next_call(&h, &f);
    EQUAL(left_at(&h, &f, end), 0);
    EQUAL(left_at(&h, &f, end), 0x4711);
    left_at(&h, &f, h.local);

    static uint8_t image[512] __attribute__((aligned(512)));
    describe(tls.descriptor[0], DATA);
    EQUAL(l4_foreign_state(h.id, L4_STATE_TLS_SET, &tls), 1);
    EQUAL(l4_foreign_state(h.id, L4_STATE_DEBUG_SET, &d), 1);
    EQUAL(l4_foreign_state(h.id, L4_STATE_TRAMPOLINE_SET, &to), 1);
    EQUAL(l4_foreign_state(h.id, L4_STATE_X87_SET, image), 1);
    EQUAL(l4_foreign_state(h.id, L4_STATE_RESET, NULL), 1);
    EQUAL(l4_foreign_state(h.id, L4_STATE_X87_GET, image), 2);
    f.gs = 0x33;
    EQUAL(left_at(&h, &f, end), 0);
    EQUAL(f.gs, 0);
    EQUAL(left_at(&h, &f, h.local), 0);
    EQUAL(left_at(&h, &f, end), 0x4711);
    FAILS(l4_foreign_state(tester_id, L4_STATE_RESET, NULL), L4_ERROR_INVALID_THREAD);
}

static void c213_a_breakpoint_that_comes_in_the_kernel_is_no_fault_of_the_kernels(void)
{
    struct helper h = foreign_thread(foreign_ss);
    struct l4_foreign_frame f;
    struct l4_state_debug d = {{DATA + 0x30, 0, 0, 0}, 0x70001}; // accesses of two bytes
    bring_code(&h, foreign_ss);
    bring_page(&h, DATA + 0x30, true, pool_page(0));
    next_call(&h, &f);
    EQUAL(l4_foreign_state(h.id, L4_STATE_DEBUG_SET, &d), 1);
    answer(&h, &f, 0, 0);
    next_exception(&h, &f);
    if (f.vector == 1) { // an emulator that does not wait
        answer(&h, &f, 0, 0);
        next_exception(&h, &f);
    }
    EQUAL(f.vector, 3);
    EQUAL(f.eip, ADDRESS(foreign_ss_int3) + 1);
}

const struct test foreign_tests[] = {
    TEST(c201_exceptions_go_to_the_keeper_with_all_registers),
    TEST(c202_the_keeper_takes_the_processor_back),
    TEST(c203_each_thread_has_its_segments),
    TEST(c204_what_the_processor_forbids_is_told),
    TEST(c205_single_steps_and_breakpoints),
    TEST(c206_x87_state_is_read_written_and_forgotten),
    TEST(c207_state_that_would_do_harm_is_refused),
    TEST(c208_its_own_calls_reach_the_keeper),
    TEST(c209_nobody_but_the_keeper_hears_of_it),
    TEST(c210_the_trampoline),
    TEST(c211_pages_are_taken_by_the_programs_addresses),
    TEST(c212_a_thread_becomes_as_new),
    TEST(c213_a_breakpoint_that_comes_in_the_kernel_is_no_fault_of_the_kernels),
    TESTS_END,
};
