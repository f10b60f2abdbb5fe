// ports.c: I/O ports that are mapped as fpages [L4X2 4.5, 5.5, 5.6], under the kernel's option
// ioports=fpages: clauses 163 to 174. A root task of its own with the suite's controller.
#include "suite.h"

#include <l4/ports.h>
#include <l4/sigma0.h>

#define COM1       0x3F8u
#define SCRATCH_REGISTER (COM1 + 7) // a byte that the chip only keeps
#define PORTS_LOG2 3u               // COM1 has eight
#define FREE_PORTS 0x300u           // nothing is there
#define IO_FAULT   0xFF860002u

#define ALL_OF_COM1 l4_make_io_fpage(COM1, PORTS_LOG2, L4_FULLY_ACCESSIBLE)

// ---- What helpers do with ports ----------------------------------------------------------------

struct access {
    word_t port, width;
    uint8_t *string; // INS to there, once
    volatile word_t value, done;
};
static struct access accesses[64];
static unsigned access_count;

static struct access *access_new(word_t port, word_t width)
{
    struct access *a = &accesses[access_count++ % 64];
    *a = (struct access){.port = port, .width = width};
    return a;
}

static void read_port(void *access)
{
    struct access *a = access;
    word_t value = 0;
    if (a->string) {
        uint8_t *to = a->string;
        word_t count = 1;
        __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(a->port) : "memory");
        value = *a->string;
    } else if (a->width == 1) {
        value = l4_in8((uint16_t)a->port);
    } else if (a->width == 2) {
        value = l4_in16((uint16_t)a->port);
    } else {
        value = l4_in32((uint16_t)a->port);
    }
    a->value = value;
    a->done++;
}

// Does a new thread in the space come to a port without asking its pager, the tester?
static bool can_use(struct space *s, word_t port)
{
    struct access *a = access_new(port, 1);
    struct helper h = helper_make(s, tester_id);
    helper_begin(&h, read_port, a);
    l4_tag tag = next_message(h.id, NULL, 10000);
    if (l4_tag_failed(tag)) {
        EQUAL(a->done, 1);
    } else {
        EQUAL(tag, IO_FAULT);
        EQUAL(l4_mr(1), l4_make_io_fpage(port, 0, 0));
        EQUAL(a->done, 0);
    }
    helper_delete(&h);
    return a->done;
}

static void give(struct space *to, l4_fpage ports)
{
    EQUAL(map_to(to, L4_COMPLETE_SPACE, l4_map_item(ports, 0), NULL), 0);
}

static void hand_on(struct space *from, struct space *to, struct l4_item item)
{
    map_between(from, to, L4_COMPLETE_SPACE, item);
}

// ---- Tests -------------------------------------------------------------------------------------

static word_t flags_now(void)
{
    word_t flags;
    __asm__ volatile("pushfl\n\tpopl %0" : "=r"(flags));
    return flags;
}

static void c163_programs_have_no_io_privilege(void)
{
    const char *feature = l4_kernel_descriptor(l4_kip)->version_string;
    while (*feature++) {
    }
    for (unsigned i = 0; i < 12; i++)
        EQUAL(feature[i], "ioflexpages"[i]);
    EQUAL(feature[12], 0);
    EQUAL(flags_now() & 0x3200, 0x200);
}

static void clear_interrupts(void *done)
{
    l4_set_tcr(L4_TCR_EXCEPTION_HANDLER, tester_id);
    __asm__ volatile("cli" : : : "memory");
    ++*(volatile word_t *)done;
}

static void c163_cli_is_an_exception(void)
{
    static volatile word_t done;
    done = 0;
    struct helper h = helper_start(root, clear_interrupts, (void *)&done);
    EQUAL(next_message(h.id, NULL, 20000), 0xFFB0000C);
    EQUAL(l4_mr(3), 13);
    EQUAL(l4_mr(2) & 0x3200, 0x200);
    EQUAL(done, 0);
    EQUAL(*(const uint8_t *)(uintptr_t)l4_mr(1), 0xFA);
}

