/* kernel: descriptor tables, paging, interrupts, two threads, five calls. */
#include "law_guest.h"

enum { KERNEL_CODE = 0x08, KERNEL_DATA = 0x10, USER_CODE = 0x1B, USER_DATA = 0x23, TSS = 0x28 };
enum { COM1 = 0x3F8, PAGE = 4096, THREADS = 2, IRQ_BASE = 32, TICKS_PER_SECOND = 4000 };

struct frame {
    uint32_t edi, esi, ebp, esp_kernel, ebx, edx, ecx, eax;
    uint32_t es, ds, vector, error, eip, cs, eflags, esp, ss;
};

struct thread {
    uint32_t *directory;
    uint32_t *table; /* of the 4 MB at HEAP */
    struct frame *frame;
    uint32_t sum, exited;
    uint8_t x87[108];
    uint8_t stack[PAGE] __attribute__((aligned(16)));
};

static struct thread threads[THREADS];
static struct thread *running;
static uint32_t rounds = 24, ticks, faults, noise;
static uint32_t free_frame = 0x200000, spare_frame;
static uint64_t gdt[6], idt[129];
static uint32_t tss[26];
static uint32_t kernel_table[1024] __attribute__((aligned(PAGE)));
static uint32_t directories[THREADS][1024] __attribute__((aligned(PAGE)));
static uint32_t heap_tables[THREADS][1024] __attribute__((aligned(PAGE)));

extern const uint32_t stubs[129];
extern char user_begin[], user_end[];

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* --- output ----------------------------------------------------------------------------------- */

static void put(char c)
{
    while (!(inb(COM1 + 5) & 0x20))
        ;
    outb(COM1, (uint8_t)c);
}

static void put_text(const char *s)
{
    while (*s)
        put(*s++);
}

static void put_hex(uint32_t v)
{
    for (int i = 28; i >= 0; i -= 4)
        put("0123456789abcdef"[v >> i & 15]);
}

static void open_serial(void)
{
    outb(COM1 + 3, 0x80); /* divisor 1: 115200 baud */
    outb(COM1, 1);
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 0x03);
    outb(COM1 + 2, 0x07);
}

__attribute__((noreturn)) static void finish(int status)
{
    while (!(inb(COM1 + 5) & 0x40))
        ;
    outb(0xF4, (uint8_t)status);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* --- tables ----------------------------------------------------------------------------------- */

static uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t access, uint32_t flags)
{
    uint32_t low = (limit & 0xFFFF) | base << 16;
    uint32_t high = (base >> 16 & 0xFF) | access << 8 | (limit & 0xF0000) | flags << 20 |
                    (base & 0xFF000000u);
    return low | (uint64_t)high << 32;
}

static void load_tables(void)
{
    gdt[1] = descriptor(0, 0xFFFFF, 0x9A, 0xC);
    gdt[2] = descriptor(0, 0xFFFFF, 0x92, 0xC);
    gdt[3] = descriptor(0, 0xFFFFF, 0xFA, 0xC);
    gdt[4] = descriptor(0, 0xFFFFF, 0xF2, 0xC);
    gdt[5] = descriptor((uint32_t)tss, sizeof tss - 1, 0x89, 0);
    tss[2] = KERNEL_DATA;
    tss[25] = sizeof tss << 16;
    for (uint32_t v = 0; v < 129; v++) {
        uint32_t dpl = v == 0x80 || v == 3 || v == 4 ? 3 : 0;
        uint32_t type = v == 0x80 ? 0xF : 0xE; /* the call is a trap gate: interrupts stay on */
        idt[v] = (stubs[v] & 0xFFFF) | KERNEL_CODE << 16 |
                 (uint64_t)((stubs[v] & 0xFFFF0000u) | 0x8000 | dpl << 13 | type << 8) << 32;
    }
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) g = {sizeof gdt - 1, (uint32_t)gdt},
                              i = {sizeof idt - 1, (uint32_t)idt};
    __asm__ volatile("lgdt %0; lidt %1; ljmp $8, $1f; 1:" : : "m"(g), "m"(i));
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss" : : "r"(KERNEL_DATA));
    __asm__ volatile("ltr %w0" : : "r"(TSS));
}

