#include "sim/machine/config.h"

#include "cpu/models/k7/k7.h"
#include "sim/core/check.h"
#include "sim/core/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 430FX board with 256 KB pipelined-burst L2, 64 MB 60 ns FPM, as S97 used it [S97 s5.1]. */
static const struct machine_config p133 = {
    .name = "p133",
    .text = "Pentium 133 (P54C), 430FX, 256 KB direct-mapped pipelined-burst L2, 64 MB FPM 60 ns "
            "[S97]",
    .model = "p5",
    .identity = &p5_identity,
    .models = {"flat", "p5"},
    .profile = &p5_geometry,
    .p5_profile = &p5_p133,
    .clock_num = 400000000,
    .clock_den = 3,
    .ram_bytes = 64u << 20,
    .rtc_start = 852076800, /* 1997-01-01 00:00:00 */
    .random_seed = 0x1997,
};

/* The machine behind the InstLatX86 dump of the P54C: board unknown, its memory fitted to the
 * dump. */
static const struct machine_config p166 = {
    .name = "p166",
    .text = "Pentium 166 (P54C), the part and board of the InstLatX86 dump 000052C [IL]",
    .model = "p5",
    .identity = &p5_identity,
    .models = {"flat", "p5"},
    .profile = &p5_geometry,
    .p5_profile = &p5_p166,
    .clock_num = 500000000,
    .clock_den = 3,
    .ram_bytes = 64u << 20,
    .rtc_start = 852076800,
    .random_seed = 0x1997,
};

/* No real part: the flat model with a family-6 identity with CMOV, for unmodified i686 kernels. */
static const struct machine_config i686 = {
    .name = "i686",
    .text = "flat model, family 6 with CMOV (no FXSR, SEP, MMX, PGE, MTRR): boots i686 kernels",
    .model = "flat",
    .identity = &p5_identity_family6,
    .models = {"flat", "p5"},
    .profile = &p5_geometry,
    .p5_profile = &p5_p133,
    .clock_num = 1000000000,
    .clock_den = 1,
    .ram_bytes = 256u << 20,
    .rtc_start = 852076800,
    .random_seed = 0x1997,
};

/* Athlon at 10.5 times 400/3 MHz, DDR-266 memory: the part of InstLatX86 dump 0000644; its board is
 * not named there. */
static const struct machine_config k7_1400 = {
    .name = "k7-1400",
    .text = "Athlon 1400 (Thunderbird), 256 KB exclusive L2, 266 MHz EV6 bus, 256 MB DDR-266 [IL]",
    .model = "k7",
    .identity = &k7_thunderbird,
    .models = {"flat", "k7"},
    .profile = &k7_thunderbird_geometry,
    .k7_profile = &k7_thunderbird_timing,
    .clock_num = 1400000000,
    .clock_den = 1,
    .apic_hz_num = 800000000, /* 266.67 MHz, both edges of the bus clock: from memory */
    .apic_hz_den = 3,
    .ram_bytes = 256u << 20,
    .rtc_start = 978307200, /* 2001-01-01 00:00:00 */
    .random_seed = 0x2001,
};

static const struct machine_config k7_1400_palomino = {
    .name = "k7-1400-palomino",
    .text = "Athlon XP 1600+ (Palomino, 1400 MHz), else as k7-1400 [IL]",
    .model = "k7",
    .identity = &k7_palomino,
    .models = {"flat", "k7"},
    .profile = &k7_palomino_geometry,
    .k7_profile = &k7_thunderbird_timing,
    .clock_num = 1400000000,
    .clock_den = 1,
    .apic_hz_num = 800000000,
    .apic_hz_den = 3,
    .ram_bytes = 256u << 20,
    .rtc_start = 978307200,
    .random_seed = 0x2001,
};

