// memory.c: a task's memory: segments of its program, its large memory, modules lent to it.
#include <l4/alloc.h>
#include <l4/frames.h>
#include <l4/library.h>
#include <l4/string.h>
#include <l4/syscalls.h>

#include "root.h"

#define PAGES_PER_BLOCK (L4_BLOCK_SIZE / L4_PAGE_SIZE)

bool task_add_segment(struct task *task, word_t start, word_t end, word_t rights)
{
    if (task->segment_count == SEGMENT_MAX)
        return false;
    for (word_t i = 0; i < task->segment_count; i++) {
        if (start < task->segments[i].end && task->segments[i].start < end)
            return false;
    }
    word_t *frames = l4_alloc_zeroed((end - start) / L4_PAGE_SIZE * sizeof(word_t));
    if (!frames)
        return false;
    task->segments[task->segment_count++] =
        (struct segment){.start = start, .end = end, .rights = rights, .frames = frames};
    return true;
}

struct segment *task_segment(struct task *task, word_t address)
{
    for (word_t i = 0; i < task->segment_count; i++) {
        struct segment *segment = &task->segments[i];
        if (address >= segment->start && address < segment->end)
            return segment;
    }
    return NULL;
}

// What the module's file has for [address, address + size), whose memory is at `frame`.
static void fill(const struct segment *segment, word_t address, word_t frame, word_t size)
{
    word_t low = address > segment->file_start ? address : segment->file_start;
    word_t high = address + size < segment->file_end ? address + size : segment->file_end;
    if (low < high)
        memcpy((void *)(uintptr_t)(frame + (low - address)),
               segment->file + (low - segment->file_start), high - low);
}

word_t task_frame(struct segment *segment, word_t address)
{
    word_t page = address & ~(L4_PAGE_SIZE - 1);
    word_t *frame = &segment->frames[(page - segment->start) / L4_PAGE_SIZE];
    if (*frame)
        return *frame;
    *frame = l4_frame_take();
    if (*frame)
        fill(segment, page, *frame, L4_PAGE_SIZE);
    return *frame;
}

// ---- Large memory -------------------------------------------------------------------------------

// "32M", "512K": bytes; 0 if it is neither.
static word_t parse_size(const char *text)
{
    char *end;
    word_t number = strtoul(text, &end, 10);
    word_t unit = *end == 'M' || *end == 'm' ? 20 : *end == 'K' || *end == 'k' ? 10 : 32;
    return unit == 32 || end[1] || number >> (32 - unit) ? 0 : number << unit;
}

const char *memory_begin(struct task *task, const char *command_line)
{
    char text[16];
    struct memory *m = &task->memory;
    if (!l4_option(command_line, "mem", text, sizeof(text)))
        return NULL;
    word_t size = parse_size(text) & ~(L4_PAGE_SIZE - 1), low = 0xFFFFFFFF, high = 0;
    for (word_t i = 0; i < task->segment_count; i++) {
        low = task->segments[i].start < low ? task->segments[i].start : low;
        high = task->segments[i].end > high ? task->segments[i].end : high;
    }
    m->start = low & ~(L4_BLOCK_SIZE - 1);
    if (size == 0 || size > L4_START_AREA - m->start)
        return "mem= is no size, or more than a task can have";
    if (m->start + size < high)
        return "mem= is less than the program needs";
    m->end = m->start + size;
    m->blocks = l4_alloc_zeroed((size + L4_BLOCK_SIZE - 1) / L4_BLOCK_SIZE * sizeof(word_t));
    m->frames = l4_alloc_zeroed((size + L4_BLOCK_SIZE - 1) / L4_BLOCK_SIZE * sizeof(word_t *));
    return m->blocks && m->frames ? NULL : "no memory";
}

static void fill_all(const struct task *task, word_t address, word_t frame, word_t size)
{
    for (word_t i = 0; i < task->segment_count; i++) {
        if (task->segments[i].file)
            fill(&task->segments[i], address, frame, size);
    }
}

