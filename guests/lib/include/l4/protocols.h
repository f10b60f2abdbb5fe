// protocols.h: the messages between the kernel and threads [L4X2 5]: thread start, page faults,
// exceptions, interrupts, preemption, I/O faults. Labels are twelve bits in 31..20 of the tag;
// bits 19..16 carry the access rights of a fault. Sigma0's protocol is in sigma0.h.
#pragma once

#include <l4/ipc.h>
#include <l4/types.h>
#include <l4/utcb.h>

// The sixteen bits of label that a tag has, with rights 0.
#define L4_LABEL_INTERRUPT 0xFFF0u
#define L4_LABEL_PAGE_FAULT 0xFFE0u
#define L4_LABEL_PREEMPTION 0xFFD0u
#define L4_LABEL_SYSTEM_EXCEPTION 0xFFC0u
#define L4_LABEL_ARCH_EXCEPTION 0xFFB0u
#define L4_LABEL_SIGMA0 0xFFA0u
#define L4_LABEL_IO_PAGE_FAULT 0xFF80u

static inline word_t l4_protocol_label(l4_tag tag)
{
    return tag >> 16 & 0xFFF0;
}

// ---- Thread start: from its pager, two words --------------------------------------------------

static inline void l4_put_start_message(word_t ip, word_t sp)
{
    l4_set_mr(0, l4_make_tag(0, 2, 0));
    l4_set_mr(1, ip);
    l4_set_mr(2, sp);
}

// ---- Page fault: MR1 the address, MR2 the instruction -----------------------------------------

static inline bool l4_is_page_fault(l4_tag tag)
{
    return l4_protocol_label(tag) == L4_LABEL_PAGE_FAULT && l4_tag_untyped(tag) == 2;
}

// L4_READABLE, L4_WRITABLE, L4_EXECUTABLE; IA-32 reports fetches as reads.
static inline word_t l4_page_fault_access(l4_tag tag)
{
    return tag >> 16 & 7;
}

static inline word_t l4_page_fault_address(void)
{
    return l4_mr(1);
}

static inline word_t l4_page_fault_ip(void)
{
    return l4_mr(2);
}

// The reply: one map or grant item. A tag of 0 lets the thread try again without a page.
static inline void l4_put_page_fault_reply(struct l4_item item)
{
    l4_msg_begin(0);
    l4_msg_item(item);
}

// ---- Exception: twelve words, replied to with the same twelve ---------------------------------

struct l4_exception {
    word_t eip, eflags, vector, error_code;
    word_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
};

#define L4_EXCEPTION_WORDS 12u

static inline bool l4_is_exception(l4_tag tag)
{
    word_t label = l4_protocol_label(tag);
    return (label == L4_LABEL_SYSTEM_EXCEPTION || label == L4_LABEL_ARCH_EXCEPTION) &&
           l4_tag_untyped(tag) == L4_EXCEPTION_WORDS;
}

static inline void l4_get_exception(struct l4_exception *e)
{
    const word_t *mr = l4_utcb() + 1;
    *e = (struct l4_exception){mr[0], mr[1], mr[2], mr[3], mr[4],  mr[5],
                               mr[6], mr[7], mr[8], mr[9], mr[10], mr[11]};
}

static inline void l4_put_exception_reply(const struct l4_exception *e)
{
    const word_t *word = &e->eip;
    word_t *mr = l4_utcb();
    mr[0] = l4_make_tag(0, L4_EXCEPTION_WORDS, 0);
    for (word_t i = 0; i < L4_EXCEPTION_WORDS; i++)
        mr[i + 1] = word[i];
}

// ---- Interrupts -------------------------------------------------------------------------------

// Both need a privileged space and return ThreadControl's result.
static inline word_t l4_irq_associate(word_t line, l4_thread_id handler)
{
    l4_thread_id irq = l4_irq_thread(line);
    return l4_thread_control(irq, irq, L4_NIL_THREAD, handler, L4_UTCB_UNCHANGED);
}

static inline word_t l4_irq_dissociate(word_t line)
{
    return l4_irq_associate(line, l4_irq_thread(line));
}

static inline bool l4_is_interrupt(l4_tag tag)
{
    return tag == L4_LABEL_INTERRUPT << 16;
}

// The acknowledgement, which may equally be the send phase of l4_reply_wait.
static inline l4_tag l4_irq_acknowledge(word_t line)
{
    l4_set_mr(0, 0);
    return l4_send(l4_irq_thread(line));
}

// ---- Preemption and I/O faults ----------------------------------------------------------------

static inline bool l4_is_preemption(l4_tag tag)
{
    return l4_protocol_label(tag) == L4_LABEL_PREEMPTION;
}

static inline l4_clock l4_preemption_clock(void)
{
    return (l4_clock)l4_mr(2) << 32 | l4_mr(1);
}

// MR1 is the I/O fpage, MR2 the instruction; the reply maps an I/O fpage.
static inline bool l4_is_io_page_fault(l4_tag tag)
{
    return l4_protocol_label(tag) == L4_LABEL_IO_PAGE_FAULT;
}
