/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_UPDATE_H
#define LN_AGENT_UPDATE_H
/**
 * @file update.h
 * Firmware Update /5 with a hook: PROGRAM verify|install|confirm IMAGE.
 *
 * The hook's exit status is the answer: 0 yes; 2, 3, 5, 6, 8 that Update Result; of install 11: not
 * now. Anything else, a signal, or taking too long: 5 of verify, 8 of the others.
 *
 * How far an installation is, is saved beside the state: what was cut off is installed again after a
 * restart, three times at most; what was installed is confirmed, and the result is reported once,
 * because the state is saved with it.
 */
#include <linnet/firmware.h>

#include "config.h"
#include "hook.h"
#include "image.h"
#include "problems.h"

struct update {
    const struct config *config;
    struct problems *problems;
    struct ln_firmware *firmware; /**< NULL = there is no hook */
    struct hook hook;
    struct image image;
    struct failure failure;
    uint64_t size;
    uint8_t sha256[32];
    uint8_t attempts; /**< beginnings of this installation */
    ln_msec
        confirm_at; /**< the machine could not start it; LN_NEVER = there is nothing to try again */
    bool restart;   /**< the agent is to be executed anew */
    bool stops;     /**< nothing new begins: update_stop() */
    void (*changed)(void *user);
    void *user;
};

/** Add /5 to the client, if the configuration has a hook. All is borrowed until update_end(). */
LN_MUST_USE enum ln_status update_begin(struct update *update, struct ln_client *client,
                                        const struct config *config, const struct store *store,
                                        struct problems *problems, struct ln_diag *diag);
/** Before the client is freed. What the hook does is cut off. */
void update_end(struct update *update);
/** The agent is about to end: a hook that installs or confirms goes on, and must be waited for; all else
 *  is cut off, and done again after the next start. Nothing new begins.
 *  @param until  receives when that hook ends at the latest
 *  @return one runs */
bool update_stop(struct update *update, ln_msec *until);
void update_watch(struct update *update, struct loop *loop);
void update_step(struct update *update, ln_msec now);

#endif
