/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware Update /5, version 1.1 (OMA object 5): the object, and what servers ask of it. See
 * <linnet/firmware.h>.
 *
 * Requests by state (D: Downloading, R: Downloaded, U: Updating; all else is 4.05):
 *   Package     Idle: a push begins; D, R: 4.00; U: 4.05; a single NUL or nothing resets in I, D, R
 *   Package URI Idle: a pull begins; D, R: 4.00; U: 4.05; an empty one resets in I, D, R
 *   Update      R
 *   Cancel      D, R
 */
#include "objects/firmware.h"

/* A deferred update whose time has come and which cannot begin is tried again after so long. */
#define AGAIN_S 60

#define R LN_RES_READ
#define W LN_RES_WRITE
#define FIELDS struct ln__firmware_fields

static const struct ln_resource resources[] = {
    LN_RESOURCE_OPS(0, LN_VALUE_OPAQUE, W | LN_RES_STREAMED | LN_RES_MANDATORY),
    LN_RESOURCE_OPS(1, LN_VALUE_STRING, R | W),
    LN_RESOURCE_EXECUTE(2, LN_RES_MANDATORY),
    LN_RESOURCE_OPS(3, LN_VALUE_INTEGER, R | LN_RES_MANDATORY),
    LN_RESOURCE_OPS(5, LN_VALUE_INTEGER, R | LN_RES_MANDATORY),
    LN_RESOURCE_OPS(6, LN_VALUE_STRING, R),
    LN_RESOURCE_OPS(7, LN_VALUE_STRING, R),
    LN_RESOURCE_OPS(8, LN_VALUE_INTEGER, R | LN_RES_MULTIPLE),
    LN_RESOURCE_OPS(9, LN_VALUE_INTEGER, R | LN_RES_MANDATORY),
    LN_RESOURCE_EXECUTE(10, 0),
    LN_RESOURCE(11, LN_VALUE_INTEGER, R | W, FIELDS, severity),
    LN_RESOURCE_OPS(12, LN_VALUE_TIME, R),
    LN_RESOURCE(13, LN_VALUE_UNSIGNED, R | W, FIELDS, defer_s),
};

/* ---- reading ---- */

/* /5/0/8: what this build speaks, in OMA's numbers. */
static const enum ln_uri_scheme protocols[] = { LN_URI_COAP,  LN_URI_COAPS,    LN_URI_HTTP,
                                                LN_URI_HTTPS, LN_URI_COAP_TCP, LN_URI_COAPS_TCP };

static const char *package_text(const struct ln_firmware *fw, uint16_t rid)
{
    const char *(*get)(void *user) =
        rid == 6 ? fw->config.package_name : fw->config.package_version;
    bool has_image = fw->state == LN_FIRMWARE_DOWNLOADED || fw->state == LN_FIRMWARE_UPDATING;
    return has_image && get != NULL ? get(fw->config.user) : NULL;
}

static bool exists(const struct ln_at *at)
{
    uint16_t rid = at->resource->id;
    return (rid != 6 && rid != 7) || package_text(at->user, rid) != NULL;
}

static uint16_t next_riid(const struct ln_at *at, uint16_t after)
{
    (void)at;
    for (size_t i = after == LN_ID_NONE ? 0 : after + 1u; i < LN_COUNT_OF(protocols); i++)
        if (ln_download_speaks(protocols[i]))
            return (uint16_t)i;
    return LN_ID_NONE;
}

static enum ln_answer read(const struct ln_at *at, struct ln_value *out)
{
    const struct ln_firmware *fw = at->user;
    const struct ln__firmware_fields *fields = at->instance;
    switch (at->resource->id) {
    case 1:
        *out = ln_value_string(fields->uri);
        return LN_ANSWER_OK;
    case 3:
        *out = ln_value_integer(fw->state);
        return LN_ANSWER_OK;
    case 5:
        *out = ln_value_integer(fw->result);
        return LN_ANSWER_OK;
    case 8:
        if (at->riid >= LN_COUNT_OF(protocols) || !ln_download_speaks(protocols[at->riid]))
            return LN_ANSWER_NOT_FOUND;
        *out = ln_value_integer(at->riid);
        return LN_ANSWER_OK;
    case 9:
        *out = ln_value_integer(2); /* pull and push */
        return LN_ANSWER_OK;
    case 12:
        *out = ln_value_time(fw->changed);
        return LN_ANSWER_OK;
    default:
        *out = ln_value_string(package_text(fw, at->resource->id));
        return LN_ANSWER_OK;
    }
}

