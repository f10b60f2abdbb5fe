/* units: where instructions executed: on the p5 which pipe, out of order which lanes and units, as
 * people and documents are told: "U", "alu 0", "agu 0/2", "fadd". The integer schedulers belong to
 * a lane each, the floating-point pipes and the microcode do not. */
#pragma once

#include "cpu/model.h"

#define UNITS_TEXT 40

/* A set of places: a bit for each lane, and above them one for each enum model_unit. */
typedef uint16_t units_t;

/* Of the last priced instruction; 0: an in-order part, which has pipes. */
units_t units_of(const struct model_last *l);
/* "" for none. Returns text. */
const char *units_format(units_t units, char *text, size_t size);
/* What units_format wrote; false: it is something else. */
bool units_parse(const char *text, units_t *units);

extern const char *const unit_names[MODEL_UNITS];
