/* calibrate: the sections of the calibration program: latencies by stride, page walks, entries to
 * privilege 0 and back. Each prints its figures, and says false if one is outside its bar. */
#pragma once

#include "sim/machine/config.h"

bool calibrate_memory_p5(const struct machine_config *p166);
bool calibrate_memory_k7(const struct machine_config *k7);
bool calibrate_memory_k8(const struct machine_config *k8);