/* ---- writing: URI, severity, deferral ---- */

/* Into the transaction's copy; acted on in `written`. */
static enum ln_answer write(const struct ln_at *at, const struct ln_value *value)
{
    struct ln__firmware_fields *fields = at->instance;
    struct ln_span uri = value->as.bytes;
    if (uri.len > LN_FIRMWARE_URI_MAX || (uri.len > 0 && memchr(uri.data, 0, uri.len) != NULL))
        return LN_ANSWER_BAD_REQUEST;
    memset(fields->uri, 0, sizeof fields->uri);
    if (uri.len > 0)
        memcpy(fields->uri, uri.data, uri.len);
    fields->uri_writes++;
    return LN_ANSWER_OK;
}

/* A replacing Write that leaves the URI out leaves it alone. */
static enum ln_answer clear(const struct ln_at *at)
{
    (void)at;
    return LN_ANSWER_OK;
}

static enum ln_answer check_uri(struct ln_firmware *fw, const struct ln__firmware_fields *fields)
{
    struct ln_uri uri;
    if (fw->state == LN_FIRMWARE_UPDATING)
        return LN_ANSWER_NOT_ALLOWED;
    if (fields->uri[0] == 0)
        return LN_ANSWER_OK;
    if (fw->state != LN_FIRMWARE_IDLE)
        return LN_ANSWER_BAD_REQUEST;
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    enum ln_status st = ln_uri_read(ln_span_str(fields->uri), &uri, &problem);
    if (st == LN_OK && ln_download_speaks(uri.scheme))
        return LN_ANSWER_OK;
    bool unknown = st == LN_OK || problem == LN_URI_PROBLEM_SCHEME;
    ln__firmware_enter(fw, LN_FIRMWARE_IDLE, unknown ? LN_FIRMWARE_PROTOCOL : LN_FIRMWARE_BAD_URI);
    return LN_ANSWER_BAD_REQUEST;
}

static enum ln_answer validate(const struct ln_at *at, const void *was)
{
    const struct ln__firmware_fields *now = at->instance;
    const struct ln__firmware_fields *before = was;
    if (now->severity > 2)
        return LN_ANSWER_BAD_REQUEST;
    return now->uri_writes != before->uri_writes ? check_uri(at->user, now) : LN_ANSWER_OK;
}

static void written(const struct ln_at *at, const void *was)
{
    struct ln_firmware *fw = at->user;
    const struct ln__firmware_fields *before = was;
    if (fw->fields.uri_writes == before->uri_writes) {
        (void)ln__firmware_save(fw); /* a failure was told */
        return;
    }
    if (fw->fields.uri[0] == 0) {
        ln__firmware_reset(fw, LN_FIRMWARE_INITIAL);
        return;
    }
    ln_diag_clear(&fw->diag);
    fw->pull_wanted = true; /* in the next step: nothing is sent from within a Write */
    ln__firmware_enter(fw, LN_FIRMWARE_DOWNLOADING, LN_FIRMWARE_INITIAL);
}

/* ---- writing: the package ---- */

/* Make room. What a server announces (Size1) is a hint: how much it is shows at its end. */
static enum ln_status begin_store(struct ln_firmware *fw, uint32_t size)
{
    const struct ln_download_store *store = &fw->config.store;
    if (size == LN_COAP_SIZE_UNKNOWN)
        return store->begin(store->ctx, 0, &fw->diag);
    if (fw->config.size_max != 0 && size > fw->config.size_max)
        return LN_NO_SPACE;
    enum ln_status st = store->begin(store->ctx, 0, &fw->diag);
    if (st == LN_OK && store->reserve != NULL)
        st = store->reserve(store->ctx, size, &fw->diag);
    return st;
}

