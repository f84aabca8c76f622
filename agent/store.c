/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h. A file: "LNAS", version, three zeros, number (8), length (4), record, SHA-256 of all
 * before it. Numbers are big-endian. */
#include "store.h"

#include <errno.h>
#include <linnet/digest.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 20u
#define SUM_BYTES 32u
#define VERSION 1
#define PATH_ROOM 4096
#define FILE_ROOM (HEAD_BYTES + STORE_RECORD_MAX + SUM_BYTES)

static const uint8_t magic[8] = { 'L', 'N', 'A', 'S', VERSION, 0, 0, 0 };

/* ---- a file ---- */

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t take(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static enum ln_status digest(const struct ln_env *env, struct ln_span data,
                             uint8_t out[LN_HASH_MAX])
{
    struct ln_hasher *hasher = NULL;
    enum ln_status st = ln_hasher_new(env, LN_SHA256, &hasher);
    if (st != LN_OK)
        return st;
    ln_hasher_update(hasher, data);
    st = ln_hasher_value(hasher, out);
    ln_hasher_free(hasher);
    return st;
}

enum ln_status store_read(const struct ln_env *env, struct ln_span file, uint64_t *number,
                          struct ln_span *record)
{
    uint8_t sum[LN_HASH_MAX];
    if (file.len < HEAD_BYTES + SUM_BYTES || memcmp(file.data, magic, sizeof magic) != 0)
        return LN_BAD_PEER;
    uint64_t len = take(file.data + 16, 4);
    if (len > STORE_RECORD_MAX || HEAD_BYTES + len + SUM_BYTES != file.len)
        return LN_BAD_PEER;
    size_t summed = HEAD_BYTES + (size_t)len;
    enum ln_status st = digest(env, ln_span(file.data, summed), sum);
    if (st != LN_OK)
        return st;
    if (memcmp(sum, file.data + summed, SUM_BYTES) != 0)
        return LN_BAD_PEER;
    *number = take(file.data + 8, 8);
    *record = ln_span(file.data + HEAD_BYTES, (size_t)len);
    return LN_OK;
}

static enum ln_status compose(const struct ln_env *env, uint8_t *room, uint64_t number,
                              struct ln_span record)
{
    uint8_t sum[LN_HASH_MAX];
    memset(room, 0, HEAD_BYTES);
    memcpy(room, magic, sizeof magic);
    put(room + 8, number, 8);
    put(room + 16, record.len, 4);
    if (record.len > 0)
        memcpy(room + HEAD_BYTES, record.data, record.len);
    enum ln_status st = digest(env, ln_span(room, HEAD_BYTES + record.len), sum);
    if (st == LN_OK)
        memcpy(room + HEAD_BYTES + record.len, sum, SUM_BYTES);
    return st;
}

/* ---- a record's two files ---- */

struct side {
    enum ln_status st; /* LN_OK: it was looked at; there may be no file, or a damaged one */
    bool whole;
    bool strange; /* there is a file, and it is none of ours, torn, or of another version */
    uint64_t number;
    struct ln_span record;
    uint8_t *room;
};

static bool side_path(const struct store *store, const char *name, int which, char path[PATH_ROOM])
{
    int made = snprintf(path, PATH_ROOM, "%s/%s.%d", store->folder, name, which);
    return made > 0 && made < PATH_ROOM;
}

static void read_side(const struct store *store, const char *name, int which, struct side *out)
{
    char path[PATH_ROOM];
    size_t len = 0;
    *out = (struct side) { .st = LN_NO_MEMORY, .room = malloc(FILE_ROOM) };
    if (out->room == NULL)
        return;
    const struct ln_files *files = &store->env->files;
    out->st = side_path(store, name, which, path)
                  ? files->read(files->ctx, path, ln_mspan(out->room, FILE_ROOM), &len)
                  : LN_BAD_ARG;
    if (out->st == LN_OK)
        out->st = store_read(store->env, ln_span(out->room, len), &out->number, &out->record);
    out->whole = out->st == LN_OK;
    out->strange = out->st == LN_NO_SPACE || out->st == LN_BAD_PEER; /* too long to be one */
    if (out->st == LN_NOT_FOUND || out->strange)
        out->st = LN_OK;
}

static enum ln_status read_sides(const struct store *store, const char *name, struct side sides[2])
{
    read_side(store, name, 0, &sides[0]);
    read_side(store, name, 1, &sides[1]);
    return sides[0].st != LN_OK ? sides[0].st : sides[1].st;
}

static void free_sides(struct side sides[2])
{
    for (int i = 0; i < 2; i++) {
        if (sides[i].room != NULL)
            ln_wipe(sides[i].room, FILE_ROOM);
        free(sides[i].room);
    }
}

/* The one that counts; NULL: neither. */
static const struct side *newest(const struct side sides[2])
{
    if (sides[0].whole && sides[1].whole)
        return sides[0].number >= sides[1].number ? &sides[0] : &sides[1];
    return sides[0].whole ? &sides[0] : sides[1].whole ? &sides[1] : NULL;
}

/* Where only one side can be read, that one is better than nothing. */
enum ln_status store_load(const struct store *store, const char *name, struct ln_mspan room,
                          size_t *len)
{
    struct side sides[2];
    enum ln_status st = read_sides(store, name, sides);
    const struct side *best = newest(sides);
    if (best == NULL && (sides[0].strange || sides[1].strange))
        ln_log(store->env, LN_LOG_WARN, "store",
               "%.200s/%s is damaged, or of another version of this program: it is not used",
               store->folder, name);
    if (best == NULL)
        st = st == LN_OK ? LN_NOT_FOUND : st;
    else if (st != LN_NO_MEMORY) {
        *len = best->record.len;
        st = best->record.len <= room.len ? LN_OK : LN_NO_SPACE;
    }
    if (st == LN_OK && *len > 0)
        memcpy(room.data, best->record.data, *len);
    free_sides(sides);
    return st;
}

static enum ln_status write_side(const struct store *store, const char *name, struct ln_span data,
                                 const struct side sides[2])
{
    char path[PATH_ROOM];
    const struct side *best = newest(sides);
    int which = best == &sides[0] ? 1 : 0; /* never over the one that counts */
    uint64_t number = best != NULL ? best->number + 1 : 1;
    uint8_t *room = sides[which].room;
    if (!side_path(store, name, which, path))
        return LN_BAD_ARG;
    enum ln_status st = compose(store->env, room, number, data);
    if (st != LN_OK)
        return st;
    size_t len = HEAD_BYTES + data.len + SUM_BYTES;
    return store->env->files.replace(store->env->files.ctx, path, ln_span(room, len));
}

/* ---- telling ---- */

static bool well(const struct store *store)
{
    if (store->told != NULL)
        store->told(store->user, NULL);
    return true;
}

static bool failed(const struct store *store, const char *format, ...) LN_PRINTF(2, 3);

static bool failed(const struct store *store, const char *format, ...)
{
    char why[STORE_WHY_MAX];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(why, sizeof why, format, values);
    va_end(values);
    if (store->told != NULL)
        store->told(store->user, why);
    return false;
}

static bool went(const struct store *store, enum ln_status st)
{
    static const char what_to_do[] = "see that this user may write there, and that it is not "
                                     "mounted read-only";
    if (st == LN_OK)
        return well(store);
    return failed(store,
                  "the state folder %.200s cannot be written (%s): nothing new survives a restart, "
                  "so what servers write is refused; %s",
                  store->folder, ln_status_meaning(st),
                  st == LN_NO_SPACE    ? "make room on its disk"
                  : st == LN_NO_MEMORY ? "there is not enough memory for it"
                                       : what_to_do);
}

enum ln_status store_save(const struct store *store, const char *name, struct ln_span data)
{
    struct side sides[2];
    if (data.len > STORE_RECORD_MAX)
        return LN_NO_SPACE;
    /* A side that is there and cannot be read may be the newest one. */
    enum ln_status st = read_sides(store, name, sides);
    if (st == LN_OK)
        st = write_side(store, name, data, sides);
    free_sides(sides);
    if (store->good)
        (void)went(store, st);
    return st;
}

/* ---- the folder ---- */

/* Make it, with what is above it. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0755) == 0 || errno == EEXIST || errno == EROFS;
        *slash = '/';
        if (!made)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

bool store_open(struct store *store, const struct ln_env *env, const char *folder)
{
    static const uint8_t nothing = 0;
    char path[PATH_ROOM];
    struct stat about;
    store->env = env;
    store->good = false;
    int made = snprintf(store->folder, sizeof store->folder, "%s", folder);
    if (made < 0 || (size_t)made >= sizeof store->folder)
        return failed(store, "the path of the state folder is too long: name another with --state");
    (void)snprintf(path, sizeof path, "%s", folder);
    if (!make_folders(path) || stat(folder, &about) != 0 || !S_ISDIR(about.st_mode))
        return failed(store,
                      "the state folder %.200s cannot be made (%s): nothing survives a restart, so "
                      "what servers write is refused; make it, or name another with --state",
                      folder, strerror(errno));
    if ((about.st_mode & 077) != 0 && chmod(folder, 0700) != 0)
        return failed(store,
                      "others can enter the state folder %.200s, and keys of sessions are in it: "
                      "run chmod 700 on it",
                      folder);
    (void)snprintf(path, sizeof path, "%s/probe", folder);
    enum ln_status st = env->files.replace(env->files.ctx, path, ln_span(&nothing, 1));
    if (st == LN_OK)
        st = env->files.remove(env->files.ctx, path);
    store->good = went(store, st);
    return store->good;
}
