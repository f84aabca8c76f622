/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file files.c
 * Files in memory, with faults. A path may have a fault without being a file.
 */
#include "testkit/machine.h"

struct ln__mem_file {
    struct ln__mem_file *next;
    enum ln_testkit_file_fault fault;
    bool exists;
    uint8_t *data;
    size_t len;
    char path[];
};

static struct ln__mem_file *find(const struct ln_testkit_host *host, const char *path)
{
    struct ln__mem_file *file = host->machine.files;
    while (file != NULL && strcmp(file->path, path) != 0)
        file = file->next;
    return file;
}

static struct ln__mem_file *find_or_make(struct ln_testkit_host *host, const char *path)
{
    struct ln__mem_file *file = find(host, path);
    if (file != NULL)
        return file;
    size_t len = strlen(path) + 1;
    file = ln__mem_zeroed(host->kit, sizeof *file + len);
    if (file == NULL)
        return NULL;
    memcpy(file->path, path, len);
    file->next = host->machine.files;
    host->machine.files = file;
    return file;
}

/* The name below a directory, or NULL: "/etc/keys/a" in "/etc/keys" is "a". */
static const char *name_in(const struct ln__mem_file *file, const char *directory)
{
    size_t len = strlen(directory);
    while (len > 0 && directory[len - 1] == '/')
        len--;
    bool below = strncmp(file->path, directory, len) == 0 && file->path[len] == '/';
    return file->exists && below ? file->path + len + 1 : NULL;
}

static bool is_directory(const struct ln_testkit_host *host, const char *path)
{
    for (const struct ln__mem_file *file = host->machine.files; file != NULL; file = file->next) {
        if (name_in(file, path) != NULL)
            return true;
    }
    return false;
}

/* ---- operations ---- */

static enum ln_status read_fault(const struct ln__mem_file *file)
{
    switch (file->fault) {
    case LN_TESTKIT_FILE_MISSING:
        return LN_NOT_FOUND;
    case LN_TESTKIT_FILE_DENIED:
        return LN_DENIED;
    case LN_TESTKIT_FILE_UNREADABLE:
        return LN_IO;
    case LN_TESTKIT_FILE_SOUND:
    case LN_TESTKIT_FILE_SHORT:
    case LN_TESTKIT_FILE_READ_ONLY:
    case LN_TESTKIT_FILE_DISK_FULL:
        break;
    }
    return file->exists ? LN_OK : LN_NOT_FOUND;
}

static enum ln_status file_read(void *ctx, const char *path, struct ln_mspan room, size_t *len)
{
    struct ln_testkit_host *host = ctx;
    enum ln_status st = LN_OK;
    *len = 0;
    if (ln__testkit_point_fails(host, LN_TESTKIT_FILE, &st))
        return st;
    const struct ln__mem_file *file = find(host, path);
    st = file != NULL ? read_fault(file) : LN_NOT_FOUND;
    if (st == LN_NOT_FOUND && is_directory(host, path))
        return LN_BAD_ARG;
    if (st != LN_OK)
        return st;
    *len = file->fault == LN_TESTKIT_FILE_SHORT ? file->len / 2 : file->len;
    if (*len > room.len)
        return LN_NO_SPACE;
    if (*len > 0)
        memcpy(room.data, file->data, *len);
    return LN_OK;
}

static enum ln_status write_fault(const struct ln__mem_file *file)
{
    switch (file->fault) {
    case LN_TESTKIT_FILE_DENIED:
        return LN_DENIED;
    case LN_TESTKIT_FILE_READ_ONLY:
        return LN_IO;
    case LN_TESTKIT_FILE_DISK_FULL:
        return LN_NO_SPACE;
    case LN_TESTKIT_FILE_SOUND:
    case LN_TESTKIT_FILE_SHORT:
    case LN_TESTKIT_FILE_MISSING:
    case LN_TESTKIT_FILE_UNREADABLE:
        break;
    }
    return LN_OK;
}

