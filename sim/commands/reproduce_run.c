#include "sim/commands/reproduce_progress.h"

#include "sim/core/check.h"
#include "sim/report/guest_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX 40
#define SHOWN_MS 1000
#define CYCLES_MAX "60G"
#define PHASE_PROGRAM "getpid_loop" /* one of its calls is looked at by instruction */
#define PHASE_CALLS 200
#define PHASE_CALL "#median" /* no cold one, and none with a tick in it */

/* Stacks and mappings where chance puts them cost now more, now less, as cache lines collide.
 * Linux of the time put them at fixed addresses. */
#define NO_CHANCE " norandmaps"

struct command {
    const char *argument[ARGUMENTS_MAX];
    unsigned count;
};

/* A folder for what a run writes, gone when it is over. */
struct scratch {
    char folder[64], typed[96], serial[96], window[96], log[96];
};

/* What is shown of a job while it goes on. */
struct shown {
    struct reproduce_progress *progress;
    const struct reproduce_job *job;
    const char *serial;
};

static void add(struct command *c, const char *argument)
{
    CHECK(c->count < ARGUMENTS_MAX - 1);
    c->argument[c->count++] = argument;
}

PRINTF(1, 2) static char *format(const char *fmt, ...)
{
    char text[8192];
    va_list list;
    va_start(list, fmt);
    int n = vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    CHECK(n >= 0 && n < (int)sizeof text);
    char *copy = xalloc((size_t)n + 1, 1);
    return strcpy(copy, text);
}

/* --- processes -------------------------------------------------------------------------------- */

static char *read_from(int file)
{
    size_t size = 0, capacity = 1 << 16;
    char *text = xalloc(capacity, 1);
    for (ssize_t n; (n = read(file, text + size, capacity - size - 1)) != 0;) {
        CHECK(n > 0 || errno == EINTR);
        size += n > 0 ? (size_t)n : 0;
        if (size + 1 < capacity)
            continue;
        capacity *= 2;
        text = realloc(text, capacity);
        CHECK(text != NULL);
    }
    text[size] = 0;
    return text;
}

static char *read_path(const char *path)
{
    int file = open(path, O_RDONLY);
    if (file < 0)
        usage_error("reproduce: %s: %s", path, strerror(errno));
    char *text = read_from(file);
    close(file);
    return text;
}

static void be_child(const struct command *c, int out, const char *log)
{
    int null = open("/dev/null", O_RDONLY);
    int error = log ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0600) : STDERR_FILENO;
    if (null < 0 || error < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(error, STDERR_FILENO) < 0)
        _exit(127);
    execv(c->argument[0], (char *const *)(uintptr_t)c->argument);
    _exit(127);
}

/* Waits until something can be read or the other end is gone, and shows meanwhile how far the job
 * is. */
static void wait_for(int file, const struct shown *shown)
{
    struct pollfd ready = {.fd = file, .events = POLLIN};
    while (shown && poll(&ready, 1, SHOWN_MS) == 0) {
        char *serial = read_path(shown->serial);
        reproduce_progress_show(shown->progress, shown->job, serial);
        free(serial);
    }
}

/* What it wrote on its standard output, for the caller to free, and its exit code. log: where its
 * errors go, NULL: to ours. shown: or NULL. */
static char *capture(const struct command *c, const char *log, const struct shown *shown, int *code)
{
    int ends[2], status;
    if (pipe(ends) != 0)
        usage_error("reproduce: no pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        usage_error("reproduce: no process: %s", strerror(errno));
    if (child == 0) {
        close(ends[0]);
        be_child(c, ends[1], log);
    }
    close(ends[1]);
    wait_for(ends[0], shown);
    char *text = read_from(ends[0]);
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0)
        CHECK(errno == EINTR);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return text;
}

/* --- where things are ------------------------------------------------------------------------- */

/* The nearest folder from `from` upwards that has guests/images. */
static bool find_above(const char *from, char images[4096])
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", from);
    for (char *slash; (slash = strrchr(folder, '/')); *slash = 0) {
        if ((size_t)snprintf(images, 4096, "%s/guests/images", folder) < 4096 &&
            access(images, X_OK) == 0)
            return true;
    }
    return false;
}

