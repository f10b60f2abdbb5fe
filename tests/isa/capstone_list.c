#include "tests/isa/capstone_list.h"

#include "cpu/rows.h"
#include "sim/core/check.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 128
#define ENTRIES_MAX 64

struct condition {
    const char *name;
    bool (*holds)(const struct capstone_query *q);
};

struct name {
    char row[16];
    char theirs[96]; /* blank-separated, with a blank at both ends */
};

struct entry {
    char name[48];
    char row[256], theirs[1024], field[64]; /* as above */
    const struct condition *when;
    uint64_t used;
};

#define KNOWN_COUNT 4096

struct known {
    char mnemonic[32];
    bool is_row;
};

struct capstone_list {
    struct known known[KNOWN_COUNT];
    struct name names[NAMES_MAX];
    unsigned name_count;
    struct entry entries[ENTRIES_MAX];
    unsigned entry_count;
};

/* --- conditions ------------------------------------------------------------------------------- */
static bool always(const struct capstone_query *q)
{
    (void)q;
    return true;
}

static bool lock(const struct capstone_query *q) { return q->op->flags & OP_LOCK; }
static bool rep(const struct capstone_query *q) { return q->op->flags & (OP_REPE | OP_REPNE); }
static bool two_byte(const struct capstone_query *q) { return q->op->flags & OP_0F; }

static bool rep_operand_16(const struct capstone_query *q)
{
    return q->big && rep(q) && (q->op->flags & OP_DATA16);
}

/* 66, F3 or F2 before an opcode behind 0F, where they may be part of it. */
static bool opcode_prefix(const struct capstone_query *q)
{
    return two_byte(q) && (rep(q) || (q->op->flags & OP_OPSIZE));
}

static bool vector_operand(const struct capstone_query *q)
{
    return strpbrk(q->op->row->operands, "PQVWNU") != NULL;
}

static bool vector_address_16(const struct capstone_query *q)
{
    bool narrow = !q->big || q->op->flags & OP_ADDRSIZE;
    return narrow && opcode_prefix(q) && vector_operand(q);
}

static bool vector_two_prefixes(const struct capstone_query *q)
{
    return rep(q) && (q->op->flags & OP_OPSIZE) && vector_operand(q);
}

static bool truncated_target(const struct capstone_query *q)
{
    return !(q->op->flags & OP_DATA16) && (!q->big || (q->op->flags & OP_ADDRSIZE));
}

static bool segment_operand(const struct capstone_query *q)
{
    return strchr(q->op->row->operands, 'S') != NULL;
}

static bool find_row(struct capstone_list *l, const char *theirs)
{
    for (unsigned i = 0; families[i]; i++)
        for (unsigned k = 0; k < families[i]->count; k++)
            if (capstone_same_mnemonic(l, families[i]->rows[k].name, theirs))
                return true;
    return false;
}

/* The same few hundred mnemonics are asked for millions of times. */
static bool no_such_row(const struct capstone_query *q)
{
    struct capstone_list *l = q->list;
    uint32_t hash = 0;
    for (const char *p = q->theirs; *p; p++)
        hash = hash * 31 + (unsigned char)*p;
    struct known *k = &l->known[hash % KNOWN_COUNT];
    if (strcmp(k->mnemonic, q->theirs) != 0) {
        snprintf(k->mnemonic, sizeof k->mnemonic, "%s", q->theirs);
        k->is_row = find_row(l, q->theirs);
    }
    return !k->is_row;
}

static bool register_form(const struct capstone_query *q) { return !(q->op->flags & OP_MEM); }

static const struct condition conditions[] = {
    {"always", always},
    {"lock", lock},
    {"rep", rep},
    {"two-byte", two_byte},
    {"rep-operand-16", rep_operand_16},
    {"opcode-prefix", opcode_prefix},
    {"vector-address-16", vector_address_16},
    {"vector-two-prefixes", vector_two_prefixes},
    {"truncated-target", truncated_target},
    {"segment-operand", segment_operand},
    {"no-such-row", no_such_row},
    {"register-form", register_form},
};

/* --- reading ---------------------------------------------------------------------------------- */
/* Words between single blanks, one at both ends. */
static bool set_words(char *out, size_t size, char *text)
{
    size_t n = strlen(out);
    if (n == 0 && size > 1) {
        strcpy(out, " ");
        n = 1;
    }
    for (char *w = strtok(text, " \n"); w; w = strtok(NULL, " \n")) {
        if (n + strlen(w) + 2 > size)
            return false;
        n += (size_t)sprintf(out + n, "%s ", w);
    }
    return true;
}

