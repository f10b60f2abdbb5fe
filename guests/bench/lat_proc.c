// lat_proc: what a process costs, from fork until the parent has waited for it:
//
//     fork_exit   the child ends at once [S97 Table 3: null process]
//     fork_exec   the child becomes this program, which ends at once [S97 Table 3: simple process]
//     fork_sh     the child becomes /bin/sh, which runs this program [S97 Table 3: /bin/sh process]
//
// Called with an argument it ends at once.
#include "process.h"

enum { SAMPLES = 5, WARM = 2 };

static const char self[] = "/bin/lat_proc";
static char *const no_environment[] = {0};

static void fork_exit(void)
{
    int child = process_fork();
    if (child == 0)
        bench_exit(0);
    process_wait(child);
}

static void fork_become(const char *path, char *const *arguments)
{
    int child = process_fork();
    if (child == 0) {
        must(sys3(SYS_EXECVE, (int)path, (int)arguments, (int)no_environment), path);
        bench_exit(1);
    }
    process_wait(child);
}

int start(int argc, char **argv)
{
    static char *const simple[] = {(char *)self, "ends", 0};
    static char *const shell[] = {"sh", "-c", "/bin/lat_proc ends", 0};
    if (argc > 1)
        return 0;
    bench_begin("lat_proc", argv);
    MEASURE("fork_exit", WARM, SAMPLES, fork_exit());
    MEASURE("fork_exec", WARM, SAMPLES, fork_become(self, simple));
    MEASURE("fork_sh", WARM, SAMPLES, fork_become("/bin/sh", shell));
    return bench_end();
}
