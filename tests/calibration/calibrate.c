/* calibrate: the timing models against measured parts: every comparable line of the InstLatX86
 * dumps, then microbenchmarks of memory, walks and traps against published figures.
 *
 *   calibrate [--all | --summary] [PART...]
 *
 * prints the rows that miss with what is known of the reason (--all: every row; --summary: sums
 * only), sums by class, and the microbenchmarks. Exit 1 if a class is below its bar. Parts:
 * p5-p54c, k7-thunderbird, k7-palomino, k8-manchester; default: the first. */
#include "calibrate.h"

#include "sim/core/check.h"
#include "sim/report/cycles.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 9
#define ROWS_MAX 1280
#define LINE_MAX_BYTES 4096

struct measured_row {
    char *field[FIELDS]; /* INSTRUCTION ... REASON */
    double measured, simulated;
    int units, unroll;
    bool compared, hit;
    const char *stopped; /* why it could not be measured here, NULL if it was */
};

struct part {
    const char *name; /* of its table, too */
    const char *machine;
    double tolerance; /* clocks, or 5 % */
    double register_bar, memory_bar;
    bool (*memory)(const struct machine_config *machine);
};

static const struct part parts[] = {
    {"p5-p54c", "p166", 0.15, 0.95, 0.80, calibrate_memory_p5},
    {"k7-thunderbird", "k7-1400", 0.2, 0.88, 0.75, calibrate_memory_k7},
    {"k7-palomino", "k7-1400-palomino", 0.2, 0.88, 0.75, NULL},
    {"k8-manchester", "a64-2200", 0.2, 0.88, 0.75, calibrate_memory_k8},
};

enum { INSTRUCTION, KIND, CLOCKS, UNITS, UNROLL, SNIPPET, SETUP, CLASS, REASON };

/* --- reading the table ------------------------------------------------------------------------ */

/* Splits one CSV line in place; quotes protect commas and are doubled inside. */
static void split(char *line, char *field[FIELDS])
{
    char *from = line, *to = line;
    for (int i = 0; i < FIELDS; i++) {
        bool quoted = *from == '"';
        from += quoted;
        field[i] = to;
        for (;; from++) {
            if (quoted && from[0] == '"' && from[1] == '"')
                from++;
            else if (quoted && from[0] == '"')
                quoted = false, from++;
            if (*from == 0 || (!quoted && (*from == ',' || *from == '\n')))
                break;
            *to++ = *from;
        }
        char *next = *from ? from + 1 : from;
        *to++ = 0;
        from = next;
    }
}

static int read_rows(const char *path, struct measured_row *rows)
{
    char line[LINE_MAX_BYTES];
    int count = 0;
    bool head = true;
    FILE *f = fopen(path, "r");
    if (!f)
        usage_error("calibrate: cannot read %s", path);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#')
            continue;
        if (head) {
            head = false;
            continue;
        }
        CHECK(count < ROWS_MAX);
        struct measured_row *r = &rows[count++];
        split(strdup(line), r->field);
        r->measured = atof(r->field[CLOCKS]);
        r->units = atoi(r->field[UNITS]);
        r->unroll = atoi(r->field[UNROLL]);
        r->compared = strcmp(r->field[CLASS], "no") != 0;
    }
    fclose(f);
    return count;
}

/* --- measuring -------------------------------------------------------------------------------- */

static bool close_enough(double measured, double simulated, double tolerance)
{
    double error = fabs(simulated - measured);
    return error <= tolerance || error <= 0.05 * measured;
}

static void measure(struct measured_row *r, const struct part *part,
                    const struct machine_config *config, const struct assembly *code,
                    const struct assembly *setup)
{
    struct cycles_request q = {
        .config = config, .code = code, .setup = setup, .copies = (uint32_t)r->unroll};
    struct cycles_result result;
    cycles_measure(&q, &result);
    if (result.raised)
        r->stopped = result.vector == 6 ? "the part here has no such instruction" : "raised";
    r->simulated = (double)result.cycles / (double)result.copies / r->units;
    r->hit = !result.raised && close_enough(r->measured, r->simulated, part->tolerance);
    cycles_free(&result);
}

static void measure_all(struct measured_row *rows, int count, const struct part *part,
                        const struct machine_config *config)
{
    struct assembly *list = xalloc((size_t)count * 2, sizeof *list);
    for (int i = 0; i < count; i++) {
        list[2 * i].text = rows[i].compared ? rows[i].field[SNIPPET] : "";
        list[2 * i + 1].text = rows[i].compared ? rows[i].field[SETUP] : "";
    }
    assemble(list, (size_t)count * 2, CYCLES_SYMBOLS);
    for (int i = 0; i < count; i++)
        if (rows[i].compared)
            measure(&rows[i], part, config, &list[2 * i], &list[2 * i + 1]);
    for (int i = 0; i < 2 * count; i++)
        free(list[i].bytes);
    free(list);
}

/* --- printing --------------------------------------------------------------------------------- */

#define CODE_CACHE                                                                                 \
    "most likely the dump's loop exceeds the code cache: some 1930 copies take 1.0 here, too"

#define HALVES "a fraction of a clock that no rule here gives"
#define MODIFY "read-modify-writes follow each other at one rate, whatever their form and width"
#define STACK "half a clock between stack operations, and clocks of forwarding, without a rule"
#define LATE_HIGH "EDX comes later than EAX on the part; here with it"