/* 11 times 200 MHz; the part of the study of 2007. InstLatX86 dump 0020FB1 is of a slower one. */
static const struct machine_config a64_2200 = {
    .name = "a64-2200",
    .text = "Athlon 64 X2 4200+ (Manchester), one core, legacy mode, 512 KB exclusive L2, 256 MB "
            "DDR-400 in two channels [IL]",
    .model = "k8",
    .identity = &k8_manchester,
    .models = {"flat", "k8"},
    .profile = &k8_manchester_geometry,
    .k7_profile = &k8_manchester_timing,
    .clock_num = 2200000000,
    .clock_den = 1,
    .apic_hz_num = 200000000, /* the reference clock: from memory */
    .apic_hz_den = 1,
    .ram_bytes = 256u << 20,
    .rtc_start = 1167609600, /* 2007-01-01 00:00:00 */
    .random_seed = 0x2007,
};

const struct machine_config *const machines[] = {
    &p133, &p166, &i686, &k7_1400, &k7_1400_palomino, &a64_2200, NULL};

NORETURN static void no_machine(const char *name)
{
    char list[200] = "";
    for (size_t i = 0, n = 0; machines[i]; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", machines[i]->name);
    usage_error("no machine '%s'; accepted are %s", name, list);
}

struct machine_config *machine_find(const char *name)
{
    for (unsigned i = 0; machines[i]; i++) {
        if (strcmp(machines[i]->name, name) != 0)
            continue;
        struct machine_config *m = xalloc(1, sizeof *m);
        *m = *machines[i];
        m->geometry = *m->profile;
        if (m->p5_profile)
            m->p5 = *m->p5_profile;
        if (m->k7_profile)
            m->k7 = *m->k7_profile;
        return m;
    }
    no_machine(name);
}

void machine_check_model(const struct machine_config *m, const char *model)
{
    char list[100] = "";
    size_t n = 0;
    for (unsigned i = 0; m->models[i]; i++) {
        if (strcmp(m->models[i], model) == 0)
            return;
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? " and " : "", m->models[i]);
    }
    usage_error("--model %s: accepted %s %s on %s", model, m->models[1] ? "are" : "is", list,
                m->name);
}

/* --- the keys of --set ------------------------------------------------------------------------ */

enum kind { KIND_U32, KIND_I64, KIND_U64, KIND_BYTES };

struct key {
    const char *name;
    size_t offset;
    enum kind kind;
    uint64_t least, most;
    const char *text;
    uint8_t part; /* which machines have it */
};

enum { PART_ANY, PART_PENTIUM, PART_ATHLON, PART_ATHLON_64 };

#define KEY(name, field, kind, least, most, text)                                                  \
    {name, offsetof(struct machine_config, field), kind, least, most, text, PART_ANY}
#define P5_KEY(name, field, least, most, text)                                                     \
    {name, offsetof(struct machine_config, p5.field), KIND_U32, least, most, text, PART_PENTIUM}
#define K7_KEY(name, field, most, text)                                                            \
    {name, offsetof(struct machine_config, geometry.field), KIND_U32, 1, most, text, PART_ATHLON}
#define K7_TIME(name, field, least, most, text)                                                    \
    {name, offsetof(struct machine_config, k7.field), KIND_U32, least, most, text, PART_ATHLON}
#define BUS(field, text) P5_KEY("bus." #field, bus.field, 1, 1000, text)