static enum ln_firmware_result begin_push(struct ln_firmware *fw, uint16_t ssid, uint32_t size)
{
    ln_diag_clear(&fw->diag);
    fw->received = 0;
    fw->pushing = true;
    fw->pusher = ssid;
    fw->fields.uri[0] = 0;
    enum ln_status st = ln_hasher_new(fw->env, LN_SHA256, &fw->hasher);
    if (st == LN_OK)
        st = begin_store(fw, size);
    if (st == LN_OK) {
        ln__firmware_enter(fw, LN_FIRMWARE_DOWNLOADING, LN_FIRMWARE_INITIAL);
        return LN_FIRMWARE_INITIAL;
    }
    return st == LN_NO_MEMORY ? LN_FIRMWARE_NO_MEMORY : LN_FIRMWARE_NO_SPACE;
}

static enum ln_firmware_result store_piece(struct ln_firmware *fw, struct ln_span piece)
{
    const struct ln_download_store *store = &fw->config.store;
    if (piece.len == 0 || !fw->pushing)
        return LN_FIRMWARE_INITIAL;
    if (fw->config.size_max != 0 && fw->received + piece.len > fw->config.size_max)
        return LN_FIRMWARE_NO_SPACE;
    enum ln_status st = store->write(store->ctx, fw->received, piece, &fw->diag);
    if (st != LN_OK && st != LN_AGAIN) /* AGAIN: it was taken */
        return st == LN_NO_MEMORY ? LN_FIRMWARE_NO_MEMORY : LN_FIRMWARE_NO_SPACE;
    if (!fw->pushing)
        return LN_FIRMWARE_INITIAL;
    ln_hasher_update(fw->hasher, piece);
    fw->received += piece.len;
    return LN_FIRMWARE_INITIAL;
}

static void finish_push(struct ln_firmware *fw)
{
    const struct ln_download_store *store = &fw->config.store;
    uint8_t hash[LN_HASH_MAX] = { 0 };
    enum ln_status st = ln_hasher_value(fw->hasher, hash);
    if (st == LN_OK && store->sync != NULL)
        st = store->sync(store->ctx, &fw->diag);
    if (!fw->pushing)
        return;
    if (st != LN_OK) {
        ln__firmware_reset(fw, LN_FIRMWARE_NO_SPACE);
        return;
    }
    fw->pushing = false;
    ln_hasher_free(fw->hasher);
    fw->hasher = NULL;
    ln__firmware_complete(fw, fw->received, hash);
}

/* Each function of the application may end the push from within, by ln_firmware_result(): then it is
 * not `pushing` any more, and its result stands. */
static enum ln_answer take_push(const struct ln_at *at, uint32_t size, struct ln_span piece,
                                bool last)
{
    static const uint8_t nul = 0;
    struct ln_firmware *fw = at->user;
    bool held = fw->nul_from == at->ssid;
    enum ln_firmware_result result = LN_FIRMWARE_INITIAL;
    if (!fw->pushing)
        result = begin_push(fw, at->ssid, size);
    if (result == LN_FIRMWARE_INITIAL && held)
        result = store_piece(fw, ln_span(&nul, 1));
    if (held)
        fw->nul_from = LN_ID_NONE;
    if (result == LN_FIRMWARE_INITIAL)
        result = store_piece(fw, piece);
    if (result != LN_FIRMWARE_INITIAL && fw->pushing)
        ln__firmware_reset(fw, result);
    if (!fw->pushing)
        return LN_ANSWER_INTERNAL;
    if (last)
        finish_push(fw);
    return LN_ANSWER_OK;
}

/* A value begins, or goes on where the push of the same server is. Whoever else writes in between is
 * refused, and so is the rest of a push that was ended meanwhile: neither may get into an image. */
