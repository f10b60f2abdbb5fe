#include "sim/commands/reproduce_progress.h"

#include "sim/commands/progress.h"
#include "sim/core/types.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A cell of lat_ctx takes as long as so many KB, and its processes', are walked through; the others
 * are fitted to that: what they took on both machines. */
#define CELL_KILOBYTES 16
#define PROGRAM_WORK 2000
#define PROGRAM_LINES 8 /* about */
#define MEASURE_WORK 16000
#define MEASURE_LINE 10
#define MEASURE_MATRIX 6000 /* each of two, beside a neighbour */

static uint64_t cell_work(unsigned processes, unsigned kilobytes)
{
    return (uint64_t)processes * (kilobytes + CELL_KILOBYTES);
}

uint64_t reproduce_work(const struct reproduce_job *job)
{
    uint64_t work = 0;
    if (job->row->stack == STACK_MEASURE)
        return MEASURE_WORK;
    for (unsigned i = 0; i < job->programs; i++)
        work += strcmp(job->program[i], "lat_ctx") == 0 ? 0 : PROGRAM_WORK;
    for (unsigned p = 0; p < job->process_counts; p++)
        for (unsigned k = 0; k < job->kilobyte_counts; k++)
            work += cell_work(job->processes[p], job->kilobytes[k]);
    return work;
}

static bool is_matrix(const char *line)
{
    unsigned colours;
    int end = 0;
    return sscanf(line, "measure: matrix colours=%u neighbour=yes%n", &colours, &end) == 1 && end;
}

/* The units of a line, as far as it can tell: a program's lines are units of it until it ends. */
static uint64_t line_work(const char *line, uint64_t *program)
{
    unsigned processes, kilobytes;
    uint64_t left = *program;
    if (strncmp(line, "measure: ", 9) == 0)
        return is_matrix(line) ? MEASURE_MATRIX : MEASURE_LINE;
    if (sscanf(line, "bench: ctx processes=%u kb=%u", &processes, &kilobytes) == 2 ||
        sscanf(line, "bench: skipped ctx processes=%u kb=%u", &processes, &kilobytes) == 2)
        return cell_work(processes, kilobytes);
    if (strncmp(line, "bench: begin ", 13) == 0) {
        *program = strncmp(line + 13, "lat_ctx", 7) == 0 ? 0 : PROGRAM_WORK;
        return 0;
    }
    if (strncmp(line, "bench: ", 7) != 0)
        return 0;
    uint64_t work = strncmp(line + 7, "end ", 4) == 0 ? left : PROGRAM_WORK / PROGRAM_LINES;
    work = work < left ? work : left;
    *program -= work;
    return work;
}

static uint64_t work_of(const char *serial, uint64_t limit)
{
    uint64_t work = 0, program = 0;
    for (const char *line = serial; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        work += line_work(line, &program);
        if (!*line)
            break;
    }
    return work < limit ? work : limit;
}

void reproduce_progress_start(struct reproduce_progress *p, bool quiet,
                              const struct reproduce_job *jobs, unsigned count)
{
    memset(p, 0, sizeof *p);
    p->on = !quiet && isatty(STDERR_FILENO);
    p->jobs = count;
    p->job = 1;
    p->start = progress_seconds();
    for (unsigned i = 0; i < count; i++)
        p->total += reproduce_work(&jobs[i]);
}

void reproduce_progress_show(struct reproduce_progress *p, const struct reproduce_job *job,
                             const char *serial)
{
    if (!p->on)
        return;
    p->here = work_of(serial, reproduce_work(job));
    uint64_t done = p->done + p->here;
    double passed = progress_seconds() - p->start;
    double left = done ? passed * (double)(p->total - done) / (double)done : 0;
    fprintf(stderr, "\r\033[K[%u of %u: %s on %s, %" PRIu64 " %%", p->job, p->jobs,
            job->row->title, job->machine, p->total ? done * 100 / p->total : 100);
    if (done && left < 100)
        fprintf(stderr, ", about %.0f s left", left);
    else if (done)
        fprintf(stderr, ", about %.0f min left", left / 60);
    fputc(']', stderr);
    fflush(stderr);
}

void reproduce_progress_next(struct reproduce_progress *p, const struct reproduce_job *job)
{
    p->done += reproduce_work(job);
    p->job++;
    if (p->on)
        fputs("\r\033[K", stderr);
}
