#include "sim/commands/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double progress_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void progress_start(struct progress *p, bool quiet, uint64_t limit_cycles)
{
    memset(p, 0, sizeof *p);
    p->on = !quiet && isatty(STDERR_FILENO);
    p->limit = limit_cycles;
    p->start = p->last = progress_seconds();
}

void progress_show(struct progress *p, cycle_t now, uint64_t instructions)
{
    if (!p->on)
        return;
    double t = progress_seconds();
    if (t - p->last < 0.5)
        return;
    double mips = (double)(instructions - p->last_instructions) / (t - p->last) / 1e6;
    fprintf(stderr, "\r\033[K[%" PRIu64 " M cycles, %.1f MIPS", now / 1000000, mips);
    if (p->limit > now && now > 0)
        fprintf(stderr, ", %.0f s left", (t - p->start) * (double)(p->limit - now) / (double)now);
    fprintf(stderr, "]");
    fflush(stderr);
    p->shown = true;
    p->last = t;
    p->last_instructions = instructions;
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\033[K");
}
