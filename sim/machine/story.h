/* story: remembers the last interrupts and exceptions, so that a triple fault can be told. */
#pragma once

#include "cpu/cpu.h"

#include <stdio.h>

struct story;

struct story *story_new(struct cpu *c);
void story_free(struct story *s);
const struct cpu *story_cpu(const struct story *s);

/* Told of every delivery, after the story has noted it. Observers only. */
typedef void (*story_listener)(void *owner, const struct cpu *c, unsigned vector, unsigned source,
                               bool has_code, uint32_t code);
void story_listen(struct story *s, story_listener listener, void *owner);

/* How the processor came to shut down: the last deliveries, oldest first, and the state it is in.
 * name gives a symbol for a linear address ("" if none). */
void story_tell(const struct story *s, FILE *out,
                void (*name)(void *owner, laddr_t la, char *text, size_t size), void *owner);

const char *exception_name(unsigned vector); /* "#PF page fault", NULL above 31 */
