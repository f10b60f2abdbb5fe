/* simulated: the simulator's processor in the same surroundings as silicon.h gives the host's:
 * the same windows at the same linear addresses, flat and local segments with the same
 * selectors, privilege 3. No board: a processor, its MMU and 1 MB of memory.
 *
 * Every case ends in an exception. It is delivered for real, through an IDT gate to privilege
 * 0, and the state is taken from the frame on the inner stack, as the host's kernel does. */
#pragma once

#include "cpu/cpu.h"
#include "tests/isa/silicon.h"

struct simulated;

/* Where the simulator's own tables lie, present but not for user mode; on the host nothing is
 * here. */
#define SIMULATED_TABLES 0xD5540000u
#define SIMULATED_TABLES_SIZE 0x5000u

/* The part that user-level code is compared on: everything the rows have that the host has too. */
extern const struct identity isa_identity;

struct simulated *simulated_new(struct isa_memory *memory);
void simulated_free(struct simulated *s);
/* Its processor, for a test that wants another model or other blocks. */
struct cpu *simulated_cpu(struct simulated *s);

/* A new case begins: what isa_state does not hold (the x87 pointers) is as after reset. */
void simulated_begin(struct simulated *s);

/* Tells that the windows' contents were changed from outside. */
void simulated_memory_changed(struct simulated *s);

void simulated_run(struct simulated *s, const struct isa_state *in, struct isa_outcome *out);

/* Decodes the instruction at linear address la in the mode of a code selector; NULL if there are no
 * bytes to decode. The result lives until the next call. */
const struct op *simulated_decode(struct simulated *s, uint32_t la, uint16_t code_selector);
