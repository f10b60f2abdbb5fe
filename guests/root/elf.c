// elf.c: the loadable segments of a static ELF file for IA-32.
#include <l4/string.h>
#include <l4/thread.h>

#include "root.h"

#define ELFCLASS32 1
#define ELFDATA2LSB 1
#define ET_EXEC 2
#define EM_386 3
#define PT_LOAD 1
#define PF_X 1u
#define PF_W 2u
#define PF_R 4u

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    word_t version, entry, program_offset, section_offset, flags;
    uint16_t size, program_size, program_count, section_size, section_count, section_names;
};

struct program_header {
    word_t type, offset, virtual_address, physical_address, file_size, memory_size, flags, align;
};

bool elf_is(const uint8_t *file, word_t size)
{
    return size >= 4 && memcmp(file, "\177ELF", 4) == 0;
}

static const char *check(const struct elf_header *elf, word_t size)
{
    if (!elf_is(elf->ident, size) || size < sizeof(*elf))
        return "not an ELF file";
    if (elf->ident[4] != ELFCLASS32 || elf->ident[5] != ELFDATA2LSB || elf->machine != EM_386)
        return "not for IA-32";
    if (elf->type != ET_EXEC)
        return "not a static program";
    word_t headers = elf->program_count * sizeof(struct program_header);
    if (elf->program_size != sizeof(struct program_header) || elf->program_offset > size ||
        headers > size - elf->program_offset)
        return "program headers outside the file";
    return NULL;
}

static const char *load(struct task *task, const uint8_t *file, word_t size,
                        const struct program_header *program)
{
    word_t start = program->virtual_address, end = start + program->memory_size;
    if (program->memory_size == 0)
        return NULL;
    if (program->offset > size || program->file_size > size - program->offset ||
        program->file_size > program->memory_size)
        return "a segment outside the file";
    if (end < start || start < L4_PAGE_SIZE || end > L4_START_AREA)
        return "a segment outside the user's part of the space";
    word_t rights = (program->flags & PF_R ? L4_READABLE | L4_EXECUTABLE : 0) |
                    (program->flags & PF_X ? L4_READABLE | L4_EXECUTABLE : 0) |
                    (program->flags & PF_W ? L4_WRITABLE | L4_READABLE : 0);
    if (!task_add_segment(task, start & ~(L4_PAGE_SIZE - 1),
                          (end + L4_PAGE_SIZE - 1) & ~(L4_PAGE_SIZE - 1), rights))
        return "segments that overlap, too many of them, or no memory";
    struct segment *segment = &task->segments[task->segment_count - 1];
    segment->file_start = start;
    segment->file_end = start + program->file_size;
    segment->file = file + program->offset;
    return NULL;
}

const char *elf_load(struct task *task, const uint8_t *file, word_t size, word_t *entry)
{
    const struct elf_header *elf = (const struct elf_header *)file;
    const char *wrong = check(elf, size);
    if (wrong)
        return wrong;
    const struct program_header *program =
        (const struct program_header *)(file + elf->program_offset);
    for (word_t i = 0; i < elf->program_count && !wrong; i++) {
        if (program[i].type == PT_LOAD)
            wrong = load(task, file, size, &program[i]);
    }
    if (!wrong && !task_segment(task, elf->entry))
        wrong = "an entry outside its segments";
    *entry = elf->entry;
    return wrong;
}
