/* x87.c: the x87's state over fork, exec, signals, preemption and threads. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <ucontext.h>

static unsigned control(void)
{
    uint16_t cw;

    __asm__ volatile("fnstcw %0" : "=m"(cw));
    return cw;
}

static void set_control(unsigned value)
{
    uint16_t cw = (uint16_t)value;

    __asm__ volatile("fldcw %0" : : "m"(cw));
}

/* The top of the stack as an integer; it stays. */
static int top(void)
{
    int v;

    __asm__ volatile("fistl %0" : "=m"(v));
    return v;
}

static void push(int v)
{
    __asm__ volatile("fildl %0" : : "m"(v));
}

static int child(void)
{
    int seen = top();

    set_control(0x37F);
    push(1);
    return seen == 4711 ? (int)(control() & 0x7F) : 255;
}

static void forks(void)
{
    set_control(0x27F);
    push(4711);
    printf("child: %d\n", in_child(child));
    printf("parent: %d %03x\n", top(), control());
    __asm__ volatile("fninit");
}

static volatile sig_atomic_t handled, handler_control, handler_status;

/* Uses all of it, and says what it was given. */
static void handler(int signal, siginfo_t *info, void *context)
{
    uint16_t status;

    (void)signal, (void)info, (void)context;
    __asm__ volatile("fnstsw %0" : "=m"(status));
    handler_control = (int)control();
    handler_status = status;
    __asm__ volatile("fninit\n\tfldpi\n\tfldl2e\n\tfldz");
    handled++;
}

static void signals(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR1, &act, NULL);
    set_control(0x67F);
    push(815);
    raise(SIGUSR1);
    printf("handler: control %03x status %04x; after it: %d %03x\n", (unsigned)handler_control,
           (unsigned)handler_status, top(), control());
    __asm__ volatile("fninit");
}

/* A handler may change what it returns to. */
static void changes(int signal, siginfo_t *info, void *context)
{
    struct _fpstate *fp = (void *)((ucontext_t *)context)->uc_mcontext.fpregs;

    (void)signal, (void)info;
    printf("frame: control %08lx status %08lx tags %08lx exponent %04x\n", fp->cw, fp->sw, fp->tag,
           fp->_st[0].exponent);
    fp->cw = 0xFFFF0A7F;
    fp->_st[0].exponent ^= 0x8000;
}

static void frames(void)
{
    struct sigaction act = {.sa_sigaction = changes, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR2, &act, NULL);
    push(99);
    raise(SIGUSR2);
    printf("changed: %d %03x\n", top(), control());
    __asm__ volatile("fninit");
}

static int sums(int seed)
{
    struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    double sum = seed;

    handled = 0;
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    while (handled < 8)
        for (int i = 0; i < 100; i++) {
            sum = sum * 1.5 + i;
            if (sum > 1e9)
                sum = seed;
        }
    setitimer(ITIMER_REAL, &never, NULL);
    return sum >= seed && sum <= 1.5e9 + 100 ? seed : -1;
}

static int computes(void)
{
    return sums(3) == 3 ? 3 : 1;
}

static double series(int number)
{
    double sum = 0;

    for (int i = 1; i <= 60000; i++)
        sum += 1.0 / ((double)i * i + number);
    return sum;
}

static void *thread(void *argument)
{
    double *result = argument;
    int number = (int)*result;

    set_control(0x37F | (unsigned)(number & 3) << 10);
    *result = series(number);
    CHECK(control() == (0x37F | (unsigned)(number & 3) << 10));
    return NULL;
}

/* What each computes alone it must compute beside the others. */
static void threads(void)
{
    double result[4];
    pthread_t t[4];

    for (int i = 0; i < 4; i++) {
        result[i] = i;
        CHECK(pthread_create(&t[i], NULL, thread, &result[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        unsigned way = 0x37F | (unsigned)(i & 3) << 10;
        volatile double alone;

        pthread_join(t[i], NULL);
        set_control(way);
        alone = series(i);
        set_control(0x37F);
        printf("thread %d: %a %s\n", i, result[i], alone == result[i] ? "as alone" : "WRONG");
        CHECK(alone == result[i]);
    }
}

int main(int count, char **arguments)
{
    if (count > 1) {
        uint16_t status;

        __asm__ volatile("fnstsw %0" : "=m"(status));
        printf("after exec: control %03x status %04x\n", control(), status);
        return 0;
    }
    printf("start: control %03x\n", control());
    forks();
    signals();
    frames();
    printf("preempted: %d\n", in_child(computes));
    threads();
    printf("x87: %d wrong\n", wrong);
    fflush(stdout);
    set_control(0x27F);
    push(5);
    if (!wrong)
        execl("/proc/self/exe", arguments[0], "again", NULL);
    return 1;
}
