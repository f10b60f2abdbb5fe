// sigma0.h: asking the initial pager, which owns all physical memory, for memory [L4X2 5.6]. A
// region goes to the first thread that asks and to that thread alone, so the thread that asks
// should be the one that goes on paging. Requests may be for any memory but the kernel's.
#pragma once

#include <l4/ipc.h>
#include <l4/kip.h>
#include <l4/protocols.h>
#include <l4/types.h>

#define L4_SIGMA0_ANY_BASE 0xFFFFFC00u

// The request fpage in MR1, a memory attribute (0 = default) in MR2. What comes is mapped at the
// window, in its place modulo the window's size if that is larger than the request, or with
// L4_COMPLETE_SPACE at its physical address. Returns the fpage that was mapped (its base is the
// physical address) or L4_NIL_FPAGE. Leaves BR0 accepting nothing.
static inline l4_fpage l4_sigma0_request(l4_thread_id sigma0, l4_fpage request,
                                         word_t attribute, l4_fpage window)
{
    l4_accept(window, false);
    l4_msg_begin(L4_LABEL_SIGMA0);
    l4_msg_word(request);
    l4_msg_word(attribute);
    l4_tag tag = l4_call(sigma0);
    l4_accept_nothing();
    return l4_tag_failed(tag) ? L4_NIL_FPAGE : l4_mr(2);
}

// This very physical region, mapped where the window says.
static inline l4_fpage l4_sigma0_get(word_t base, word_t log2_size, l4_fpage window)
{
    return l4_sigma0_request(l4_sigma0_id(l4_kip),
                             l4_make_fpage(base, log2_size, L4_FULLY_ACCESSIBLE),
                             L4_ATTRIBUTE_DEFAULT, window);
}

// Any conventional memory of 2^log2_size bytes, mapped where the window says.
static inline l4_fpage l4_sigma0_get_any(word_t log2_size, l4_fpage window)
{
    return l4_sigma0_get(L4_SIGMA0_ANY_BASE, log2_size, window);
}

// Extensions: label 0xC17, from the root server or kernel threads only.
#define L4_LABEL_SIGMA0_CONTROL 0xC170u
#define L4_SIGMA0_SET_VERBOSITY 1u // MR2 the level
#define L4_SIGMA0_DUMP 2u          // MR2 non-zero: reply with an empty message when done

static inline void l4_sigma0_set_verbosity(l4_thread_id sigma0, word_t level)
{
    l4_msg_begin(L4_LABEL_SIGMA0_CONTROL);
    l4_msg_word(L4_SIGMA0_SET_VERBOSITY);
    l4_msg_word(level);
    l4_send(sigma0);
}

static inline void l4_sigma0_dump(l4_thread_id sigma0)
{
    l4_msg_begin(L4_LABEL_SIGMA0_CONTROL);
    l4_msg_word(L4_SIGMA0_DUMP);
    l4_msg_word(1);
    l4_call(sigma0);
}
