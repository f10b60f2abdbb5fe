// SPDX-License-Identifier: GPL-2.0-only
/* standin_process.c: processes as os-L4 knows them, foreign threads (l4/foreign.h): each a space,
 * registers in the message registers while it runs, and the rest of its state here. */
#include <string.h>
#include "layer.h"
#include "standin.h"

#define FLAGS_MASK 0x254DD5u /* ID AC RF NT OF DF TF SF ZF AF PF CF */
#define FLAGS      0x000202u
#define DR6_CLEAR  0xFFFF0FF0u
#define DR7_ENABLES 0x000000FFu
#define DR7_GIVEN   0xFFFF03FFu
#define DESCRIPTOR_ACCESSED 0x100u /* the processor would write it otherwise */
#define FNSAVE_BYTES 108
#define FXSAVE_BYTES 512
#define FXSAVE_MXCSR 6 /* words */
#define FXSAVE_MASK  7
#define MASK_FIRST   0xFFBFu /* the first parts', which say 0 [SDM1 11.6.6] */

enum vector { VECTOR_DEBUG = 1, VECTOR_NO_X87 = 7 };

_Static_assert(STANDIN_PROCESS == THREAD_PROCESS, "bindings.h");
_Static_assert(L4_TLS_FIRST_SELECTOR == 0x33, "the descriptors behind the TSS's");

struct x87 {
    word_t image[FXSAVE_BYTES / 4];
};

struct process {
    word_t *directory;
    struct x87 *x87; /* a frame */
    bool raised; /* it stops before it runs again */
    bool x87_used;
    struct l4_state_debug debug;
    struct l4_state_tls tls;
};

static struct process processes[PROCESS_MAX];
static struct process *tls_owner; /* whose descriptors are in the GDT */
static struct process *x87_owner; /* whose state is in the x87 */
static bool x87_ready;            /* CR0.TS is clear: only while the owner may run */
static word_t mxcsr_mask;

static struct process *process_of(l4_thread_id thread)
{
    return &processes[l4_thread_number(thread) - STANDIN_PROCESS];
}

bool standin_process_new(word_t index)
{
    struct process *p = &processes[index];

    *p = (struct process){.directory = standin_directory_new(), .x87 = standin_frame()};
    if (p->directory && p->x87)
        return true;
    if (p->directory)
        standin_directory_free(p->directory);
    if (p->x87)
        standin_frame_free(p->x87);
    return false;
}

/* Nobody has what is in the processor of it. */
static void drop(struct process *p)
{
    if (tls_owner == p)
        tls_owner = NULL;
    if (x87_owner == p)
        x87_owner = NULL;
}

void standin_process_free(word_t index)
{
    struct process *p = &processes[index];

    drop(p);
    standin_directory_free(p->directory);
    standin_frame_free(p->x87);
}

void standin_raise(word_t index)
{
    processes[index].raised = true;
}

/* --- the x87, saved as late as can be --------------------------------------------------------- */

static void x87_allow(bool allow)
{
    word_t cr0;

    x87_ready = allow;
    if (allow) {
        __asm__ volatile("clts");
        return;
    }
    __asm__ volatile("movl %%cr0, %0\n\torl $8, %0\n\tmovl %0, %%cr0" : "=&r"(cr0));
}

void standin_x87_start(void)
{
    static struct x87 none __attribute__((aligned(16)));

    x87_allow(true);
    if (standin_has_sse)
        __asm__ volatile("fxsave %0" : "=m"(none));
    mxcsr_mask = none.image[FXSAVE_MASK] ? none.image[FXSAVE_MASK] : MASK_FIRST;
    x87_allow(false);
}

static void x87_save(struct process *p)
{
    if (standin_has_fxsr)
        __asm__ volatile("fxsave %0" : "=m"(*p->x87));
    else
        __asm__ volatile("fnsave %0" : "=m"(*p->x87));
    p->x87_used = true;
}

static void x87_load(const struct process *p)
{
    static const word_t mxcsr_start = 0x1F80;

    __asm__ volatile("fnclex"); /* of somebody who is no more */
    if (!p->x87_used) {
        __asm__ volatile("fninit");
        if (standin_has_sse)
            __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr_start));
    } else if (standin_has_fxsr) {
        __asm__ volatile("fxrstor %0" : : "m"(*p->x87));
    } else {
        __asm__ volatile("frstor %0" : : "m"(*p->x87));
    }
}

