// kip.c: the kernel interface page and the call that finds it: clauses 1 to 12 [L4X2 1, 6].
#include "suite.h"

#include <l4/sigma0.h>
#include <l4/string.h>

static struct l4_kernel_identity identity; // as a helper saw it
static word_t helper_clock;

static void identify(void *unused)
{
    (void)unused;
    identity = l4_kernel_interface();
}

static void c001_kernel_interface_returns_the_base_of_the_callers_page(void)
{
    struct l4_kernel_identity k = l4_kernel_interface();
    EQUAL(ADDRESS(k.kip) & (L4_PAGE_SIZE - 1), 0);
    EQUAL(k.kip->magic, L4_KIP_MAGIC);
    struct space *s = space_make_at(0x90000000, CHILD_UTCB_AREA);
    helper_start(s, identify, NULL);
    EQUAL(identity.kip, 0x90000000);
}

static void c002_registers_equal_the_words_of_the_page(void)
{
    struct l4_kernel_identity k = l4_kernel_interface();
    EQUAL(k.api_version, k.kip->api_version);
    EQUAL(k.api_version >> 24, 0x84);
    EQUAL(k.api_flags, k.kip->api_flags);
    EQUAL(k.api_flags & 0xF, 0); // little-endian, 32 bits
    EQUAL(k.kernel_id, l4_kernel_descriptor(k.kip)->kernel_id);
    HOLDS(k.kernel_id != 0);
}

// Loads all registers and flags, executes the two bytes, stores what is left of them.
//     seen: ebx, edi, ebp, esp before, esp after, eflags
void kernel_interface_seen(word_t seen[6]);
__asm__(".text\n"
        "kernel_interface_seen:\n\t"
        "pushl %ebp\n\tpushl %ebx\n\tpushl %esi\n\tpushl %edi\n\t"
        "movl 20(%esp), %eax\n\t"
        "movl %esp, 12(%eax)\n\t"
        "pushl %eax\n\t"
        "movl $0x11223344, %ebx\n\tmovl $0x55667788, %edi\n\tmovl $0x99AABBCC, %ebp\n\t"
        "pushfl\n\torl $0x8D5, (%esp)\n\tpopfl\n\t"
        ".byte 0xF0, 0x90\n\t"
        "pushfl\n\tpopl %ecx\n\t"
        "popl %eax\n\t"
        "movl %ebx, (%eax)\n\tmovl %edi, 4(%eax)\n\tmovl %ebp, 8(%eax)\n\t"
        "movl %esp, 16(%eax)\n\tmovl %ecx, 20(%eax)\n\t"
        "popl %edi\n\tpopl %esi\n\tpopl %ebx\n\tpopl %ebp\n\t"
        "ret\n");

static void c003_kernel_interface_keeps_the_other_registers_and_the_flags(void)
{
    word_t seen[6];
    kernel_interface_seen(seen);
    EQUAL(seen[0], 0x11223344);
    EQUAL(seen[1], 0x55667788);
    EQUAL(seen[2], 0x99AABBCC);
    EQUAL(seen[4], seen[3]);
    EQUAL(seen[5] & 0x8D5, 0x8D5);
    EQUAL(seen[5] & 0x3200, 0x3200); // IOPL 3 and IF
}

static void read_clock_through_own_page(void *unused)
{
    struct l4_stubs stubs;
    struct l4_registers r = {0};
    identify(unused);
    l4_find_stubs(&stubs, identity.kip);
    l4_invoke(stubs.system_clock, &r);
    helper_clock = r.eax;
}

static void c004_spaces_with_different_kip_areas_call_through_their_own(void)
{
    static const word_t places[2] = {0x90000000, 0x41234000};
    for (unsigned i = 0; i < 2; i++) {
        struct space *s = space_make_at(places[i], CHILD_UTCB_AREA);
        word_t before = (word_t)l4_system_clock();
        helper_clock = 0;
        helper_start(s, read_clock_through_own_page, NULL);
        EQUAL(identity.kip, places[i]);
        BETWEEN(helper_clock - before, 0, 2000000);
    }
}

