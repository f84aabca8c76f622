/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: replace and remove of struct ln_files (<linnet/env.h>): whatever happens, a reader finds
 * the old file or the new one, whole; what was reported as done is still done after a power cut.
 *
 * How: ".name.new" in the same folder is written, synced and renamed over "name", and the folder is
 * synced. One fixed name, so that a crash leaves one such file behind at most, and the next replace
 * uses it up; a lock on it keeps writers of two threads or processes apart. A symbolic link in the
 * place of the file is replaced, not followed. The folder may be a link.
 */
#include "port/posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM 4096 /* PATH_MAX of Linux; longer ones no call would take */
#define NAME_ROOM 256  /* NAME_MAX and NUL */

static const char temporary_prefix = '.';
static const char temporary_suffix[] = ".new";

bool ln__posix_is_temporary(const char *name)
{
    size_t len = strlen(name);
    size_t suffix = sizeof temporary_suffix - 1;
    return len > suffix + 1 && name[0] == temporary_prefix &&
           strcmp(name + len - suffix, temporary_suffix) == 0;
}

/* A path taken apart. */
struct place {
    int folder; /* open */
    char folder_path[PATH_ROOM];
    char name[NAME_ROOM];
    char temporary[NAME_ROOM + 1 + sizeof temporary_suffix];
};

static bool is_file_name(const char *name)
{
    return name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static enum ln_status take_apart(const char *path, struct place *place)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t folder_len = (size_t)(name - path); /* with its slash at the end: "/" stays "/" */
    if (!is_file_name(name))
        return LN_BAD_ARG;
    if (folder_len >= sizeof place->folder_path || strlen(name) >= sizeof place->name)
        return LN_NOT_FOUND;
    (void)snprintf(place->folder_path, sizeof place->folder_path, "%.*s", (int)folder_len, path);
    (void)snprintf(place->name, sizeof place->name, "%s", name);
    (void)snprintf(place->temporary, sizeof place->temporary, "%c%s%s", temporary_prefix, name,
                   temporary_suffix);
    return LN_OK;
}

/* The folder of a place, or -1 with errno. */
static int open_folder(const struct place *place)
{
    return open(place->folder_path[0] != '\0' ? place->folder_path : ".",
                O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum ln_status sync_file(int fd)
{
    while (fsync(fd) != 0) {
        if (errno == EINVAL || errno == ENOTSUP)
            return LN_OK; /* this file system has nothing to sync (folders of some) */
        if (errno != EINTR)
            return ln__posix_file_status(errno);
    }
    return LN_OK;
}

static enum ln_status write_fully(int fd, struct ln_span data)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n = write(fd, data.data + done, data.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ln__posix_file_status(errno);
        done += (size_t)n;
    }
    return LN_OK;
}

/* Wait for another writer of the same file, who is as quick as we are. */
static enum ln_status lock(int fd)
{
    while (flock(fd, LOCK_EX) != 0) {
        if (errno == ENOLCK || errno == ENOTSUP || errno == ENOSYS)
            return LN_OK; /* a file system without locks: one writer at a time is the user's care */
        if (errno != EINTR)
            return ln__posix_file_status(errno);
    }
    return LN_OK;
}

/* Whether the temporary file is still the one that we opened: while we waited for the lock, its
 * writer may have renamed it. */
static bool is_still_there(const struct place *place, int fd)
{
    struct stat opened;
    struct stat named;
    return fstat(fd, &opened) == 0 &&
           fstatat(place->folder, place->temporary, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* An empty, private, locked temporary file, or one that a crash has left, made so. */
static enum ln_status open_temporary(const struct place *place, int *out)
{
    enum ln_status st;
    int fd;
    for (;;) {
        fd = openat(place->folder, place->temporary,
                    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
        if (fd < 0)
            return ln__posix_file_status(errno);
        st = lock(fd);
        if (st != LN_OK || is_still_there(place, fd))
            break;
        (void)close(fd);
    }
    if (st == LN_OK && (fchmod(fd, 0600) != 0 || ftruncate(fd, 0) != 0))
        st = ln__posix_file_status(errno);
    if (st != LN_OK) {
        (void)close(fd);
        return st;
    }
    *out = fd;
    return LN_OK;
}

/* Write the temporary file and put it in its place. The lock is held until the name is gone. */
static enum ln_status replace_in(const struct place *place, struct ln_span data)
{
    int fd = -1;
    enum ln_status st = open_temporary(place, &fd);
    if (st != LN_OK)
        return st;
    st = write_fully(fd, data);
    if (st == LN_OK)
        st = sync_file(fd);
    if (st == LN_OK && renameat(place->folder, place->temporary, place->folder, place->name) != 0)
        st = errno == ENOTEMPTY || errno == EEXIST ? LN_BAD_ARG : ln__posix_file_status(errno);
    if (st != LN_OK)
        (void)unlinkat(place->folder, place->temporary, 0);
    (void)close(fd);
    return st == LN_OK ? sync_file(place->folder) : st;
}

enum ln_status ln__posix_replace(void *ctx, const char *path, struct ln_span data)
{
    (void)ctx;
    struct place place;
    enum ln_status st = take_apart(path, &place);
    if (st != LN_OK)
        return st;
    place.folder = open_folder(&place);
    if (place.folder < 0)
        return ln__posix_file_status(errno);
    st = replace_in(&place, data);
    (void)close(place.folder);
    return st;
}

static enum ln_status remove_in(const struct place *place)
{
    struct stat about;
    if (fstatat(place->folder, place->name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return ln__posix_file_status(errno);
    if (S_ISDIR(about.st_mode))
        return LN_BAD_ARG; /* systems differ in what unlink() would say, and do */
    if (unlinkat(place->folder, place->name, 0) != 0)
        return ln__posix_file_status(errno);
    return sync_file(place->folder);
}

enum ln_status ln__posix_remove(void *ctx, const char *path)
{
    (void)ctx;
    struct place place;
    enum ln_status st = take_apart(path, &place);
    if (st != LN_OK)
        return st;
    place.folder = open_folder(&place);
    if (place.folder < 0)
        return ln__posix_file_status(errno);
    st = remove_in(&place);
    (void)close(place.folder);
    return st;
}
