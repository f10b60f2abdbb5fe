// root.h: the root server: it makes a task of every module that the boot loader left behind it, is
// their pager and exception handler, and ends the machine when they are done. One thread, one loop;
// it waits for no task, but a moment for a busy console, so no task can stop it.
#pragma once

#include <l4/boot.h>
#include <l4/task.h>
#include <l4/types.h>

#define TASK_MAX 32
#define SPACE_MAX 1024 // that tasks make, all together
#define SEGMENT_MAX 8
#define IRQ_MAX 16
#define PRIORITY_ROOT 160u // a task above it is trusted to leave time for us, and never waits for
#define PRIORITY_MAX 200u  // what we do for others, which may take milliseconds

// A piece of a task's space that the root server answers faults in. Pages come into being when they
// are first touched: zero, then what the module's file has for them.
struct segment {
    word_t start, end; // page-aligned
    word_t rights;
    word_t file_start, file_end; // addresses that the file has bytes for
    const uint8_t *file;         // the byte for file_start
    word_t *frames;              // of each page, 0 if untouched
    bool lent;                   // the frames are a module's
};

// mem=SIZE on a task's command line: so much from where its program begins, rounded down to 4 MB,
// in pages of 4 MB where those are to be had; the program's segments are part of it.
struct memory {
    word_t start, end; // equal: none
    word_t *blocks;    // of each 4 MB, 0 if untouched or in frames
    word_t **frames;   // of each 4 MB that have no block
};

struct task {
    word_t index;
    enum l4_task_state state; // 0: no such task
    l4_thread_id first;
    word_t status, fault_count;
    uint16_t threads; // one bit for each thread that exists
    word_t segment_count;
    struct segment segments[SEGMENT_MAX];
    struct memory memory;
    char name[L4_NAME_SIZE];
};

struct space {
    struct task *owner; // NULL: none
    word_t version;     // of its thread
};

struct root {
    struct task tasks[TASK_MAX];
    word_t task_count;
    struct space spaces[SPACE_MAX];
    const struct l4_boot_module *modules; // of each task
    struct l4_boot_access access;
    l4_thread_id names;
    struct task *console; // who prints for us, once it serves
    struct task *irq_owner[IRQ_MAX];
    bool started;   // all modules are tasks now
    bool finishing; // waiting for the console to have sent everything, until finish_by at most
    bool flush_asked;
    l4_clock finish_by;
    int status;
    const char *command_line;
};

// A line on the console server, or on COM1 if there is none or it does not take it.
void say(const struct root *root, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- elf.c -----------------------------------------------------------------------------------

// elf_load fills in the task's segments from an ELF file in memory. NULL, or what is wrong with it.
bool elf_is(const uint8_t *file, word_t size);
const char *elf_load(struct task *task, const uint8_t *file, word_t size, word_t *entry);

// ---- tasks.c ---------------------------------------------------------------------------------

void tasks_start(struct root *root, word_t count);
// False, after a line that says why: it did not start.
bool task_start(struct root *root, struct task *task);
bool task_start_again(struct root *root, struct task *task);
struct task *task_of_thread(struct root *root, l4_thread_id thread);
// A new thread in the task, active; nil if there is no room.
l4_thread_id task_add_thread(struct task *task, l4_thread_id pager);
void task_end(struct root *root, struct task *task, enum l4_task_state state, word_t status);

// ---- memory.c --------------------------------------------------------------------------------

bool task_add_segment(struct task *task, word_t start, word_t end, word_t rights);
struct segment *task_segment(struct task *task, word_t address);
// The frame behind an address of the segment, brought into being if need be; 0: no memory.
word_t task_frame(struct segment *segment, word_t address);
// Large memory, if the command line asks for it. NULL, or what is wrong.
const char *memory_begin(struct task *task, const char *command_line);
// What answers a fault: the page, or the 4 MB, at the address; nil: nothing.
l4_fpage task_fpage(struct task *task, word_t address, word_t access);
// Makes the module's pages appear at the address, to be read.
bool task_lend(struct task *task, word_t address, const struct l4_boot_module *module);
void memory_give_back(struct task *task);

// ---- spaces.c --------------------------------------------------------------------------------

struct space_wish {
    l4_fpage kip, utcbs;
    word_t utcb; // where in that area its thread's is
    word_t control;
    l4_thread_id keeper; // pager and scheduler of its thread, and who gets what it sends
};

// Which of SpaceControl's controls a task may ask for.
bool space_control_allowed(word_t control);
// The space's first thread, active and waiting for its start message; nil: no room.
l4_thread_id space_make(struct root *root, struct task *task, const struct space_wish *wish);
bool space_end(struct root *root, const struct task *task, l4_thread_id thread);
void spaces_end(struct root *root, const struct task *task); // all of the task's
struct l4_root_counts root_counts(const struct root *root);

// ---- service.c -------------------------------------------------------------------------------

_Noreturn void root_serve(struct root *root);
