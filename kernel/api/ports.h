/* ports.h: I/O ports as something that is mapped, like memory [L4X2 4.5, 5.5]. Only with the option
 * ioports=fpages: without it programs have IOPL 3, as Pistachio gives it to them, and every one may
 * do everything with every port.
 *
 *    31       16 15  10 9      4 3   0
 *   |   port    |  s'  |   2    |     |   an I/O fpage: 2^s' ports
 *
 * sigma0 has all ports. A space that has been given some has a bitmap of them, as the processor
 * reads it, and a list of ranges that says from which space each came: what is derived from a
 * space's port is what names that space as its giver, and so on from there. */
#pragma once

#include "abi.h"

#define PORTS 0x10000u

struct port_range {
    struct port_range *next; /* of the same space, in no order */
    word_t first, last;
    struct space *giver;
};

struct ports {
    struct space *space;
    uint32_t *denied; /* a bit for each port, set: not its own; two frames */
    struct port_range *ranges;
    struct ports *next, *prev; /* all of them */
};

/* The first and last port; false: this is no I/O fpage. */
bool io_fpage_range(fpage_t f, word_t *first, word_t *last);

bool ports_held(const struct space *s, word_t first, word_t last);
/* The bitmap of a space, made if there is none; NULL: no memory. */
struct ports *ports_of(struct space *s);

/* As mapping_map and mapping_unmap. Rights do not matter: there is only the right to use a port. */
bool ports_map(struct space *from, fpage_t send, struct space *to, bool grant);
void ports_unmap(struct space *s, fpage_t f, bool flush);
void ports_forget(struct space *dying);
