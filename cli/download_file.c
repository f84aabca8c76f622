/* SPDX-License-Identifier: Apache-2.0 */
/* A download in a file: FILE.part grows, FILE.part.state says how far it is right, and when it is
 * complete FILE.part becomes FILE. Kill this program at any point and run it again: it goes on.
 *
 * The state is written in place, in one call of less than a sector: what kill -9 can interrupt is the
 * time before it or behind it. Should a loss of power tear it all the same, its checksum tells. */
#define _GNU_SOURCE /* fallocate() */
#include "download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum ln_status status_of(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return LN_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return LN_DENIED;
    case ENOENT:
        return LN_NOT_FOUND;
    default:
        return LN_IO;
    }
}

static enum ln_status failed(struct ln_diag *diag, const char *what, const char *path)
{
    int error = errno;
    (void)ln_diag_set(diag, status_of(error), LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER, "%s %.100s: %s",
                      what, path, strerror(error));
    ln_diag_native(diag, "posix", error, NULL);
    return status_of(error);
}

void download_file_init(struct download_file *file, const char *path)
{
    *file = (struct download_file) { .path = path, .fd = -1, .state_fd = -1 };
    snprintf(file->part, sizeof file->part, "%s.part", path);
    snprintf(file->state, sizeof file->state, "%s.part.state", path);
}

/* What was reserved and not used goes back. */
static void trim(int fd)
{
    struct stat is;
    if (fstat(fd, &is) == 0 && S_ISREG(is.st_mode))
        (void)!ftruncate(fd, is.st_size); /* void: it costs room, and nothing else */
}

void download_file_close(struct download_file *file)
{
    if (file->fd >= 0) {
        trim(file->fd);
        (void)close(file->fd);
    }
    if (file->state_fd >= 0)
        (void)close(file->state_fd);
    file->fd = file->state_fd = -1;
}

bool download_file_is_kept(const struct download_file *file)
{
    return file->path[0] != '\0' && access(file->state, F_OK) == 0;
}

/* ---- the file ---- */

/* One of us at a time, also to look at what is there: two would write into each other's file.
 * `create`: O_CREAT, or 0. */
static enum ln_status open_part(struct download_file *file, int create, struct ln_diag *diag)
{
    if (file->fd >= 0)
        return LN_OK;
    file->fd = open(file->part, O_RDWR | create | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file->fd < 0)
        return failed(diag, "cannot open", file->part);
    if (flock(file->fd, LOCK_EX | LOCK_NB) == 0)
        return LN_OK;
    enum ln_status st = ln_diag_set(diag, LN_DENIED, LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER,
                                    "%.100s is being written by another download", file->part);
    (void)close(file->fd);
    file->fd = -1;
    return st;
}

/* What another download is writing stays; begin() tells of it. */
void download_file_discard(struct download_file *file)
{
    struct ln_diag diag;
    ln_diag_clear(&diag);
    if (open_part(file, 0, &diag) == LN_DENIED)
        return;
    (void)unlink(file->state);
    (void)unlink(file->part);
    download_file_close(file);
}

static enum ln_status begin(void *ctx, uint64_t offset, struct ln_diag *diag)
{
    struct download_file *file = ctx;
    enum ln_status st = open_part(file, O_CREAT, diag);
    if (st != LN_OK)
        return st;
    if (ftruncate(file->fd, (off_t)offset) != 0)
        return failed(diag, "cannot change the size of", file->part);
    return LN_OK;
}

/* Without it the file's size, the mark of what is there, stays as it is. Room in one piece costs the
 * system less than room for each write; where a file system cannot give it, writing will tell. */
