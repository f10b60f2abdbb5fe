// sigma0.c: the initial pager. It owns all physical memory, maps it one to one, and gives each
// region to the first thread that asks for it [L4X2 5.6]. The kernel resolves its own faults by the
// identity, and maps from it without a page-table entry of its own.
#include <l4/boot.h>
#include <l4/ipc.h>
#include <l4/library.h>
#include <l4/print.h>
#include <l4/protocols.h>
#include <l4/sigma0.h>
#include <l4/string.h>

#include "regions.h"

struct sigma0 {
    struct regions regions;
    struct regions ports; // a port is a page here; none beyond 65535 is ever asked for
    word_t verbosity; // 0: only what is wrong; 1: requests; 2: faults, too
    bool io_fpages;   // the kernel knows I/O flexible pages
};

static struct sigma0 sigma0;

static bool has_feature(const struct l4_kip *kip, const char *name)
{
    const char *s = l4_kernel_descriptor(kip)->version_string;
    for (s += strlen(s) + 1; *s; s += strlen(s) + 1) {
        if (strcmp(s, name) == 0)
            return true;
    }
    return false;
}

// ---- Answers ------------------------------------------------------------------------------------

static void put_map(l4_fpage fpage, word_t send_base)
{
    l4_msg_begin(0);
    l4_msg_map(fpage, send_base);
}

static void put_rejection(void)
{
    put_map(L4_NIL_FPAGE, 0);
}

// Kernel threads have the numbers between the interrupts' and the first user thread's.
static bool is_kernel_thread(l4_thread_id id)
{
    word_t number = l4_thread_number(id);
    return number >= l4_system_base(l4_kip) && number < l4_user_base(l4_kip);
}

static bool take(word_t page, word_t bits, l4_thread_id asker)
{
    word_t end = page + (1u << bits);
    // A kernel thread's memory is the kernel's from now on.
    bool done = is_kernel_thread(asker)
                    ? regions_set(&sigma0.regions, page, end, REGION_KERNEL, asker)
                    : regions_own(&sigma0.regions, page, end, asker);
    if (!done)
        l4_printf("sigma0: more than %d regions: request of %08x refused\n", REGION_MAX, asker);
    return done;
}

static bool apply_attribute(l4_fpage fpage, word_t attribute)
{
    const word_t attributes[4] = {attribute, 0, 0, 0};
    if (attribute == L4_ATTRIBUTE_DEFAULT)
        return true;
    l4_set_mr(0, l4_fpage_base(fpage) | l4_fpage_log2_size(fpage) << 4);
    return l4_memory_control(0, attributes) != 0;
}

// The page number of the block to hand out for a request of 2^bits pages, or PAGE_COUNT.
static word_t choose(word_t base, word_t bits, l4_thread_id asker)
{
    if (bits > 20)
        return PAGE_COUNT;
    if (base == L4_SIGMA0_ANY_BASE)
        return regions_find(&sigma0.regions, bits);
    word_t page = base >> L4_PAGE_BITS & ~((1u << bits) - 1);
    return regions_available(&sigma0.regions, page, page + (1u << bits), asker) ? page : PAGE_COUNT;
}

// Ports, by a request or a fault: to the first who asks, as memory, but for those that the kernel
// works with itself.
static void answer_ports(l4_thread_id asker, l4_fpage request)
{
    word_t log2 = request >> 10 & 0x3F;
    word_t size = 1u << (log2 & 31), first = request >> 16 & ~(size - 1);
    if (sigma0.io_fpages && log2 <= 16 &&
        regions_available(&sigma0.ports, first, first + size, asker) &&
        regions_own(&sigma0.ports, first, first + size, asker))
        put_map(l4_make_io_fpage(first, log2, L4_FULLY_ACCESSIBLE), 0);
    else
        put_rejection();
}

static void answer_request(l4_thread_id asker, l4_tag tag)
{
    word_t request = l4_mr(1), attribute = l4_mr(2);
    word_t high = l4_tag_untyped(tag) == 3 ? l4_mr(3) : 0; // bits 63..32 of the address
    word_t log2_size = l4_fpage_log2_size(request);

    if (sigma0.verbosity > 0)
        l4_printf("sigma0: %08x asks for %08x attribute %u\n", asker, request, attribute);
    if (l4_is_io_fpage(request)) {
        answer_ports(asker, request);
        return;
    }
    if (high != 0 || log2_size < 10 || log2_size > 31) {
        put_rejection();
        return;
    }
    word_t bits = log2_size > L4_PAGE_BITS ? log2_size - L4_PAGE_BITS : 0;
    word_t page = choose(l4_fpage_base(request), bits, asker);
    l4_fpage fpage = l4_make_fpage(page << L4_PAGE_BITS, bits + L4_PAGE_BITS, L4_FULLY_ACCESSIBLE);
    if (page == PAGE_COUNT || !apply_attribute(fpage, attribute) || !take(page, bits, asker)) {
        put_rejection();
        return;
    }
    put_map(fpage, page << L4_PAGE_BITS);
}

