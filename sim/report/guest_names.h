/* guest_names: names of address spaces and threads, read out of the guest's memory by rules.
 *
 * A rule file belongs to a kernel and is data: sim/report/rules/NAME.ini, installed beside the
 * command. Two of its sections are read here, the others are paths (path_rules.h):
 *
 *     [kernel]
 *     name = linux
 *     has = start_kernel current_task     ; symbols that this kernel has, and others do not
 *     when = find(banner, 99, "6.1") > 0  ; or what its memory holds; both, if both are given
 *
 *     [names]
 *     task = [current_task]               ; a definition, for use below
 *     comm = find(init_task, 4096, "swapper") - init_task
 *     space = {task + comm:s}             ; the first of several that can be evaluated is the name
 *     thread = thread {[task + 4]}
 *
 * A name is text with expressions in braces, printed in decimal, or with :x in hexadecimal, :s as
 * the string at that address, :b as its first word without folders. `EXPRESSION ? text` is used
 * only if the expression is not 0. Expressions have C's operators + - * / % & | << >> == != < > ~,
 * numbers, parentheses, symbols of code and data, definitions of the section, esp0, esp1 (of the
 * TSS), cr3 and base (of the user's code segment) of who is about to run; [address], half[address]
 * and byte[address] are what memory holds there; find(from, size, "text") is where text begins.
 * What reads memory that is not mapped, or uses a name that does not exist, has no value.
 *
 * Memory is read as a debugger reads it: nothing in the machine moves. */
#pragma once

#include "cpu/cpu.h"
#include "sim/report/symbols.h"

#define GUEST_NAMES_MAX 64   /* definitions and names of one file */
#define GUEST_KERNELS_MAX 16 /* files to choose from */

struct guest_rule {
    char key[32], value[200];
};

struct guest_kernel {
    char file[4096]; /* where its paths' rules are, too */
    char name[32], has[200], when[200];
    struct guest_rule rule[GUEST_NAMES_MAX];
    unsigned count;
};

struct guest_names {
    const struct symbols *symbols;
    struct guest_kernel *kernel; /* those that may fit */
    unsigned kernels;
    const struct guest_kernel *chosen; /* NULL: not yet */
};

/* Reads one file, which is then the only one to choose from, or all *.ini of a folder; usage_error
 * if one cannot be read or says what is not understood. */
void guest_names_read_file(struct guest_names *n, const char *file);
void guest_names_read_folder(struct guest_names *n, const char *folder);
void guest_names_free(struct guest_names *n);

/* The kernel that runs, by its symbols and memory; NULL: none fits. */
const struct guest_kernel *guest_names_choose(struct guest_names *n, const struct cpu *c);

/* A space_namer (spaces.h); owner is the struct guest_names. */
void guest_names_name(void *owner, const struct cpu *c, bool thread, char *name, size_t size);

/* An expression's value; false: it has none. For tests, and for `when`. */
bool guest_names_value(const struct guest_names *n, const struct guest_kernel *k,
                       const struct cpu *c, const char *expression, uint32_t *value);