static void start_paging(void)
{
    for (uint32_t i = 0; i < 1024; i++) {
        uint32_t at = i * PAGE;
        int user = at >= (uint32_t)user_begin && at < (uint32_t)user_end;
        kernel_table[i] = at | 3 | (user ? 4 : 0);
    }
    for (int t = 0; t < THREADS; t++) {
        threads[t].directory = directories[t];
        threads[t].table = heap_tables[t];
        directories[t][0] = (uint32_t)kernel_table | 7;
        directories[t][HEAP >> 22] = (uint32_t)heap_tables[t] | 7;
        directories[t][0xC0000000u >> 22] = 0 | 0x83; /* memory once more, as one 4 MB page */
    }
    uint32_t cr;
    __asm__ volatile("mov %%cr4, %0; or $0x10, %0; mov %0, %%cr4" : "=r"(cr));
    __asm__ volatile("mov %0, %%cr3" : : "r"(directories[0]));
    __asm__ volatile("mov %%cr0, %0; and $0x9FFFFFFF, %0; or $0x80010022, %0; mov %0, %%cr0"
                     : "=r"(cr));
}

static void start_interrupts(void)
{
    static const uint8_t commands[][2] = {
        {0x20, 0x11}, {0xA0, 0x11}, {0x21, IRQ_BASE}, {0xA1, IRQ_BASE + 8}, {0x21, 4}, {0xA1, 2},
        {0x21, 1},    {0xA1, 1},    {0x21, 0xFE},     {0xA1, 0xFF}};
    for (unsigned i = 0; i < sizeof commands / 2; i++)
        outb(commands[i][0], commands[i][1]);
    uint32_t divisor = 1193182 / TICKS_PER_SECOND;
    outb(0x43, 0x34);
    outb(0x40, (uint8_t)divisor);
    outb(0x40, (uint8_t)(divisor >> 8));
}

/* --- threads ---------------------------------------------------------------------------------- */

static void make_threads(void)
{
    for (uint32_t t = 0; t < THREADS; t++) {
        struct thread *h = &threads[t];
        struct frame *f = (struct frame *)(h->stack + sizeof h->stack) - 1;
        *f = (struct frame){.es = USER_DATA, .ds = USER_DATA, .cs = USER_CODE, .ss = USER_DATA,
                            .eip = (uint32_t)user_start, .eflags = 0x202,
                            .esp = USER_STACK_TOP - 64, .eax = t + 1};
        h->frame = f;
        __asm__ volatile("fninit; fnsave %0" : "=m"(h->x87));
    }
}

static struct thread *other(void)
{
    struct thread *o = running == &threads[0] ? &threads[1] : &threads[0];
    return o->exited ? running : o;
}

/* Also touches the other thread's table through the 4 MB page. */
static void switch_to(struct thread *next)
{
    if (next == running)
        return;
    __asm__ volatile("fnsave %0" : "=m"(running->x87));
    running = next;
    tss[1] = (uint32_t)(next->stack + sizeof next->stack);
    noise += *(volatile uint32_t *)(0xC0000000u + (uint32_t)next->table);
    __asm__ volatile("mov %0, %%cr3" : : "r"(next->directory) : "memory");
    __asm__ volatile("frstor %0" : : "m"(next->x87));
}

static void end_thread(uint32_t sum)
{
    running->sum = sum;
    running->exited = 1;
    if (!threads[0].exited || !threads[1].exited)
        return;
    put_text("\nsums ");
    put_hex(threads[0].sum);
    put(' ');
    put_hex(threads[1].sum);
    put_text("\nlaw guest: done\n");
    finish(0);
}

/* --- traps ------------------------------------------------------------------------------------ */

