/* apic: the local APIC as a guest sees it: priorities, its timer, the 8259A behind LINT0, NMI. A
 * Multiboot kernel that prints a line for each; tests/isa/apic.sh compares what Isochron and QEMU
 * print. What depends on how fast either is is waited for and not printed. Left out is that
 * disabling masks every entry [SDM3 10.4.7.2], which QEMU does not do. */
#include "kernel.h"

#define APIC(at) (*(volatile u32 *)(0xFEE00000u + (at)))
enum { TPR = 0x80, PPR = 0xA0, EOI = 0xB0, LDR = 0xD0, DFR = 0xE0, SVR = 0xF0, ISR = 0x100,
       IRR = 0x200, ICR = 0x300, TIMER = 0x320, LINT0 = 0x350, INITIAL = 0x380, CURRENT = 0x390,
       DIVIDE = 0x3E0 };
enum { MASKED = 1 << 16, PERIODIC = 1 << 17, EXTINT = 0x700, NMI = 0x400, SELF = 1 << 18 };
enum { VECTOR_NMI = 2, VECTOR_TICK = 0x20, VECTOR_TIMER = 0x31 };

/* Each stub is 16 bytes: saves, calls taken(vector), returns. */
__asm__(".balign 16\n"
        ".globl stubs\n"
        "stubs:\n"
        ".set vector, 0\n"
        ".rept 256\n"
        "    .balign 16\n"
        "    pushal\n"
        "    pushl $vector\n"
        "    jmp common\n"
        "    .set vector, vector + 1\n"
        ".endr\n"
        "common:\n"
        "    call taken\n"
        "    addl $4, %esp\n"
        "    popal\n"
        "    iret\n");
extern u8 stubs[256][16];

static u64 gdt[] = {0, 0x00CF9A000000FFFFu, 0x00CF92000000FFFFu};
static u64 idt[256];
static volatile u32 count[256], order[64], orders;
static volatile u32 served, priority; /* ISR's word and PPR within the last handler */

void taken(u32 vector);
void taken(u32 vector)
{
    count[vector]++;
    if (vector == VECTOR_NMI)
        return;
    if (vector == VECTOR_TICK) {
        outb(0x20, 0x20);
        return;
    }
    if (orders < 64)
        order[orders++] = vector;
    served = APIC(ISR + vector / 32 * 16);
    priority = APIC(PPR);
    APIC(EOI) = 0;
}

static void tables(void)
{
    struct {
        unsigned short pad, limit;
        void *base;
    } g = {0, sizeof gdt - 1, gdt}, i = {0, sizeof idt - 1, idt};
    for (u32 v = 0; v < 256; v++) {
        u32 at = (u32)stubs[v];
        idt[v] = (u64)((at & 0xFFFF0000) | 0x8E00) << 32 | 8u << 16 | (at & 0xFFFF);
    }
    __asm__ volatile("lgdt %0\n"
                     "lidt %1\n"
                     "ljmp $8, $1f\n"
                     "1: movl $16, %%eax\n"
                     "movl %%eax, %%ds\n"
                     "movl %%eax, %%es\n"
                     "movl %%eax, %%ss" ::"m"(g.limit), "m"(i.limit) : "eax", "memory");
}

static void show(const char *name, u32 value)
{
    print(name);
    print(" ");
    print_hex(value);
    print("\n");
}

static void open(void)
{
    __asm__ volatile("sti");
    for (volatile u32 i = 0; i < 2000; i++)
        ;
    __asm__ volatile("cli");
}

/* Interrupts open until the count of a vector has come that far, or for a very long time. */
static void await(u32 vector, u32 until)
{
    for (u32 i = 0; i < 100000 && count[vector] < until; i++)
        open();
}

static void identity(void)
{
    u32 a = 1, b, c, d, high;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    show("cpuid", d >> 9 & 1);
    __asm__ volatile("rdmsr" : "=a"(a), "=d"(high) : "c"(0x1B));
    show("base", a);
    APIC(SVR) = 0x1FF;
    APIC(LDR) = 0x12345678;
    APIC(DFR) = 0;
    show("ldr", APIC(LDR));
    show("dfr", APIC(DFR));
    APIC(DFR) = 0xFFFFFFFF;
}

static void priorities(void)
{
    static const u8 sent[] = {0x30, 0x51, 0x50, 0x60, 0x40};
    for (u32 i = 0; i < sizeof sent; i++)
        APIC(ICR) = SELF | sent[i];
    show("irr", APIC(IRR + 0x10));
    show("irr", APIC(IRR + 0x20));
    show("irr", APIC(IRR + 0x30));
    APIC(TPR) = 0x45;
    show("ppr", APIC(PPR));
    open();
    show("taken", orders);
    APIC(TPR) = 0;
    open();
    for (u32 i = 0; i < orders; i++)
        show("order", order[i]);
    show("isr within", served);
    show("ppr within", priority);
    show("isr", APIC(ISR + 0x10));
}

static void timer(void)
{
    APIC(DIVIDE) = 0x3;
    APIC(TIMER) = VECTOR_TIMER;
    APIC(INITIAL) = 2000;
    await(VECTOR_TIMER, 1);
    open();
    show("once", count[VECTOR_TIMER]);
    show("stands", APIC(CURRENT));
    APIC(TIMER) = VECTOR_TIMER | PERIODIC;
    APIC(INITIAL) = 20000;
    await(VECTOR_TIMER, 6);
    show("periods", count[VECTOR_TIMER] >= 6);
    show("within the period", APIC(CURRENT) <= 20000);
    APIC(TIMER) = VECTOR_TIMER | MASKED;
    APIC(INITIAL) = 0;
    show("stopped", APIC(CURRENT));
}

/* The 8259A: vectors from 20h, and every tick of the 8254; the board's IMCR leads INT to LINT0. */
static void external(void)
{
    outb(0x22, 0x70);
    outb(0x23, 1);
    static const u8 words[] = {VECTOR_TICK, 4, 1};
    outb(0x20, 0x11);
    for (u32 i = 0; i < sizeof words; i++)
        outb(0x21, words[i]);
    outb(0xA1, 0xFF);
    outb(0x43, 0x34);
    outb(0x40, 0xA9);
    outb(0x40, 0x04); /* 1 ms */
    APIC(LINT0) = EXTINT;
    outb(0x21, 0xFE);
    await(VECTOR_TICK, 3);
    show("ticks", count[VECTOR_TICK] >= 3);
    APIC(LINT0) = EXTINT | MASKED;
    u32 before = count[VECTOR_TICK];
    for (u32 i = 0; i < 500; i++)
        open();
    show("masked", count[VECTOR_TICK] - before);
    outb(0x21, 0xFF);
    APIC(LINT0) = NMI;
    outb(0x21, 0xFE);
    await(VECTOR_NMI, 1);
    show("nmi of the pin", count[VECTOR_NMI] >= 1);
    outb(0x21, 0xFF);
    APIC(LINT0) = EXTINT | MASKED;
}

void run(void)
{
    tables();
    identity();
    priorities();
    timer();
    external();
    count[VECTOR_NMI] = 0;
    APIC(ICR) = SELF | NMI;
    open();
    show("nmi to itself", count[VECTOR_NMI]);
    print("end\n");
    while (!(inb(0x3FD) & 0x40)) /* until the last character has left */
        ;
    outb(0xF4, 0);
}
