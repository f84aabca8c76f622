/* SPDX-License-Identifier: Apache-2.0 */
#include "support/powerdisk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NODES = 48, NAMES = 24, NAME_ROOM = 48, FDS = 1024, FOLDER = NODES, NOT_OURS = -1 };

struct bytes {
    size_t len;
    uint8_t data[POWER_FILE_MAX];
};

struct names {
    size_t count;
    struct {
        char name[NAME_ROOM];
        int node;
    } of[NAMES];
};

/* The two books, and the last write that is in the first one only. */
struct books {
    struct bytes now[NODES], safe[NODES];
    struct names names_now, names_safe;
    int written; /* NOT_OURS: it was synced */
    size_t written_at, written_len;
};

static struct {
    char folder[256];
    struct books live, cut, base;
    int fd[FDS]; /* a node, FOLDER or NOT_OURS */
    size_t calls, cut_at;
    bool off, runs, at_start;
} p = { .cut_at = SIZE_MAX };

void (*power_on_cut)(void);

/* ---- the real calls ---- */

int __real_open(const char *path, int flags, ...);
int __real_openat(int folder, const char *path, int flags, ...);
int __real_close(int fd);
int __real_ftruncate(int fd, off_t len);
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_renameat(int from, const char *name, int to, const char *other);
int __real_unlink(const char *path);
int __real_unlinkat(int folder, const char *name, int flags);
int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[],
                       char *const environment[]);

int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_ftruncate(int fd, off_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_renameat(int from, const char *name, int to, const char *other);
int __wrap_unlink(const char *path);
int __wrap_unlinkat(int folder, const char *name, int flags);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[],
                       char *const environment[]);

/* ---- names and nodes ---- */

static int find(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->of[i].name, name) == 0)
            return names->of[i].node;
    return NOT_OURS;
}

static void drop(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->of[i].name, name) != 0)
            continue;
        names->of[i] = names->of[--names->count];
        return;
    }
}

static void put(struct names *names, const char *name, int node)
{
    drop(names, name);
    assert_true(names->count < NAMES && strlen(name) < NAME_ROOM);
    strcpy(names->of[names->count].name, name);
    names->of[names->count++].node = node;
}

static bool is_named(const struct names *names, int node)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->of[i].node == node)
            return true;
    return false;
}

static int new_node(void)
{
    for (int node = 0; node < NODES; node++) {
        bool used = is_named(&p.live.names_now, node) || is_named(&p.live.names_safe, node);
        for (int fd = 0; fd < FDS && !used; fd++)
            used = p.fd[fd] == node;
        if (used)
            continue;
        p.live.now[node].len = p.live.safe[node].len = 0;
        return node;
    }
    fail_msg("too many files");
    return NOT_OURS;
}

/* The name of a file of the folder; "" = the folder itself; NULL = elsewhere. */
static const char *name_of(const char *path)
{
    size_t len = strlen(p.folder);
    if (len == 0 || strncmp(path, p.folder, len) != 0)
        return NULL;
    if (path[len] == '\0' || strcmp(path + len, "/") == 0)
        return "";
    return path[len] == '/' ? path + len + 1 : NULL;
}

static int node_of(int fd)
{
    return fd >= 0 && fd < FDS ? p.fd[fd] : NOT_OURS;
}

/* ---- the power ---- */

static void go_off(bool at_start)
{
    p.off = true;
    p.at_start = at_start;
    p.cut = p.live;
    if (power_on_cut != NULL)
        power_on_cut();
}

/* A call that changes something. False: the power is off. */
static bool goes(void)
{
    if (!p.off && p.calls++ == p.cut_at)
        go_off(false);
    if (p.off)
        errno = EIO;
    return !p.off;
}

bool power_is_off(void)
{
    return p.off;
}

bool power_went_at_start(void)
{
    return p.at_start;
}

size_t power_calls(void)
{
    return p.calls;
}

void power_cut_at(size_t call, bool runs)
{
    p.cut_at = call;
    p.runs = runs;
}

/* ---- calls ---- */

static int opened(int fd, int node)
{
    if (fd >= 0) {
        assert_true(fd < FDS);
        p.fd[fd] = node;
    }
    return fd;
}