static const struct key keys[] = {
    KEY("clock.hz_num", clock_num, KIND_U64, 1, 100000000000, "processor clock, numerator in Hz"),
    KEY("clock.hz_den", clock_den, KIND_U64, 1, 1000000, "processor clock, denominator"),
    KEY("ram", ram_bytes, KIND_BYTES, 1u << 20, 3u << 30, "memory (K, M, G)"),
    KEY("rtc.start", rtc_start, KIND_I64, 0, 4102444799, "date of the start, seconds since 1970"),
    KEY("seed", random_seed, KIND_U64, 0, UINT64_MAX, "random seed handed to Linux"),
    KEY("modules.skip", modules_skip, KIND_U32, 0, 4096,
        "pages left free below Multiboot modules: other page colours for all behind"),
    KEY("ram.kept", ram_kept, KIND_U32, 0, 1023,
        "pages that the memory map leaves out at its top: other colours for what is taken there"),
    KEY("itlb.entries", geometry.itlb.entries, KIND_U32, 1, TLB_ENTRIES_MAX, "ITLB entries"),
    KEY("itlb.ways", geometry.itlb.ways, KIND_U32, 1, 64, "ITLB ways"),
    KEY("dtlb.entries", geometry.dtlb.entries, KIND_U32, 1, TLB_ENTRIES_MAX, "DTLB entries, 4 KB"),
    KEY("dtlb.ways", geometry.dtlb.ways, KIND_U32, 1, 64, "DTLB ways, 4 KB"),
    KEY("dtlb_large.entries", geometry.dtlb_large.entries, KIND_U32, 1, 64, "DTLB entries, 4 MB"),
    KEY("dtlb_large.ways", geometry.dtlb_large.ways, KIND_U32, 1, 8, "DTLB ways, 4 MB"),
    KEY("l1i.size", geometry.l1i.size_bytes, KIND_BYTES, 1024, 1 << 20, "L1 code cache bytes"),
    KEY("l1i.ways", geometry.l1i.ways, KIND_U32, 1, 8, "L1 code cache ways"),
    KEY("l1d.size", geometry.l1d.size_bytes, KIND_BYTES, 1024, 1 << 20, "L1 data cache bytes"),
    KEY("l1d.ways", geometry.l1d.ways, KIND_U32, 1, 8, "L1 data cache ways"),
    KEY("l2.size", geometry.l2.size_bytes, KIND_BYTES, 0, 16 << 20,
        "second-level cache bytes; on a Pentium's board 0: none"),
    KEY("l2.ways", geometry.l2.ways, KIND_U32, 1, 16, "second-level cache ways"),
    KEY("dram.row", geometry.dram.row_bytes, KIND_BYTES, 512, 65536, "open page bytes"),
    KEY("dram.banks", geometry.dram.banks, KIND_U32, 1, 16, "independently open pages"),
    K7_KEY("itlb_large.entries", itlb_large.entries, 64, "ITLB entries, large pages"),
    K7_KEY("itlb_large.ways", itlb_large.ways, 64, "ITLB ways, large pages"),
    K7_KEY("itlb2.entries", itlb2.entries, TLB_ENTRIES_MAX, "second-level ITLB entries"),
    K7_KEY("itlb2.ways", itlb2.ways, 8, "second-level ITLB ways"),
    K7_KEY("dtlb2.entries", dtlb2.entries, TLB_ENTRIES_MAX, "second-level DTLB entries"),
    K7_KEY("dtlb2.ways", dtlb2.ways, 8, "second-level DTLB ways"),
    K7_KEY("directories", directory_entries, DIRECTORY_ENTRIES_MAX, "page directory entries kept"),
    K7_TIME("lane.entries", lane_entries, 4, 8, "entries of an integer scheduler"),
    K7_TIME("mispredict", mispredict, 1, 1000, "from a mispredicted branch to what follows"),
    K7_TIME("l2.latency", l2_latency, 1, 1000, "L2, load to use"),
    K7_TIME("l2.line", l2_line, 1, 1000, "how long L2 gives a line"),
    K7_TIME("l2.victim", l2_victim, 1, 1000, "how long L2 takes in a line of the victim buffer"),
    K7_TIME("combine.buffers", combine_buffers, 1, 4, "lines of writes combined at a time"),
    K7_TIME("victims", victims, 1, 64, "lines of the victim buffer"),
    K7_TIME("itlb2.latency", itlb2, 0, 1000, "an ITLB miss that the second level serves"),
    K7_TIME("dtlb2.latency", dtlb2, 0, 1000, "a DTLB miss that the second level serves"),
    K7_TIME("walk.code", walk_code, 0, 1000, "page walker's own cycles, for code"),
    K7_TIME("walk.data", walk_data, 0, 1000, "page walker's own cycles, for data"),
    K7_TIME("walk.update", walk_update, 0, 1000, "a locked update of A or D"),
    K7_TIME("locked", locked, 0, 1000, "a locked operation in the L1D"),
    K7_TIME("dram.hit_ps", dram_hit_ps, 1, 10000000, "DRAM to the critical word, row open, ps"),
    K7_TIME("dram.row_ps", dram_row_ps, 1, 10000000, "DRAM, no row open, ps"),
    K7_TIME("dram.miss_ps", dram_miss_ps, 1, 10000000, "DRAM, another row open, ps"),
    K7_TIME("dram.line_ps", dram_line_ps, 1, 10000000, "a line on the memory bus, ps"),
    K7_TIME("device_ps", device_ps, 1, 100000000, "an uncached access to a device, ps"),
    K7_TIME("io_ps", io_ps, 1, 100000000, "a port access, ps"),
    K7_TIME("inta_ps", inta_ps, 1, 100000000, "the interrupt acknowledge cycles, ps"),
    {"flush_filter", offsetof(struct machine_config, geometry.flush_filter), KIND_U32, 0, 1,
     "1: TLB entries survive a write to CR3 if no table was written", PART_ATHLON_64},
    {"apic", offsetof(struct machine_config, apic), KIND_U32, 0, 1,
     "1: the local APIC is enabled, with its timer", PART_ATHLON},
    P5_KEY("walk", walk_cycles, 0, 1000, "page walker's own cycles"),
    BUS(core_num, "processor cycles per bus clock, numerator"),
    BUS(core_den, "processor cycles per bus clock, denominator"),
    BUS(l2_read_lead, "L2 read, bus clocks to the critical 8 bytes"),
    BUS(l2_read_burst, "L2 read, each further 8 bytes"),
    BUS(l2_write_lead, "L2 write-back, first 8 bytes"),
    BUS(l2_write_burst, "L2 write-back, each further 8 bytes"),
    BUS(dram_hit_lead, "DRAM read, row open"),
    BUS(dram_row_lead, "DRAM read, no row open"),
    BUS(dram_miss_lead, "DRAM read, another row open"),
    BUS(dram_burst, "DRAM read, each further 8 bytes"),
    BUS(dram_write_lead, "DRAM write-back, first 8 bytes"),
    BUS(dram_write_burst, "DRAM write-back, each further 8 bytes"),
    BUS(single_write, "one posted write"),
    BUS(locked_read, "locked read"),
    BUS(locked_write, "locked write"),
    BUS(io_cycle, "port access on the processor's bus"),
    BUS(interrupt_acknowledge, "INTA pair on the processor's bus"),
    P5_KEY("bus.isa_8bit_ns", bus.isa_8bit_ns, 0, 100000, "8-bit ISA access, ns"),
    P5_KEY("bus.isa_inta_ns", bus.isa_inta_ns, 0, 100000, "INTA behind ISA, ns"),
};