static void c164_a_fault_names_the_ports_and_an_answer_maps_them(void)
{
    struct space *s = space_make();
    l4_out8(SCRATCH_REGISTER, 0x5A);
    for (unsigned log2 = 0; log2 <= 2; log2++) {
        word_t port = (COM1 + 8) - (1u << log2);
        struct access *a = access_new(port, 1u << log2);
        struct helper h = helper_make(s, tester_id);
        helper_begin(&h, read_port, a);
        EQUAL(next_message(h.id, NULL, 20000), IO_FAULT);
        EQUAL(l4_mr(1), l4_make_io_fpage(port, log2, 0));
        word_t ip = l4_mr(2);
        HOLDS(in_image(ip));
        EQUAL(a->done, 0);
        answer_fault(h.id, l4_map_item(l4_make_io_fpage(port, log2, 7), 0));
        EQUAL(outcome(next_message(h.id, NULL, 10000)), L4_IPC_RECEIVE_TIMEOUT);
        EQUAL(a->done, 1);
        if (log2 == 0) // Bochs' chip answers bytes only
            EQUAL(a->value, 0x5A);
        HOLDS(can_use(s, port));
        unmap_in(s, 0x40, ALL_OF_COM1);
        HOLDS(!can_use(s, port));
        helper_delete(&h);
    }
}

static void c165_an_access_across_fpages_asks_port_by_port(void)
{
    struct space *s = space_make();
    struct access *a = access_new(COM1 + 3, 2);
    struct helper h = helper_make(s, tester_id);
    helper_begin(&h, read_port, a);
    for (unsigned i = 0; i < 2; i++) {
        EQUAL(next_message(h.id, NULL, 20000), IO_FAULT);
        EQUAL(l4_mr(1), l4_make_io_fpage(COM1 + 3 + i, 0, 0));
        answer_fault(h.id, l4_map_item(l4_make_io_fpage(COM1 + 3 + i, 0, 7), 0));
    }
    EQUAL(outcome(next_message(h.id, NULL, 10000)), L4_IPC_RECEIVE_TIMEOUT);
    EQUAL(a->done, 1);
}

static void c166_ports_are_mapped_in_blocks_whatever_the_window(void)
{
    struct space *s = space_make(), *other = space_make();
    EQUAL(map_to(s, l4_make_fpage(SCRATCH, 12, 0), l4_map_item(ALL_OF_COM1, 0x1000), NULL), 0);
    for (word_t port = COM1 + 4; port < COM1 + 8; port++)
        HOLDS(can_use(s, port));
    HOLDS(!can_use(s, COM1 - 1));
    HOLDS(!can_use(s, COM1 + 8));
    HOLDS(!can_use(other, SCRATCH_REGISTER)); // with the neighbour's bitmap still in the processor
    word_t error;
    EQUAL(map_to(other, L4_NIL_FPAGE, l4_map_item(ALL_OF_COM1, 0), &error), L4_IPC_SEND_OVERFLOW);
    EQUAL(error, L4_IPC_RECEIVE_OVERFLOW);
    HOLDS(!can_use(other, SCRATCH_REGISTER));
}

static void c167_only_who_has_a_port_can_hand_it_on(void)
{
    struct space *a = space_make(), *b = space_make();
    give(a, l4_make_io_fpage(SCRATCH_REGISTER, 0, 7));
    hand_on(a, b, l4_map_item(L4_COMPLETE_IO, 0));
    HOLDS(can_use(b, SCRATCH_REGISTER));
    HOLDS(!can_use(b, SCRATCH_REGISTER - 1));
}

static void c168_unmap_takes_ports_from_all_who_have_them_from_the_caller(void)
{
    struct space *a = space_make(), *b = space_make(), *c = space_make();
    give(a, ALL_OF_COM1);
    give(c, ALL_OF_COM1);
    hand_on(a, b, l4_map_item(ALL_OF_COM1, 0));
    hand_on(b, c, l4_map_item(ALL_OF_COM1, 0)); // which has them already, from the tester
    unmap_in(a, 0, l4_make_io_fpage(SCRATCH_REGISTER, 0, 7));
    HOLDS(can_use(a, SCRATCH_REGISTER));
    HOLDS(!can_use(b, SCRATCH_REGISTER));
    HOLDS(can_use(b, SCRATCH_REGISTER - 1)); // the rest of its range
    HOLDS(can_use(c, SCRATCH_REGISTER));
    l4_unmap_fpage(ALL_OF_COM1, false);
    HOLDS(!can_use(a, SCRATCH_REGISTER));
    HOLDS(!can_use(b, SCRATCH_REGISTER - 1));
    HOLDS(!can_use(c, SCRATCH_REGISTER));
    HOLDS(can_use(root, SCRATCH_REGISTER));
}