void reproduce_place(struct reproduce_place *p, const char *guests)
{
    char here[4096] = "";
    ssize_t n = readlink("/proc/self/exe", p->command, sizeof p->command - 1);
    if (n <= 0)
        usage_error("reproduce: where the command is cannot be told: %s", strerror(errno));
    p->command[n] = 0;
    strcpy(p->build, p->command);
    *strrchr(p->build, '/') = 0;
    if (guests)
        snprintf(p->images, sizeof p->images, "%s/images", guests);
    else if (!find_above(p->build, p->images) &&
             !(getcwd(here, sizeof here) && find_above(here, p->images)))
        *p->images = 0;
}

/* What guests/images prints for these arguments, without the end of the line. */
static char *ask_images(const struct reproduce_place *p, const char *a, const char *b,
                        const char *c)
{
    int code;
    if (!*p->images || access(p->images, X_OK) != 0)
        usage_error("reproduce: %s: the guests' images are built by guests/images of the source "
                    "tree; --guests names its folder", *p->images ? p->images : "guests/images");
    struct command command = {{p->images, a, b, c}, 4};
    char *text = capture(&command, NULL, NULL, &code);
    text[strcspn(text, "\n")] = 0;
    if (code != 0 || !*text)
        usage_error("reproduce: `guests/images %s` ended with code %d and what is above; without "
                    "that image there is nothing to measure", a, code);
    return text;
}

/* The path of an image. */
static char *image(const struct reproduce_place *p, const char *name)
{
    char *line = ask_images(p, name, NULL, NULL), *blank = strchr(line, ' ');
    if (!blank || blank[1] != '/')
        usage_error("reproduce: `guests/images %s` printed '%s'; expected NAME PATH", name, line);
    char *path = format("%s", blank + 1);
    free(line);
    return path;
}

static char *l4_image(const struct reproduce_place *p, const char *name)
{
    char *path = format("%s/l4/%s", p->build, name);
    if (access(path, R_OK) != 0)
        usage_error("reproduce: %s: %s; the build makes it", path, strerror(errno));
    return path;
}

/* --- one run ---------------------------------------------------------------------------------- */

static void scratch_begin(struct scratch *s)
{
    const char *where = getenv("TMPDIR");
    snprintf(s->folder, sizeof s->folder, "%.40s/isochron-XXXXXX", where ? where : "/tmp");
    if (!mkdtemp(s->folder))
        usage_error("reproduce: %s: %s", s->folder, strerror(errno));
    snprintf(s->typed, sizeof s->typed, "%s/typed", s->folder);
    snprintf(s->serial, sizeof s->serial, "%s/serial", s->folder);
    snprintf(s->window, sizeof s->window, "%s/window", s->folder);
    snprintf(s->log, sizeof s->log, "%s/log", s->folder);
}

static void scratch_end(const struct scratch *s)
{
    const char *const files[] = {s->typed, s->serial, s->window, s->log};
    for (unsigned i = 0; i < ARRAY_COUNT(files); i++)
        unlink(files[i]);
    rmdir(s->folder);
}

static void put_list(const unsigned *list, unsigned count, FILE *f)
{
    for (unsigned i = 0; i < count; i++)
        fprintf(f, "%s%u", i ? "," : " ", list[i]);
}

static bool wants(const struct reproduce_job *job, const char *program)
{
    for (unsigned i = 0; i < job->programs; i++)
        if (strcmp(job->program[i], program) == 0)
            return true;
    return false;
}

/* What is typed at the shell, the program of the phases first. The last line's answer is not in its
 * echo: the run ends by it. */
