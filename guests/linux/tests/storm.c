/* storm.c PROCESSES (or "pause"): processes, signals, System V shared memory, semaphores and
 * messages, pipes and mappings, in numbers. */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/time.h>

/* Children of children, each a little copy on write. */
static void processes(unsigned count)
{
    static unsigned data[4096];
    unsigned sum = 0;

    fflush(stdout);
    for (unsigned i = 0; i < count; i++) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            data[i % 4096] = i % 199;
            if (i % 16 == 0 && fork() == 0)
                _exit(0);
            _exit((int)data[i % 4096]);
        }
        waitpid(child, &status, 0);
        sum += (unsigned)WEXITSTATUS(status);
    }
    printf("%u processes: sum %u\n", count, sum);
}

static volatile sig_atomic_t got[65];

static void count_signal(int signal)
{
    got[signal]++;
}

/* Signals from a child, answered, one at a time; a timer's in between are none of the count. */
static void signals(unsigned count)
{
    struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    sigset_t blocked, before;
    pid_t child, parent = getpid();
    int status;

    signal(SIGUSR1, count_signal);
    signal(SIGALRM, count_signal);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        for (unsigned i = 0; i < count; i++) {
            kill(parent, SIGUSR1);
            while (got[SIGUSR1] == (int)i)
                sigsuspend(&before);
        }
        _exit(0);
    }
    setitimer(ITIMER_REAL, &often, NULL);
    for (unsigned i = 0; i < count; i++) {
        while (got[SIGUSR1] == (int)i)
            sigsuspend(&before);
        kill(child, SIGUSR1);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    printf("%u signals there and back: child %d\n", count, status);
}

/* Each of four processes adds to a word of shared memory, under a semaphore. */
static void shared_memory(unsigned rounds)
{
    int memory = shmget(IPC_PRIVATE, 65536, IPC_CREAT | 0600);
    int semaphore = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    struct sembuf down = {0, -1, 0}, up = {0, 1, 0};
    volatile unsigned *word = shmat(memory, NULL, 0);

    CHECK(memory >= 0 && semaphore >= 0 && word != (void *)-1);
    CHECK(semop(semaphore, &up, 1) == 0);
    fflush(stdout);
    for (unsigned p = 0; p < 4; p++)
        if (fork() == 0) {
            for (unsigned i = 0; i < rounds; i++) {
                semop(semaphore, &down, 1);
                word[0] += p + 1;
                word[1024 * (1 + p)]++;
                semop(semaphore, &up, 1);
            }
            _exit(0);
        }
    for (unsigned p = 0; p < 4; p++)
        wait(NULL);
    printf("shared memory: %u %u %u %u %u\n", word[0], word[1024], word[2048], word[3072],
           word[4096]);
    shmdt((const void *)word);
    shmctl(memory, IPC_RMID, NULL);
    semctl(semaphore, 0, IPC_RMID);
}

static void messages(unsigned count)
{
    struct {
        long type;
        unsigned word;
    } m = {1, 0};
    int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    unsigned sum = 0;

    CHECK(queue >= 0);
    fflush(stdout);
    if (fork() == 0) {
        for (unsigned i = 0; i < count; i++) {
            msgrcv(queue, &m, sizeof(m.word), 1, 0);
            m.type = 2;
            m.word *= 3;
            msgsnd(queue, &m, sizeof(m.word), 0);
        }
        _exit(0);
    }
    for (unsigned i = 0; i < count; i++) {
        m.type = 1;
        m.word = i;
        msgsnd(queue, &m, sizeof(m.word), 0);
        msgrcv(queue, &m, sizeof(m.word), 2, 0);
        sum += m.word;
    }
    wait(NULL);
    msgctl(queue, IPC_RMID, NULL);
    printf("messages: sum %u\n", sum);
}

/* A ring of processes, through which a number goes round. */
static void ring(unsigned members, unsigned rounds)
{
    int first[2], in, out[2];
    unsigned n = 0;

    CHECK(pipe(first) == 0);
    in = first[0];
    fflush(stdout);
    for (unsigned m = 0; m < members; m++) {
        CHECK(pipe(out) == 0);
        if (fork() == 0) {
            close(first[1]);
            close(out[0]);
            while (read(in, &n, sizeof(n)) == sizeof(n)) {
                n += m;
                if (write(out[1], &n, sizeof(n)) != sizeof(n))
                    _exit(1);
            }
            _exit(0);
        }
        close(in);
        close(out[1]);
        in = out[0];
    }
    for (unsigned i = 0; i < rounds; i++)
        CHECK(write(first[1], &n, sizeof(n)) == sizeof(n) && read(in, &n, sizeof(n)) == sizeof(n));
    close(first[1]);
    close(in);
    while (wait(NULL) > 0)
        ;
    printf("ring of %u: %u\n", members, n);
}

/* Mapped, changed, protected and unmapped: the pages' contents through all of it. */
static void mappings(unsigned rounds)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < rounds; i++) {
        unsigned pages = 1 + i % 37;
        unsigned char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        for (unsigned k = 0; k < pages; k++)
            p[4096 * k] = (unsigned char)(i + k);
        mprotect(p, pages * 4096, PROT_READ);
        for (unsigned k = 0; k < pages; k++)
            sum += p[4096 * k];
        p = mremap(p, pages * 4096, 2 * pages * 4096, MREMAP_MAYMOVE);
        for (unsigned k = 0; k < pages; k++)
            sum += p[4096 * k];
        munmap(p, 2 * pages * 4096);
    }
    printf("mappings: sum %u\n", sum);
}

int main(int count, char **arguments)
{
    unsigned n = count > 1 ? (unsigned)atoi(arguments[1]) : 400;

    while (count > 1 && !strcmp(arguments[1], "pause"))
        pause();
    processes(n);
    signals(n);
    shared_memory(n);
    messages(n);
    ring(20, n / 4);
    mappings(n);
    printf("storm: %d wrong\n", wrong);
    return wrong != 0;
}
