#include "devices/debug_exit.h"

#include "sim/core/check.h"

void debug_exit_init(struct debug_exit *d, void (*exit)(void *owner, uint32_t value), void *owner)
{
    CHECK(exit != NULL);
    *d = (struct debug_exit){.exit = exit, .owner = owner};
}

uint32_t debug_exit_read(void *owner, uint32_t port, unsigned size)
{
    (void)owner, (void)port, (void)size;
    return 0;
}

void debug_exit_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct debug_exit *d = owner;
    (void)port, (void)size;
    d->exit(d->owner, value);
}
