/* init.c: from the first C instruction to the first program. The order matters: each step needs
 * what the ones before it set up. What runs here becomes the idle thread. */
#include "api/kip.h"
#include "api/ports.h"
#include "api/scheduler.h"
#include "arch/cpu.h"
#include "arch/segments.h"
#include "debugger/print.h"
#include "multiboot.h"
#include "options.h"
#include "platform/platform.h"
#include "state.h"

#define KIP_AREA  (0xBFF00000u | 12 << 4)
#define UTCB_AREA (0xBF000000u | 17 << 4)
/* With root=low the root server's lie where it can still be a small space of the largest size. */
#define LOW_KIP_AREA  (0x03FFF000u | 12 << 4)
#define LOW_UTCB_AREA (0x03FC0000u | 17 << 4)

extern const char image_start[], image_end[];
extern uint8_t idle_block[TCB_SIZE];
extern struct tcb *thread_table[THREAD_NUMBERS];

/* --- memory ----------------------------------------------------------------------------------- */

static word_t type_of(const struct memory_descriptor *d)
{
    return d->low & 0xF;
}

static word_t low_of(const struct memory_descriptor *d)
{
    return d->low & 0xFFFFFC00;
}

/* Exclusive, and never beyond what the kernel can address. */
static word_t high_of(const struct memory_descriptor *d)
{
    word_t last = d->high | 0x3FF;
    return last < DIRECT_MAP_SIZE ? last + 1 : DIRECT_MAP_SIZE;
}

static void limit_to(word_t *limit, word_t image, word_t low, word_t high)
{
    if (low < *limit && high > image)
        *limit = low > image ? low : image;
}

/* How far conventional memory that nobody else has a claim to goes on behind the image, within
 * its 4 MB page. What the kernel keeps there costs it no further entry of the translation
 * buffer. */
static word_t free_behind(word_t image)
{
    word_t limit = image;
    for (unsigned i = 0; i < kip_memory_count(); i++) {
        const struct memory_descriptor *d = kip_memory(i);
        if (d->low & MEMORY_VIRTUAL)
            continue;
        if (type_of(d) == MEMORY_CONVENTIONAL && low_of(d) <= image && high_of(d) > limit)
            limit = high_of(d) < LARGE_PAGE_SIZE ? high_of(d) : LARGE_PAGE_SIZE;
        else if (type_of(d) != MEMORY_CONVENTIONAL)
            limit_to(&limit, image, low_of(d), high_of(d));
    }
    limit_to(&limit, image, kip.sigma0.low, kip.sigma0.high);
    limit_to(&limit, image, kip.sigma1.low, kip.sigma1.high);
    limit_to(&limit, image, kip.root.low, kip.root.high);
    return limit & ~(PAGE_SIZE - 1);
}

static void memory_init(void)
{
    word_t image = physical(image_end), behind = free_behind(image), total = 0;

    for (unsigned i = 0; i < kip_memory_count(); i++) {
        const struct memory_descriptor *d = kip_memory(i);
        if (type_of(d) != MEMORY_RESERVED || (d->low & MEMORY_VIRTUAL) || high_of(d) <= low_of(d))
            continue;
        total += high_of(d) - low_of(d);
        kmem_add(low_of(d), high_of(d));
    }
    if (total == 0)
        panic("the boot loader reserved no memory for the kernel");
    kmem_add(image, behind); /* last, so that it is taken first */
    kip_memory_add(MEMORY_CONVENTIONAL, 0, true, 0, USER_END - 1);
    kip_memory_add(MEMORY_RESERVED, 0, false, physical(image_start), behind - 1);
    kip.reserved_memory[0][0] = physical(image_start);
    kip.reserved_memory[0][1] = behind;
    print("kernel memory: %u KB, %u KB beside the image\n", total / 1024, (behind - image) / 1024);
}

/* --- time ------------------------------------------------------------------------------------- */

static void time_init(void)
{
    kernel.tsc_khz = clock_measure_tsc_khz();
    if (kernel.tsc_khz < 1000)
        panic("the time stamp counter makes only %u kHz", kernel.tsc_khz);
    kernel.clock_scale = (word_t)((1000ull << 32) / kernel.tsc_khz);
    print("processor: %u.%03u MHz%s%s%s%s\n", kernel.tsc_khz / 1000, kernel.tsc_khz % 1000,
          kernel.has_pge ? ", global pages" : "", kernel.has_fxsr ? ", FXSAVE" : "",
          kernel.has_sysenter ? ", SYSENTER" : "",
          kernel.has_limits ? "" : ", no segment limits: all spaces are large");
}

