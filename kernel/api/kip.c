/* kip.c: see kip.h. */
#include "api/kip.h"

#include "arch/arch.h"
#include "debugger/print.h"
#include "platform/platform.h"
#include "state.h"

#define CAPACITY 0xCCu /* of the page, as arch/kip_page.S has it */

/* kip_page.S */
extern const char stub_ipc[], stub_sysenter[], stub_sysenter_end[];
extern word_t kip_clock_scale;
extern char kip_features[16]; /* strings; an empty one ends them */

unsigned kip_memory_count(void)
{
    return kip.memory_info & 0xFFFF;
}

struct memory_descriptor *kip_memory(unsigned index)
{
    return (struct memory_descriptor *)((uint8_t *)&kip + (kip.memory_info >> 16)) + index;
}

void kip_memory_clear(void)
{
    kip.memory_info &= 0xFFFF0000;
}

void kip_memory_add(enum memory_type type, unsigned subtype, bool is_virtual, word_t low,
                    word_t high)
{
    unsigned count = kip_memory_count();
    if (count >= CAPACITY)
        panic("more than %u memory descriptors", CAPACITY);
    *kip_memory(count) = (struct memory_descriptor){
        .low = (low & 0xFFFFFC00) | (is_virtual ? MEMORY_VIRTUAL : 0) | subtype << 4 | type,
        .high = high & 0xFFFFFC00,
    };
    kip.memory_info++;
}

void kip_init(void)
{
    kip.thread_info = USER_BASE << 20 | SYSTEM_BASE << 8 | THREAD_NUMBER_BITS;
    /* The clock is read to the microsecond; timeouts are looked at once a tick of 1953 us. */
    kip.clock_info = (1u << 10 | 977) << 16 | 1;
    kip.processor.internal_khz = kernel.tsc_khz;
    kip_clock_scale = kernel.clock_scale;
    if (kernel.ports_by_fpage)
        __builtin_memcpy(kip_features, "ioflexpages", sizeof "ioflexpages");
    if (kernel.has_sysenter)
        kip.ipc = kip.lipc = (word_t)(stub_sysenter - (const char *)&kip);
}
