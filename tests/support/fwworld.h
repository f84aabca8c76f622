/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_FWWORLD_H
#define LN_TESTS_FWWORLD_H
/**
 * @file fwworld.h
 * A device with Firmware Update /5 at a scripted LwM2M server, under virtual time.
 *
 * What the application keeps (`device`: image, states, what it was asked) outlives the client, so that
 * a test may end the program and start it again. Functions fail the running test where they cannot do
 * what they say.
 */
#include "support/dlstore.h"
#include "support/lwworld.h"

#include <linnet/firmware.h>

struct fw_device {
    struct dl_store store; /**< the image */
    uint8_t state[LN_FIRMWARE_STATE_MAX];
    size_t state_len; /**< 0 = none */
    unsigned resets, installs, verifies, saves;
    enum ln_firmware_result verify, install; /**< what they say */
    uint8_t sha256[32];                      /**< as `verify` was told */
    char changes[200];                       /**< "1/0 2/0 " */
    enum ln_status save, load;               /**< what they say */
    bool fail_memory; /**< the next allocation fails when it begins to download */
};

struct fw_world {
    struct lw_world lw;
    struct ln_firmware *fw;
    struct fw_device device;
    /* of the next fw_boot(); fw_clear() sets their defaults */
    struct lw_options options;
    struct ln_firmware_config config; /**< store, functions and user are filled in */
    /** Called between the making of the world and the first step, and before it is freed; NULL. */
    void (*on_boot)(struct fw_world *w);
    void (*on_halt)(struct fw_world *w);
    /** Called when state or result changed; NULL. */
    void (*on_change)(struct fw_world *w, enum ln_firmware_state state);
};

/** A new device: nothing was ever stored, and it has not booted. */
void fw_clear(struct fw_world *w);
/** Start the program, and wait until it is registered. */
void fw_boot(struct fw_world *w);
/** The same in a trial of a sweep (options.trial), as far as it comes: it does not wait. */
enum ln_status fw_try_boot(struct fw_world *w);
/** End it; `device` stays. */
void fw_halt(struct fw_world *w);

/* ---- what the server does; the answer's code, 0: none came ---- */

/** Write 5/0/0, in blocks of `szx` (-1: in one message). */
uint8_t fw_push(struct fw_world *w, const void *data, size_t len, int szx);
uint8_t fw_execute(struct fw_world *w, const char *path);
uint8_t fw_write_uri(struct fw_world *w, const char *uri);
/** Write a URI, and wait until the download is over, at most for an hour. */
void fw_pull(struct fw_world *w, const char *uri);

/* ---- what is seen ---- */

/** State and result, as the server reads them, are these: "2/0". */
void fw_must_be(struct fw_world *w, const char *what, const char *expected);
/** Wait until the state is another one than Downloading. @return whether it came within `ms` */
bool fw_run_until_over(struct fw_world *w, int64_t ms);

#endif
