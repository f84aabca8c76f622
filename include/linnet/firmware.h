/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_FIRMWARE_H
#define LN_FIRMWARE_H
/**
 * @file firmware.h
 * Firmware Update /5, version 1.1: from the server's wish to the restart with the new image.
 *
 * Life:      ln_firmware_new (adds the object to the client) -> the client's steps drive it ->
 *            ln_firmware_free before ln_client_free.
 * Restart:   after the program, or the machine, has restarted, ln_firmware_new() goes on from the
 *            state that `save` kept: a download continues, a finished one is still there, and for
 *            an update that was under way you say how it went: ln_firmware_result().
 * Threads:   the client's.
 * Memory:    one allocation; while a download runs, the download's (download.h).
 * Errors:    the server sees State (5/0/3) and Update Result (5/0/5); people see
 *            ln_firmware_info() and the log.
 * Example:   examples/03_firmware_https.c, docs/howto-firmware.md
 *
 * State is told before anything irreversible happens, Result is set before State, and every state is
 * told to observers by itself.
 */
#include <linnet/client.h>
#include <linnet/cpp.h>
#include <linnet/download.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_firmware;

/** 5/0/3 */
enum ln_firmware_state {
    LN_FIRMWARE_IDLE = 0,
    LN_FIRMWARE_DOWNLOADING,
    LN_FIRMWARE_DOWNLOADED,
    LN_FIRMWARE_UPDATING,
};

/** 5/0/5 */
enum ln_firmware_result {
    LN_FIRMWARE_INITIAL = 0,
    LN_FIRMWARE_SUCCESS,
    LN_FIRMWARE_NO_SPACE,
    LN_FIRMWARE_NO_MEMORY,
    LN_FIRMWARE_CONNECTION_LOST,
    LN_FIRMWARE_INTEGRITY,
    LN_FIRMWARE_PACKAGE_TYPE,
    LN_FIRMWARE_BAD_URI,
    LN_FIRMWARE_FAILED,
    LN_FIRMWARE_PROTOCOL,
    LN_FIRMWARE_CANCELLED,
    LN_FIRMWARE_DEFERRED,
};

/** "idle", "downloading" ...; "initial", "success" ... Never NULL. */
LN_API const char *ln_firmware_state_word(enum ln_firmware_state state);
LN_API const char *ln_firmware_result_word(enum ln_firmware_result result);

/** The longest state that is handed to `save`. */
#define LN_FIRMWARE_STATE_MAX 512

/** Settings, copied; start from LN_FIRMWARE_CONFIG_INIT. Functions and what they use must outlive the
 *  object. */