/* Why rows miss, by the beginning of the instruction's name. */
static const struct {
    const char *begins, *reason;
} reasons[] = {
    {"MOV r32, imm32", CODE_CACHE},
    {"ADD r32, 0x", CODE_CACHE},
    {"FDIV80 (x/0.5l)", "which operands take 39 clocks instead of 41 is not known"},
    {"FSIN", "clocks by argument are not modelled: one number for all"},
    {"FCOS", "clocks by argument are not modelled: one number for all"},
    {"ADD [", MODIFY},
    {"PUSH", STACK},
    {"XCHG r1_", "one of the two results comes a clock earlier than the other"},
    {"XCHG", "a locked exchange is two clocks shorter than a locked addition"},
    {"LEA", HALVES},
    {"BT", HALVES},
    {"RCR", HALVES},
    {"BSR", HALVES},
    {"CVT", HALVES},
    {"SHUFPS", HALVES},
    {"MOVD mm", HALVES},
    {"MOVD r32", HALVES},
    {"PEXTRW", HALVES},
    {"PINSRW", HALVES},
    {"PMOVMSKB", HALVES},
    {"MOVMSKPS", HALVES},
    {"IMUL r16, r16, imm", HALVES},
    {"FADD st, st(i), FXCH", HALVES},
    {"IMUL r", LATE_HIGH},
    {"MUL r", LATE_HIGH},
    {"IDIV r8", "a clock less by operands: one number for all"},
    {"SCAS", "a mean that no rule here gives"},
    {"LOCK", "nineteen where throughput has eighteen: one number for both"},
    {"CMPXCHG8B", "the K7's microcode for it is not known"},
    {"CMPXCHG", "EAX is not waited for when the comparison holds"},
    {"MOVUP", "a misaligned 128-bit access is one of 16 bytes here, not two of 8"},
    {"MOVDQU", "a misaligned 128-bit access is one of 16 bytes here, not two of 8"},
    {"MOV", "128-bit loads and stores by halves are one access here"},
    {"PF2ID", "the Thunderbird's are a clock shorter; here as the Palomino's"},
    {"PF2IW", "the Thunderbird's are a clock shorter; here as the Palomino's"},
    {"PI2F", "the Thunderbird's are a clock shorter; here as the Palomino's"},
    {"PFCMP", "the Thunderbird's are two clocks longer; here as the Palomino's"},
    {"PFMAX", "the Thunderbird's are two clocks longer; here as the Palomino's"},
    {"PFMIN", "the Thunderbird's are two clocks longer; here as the Palomino's"},
    {"STMXCSR + LDMXCSR", "their microcode's dependency on each other is not known"},
};

static const char *reason_of(const struct measured_row *r)
{
    if (r->stopped)
        return r->stopped;
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
        if (strncmp(r->field[INSTRUCTION], reasons[i].begins, strlen(reasons[i].begins)) == 0)
            return reasons[i].reason;
    if (strstr(r->field[INSTRUCTION], "0x66 NOP"))
        return "more than six prefixes: decoded by no simple rule";
    return "not explained";
}

static void print_row(const struct measured_row *r)
{
    double error = r->measured ? 100 * (r->simulated / r->measured - 1) : 0;
    printf("%-28s %-10s %8.2f %8.2f %+7.1f %%  %-14s %s%s\n", r->field[INSTRUCTION],
           r->field[KIND], r->measured, r->simulated, error, r->field[CLASS],
           r->hit ? "ok" : "MISS: ", r->hit ? "" : reason_of(r));
}

static bool summary(const struct part *part, const struct measured_row *rows, int count,
                    const char *class, double bar)
{
    int hits = 0, all = 0;
    for (int i = 0; i < count; i++) {
        if (!rows[i].compared || strcmp(rows[i].field[CLASS], class) != 0)
            continue;
        all++;
        hits += rows[i].hit;
    }
    bool passed = hits >= bar * all;
    printf("%s: %s %d of %d within 5 %% or %.2f clock: %s\n", part->name, class, hits, all,
           part->tolerance, bar == 0 ? "no bar" : passed ? "passed" : "BELOW ITS BAR");
    return passed;
}

static void print_rows(const struct measured_row *rows, int count, bool all)
{
    printf("%-28s %-10s %8s %8s %9s  %-14s %s\n", "instruction", "kind", "measured", "here",
           "error", "class", "verdict");
    for (int i = 0; i < count; i++)
        if (rows[i].compared && (all || !rows[i].hit))
            print_row(&rows[i]);
}

static bool calibrate(const struct part *part, bool all, bool sums)
{
    char table[4096];
    snprintf(table, sizeof table, "%s/%s.csv", CALIBRATION_TABLES, part->name);
    struct measured_row *rows = xalloc(ROWS_MAX, sizeof *rows);
    struct machine_config *machine = machine_find(part->machine);
    int count = read_rows(table, rows);
    measure_all(rows, count, part, machine);
    if (!sums)
        print_rows(rows, count, all);
    bool passed = summary(part, rows, count, "register", part->register_bar);
    passed &= summary(part, rows, count, "memory", part->memory_bar);
    summary(part, rows, count, "transcendental", 0);
    if (part->memory)
        passed &= part->memory(machine);
    free(machine);
    for (int i = 0; i < count; i++)
        free(rows[i].field[INSTRUCTION]); /* the whole line */
    free(rows);
    return passed;
}

static const struct part *find_part(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    usage_error("calibrate %s: accepted are p5-p54c, k7-thunderbird, k7-palomino, k8-manchester",
                name);
}

int main(int argc, char **argv)
{
    bool all = false, sums = false, passed = true, named = false;
    for (int i = 1; i < argc; i++) {
        all |= strcmp(argv[i], "--all") == 0;
        sums |= strcmp(argv[i], "--summary") == 0;
    }
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0)
            continue;
        named = true;
        passed &= calibrate(find_part(argv[i]), all, sums);
    }
    if (!named)
        passed = calibrate(&parts[0], all, sums);
    puts(passed ? "\nevery bar passed" : "\na bar was missed");
    return passed ? EXIT_DONE : EXIT_GUEST_FAILED;
}