static void c169_flush_takes_the_callers_own_too(void)
{
    struct space *a = space_make(), *b = space_make();
    give(a, ALL_OF_COM1);
    hand_on(a, b, l4_map_item(ALL_OF_COM1, 0));
    unmap_in(a, 0x40, ALL_OF_COM1);
    HOLDS(!can_use(a, SCRATCH_REGISTER));
    HOLDS(!can_use(b, SCRATCH_REGISTER));
}

static void c170_a_grant_moves_ports_and_what_is_derived_from_them(void)
{
    struct space *a = space_make(), *b = space_make(), *c = space_make();
    give(a, ALL_OF_COM1);
    hand_on(a, c, l4_map_item(ALL_OF_COM1, 0));
    hand_on(a, b, l4_grant_item(ALL_OF_COM1, 0));
    HOLDS(!can_use(a, SCRATCH_REGISTER));
    HOLDS(can_use(b, SCRATCH_REGISTER));
    HOLDS(can_use(c, SCRATCH_REGISTER));
    unmap_in(b, 0, ALL_OF_COM1);
    HOLDS(can_use(b, SCRATCH_REGISTER));
    HOLDS(!can_use(c, SCRATCH_REGISTER));
}

static void c170_a_grant_back_to_whom_it_came_from_makes_no_circle(void)
{
    struct space *a = space_make(), *b = space_make(), *c = space_make();
    give(a, ALL_OF_COM1);
    hand_on(a, b, l4_map_item(ALL_OF_COM1, 0));
    hand_on(b, c, l4_map_item(ALL_OF_COM1, 0));
    hand_on(a, c, l4_grant_item(ALL_OF_COM1, 0)); // c's own come from a, by b
    HOLDS(!can_use(a, SCRATCH_REGISTER));
    HOLDS(can_use(b, SCRATCH_REGISTER));
    hand_on(b, c, l4_grant_item(ALL_OF_COM1, 0));
    HOLDS(!can_use(b, SCRATCH_REGISTER));
    HOLDS(can_use(c, SCRATCH_REGISTER));
    l4_unmap_fpage(ALL_OF_COM1, false);
    HOLDS(!can_use(c, SCRATCH_REGISTER));
}

static void c171_a_spaces_death_takes_what_is_derived_from_it(void)
{
    struct space *a = space_make(), *b = space_make();
    give(a, ALL_OF_COM1);
    hand_on(a, b, l4_map_item(ALL_OF_COM1, 0));
    HOLDS(can_use(b, SCRATCH_REGISTER));
    EQUAL(l4_thread_delete(a->anchor), 1); // its last thread: helpers of other calls are gone
    HOLDS(!can_use(b, SCRATCH_REGISTER));
}

struct request {
    l4_fpage ports, given;
};

static void ask_sigma0(void *request)
{
    struct request *r = request;
    r->given = l4_sigma0_request(l4_sigma0_id(l4_kip), r->ports, 0, L4_COMPLETE_SPACE);
}

static void c172_sigma0_gives_ports_to_the_first_who_asks(void)
{
    static struct request r;
    l4_fpage ports = l4_make_io_fpage(FREE_PORTS, 3, L4_FULLY_ACCESSIBLE);
    EQUAL(l4_sigma0_request(l4_sigma0_id(l4_kip), ports, 0, L4_COMPLETE_SPACE), ports);
    EQUAL(l4_sigma0_request(l4_sigma0_id(l4_kip), ports, 0, L4_COMPLETE_SPACE), ports);
    HOLDS(can_use(root, FREE_PORTS + 7));
    r = (struct request){ports, 99};
    helper_start(space_make(), ask_sigma0, &r);
    settle();
    EQUAL(r.given, L4_NIL_FPAGE);
}