static enum ln_answer write_piece(const struct ln_at *at, uint32_t offset, uint32_t size,
                                  struct ln_span piece, bool last)
{
    struct ln_firmware *fw = at->user;
    bool held = fw->nul_from == at->ssid;
    bool begins = offset == 0 || (held && offset == 1);
    if (held && offset != 1)
        fw->nul_from = LN_ID_NONE;
    if (fw->state == LN_FIRMWARE_UPDATING)
        return LN_ANSWER_NOT_ALLOWED;
    if (begins && last && piece.len == 0) {
        fw->nul_from = LN_ID_NONE; /* a single NUL, or nothing at all */
        ln__firmware_reset(fw, LN_FIRMWARE_INITIAL);
        return LN_ANSWER_OK;
    }
    if (offset == 0 && piece.len == 1 && piece.data[0] == 0 && !last) {
        fw->nul_from = at->ssid;
        return LN_ANSWER_OK;
    }
    bool goes_on = fw->pushing && fw->pusher == at->ssid && offset == fw->received;
    if (begins ? fw->state != LN_FIRMWARE_IDLE : !goes_on)
        return LN_ANSWER_BAD_REQUEST;
    return take_push(at, size, piece, last);
}

static void write_dropped(const struct ln_at *at)
{
    struct ln_firmware *fw = at->user;
    if (fw->nul_from == at->ssid)
        fw->nul_from = LN_ID_NONE;
    if (fw->pushing && fw->pusher == at->ssid)
        ln__firmware_reset(fw, LN_FIRMWARE_CONNECTION_LOST);
}

/* ---- executing ---- */

static enum ln_answer execute(const struct ln_at *at, const struct ln_args *args)
{
    struct ln_firmware *fw = at->user;
    (void)args;
    if (at->resource->id == 2) {
        if (fw->state != LN_FIRMWARE_DOWNLOADED)
            return LN_ANSWER_NOT_ALLOWED;
        return ln__firmware_begin_update(fw, ln_now(fw->env)) ? LN_ANSWER_OK : LN_ANSWER_INTERNAL;
    }
    if (fw->state != LN_FIRMWARE_DOWNLOADING && fw->state != LN_FIRMWARE_DOWNLOADED)
        return LN_ANSWER_NOT_ALLOWED;
    ln__firmware_reset(fw, LN_FIRMWARE_CANCELLED);
    return LN_ANSWER_OK;
}

static const struct ln_object_ops ops = {
    .read = read,
    .next_riid = next_riid,
    .exists = exists,
    .write = write,
    .clear = clear,
    .write_piece = write_piece,
    .write_dropped = write_dropped,
    .execute = execute,
    .validate = validate,
    .written = written,
};

static const struct ln_object object = {
    .id = 5,
    .version = "1.1",
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .flags = LN_OBJECT_SINGLE,
    .instance_size = sizeof(struct ln__firmware_fields),
    .ops = &ops,
};

/* ---- the job ---- */

static void install(struct ln_firmware *fw)
{
    fw->install_wanted = false;
    enum ln_firmware_result result = fw->config.install(fw->config.user);
    if (fw->state != LN_FIRMWARE_UPDATING || result == LN_FIRMWARE_INITIAL)
        return; /* the result came from within, or will come */
    if (result == LN_FIRMWARE_DEFERRED)
        ln__firmware_defer(fw);
    else
        ln__firmware_reset(fw, ln__firmware_word(result, LN_FIRMWARE_FAILED));
}

/* Deferred for as long as the server allows (5/0/13): now it is installed without asking. */
static bool is_overdue(const struct ln_firmware *fw)
{
    return fw->state == LN_FIRMWARE_DOWNLOADED && fw->install_by != 0 &&
           fw->env->clock.wall(fw->env->clock.ctx) >= fw->install_by;
}

static void step(void *user, ln_msec now)
{
    struct ln_firmware *fw = user;
    ln__firmware_pull_step(fw, now);
    if (is_overdue(fw) && !ln__firmware_begin_update(fw, now))
        fw->install_by = fw->env->clock.wall(fw->env->clock.ctx) + AGAIN_S;
    if (fw->install_wanted && (now >= fw->install_at || ln_client_is_quiet(fw->client)))
        install(fw);
}