static enum ln_status reserve(void *ctx, uint64_t size, struct ln_diag *diag)
{
    struct download_file *file = ctx;
    if (size == 0 || fallocate(file->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0)
        return LN_OK;
    return status_of(errno) == LN_NO_SPACE ? failed(diag, "there is no room for", file->part)
                                           : LN_OK;
}

static enum ln_status write_part(void *ctx, uint64_t offset, struct ln_span data,
                                 struct ln_diag *diag)
{
    struct download_file *file = ctx;
    for (size_t done = 0; done < data.len;) {
        ssize_t n = pwrite(file->fd, data.data + done, data.len - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR)
            return failed(diag, "cannot write", file->part);
        done += n > 0 ? (size_t)n : 0;
    }
    return LN_OK;
}

static enum ln_status read_part(void *ctx, uint64_t offset, struct ln_mspan room, size_t *got)
{
    struct download_file *file = ctx;
    struct ln_diag diag;
    ln_diag_clear(&diag);
    enum ln_status st = open_part(file, 0, &diag); /* begin() tells, if it has to write */
    if (st != LN_OK)
        return st;
    ssize_t n = pread(file->fd, room.data, room.len, (off_t)offset);
    if (n < 0)
        return status_of(errno);
    *got = (size_t)n;
    return LN_OK;
}

static enum ln_status sync_part(void *ctx, struct ln_diag *diag)
{
    struct download_file *file = ctx;
    return fdatasync(file->fd) == 0 ? LN_OK : failed(diag, "cannot sync", file->part);
}

/* ---- the state ---- */

static enum ln_status load(void *ctx, struct ln_mspan room, size_t *len)
{
    struct download_file *file = ctx;
    int fd = open(file->state, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return status_of(errno);
    ssize_t n = read(fd, room.data, room.len);
    enum ln_status st = n >= 0 ? LN_OK : status_of(errno);
    (void)close(fd);
    *len = n > 0 ? (size_t)n : 0;
    return st;
}

static enum ln_status forget(struct download_file *file)
{
    if (file->state_fd >= 0)
        (void)close(file->state_fd);
    file->state_fd = -1;
    return unlink(file->state) == 0 || errno == ENOENT ? LN_OK : status_of(errno);
}

static enum ln_status save(void *ctx, struct ln_span state)
{
    struct download_file *file = ctx;
    if (state.len == 0)
        return forget(file);
    if (file->state_fd < 0) {
        file->state_fd = open(file->state, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        file->state_len = SIZE_MAX; /* what is there from before may be longer */
    }
    if (file->state_fd < 0 ||
        pwrite(file->state_fd, state.data, state.len, 0) != (ssize_t)state.len)
        return status_of(errno);
    if (state.len < file->state_len && ftruncate(file->state_fd, (off_t)state.len) != 0)
        return status_of(errno);
    file->state_len = state.len;
    return LN_OK;
}

/* ---- standard output: what is written is gone ---- */

static enum ln_status begin_output(void *ctx, uint64_t offset, struct ln_diag *diag)
{
    struct download_file *file = ctx;
    if (offset == 0 && !file->written)
        return LN_OK;
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER,
                       "the file has changed, and what was written to standard output cannot be "
                       "taken back");
}

static enum ln_status write_output(void *ctx, uint64_t offset, struct ln_span data,
                                   struct ln_diag *diag)
{
    struct download_file *file = ctx;
    (void)offset;
    file->written = true;
    for (size_t done = 0; done < data.len;) {
        ssize_t n = write(STDOUT_FILENO, data.data + done, data.len - done);
        if (n < 0 && errno != EINTR)
            return failed(diag, "cannot write", "standard output");
        done += n > 0 ? (size_t)n : 0;
    }
    return LN_OK;
}

struct ln_download_store download_file_store(struct download_file *file)
{
    if (file->path[0] == '\0')
        return (
            struct ln_download_store) { .begin = begin_output, .write = write_output, .ctx = file };
    return (struct ln_download_store) { .begin = begin,
                                        .reserve = reserve,
                                        .write = write_part,
                                        .read = read_part,
                                        .sync = sync_part,
                                        .load = load,
                                        .save = save,
                                        .ctx = file };
}

/* ---- the end ---- */

/* So that the new name survives a loss of power. */
static bool sync_folder(const char *path)
{
    char folder[DOWNLOAD_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    memcpy(folder, path, len);
    snprintf(folder + len, sizeof folder - len, ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = fsync(fd) == 0;
    (void)close(fd);
    return good;
}

bool download_file_finish(struct download_file *file)
{
    if (file->path[0] == '\0')
        return true;
    if (rename(file->part, file->path) != 0 || !sync_folder(file->path))
        return false;
    (void)unlink(file->state);
    return true;
}
