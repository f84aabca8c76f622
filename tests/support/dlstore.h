/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_DLSTORE_H
#define LN_TESTS_DLSTORE_H
/**
 * @file dlstore.h
 * Storage for downloads in memory, which fails, forgets and loses power on command.
 */
#include <linnet/download.h>

enum { DL_ROOM = 1 << 20 };

enum dl_call { DL_BEGIN = 0, DL_RESERVE, DL_WRITE, DL_READ, DL_SYNC, DL_LOAD, DL_SAVE, DL_CALLS };

struct dl_store {
    uint8_t bytes[DL_ROOM];
    size_t len;
    uint8_t state[LN_DOWNLOAD_STATE_MAX];
    size_t state_len;  /**< 0 = none */
    uint64_t reserved; /**< the size that was told last */
    uint64_t calls[DL_CALLS];
    /** That call, counted from 1, fails with `status`; 0 = none does. */
    enum dl_call fails;
    uint64_t fail_at;
    enum ln_status status;
    bool busy; /**< writes say LN_AGAIN */
    /* what a loss of power leaves */
    size_t synced;
    /** Called behind each call that succeeded; NULL = not. */
    void (*hook)(void *user, enum dl_call call);
    void *user;
};

/** Its functions; everything is supported. */
struct ln_download_store dl_store_ops(struct dl_store *store);
/** Empty, with counters at 0. */
void dl_store_clear(struct dl_store *store);
/** What was not synced is gone, or is junk. */
void dl_store_lose_power(struct dl_store *store, bool junk);
bool dl_store_holds(const struct dl_store *store, struct ln_span content);

/** Step and wait in virtual time until it is over, or waits for nothing (suspended, held). @return
 *  what step() said last */
enum ln_status dl_drive(struct ln_download *download, const struct ln_env *env);

#endif
