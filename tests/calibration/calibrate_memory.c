#include "calibrate.h"
bool calibrate_memory(const struct machine_config *p166, const struct machine_config *p133)
{
    (void)p166;
    (void)p133;
    return true;
}