struct ln_firmware_config {
    size_t size;
    /** Where an image goes, pushed or pulled: see download.h. For a push, `begin` is called with 0,
     *  `reserve` with the size that the server announces (Size1), if it does: a hint, which may be
     *  wrong; read, load and save are not. Required: begin, write. A `write` that says LN_AGAIN holds a pull
     *  until ln_firmware_ready(); a push it cannot hold, for each block wants its answer: the store
     *  has to take the next one when it comes, or fail. */
    struct ln_download_store store;
    /** The image is complete: is it whole, of our type, signed by the right one? Called once, before
     *  State becomes Downloaded. LN_FIRMWARE_INITIAL = yes; INTEGRITY, PACKAGE_TYPE, NO_SPACE,
     *  NO_MEMORY, FAILED = no; anything else counts as INTEGRITY. NULL: yes. `sha256` is zero for
     *  pushed images if no digest is at hand.
     *  For work that takes time: return LN_FIRMWARE_DEFERRED and call ln_firmware_verified() later. */
    enum ln_firmware_result (*verify)(void *user, uint64_t size, const uint8_t sha256[32]);
    /** Forget the image, whatever there is of it. Required. May come at any time. */
    void (*reset)(void *user);
    /** Install it: State is Updating and saved, the answer and all notifications are out.
     *  LN_FIRMWARE_INITIAL = under way: the device will restart, or ln_firmware_result() follows;
     *  LN_FIRMWARE_DEFERRED = not now: Downloaded again; NO_SPACE, NO_MEMORY, INTEGRITY, PACKAGE_TYPE
     *  and FAILED = it failed: Idle. Anything else counts as FAILED. Required. */
    enum ln_firmware_result (*install)(void *user);
    /** 5/0/6 and 5/0/7 while there is an image; NULL = there are none. */
    const char *(*package_name)(void *user);
    const char *(*package_version)(void *user);
    /** Security of a pull: asked first. LN_NOT_FOUND: ask the data model and then the credentials
     *  below. NULL: likewise. */
    ln_download_secure *security;
    struct ln_source trust; /**< of https and coaps servers that no account matches; files are read
                                 anew for each connection, so that they may change */
    bool system_trust;
    struct ln_source chain; /**< the device's own certificate, for servers that ask */
    struct ln_source key;
    /** Keep the object's state, at most LN_FIRMWARE_STATE_MAX bytes, over a loss of power; and give
     *  it back (LN_NOT_FOUND: nothing; LN_NO_MEMORY: not looked at, and ln_firmware_new() fails with
     *  it; anything else: it is lost, and so is the image). Required, both. */
    enum ln_status (*save)(void *user, struct ln_span state);
    enum ln_status (*load)(void *user, struct ln_mspan room, size_t *len);
    /** Something changed; may be NULL. */
    void (*changed)(void *user, enum ln_firmware_state state, enum ln_firmware_result result);
    void *user;
    uint64_t size_max;     /**< larger images are refused with NO_SPACE; 0 = no limit */
    uint32_t attempts_max; /**< of a pull, see download.h; 0 = its default */
    uint64_t time_max_ms;  /**< likewise */
    uint64_t rate_max;     /**< likewise: bytes in a second; 0 = no limit */
    uint32_t timeout_ms;   /**< longest silence of its server, see download.h; 0 = its default */
    struct ln_coap_timing coap; /**< of a pull by coap and coaps; all zero = RFC 7252's */
    struct ln_sock_options sock;
};
#define LN_FIRMWARE_CONFIG_INIT LN__SIZED(struct ln_firmware_config)

/**
 * Add object 5 to a client, in the state that was saved.
 *
 * @param diag  may be NULL
 * @param out   *out must be NULL; the caller's
 * @retval LN_BAD_ARG    a function is missing; diag names it
 * @retval LN_BAD_STATE  the client has an object 5
 * @retval LN_NO_MEMORY  nothing was added
 */
LN_MUST_USE LN_API enum ln_status ln_firmware_new(struct ln_client *client,
                                                  const struct ln_firmware_config *config,
                                                  struct ln_diag *diag, struct ln_firmware **out);
/** The state stays saved. NULL is allowed. */
LN_API void ln_firmware_free(struct ln_firmware *fw);

/** `verify` said LN_FIRMWARE_DEFERRED: this is its result. Ignored if it waits for none. */
LN_API void ln_firmware_verified(struct ln_firmware *fw, enum ln_firmware_result result);

/**
 * How an update went: after the restart, or later than `install` returned.
 * @param result  SUCCESS or FAILED in state Updating; other errors in any state but Idle; DEFERRED
 *                goes back to Downloaded, from there and from Updating
 * @retval LN_BAD_STATE  it does not fit the state; nothing changed
 */
LN_MUST_USE LN_API enum ln_status ln_firmware_result(struct ln_firmware *fw,
                                                     enum ln_firmware_result result);

/** `write` of the store said LN_AGAIN: it can take more. */
LN_API void ln_firmware_ready(struct ln_firmware *fw);

/** Stop a pull for a while, and go on; reconnect: the network has changed. */
LN_API void ln_firmware_suspend(struct ln_firmware *fw, bool suspended);
LN_API void ln_firmware_reconnect(struct ln_firmware *fw);

struct ln_firmware_info {
    enum ln_firmware_state state;
    enum ln_firmware_result result;
    bool downloading; /**< `download` counts */
    struct ln_download_info download;
    uint64_t received;          /**< bytes of a push */
    int64_t changed;            /**< wall clock of the last change of state; 5/0/12 */
    int64_t install_by;         /**< wall clock, from 5/0/13; 0 = none */
    uint8_t severity;           /**< 5/0/11 */
    const char *uri;            /**< 5/0/1; "" */
    const struct ln_diag *diag; /**< of the last failure; borrowed until the next step */
};
LN_API void ln_firmware_info(const struct ln_firmware *fw, struct ln_firmware_info *out);

#ifdef __cplusplus
}
#endif
#endif
