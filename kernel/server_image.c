#include "server_image.h"

/* ELF, 32 bits. */
struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    word_t version, entry, phoff, shoff, flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct program_header {
    word_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
#define ELF_MAGIC    0x464C457Fu
#define ELF_CLASS32  1
#define ELF_EXEC     2
#define ELF_386      3
#define ELF_LOAD     1u

static const struct program_header *segment(const void *file, word_t i)
{
    const struct elf_header *h = file;
    return (const void *)((const uint8_t *)file + h->phoff + i * h->phentsize);
}

bool server_image_measure(struct server_image *s, const void *file, word_t size)
{
    const struct elf_header *h = file;
    if (size < sizeof *h || *(const word_t *)h->ident != ELF_MAGIC || h->ident[4] != ELF_CLASS32 ||
        h->type != ELF_EXEC || h->machine != ELF_386 ||
        h->phentsize < sizeof(struct program_header) || h->phoff > size ||
        (word_t)h->phnum * h->phentsize > size - h->phoff)
        return false;
    *s = (struct server_image){.low = 0xFFFFFFFF, .high = 0, .entry = h->entry};
    for (word_t i = 0; i < h->phnum; i++) {
        const struct program_header *p = segment(file, i);
        if (p->type != ELF_LOAD || p->memsz == 0)
            continue;
        if (p->filesz > p->memsz || p->offset > size || p->filesz > size - p->offset ||
            p->paddr >= DIRECT_MAP_SIZE || p->memsz > DIRECT_MAP_SIZE - p->paddr)
            return false;
        word_t low = p->paddr & ~(PAGE_SIZE - 1);
        word_t high = (p->paddr + p->memsz + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
        s->low = low < s->low ? low : s->low;
        s->high = high > s->high ? high : s->high;
        /* The file has virtual addresses; sigma0 and the root server run where they are loaded. */
        if (h->entry - p->vaddr < p->memsz)
            s->entry = h->entry - p->vaddr + p->paddr;
    }
    return s->high != 0;
}

void server_image_load(const struct server_image *s, const void *file)
{
    const struct elf_header *h = file;
    (void)s;
    for (word_t i = 0; i < h->phnum; i++) {
        const struct program_header *p = segment(file, i);
        if (p->type != ELF_LOAD)
            continue;
        uint8_t *to = direct(p->paddr);
        __builtin_memcpy(to, (const uint8_t *)file + p->offset, p->filesz);
        __builtin_memset(to + p->filesz, 0, p->memsz - p->filesz);
    }
}
