/* tls.c: thread-local storage: the three descriptors, %gs and %fs over system calls, faults,
 * preemption, fork, signals and threads. */
#include "check.h"

#include <asm/ldt.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* 0, or the error. */
static int set_area(struct user_desc *u)
{
    return syscall(SYS_set_thread_area, u) ? errno : 0;
}

static int get_area(struct user_desc *u)
{
    return syscall(SYS_get_thread_area, u) ? errno : 0;
}

static unsigned gs(void)
{
    unsigned s;

    __asm__ volatile("movl %%gs, %0" : "=r"(s));
    return s & 0xFFFF;
}

static unsigned fs(void)
{
    unsigned s;

    __asm__ volatile("movl %%fs, %0" : "=r"(s));
    return s & 0xFFFF;
}

static void set_fs(unsigned selector)
{
    __asm__ volatile("movl %0, %%fs" : : "r"(selector));
}

static unsigned at_fs(int offset)
{
    unsigned v;

    __asm__ volatile("movl %%fs:(%1), %0" : "=r"(v) : "r"(offset));
    return v;
}

static struct user_desc area(int entry, const void *base, unsigned limit, int pages)
{
    return (struct user_desc){.entry_number = (unsigned)entry,
                              .base_addr = (unsigned)(uintptr_t)base,
                              .limit = limit,
                              .seg_32bit = 1,
                              .limit_in_pages = (unsigned)pages,
                              .useable = 1};
}

static unsigned words[8] = {10, 11, 12, 13, 14, 15, 16, 17};

static void entries(void)
{
    struct user_desc u = area(-1, words + 2, 0xFFFFF, 1), got = {0};

    printf("gs %02x fs %02x at the start\n", gs(), fs());
    CHECK(set_area(&u) == 0);
    printf("free entry: %u\n", u.entry_number);
    u = area(-1, words + 4, 0xFFFFF, 1);
    CHECK(set_area(&u) == 0);
    printf("free entry: %u\n", u.entry_number);
    u = area(-1, words, 0xFFFFF, 1);
    printf("none free: %d\n", set_area(&u));
    set_fs(7 * 8 + 3);
    printf("fs %02x: %u %u\n", fs(), at_fs(0), at_fs(-4));
    u = area(7, words + 6, 0xFFFFF, 1);
    CHECK(set_area(&u) == 0);
    printf("entry 7 changed, fs follows: %u\n", at_fs(0));
    set_fs(8 * 8 + 3);
    printf("fs %02x: %u\n", fs(), at_fs(4));
    for (unsigned i = 5; i < 10; i++) {
        got.entry_number = i;
        printf("get %u: %d", i, get_area(&got));
        if (i == 7 || i == 8)
            printf(" limit %05x 32 %u contents %u ro %u pages %u absent %u usable %u", got.limit,
                   got.seg_32bit, got.contents, got.read_exec_only, got.limit_in_pages,
                   got.seg_not_present, got.useable);
        printf("\n");
    }
}

static void refused(void)
{
    struct user_desc u = area(8, words, 0xFFFFF, 1);

    u.seg_32bit = 0;
    printf("16 bits: %d\n", set_area(&u));
    u = area(8, words, 0xFFFFF, 1);
    u.contents = 2;
    printf("code: %d\n", set_area(&u));
    u = area(8, words, 0xFFFFF, 1);
    u.seg_not_present = 1;
    printf("absent: %d\n", set_area(&u));
    u = area(5, words, 0xFFFFF, 1);
    printf("entry 5: %d\n", set_area(&u));
    printf("no address: %d\n", set_area((struct user_desc *)8));
}

static int child_sees(void)
{
    return (int)at_fs(0);
}

static volatile sig_atomic_t handled;

static void handler(int signal)
{
    (void)signal;
    set_fs(0);
    handled++;
}

/* A handler's %fs is forgotten when it returns; preemption shows nowhere. */
static void kept(void)
{
    struct user_desc u = area(8, words + 1, 0xFFFFF, 1);
    struct itimerval often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    struct sigaction act = {.sa_handler = handler};
    unsigned long turns = 0;

    CHECK(set_area(&u) == 0);
    set_fs(8 * 8 + 3);
    printf("in a child: %d\n", in_child(child_sees));
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    while (handled < 5) {
        CHECK(at_fs(0) == 11);
        turns++;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("after signals: fs %02x, %u, %s\n", fs(), at_fs(0), turns ? "ran" : "did not run");
}

static int null_fs(void)
{
    set_fs(0);
    return (int)at_fs(0);
}

static int removed(void)
{
    struct user_desc u = {.entry_number = 8, .read_exec_only = 1, .seg_not_present = 1};

    set_fs(8 * 8 + 3);
    CHECK(set_area(&u) == 0);
    return fs() ? 1 : (int)at_fs(0);
}

static int beyond(void)
{
    struct user_desc u = area(8, words, 3, 0);

    CHECK(set_area(&u) == 0);
    set_fs(8 * 8 + 3);
    printf("within the limit: %u\n", at_fs(0));
    fflush(stdout);
    return (int)at_fs(4);
}

static __thread unsigned mine[16];
#define THREADS 6

static void *thread(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument, sum = 0;
    struct user_desc u = area(7, words + number, 0xFFFFF, 1);

    CHECK(set_area(&u) == 0);
    set_fs(7 * 8 + 3);
    for (unsigned i = 0; i < 400; i++) {
        mine[i % 16] += number;
        if (i % 20 == 0)
            usleep(1000);
        CHECK(at_fs(0) == 10 + number && gs() == 0x33);
    }
    for (unsigned i = 0; i < 16; i++)
        sum += mine[i];
    return (void *)(uintptr_t)sum;
}

static void threads(void)
{
    pthread_t t[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, thread, (void *)(uintptr_t)i) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *sum;

        pthread_join(t[i], &sum);
        printf("thread %u: %u\n", i, (unsigned)(uintptr_t)sum);
    }
}

int main(void)
{
    entries();
    refused();
    kept();
    printf("null fs: %d\n", in_child(null_fs));
    printf("removed: %d\n", in_child(removed));
    printf("beyond the limit: %d\n", in_child(beyond));
    threads();
    printf("tls: %d wrong\n", wrong);
    return wrong != 0;
}