static void interest(void *user, struct ln_interest *want)
{
    const struct ln_firmware *fw = user;
    if (fw->pull_wanted)
        want->ready = true;
    if (fw->download != NULL)
        ln_download_interest(fw->download, want);
    if (fw->install_wanted)
        ln_interest_until(want, fw->install_at);
    if (fw->install_wanted && ln_client_is_quiet(fw->client))
        want->ready = true;
    if (fw->state == LN_FIRMWARE_DOWNLOADED && fw->install_by != 0) {
        int64_t left = fw->install_by - fw->env->clock.wall(fw->env->clock.ctx);
        ln_interest_until(want, ln_now(fw->env) + (left > 0 ? left : 0) * 1000);
    }
}

/* ---- life ---- */

static enum ln_status check(const struct ln_firmware_config *c, struct ln_diag *diag)
{
    const struct {
        bool good;
        const char *what;
    } rows[] = {
        { c->size == sizeof *c, "start from LN_FIRMWARE_CONFIG_INIT" },
        { c->store.begin != NULL, "store.begin is missing" },
        { c->store.write != NULL, "store.write is missing" },
        { c->reset != NULL, "reset is missing" },
        { c->install != NULL, "install is missing" },
        { c->save != NULL && c->load != NULL, "save or load is missing" },
    };
    for (size_t i = 0; i < LN_COUNT_OF(rows); i++)
        if (!rows[i].good)
            return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                               "firmware: %s", rows[i].what);
    return LN_OK;
}

enum ln_status ln_firmware_new(struct ln_client *client, const struct ln_firmware_config *config,
                               struct ln_diag *diag, struct ln_firmware **out)
{
    const struct ln_env *env = ln_client_env(client);
    if (diag != NULL)
        ln_diag_clear(diag);
    enum ln_status st = check(config, diag);
    if (st != LN_OK)
        return st;
    struct ln_firmware *fw = ln_calloc(env, 1, sizeof *fw);
    if (fw == NULL)
        return LN_NO_MEMORY;
    fw->env = env;
    fw->client = client;
    fw->config = *config;
    fw->nul_from = LN_ID_NONE;
    fw->job = (struct ln_client_job) { .step = step, .interest = interest, .user = fw };
    st = ln_client_add_object(client, &object, fw, diag);
    if (st != LN_OK) {
        ln_free(env, fw);
        return st;
    }
    st = ln_client_add_instance(client, 5, 0, &fw->fields, NULL);
    if (st == LN_OK)
        st = ln__firmware_load(fw);
    if (st != LN_OK) {
        enum ln_status gone = ln_client_remove_object(client, 5);
        (void)gone; /* it was just added */
        ln_free(env, fw);
        return st;
    }
    ln_client_add_job(client, &fw->job);
    *out = fw;
    return LN_OK;
}

void ln_firmware_free(struct ln_firmware *fw)
{
    if (fw == NULL)
        return;
    ln_client_remove_job(fw->client, &fw->job);
    if (fw->awake)
        ln_client_stay_awake(fw->client, false);
    enum ln_status st = ln_client_remove_object(fw->client, 5);
    (void)st; /* it may have been removed before */
    ln_download_free(fw->download);
    ln_hasher_free(fw->hasher);
    ln_free(fw->env, fw);
}

void ln_firmware_ready(struct ln_firmware *fw)
{
    if (fw->download != NULL)
        ln_download_ready(fw->download);
}

void ln_firmware_suspend(struct ln_firmware *fw, bool suspended)
{
    fw->suspended = suspended;
    if (fw->download == NULL)
        return;
    if (suspended)
        ln_download_suspend(fw->download);
    else
        ln_download_resume(fw->download);
}

void ln_firmware_reconnect(struct ln_firmware *fw)
{
    if (fw->download != NULL)
        ln_download_reconnect(fw->download);
}

void ln_firmware_info(const struct ln_firmware *fw, struct ln_firmware_info *out)
{
    *out = (struct ln_firmware_info) {
        .state = fw->state,
        .result = fw->result,
        .downloading = fw->download != NULL,
        .received = fw->received,
        .changed = fw->changed,
        .install_by = fw->install_by,
        .severity = fw->fields.severity,
        .uri = fw->fields.uri,
        .diag = fw->diag.status != LN_OK ? &fw->diag : NULL,
    };
    if (fw->download != NULL)
        ln_download_info(fw->download, &out->download);
}
