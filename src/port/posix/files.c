/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: struct ln_files of <linnet/env.h>: reading and listing; writing is in replace.c.
 *
 * Only plain files count, reached directly or by symbolic links (mounted secrets are links). Nothing
 * is waited for: a FIFO or a device is LN_BAD_ARG, not a hang. Descriptors are never inherited.
 */
#include "port/posix/posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files of /proc and /sys have no size; to tell the size needed they are read to the end, but not
 * further than this: what is asked for here are keys, certificates and state. */
#define UNSIZED_MAX ((size_t)1 << 20)

static const struct {
    int error;
    enum ln_status status;
} file_statuses[] = {
    { ENOENT, LN_NOT_FOUND },
    { ENOTDIR, LN_NOT_FOUND },      /* "file/name": there cannot be such a file */
    { ENAMETOOLONG, LN_NOT_FOUND }, /* nor one of such a name */
    { EACCES, LN_DENIED },
    { EPERM, LN_DENIED },
    { EROFS, LN_DENIED },
    { EISDIR, LN_BAD_ARG },
    { EINVAL, LN_BAD_ARG },
    { ENXIO, LN_BAD_ARG }, /* a socket, a device without a driver */
    { ENODEV, LN_BAD_ARG },
    { ENOMEM, LN_NO_MEMORY },
    { ENOSPC, LN_NO_SPACE },
    { EDQUOT, LN_NO_SPACE },
    { EFBIG, LN_NO_SPACE },
};

enum ln_status ln__posix_file_status(int error)
{
    for (size_t i = 0; i < sizeof file_statuses / sizeof file_statuses[0]; i++)
        if (file_statuses[i].error == error)
            return file_statuses[i].status;
    return LN_IO;
}

/* ---- reading ---- */

/* Read until the room is full or the file ends; *got is what came. */
static enum ln_status read_some(int fd, struct ln_mspan room, size_t *got)
{
    *got = 0;
    while (*got < room.len) {
        ssize_t n = read(fd, room.data + *got, room.len - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ln__posix_file_status(errno);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return LN_OK;
}

/* Count the bytes that are left, and forget them. */
static enum ln_status count_rest(int fd, size_t *rest)
{
    uint8_t scratch[512];
    size_t got = 0;
    enum ln_status st = LN_OK;
    *rest = 0;
    do {
        st = read_some(fd, ln_mspan(scratch, sizeof scratch), &got);
        *rest += got;
    } while (st == LN_OK && got > 0 && *rest < UNSIZED_MAX);
    ln_wipe(scratch, sizeof scratch); /* it may have been a key */
    return st;
}

static enum ln_status read_open_file(int fd, struct ln_mspan room, size_t *len)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return ln__posix_file_status(errno);
    if (!S_ISREG(about.st_mode))
        return LN_BAD_ARG;
    if (about.st_size > 0 && (uintmax_t)about.st_size > room.len) {
        if ((uintmax_t)about.st_size > SIZE_MAX)
            return LN_IO;
        *len = (size_t)about.st_size;
        return LN_NO_SPACE;
    }
    size_t got;
    size_t rest;
    enum ln_status st = read_some(fd, room, &got);
    if (st == LN_OK)
        st = count_rest(fd, &rest);
    if (st != LN_OK)
        return st;
    *len = got + rest;
    return rest > 0 ? LN_NO_SPACE : LN_OK;
}

static enum ln_status read_file(void *ctx, const char *path, struct ln_mspan room, size_t *len)
{
    (void)ctx;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return ln__posix_file_status(errno);
    enum ln_status st = read_open_file(fd, room, len);
    (void)close(fd);
    return st;
}

/* ---- listing ---- */

static bool is_plain(int folder, const char *name)
{
    struct stat about;
    return fstatat(folder, name, &about, 0) == 0 && S_ISREG(about.st_mode);
}

static enum ln_status list_open_folder(DIR *folder, int fd,
                                       bool (*each)(void *user, const char *name), void *user)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL)
            return errno == 0 ? LN_OK : ln__posix_file_status(errno);
        if (ln__posix_is_temporary(entry->d_name) || !is_plain(fd, entry->d_name))
            continue;
        if (!each(user, entry->d_name))
            return LN_OK;
    }
}

static enum ln_status list_folder(void *ctx, const char *path,
                                  bool (*each)(void *user, const char *name), void *user)
{
    (void)ctx;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR ? LN_BAD_ARG : ln__posix_file_status(errno);
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        int error = errno;
        (void)close(fd);
        return ln__posix_file_status(error);
    }
    enum ln_status st = list_open_folder(folder, fd, each, user);
    (void)closedir(folder); /* and fd */
    return st;
}

const struct ln_files ln__posix_files = {
    .read = read_file,
    .replace = ln__posix_replace,
    .remove = ln__posix_remove,
    .list = list_folder,
};