/* --- the first servers ------------------------------------------------------------------------ */

/* All are scheduled by the root server; sigma0 is the others' pager, and has none. */
static void start_server(word_t number, const struct kip_server *server, struct space **place)
{
    if (server->high == 0)
        return;
    bool low = number == USER_BASE + 2 && option_given("root=low");
    fpage_t utcb_area = low ? LOW_UTCB_AREA : UTCB_AREA;
    struct space *s = space_new();
    struct tcb *t = NULL;
    if (s) {
        *place = s;
        s->is_sigma0 = number == USER_BASE;
        s->privileged = true;
        if (space_configure(s, low ? LOW_KIP_AREA : KIP_AREA, utcb_area) == L4_OK)
            t = thread_start_server(number, s, utcb_area & ~0x3FFu, server->ip, server->sp);
    }
    if (!t)
        panic("no memory for the first servers");
    t->scheduler = global_id(USER_BASE + 2, 1);
    t->utcb->pager = s->is_sigma0 ? NIL_THREAD : global_id(USER_BASE, 1);
}

static void servers_start(void)
{
    if (kip.sigma0.high == 0 || kip.root.high == 0)
        panic("the boot loader started no %s", kip.sigma0.high == 0 ? "sigma0" : "root server");
    start_server(USER_BASE, &kip.sigma0, &kernel.sigma0_space);
    start_server(USER_BASE + 1, &kip.sigma1, &kernel.sigma1_space);
    start_server(USER_BASE + 2, &kip.root, &kernel.root_space);
}

/* --- all -------------------------------------------------------------------------------------- */

static void idle_init(void)
{
    struct tcb *t = (struct tcb *)idle_block;
    t->id = global_id(SYSTEM_BASE, 1);
    t->state = READY;
    t->stack_top = (word_t)(uintptr_t)(idle_block + TCB_SIZE);
    kernel.threads[SYSTEM_BASE] = t;
    kernel.idle = kernel.current = t;
}

static void state_init(void)
{
    kernel.ready_top = (word_t)-1;
    kernel.threads = thread_table;
    /* A thread's three hot lines, two at the start of its block and one at the end, fall on
     * offsets 0 to 0x40 or 0x60 to 0xA0 of 512 bytes, where no UTCB has its message registers
     * and the kernel has none of its own hot lines (arch/link.ld). */
    kernel.tcb_pool = (struct kmem_pool){.object_size = TCB_SIZE + 10 * CACHE_LINE,
                                         .frames_per_slab = 2,
                                         .colour_first = 2,
                                         .colour_step = 16};
    kernel.space_pool = (struct kmem_pool){.object_size = sizeof(struct space)};
    kernel.ports_pool = (struct kmem_pool){.object_size = sizeof(struct ports)};
    kernel.port_range_pool = (struct kmem_pool){.object_size = sizeof(struct port_range)};
    kernel.mapping_pool = (struct kmem_pool){.object_size = sizeof(struct mapping)};
}

/* Kickstart has filled in where sigma0 is; a Multiboot loader cannot have. */
static void boot_information(word_t magic, paddr_t information)
{
    if (kip.sigma0.high != 0)
        return;
    if (magic != MULTIBOOT_LOADED)
        panic("started by neither kickstart nor a Multiboot loader");
    multiboot_start(information);
}

void init(word_t magic, paddr_t information)
{
    serial_init();
    state_init();
    cpu_init();
    paging_init();
    switch_init();
    segments_init();
    kernel.has_limits = segment_limits();
    print("\nIsochron's L4 kernel, API version X.2\n");
    boot_information(magic, information);
    memory_init();
    if (option_given("sysenter=off"))
        kernel.has_sysenter = false;
    if (kernel.has_limits && !kernel.has_pge && !kernel.has_sysenter)
        paging_share_gs();
    if (option_given("ioports=fpages"))
        ports_init();
    idle_init();
    pic_init();
    fpu_init();
    time_init();
    kip_init();
    debugger_break_in(option_given("kdb"));
    ipc_entry_init(!option_given("fastpath=off"));
    scheduler_init();
    servers_start();
    clock_init();
    switch_to_next();
    arch_idle();
}
