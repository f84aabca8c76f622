/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file store.c
 * Two stores for what is kept of a connection: a folder of files, and memory for one peer.
 */
#include "tls/blob.h"
#include <linnet/tls.h>
#include <stdio.h>
#include <string.h>

/* ---- a folder ---- */

#define PATH_MAX_LEN 256

static bool path_of(const struct ln_session_folder *folder, const char *key,
                    char path[PATH_MAX_LEN])
{
    int len = snprintf(path, PATH_MAX_LEN, "%s/%s.session", folder->path, key);
    return len > 0 && len < PATH_MAX_LEN;
}

static enum ln_status folder_load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    const struct ln_session_folder *f = ctx;
    char path[PATH_MAX_LEN];
    if (!path_of(f, key, path))
        return LN_BAD_ARG;
    return f->env->files.read(f->env->files.ctx, path, room, len);
}

static enum ln_status folder_save(void *ctx, const char *key, struct ln_span blob)
{
    const struct ln_session_folder *f = ctx;
    char path[PATH_MAX_LEN];
    if (!path_of(f, key, path))
        return LN_BAD_ARG;
    return f->env->files.replace(f->env->files.ctx, path, blob);
}

static enum ln_status folder_remove(void *ctx, const char *key)
{
    const struct ln_session_folder *f = ctx;
    char path[PATH_MAX_LEN];
    if (!path_of(f, key, path))
        return LN_BAD_ARG;
    return f->env->files.remove(f->env->files.ctx, path);
}

struct ln_session_store ln_session_store_folder(struct ln_session_folder *folder)
{
    struct ln_session_store store = { folder_load, folder_save, folder_remove, folder };
    return store;
}

/* ---- memory for one peer ---- */

/** What is kept of a peer: a session, an association and its seal. The blobs lie one behind the other,
 *  in the order in which they were saved. */
static size_t start_of(const struct ln_session_slot *slot, size_t index)
{
    size_t at = 0;
    for (size_t i = 0; i < index; i++)
        at += slot->entry[i].len;
    return at;
}

/** LN_SLOT_ENTRIES if there is none. */
static size_t find(const struct ln_session_slot *slot, const char *key)
{
    for (size_t i = 0; i < LN_SLOT_ENTRIES; i++)
        if (slot->entry[i].len != 0 && strcmp(slot->entry[i].key, key) == 0)
            return i;
    return LN_SLOT_ENTRIES;
}

static void take_out(struct ln_session_slot *slot, size_t index)
{
    size_t len = slot->entry[index].len;
    size_t end = start_of(slot, LN_SLOT_ENTRIES);
    uint8_t *at = slot->blob + start_of(slot, index);
    memmove(at, at + len, (size_t)(slot->blob + end - at) - len);
    ln_wipe(slot->blob + end - len, len);
    for (size_t i = index; i + 1 < LN_SLOT_ENTRIES; i++)
        slot->entry[i] = slot->entry[i + 1];
    slot->entry[LN_SLOT_ENTRIES - 1].len = 0;
}

static enum ln_status slot_load(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    const struct ln_session_slot *slot = ctx;
    size_t i = find(slot, key);
    if (i == LN_SLOT_ENTRIES)
        return LN_NOT_FOUND;
    *len = slot->entry[i].len;
    if (room.len < *len)
        return LN_NO_SPACE;
    memcpy(room.data, slot->blob + start_of(slot, i), *len);
    return LN_OK;
}

static enum ln_status slot_remove(void *ctx, const char *key)
{
    struct ln_session_slot *slot = ctx;
    size_t i = find(slot, key);
    if (i == LN_SLOT_ENTRIES)
        return LN_NOT_FOUND;
    take_out(slot, i);
    return LN_OK;
}

static bool is_of_another_peer(const struct ln_session_slot *slot, const char *key)
{
    return slot->entry[0].len != 0 && memcmp(slot->entry[0].key, key, LN_BLOB_KEY_PEER) != 0;
}

/** What does not fit drives out the oldest. */
static enum ln_status slot_save(void *ctx, const char *key, struct ln_span blob)
{
    struct ln_session_slot *slot = ctx;
    size_t key_len = strlen(key);
    if (blob.len == 0 || blob.len > sizeof slot->blob || key_len != LN_BLOB_KEY_MAX - 1)
        return LN_NO_SPACE;
    (void)slot_remove(slot, key);
    while (is_of_another_peer(slot, key) || slot->entry[LN_SLOT_ENTRIES - 1].len != 0 ||
           start_of(slot, LN_SLOT_ENTRIES) + blob.len > sizeof slot->blob)
        take_out(slot, 0);
    size_t i = 0;
    while (slot->entry[i].len != 0)
        i++;
    memcpy(slot->blob + start_of(slot, i), blob.data, blob.len);
    memcpy(slot->entry[i].key, key, key_len + 1);
    slot->entry[i].len = blob.len;
    return LN_OK;
}

struct ln_session_store ln_session_store_slot(struct ln_session_slot *slot)
{
    struct ln_session_store store = { slot_load, slot_save, slot_remove, slot };
    return store;
}
