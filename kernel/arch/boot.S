/* boot.S: the first instructions, at their physical address, paging off. A Multiboot loader comes
 * with its magic word in EAX and its information in EBX [MB1 3.2]; kickstart comes with nothing
 * [L4X2 7]. Both are passed to init(), which tells them apart by the kernel interface page.
 *
 * This is linked at its physical address; what it names of the rest of the kernel is DIRECT_MAP
 * lower. */
#include "arch/offsets.h"

#define DIRECT_MAP      0xD0000000
#define LARGE_PAGES     191             /* types.h: DIRECT_MAP_SIZE / 4 MB */
#define PHYSICAL(x)     ((x) - DIRECT_MAP)

#define MULTIBOOT_MAGIC 0x1BADB002
#define MULTIBOOT_FLAGS 3               /* modules on page boundaries, memory sizes */

#define CR0_PG_WP_NE_TS_MP 0x8001002A
#define CR4_PSE         0x10
#define FLAG_ID         0x200000
#define FEATURE_PSE     0x08
#define COM1            0x3F8

        .section .boot, "ax", @progbits
        .balign 4
        .long   MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

        .globl  boot_entry
boot_entry:
        cli
        cld
        movl    $PHYSICAL(boot_stack_top), %esp
        movl    %eax, %ebp              /* what the loader said: in EBP and EDI until the end */
        movl    %ebx, %edi

/* CPUID is there if EFLAGS.ID can be changed [SDM1 19.1]. */
        pushl   $FLAG_ID | 2
        popfl
        pushfl
        popl    %eax
        pushl   $2
        popfl
        testl   $FLAG_ID, %eax
        jz      no_large_pages
        movl    $1, %eax
        cpuid
        testl   $FEATURE_PSE, %edx
        jz      no_large_pages

/* The directory that all others copy: physical memory at DIRECT_MAP, and its first 4 MB where they
 * are for the few instructions until the jump. Present, writable, accessed, dirty, 4 MB. */
        movl    $PHYSICAL(kernel_directory), %ebx
        movl    $0xE3, %eax
        movl    %eax, (%ebx)
        leal    DIRECT_MAP >> 20(%ebx), %edx
        movl    $LARGE_PAGES, %ecx
1:      movl    %eax, (%edx)
        addl    $0x400000, %eax
        addl    $4, %edx
        decl    %ecx
        jnz     1b
        movl    $CR4_PSE, %eax
        movl    %eax, %cr4
        movl    %ebx, %cr3
        movl    %cr0, %eax
        andl    $~0x60000000, %eax      /* caches on */
        orl     $CR0_PG_WP_NE_TS_MP, %eax
        movl    %eax, %cr0
        movl    $boot_high, %eax
        jmp     *%eax

/* This early there is only the serial line to say it on. */
no_large_pages:
        movl    $no_large_pages_text, %esi
        movw    $COM1 + 3, %dx
        movb    $0x83, %al              /* divisor 1: 115200 baud, then 8N1 */
        outb    %al, %dx
        movw    $COM1, %dx
        movb    $1, %al
        outb    %al, %dx
        incl    %edx
        movb    $0, %al
        outb    %al, %dx
        movw    $COM1 + 3, %dx
        movb    $0x03, %al
        outb    %al, %dx
1:      movw    $COM1 + 5, %dx
2:      inb     %dx, %al
        testb   $0x20, %al
        jz      2b
        lodsb
        testb   %al, %al
        jz      3f
        movw    $COM1, %dx
        outb    %al, %dx
        jmp     1b
3:      hlt
        jmp     3b
no_large_pages_text:
        .asciz  "kernel: this processor has no 4 MB pages; a Pentium or a later one is needed\r\n"

        .text
boot_high:
        movl    $boot_stack_top, %esp
        pushl   %edi
        pushl   %ebp
        xorl    %ebp, %ebp
        call    init

        .section .bss
        .balign 4096
        .globl  kernel_directory
kernel_directory:
        .skip   4096
boot_stack:
        .skip   8192
        .globl  boot_stack_top
boot_stack_top:

        .section .note.GNU-stack, "", @progbits
