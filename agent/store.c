/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h. A file: "LNAS", version, three zeros, number (8), length (4), record, SHA-256 of all
 * before it. Numbers are big-endian. */
#include "store.h"

#include <errno.h>
#include <linnet/digest.h>
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

static bool digest(const struct ln_env *env, struct ln_span data, uint8_t out[LN_HASH_MAX])
{
    struct ln_hasher *hasher = NULL;
    if (ln_hasher_new(env, LN_SHA256, &hasher) != LN_OK)
        return false;
    ln_hasher_update(hasher, data);
    enum ln_status st = ln_hasher_value(hasher, out);
    ln_hasher_free(hasher);
    return st == LN_OK;
}

bool store_read(const struct ln_env *env, struct ln_span file, uint64_t *number,
                struct ln_span *record)
{
    uint8_t sum[LN_HASH_MAX];
    if (file.len < HEAD_BYTES + SUM_BYTES || memcmp(file.data, magic, sizeof magic) != 0)
        return false;
    uint64_t len = take(file.data + 16, 4);
    if (len > STORE_RECORD_MAX || HEAD_BYTES + len + SUM_BYTES != file.len)
        return false;
    size_t summed = HEAD_BYTES + (size_t)len;
    if (!digest(env, ln_span(file.data, summed), sum) ||
        memcmp(sum, file.data + summed, SUM_BYTES) != 0)
        return false;
    *number = take(file.data + 8, 8);
    *record = ln_span(file.data + HEAD_BYTES, (size_t)len);
    return true;
}

static size_t compose(const struct ln_env *env, uint8_t *room, uint64_t number,
                      struct ln_span record)
{
    uint8_t sum[LN_HASH_MAX];
    memset(room, 0, HEAD_BYTES);
    memcpy(room, magic, sizeof magic);
    put(room + 8, number, 8);
    put(room + 16, record.len, 4);
    if (record.len > 0)
        memcpy(room + HEAD_BYTES, record.data, record.len);
    if (!digest(env, ln_span(room, HEAD_BYTES + record.len), sum))
        return 0;
    memcpy(room + HEAD_BYTES + record.len, sum, SUM_BYTES);
    return HEAD_BYTES + record.len + SUM_BYTES;
}

/* ---- a record's two files ---- */

struct side {
    bool whole;
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
    *out = (struct side) { .room = malloc(FILE_ROOM) };
    if (out->room == NULL || !side_path(store, name, which, path))
        return;
    const struct ln_files *files = &store->env->files;
    if (files->read(files->ctx, path, ln_mspan(out->room, FILE_ROOM), &len) == LN_OK)
        out->whole = store_read(store->env, ln_span(out->room, len), &out->number, &out->record);
}

static void read_sides(const struct store *store, const char *name, struct side sides[2])
{
    read_side(store, name, 0, &sides[0]);
    read_side(store, name, 1, &sides[1]);
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

enum ln_status store_load(const struct store *store, const char *name, struct ln_mspan room,
                          size_t *len)
{
    struct side sides[2];
    enum ln_status st = LN_NOT_FOUND;
    read_sides(store, name, sides);
    const struct side *best = newest(sides);
    if (best != NULL) {
        *len = best->record.len;
        st = best->record.len <= room.len ? LN_OK : LN_NO_SPACE;
    }
    if (st == LN_OK && *len > 0)
        memcpy(room.data, best->record.data, *len);
    free_sides(sides);
    return st;
}

enum ln_status store_save(const struct store *store, const char *name, struct ln_span data)
{
    struct side sides[2];
    char path[PATH_ROOM];
    if (data.len > STORE_RECORD_MAX)
        return LN_NO_SPACE;
    read_sides(store, name, sides);
    const struct side *best = newest(sides);
    int which = best == &sides[0] ? 1 : 0; /* never over the one that counts */
    uint64_t number = best != NULL ? best->number + 1 : 1;
    uint8_t *room = sides[which].room;
    size_t len = room != NULL ? compose(store->env, room, number, data) : 0;
    enum ln_status st = LN_NO_MEMORY;
    if (len > 0 && side_path(store, name, which, path))
        st = store->env->files.replace(store->env->files.ctx, path, ln_span(room, len));
    free_sides(sides);
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

bool store_open(struct store *store, const struct ln_env *env, const char *folder, char *why,
                size_t why_size)
{
    static const uint8_t nothing = 0;
    char path[PATH_ROOM];
    struct stat about;
    store->env = env;
    int made = snprintf(store->folder, sizeof store->folder, "%s", folder);
    if (made < 0 || (size_t)made >= sizeof store->folder) {
        (void)snprintf(why, why_size, "the path of the state folder is too long");
        return false;
    }
    (void)snprintf(path, sizeof path, "%s", folder);
    if (!make_folders(path) || stat(folder, &about) != 0 || !S_ISDIR(about.st_mode)) {
        (void)snprintf(why, why_size,
                       "the state folder %.200s cannot be made (%s): nothing survives "
                       "a restart; make it, or name another with --state",
                       folder, strerror(errno));
        return false;
    }
    if ((about.st_mode & 077) != 0 && chmod(folder, 0700) != 0) {
        (void)snprintf(why, why_size,
                       "others can enter the state folder %.200s, and keys of sessions "
                       "are in it: run chmod 700 on it",
                       folder);
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/probe", folder);
    enum ln_status st = env->files.replace(env->files.ctx, path, ln_span(&nothing, 1));
    if (st == LN_OK)
        st = env->files.remove(env->files.ctx, path);
    if (st == LN_OK)
        return true;
    (void)snprintf(why, why_size,
                   "the state folder %.200s cannot be written (%s): nothing survives a "
                   "restart; %s",
                   folder, ln_status_meaning(st),
                   st == LN_NO_SPACE ? "make room on its disk"
                                     : "see that this user may write there, and that it is not "
                                       "mounted read-only");
    return false;
}
