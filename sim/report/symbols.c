#include "sim/report/symbols.h"

#include "sim/core/check.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACE_FIRST_SYMBOL 2

void symbols_init(struct symbols *s) { memset(s, 0, sizeof *s); }

void symbols_free(struct symbols *s)
{
    for (uint32_t i = 0; i < s->string_count; i++)
        free(s->strings[i]);
    free(s->strings);
    free(s->list);
    symbols_init(s);
}

static const char *keep(struct symbols *s, const char *text)
{
    if (s->string_count == s->string_capacity) {
        s->string_capacity = s->string_capacity * 2 + 256;
        s->strings = realloc(s->strings, s->string_capacity * sizeof *s->strings);
        CHECK(s->strings != NULL);
    }
    char *copy = strdup(text);
    CHECK(copy != NULL);
    return s->strings[s->string_count++] = copy;
}

static void add(struct symbols *s, laddr_t address, uint32_t size, const char *name,
                const char *file)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 256;
        s->list = realloc(s->list, s->capacity * sizeof *s->list);
        CHECK(s->list != NULL);
    }
    s->list[s->count++] = (struct symbol){address, size, keep(s, name), file};
}

static bool code_name(const char *name)
{
    return name[0] && name[0] != '$' && strncmp(name, ".L", 2) != 0;
}

static void add_elf_symbols(struct symbols *s, Elf *elf, Elf_Scn *section, const GElf_Shdr *h,
                            uint32_t offset, const char *file)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = h->sh_entsize ? h->sh_size / h->sh_entsize : 0;
    for (size_t i = 0; data && i < count; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF ||
            sym.st_shndx == SHN_ABS)
            continue;
        unsigned type = GELF_ST_TYPE(sym.st_info);
        const char *name = elf_strptr(elf, h->sh_link, sym.st_name);
        Elf_Scn *home = elf_getscn(elf, sym.st_shndx);
        GElf_Shdr where;
        bool code = type == STT_FUNC || (type == STT_NOTYPE && home &&
                                         gelf_getshdr(home, &where) &&
                                         (where.sh_flags & SHF_EXECINSTR));
        if (code && name && code_name(name))
            add(s, (laddr_t)sym.st_value + offset, (uint32_t)sym.st_size, name, file);
    }
}

static bool add_elf(struct symbols *s, int fd, uint32_t offset, const char *file)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    bool is_elf = elf && elf_kind(elf) == ELF_K_ELF;
    for (Elf_Scn *scn = NULL; is_elf && (scn = elf_nextscn(elf, scn));) {
        GElf_Shdr h;
        if (gelf_getshdr(scn, &h) && h.sh_type == SHT_SYMTAB)
            add_elf_symbols(s, elf, scn, &h, offset, file);
    }
    if (elf)
        elf_end(elf);
    return is_elf;
}

static bool add_map(struct symbols *s, const char *path, uint32_t offset, const char *file)
{
    FILE *f = fopen(path, "r");
    char line[512], type, name[400];
    unsigned address;
    bool any = false;
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%x %c %399s", &address, &type, name) != 3)
            break;
        any = true;
        if (strchr("tTwW", type) && code_name(name))
            add(s, address + offset, 0, name, file);
    }
    if (f)
        fclose(f);
    return any;
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->size != y->size) /* of two names of one address the sized one comes last and wins */
        return x->size < y->size ? -1 : 1;
    return strcmp(x->name, y->name);
}

void symbols_add(struct symbols *s, const char *spec)
{
    char path[4096];
    /* A file may have an @ in its name. */
    const char *at = access(spec, F_OK) == 0 ? NULL : strrchr(spec, '@');
    char *rest = NULL;
    uint32_t offset = at ? (uint32_t)strtoul(at + 1, &rest, 16) : 0;
    size_t n = at ? (size_t)(at - spec) : strlen(spec);
    if (n == 0 || n >= sizeof path || (at && (rest == at + 1 || *rest)))
        usage_error("--symbols %s: expected FILE or FILE@OFFSET, OFFSET in hexadecimal", spec);
    memcpy(path, spec, n);
    path[n] = 0;
    const char *slash = strrchr(path, '/');
    const char *file = keep(s, slash ? slash + 1 : path);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        usage_error("--symbols %s: %s", path, strerror(errno));
    uint32_t before = s->count;
    bool ok = add_elf(s, fd, offset, file);
    close(fd);
    if (!ok && !add_map(s, path, offset, file))
        usage_error("--symbols %s: neither an ELF file nor a System.map", path);
    if (s->count == before)
        fprintf(stderr, "isochron: --symbols %s: has no code symbols\n", path);
    if (s->count)
        qsort(s->list, s->count, sizeof *s->list, by_address);
}

void symbols_add_text(struct symbols *s, const char *text, const char *file)
{
    unsigned address, size;
    char name[400];
    int length;
    file = keep(s, file);
    for (; sscanf(text, "%x %x %399s%n", &address, &size, name, &length) == 3; text += length)
        add(s, address, size, name, file);
    if (s->count)
        qsort(s->list, s->count, sizeof *s->list, by_address);
}

/* Index of the last symbol at or below la, -1 if there is none. */
static int64_t last_below(const struct symbols *s, laddr_t la)
{
    int64_t low = -1, high = (int64_t)s->count;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (s->list[middle].address <= la)
            low = middle;
        else
            high = middle;
    }
    return low;
}

const struct symbol *symbols_find(const struct symbols *s, laddr_t la)
{
    int64_t i = last_below(s, la);
    if (i < 0)
        return NULL;
    const struct symbol *y = &s->list[i];
    return y->size == 0 || la - y->address < y->size ? y : NULL;
}

const struct symbol *symbols_by_name(const struct symbols *s, const char *name)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i].name, name) == 0)
            return &s->list[i];
    return NULL;
}

void symbols_format(const struct symbols *s, laddr_t la, char *text, size_t size)
{
    const struct symbol *y = symbols_find(s, la);
    if (!y)
        snprintf(text, size, "%s", "");
    else if (la == y->address)
        snprintf(text, size, "%s", y->name);
    else
        snprintf(text, size, "%s+%x", y->name, la - y->address);
}

uint32_t symbols_place(void *owner, laddr_t la, bool user, laddr_t *end)
{
    const struct symbols *s = owner;
    int64_t i = last_below(s, la);
    const struct symbol *y = symbols_find(s, la);
    *end = i + 1 < (int64_t)s->count ? s->list[i + 1].address : UINT32_MAX;
    if (y && y->size && y->address + y->size < *end)
        *end = y->address + y->size;
    return y ? (uint32_t)(y - s->list) + PLACE_FIRST_SYMBOL : user;
}

const char *symbols_place_name(const struct symbols *s, uint32_t place)
{
    if (place < PLACE_FIRST_SYMBOL)
        return place ? "(user, no symbol)" : "(kernel, no symbol)";
    if (place - PLACE_FIRST_SYMBOL >= s->count)
        return "(another list's symbol)";
    return s->list[place - PLACE_FIRST_SYMBOL].name;
}
