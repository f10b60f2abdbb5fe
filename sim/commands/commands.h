/* commands: what `isochron NAME ...` runs. Each returns the process's exit code (enum
 * exit_code). */
#pragma once

int cmd_run(int argc, char **argv);
int cmd_machines(int argc, char **argv);
int cmd_cycles(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_annotate(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_checkpoint(int argc, char **argv);
int cmd_reproduce(int argc, char **argv);