static void write_kip_magic(void *unused)
{
    (void)unused;
    *(volatile word_t *)l4_kip = 0;
}

static void c005_writing_the_page_faults_and_cannot_be_mapped_away(void)
{
    struct space *s = space_make();
    struct helper h = helper_make(s, tester_id);
    helper_begin(&h, write_kip_magic, NULL);
    for (unsigned i = 0; i < 2; i++) { // the mapping has no effect: it faults again
        l4_thread_id from;
        l4_tag tag = next_message(L4_ANY_THREAD, &from, 2000000);
        EQUAL(tag, 0xFFE20002);
        EQUAL(from, h.id);
        EQUAL(l4_page_fault_address(), s->kip);
        *word_at(pool_page(0)) = 0xBAD;
        answer_fault(from, l4_map_item(l4_make_fpage(pool_page(0), 12, 7), s->kip));
    }
    helper_delete(&h);
    READS(s, s->kip, L4_KIP_MAGIC);
}

static void c006_descriptor_pointers_lie_inside_the_area(void)
{
    word_t size = 1u << l4_kip_area_log2_size(l4_kip);
    BETWEEN(size, 4096, 65536);
    BETWEEN(l4_kip->kernel_descriptor, 0x120, size - 17);
    BETWEEN(l4_kip->processor_descriptor, 0x120, size - 16);
    word_t memory = l4_kip->memory_info >> 16;
    BETWEEN(memory, 0x120, size - 8);
    BETWEEN(memory + 8 * l4_memory_descriptor_count(l4_kip), memory + 8, size);
    EQUAL(l4_kip->processor_info >> 28, 4);
    EQUAL(l4_kip->processor_info & 0xFFFF, 0);
    const word_t *stubs = &l4_kip->space_control;
    for (unsigned i = 0; i < 11; i++)
        BETWEEN(stubs[i], 0x120, size - 1);
}

static void c007_a_utcb_area_of_the_smallest_size_is_accepted(void)
{
    EQUAL(l4_utcb_size(l4_kip), L4_UTCB_SIZE);
    word_t log2 = l4_utcb_area_log2_min(l4_kip);
    BETWEEN(log2, 9, 16);
    struct space *s = space_make_bare();
    s->kip = ADDRESS(l4_kip);
    s->utcb_base = 0x30000000;
    EQUAL(l4_space_control(s->anchor, 0, l4_make_fpage(s->kip, 12, 0),
                           l4_make_fpage(s->utcb_base, log2, 0), L4_NIL_THREAD, NULL),
          1);
    identity.kip = NULL;
    helper_start(s, identify, NULL);
    EQUAL(identity.kip, s->kip);
}

static void c008_thread_numbers_are_in_order(void)
{
    BETWEEN(l4_system_base(l4_kip), 1, l4_user_base(l4_kip) - 1);
    BETWEEN(l4_user_base(l4_kip), 1, (1u << l4_thread_id_bits(l4_kip)) - 1);
    EQUAL(l4_thread_id_bits(l4_kip), 17);
    EQUAL(l4_system_base(l4_kip), 16);
    EQUAL(l4_user_base(l4_kip), 48);
    EQUAL(controller_id, l4_root_id(l4_kip));
}

static void c009_every_page_size_maps_as_one_fpage(void)
{
    word_t mask = l4_page_size_mask(l4_kip);
    EQUAL(mask & 0x1000, 0x1000);
    word_t region = big_region(0);
    struct space *s = space_make();
    for (word_t bits = 10; bits < 32; bits++) {
        if (!(mask & 1u << bits))
            continue;
        BETWEEN(bits, 12, 22);
        word_t size = 1u << bits, at = 0x10000000;
        *word_at(region) = 0xA0000000 | bits;
        *word_at(region + size - 4) = 0xB0000000 | bits;
        EQUAL(map_to(s, L4_COMPLETE_SPACE,
                     l4_map_item(l4_make_fpage(region, bits, L4_FULLY_ACCESSIBLE), at), NULL),
              0);
        READS(s, at, 0xA0000000 | bits);
        READS(s, at + size - 4, 0xB0000000 | bits);
        HOLDS(!readable(s, at + size, NULL));
        l4_unmap_fpage(l4_make_fpage(region, bits, 7), false);
    }
}

