/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_OBJECTS_FIRMWARE_H
#define LN_OBJECTS_FIRMWARE_H
/**
 * @file firmware.h
 * What the files of the object Firmware Update share: firmware.c (the object and its requests),
 * firmware_state.c (states, and how they are kept), firmware_pull.c (the download and its security).
 */
#include <linnet/digest.h>
#include <linnet/firmware.h>
#include <linnet/objects.h>

#define LN_FIRMWARE_URI_MAX 255

/** The instance /5/0: what servers write. Copied in transactions. */
struct ln__firmware_fields {
    char uri[LN_FIRMWARE_URI_MAX + 1];
    uint32_t uri_writes; /* counts: the same URI may be written again */
    uint8_t severity;
    uint32_t defer_s;
};

struct ln_firmware {
    const struct ln_env *env;
    struct ln_client *client;
    struct ln_firmware_config config;
    struct ln__firmware_fields fields;
    struct ln_client_job job;
    enum ln_firmware_state state;
    enum ln_firmware_result result;
    int64_t changed;
    int64_t install_by;

    /* pull */
    struct ln_download *download;
    bool pull_wanted; /* begins with the next step */
    bool suspended;

    /* push */
    struct ln_hasher *hasher;
    uint64_t received;
    bool pushing;
    uint16_t pusher; /* the server whose push it is */
    uint16_t
        nul_from; /* its value began with a 0: is it all? then it is a reset. LN_ID_NONE: none */

    bool verifying; /* the application will say */
    uint64_t verify_size;
    uint8_t sha256[32];
    bool install_wanted; /* begins when all was said */
    ln_msec install_at;  /* at the latest */
    bool awake;          /* no sleep in queue mode */
    struct ln_diag diag;
};

/* ---- firmware_state.c ---- */

/** Result first, then State; saved, and told to observers and the application. */
void ln__firmware_enter(struct ln_firmware *fw, enum ln_firmware_state state,
                        enum ln_firmware_result result);
/** Downloaded becomes Updating, and the installation follows when all was said. False: that state
 *  could not be saved, and without it nothing irreversible may begin. Nothing has changed. */
bool ln__firmware_begin_update(struct ln_firmware *fw, ln_msec now);
/** What was saved; nothing, or something damaged: Idle. LN_NO_MEMORY: nobody knows. */
enum ln_status ln__firmware_load(struct ln_firmware *fw);
bool ln__firmware_save(struct ln_firmware *fw);
/** The image is complete: verify, then Downloaded or Idle. */
void ln__firmware_complete(struct ln_firmware *fw, uint64_t size, const uint8_t sha256[32]);
/** Not now: Downloaded again, for as long as the server allows if it had asked for the update. */
void ln__firmware_defer(struct ln_firmware *fw);
/** What a handler may say of an image that it refuses; `otherwise` if it says anything else. */
enum ln_firmware_result ln__firmware_word(enum ln_firmware_result said,
                                          enum ln_firmware_result otherwise);
/** Drop the image and whatever runs: Idle. */
void ln__firmware_reset(struct ln_firmware *fw, enum ln_firmware_result result);

/* ---- firmware_pull.c ---- */

void ln__firmware_pull_step(struct ln_firmware *fw, ln_msec now);
void ln__firmware_pull_end(struct ln_firmware *fw);
enum ln_firmware_result ln__firmware_result_of(enum ln_download_reason reason);

#endif
