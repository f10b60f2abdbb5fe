#include "sim/replay/manifest.h"

#include "sim/core/check.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void manifest_set_machine(struct manifest *a, const char *name)
{
    struct machine_config *m = machine_find(name);
    a->config = *m;
    a->model = m->model;
    a->setting_count = 0;
    free(m);
}

void manifest_set(struct manifest *a, const char *assignment)
{
    if (a->setting_count == MANIFEST_SETTINGS_MAX)
        usage_error("--set %s: accepted are at most %d settings", assignment,
                    MANIFEST_SETTINGS_MAX);
    machine_set(&a->config, assignment);
    a->settings[a->setting_count++] = assignment;
}

struct machine *manifest_build(const struct manifest *a, const char *model,
                               const struct machine_host *host)
{
    struct machine *m = machine_new(&a->config, model, host);
    m->no_reboot = a->no_reboot;
    if (a->debug_exit_size)
        machine_add_debug_exit(m, (uint16_t)a->debug_exit_base, (uint16_t)a->debug_exit_size);
    return m;
}

/* --- images ----------------------------------------------------------------------------------- */

static void add_image(json_t *images, const char *role, const char *path)
{
    struct sha256_ctx context;
    uint8_t buffer[65536], digest[SHA256_DIGEST_SIZE];
    char text[2 * SHA256_DIGEST_SIZE + 1];
    FILE *f = fopen(path, "rb");
    if (!f)
        usage_error("%s: %s", path, strerror(errno));
    sha256_init(&context);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0;)
        sha256_update(&context, n, buffer);
    fclose(f);
    sha256_digest(&context, sizeof digest, digest);
    for (unsigned i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    const char *slash = strrchr(path, '/');
    json_array_append_new(images, json_pack("{s:s,s:s,s:s}", "role", role, "name",
                                            slash ? slash + 1 : path, "sha256", text));
}

/* An initrd, or the first words of "module args,module args". */
static void add_modules(json_t *images, const char *initrd)
{
    char path[4096];
    if (access(initrd, F_OK) == 0) {
        add_image(images, "initrd", initrd);
        return;
    }
    for (const char *p = initrd; *p;) {
        size_t whole = strcspn(p, ","), name = strcspn(p, " ,");
        snprintf(path, sizeof path, "%.*s", (int)name, p);
        add_image(images, "module", path);
        p += whole + (p[whole] == ',');
    }
}

void manifest_hash_images(struct manifest *a)
{
    a->images = json_array();
    add_image(a->images, "kernel", a->boot.kernel);
    if (a->boot.initrd)
        add_modules(a->images, a->boot.initrd);
}

/* --- as JSON ---------------------------------------------------------------------------------- */

json_t *manifest_to_json(const struct manifest *a)
{
    json_t *settings = json_array();
    for (unsigned i = 0; i < a->setting_count; i++)
        json_array_append_new(settings, json_string(a->settings[i]));
    return json_pack("{s:s,s:s,s:o,s:I,s:s,s:s,s:s,s:I,s:i,s:i,s:b,s:b,s:O}", "schema",
                     "isochron-manifest-1", "machine", a->config.name, "settings", settings,
                     "memory", (json_int_t)a->config.ram_bytes, "model", a->model, "append",
                     a->boot.append, "initrd", a->boot.initrd ? a->boot.initrd : "",
                     "random_seed", (json_int_t)a->boot.random_seed, "debug_exit_base",
                     (int)a->debug_exit_base, "debug_exit_size", (int)a->debug_exit_size,
                     "no_reboot", (int)a->no_reboot, "terminal", (int)a->terminal, "images",
                     a->images);
}

void manifest_from_json(struct manifest *a, const char *text, const char *path)
{
    json_error_t e;
    const char *schema, *machine, *initrd;
    json_t *settings, *images;
    json_int_t memory, seed;
    int base, size, no_reboot, terminal;
    memset(a, 0, sizeof *a);
    a->source = json_loads(text, 0, &e);
    if (!a->source ||
        json_unpack_ex(a->source, &e, 0, "{s:s,s:s,s:o,s:I,s:s,s:s,s:s,s:I,s:i,s:i,s:b,s:b,s:o}",
                       "schema", &schema, "machine", &machine, "settings", &settings, "memory",
                       &memory, "model", &a->model, "append", &a->boot.append, "initrd", &initrd,
                       "random_seed", &seed, "debug_exit_base", &base, "debug_exit_size", &size,
                       "no_reboot", &no_reboot, "terminal", &terminal, "images", &images) != 0)
        usage_error("%s: its manifest cannot be read: %s", path, e.text);
    const char *model = a->model;
    if (strcmp(schema, "isochron-manifest-1") != 0)
        usage_error("%s: its manifest is '%s'; accepted is isochron-manifest-1", path, schema);
    manifest_set_machine(a, machine);
    for (size_t i = 0; i < json_array_size(settings); i++) {
        const char *setting = json_string_value(json_array_get(settings, i));
        if (!setting)
            usage_error("%s: its manifest's settings are not all texts", path);
        manifest_set(a, setting);
    }
    if (memory < 1 << 20 || memory > (json_int_t)3 << 30 || base < 0 || base > 0xFFFF ||
        size < 0 || size > 4)
        usage_error("%s: its manifest names impossible memory or ports", path);
    a->model = model;
    a->config.ram_bytes = (uint32_t)memory;
    a->boot.initrd = *initrd ? initrd : NULL;
    a->boot.random_seed = (uint64_t)seed;
    a->debug_exit_base = (uint32_t)base;
    a->debug_exit_size = (uint32_t)size;
    a->no_reboot = no_reboot;
    a->terminal = terminal;
    a->images = json_incref(images);
}

void manifest_free(struct manifest *a)
{
    json_decref(a->images);
    json_decref(a->source);
}
