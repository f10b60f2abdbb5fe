/* spaces: whose cycles these are.
 *
 * A space is a page directory and a base of the user's code segment, from a birth on: small spaces
 * share a directory and differ in their base; a directory whose user half was replaced, as when its
 * frame was freed and used again, is born anew. While the kernel runs the space is the one that it
 * was entered from: the kernel's own half belongs to nobody. Space 0 is the kernel on its own:
 * before the first program runs, and from HLT until a program runs again.
 *
 * A thread is a space and a kernel stack. Kernels say which stack an interrupt takes by the TSS:
 * most give each thread its ESP0; Linux gives all the same ESP0, a trampoline, and keeps the
 * thread's own stack in ESP1, which no processor looks at unless there are rings 1. Both together
 * tell threads apart.
 *
 * Every cycle belongs to one space and one thread: what a program runs to `user`, the rest of it
 * from the entry to privilege 0 to the exit from it to `kernel`. Directories are watched for writes
 * by privilege 0 only: no kernel of protected programs lets them be written otherwise. */
#pragma once

#include "sim/report/watch.h"

#include <jansson.h>
#include <stdio.h>

#define SPACE_KERNEL 0 /* before the first program runs, and while none does */
#define SPACE_NAME_SIZE 40

struct space {
    uint32_t cr3, base;
    cycle_t born;     /* when its first instruction ran */
    bool written;     /* its directory may have changed since the last look at it */
    uint32_t *tables; /* frames behind the user's directory entries at that look */
    uint32_t table_count;
    uint64_t user, kernel; /* cycles */
    uint64_t entries;      /* to privilege 0 */
    char name[SPACE_NAME_SIZE]; /* by rule; "": there is none */
};

struct space_thread {
    uint32_t space;           /* index of it */
    uint32_t stack, trampoline; /* what tells it apart, as said above: ESP0, ESP1 */
    cycle_t born;
    uint64_t user, kernel, entries;
    char name[SPACE_NAME_SIZE];
};

/* Finds a name for the space, or the thread, that is about to run; leaves "" if it has none. */
typedef void (*space_namer)(void *owner, const struct cpu *c, bool thread, char *name, size_t size);

struct spaces {
    const struct cpu *cpu;
    struct watch *watch;
    enum watch_wants wants;
    struct space *list; /* [0] is SPACE_KERNEL */
    uint32_t count, capacity;
    struct space_thread *thread; /* [0] belongs to SPACE_KERNEL */
    uint32_t thread_count, thread_capacity;
    uint32_t *thread_slot; /* hash table of indices into thread; 0: free */
    uint32_t thread_slots;
    uint32_t now;          /* the space that runs, or that the kernel was entered from */
    uint32_t thread_now;
    uint8_t *is_directory; /* by frame of physical memory */
    uint32_t frame_count;
    space_namer namer; /* NULL: nobody knows names */
    void *namer_owner;
    cycle_t start, last_now;
    uint8_t last_cpl;
};

/* Add it before the observers that ask for `now`: they are told in the order they were added, and
 * it is up to date for the instruction that they are told of. */
void spaces_start(struct spaces *s, struct watch *h, struct cpu *c);
void spaces_free(struct spaces *s, struct watch *h);
/* From now on; and for who runs now. */
void spaces_set_namer(struct spaces *s, space_namer namer, void *owner);

/* "name", or "space 3" where no rule has one; "kernel" for SPACE_KERNEL. */
void spaces_name(const struct spaces *s, uint32_t space, char *text, size_t size);
void spaces_thread_name(const struct spaces *s, uint32_t thread, char *text, size_t size);

/* [{id, name, cr3, base, born, cycles, user, kernel, entries}], [{id, space, name, stack, born,
 * cycles, user, kernel, entries}]; both sum to the elapsed cycles (CHECK). */
json_t *spaces_json(const struct spaces *s);
json_t *spaces_threads_json(const struct spaces *s);
/* The table of both, the spaces that cost most first. */
void spaces_report(const json_t *spaces, const json_t *threads, unsigned most, FILE *out);