static void write_typed(const struct reproduce_job *job, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f)
        usage_error("reproduce: %s: %s", path, strerror(errno));
    fputs("wait \"isochron: shell\"\n", f);
    if (wants(job, PHASE_PROGRAM))
        fprintf(f, "wait \"# \"\nsend \"" PHASE_PROGRAM " %d%s\\n\"\n", PHASE_CALLS,
                job->row->library ? " library" : "");
    if (job->row->library)
        fputs("wait \"# \"\nsend \"export SYSCALLS=library\\n\"\n", f);
    for (unsigned i = 0; i < job->programs; i++) {
        if (strcmp(job->program[i], PHASE_PROGRAM) == 0)
            continue;
        fprintf(f, "wait \"# \"\nsend \"%s", job->program[i]);
        if (strcmp(job->program[i], "lat_ctx") == 0) {
            put_list(job->processes, job->process_counts, f);
            put_list(job->kilobytes, job->kilobyte_counts, f);
        }
        fputs("\\n\"\n", f);
    }
    fputs("wait \"# \"\nsend \"echo all$((0)) is measured\\n\"\n", f);
    bool bad = ferror(f);
    if (fclose(f) != 0 || bad)
        usage_error("reproduce: %s: %s", path, strerror(errno));
}

/* What the run will write exists from the beginning. */
static void write_empty(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    if (file < 0)
        usage_error("reproduce: %s: %s", path, strerror(errno));
    close(file);
}

static void add_images(struct command *c, const char *kernel, const char *modules,
                       const char *append)
{
    add(c, "-kernel");
    add(c, kernel);
    add(c, "-initrd");
    add(c, modules);
    add(c, "-append");
    add(c, append);
}

/* A small space still has the server's memory where the kernel is told root=low. */
static void add_stack(const struct reproduce_place *p, const struct reproduce_row *row,
                      unsigned khz, struct command *c)
{
    const char *initrd = image(p, "initrd-bench"), *server;
    bool small = row->options && strstr(row->options, "space=small");
    if (row->stack == STACK_NATIVE) {
        add_images(c, image(p, "vmlinux"), initrd,
                   format("%s" NO_CHANCE,
                          ask_images(p, "--cmdline", "vmlinux", format("%u", khz))));
        return;
    }
    server = format("mem=32M initrd=rd console=ttyS0 quiet lpj=%u%s" NO_CHANCE, khz * 3,
                    row->options);
    if (row->stack == STACK_BARE)
        add_images(c, image(p, "linux-bare"), initrd, server);
    else
        add_images(c, l4_image(p, "kernel"),
                   format("%s,%s %s,%s", l4_image(p, "sigma0"), image(p, "linux-l4"), server,
                          initrd), small ? "root=low" : "");
}

/* The options that boot the row and say when it is over. */
static void add_linux(const struct reproduce_place *p, const struct reproduce_job *job,
                      const struct scratch *s, unsigned khz, struct command *c)
{
    add_stack(p, job->row, khz, c);
    add(c, "--serial-input");
    add(c, s->typed);
    add(c, "--until-serial");
    add(c, "all0 is measured");
    add(c, "--fast-forward");
    if (!wants(job, PHASE_PROGRAM)) {
        add(c, "serial:bench: begin");
        return;
    }
    const char *start = job->row->library ? "library_loop_start" : "getpid_loop_start";
    add(c, format("symbol:%s", start));
    add(c, "--symbols");
    add(c, image(p, PHASE_PROGRAM));
    add(c, "--window");
    add(c, format("%s..%s" PHASE_CALL, start, start));
    add(c, "--window-json");
    add(c, s->window);
}

static void add_measure(const struct reproduce_place *p, struct command *c)
{
    add(c, "-kernel");
    add(c, l4_image(p, "kernel"));
    add(c, "-initrd");
    add(c, format("%s,%s which=all exit=debug", l4_image(p, "sigma0"), l4_image(p, "measure")));
    add(c, "-device");
    add(c, "isa-debug-exit,iobase=0xf4,iosize=4");
    add(c, "--until-serial");
    add(c, "measure: done");
}

/* Says what went wrong, after what the run itself said if nobody has seen it. */
static void complain(const struct reproduce_job *job, const struct scratch *s, const char *what)
{
    char *log = access(s->log, R_OK) == 0 ? read_path(s->log) : NULL;
    fprintf(stderr, "%sisochron: reproduce: %s on %s: %s\n", log ? log : "", job->row->title,
            job->machine, what);
    free(log);
}

NORETURN static void fail(const struct reproduce_job *job, const struct scratch *s,
                          const char *what)
{
    complain(job, s, what);
    scratch_end(s);
    exit(EXIT_GUEST_FAILED);
}

