// types.h: the words of L4 API X.2 on IA-32 (thread ids, message tags, time, flexible pages,
// message items) as scalars and small inline functions [L4X2 4]. Every value is one 32-bit word
// whose layout is drawn above the functions that take it apart. Not modelled: 64-bit formats.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t word_t;
typedef word_t l4_thread_id;
typedef word_t l4_tag;
typedef word_t l4_fpage;
typedef word_t l4_time;
typedef uint64_t l4_clock; // microseconds

// Thread ids [L4X2 4.1].
//   global   31        14 13      0      local   31                 6 5    0
//           |  number    | version |            |  UTCB address of MR0 | 000000 |
// A global id's version has at least one of its six low bits set, which tells the two forms apart.
#define L4_NIL_THREAD 0x00000000u
#define L4_ANY_THREAD 0xFFFFFFFFu
#define L4_ANY_LOCAL_THREAD 0xFFFFFFC0u

static inline l4_thread_id l4_global_id(word_t number, word_t version)
{
    return number << 14 | (version & 0x3FFF);
}

static inline word_t l4_thread_number(l4_thread_id id)
{
    return id >> 14;
}

static inline word_t l4_thread_version(l4_thread_id id)
{
    return id & 0x3FFF;
}

static inline bool l4_is_local_id(l4_thread_id id)
{
    return id != L4_NIL_THREAD && (id & 0x3F) == 0;
}

static inline bool l4_is_global_id(l4_thread_id id)
{
    return (id & 0x3F) != 0 && id != L4_ANY_THREAD;
}

// The id of the thread that stands for an interrupt line: its number is the line's, its version 1.
static inline l4_thread_id l4_irq_thread(word_t line)
{
    return l4_global_id(line, 1);
}

// The message tag, MR0 [L4X2 4.2].
//    31        16 15 14 13 12 11     6 5      0
//   |   label    | E| X| R| P| typed t| untyped u |
// Untyped words are MR1..MRu, typed words follow them. u + t is at most 63.
#define L4_TAG_PROPAGATED 0x1000u
#define L4_TAG_REDIRECTED 0x2000u
#define L4_TAG_CROSS_CPU 0x4000u
#define L4_TAG_ERROR 0x8000u
#define L4_TAG_FLAGS 0xF000u
#define L4_MR_COUNT 64
#define L4_BR_COUNT 33

static inline l4_tag l4_make_tag(word_t label, word_t untyped_count, word_t typed_count)
{
    return label << 16 | (typed_count & 0x3F) << 6 | (untyped_count & 0x3F);
}

static inline word_t l4_tag_label(l4_tag tag)
{
    return tag >> 16;
}

static inline word_t l4_tag_untyped(l4_tag tag)
{
    return tag & 0x3F;
}

static inline word_t l4_tag_typed(l4_tag tag)
{
    return tag >> 6 & 0x3F;
}

static inline bool l4_tag_failed(l4_tag tag)
{
    return (tag & L4_TAG_ERROR) != 0;
}

// Time [L4X2 4.6].
//   period  15 14    10 9        0      point  15 14    11 10 9        0
//          | 0|   e    |     m    |           | 1|   e    | c|     m    |
// A period is m * 2^e microseconds. A point is the nearest future clock value whose bits e..e+9
// equal m, whose bit e+10 equals c, and whose lower bits are zero.
#define L4_NEVER 0x0000u
#define L4_ZERO_TIME 0x0400u

// The shortest period that can be written and is at least this many microseconds.
static inline l4_time l4_period(word_t microseconds)
{
    if (microseconds == 0)
        return L4_ZERO_TIME;
    word_t exponent = 0;
    while (microseconds > 1023) {
        microseconds = (microseconds >> 1) + (microseconds & 1);
        exponent++;
    }
    return exponent << 10 | microseconds;
}

// The longest period that can be written and is at most this many microseconds, but not zero.
static inline l4_time l4_period_at_most(l4_clock microseconds)
{
    word_t exponent = 0;
    while (microseconds >> exponent > 1023 && exponent < 31)
        exponent++;
    word_t mantissa = (word_t)(microseconds >> exponent);
    if (mantissa > 1023)
        mantissa = 1023;
    return mantissa == 0 ? 1 : exponent << 10 | mantissa;
}

// The period in microseconds; L4_NEVER has no length and gives 0, as does L4_ZERO_TIME.
static inline word_t l4_period_microseconds(l4_time period)
{
    return (period & 0x3FF) << (period >> 10 & 0x1F);
}

