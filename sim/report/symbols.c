#include "sim/report/symbols.h"

#include "sim/core/check.h"
#include "sim/core/file.h"
#include "sim/core/number.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACE_FIRST_SYMBOL 2
#define UNSIZED_MOST 0x10000 /* what lies beyond an image is not its last label's */

void symbols_init(struct symbols *s) { memset(s, 0, sizeof *s); }

void symbols_free(struct symbols *s)
{
    for (uint32_t i = 0; i < s->string_count; i++)
        free(s->strings[i]);
    free(s->strings);
    free(s->list);
    free(s->data.list);
    source_free(&s->source);
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

/* Where the symbols of one image go, and what they have in common. */
struct image {
    const char *file, *space;
    uint32_t offset;
};

static void add(struct symbols *s, laddr_t address, uint32_t size, const char *name,
                const struct image *from)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 256;
        s->list = realloc(s->list, s->capacity * sizeof *s->list);
        CHECK(s->list != NULL);
    }
    s->list[s->count++] =
        (struct symbol){address + from->offset, size, keep(s, name), from->file, from->space};
    s->spaced |= from->space != NULL;
}

static void add_data(struct symbols *s, laddr_t address, uint32_t size, const char *name,
                     const struct image *from)
{
    struct symbol_list *l = &s->data;
    if (l->count == l->capacity) {
        l->capacity = l->capacity * 2 + 256;
        l->list = realloc(l->list, l->capacity * sizeof *l->list);
        CHECK(l->list != NULL);
    }
    l->list[l->count++] =
        (struct symbol){address + from->offset, size, keep(s, name), from->file, from->space};
}

static bool code_name(const char *name)
{
    return name[0] && name[0] != '$' && strncmp(name, ".L", 2) != 0;
}

static void add_elf_symbols(struct symbols *s, Elf *elf, Elf_Scn *section, const GElf_Shdr *h,
                            const struct image *from)
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
        if (!name || !code_name(name))
            continue;
        if (code)
            add(s, (laddr_t)sym.st_value, (uint32_t)sym.st_size, name, from);
        else if (type == STT_OBJECT || type == STT_NOTYPE)
            add_data(s, (laddr_t)sym.st_value, (uint32_t)sym.st_size, name, from);
    }
}

static bool add_elf(struct symbols *s, int fd, const struct image *from)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    bool is_elf = elf && elf_kind(elf) == ELF_K_ELF;
    for (Elf_Scn *scn = NULL; is_elf && (scn = elf_nextscn(elf, scn));) {
        GElf_Shdr h;
        if (gelf_getshdr(scn, &h) && h.sh_type == SHT_SYMTAB)
            add_elf_symbols(s, elf, scn, &h, from);
    }
    if (elf)
        elf_end(elf);
    return is_elf;
}