static void page_fault(struct frame *f)
{
    uint32_t la;
    __asm__ volatile("mov %%cr2, %0" : "=r"(la));
    if (la - HEAP >= USER_STACK_TOP - HEAP || (f->error & 1)) {
        put_text("\nlaw guest: page fault at ");
        put_hex(la);
        put_text(" from ");
        put_hex(f->eip);
        finish(1);
    }
    uint32_t *entry = &running->table[la >> 12 & 1023], pa = *entry & ~0xFFFu;
    if (!pa && spare_frame) { /* the last page given back */
        pa = spare_frame;
        spare_frame = 0;
    } else if (!pa) {
        pa = free_frame;
        free_frame += PAGE;
    }
    *entry = pa | 7;
    faults++;
}

/* The page keeps its frame: what was written is there again after the next fault. */
static void forget(uint32_t la)
{
    running->table[la >> 12 & 1023] &= ~1u;
    __asm__ volatile("invlpg (%0)" : : "r"(la) : "memory");
}

/* STI comes when the timer's interrupt waits already: its shadow lets HLT begin before. */
static void sleep(void)
{
    __asm__ volatile("cli");
    do
        outb(0x20, 0x0A);
    while (!(inb(0x20) & 1));
    __asm__ volatile("sti; hlt");
}

static void call(struct frame *f)
{
    switch (f->eax) {
    case CALL_ROUNDS: f->eax = rounds; break;
    case CALL_PUT: put((char)f->ebx); break;
    case CALL_YIELD: switch_to(other()); break;
    case CALL_FORGET: forget(f->ebx); break;
    case CALL_SLEEP: sleep(); break;
    case CALL_EXIT:
        end_thread(f->ebx);
        switch_to(other());
        break;
    default: f->eax = 0xFFFFFFFFu; break;
    }
}

static void unexpected(const struct frame *f)
{
    put_text("\nlaw guest: vector ");
    put_hex(f->vector);
    put_text(" error ");
    put_hex(f->error);
    put_text(" at ");
    put_hex(f->eip);
    finish(2);
}

/* A user's exception is a service here: EBP counts it, and what raised it is skipped. */
static void user_exception(struct frame *f)
{
    static const uint8_t skip[32] = {[0] = 2, [5] = 3, [6] = 2, [13] = 1};
    if (!(f->cs & 3) || (f->vector != 3 && f->vector != 4 && !skip[f->vector & 31]))
        unexpected(f);
    f->ebp += 0x100 + f->vector;
    f->eip += skip[f->vector & 31];
}

struct frame *trap(struct frame *f)
{
    /* An interrupt of the kernel itself (HLT, a call) goes back to where it was. */
    int from_user = f->cs & 3;
    if (from_user)
        running->frame = f;
    if (f->vector == IRQ_BASE) {
        ticks++;
        outb(0x20, 0x20);
        if (!from_user)
            return f;
        switch_to(other());
    } else if (f->vector == 0x80) {
        call(f);
    } else if (f->vector == 14) {
        page_fault(f);
    } else {
        user_exception(f);
    }
    return from_user ? running->frame : f;
}

/* --- start ------------------------------------------------------------------------------------ */

static void read_command_line(const uint32_t *information)
{
    const char *s = information[0] & 4 ? (const char *)information[4] : "";
    for (; *s; s++) {
        if (s[0] != 'r' || s[1] != 'o' || s[2] != 'u' || s[3] != 'n' || s[4] != 'd' ||
            s[5] != 's' || s[6] != '=')
            continue;
        rounds = 0;
        for (s += 7; *s >= '0' && *s <= '9'; s++)
            rounds = rounds * 10 + (uint32_t)(*s - '0');
        return;
    }
}

void leave(void);

void kernel_main(uint32_t magic, const uint32_t *information)
{
    open_serial();
    if (magic == 0x2BADB002)
        read_command_line(information);
    load_tables();
    start_paging();
    start_interrupts();
    put_text("law guest\n");
    make_threads();
    running = &threads[0];
    tss[1] = (uint32_t)(running->stack + sizeof running->stack);
    __asm__ volatile("jmp leave" : : "a"(running->frame));
}