static void c010_memory_descriptors_are_sound(void)
{
    word_t count = l4_memory_descriptor_count(l4_kip);
    BETWEEN(count, 2, 300);
    bool covered = false, conventional = false;
    for (word_t i = 0; i < count; i++) {
        const struct l4_memory_descriptor *d = l4_memory_descriptor(l4_kip, i);
        HOLDS(l4_memory_low(d) <= l4_memory_high(d));
        if (l4_memory_type(d) != L4_MEMORY_CONVENTIONAL)
            continue;
        if (l4_memory_is_virtual(d))
            covered |= l4_memory_low(d) == 0 && l4_memory_high(d) >= 0xBFFFFFFF;
        else
            conventional |= l4_memory_high(d) - l4_memory_low(d) >= 32u << 20;
    }
    HOLDS(covered);
    HOLDS(conventional);
}

// The type that the last descriptor for a physical address gives it.
static word_t type_at(word_t address)
{
    word_t type = L4_MEMORY_UNDEFINED;
    for (word_t i = 0; i < l4_memory_descriptor_count(l4_kip); i++) {
        const struct l4_memory_descriptor *d = l4_memory_descriptor(l4_kip, i);
        if (!l4_memory_is_virtual(d) && address >= l4_memory_low(d) && address <= l4_memory_high(d))
            type = l4_memory_type(d);
    }
    return type;
}

static void c011_the_kernels_image_is_reserved(void)
{
    struct l4_kip_region image = l4_kip->reserved[0];
    HOLDS(image.high > image.low);
    EQUAL(type_at(image.low), L4_MEMORY_RESERVED);
    EQUAL(type_at(image.high - 1), L4_MEMORY_RESERVED);
    EQUAL(type_at(big_region(0)), L4_MEMORY_CONVENTIONAL);
    // And sigma0 hands none of it out.
    EQUAL(l4_sigma0_get(image.low & ~0xFFFu, 12, L4_COMPLETE_SPACE), L4_NIL_FPAGE);
}

static void c012_the_list_of_features_ends_with_an_empty_string(void)
{
    const char *text = l4_kernel_descriptor(l4_kip)->version_string;
    const char *end = (const char *)l4_kip + (1u << l4_kip_area_log2_size(l4_kip));
    HOLDS(strlen(text) > 0);
    unsigned features = 0;
    for (text += strlen(text) + 1; text < end && *text; text += strlen(text) + 1)
        features++;
    HOLDS(text < end);
    EQUAL(features, 0); // the library would take one for any [L4X2 1.3]
}

const struct test kip_tests[] = {
    TEST(c001_kernel_interface_returns_the_base_of_the_callers_page),
    TEST(c002_registers_equal_the_words_of_the_page),
    TEST(c003_kernel_interface_keeps_the_other_registers_and_the_flags),
    TEST(c004_spaces_with_different_kip_areas_call_through_their_own),
    TEST(c005_writing_the_page_faults_and_cannot_be_mapped_away),
    TEST(c006_descriptor_pointers_lie_inside_the_area),
    TEST(c007_a_utcb_area_of_the_smallest_size_is_accepted),
    TEST(c008_thread_numbers_are_in_order),
    TEST(c009_every_page_size_maps_as_one_fpage),
    TEST(c010_memory_descriptors_are_sound),
    TEST(c011_the_kernels_image_is_reserved),
    TEST(c012_the_list_of_features_ends_with_an_empty_string),
    TESTS_END,
};