static void c172_sigma0_keeps_the_ports_of_the_kernel(void)
{
    static const word_t kernels[] = {0x20, 0x21, 0xA0, 0xA1, 0x70, 0x71};
    for (unsigned i = 0; i < 6; i++)
        EQUAL(l4_sigma0_request(l4_sigma0_id(l4_kip), l4_make_io_fpage(kernels[i], 0, 7), 0,
                                L4_COMPLETE_SPACE),
              L4_NIL_FPAGE);
    EQUAL(l4_sigma0_request(l4_sigma0_id(l4_kip), L4_COMPLETE_IO, 0, L4_COMPLETE_SPACE),
          L4_NIL_FPAGE);
}

static void c173_string_instructions_fault_alike(void)
{
    struct space *s = space_make();
    struct access *a = access_new(SCRATCH_REGISTER, 1);
    static uint8_t byte;
    a->string = &byte;
    l4_out8(SCRATCH_REGISTER, 0xC3);
    struct helper h = helper_make(s, tester_id);
    helper_begin(&h, read_port, a);
    EQUAL(next_message(h.id, NULL, 20000), IO_FAULT);
    EQUAL(l4_mr(1), l4_make_io_fpage(SCRATCH_REGISTER, 0, 0));
    answer_fault(h.id, l4_map_item(l4_make_io_fpage(SCRATCH_REGISTER, 0, 7), 0));
    EQUAL(outcome(next_message(h.id, NULL, 10000)), L4_IPC_RECEIVE_TIMEOUT);
    EQUAL(a->done, 1);
    EQUAL(a->value, 0xC3);
}

static void call_with_ports(void *counter)
{
    for (;;) {
        l4_out8(SCRATCH_REGISTER, (uint8_t)(*(volatile word_t *)counter + 1));
        l4_msg_begin(0x10);
        if (l4_tag_failed(l4_call(tester_id)) || l4_in8(SCRATCH_REGISTER) != 0x77)
            wait_for_ever(NULL);
        ++*(volatile word_t *)counter;
    }
}

static void c174_ports_come_and_go_with_their_space(void)
{
    struct space *s = space_make(), *other = space_make();
    give(s, ALL_OF_COM1);
    struct helper h = helper_make(s, controller_id);
    helper_begin(&h, call_with_ports, (void *)&counters[0]);
    for (unsigned i = 0; i < 50; i++) {
        EQUAL(next_message(h.id, NULL, 20000), 0x10 << 16);
        EQUAL(counters[0], i);
        EQUAL(l4_in8(SCRATCH_REGISTER), i + 1);
        if (i % 10 == 9)
            HOLDS(!can_use(other, SCRATCH_REGISTER));
        l4_out8(SCRATCH_REGISTER, 0x77);
        l4_msg_begin(0);
        EQUAL(outcome(l4_send_timeout(h.id, L4_ZERO_TIME)), 0);
    }
}

static const struct test ports_tests[] = {
    TEST(c163_programs_have_no_io_privilege),
    TEST(c163_cli_is_an_exception),
    TEST(c164_a_fault_names_the_ports_and_an_answer_maps_them),
    TEST(c165_an_access_across_fpages_asks_port_by_port),
    TEST(c166_ports_are_mapped_in_blocks_whatever_the_window),
    TEST(c167_only_who_has_a_port_can_hand_it_on),
    TEST(c168_unmap_takes_ports_from_all_who_have_them_from_the_caller),
    TEST(c169_flush_takes_the_callers_own_too),
    TEST(c170_a_grant_moves_ports_and_what_is_derived_from_them),
    TEST(c170_a_grant_back_to_whom_it_came_from_makes_no_circle),
    TEST(c171_a_spaces_death_takes_what_is_derived_from_it),
    TEST(c172_sigma0_gives_ports_to_the_first_who_asks),
    TEST(c172_sigma0_keeps_the_ports_of_the_kernel),
    TEST(c173_string_instructions_fault_alike),
    TEST(c174_ports_come_and_go_with_their_space),
    TESTS_END,
};

const struct test *const chapters[] = {ports_tests, NULL};

// The controller's faults go to sigma0: now the suite's space has what the tests give away.
void suite_prepare(void)
{
    for (word_t port = COM1; port < COM1 + 8; port++)
        l4_in8((uint16_t)port);
}
