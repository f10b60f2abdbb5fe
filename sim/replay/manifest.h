/* manifest: what a run is a function of, beside its inputs: machine with overrides, images by their
 * SHA-256, command line, devices. `run` builds its machine from one; a trace begins with one. */
#pragma once

#include "sim/machine/machine.h"

#include <jansson.h>

#define MANIFEST_SETTINGS_MAX 64

struct manifest {
    struct machine_config config; /* with every setting applied */
    const char *settings[MANIFEST_SETTINGS_MAX]; /* KEY=VALUE, as --set has them */
    unsigned setting_count;
    const char *model; /* the model that runs from the trace's first state on */
    struct boot boot;
    uint32_t debug_exit_base, debug_exit_size; /* size 0: there is none */
    bool no_reboot;
    bool terminal; /* somebody may type: waiting for input is no end */
    json_t *images; /* [{role, name, sha256}]; a trace that was read has them, `run` fills them */
    json_t *source; /* of one that was read: owns the strings above */
};

/* The machine called name as it is, without settings. usage_error if there is none. */
void manifest_set_machine(struct manifest *a, const char *name);
/* Applies "KEY=VALUE" and remembers it. */
void manifest_set(struct manifest *a, const char *assignment);

/* Builds the machine (nothing is booted). */
struct machine *manifest_build(const struct manifest *a, const char *model,
                               const struct machine_host *host);

/* Hashes the files that boot names. */
void manifest_hash_images(struct manifest *a);
json_t *manifest_to_json(const struct manifest *a);
/* From a trace's chunk; usage_error naming path and the field that is missing or wrong. */
void manifest_from_json(struct manifest *a, const char *text, const char *path);
void manifest_free(struct manifest *a);