static bool add_map(struct symbols *s, const char *path, const struct image *from)
{
    size_t size;
    char *text = file_read("--symbols ", path, FILE_TEXT_MAX, &size), *at = text, type, name[400];
    unsigned address, number = 0;
    bool is_map = strlen(text) == size;
    for (const char *line; is_map && (line = file_next_line(&at));) {
        bool parsed = sscanf(line, "%x %c %399s", &address, &type, name) == 3;
        if (!parsed && number)
            usage_error("--symbols %s:%u: '%.60s' is no address, kind and name", path, number + 1,
                        line);
        is_map = parsed;
        number++;
        if (!is_map)
            break;
        if (strchr("tTwW", type) && code_name(name))
            add(s, address, 0, name, from);
        else if (strchr("bBdDrRvV", type) && code_name(name))
            add_data(s, address, 0, name, from);
    }
    free(text);
    return is_map && number;
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

static void sort(struct symbols *s)
{
    if (s->count)
        qsort(s->list, s->count, sizeof *s->list, by_address);
    if (s->data.count)
        qsort(s->data.list, s->data.count, sizeof *s->data.list, by_address);
}

/* Takes FILE[@OFFSET][:SPACE] apart; a file may have an @ or a colon in its name. */
static void take_apart(struct symbols *s, const char *spec, char path[4096], struct image *from)
{
    if ((size_t)snprintf(path, 4096, "%s", spec) >= 4096 || !*path)
        usage_error("--symbols %s: expected FILE[@OFFSET][:SPACE], a file first", spec);
    char *colon = access(path, F_OK) == 0 ? NULL : strrchr(path, ':');
    if (colon && !strchr(colon, '/')) {
        if (!colon[1])
            usage_error("--symbols %s: no space behind the colon", spec);
        from->space = keep(s, colon + 1);
        *colon = 0;
    }
    char *at = access(path, F_OK) == 0 ? NULL : strrchr(path, '@');
    if (at) {
        const char *digits = at + 1 + 2 * (strncmp(at + 1, "0x", 2) == 0);
        uint64_t offset;
        if (at == path || !number_parse(digits, 16, UINT32_MAX, &offset))
            usage_error("--symbols %s: expected FILE[@OFFSET][:SPACE], OFFSET in hexadecimal, up "
                        "to ffffffff", spec);
        from->offset = (uint32_t)offset;
        *at = 0;
    }
    const char *slash = strrchr(path, '/');
    from->file = keep(s, slash ? slash + 1 : path);
}

void symbols_add(struct symbols *s, const char *spec)
{
    char path[4096];
    struct image from = {0};
    take_apart(s, spec, path, &from);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        usage_error("--symbols %s: %s", path, strerror(errno));
    uint32_t before = s->count;
    bool is_elf = add_elf(s, fd, &from);
    close(fd);
    if (!is_elf && !add_map(s, path, &from))
        usage_error("--symbols %s: neither an ELF file nor a System.map", path);
    if (s->count == before)
        fprintf(stderr, "isochron: --symbols %s: has no code symbols\n", path);
    if (is_elf)
        source_add(&s->source, path, from.offset);
    sort(s);
}

void symbols_add_text(struct symbols *s, const char *text, const char *file)
{
    unsigned address, size;
    char name[400];
    int length;
    struct image from = {.file = keep(s, file)};
    for (; sscanf(text, "%x %x %399s%n", &address, &size, name, &length) == 3; text += length)
        add(s, address, size, name, &from);
    sort(s);
}

void symbols_write_names(const struct symbols *s, FILE *out)
{
    for (uint32_t i = 0; i < s->data.count; i++)
        fprintf(out, "d %x %x %s\n", s->data.list[i].address, s->data.list[i].size,
                s->data.list[i].name);
    for (uint32_t i = 0; i < s->count; i++)
        if (s->list[i].space)
            fprintf(out, "s %x %x %s %s\n", s->list[i].address, s->list[i].size, s->list[i].name,
                    s->list[i].space);
}

void symbols_add_names(struct symbols *s, const char *text, const char *file)
{
    unsigned address, size;
    char kind, line[512], name[400], space[64];
    struct image from = {.file = keep(s, file)};
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        size_t length = (size_t)(end - text);
        if (length >= sizeof line)
            continue;
        memcpy(line, text, length);
        line[length] = 0;
        int fields = sscanf(line, "%c %x %x %399s %63[^\n]", &kind, &address, &size, name, space);
        from.space = NULL;
        if (fields == 4 && kind == 'd')
            add_data(s, address, size, name, &from);
        if (fields != 5 || kind != 's')
            continue;
        from.space = keep(s, space);
        add(s, address, size, name, &from);
    }
    sort(s);
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

static uint32_t covered(const struct symbol *y) { return y->size ? y->size : UNSIZED_MOST; }

static bool covers(const struct symbol *y, laddr_t la) { return la - y->address < covered(y); }

/* With spaces: the last one at or below la that is for the space that runs, else one for all. */
static const struct symbol *find_spaced(const struct symbols *s, int64_t i, laddr_t la)
{
    const char *space = s->space_of ? s->space_of(s->space_owner) : NULL;
    const struct symbol *common = NULL;
    for (; i >= 0; i--) {
        const struct symbol *y = &s->list[i];
        if (!y->space && !common)
            common = y;
        if (y->space && space && strcmp(y->space, space) == 0 && covers(y, la))
            return y;
    }
    return common && covers(common, la) ? common : NULL;
}

const struct symbol *symbols_find(const struct symbols *s, laddr_t la)
{
    int64_t i = last_below(s, la);
    if (i < 0)
        return NULL;
    if (UNLIKELY(s->spaced))
        return find_spaced(s, i, la);
    return covers(&s->list[i], la) ? &s->list[i] : NULL;
}

const struct symbol *symbols_by_name(const struct symbols *s, const char *name)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i].name, name) == 0)
            return &s->list[i];
    return NULL;
}

bool symbols_address(const struct symbols *s, const char *name, laddr_t *address)
{
    const struct symbol *y = symbols_by_name(s, name);
    for (uint32_t i = 0; !y && i < s->data.count; i++)
        if (strcmp(s->data.list[i].name, name) == 0)
            y = &s->data.list[i];
    if (y)
        *address = y->address;
    return y != NULL;
}

void symbols_line(struct symbols *s, laddr_t la, char *text, size_t size)
{
    const char *file;
    uint32_t line;
    text[0] = 0;
    if (!source_find(&s->source, la, &file, &line))
        return;
    const char *slash = strrchr(file, '/');
    snprintf(text, size, "%s:%u", slash ? slash + 1 : file, line);
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
    if (y && covered(y) < *end - y->address)
        *end = y->address + covered(y);
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
