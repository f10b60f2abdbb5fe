// SPDX-License-Identifier: GPL-2.0-only
/* run.c [short | PROGRAM...]: runs Linux's selftests one after another from /selftests, as its file
 * `list` has them (a line each: seconds, "short" or "long", program with its arguments), and says
 * where each begins and how it ended, in lines that no test prints:
 *     @@ begin timers/nanosleep
 *     @@ end exit 0 | signal 11 | timeout
 * What a test leaves running ends with it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16
#define NAPS 50U /* a second */

/* By poll, which has no time of 32 bits: a kernel may be built without calls that do. */
static void nap(void)
{
    poll(NULL, 0, 1000 / NAPS);
}

/* In the test: its own folder, session and environment; nothing to read. */
static void become(char *program)
{
    char *words[WORDS_MAX + 1] = {0}, *name, file[128];
    int count = 0, nothing = open("/dev/null", O_RDONLY);

    for (char *word = strtok(program, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
        words[count++] = word;
    setsid();
    name = strrchr(words[0], '/');
    *name++ = 0;
    if (nothing < 0 || dup2(nothing, 0) < 0 || chdir(words[0]) != 0)
        _exit(126);
    close(nothing);
    snprintf(file, sizeof(file), "./%s", name);
    words[0] = file;
    execv(words[0], words);
    printf("cannot run %s: %s\n", file, strerror(errno));
    fflush(stdout);
    _exit(127);
}

/* Kills our children; false if there are none. */
static int kill_children(void)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    int some = 0;

    while (processes && (entry = readdir(processes))) {
        char path[300];
        int parent = 0, process = atoi(entry->d_name);
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        if (process <= 0 || !(file = fopen(path, "r")))
            continue;
        if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) == 1 && parent == getpid()) {
            kill(process, SIGKILL);
            some = 1;
        }
        fclose(file);
    }
    if (processes)
        closedir(processes);
    return some;
}

/* What a test leaves running comes to us (we are the subreaper), and so do its children. */
static void sweep(pid_t session)
{
    kill(-session, SIGKILL);
    for (int tries = 0; tries < 20; tries++) {
        int some = kill_children();

        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (!some)
            return;
        nap();
    }
    printf("@@ processes stay\n");
}

static void run(const char *program, unsigned seconds)
{
    char copy[256];
    int status = 0;
    pid_t child, gone;

    snprintf(copy, sizeof(copy), "%s", program);
    printf("@@ begin %s\n", program);
    fflush(stdout);
    child = fork();
    if (child == 0)
        become(copy);
    for (unsigned naps = 0; (gone = waitpid(child, &status, WNOHANG)) == 0; naps++) {
        if (naps == seconds * NAPS)
            break;
        nap();
    }
    sweep(child);
    printf("\n"); /* a test may have ended within a line */
    if (gone != child)
        printf("@@ end timeout\n");
    else if (WIFSIGNALED(status))
        printf("@@ end signal %d\n", WTERMSIG(status));
    else
        printf("@@ end exit %d\n", WEXITSTATUS(status));
    fflush(stdout);
}

static int wanted(const char *program, const char *tier, int argc, char **argv)
{
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "short") == 0))
        return argc == 1 || strcmp(tier, "short") == 0;
    for (int i = 1; i < argc; i++) {
        size_t length = strlen(argv[i]);

        if (strncmp(program, argv[i], length) == 0 && strchr(" /", program[length]))
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char line[256], tier[8];
    unsigned seconds, count = 0;
    int begin;
    FILE *list = fopen("/selftests/list", "r");

    if (!list || chdir("/selftests") != 0) {
        printf("run: no list of tests: %s\n", strerror(errno));
        return 1;
    }
    mkdir("/dev/shm", 0755);
    mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL);
    mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    while (fgets(line, sizeof(line), list)) {
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%u %7s %n", &seconds, tier, &begin) != 2)
            continue;
        if (wanted(line + begin, tier, argc, argv)) {
            run(line + begin, seconds);
            count++;
        }
    }
    printf("@@ done %u\n", count);
    return 0;
}
