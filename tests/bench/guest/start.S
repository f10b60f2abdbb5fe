# start.S: a Multiboot 1 kernel's entry: a stack, flat segments of our own (the loader's GDT is not
# to be relied on), the first 16 MB mapped to themselves with 4 KB pages, then mix().
        .set    MAGIC, 0x1BADB002
        .set    TABLES, 4                       # page tables: 4 MB each

        .section .multiboot, "a"
        .align  4
        .long   MAGIC, 0, -MAGIC

        .text
        .globl  _start
_start: cli
        movl    $stack_end, %esp
        lgdt    gdt_pointer
        ljmp    $8, $1f
1:      movw    $16, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $tables, %edi                   # present, writable, in order
        movl    $3, %eax
        movl    $(TABLES * 1024), %ecx
2:      stosl
        addl    $0x1000, %eax
        loop    2b
        movl    $directory, %edi
        movl    $(tables + 3), %eax
        movl    $TABLES, %ecx
3:      stosl
        addl    $0x1000, %eax
        loop    3b
        movl    $directory, %eax
        movl    %eax, %cr3
        movl    %cr0, %eax
        orl     $0x80000000, %eax
        movl    %eax, %cr0
        jmp     4f
4:      cld
        call    mix
5:      cli
        hlt
        jmp     5b

        .section .rodata
        .align  8
gdt:    .quad   0
        .quad   0x00CF9A000000FFFF              # code, 4 GB
        .quad   0x00CF92000000FFFF              # data, 4 GB
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt

        .bss
        .align  4096
directory:
        .skip   4096
tables: .skip   4096 * TABLES
        .skip   16384
stack_end:

        .section .note.GNU-stack, "", @progbits