// A fault brings one page of memory. One that cannot be answered leaves the thread where it is,
// with a line saying so: trying again would fault again.
static bool answer_fault(l4_thread_id asker, l4_tag tag)
{
    word_t address = l4_page_fault_address(), page = address >> L4_PAGE_BITS;
    const struct region *region = regions_at(&sigma0.regions, page);

    if (sigma0.verbosity > 1)
        l4_printf("sigma0: fault of %08x at %08x, eip %08x\n", asker, address, l4_mr(2));
    bool fit = region->kind == REGION_CONVENTIONAL || region->kind == REGION_BOOT ||
               region->owner == asker;
    if (!fit || !regions_available(&sigma0.regions, page, page + 1, asker) ||
        !take(page, 0, asker)) {
        l4_printf("sigma0: thread %08x stopped: nothing for it at %08x (access %u, eip %08x)\n",
                  asker, address, l4_page_fault_access(tag), l4_page_fault_ip());
        return false;
    }
    put_map(l4_make_fpage(page << L4_PAGE_BITS, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE),
            page << L4_PAGE_BITS);
    return true;
}

static void dump(void)
{
    static const char *const names[REGION_KIND_COUNT] = {"device", "conventional", "boot",
                                                         "kernel"};
    for (word_t i = 0; i < sigma0.regions.count; i++) {
        const struct region *region = &sigma0.regions.list[i];
        l4_printf("sigma0: %08x-%08x %-12s ", region->start << L4_PAGE_BITS,
                  (region->end << L4_PAGE_BITS) - 1, names[region->kind]);
        if (region->owner)
            l4_printf("%08x\n", region->owner);
        else
            l4_printf("free\n");
    }
}

// Returns whether there is a reply.
static bool answer_control(l4_thread_id asker)
{
    word_t operation = l4_mr(1), argument = l4_mr(2);
    if (asker != l4_root_id(l4_kip) && !is_kernel_thread(asker))
        return false;
    if (operation == L4_SIGMA0_SET_VERBOSITY)
        sigma0.verbosity = argument;
    if (operation != L4_SIGMA0_DUMP)
        return false;
    dump();
    l4_msg_begin(0);
    return argument != 0;
}

// Puts the answer into the MRs; false means that there is none.
static bool answer(l4_thread_id from, l4_tag tag)
{
    word_t untyped = l4_tag_untyped(tag), label = l4_protocol_label(tag), fault = l4_mr(1);
    if (l4_tag_typed(tag) != 0 || (untyped != 2 && untyped != 3))
        return false;
    if (label == L4_LABEL_SIGMA0) {
        answer_request(from, tag);
        return true;
    }
    if (l4_is_page_fault(tag))
        return answer_fault(from, tag);
    if (label == L4_LABEL_IO_PAGE_FAULT && l4_is_io_fpage(l4_mr(1))) {
        answer_ports(from, l4_mr(1));
        if (l4_mr(2) != L4_NIL_FPAGE)
            return true;
        l4_printf("sigma0: thread %08x stopped: port %x is not for it\n", from, fault >> 16);
        return false;
    }
    if (label == L4_LABEL_SIGMA0_CONTROL)
        return answer_control(from);
    return false;
}

// ---- Start --------------------------------------------------------------------------------------

static bool always(word_t start, word_t size)
{
    (void)start, (void)size;
    return true;
}

// Interrupt controllers and the clock chip are the kernel's.
static void init_ports(void)
{
    static const word_t kernels[] = {0x20, 0xA0, 0x70};
    sigma0.ports.count = 1;
    sigma0.ports.list[0] = (struct region){0, PAGE_COUNT, REGION_DEVICE, L4_NIL_THREAD};
    for (word_t i = 0; i < 3; i++)
        regions_set(&sigma0.ports, kernels[i], kernels[i] + 2, REGION_KERNEL, L4_NIL_THREAD);
    sigma0.io_fpages = has_feature(l4_kip, "ioflexpages");
}

static void own_pages(const struct l4_kip_server *server, l4_thread_id owner)
{
    if (server->high > server->low)
        regions_own(&sigma0.regions, server->low >> L4_PAGE_BITS,
                    ((server->high - 1) >> L4_PAGE_BITS) + 1, owner);
}

// A kernel that is booted without a loader of its own may have no descriptors for the modules.
static void protect_modules(void)
{
    static struct l4_boot_module modules[64];
    const struct l4_boot_access access = {always};
    word_t count = l4_boot_modules(l4_kip, &access, modules, 64);
    for (word_t i = 0; i < count; i++) {
        word_t start = modules[i].start >> L4_PAGE_BITS;
        word_t end = (modules[i].end + L4_PAGE_SIZE - 1) >> L4_PAGE_BITS;
        if (start < end && regions_at(&sigma0.regions, start)->kind == REGION_CONVENTIONAL)
            regions_set(&sigma0.regions, start, end, REGION_BOOT, L4_NIL_THREAD);
    }
}

int l4_main(const char *command_line)
{
    (void)command_line;
    regions_init(&sigma0.regions, l4_kip);
    protect_modules();
    own_pages(&l4_kip->sigma0, l4_my_global_id());
    own_pages(&l4_kip->sigma1, l4_global_id(l4_user_base(l4_kip) + 1, 1));
    own_pages(&l4_kip->root, l4_root_id(l4_kip));
    init_ports();

    l4_thread_id from;
    l4_tag tag = l4_wait(&from);
    for (;;) {
        if (!l4_tag_failed(tag) && answer(from, tag))
            tag = l4_reply_wait(from, &from);
        else
            tag = l4_wait(&from);
    }
}