static word_t take_block(struct task *task, word_t slot)
{
    const struct memory *m = &task->memory;
    word_t address = m->start + slot * L4_BLOCK_SIZE;
    if (m->frames[slot] || m->end - address < L4_BLOCK_SIZE)
        return 0;
    word_t block = l4_block_take();
    if (block)
        fill_all(task, address, block, L4_BLOCK_SIZE);
    return block;
}

// Where 4 MB in one piece are not to be had.
static word_t take_frame(struct task *task, word_t slot, word_t page)
{
    struct memory *m = &task->memory;
    if (!m->frames[slot])
        m->frames[slot] = l4_alloc_zeroed(PAGES_PER_BLOCK * sizeof(word_t));
    if (!m->frames[slot])
        return 0;
    word_t *frame = &m->frames[slot][page / L4_PAGE_SIZE % PAGES_PER_BLOCK];
    if (*frame)
        return *frame;
    *frame = l4_frame_take();
    if (*frame)
        fill_all(task, page, *frame, L4_PAGE_SIZE);
    return *frame;
}

static l4_fpage memory_fpage(struct task *task, word_t address)
{
    struct memory *m = &task->memory;
    word_t slot = (address - m->start) / L4_BLOCK_SIZE, page = address & ~(L4_PAGE_SIZE - 1);
    if (!m->blocks[slot])
        m->blocks[slot] = take_block(task, slot);
    if (m->blocks[slot])
        return l4_make_fpage(m->blocks[slot], L4_BLOCK_BITS, L4_FULLY_ACCESSIBLE);
    word_t frame = take_frame(task, slot, page);
    return frame ? l4_make_fpage(frame, L4_PAGE_BITS, L4_FULLY_ACCESSIBLE) : L4_NIL_FPAGE;
}

l4_fpage task_fpage(struct task *task, word_t address, word_t access)
{
    if (address >= task->memory.start && address < task->memory.end)
        return memory_fpage(task, address);
    struct segment *segment = task_segment(task, address);
    word_t frame = segment && !(access & ~segment->rights) ? task_frame(segment, address) : 0;
    return frame ? l4_make_fpage(frame, L4_PAGE_BITS, segment->rights) : L4_NIL_FPAGE;
}

// ---- Modules to read ----------------------------------------------------------------------------

bool task_lend(struct task *task, word_t address, const struct l4_boot_module *module)
{
    word_t size = (module->end - module->start + L4_PAGE_SIZE - 1) & ~(L4_PAGE_SIZE - 1);
    const struct memory *m = &task->memory;
    if ((address | module->start) & (L4_PAGE_SIZE - 1) || address == 0 ||
        address > L4_START_AREA || size > L4_START_AREA - address ||
        (address < m->end && address + size > m->start) ||
        !task_add_segment(task, address, address + size, L4_READABLE | L4_EXECUTABLE))
        return false;
    struct segment *segment = &task->segments[task->segment_count - 1];
    segment->lent = true;
    for (word_t i = 0; i < size / L4_PAGE_SIZE; i++)
        segment->frames[i] = module->start + i * L4_PAGE_SIZE;
    return true;
}

// ---- The end ------------------------------------------------------------------------------------

static void give_large_back(struct memory *m)
{
    for (word_t slot = 0; slot < (m->end - m->start + L4_BLOCK_SIZE - 1) / L4_BLOCK_SIZE; slot++) {
        if (m->blocks && m->blocks[slot])
            l4_block_give(m->blocks[slot]);
        for (word_t i = 0; m->frames && m->frames[slot] && i < PAGES_PER_BLOCK; i++) {
            if (m->frames[slot][i])
                l4_frame_give(m->frames[slot][i]);
        }
        if (m->frames)
            l4_free(m->frames[slot]);
    }
    l4_free(m->blocks);
    l4_free(m->frames);
    *m = (struct memory){0};
}

void memory_give_back(struct task *task)
{
    for (word_t i = 0; i < task->segment_count; i++) {
        struct segment *segment = &task->segments[i];
        for (word_t page = 0; page < (segment->end - segment->start) / L4_PAGE_SIZE; page++) {
            if (segment->frames[page] && !segment->lent)
                l4_frame_give(segment->frames[page]);
        }
        l4_free(segment->frames);
    }
    task->segment_count = 0;
    give_large_back(&task->memory);
}
