/* compare: one case on both processors, and if they end differently, one instruction at a time from
 * the same state, so that undefined flags and results cannot travel: after each instruction both go
 * on from the host's state. An INT3 behind the instruction stops both, or TF where it is not known
 * where the instruction goes (the host takes ten times as long for that trap). */
#pragma once

#include "tests/isa/differences.h"
#include "tests/isa/random_case.h"
#include "tests/isa/simulated.h"

struct isa_comparison {
    struct isa_generator *generator;
    struct simulated *simulated;
    struct isa_differences *differences;
    struct isa_memory real, virtual; /* the windows of the host's processor, of the simulator's */
    bool own_trap;    /* the instruction last looked at traps by itself: it ends the case */
    uint64_t stepped; /* cases that needed a second look */
    uint64_t skipped; /* endless on both, strayed out of 32-bit code, or stepped out of CS */
};

enum isa_verdict { ISA_SAME, ISA_EXPLAINED, ISA_SKIPPED, ISA_DIFFERENT };

/* report: on ISA_DIFFERENT print the instruction and every differing field. */
enum isa_verdict isa_compare_case(struct isa_comparison *c, const struct isa_case *k, bool report);
