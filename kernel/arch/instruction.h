/* instruction.h: just enough decoding to pass over an instruction that faulted: loads of segment
 * registers, RDMSR, WRMSR. */
#pragma once

#include "api/space.h"

struct instruction {
    word_t opcode; /* 0x0Fxx for two bytes */
    word_t length;
    bool loads_segment;
    word_t pops; /* bytes that it would have taken from the stack */
};

/* False: not readable, or none of these. */
bool instruction_read(struct space *s, vaddr_t eip, struct instruction *i);
