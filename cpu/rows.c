/* rows: the list of all instruction families. A new family is one file and one line here. */
#include "cpu/rows.h"

const struct row_family *const families[] = {
    &family_arith,
    &family_shift,
    &family_muldiv,
    &family_bit,
    &family_move,
    &family_stack,
    &family_string,
    &family_control,
    &family_flag,
    &family_io,
    &family_far,
    &family_segment,
    &family_system,
    &family_x87,
    NULL,
};