/* What the program of the phases measured of itself, by its own counter. */
static bool add_counter(const char *serial, json_t *results)
{
    const char *said = strstr(serial, "getpid: ");
    unsigned calls, median;
    if (!said || sscanf(said, "getpid: %u calls, median %u cycles", &calls, &median) != 2)
        return false;
    json_array_append_new(results, json_pack("{s:s, s:s, s:f, s:I}", "name", "phase", "part",
                                             "counter", "cycles", (double)median, "n",
                                             (json_int_t)calls));
    return true;
}

static void take_phases(const struct reproduce_job *job, const struct scratch *s,
                        const char *serial, json_t *results)
{
    char wrong[400] = "getpid was not seen by instruction";
    json_t *window = json_load_file(s->window, 0, NULL);
    if (!window || !reproduce_phases(window, results, wrong, sizeof wrong))
        fail(job, s, wrong);
    json_decref(window);
    if (!add_counter(serial, results))
        fail(job, s, "the line of " PHASE_PROGRAM " is missing");
}

static void take_results(const struct reproduce_job *job, const struct scratch *s, json_t *results)
{
    bool bench = job->row->stack != STACK_MEASURE;
    char wrong[400], *text = read_path(s->serial);
    json_t *line;
    size_t i;
    if (!guest_lines_parse(text, bench ? "bench" : "measure", bench, results, wrong,
                           sizeof wrong))
        fail(job, s, wrong);
    if (wants(job, PHASE_PROGRAM))
        take_phases(job, s, text, results);
    free(text);
    json_array_foreach(job->lines, i, line)
        if (!guest_lines_find(results, json_string_value(line))) {
            snprintf(wrong, sizeof wrong, "the line '%s' is missing", json_string_value(line));
            fail(job, s, wrong);
        }
}

static void tell(const struct reproduce_job *job)
{
    fprintf(stderr, "isochron: reproduce: %s on %s:", job->row->title, job->machine);
    for (unsigned i = 0; i < job->programs; i++)
        fprintf(stderr, " %s", job->program[i]);
    fputc('\n', stderr);
}

/* The command that runs the job, and the files that it reads and writes. */
static struct command compose(const struct reproduce_place *p, const struct reproduce_job *job,
                              const struct scratch *s, const struct machine_config *m)
{
    unsigned khz = (unsigned)((m->clock_num + 500 * m->clock_den) / (1000 * m->clock_den));
    struct command c = {
        {p->command, "run", "--machine", job->machine, "--max-cycles", CYCLES_MAX}, 6};
    add(&c, "-serial");
    add(&c, format("file:%s", s->serial));
    add(&c, "--quiet");
    write_empty(s->serial);
    if (job->row->stack == STACK_MEASURE) {
        add_measure(p, &c);
    } else {
        write_typed(job, s->typed);
        add_linux(p, job, s, khz, &c);
    }
    return c;
}

/* What a run that ended with this code has left goes into `run`. */
static void take(const struct reproduce_job *job, const struct scratch *s, int code, json_t *run)
{
    char why[64];
    snprintf(why, sizeof why, "`isochron run` ended with code %d", code);
    if (code == EXIT_UNIMPLEMENTED) {
        complain(job, s, "nothing is measured");
        json_object_set_new(run, "failed", json_string("the run met what is not modelled"));
    } else if (code != EXIT_DONE) {
        fail(job, s, why);
    } else {
        take_results(job, s, json_object_get(run, "results"));
    }
}

json_t *reproduce_run(const struct reproduce_place *p, const struct reproduce_job *job,
                      struct reproduce_progress *progress)
{
    struct machine_config *m = machine_find(job->machine);
    struct scratch s;
    int code;
    scratch_begin(&s);
    if (!p->quiet)
        tell(job);
    const struct command c = compose(p, job, &s, m);
    const struct shown shown = {progress, job, s.serial};
    free(capture(&c, s.log, &shown, &code));
    reproduce_progress_next(progress, job);
    json_t *run = json_pack("{s:s, s:s, s:f, s:o}", "row", job->row->name, "machine",
                            job->machine, "hz", (double)m->clock_num / (double)m->clock_den,
                            "results", json_array());
    take(job, &s, code, run);
    scratch_end(&s);
    free(m);
    return run;
}
