// chapters.c: what api_tests consists of, in the order of the clauses.
#include "suite.h"

const struct test *const chapters[] = {
    kip_tests,  clock_tests,   utcb_tests,        exchange_registers_tests,
    thread_control_tests,      space_control_tests, schedule_tests,
    ipc_tests,  map_tests,     strings_tests,     propagation_tests,
    faults_tests, exceptions_tests, interrupts_tests, sigma0_tests,
    fpu_tests,  foreign_tests, NULL,
};

void suite_prepare(void) {}
