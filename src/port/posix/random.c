/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: struct ln_random of <linnet/env.h>: all of the room is cryptographic randomness, or the
 * answer is LN_IO and the room is wiped.
 *
 * getrandom() may wait once in the life of a machine, early at boot, until the kernel has gathered
 * entropy (under a second since Linux 5.6). That is the one place of the port that may wait: keys
 * that can be guessed are worse. /dev/urandom serves kernels without the call.
 */
#include "port/posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* getrandom() is whole and uninterrupted up to this size. */
#define CHUNK_MAX 256u

static bool fill_by_call(struct ln_mspan room)
{
    size_t done = 0;
    while (done < room.len) {
        size_t left = room.len - done;
        ssize_t n = getrandom(room.data + done, left < CHUNK_MAX ? left : CHUNK_MAX, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool read_fully(int fd, struct ln_mspan room)
{
    size_t done = 0;
    while (done < room.len) {
        ssize_t n = read(fd, room.data + done, room.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool fill_by_device(struct ln_mspan room)
{
    struct stat about;
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    /* a plain file put in its place gives the same bytes to everybody */
    bool ok = fstat(fd, &about) == 0 && S_ISCHR(about.st_mode) && read_fully(fd, room);
    (void)close(fd);
    return ok;
}

static enum ln_status fill(void *ctx, struct ln_mspan room)
{
    (void)ctx;
    if (fill_by_call(room) || fill_by_device(room))
        return LN_OK;
    ln_wipe(room.data, room.len);
    return LN_IO;
}

const struct ln_random ln__posix_random = { .fill = fill };