/* The process has met CR0.TS. */
static void x87_take(struct process *p)
{
    x87_allow(true);
    if (x87_owner == p)
        return;
    if (x87_owner)
        x87_save(x87_owner);
    x87_owner = p;
    x87_load(p);
}

/* FNSAVE leaves the registers as FNINIT does, so they are nobody's then. */
static word_t x87_get(struct process *p, void *to)
{
    if (x87_owner == p) {
        x87_allow(true);
        x87_save(p);
        x87_owner = NULL;
    }
    if (!p->x87_used)
        return 2;
    memcpy(to, p->x87, standin_has_fxsr ? FXSAVE_BYTES : FNSAVE_BYTES);
    return 1;
}

static void x87_set(struct process *p, const void *from)
{
    if (x87_owner == p)
        x87_owner = NULL;
    p->x87_used = from;
    if (from)
        memcpy(p->x87, from, standin_has_fxsr ? FXSAVE_BYTES : FNSAVE_BYTES);
    if (from && standin_has_fxsr) /* what else FXRSTOR would fault for */
        p->x87->image[FXSAVE_MXCSR] &= mxcsr_mask;
}

/* --- memory ----------------------------------------------------------------------------------- */

/* The page that came with the message. */
static void take_page(struct process *p, word_t send_base, word_t fpage)
{
    word_t *page = standin_entry(p->directory, l4_fpage_base(send_base), true);

    if (!page)
        layer_panic("no memory for page tables: fewer processes, or less of mem=");
    *page = l4_fpage_base(fpage) | PAGE_PRESENT | PAGE_USER | PAGE_USED |
            (fpage & L4_WRITABLE ? PAGE_WRITABLE : 0);
}

/* Pages in the message registers, and the rights that are lost at each. No TLB has them, for it is
 * Linux that runs. */
static void take_back(struct process *p, word_t count)
{
    for (word_t i = 0; i < count; i++) {
        word_t fpage = l4_mr(i), *page = standin_entry(p->directory, l4_fpage_base(fpage), false);

        if (page)
            *page = fpage & L4_READABLE ? 0 : *page & ~PAGE_WRITABLE;
    }
}

/* --- the state that changes seldom ------------------------------------------------------------ */

static void set_tls(struct process *p, const struct l4_state_tls *tls)
{
    p->tls = *tls;
    for (word_t i = 0; i < L4_TLS_ENTRIES; i++)
        if (p->tls.descriptor[i][1])
            p->tls.descriptor[i][1] |= DESCRIPTOR_ACCESSED;
    if (tls_owner == p)
        tls_owner = NULL;
}

/* Without GD, which would stop Linux. */
static void set_breakpoints(struct process *p, const struct l4_state_debug *debug)
{
    p->debug = *debug;
    p->debug.dr7 = debug->dr7 & DR7_ENABLES ? debug->dr7 & DR7_GIVEN : 0;
}

/* As a new one, but for its space, which the layer has emptied. */
static void reset(struct process *p)
{
    drop(p);
    *p = (struct process){.directory = p->directory, .x87 = p->x87};
}

static word_t change(struct process *p, enum l4_state_operation operation, const void *state)
{
    switch (operation) {
    case L4_STATE_TLS_SET: set_tls(p, state); return 1;
    case L4_STATE_DEBUG_SET: set_breakpoints(p, state); return 1;
    case L4_STATE_X87_GET: return x87_get(p, (void *)(uintptr_t)state);
    case L4_STATE_X87_SET: x87_set(p, state); return 1;
    case L4_STATE_UNMAP: take_back(p, (word_t)(uintptr_t)state); return 1;
    case L4_STATE_RESET: reset(p); return 1;
    default: return 0;
    }
}

word_t l4_foreign_state(l4_thread_id thread, enum l4_state_operation operation, const void *state)
{
    word_t flags = standin_lock(), result = change(process_of(thread), operation, state);

    standin_unlock(flags);
    return result;
}

/* --- segments and breakpoints ----------------------------------------------------------------- */

