/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of Firmware Update, and how they are kept over a restart. See <linnet/firmware.h>.
 *
 * What is saved: a version, state, result, what servers wrote, times, and a checksum over all; in
 * this order, numbers big-endian. Anything that does not fit is taken as nothing: Idle.
 */
#include "objects/firmware.h"

#define MAGIC "LNF1"
#define FIXED 4 + 1 + 1 + 1 + 4 + 8 + 8 + 2
#define FIXED_BYTES (FIXED)
#define SUM_BYTES 4

/* The last word must get out before an update begins; so long is waited for it at most. */
#define QUIET_MS 5000

/* ---- keeping ---- */

static void put(uint8_t **at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t take(const uint8_t **at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | *(*at)++;
    return value;
}

/* FNV-1a, 32 bits: against storage that tears, not against people. */
static uint32_t checksum(const uint8_t *data, size_t len)
{
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ data[i]) * 16777619u;
    return sum;
}

bool ln__firmware_save(struct ln_firmware *fw)
{
    uint8_t room[LN_FIRMWARE_STATE_MAX];
    uint8_t *at = room;
    size_t uri_len = strlen(fw->fields.uri);
    memcpy(at, MAGIC, 4);
    at += 4;
    put(&at, fw->state, 1);
    put(&at, fw->result, 1);
    put(&at, fw->fields.severity, 1);
    put(&at, fw->fields.defer_s, 4);
    put(&at, (uint64_t)fw->changed, 8);
    put(&at, (uint64_t)fw->install_by, 8);
    put(&at, uri_len, 2);
    memcpy(at, fw->fields.uri, uri_len);
    at += uri_len;
    put(&at, checksum(room, (size_t)(at - room)), SUM_BYTES);
    struct ln_span state = ln_span(room, (size_t)(at - room));
    if (fw->config.save(fw->config.user, state) == LN_OK)
        return true;
    ln_log(fw->env, LN_LOG_ERROR, "firmware",
           "the state could not be saved: after a restart the server may see another one");
    return false;
}

static bool is_whole(struct ln_span state)
{
    if (state.len < FIXED_BYTES + SUM_BYTES || memcmp(state.data, MAGIC, 4) != 0)
        return false;
    const uint8_t *at = state.data + state.len - SUM_BYTES;
    return take(&at, SUM_BYTES) == checksum(state.data, state.len - SUM_BYTES);
}

static bool read_state(struct ln_firmware *fw, struct ln_span state)
{
    if (!is_whole(state))
        return false;
    const uint8_t *at = state.data + 4;
    uint64_t what = take(&at, 1);
    uint64_t result = take(&at, 1);
    uint64_t severity = take(&at, 1);
    uint64_t defer_s = take(&at, 4);
    int64_t changed = (int64_t)take(&at, 8);
    int64_t install_by = (int64_t)take(&at, 8);
    size_t uri_len = (size_t)take(&at, 2);
    if (what > LN_FIRMWARE_UPDATING || result > LN_FIRMWARE_DEFERRED || severity > 2 ||
        uri_len > LN_FIRMWARE_URI_MAX || FIXED_BYTES + uri_len + SUM_BYTES != state.len)
        return false;
    fw->state = (enum ln_firmware_state)what;
    fw->result = (enum ln_firmware_result)result;
    fw->fields.severity = (uint8_t)severity;
    fw->fields.defer_s = (uint32_t)defer_s;
    fw->changed = changed;
    fw->install_by = install_by;
    memcpy(fw->fields.uri, at, uri_len);
    return true;
}

enum ln_status ln__firmware_load(struct ln_firmware *fw)
{
    uint8_t room[LN_FIRMWARE_STATE_MAX];
    size_t len = 0;
    fw->fields.severity = 1; /* mandatory: OMA's default */
    enum ln_status st = fw->config.load(fw->config.user, ln_mspan(room, sizeof room), &len);
    if (st == LN_NO_MEMORY)
        return st;
    if (st == LN_NOT_FOUND)
        return LN_OK;
    if (st != LN_OK || len > sizeof room || !read_state(fw, ln_span(room, len))) {
        ln_log(fw->env, LN_LOG_ERROR, "firmware",
               "the saved state cannot be used; beginning with Idle");
        fw->config.reset(fw->config.user);
        return LN_OK;
    }
    if (fw->state == LN_FIRMWARE_DOWNLOADING && fw->fields.uri[0] == 0)
        ln__firmware_reset(fw, LN_FIRMWARE_CONNECTION_LOST); /* a push ends with the connection */
    else if (fw->state == LN_FIRMWARE_DOWNLOADING)
        fw->pull_wanted = true;
    return LN_OK;
}

/* ---- states ---- */

static void stay_awake(struct ln_firmware *fw, bool awake)
{
    if (fw->awake != awake)
        ln_client_stay_awake(fw->client, awake);
    fw->awake = awake;
}

/* Take on a state, and save it. */
static bool take_on(struct ln_firmware *fw, enum ln_firmware_state state,
                    enum ln_firmware_result result)
{
    if (fw->state != state)
        fw->changed = fw->env->clock.wall(fw->env->clock.ctx);
    fw->result = result;
    fw->state = state;
    if (state != LN_FIRMWARE_DOWNLOADED)
        fw->install_by = 0;
    if (state != LN_FIRMWARE_UPDATING)
        fw->install_wanted = false;
    return ln__firmware_save(fw);
}