static enum ln_status file_replace(void *ctx, const char *path, struct ln_span data)
{
    struct ln_testkit_host *host = ctx;
    enum ln_status st = LN_OK;
    if (ln__testkit_point_fails(host, LN_TESTKIT_FILE, &st))
        return st;
    const struct ln__mem_file *file = find(host, path);
    st = file != NULL ? write_fault(file) : LN_OK;
    if (st == LN_OK && is_directory(host, path))
        st = LN_BAD_ARG;
    return st == LN_OK ? ln_testkit_file_put(host, path, data) : st;
}

static enum ln_status file_remove(void *ctx, const char *path)
{
    struct ln_testkit_host *host = ctx;
    enum ln_status st = LN_OK;
    if (ln__testkit_point_fails(host, LN_TESTKIT_FILE, &st))
        return st;
    struct ln__mem_file *file = find(host, path);
    if (file == NULL || !file->exists || file->fault == LN_TESTKIT_FILE_MISSING)
        return LN_NOT_FOUND;
    if (file->fault == LN_TESTKIT_FILE_DENIED || file->fault == LN_TESTKIT_FILE_READ_ONLY)
        return write_fault(file);
    file->exists = false;
    return LN_OK;
}

static enum ln_status file_list(void *ctx, const char *path,
                                bool (*each)(void *user, const char *name), void *user)
{
    struct ln_testkit_host *host = ctx;
    enum ln_status st = LN_OK;
    if (ln__testkit_point_fails(host, LN_TESTKIT_FILE, &st))
        return st;
    const struct ln__mem_file *own = find(host, path);
    if (own != NULL && own->fault == LN_TESTKIT_FILE_DENIED)
        return LN_DENIED;
    if (!is_directory(host, path))
        return own != NULL && own->exists ? LN_BAD_ARG : LN_NOT_FOUND;
    struct ln__mem_file *next = NULL;
    for (struct ln__mem_file *file = host->machine.files; file != NULL; file = next) {
        next = file->next; /* `each` may remove files: they stay in the list */
        const char *name = name_in(file, path);
        bool plain =
            name != NULL && strchr(name, '/') == NULL && file->fault != LN_TESTKIT_FILE_MISSING;
        if (plain && !each(user, name))
            break;
    }
    return LN_OK;
}

const struct ln_files ln__testkit_machine_files = {
    .read = file_read,
    .replace = file_replace,
    .remove = file_remove,
    .list = file_list,
};

/* ---- from the test's side ---- */

enum ln_status ln_testkit_file_put(struct ln_testkit_host *host, const char *path,
                                   struct ln_span data)
{
    struct ln__mem_file *file = find_or_make(host, path);
    uint8_t *copy = file != NULL ? ln__mem_alloc(host->kit, data.len + 1) : NULL;
    if (copy == NULL)
        return LN_NO_MEMORY;
    if (data.len > 0)
        memcpy(copy, data.data, data.len);
    ln__mem_free(host->kit, file->data);
    file->data = copy;
    file->len = data.len;
    file->exists = true;
    return LN_OK;
}

enum ln_status ln_testkit_file_get(const struct ln_testkit_host *host, const char *path,
                                   struct ln_span *out)
{
    const struct ln__mem_file *file = find(host, path);
    if (file == NULL || !file->exists)
        return LN_NOT_FOUND;
    *out = ln_span(file->data, file->len);
    return LN_OK;
}

enum ln_status ln_testkit_file_fault(struct ln_testkit_host *host, const char *path,
                                     enum ln_testkit_file_fault fault)
{
    struct ln__mem_file *file = find_or_make(host, path);
    if (file == NULL)
        return LN_NO_MEMORY;
    file->fault = fault;
    return LN_OK;
}

void ln__testkit_machine_free_files(struct ln_testkit_host *host)
{
    while (host->machine.files != NULL) {
        struct ln__mem_file *file = host->machine.files;
        host->machine.files = file->next;
        ln__mem_free(host->kit, file->data);
        ln__mem_free(host->kit, file);
    }
}
