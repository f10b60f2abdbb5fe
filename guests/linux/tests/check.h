/* check.h: what the programs of this folder share. Each prints lines that depend on nothing but
 * Linux, so that native Linux and Linux on L4 must print the same; what is wrong is printed, too,
 * and counted in the exit code. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

static int wrong __attribute__((unused));

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("WRONG line %d: %s\n", __LINE__, #condition);                                   \
            wrong++;                                                                               \
        }                                                                                          \
    } while (0)

/* The exit code of a child that runs the function; -signal if it was killed. */
static inline int in_child(int (*run)(void))
{
    int status;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        int code = run();

        fflush(stdout);
        _exit(code);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
