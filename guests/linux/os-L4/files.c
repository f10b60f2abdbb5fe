// SPDX-License-Identifier: GPL-2.0-only
/* files.c: the initial ramdisk, a boot module, as the file that `initrd=` names. */
#include <errno.h>
#include <string.h>
#include <os.h>
#include "files.h"

static const char *file_data;
static size_t file_size, file_at;

void layer_file_set(const void *data, size_t size)
{
    file_data = data;
    file_size = size;
}

int os_file_size(const char *name, unsigned long long *size)
{
    (void)name;
    if (!file_data)
        return -ENOENT;
    *size = file_size;
    return 0;
}

int os_open_file(const char *name, struct openflags flags, int mode)
{
    (void)name, (void)flags, (void)mode;
    file_at = 0;
    return file_data ? 0 : -ENOENT;
}

int os_read_file(int fd, void *to, int length)
{
    size_t left = file_size - file_at, take = (size_t)length < left ? (size_t)length : left;

    (void)fd;
    memcpy(to, file_data + file_at, take);
    file_at += take;
    return (int)take;
}

void os_close_file(int fd)
{
    (void)fd;
}

/* setup_physmem writes the host's stubs into the memory file; processes here have none. */
int os_seek_file(int fd, unsigned long long offset)
{
    (void)fd, (void)offset;
    return 0;
}

int os_write_file(int fd, const void *from, int count)
{
    (void)fd, (void)from;
    return count;
}

int os_fsync_file(int fd)
{
    (void)fd;
    return 0;
}