static bool take_name(struct capstone_list *l, char *text)
{
    if (l->name_count == NAMES_MAX)
        return false;
    struct name *n = &l->names[l->name_count];
    int used = 0;
    if (sscanf(text, "%15s %n", n->row, &used) != 1)
        return false;
    l->name_count++;
    return set_words(n->theirs, sizeof n->theirs, text + used);
}

static bool set_condition(struct entry *e, const char *text)
{
    char word[32];
    if (sscanf(text, "%31s", word) != 1)
        return false;
    for (unsigned i = 0; i < ARRAY_COUNT(conditions); i++)
        if (strcmp(word, conditions[i].name) == 0) {
            e->when = &conditions[i];
            return true;
        }
    return false;
}

static bool take_line(struct capstone_list *l, char *line)
{
    if (strncmp(line, "name ", 5) == 0)
        return take_name(l, line + 5);
    char *colon = strchr(line, ':');
    if (!colon)
        return false;
    *colon = 0;
    char *text = colon + 1;
    if (strcmp(line, "entry") == 0) {
        if (l->entry_count == ENTRIES_MAX)
            return false;
        struct entry *e = &l->entries[l->entry_count++];
        e->when = &conditions[0];
        return sscanf(text, "%47s", e->name) == 1;
    }
    if (l->entry_count == 0)
        return false;
    struct entry *e = &l->entries[l->entry_count - 1];
    return strcmp(line, "row") == 0      ? set_words(e->row, sizeof e->row, text)
           : strcmp(line, "theirs") == 0 ? set_words(e->theirs, sizeof e->theirs, text)
           : strcmp(line, "field") == 0  ? set_words(e->field, sizeof e->field, text)
           : strcmp(line, "when") == 0   ? set_condition(e, text)
                                         : strcmp(line, "why") == 0;
}

struct capstone_list *capstone_list_read(const char *path)
{
    char beside[512], line[1024];
    if (!path) {
        const char *slash = strrchr(__FILE__, '/');
        int folder = slash ? (int)(slash - __FILE__ + 1) : 0;
        snprintf(beside, sizeof beside, "%.*scapstone-differences", folder, __FILE__);
        path = beside;
    }
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "cannot read %s\n", path);
        return NULL;
    }
    struct capstone_list *l = xalloc(1, sizeof *l);
    for (unsigned number = 1; l && fgets(line, sizeof line, f); number++) {
        if (line[0] == '#' || line[0] == '\n' || line[0] == ' ')
            continue;
        if (!take_line(l, line)) {
            fprintf(stderr, "%s:%u: not understood\n", path, number);
            free(l);
            l = NULL;
        }
    }
    fclose(f);
    return l;
}

void capstone_list_free(struct capstone_list *l) { free(l); }

/* --- asking ----------------------------------------------------------------------------------- */
static bool has_word(const char *words, const char *word)
{
    char padded[64];
    if (strcmp(words, " * ") == 0)
        return true;
    snprintf(padded, sizeof padded, " %s ", word);
    return strstr(words, padded) != NULL;
}

bool capstone_same_mnemonic(struct capstone_list *l, const char *row, const char *theirs)
{
    for (unsigned i = 0; i < l->name_count; i++)
        if (strcmp(row, l->names[i].row) == 0)
            return has_word(l->names[i].theirs, theirs);
    size_t i = 0;
    while (row[i] && tolower((unsigned char)row[i]) == theirs[i])
        i++;
    return row[i] == 0 && theirs[i] == 0;
}

bool capstone_list_allows(struct capstone_list *l, const struct capstone_query *q,
                          const char *field)
{
    for (unsigned i = 0; i < l->entry_count; i++) {
        struct entry *e = &l->entries[i];
        if (!has_word(e->row, q->row) || !has_word(e->theirs, q->theirs) ||
            !has_word(e->field, field) || !e->when->holds(q))
            continue;
        e->used++;
        return true;
    }
    return false;
}

unsigned capstone_list_report(const struct capstone_list *l, bool verbose)
{
    unsigned unused = 0;
    for (unsigned i = 0; i < l->entry_count; i++) {
        const struct entry *e = &l->entries[i];
        unused += e->used == 0;
        if (verbose)
            printf("%-32s %12" PRIu64 "\n", e->name, e->used);
        else if (e->used == 0)
            printf("capstone-differences: %s was never used\n", e->name);
    }
    return unused;
}
