/* calibrate: the sections of the calibration program. */
#pragma once

#include "sim/machine/config.h"

/* Latencies by stride, page walks, trap and return. False if one is outside its bar. */
bool calibrate_memory(const struct machine_config *p166, const struct machine_config *p133);
