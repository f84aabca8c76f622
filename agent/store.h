/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_STORE_H
#define LN_AGENT_STORE_H
/**
 * @file store.h
 * What must survive: named records in the state folder.
 *
 * After a loss of power at any moment a record is the old one or the new one, whole. Each has two
 * files, NAME.0 and NAME.1, written in turn; both have a header with a version, a number that rises,
 * and a SHA-256 over all, and what is read is the newest that is whole. So the store holds even where
 * a file system tears the last write or takes a rename back.
 *
 * The folder is 0700, files are 0600 (env.h). A record holds at most STORE_RECORD_MAX bytes.
 */
#include <linnet/env.h>

#define STORE_RECORD_MAX 65536u
#define STORE_FOLDER_MAX 3900

#define STORE_WHY_MAX 512

struct store {
    const struct ln_env *env;
    char folder[STORE_FOLDER_MAX];
    bool good; /**< store_open() was content; else its sentence stands until it is */
    /** How store_open() and each store_save() went: NULL = well, else one sentence for a person: what
     *  failed, and what to do. Set before store_open(); may be NULL. */
    void (*told)(void *user, const char *why);
    void *user;
};

/** Make the folder if it is missing, and see that only this user can enter it and write there. May be
 *  called again, to look whether it has become well.
 *  @return false: it was told. The store may be used all the same: what can be read is. */
bool store_open(struct store *store, const struct ln_env *env, const char *folder);

/** Replace a record. When it returns LN_OK the new one survives a loss of power; what fails leaves the
 *  record as it was. */
LN_MUST_USE enum ln_status store_save(const struct store *store, const char *name,
                                      struct ln_span data);
/**
 * Read a record.
 * @retval LN_NOT_FOUND  there is none, or none that is whole
 * @retval LN_NO_MEMORY  it was not looked at
 * @retval LN_NO_SPACE   it is longer than the room
 */
LN_MUST_USE enum ln_status store_load(const struct store *store, const char *name,
                                      struct ln_mspan room, size_t *len);

/** Take a file apart: the record in it and its number. For store_load().
 *  @retval LN_BAD_PEER  it is not whole; LN_NO_MEMORY: nobody knows */
LN_MUST_USE enum ln_status store_read(const struct ln_env *env, struct ln_span file,
                                      uint64_t *number, struct ln_span *record);

#endif