/* Open a file of the folder by its name. */
static int open_file(const char *name, int flags, int mode)
{
    char path[512];
    int node = find(&p.live.names_now, name);
    bool makes = node == NOT_OURS && (flags & O_CREAT) != 0;
    if (makes && !goes())
        return -1;
    assert_true((flags & O_TRUNC) == 0);
    (void)snprintf(path, sizeof path, "%s/%s", p.folder, name);
    int fd = __real_open(path, flags, mode);
    if (fd >= 0 && makes) {
        node = new_node();
        put(&p.live.names_now, name, node);
    }
    return opened(fd, node);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(more, int) : 0;
    va_end(more);
    const char *name = name_of(path);
    if (name != NULL && name[0] != '\0')
        return open_file(name, flags, mode);
    return opened(__real_open(path, flags, mode), name != NULL ? FOLDER : NOT_OURS);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(more, int) : 0;
    va_end(more);
    if (node_of(folder) == FOLDER)
        return open_file(path, flags, mode);
    return __real_openat(folder, path, flags, mode);
}

int __wrap_close(int fd)
{
    if (fd >= 0 && fd < FDS)
        p.fd[fd] = NOT_OURS;
    return __real_close(fd);
}

int __wrap_ftruncate(int fd, off_t len)
{
    int node = node_of(fd);
    if (node >= 0 && (!goes() || len > (off_t)POWER_FILE_MAX))
        return -1;
    if (node >= 0) {
        struct bytes *b = &p.live.now[node];
        if ((size_t)len > b->len)
            memset(b->data + b->len, 0, (size_t)len - b->len);
        b->len = (size_t)len;
        p.live.written = NOT_OURS;
    }
    return __real_ftruncate(fd, len);
}

static void note_write(int node, size_t at, const void *data, size_t len)
{
    struct bytes *b = &p.live.now[node];
    assert_true(at + len <= POWER_FILE_MAX);
    if (at > b->len)
        memset(b->data + b->len, 0, at - b->len);
    memcpy(b->data + at, data, len);
    b->len = at + len > b->len ? at + len : b->len;
    p.live.written = node;
    p.live.written_at = at;
    p.live.written_len = len;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    int node = node_of(fd);
    if (node < 0)
        return __real_write(fd, data, len);
    if (!goes())
        return -1;
    note_write(node, (size_t)lseek(fd, 0, SEEK_CUR), data, len);
    return __real_write(fd, data, len);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
    int node = node_of(fd);
    if (node < 0)
        return __real_pwrite(fd, data, len, at);
    if (!goes())
        return -1;
    note_write(node, (size_t)at, data, len);
    return __real_pwrite(fd, data, len, at);
}

static int sync_node(int node)
{
    if (!goes())
        return -1;
    if (node == FOLDER) {
        p.live.names_safe = p.live.names_now;
        return 0;
    }
    p.live.safe[node] = p.live.now[node];
    if (p.live.written == node)
        p.live.written = NOT_OURS;
    return 0;
}

int __wrap_fsync(int fd)
{
    int node = node_of(fd);
    return node >= 0 ? sync_node(node) : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
    int node = node_of(fd);
    return node >= 0 ? sync_node(node) : __real_fdatasync(fd);
}

int __wrap_renameat(int from, const char *name, int to, const char *other)
{
    int node = node_of(from) == FOLDER ? find(&p.live.names_now, name) : NOT_OURS;
    if (node >= 0 && !goes())
        return -1;
    int status = __real_renameat(from, name, to, other);
    if (node >= 0 && status == 0) {
        drop(&p.live.names_now, name);
        put(&p.live.names_now, other, node);
    }
    return status;
}

int __wrap_unlink(const char *path)
{
    const char *name = name_of(path);
    if (name == NULL)
        return __real_unlink(path);
    if (find(&p.live.names_now, name) != NOT_OURS && !goes())
        return -1;
    drop(&p.live.names_now, name);
    return __real_unlink(path);
}