static bool has_key(const struct machine_config *m, const struct key *k)
{
    switch (k->part) {
    case PART_PENTIUM: return m->p5_profile;
    case PART_ATHLON: return m->profile->l2_exclusive;
    case PART_ATHLON_64: return m->profile->flush_filter;
    default: return true;
    }
}

static bool parse_number(const char *text, bool bytes, uint64_t *value)
{
    static const char letters[] = "kKmMgG";
    char digits[32];
    size_t n = strlen(text);
    const char *letter = bytes && n ? strchr(letters, text[n - 1]) : NULL;
    unsigned shift = letter ? 10 * (unsigned)((letter - letters) / 2 + 1) : 0;
    n -= letter != NULL;
    if ((size_t)snprintf(digits, sizeof digits, "%.*s", (int)n, text) >= sizeof digits ||
        !number_parse(digits, 0, UINT64_MAX >> shift, value))
        return false;
    *value <<= shift;
    return true;
}

static uint64_t load(const struct machine_config *m, const struct key *k)
{
    const char *p = (const char *)m + k->offset;
    if (k->kind == KIND_U64 || k->kind == KIND_I64) {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void store(struct machine_config *m, const struct key *k, uint64_t value)
{
    char *p = (char *)m + k->offset;
    uint32_t narrow = (uint32_t)value;
    if (k->kind == KIND_U64 || k->kind == KIND_I64)
        memcpy(p, &value, sizeof value);
    else
        memcpy(p, &narrow, sizeof narrow);
}

void machine_set(struct machine_config *m, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    size_t n = equals ? (size_t)(equals - assignment) : 0;
    if (!equals)
        usage_error("--set %s: expected KEY=VALUE, for example --set l1d.ways=4", assignment);
    for (unsigned i = 0; i < ARRAY_COUNT(keys); i++) {
        const struct key *k = &keys[i];
        uint64_t value;
        if (strlen(k->name) != n || strncmp(k->name, assignment, n) != 0 || !has_key(m, k))
            continue;
        if (!parse_number(equals + 1, k->kind == KIND_BYTES, &value))
            usage_error("--set %s: '%s' is not a number", k->name, equals + 1);
        if (value < k->least || value > k->most)
            usage_error("--set %s=%s: accepted is %" PRIu64 " to %" PRIu64 " (%s)", k->name,
                        equals + 1, k->least, k->most, k->text);
        store(m, k, value);
        return;
    }
    usage_error("--set %.*s: no such key; `isochron machines %s` lists them", (int)n, assignment,
                m->name);
}

static bool power_of_two(uint64_t v) { return v && (v & (v - 1)) == 0; }

static void check_tlb(const char *name, struct tlb_geometry g)
{
    if (g.ways == g.entries) /* fully associative */
        return;
    if (g.entries % g.ways || !power_of_two(g.entries / g.ways))
        usage_error("%s: %u entries in %u ways make no power of two of sets", name, g.entries,
                    g.ways);
    if (!power_of_two(g.ways) || g.ways > 8)
        usage_error("%s.ways=%u: accepted are 1, 2, 4, 8 and all %u", name, g.ways, g.entries);
}

static void check_cache(const char *name, struct cache_geometry g)
{
    if (g.size_bytes == 0)
        return;
    uint32_t way = g.line_bytes * g.ways;
    if (g.size_bytes % way || !power_of_two(g.size_bytes / way))
        usage_error("%s: %u bytes in %u ways of %u-byte lines make no power of two of sets", name,
                    g.size_bytes, g.ways, g.line_bytes);
    if (!power_of_two(g.ways))
        usage_error("%s.ways=%u: accepted are powers of two", name, g.ways);
}

void machine_check(const struct machine_config *m)
{
    check_tlb("itlb", m->geometry.itlb);
    check_tlb("dtlb", m->geometry.dtlb);
    check_tlb("dtlb_large", m->geometry.dtlb_large);
    if (m->profile->l2_exclusive) {
        check_tlb("itlb_large", m->geometry.itlb_large);
        check_tlb("itlb2", m->geometry.itlb2);
        check_tlb("dtlb2", m->geometry.dtlb2);
    }
    check_cache("l1i", m->geometry.l1i);
    check_cache("l1d", m->geometry.l1d);
    check_cache("l2", m->geometry.l2);
    if (m->profile->l2_exclusive && !m->geometry.l2.size_bytes)
        usage_error("l2.size=0: %s keeps in L2 what leaves the first level; accepted is at least "
                    "one set", m->name);
    if (!power_of_two(m->geometry.dram.row_bytes) || !power_of_two(m->geometry.dram.banks))
        usage_error("dram.row=%u and dram.banks=%u: both must be powers of two",
                    m->geometry.dram.row_bytes, m->geometry.dram.banks);
    if (m->ram_bytes & 0xFFFFF)
        usage_error("-m: %u bytes is no whole number of megabytes", m->ram_bytes);
    if (m->ram_kept && m->ram_bytes < 8u << 20)
        usage_error("ram.kept=%u: accepted is a memory of 8 MB or more, this one has %u",
                    m->ram_kept, m->ram_bytes >> 20);
}

void machine_print(const struct machine_config *m)
{
    printf("%s: %s\n", m->name, m->text);
    printf("  %-24s %s\n", "model", m->model);
    printf("  %-24s %s\n", "part", m->identity->part);
    printf("  %-24s %.3f MHz (%" PRIu64 "/%" PRIu64 " Hz)\n", "clock",
           (double)m->clock_num / (double)m->clock_den / 1e6, m->clock_num, m->clock_den);
    for (unsigned i = 0; i < ARRAY_COUNT(keys); i++)
        if (has_key(m, &keys[i]))
            printf("  %-24s %-12" PRIu64 " %s\n", keys[i].name, load(m, &keys[i]), keys[i].text);
}
