/* kip_page.S: the kernel interface page as it lies in the image [L4X2 1], with the stubs that
 * programs call. Boot loaders look for the magic word and fill in the servers and the memory
 * descriptors; kip_init does the rest. The page is mapped at another address in every space, so
 * nothing in it may refer to its own address. */
#include "arch/offsets.h"

#define MEMORY_DESCRIPTORS 0x1A0
#define STUBS              0x800

/* Vectors: api/syscalls.h. */
#define VECTOR(n) (0x30 + (n))

        .section .kip, "aw", @progbits
        .balign 4096
        .globl  kip
kip:
        .ascii  "L4\346K"
        .long   0x84050000              /* ApiVersion: X.2 */
        .long   0                       /* ApiFlags: little-endian, 32 bits */
        .long   kernel_descriptor - kip
        .fill   4, 4, 0                 /* debugger */
        .fill   12, 4, 0                /* sigma0, sigma1, root server: the boot loader's */
        .long   0
        .long   MEMORY_DESCRIPTORS << 16 | (STUBS - MEMORY_DESCRIPTORS) / 8 /* room for so many */
        .fill   2, 4, 0                 /* debugger configuration */
        .fill   16, 4, 0                /* memory, old style */
        .fill   2, 4, 0
        .long   12 << 16 | 9 << 10 | 1  /* UtcbInfo: 512 bytes each, an area of 4 KB at least */
        .long   12                      /* KipAreaInfo: one page */
        .fill   2, 4, 0
        .long   0                       /* BootInfo */
        .long   processor_descriptor - kip
        .long   0                       /* ClockInfo */
        .long   0                       /* ThreadInfo */
        .long   0x00401006              /* PageInfo: 4 KB and 4 MB; read and write are told apart */
        .long   4 << 28                 /* ProcessorInfo: one, descriptors of 16 bytes */
        .long   stub_space_control - kip
        .long   stub_thread_control - kip
        .long   stub_processor_control - kip
        .long   stub_memory_control - kip
        .long   stub_ipc - kip
        .long   stub_lipc - kip
        .long   stub_unmap - kip
        .long   stub_exchange_registers - kip
        .long   stub_system_clock - kip
        .long   stub_thread_switch - kip
        .long   stub_schedule - kip
        .fill   5, 4, 0
        .fill   4, 4, 0
processor_descriptor:
        .fill   4, 4, 0
kernel_descriptor:
        .long   0x09010000              /* KernelId: no known one */
        .long   26 << 9 | 11 << 5 | 22  /* 2026-11-22 */
        .long   0x00010000              /* 0.1.0 */
        .ascii  "Isoc"
        .asciz  "Isochron's L4 kernel"
        .globl  kip_features            /* none, as a rule: one makes libraries see all [L4X2 1.3] */
kip_features:
        .skip   16
        .if     . - kip > MEMORY_DESCRIPTORS
        .error  "the kernel's descriptor runs into the memory descriptors"
        .endif
        .org    kip + MEMORY_DESCRIPTORS

        .org    kip + STUBS
        .macro  STUB name, vector
        .balign 16
        .globl  stub_\name
stub_\name:
        int     $\vector
        ret
        .endm

        STUB    ipc, VECTOR(0)
        STUB    lipc, VECTOR(1)
        STUB    exchange_registers, VECTOR(2)
        STUB    thread_control, VECTOR(3)
        STUB    thread_switch, VECTOR(5)
        STUB    schedule, VECTOR(6)
        STUB    unmap, VECTOR(7)
        STUB    space_control, VECTOR(8)
        STUB    processor_control, VECTOR(9)
        STUB    memory_control, VECTOR(10)

/* What takes the place of stub_ipc where the processor has SYSENTER: the kernel finds the stack
 * pointer in EBP, which Ipc destroys, and knows where the RET is. */
        .balign 16
        .globl  stub_sysenter, stub_sysenter_return, stub_sysenter_end
stub_sysenter:
        movl    %esp, %ebp
        sysenter
stub_sysenter_return:
        ret
stub_sysenter_end:
        .globl  stub_sysenter_return_offset
        .set    stub_sysenter_return_offset, stub_sysenter_return - kip

/* SystemClock without the kernel: TSC * clock_scale >> 32. The library keeps only ESI and EDI free
 * for it beside the result [L4X2 2]. */
        .balign 16
        .globl  stub_system_clock
stub_system_clock:
        pushl   %ecx
        call    1f
1:      popl    %edi
        rdtsc
        movl    kip_clock_scale - 1b(%edi), %edi
        movl    %edx, %esi
        mull    %edi
        movl    %edx, %ecx
        movl    %esi, %eax
        mull    %edi
        addl    %ecx, %eax
        adcl    $0, %edx
        popl    %ecx
        ret

        .balign 4
        .globl  kip_clock_scale
kip_clock_scale:
        .long   0
        .org    kip + 4096

        .section .note.GNU-stack, "", @progbits