/* The selector, or null in the place of one whose load would fault. */
static word_t loadable(const struct process *p, word_t selector)
{
    word_t entry = (selector - (L4_TLS_FIRST_SELECTOR & ~3u)) >> 3;

    if (selector < 4 || selector == USER_DS || selector == USER_CS)
        return selector;
    return entry < L4_TLS_ENTRIES && p->tls.descriptor[entry][1] ? selector : 0;
}

static word_t gs_now(void)
{
    word_t selector;

    __asm__ volatile("movl %%gs, %0" : "=r"(selector));
    return selector & 0xFFFF;
}

static word_t fs_now(void)
{
    word_t selector;

    __asm__ volatile("movl %%fs, %0" : "=r"(selector));
    return selector & 0xFFFF;
}

static void load_segments(struct process *p, word_t gs, word_t fs)
{
    bool anew = tls_owner != p;

    if (anew) {
        memcpy(STANDIN->gdt[L4_TLS_FIRST_SELECTOR / 8], &p->tls, sizeof(p->tls));
        tls_owner = p;
    }
    if (anew || gs != gs_now())
        __asm__ volatile("movl %0, %%gs" : : "r"(loadable(p, gs)));
    if (anew || fs != fs_now())
        __asm__ volatile("movl %0, %%fs" : : "r"(loadable(p, fs)));
}

static void load_breakpoints(const struct l4_state_debug *d)
{
    __asm__ volatile("movl %0, %%dr0\n\tmovl %1, %%dr1\n\tmovl %2, %%dr2\n\tmovl %3, %%dr3\n\t"
                     "movl %4, %%dr7"
                     : : "r"(d->dr[0]), "r"(d->dr[1]), "r"(d->dr[2]), "r"(d->dr[3]), "r"(d->dr7));
}

/* --- running ---------------------------------------------------------------------------------- */

/* CR2 of a page fault, DR6 of a debug exception. */
static word_t address_of(word_t vector)
{
    word_t address = 0;

    if (vector == VECTOR_PAGE_FAULT)
        __asm__ volatile("movl %%cr2, %0" : "=r"(address));
    else if (vector == VECTOR_DEBUG)
        __asm__ volatile("movl %%dr6, %0\n\tmovl %1, %%dr6" : "=&r"(address) : "r"(DR6_CLEAR));
    return address;
}

/* Until something stops the process that is not the stand-in's own affair. Returns its vector. */
static word_t enter(struct process *p, const word_t *mr)
{
    word_t vector;

    if (x87_ready && x87_owner != p)
        x87_allow(false);
    do {
        if (p->debug.dr7)
            load_breakpoints(&p->debug);
        standin_enter(p->directory);
        if (p->debug.dr7)
            __asm__ volatile("movl %0, %%dr7" : : "r"(0));
        vector = mr[13];
        if (vector == VECTOR_NO_X87)
            x87_take(p);
        else if (vector - VECTOR_LINES < 16)
            standin_interrupt(vector - VECTOR_LINES);
        else
            return vector;
    } while (!p->raised);
    return L4_VECTOR_RAISED;
}

l4_tag standin_run(l4_thread_id thread)
{
    struct process *p = process_of(thread);
    word_t *mr = l4_utcb(), vector = L4_VECTOR_RAISED;

    standin_off();
    if (l4_tag_typed(mr[0]))
        take_page(p, mr[14], mr[15]);
    mr[15] = mr[1];
    mr[16] = USER_CS;
    mr[17] = (mr[2] & FLAGS_MASK) | FLAGS;
    mr[18] = mr[8];
    mr[19] = USER_DS;
    load_segments(p, mr[3] >> 16, mr[4] >> 16);
    if (!p->raised)
        vector = enter(p, mr);
    p->raised = false;
    mr[0] = L4_TAG_FOREIGN;
    mr[1] = mr[15];
    mr[2] = mr[17];
    mr[3] = vector | gs_now() << 16;
    mr[4] = (vector == L4_VECTOR_RAISED ? 0 : mr[14] & 0xFFFF) | fs_now() << 16;
    mr[8] = mr[18];
    mr[13] = address_of(vector);
    standin_on();
    return L4_TAG_FOREIGN;
}
