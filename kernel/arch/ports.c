/* ports.c: how the processor keeps programs from I/O ports: with IOPL 0 it looks them up in the
 * bitmap behind the TSS [SDM3 16.5.2], and faults where a bit is set.
 *
 * The TSS is mapped a second time, among the kernel's single pages, and there the bitmap's two
 * pages follow it:
 *
 *   TSS_PAGE      the page that the TSS is in anyway
 *   BITMAP_PAGE   two pages: the bitmap of the space that runs, or twice a page of ones
 *   END_PAGE      ones: the processor reads a byte beyond
 *
 * Like the x87 the bitmap comes late: ones lie there until the running program's first IN or OUT
 * faults, then its space's own frames, until another space runs. So a switch costs nothing more for
 * all who use no ports. */
#include "arch/cpu.h"

#include "api/ipc.h"
#include "api/ports.h"
#include "api/scheduler.h"
#include "arch/offsets.h"
#include "arch/segments.h"
#include "state.h"

#define TSS_PAGE    2u
#define BITMAP_PAGE 3u
#define END_PAGE    5u

#define TAG_IO_FAULT 0xFF860002u

static uint32_t ones[PAGE_SIZE / 4] __attribute__((aligned(PAGE_SIZE)));

/* The immediates of two instructions in fast_path.S: flags of a program that came by SYSENTER. */
static void set_entry_flags(void)
{
    extern uint8_t sysenter_kernel_flags[], sysenter_user_flags[];
    word_t kernel_flags = KERNEL_FLAGS & ~EFLAGS_IOPL, user_flags = user_flags_now();
    __builtin_memcpy(sysenter_kernel_flags + 1, &kernel_flags, sizeof kernel_flags);
    __builtin_memcpy(sysenter_user_flags + 1, &user_flags, sizeof user_flags);
}

static void show(paddr_t first, paddr_t second)
{
    kernel_page_set(BITMAP_PAGE, first);
    kernel_page_set(BITMAP_PAGE + 1, second);
}

void ports_init(void)
{
    for (word_t i = 0; i < PAGE_SIZE / 4; i++)
        ones[i] = ~0u;
    paddr_t tss = physical(&task.tss);
    word_t base = KERNEL_PAGES + TSS_PAGE * PAGE_SIZE + tss % PAGE_SIZE;
    task.tss.io_map = KERNEL_PAGES + BITMAP_PAGE * PAGE_SIZE - base;
    kernel_page_set(TSS_PAGE, tss);
    kernel_page_set(END_PAGE, physical(ones));
    show(physical(ones), physical(ones));
    segments_move_tss(base, KERNEL_PAGES + END_PAGE * PAGE_SIZE - base);
    kernel.ports_by_fpage = true;
    set_entry_flags();
}

void ports_hide(const struct space *s)
{
    if (!(kernel.live & LIVE_PORTS) || kernel.ports_space != s)
        return;
    show(physical(ones), physical(ones));
    kernel.live &= ~LIVE_PORTS;
}

/* --- the instruction -------------------------------------------------------------------------- */
/* IN, OUT, INS or OUTS at EIP: its first port and how many bytes wide; 0: another one. */
static word_t port_access(struct space *s, const struct trap_frame *f, word_t *port)
{
    uint8_t code = 0;
    word_t wide = 4;
    vaddr_t at = f->eip;
    for (word_t length = 0; length < 15; length++) {
        if (!space_read(s, at++, &code, 1))
            return 0;
        if (code == 0x66)
            wide = 2;
        else if (code != 0x67 && code != 0xF2 && code != 0xF3 && (code & 0xE7) != 0x26 &&
                 code != 0x64 && code != 0x65)
            break;
    }
    *port = f->edx & 0xFFFF;
    if ((code & 0xFC) == 0xE4) {
        uint8_t immediate;
        if (!space_read(s, at, &immediate, 1))
            return 0;
        *port = immediate;
    } else if ((code & 0xFC) != 0xEC && (code & 0xFC) != 0x6C) {
        return 0;
    }
    return code & 1 ? wide : 1;
}

/* What the pager is asked for: the ports of the access, if they are an fpage, else the first of
 * them that is missing. */
static fpage_t wanted(const struct space *s, word_t port, word_t wide)
{
    word_t log2 = wide == 4 ? 2 : wide - 1;
    if (port % wide != 0)
        for (log2 = 0; ports_held(s, port, port); port++) {
        }
    return port << 16 | log2 << 10 | 2u << 4;
}

/* As page_fault_ipc, with other words. */
static void fault_ipc(struct tcb *t, fpage_t f, word_t ip)
{
    word_t words[13] = {TAG_IO_FAULT, f, ip};

    if (!ipc_kernel_call(t, t->utcb->pager, words, 3, true) &&
        t->ipc_result == ipc_error_word(SEND_PHASE, IPC_NO_PARTNER, 0)) {
        t->state = HALTED;
        switch_to_next();
    }
}

bool ports_fault(struct trap_frame *f)
{
    struct space *s = current()->space;
    word_t port, wide;

    if (!kernel.ports_by_fpage || (wide = port_access(s, f, &port)) == 0 || port + wide > PORTS)
        return false;
    if (!ports_held(s, port, port + wide - 1)) {
        fault_ipc(current(), wanted(s, port, wide), f->eip);
        return true;
    }
    struct ports *p = kernel.live & LIVE_PORTS ? NULL : ports_of(s);
    if (!p)
        return false; /* something else is wrong with the instruction, or there is no memory */
    show(physical(p->denied), physical(p->denied) + PAGE_SIZE);
    kernel.ports_space = s;
    kernel.live |= LIVE_PORTS;
    return true;
}
