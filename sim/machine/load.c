#include "sim/machine/load.h"

#include "sim/core/check.h"

#include <elf.h>
#include <string.h>

void load_bytes(struct cpu *c, const char *what, uint64_t pa, const void *data, uint64_t size)
{
    if (pa > UINT32_MAX || size > c->mmu->phys.size ||
        !phys_write(&c->mmu->phys, (paddr_t)pa, data, (size_t)size))
        usage_error("%s: %llu bytes at physical %08llx do not fit into %u MB of memory (-m)", what,
                    (unsigned long long)size, (unsigned long long)pa, c->mmu->phys.size >> 20);
}

uint32_t load_memory_end(const struct cpu *c, const struct boot *boot)
{
    return c->mmu->phys.size - boot->ram_kept * 4096;
}

void load_u32(struct cpu *c, paddr_t pa, uint32_t value)
{
    load_bytes(c, "boot information", pa, &value, sizeof value);
}

static void load_zeroes(struct cpu *c, const char *what, uint64_t pa, uint64_t size)
{
    static const uint8_t zero[4096];
    if (size > c->mmu->phys.size)
        usage_error("%s: a segment of %llu bytes does not fit into %u MB of memory (-m)", what,
                    (unsigned long long)size, c->mmu->phys.size >> 20);
    for (uint64_t at = 0; at < size; at += sizeof zero)
        load_bytes(c, what, pa + at, zero, size - at < sizeof zero ? size - at : sizeof zero);
}

uint32_t load_elf(struct cpu *c, const struct image *i, uint32_t *end)
{
    const uint8_t *head = image_at(i, 0, sizeof(Elf32_Ehdr));
    Elf32_Ehdr e;
    if (!head)
        usage_error("%s: %zu bytes is too short for an ELF header", i->path, i->size);
    memcpy(&e, head, sizeof e);
    if (e.e_ident[EI_CLASS] != ELFCLASS32 || e.e_machine != EM_386)
        usage_error("%s: ELF of class %u, machine %u; accepted is 32-bit IA-32 (1, 3)", i->path,
                    e.e_ident[EI_CLASS], e.e_machine);
    if (e.e_phentsize != sizeof(Elf32_Phdr) || e.e_phnum == 0)
        usage_error("%s: no program headers to load", i->path);
    uint32_t entry = e.e_entry;
    *end = 0;
    for (unsigned k = 0; k < e.e_phnum; k++) {
        const uint8_t *p = image_at(i, e.e_phoff + (uint64_t)k * sizeof(Elf32_Phdr),
                                    sizeof(Elf32_Phdr));
        Elf32_Phdr h;
        if (!p)
            usage_error("%s: program header %u lies past the end of the file", i->path, k);
        memcpy(&h, p, sizeof h);
        if (h.p_type != PT_LOAD || h.p_memsz == 0)
            continue;
        const uint8_t *bytes = image_at(i, h.p_offset, h.p_filesz);
        if (!bytes || h.p_filesz > h.p_memsz)
            usage_error("%s: segment %u (offset %u, %u bytes) lies past the end of the file",
                        i->path, k, h.p_offset, h.p_filesz);
        load_bytes(c, i->path, h.p_paddr, bytes, h.p_filesz);
        load_zeroes(c, i->path, (uint64_t)h.p_paddr + h.p_filesz, h.p_memsz - h.p_filesz);
        if (h.p_paddr + h.p_memsz > *end)
            *end = h.p_paddr + h.p_memsz;
        if (e.e_entry >= h.p_vaddr && e.e_entry - h.p_vaddr < h.p_memsz && h.p_vaddr != h.p_paddr)
            entry = e.e_entry - h.p_vaddr + h.p_paddr;
    }
    return entry;
}

static void flat_segment(struct segment *s, uint16_t selector, uint8_t access, bool is_code)
{
    *s = (struct segment){.base = 0, .limit = 0xFFFFFFFFu, .selector = selector,
                          .access = access, .flags = 0xC0, .valid = true};
    segment_refresh(s, is_code);
}

void load_protected_mode(struct cpu *c, uint32_t entry)
{
    static const uint64_t gdt[4] = {0, 0, 0x00CF9B000000FFFFu, 0x00CF93000000FFFFu};
    load_bytes(c, "GDT", LOAD_GDT, gdt, sizeof gdt);
    c->gdt_base = LOAD_GDT;
    c->gdt_limit = sizeof gdt - 1;
    c->idt_base = 0;
    c->idt_limit = 0;
    c->cr0 = CR0_PE | CR0_ET;
    for (unsigned i = 0; i < SEG_COUNT; i++)
        flat_segment(&c->seg[i], i == CS ? 0x10 : 0x18, i == CS ? 0x9B : 0x93, i == CS);
    cpu_set_flags(c, 2);
    c->eip = entry;
    c->r[ESP] = LOAD_GDT;
    cpu_set_cpl(c, 0);
}

void load_kernel(struct cpu *c, const struct boot *boot)
{
    struct image i = image_read_unpacked(boot->kernel);
    if (load_is_multiboot(&i))
        load_multiboot(c, &i, boot);
    else
        load_linux(c, &i, boot);
    image_free(&i);
}
