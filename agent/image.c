/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD "download"

void image_init(struct image *image, const struct store *store)
{
    image->store = store;
    image->fd = -1;
    (void)snprintf(image->path, sizeof image->path, "%s/firmware.image", store->folder);
}

/* Say what failed; full disks are told apart, all else is the file's trouble. */
static enum ln_status failed(struct ln_diag *diag, const char *what, const struct image *image)
{
    int error = errno;
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    return ln_diag_set(diag, full ? LN_NO_SPACE : LN_IO, LN_CAT_LOCAL_IO, LN_PHASE_TRANSFER,
                       "the image cannot be %s: %.80s: %s", what, image->path, strerror(error));
}

static bool open_image(struct image *image)
{
    if (image->fd < 0)
        image->fd = open(image->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return image->fd >= 0;
}

static enum ln_status begin(void *ctx, uint64_t offset, struct ln_diag *diag)
{
    struct image *image = ctx;
    return open_image(image) && ftruncate(image->fd, (off_t)offset) == 0
               ? LN_OK
               : failed(diag, "begun", image);
}

/* The image's size stays the mark of what is there. Where a file system cannot give room, writing
 * tells. */
static enum ln_status reserve(void *ctx, uint64_t size, struct ln_diag *diag)
{
    const struct image *image = ctx;
    if (size == 0 || fallocate(image->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0)
        return LN_OK;
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return full ? failed(diag, "given room", image) : LN_OK;
}

static enum ln_status write_image(void *ctx, uint64_t offset, struct ln_span data,
                                  struct ln_diag *diag)
{
    struct image *image = ctx;
    while (data.len > 0) {
        ssize_t n = pwrite(image->fd, data.data, data.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(diag, "written", image);
        offset += (uint64_t)n;
        data = ln_span(data.data + n, data.len - (size_t)n);
    }
    return LN_OK;
}

static enum ln_status read_image(void *ctx, uint64_t offset, struct ln_mspan room, size_t *got)
{
    struct image *image = ctx;
    *got = 0;
    if (!open_image(image))
        return LN_IO;
    while (*got < room.len) {
        ssize_t n = pread(image->fd, room.data + *got, room.len - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return LN_IO;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return LN_OK;
}

static enum ln_status sync_image(void *ctx, struct ln_diag *diag)
{
    struct image *image = ctx;
    return image->fd >= 0 && fdatasync(image->fd) == 0 ? LN_OK : failed(diag, "kept", image);
}

static enum ln_status load(void *ctx, struct ln_mspan room, size_t *len)
{
    const struct image *image = ctx;
    enum ln_status st = store_load(image->store, RECORD, room, len);
    return st == LN_OK && *len == 0 ? LN_NOT_FOUND : st;
}

static enum ln_status save(void *ctx, struct ln_span state)
{
    const struct image *image = ctx;
    return store_save(image->store, RECORD, state);
}

struct ln_download_store image_store(struct image *image)
{
    return (struct ln_download_store) { .begin = begin,
                                        .reserve = reserve,
                                        .write = write_image,
                                        .read = read_image,
                                        .sync = sync_image,
                                        .load = load,
                                        .save = save,
                                        .ctx = image };
}

void image_close(struct image *image)
{
    if (image->fd >= 0)
        (void)close(image->fd);
    image->fd = -1;
}

void image_remove(struct image *image)
{
    image_close(image);
    (void)unlink(image->path);
    enum ln_status st = store_save(image->store, RECORD, ln_span(NULL, 0));
    (void)st; /* a state without its image is refused by the download itself */
}
