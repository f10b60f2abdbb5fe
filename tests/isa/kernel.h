/* kernel: a Multiboot kernel's beginning, which calls run(), and the serial line to print on: for
 * images that must print the same on two processors. */
#pragma once

typedef unsigned char u8;
typedef unsigned u32;
typedef unsigned long long u64;

__asm__(".section .multiboot, \"a\"\n"
        ".long 0x1BADB002, 0, -0x1BADB002\n"
        ".text\n"
        ".globl _start\n"
        "_start:\n"
        "    mov $stack_top, %esp\n"
        "    call run\n"
        "1:  cli\n"
        "    hlt\n"
        "    jmp 1b\n"
        ".bss\n"
        ".balign 16\n"
        ".space 4096\n"
        "stack_top:\n"
        ".text\n");

static void outb(unsigned short port, u8 v)
{
    __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}

static u8 inb(unsigned short port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void put(char c)
{
    while (!(inb(0x3FD) & 0x20))
        ;
    outb(0x3F8, (u8)c);
}

static void print(const char *s)
{
    while (*s)
        put(*s++);
}

static void print_hex(u32 v)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        put("0123456789abcdef"[v >> shift & 15]);
}
