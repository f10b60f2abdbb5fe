// compute [ITERATIONS]: integer work and memory accesses that depend on nothing but ITERATIONS
// (1000 unless said) and make no system call between the start and the printed checksum. One
// iteration is some 600 instructions: a sweep over a 16 KB table, then multiplications, divisions
// and data-dependent branches on values read from random places of a 256 KB one.
#include "sys.h"

enum { NEAR_WORDS = 4096, FAR_WORDS = 65536 };

static unsigned near_words[NEAR_WORDS], far_words[FAR_WORDS];

static unsigned next_random(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

int start(int argc, char **argv)
{
    unsigned iterations = number_or(argc > 1 ? argv[1] : 0, 1000);
    unsigned state = 2463534242u, sum = 0;
    struct line line = {0};

    for (unsigned i = 0; i < FAR_WORDS; i++)
        far_words[i] = next_random(&state);
    for (unsigned i = 0; i < iterations; i++) {
        for (unsigned j = 0; j < 64; j++) {
            unsigned *word = &near_words[(i * 64 + j) % NEAR_WORDS];
            *word = *word * 5 + sum + j;
            sum += *word;
        }
        for (unsigned j = 0; j < 4; j++) {
            unsigned random = next_random(&state), value = far_words[random % FAR_WORDS];
            if (value & 1)
                sum ^= value * 2654435761u;
            else
                sum += value / (random % 1000 + 1);
            far_words[(random >> 16) % FAR_WORDS] = sum;
        }
    }
    line_text(&line, "compute: ");
    line_number(&line, iterations);
    line_text(&line, " iterations, checksum ");
    line_hex(&line, sum);
    line_write(&line);
    return 0;
}
