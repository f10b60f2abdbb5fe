#include "sim/report/assemble.h"

#include "sim/core/check.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECTION_PREFIX ".isochron."

/* Each text becomes a section of its own, so that its bytes can be told apart. */
static void write_source(FILE *f, const struct assembly *list, size_t count, const char *symbols)
{
    if (symbols)
        fprintf(f, "%s\n", symbols);
    for (size_t i = 0; i < count; i++)
        fprintf(f, ".section " SECTION_PREFIX "%zu,\"ax\",@progbits\n%s\n", i, list[i].text);
}

/* The first complaint among what the assembler said, "FILE:LINE: Error: TEXT"; cut at its end. */
static const char *first_error(char *said)
{
    char *at = strstr(said, "Error: ");
    at = at ? at + strlen("Error: ") : said;
    at[strcspn(at, "\n")] = 0;
    return at;
}

static void run_assembler(const char *source, const char *object)
{
    char said[2048];
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("as", "as", "--32", "-msyntax=intel", "-mnaked-reg", "-o", object, source, NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    CHECK(f != NULL);
    said[fread(said, 1, sizeof said - 1, f)] = 0;
    while (fgetc(f) != EOF)
        ; /* so that the assembler can end */
    fclose(f);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) == 127)
        status = -1;
    unlink(source);
    if (status == 0)
        return;
    unlink(object);
    if (status == -1)
        usage_error("cannot run the assembler 'as' (Debian: binutils)");
    usage_error("the assembler does not accept these instructions: %s", first_error(said));
}

static void take_section(Elf_Scn *section, struct assembly *a)
{
    Elf_Data *data = elf_getdata(section, NULL);
    a->size = data ? data->d_size : 0;
    a->bytes = xalloc(a->size + 1, 1);
    if (a->size)
        memcpy(a->bytes, data->d_buf, a->size);
}

static void read_object(const char *object, struct assembly *list, size_t count)
{
    size_t names, at = strlen(SECTION_PREFIX);
    int fd = open(object, O_RDONLY);
    unlink(object);
    CHECK(elf_version(EV_CURRENT) != EV_NONE);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
    CHECK(elf && elf_getshdrstrndx(elf, &names) == 0);
    for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
        GElf_Shdr header;
        const char *name =
            gelf_getshdr(s, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name && strncmp(name, ".rel" SECTION_PREFIX, at + 4) == 0)
            usage_error("these instructions refer to a symbol that is not known");
        if (!name || strncmp(name, SECTION_PREFIX, at) != 0)
            continue;
        size_t index = strtoul(name + at, NULL, 10);
        CHECK(index < count);
        take_section(s, &list[index]);
    }
    elf_end(elf);
    close(fd);
}

void assemble(struct assembly *list, size_t count, const char *symbols)
{
    char source[] = "/tmp/isochron-XXXXXX", object[sizeof source + 2];
    int fd = mkstemp(source);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f)
        usage_error("cannot write to /tmp");
    write_source(f, list, count, symbols);
    fclose(f);
    snprintf(object, sizeof object, "%s.o", source);
    run_assembler(source, object);
    read_object(object, list, count);
}