int __wrap_unlinkat(int folder, const char *name, int flags)
{
    bool ours = node_of(folder) == FOLDER && find(&p.live.names_now, name) != NOT_OURS;
    if (ours && !goes())
        return -1;
    if (ours)
        drop(&p.live.names_now, name);
    return __real_unlinkat(folder, name, flags);
}

int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[],
                       char *const environment[])
{
    if (p.off)
        return EIO;
    bool goes_now = p.calls++ == p.cut_at;
    int status = 0;
    if (!goes_now || p.runs)
        status = __real_posix_spawn(pid, path, actions, attributes, arguments, environment);
    if (!goes_now)
        return status;
    if (p.runs)
        (void)waitpid(*pid, NULL, 0);
    go_off(true);
    return EIO;
}

/* ---- what is left ---- */

size_t power_torn_max(void)
{
    return p.cut.written != NOT_OURS ? p.cut.written_len : 0;
}

/* The bytes of a node after the loss. */
static void left_of(int node, enum power_loss loss, size_t torn, struct bytes *out)
{
    bool all = loss == POWER_ALL || loss == POWER_BYTES;
    *out = all ? p.cut.now[node] : p.cut.safe[node];
    if (loss != POWER_TORN || node != p.cut.written)
        return;
    size_t end = p.cut.written_at + torn;
    if (out->len < p.cut.written_at)
        memset(out->data + out->len, 0, p.cut.written_at - out->len);
    memcpy(out->data + p.cut.written_at, p.cut.now[node].data + p.cut.written_at, torn);
    out->len = end > out->len ? end : out->len;
}

static const struct names *names_left(enum power_loss loss)
{
    bool safe = loss == POWER_NOTHING || loss == POWER_BYTES;
    return safe ? &p.cut.names_safe : &p.cut.names_now;
}

static uint64_t mix(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *byte = data;
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ byte[i]) * UINT64_C(1099511628211);
    return sum;
}

uint64_t power_fingerprint(enum power_loss loss, size_t torn)
{
    static struct bytes bytes;
    const struct names *names = names_left(loss);
    uint64_t sum = 0; /* of sums: the order of names has no meaning */
    for (size_t i = 0; i < names->count; i++) {
        left_of(names->of[i].node, loss, torn, &bytes);
        uint64_t one =
            mix(UINT64_C(14695981039346656037), names->of[i].name, strlen(names->of[i].name) + 1);
        sum += mix(one, bytes.data, bytes.len);
    }
    return sum;
}

static void empty_folder(void)
{
    DIR *folder = opendir(p.folder);
    assert_non_null(folder);
    for (const struct dirent *e = readdir(folder); e != NULL; e = readdir(folder))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            assert_int_equal(__real_unlinkat(dirfd(folder), e->d_name, 0), 0);
    (void)closedir(folder);
}

static void start_anew(void)
{
    p.live.written = NOT_OURS;
    p.calls = 0;
    p.cut_at = SIZE_MAX;
    p.off = p.at_start = false;
    for (int fd = 0; fd < FDS; fd++)
        p.fd[fd] = NOT_OURS;
}

void power_begin(const char *folder)
{
    (void)snprintf(p.folder, sizeof p.folder, "%s", folder);
    memset(&p.live, 0, sizeof p.live);
    start_anew();
    empty_folder();
}

static void write_file(const char *name, const struct bytes *bytes)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", p.folder, name);
    int fd = __real_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(__real_write(fd, bytes->data, bytes->len), (ssize_t)bytes->len);
    (void)__real_close(fd);
}

void power_restore(enum power_loss loss, size_t torn)
{
    const struct names *names = names_left(loss);
    memset(&p.live, 0, sizeof p.live);
    start_anew();
    empty_folder();
    for (size_t i = 0; i < names->count; i++) {
        int node = new_node();
        left_of(names->of[i].node, loss, torn, &p.live.now[node]);
        p.live.safe[node] = p.live.now[node];
        put(&p.live.names_now, names->of[i].name, node);
        put(&p.live.names_safe, names->of[i].name, node);
        write_file(names->of[i].name, &p.live.now[node]);
    }
}

void power_save(void)
{
    p.base = p.live;
}

void power_begin_saved(void)
{
    p.cut = p.base;
    power_restore(POWER_ALL, 0);
}