// The time point for a clock value at most about 33 seconds ahead of now, rounded up to what the
// smallest exponent that reaches it can say.
static inline l4_time l4_time_point(l4_clock now, l4_clock when)
{
    word_t exponent = 0;
    while (exponent < 15 && when - now >= (l4_clock)1 << (exponent + 10))
        exponent++;
    when += ((l4_clock)1 << exponent) - 1;
    word_t bits = (word_t)(when >> exponent);
    return 0x8000 | exponent << 11 | (bits >> 10 & 1) << 10 | (bits & 0x3FF);
}

// Both timeouts of an Ipc call: the send phase's in bits 31..16, the receive phase's below.
static inline word_t l4_timeouts(l4_time send, l4_time receive)
{
    return send << 16 | receive;
}

// Flexible pages [L4X2 4.5].
//    31            10 9        4 3 2 1 0
//   |  base / 1024   |  log2 size | 0| r w x|
//   |  port    | s'  |     2      |  rights |   the I/O form, s' = log2 of the number of ports
#define L4_EXECUTABLE 1u
#define L4_WRITABLE 2u
#define L4_READABLE 4u
#define L4_FULLY_ACCESSIBLE 7u
#define L4_NIL_FPAGE 0x00000000u
#define L4_COMPLETE_SPACE 0x00000010u
#define L4_COMPLETE_IO 0x00004020u
#define L4_PAGE_BITS 12
#define L4_PAGE_SIZE 4096u

static inline l4_fpage l4_make_fpage(word_t base, word_t log2_size, word_t rights)
{
    return (base & 0xFFFFFC00) | (log2_size & 0x3F) << 4 | rights;
}

static inline l4_fpage l4_make_io_fpage(word_t port, word_t log2_size, word_t rights)
{
    return port << 16 | (log2_size & 0x3F) << 10 | 2u << 4 | rights;
}

static inline word_t l4_fpage_base(l4_fpage fpage)
{
    return fpage & 0xFFFFFC00;
}

static inline word_t l4_fpage_log2_size(l4_fpage fpage)
{
    return fpage >> 4 & 0x3F;
}

// In bytes; 0 for the complete space and for a nil page.
static inline word_t l4_fpage_size(l4_fpage fpage)
{
    word_t bits = l4_fpage_log2_size(fpage);
    return bits >= 10 && bits < 32 ? 1u << bits : 0;
}

static inline word_t l4_fpage_rights(l4_fpage fpage)
{
    return fpage & 7;
}

static inline bool l4_is_io_fpage(l4_fpage fpage)
{
    return l4_fpage_log2_size(fpage) == 2;
}

// Message items [L4X2 4.3]. A map or grant item is two words, a simple string item two words.
//    31              10 9       4 3     1 0
//   |  send base / 1024 | 000000  | 100 | C |   map (101: grant); the second word is the fpage
//    31              10 9 8     4 3 2 1 0
//   |  length in bytes  |c| j    |0| hh | C |   string; j + 1 pointers to substrings of that length
// C says that another item follows, c that the compound string goes on in the next descriptor.
#define L4_ITEM_MORE 1u
#define L4_ITEM_MAP 8u
#define L4_ITEM_GRANT 10u
#define L4_STRING_CONTINUED 0x200u
#define L4_STRING_LENGTH_MAX ((1u << 22) - 1)

struct l4_item {
    word_t word[2];
};

static inline struct l4_item l4_map_item(l4_fpage fpage, word_t send_base)
{
    return (struct l4_item){{(send_base & 0xFFFFFC00) | L4_ITEM_MAP, fpage}};
}

static inline struct l4_item l4_grant_item(l4_fpage fpage, word_t send_base)
{
    return (struct l4_item){{(send_base & 0xFFFFFC00) | L4_ITEM_GRANT, fpage}};
}

static inline struct l4_item l4_string_item(const void *start, word_t length)
{
    return (struct l4_item){{length << 10, (word_t)(uintptr_t)start}};
}

static inline bool l4_is_string_item(word_t first)
{
    return (first & 8) == 0;
}

static inline bool l4_is_map_item(word_t first)
{
    return (first & 0xE) == L4_ITEM_MAP;
}

static inline bool l4_is_grant_item(word_t first)
{
    return (first & 0xE) == L4_ITEM_GRANT;
}

static inline word_t l4_string_length(word_t first)
{
    return first >> 10;
}

static inline word_t l4_string_substrings(word_t first)
{
    return (first >> 4 & 0x1F) + 1;
}
