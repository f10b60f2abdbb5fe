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

void progress_start(struct progress *p, bool quiet, cycle_t now, cycle_t limit)
{
    memset(p, 0, sizeof *p);
    p->on = !quiet && isatty(STDERR_FILENO);
    p->begin = now;
    p->limit = limit == UINT64_MAX ? 0 : limit;
    p->start = p->last = progress_seconds();
}

void progress_show(struct progress *p, cycle_t now, uint64_t instructions)
{
    if (!p->on || p->away)
        return;
    double t = progress_seconds();
    if (t - p->last < 0.5)
        return;
    if (now < p->begin || instructions < p->last_instructions) { /* it went back */
        p->begin = now;
        p->start = p->last = t;
        p->last_instructions = instructions;
        return;
    }
    double mips = (double)(instructions - p->last_instructions) / (t - p->last) / 1e6;
    fprintf(stderr, "\r\033[K[%" PRIu64 " M cycles, %.1f MIPS", now / 1000000, mips);
    if (p->limit > now && now > p->begin)
        fprintf(stderr, ", %.0f s left",
                (t - p->start) * (double)(p->limit - now) / (double)(now - p->begin));
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
    p->shown = false;
}