static void tell(struct ln_firmware *fw, bool moved)
{
    stay_awake(fw, fw->state == LN_FIRMWARE_DOWNLOADING || fw->state == LN_FIRMWARE_UPDATING);
    ln_client_changed(fw->client, 5, 0, 5);
    if (moved) {
        ln_client_changed(fw->client, 5, 0, 12);
        ln_client_changed(fw->client, 5, 0, 3);
    }
    ln_log(fw->env, LN_LOG_INFO, "firmware", "%s, result %s", ln_firmware_state_word(fw->state),
           ln_firmware_result_word(fw->result));
    if (fw->config.changed != NULL)
        fw->config.changed(fw->config.user, fw->state, fw->result);
}

void ln__firmware_enter(struct ln_firmware *fw, enum ln_firmware_state state,
                        enum ln_firmware_result result)
{
    bool moved = fw->state != state;
    (void)take_on(fw, state, result); /* a failure was told; all else goes on without it */
    tell(fw, moved);
}

bool ln__firmware_begin_update(struct ln_firmware *fw, ln_msec now)
{
    enum ln_firmware_result result = fw->result;
    int64_t changed = fw->changed;
    int64_t install_by = fw->install_by;
    if (!take_on(fw, LN_FIRMWARE_UPDATING, LN_FIRMWARE_INITIAL)) {
        fw->state = LN_FIRMWARE_DOWNLOADED;
        fw->result = result;
        fw->changed = changed;
        fw->install_by = install_by;
        return false;
    }
    fw->install_wanted = true;
    fw->install_at = now + QUIET_MS;
    tell(fw, true);
    return true;
}

void ln__firmware_reset(struct ln_firmware *fw, enum ln_firmware_result result)
{
    ln__firmware_pull_end(fw);
    ln_hasher_free(fw->hasher);
    fw->hasher = NULL;
    fw->pushing = false;
    fw->verifying = false;
    fw->pull_wanted = false;
    /* Idle is saved first: an image that nobody asks for any more does no harm, and a state without
     * its image would be a lie. */
    ln__firmware_enter(fw, LN_FIRMWARE_IDLE, result);
    fw->config.reset(fw->config.user);
}

void ln__firmware_defer(struct ln_firmware *fw)
{
    if (fw->state == LN_FIRMWARE_UPDATING && fw->fields.defer_s > 0)
        fw->install_by = fw->env->clock.wall(fw->env->clock.ctx) + fw->fields.defer_s;
    ln__firmware_enter(fw, LN_FIRMWARE_DOWNLOADED, LN_FIRMWARE_DEFERRED);
}

enum ln_firmware_result ln__firmware_word(enum ln_firmware_result said,
                                          enum ln_firmware_result otherwise)
{
    static const uint8_t words[] = { LN_FIRMWARE_NO_SPACE, LN_FIRMWARE_NO_MEMORY,
                                     LN_FIRMWARE_INTEGRITY, LN_FIRMWARE_PACKAGE_TYPE,
                                     LN_FIRMWARE_FAILED };
    for (size_t i = 0; i < LN_COUNT_OF(words); i++)
        if (words[i] == (unsigned)said)
            return said;
    return otherwise;
}

static void verified(struct ln_firmware *fw, enum ln_firmware_result result)
{
    fw->verifying = false;
    if (result == LN_FIRMWARE_INITIAL)
        ln__firmware_enter(fw, LN_FIRMWARE_DOWNLOADED, LN_FIRMWARE_INITIAL);
    else
        ln__firmware_reset(fw, ln__firmware_word(result, LN_FIRMWARE_INTEGRITY));
}

void ln__firmware_complete(struct ln_firmware *fw, uint64_t size, const uint8_t sha256[32])
{
    enum ln_firmware_result result = LN_FIRMWARE_INITIAL;
    fw->verifying = true;
    if (fw->config.verify != NULL)
        result = fw->config.verify(fw->config.user, size, sha256);
    if (result != LN_FIRMWARE_DEFERRED && fw->verifying)
        verified(fw, result);
}

void ln_firmware_verified(struct ln_firmware *fw, enum ln_firmware_result result)
{
    if (fw->verifying && fw->state == LN_FIRMWARE_DOWNLOADING && result != LN_FIRMWARE_DEFERRED)
        verified(fw, result);
}

enum ln_status ln_firmware_result(struct ln_firmware *fw, enum ln_firmware_result result)
{
    bool has_image = fw->state == LN_FIRMWARE_DOWNLOADED || fw->state == LN_FIRMWARE_UPDATING;
    bool fits = fw->state != LN_FIRMWARE_IDLE && result > LN_FIRMWARE_SUCCESS &&
                result < LN_FIRMWARE_DEFERRED && result != LN_FIRMWARE_CANCELLED;
    if (result == LN_FIRMWARE_SUCCESS)
        fits = fw->state == LN_FIRMWARE_UPDATING;
    if (result == LN_FIRMWARE_DEFERRED)
        fits = has_image;
    if (!fits)
        return LN_BAD_STATE;
    if (result == LN_FIRMWARE_DEFERRED)
        ln__firmware_defer(fw);
    else
        ln__firmware_reset(fw, result);
    return LN_OK;
}

const char *ln_firmware_state_word(enum ln_firmware_state state)
{
    static const char *const words[] = { "idle", "downloading", "downloaded", "updating" };
    return (unsigned)state < LN_COUNT_OF(words) ? words[state] : "?";
}

const char *ln_firmware_result_word(enum ln_firmware_result result)
{
    static const char *const words[] = {
        "initial",      "success", "no_space", "no_memory", "connection_lost", "integrity",
        "package_type", "bad_uri", "failed",   "protocol",  "cancelled",       "deferred",
    };
    return (unsigned)result < LN_COUNT_OF(words) ? words[result] : "?";
}
