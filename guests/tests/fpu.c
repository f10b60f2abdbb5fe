// fpu.c: clause 162: the x87's and SSE's state belongs to its thread [L4X2 6].
#include "suite.h"

#include <l4/string.h>

#define ROUNDS 60
#define USERS 4

static struct user {
    uint32_t seed;
    volatile word_t rounds, wrong;
} users[USERS];

static bool has_sse(void)
{
    word_t eax = 0, ebx, ecx, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    if (eax < 1)
        return false;
    eax = 1;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return (edx & 1u << 25) != 0;
}

static void load_state(uint32_t seed, bool sse)
{
    uint16_t control = (uint16_t)(0x007F | (seed & 3) << 10); // the seed's way of rounding
    int32_t integer = (int32_t)seed;
    __asm__ volatile("fninit\n\tfldcw %0\n\tfildl %1\n\tfldpi\n\tfildl %1"
                     : : "m"(control), "m"(integer));
    if (!sse)
        return;
    uint32_t vector[4] = {seed, ~seed, seed * 3, seed * 5};
    uint32_t mxcsr = 0x1F80 | (seed & 3) << 13;
    __asm__ volatile("movups %0, %%xmm0\n\tmovups %0, %%xmm7\n\tldmxcsr %1"
                     : : "m"(vector), "m"(mxcsr));
}

// How much of it is not as it was loaded. Leaves it loaded.
static word_t count_wrong(uint32_t seed, bool sse)
{
    uint16_t control, status;
    int32_t integer;
    __asm__ volatile("fnstcw %0\n\tfnstsw %1\n\tfistl %2"
                     : "=m"(control), "=m"(status), "=m"(integer));
    word_t wrong = (control != (0x007F | (seed & 3) << 10)) + (integer != (int32_t)seed) +
                   ((status >> 11 & 7) != 5);
    if (!sse)
        return wrong;
    uint32_t low[4], high[4], mxcsr;
    __asm__ volatile("movups %%xmm0, %0\n\tmovups %%xmm7, %1\n\tstmxcsr %2"
                     : "=m"(low), "=m"(high), "=m"(mxcsr));
    uint32_t vector[4] = {seed, ~seed, seed * 3, seed * 5};
    return wrong + (memcmp(low, vector, 16) != 0) + (memcmp(high, vector, 16) != 0) +
           ((mxcsr & 0xFFC0) != (0x1F80 | (seed & 3) << 13));
}

// A server that uses the registers too.
static l4_thread_id fpu_server;
static word_t server_wrong;

static void serve_with_fpu(void *unused)
{
    (void)unused;
    bool sse = has_sse();
    load_state(0x0FEDCBA9, sse);
    l4_thread_id client;
    l4_wait(&client);
    for (;;) {
        server_wrong += count_wrong(0x0FEDCBA9, sse);
        l4_set_mr(0, 0);
        l4_ipc(client, L4_ANY_THREAD, 0, &client);
    }
}

static void use_fpu(void *user)
{
    struct user *u = user;
    bool sse = has_sse();
    load_state(u->seed, sse);
    while (u->rounds < ROUNDS) {
        spin_us(300 + u->seed % 977); // preempted at odd moments
        u->wrong += count_wrong(u->seed, sse);
        if (u->rounds % 3 == 0) {
            l4_thread_switch(L4_NIL_THREAD);
        } else if (u->rounds % 3 == 1) {
            l4_set_mr(0, 0);
            l4_call(fpu_server);
        } else {
            sleep_us(500);
        }
        u->wrong += count_wrong(u->seed, sse);
        u->rounds++;
    }
}

static void c162_the_state_is_private_across_switches(void)
{
    static const uint32_t seed[USERS] = {0x1234567, 0x2ABCDEF2, 0x76543211, 0x0BADF00C};
    struct space *spaces[USERS] = {root, space_make(), root, space_make()};
    bool sse = has_sse();
    load_state(0x31415926, sse);
    server_wrong = 0;
    fpu_server = helper_start(spaces[3], serve_with_fpu, NULL).id;
    for (unsigned i = 0; i < USERS; i++) {
        users[i] = (struct user){seed[i], 0, 0};
        struct helper h = helper_start_at(spaces[i], 50, use_fpu, &users[i]);
        HOLDS(l4_schedule(h.id, (word_t)l4_period(2000) << 16, L4_UNCHANGED, L4_UNCHANGED,
                          L4_UNCHANGED, NULL) != 0);
    }
    for (unsigned i = 0; i < USERS; i++) {
        for (unsigned wait = 0; wait < 1000 && users[i].rounds < ROUNDS; wait++)
            sleep_us(5000);
        EQUAL(users[i].rounds, ROUNDS);
        EQUAL(users[i].wrong, 0);
    }
    EQUAL(count_wrong(0x31415926, sse), 0);
    EQUAL(server_wrong, 0);
    // A new thread does not see what the last one left.
    struct user fresh = {0x5555, 0, 0};
    helper_start(root, use_fpu, &fresh);
    for (unsigned wait = 0; wait < 1000 && fresh.rounds < ROUNDS; wait++)
        sleep_us(5000);
    EQUAL(fresh.wrong, 0);
    EQUAL(count_wrong(0x31415926, sse), 0);
}

const struct test fpu_tests[] = {
    TEST(c162_the_state_is_private_across_switches),
    TESTS_END,
};
