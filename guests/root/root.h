// root.h: the root server: it makes a task of every module that the boot loader left behind it, is
// their pager and exception handler, and ends the machine when they are done. One thread, one loop;
// it waits for no task, but a moment for a busy console, so no task can stop it.
#pragma once

#include <l4/boot.h>
#include <l4/task.h>
#include <l4/types.h>

#define TASK_MAX 32
#define SEGMENT_MAX 8
#define IRQ_MAX 16
#define PRIORITY_MAX 200u // of a task; the root server itself keeps above

// A piece of a task's space that the root server answers faults in. Pages come into being when they
// are first touched: zero, then what the module's file has for them.
struct segment {
    word_t start, end; // page-aligned
    word_t rights;
    word_t file_start, file_end; // addresses that the file has bytes for
    const uint8_t *file;         // the byte for file_start
    word_t *frames;              // of each page, 0 if untouched
};

struct task {
    word_t index;
    enum l4_task_state state; // 0: no such task
    l4_thread_id first;
    word_t status, fault_count;
    uint16_t threads; // one bit for each thread that exists
    word_t segment_count;
    struct segment segments[SEGMENT_MAX];
    char name[L4_NAME_SIZE];
};

struct root {
    struct task tasks[TASK_MAX];
    word_t task_count;
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

// Fills in the task's segments from an ELF file in memory. NULL, or what is wrong with it.
const char *elf_load(struct task *task, const uint8_t *file, word_t size, word_t *entry);

// ---- tasks.c ---------------------------------------------------------------------------------

void tasks_start(struct root *root, const struct l4_boot_module *modules, word_t count,
                 const struct l4_boot_access *access);
struct task *task_of_thread(struct root *root, l4_thread_id thread);
bool task_add_segment(struct task *task, word_t start, word_t end, word_t rights);
struct segment *task_segment(struct task *task, word_t address);
// The frame behind an address of the segment, brought into being if need be; 0: no memory.
word_t task_frame(struct segment *segment, word_t address);
// A new thread in the task, active; nil if there is no room.
l4_thread_id task_add_thread(struct task *task, l4_thread_id pager);
void task_end(struct root *root, struct task *task, enum l4_task_state state, word_t status);

// ---- service.c -------------------------------------------------------------------------------

_Noreturn void root_serve(struct root *root);
