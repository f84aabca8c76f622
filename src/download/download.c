/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file download.c
 * Contract: <linnet/download.h>, options and life. Every public call that may call back keeps the
 * download alive until it returns, whatever the callback does.
 */
#include "download/download.h"

#include "base/text.h"
#include "base/try.h"

static const struct {
    enum ln_uri_scheme scheme;
    const struct ln__download_driver *driver;
} drivers[] = {
    { LN_URI_HTTP, &ln__download_http },     { LN_URI_HTTPS, &ln__download_http },
    { LN_URI_COAP, &ln__download_coap },     { LN_URI_COAPS, &ln__download_coap },
    { LN_URI_COAP_TCP, &ln__download_coap }, { LN_URI_COAPS_TCP, &ln__download_coap },
};

const struct ln__download_driver *ln__download_driver_of(enum ln_uri_scheme scheme)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
        if (drivers[i].scheme == scheme)
            return drivers[i].driver;
    return NULL;
}

bool ln_download_speaks(enum ln_uri_scheme scheme)
{
    return ln__download_driver_of(scheme) != NULL;
}

const char *ln_download_state_word(enum ln_download_state state)
{
    static const char *const words[] = { "checking",  "running",  "waiting",
                                         "suspended", "complete", "failed" };
    size_t i = (size_t)state;
    return i < sizeof words / sizeof words[0] ? words[i] : "unknown";
}

/* ---- options ---- */

static enum ln_status wrong(struct ln_diag *diag, const char *what)
{
    return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s", what);
}

static enum ln_status out_of_memory(struct ln_diag *diag)
{
    return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                       "no memory for a download");
}

static enum ln_status check_options(const struct ln_download_options *o, struct ln_diag *diag)
{
    const struct ln_download_store *store = &o->store;
    if (o->size != sizeof *o)
        return wrong(diag, "size: start from LN_DOWNLOAD_OPTIONS_INIT");
    if (o->uri == NULL)
        return wrong(diag, "uri: is required");
    if (store->begin == NULL || store->write == NULL)
        return wrong(diag, "store: begin and write are required");
    if ((store->load == NULL) != (store->save == NULL))
        return wrong(diag, "store: load and save belong together");
    if (o->sha256.len != 0 && o->sha256.len != LN__SHA256_LEN)
        return wrong(diag, "sha256: 32 bytes, or none");
    if (o->coap_szx > 6)
        return wrong(diag, "coap_szx: 1 to 6, or 0");
    if (o->coap_ahead > 16)
        return wrong(diag, "coap_ahead: 1 to 16, or 0");
    return LN_OK;
}

static void use_default(uint32_t *value, uint32_t standard)
{
    if (*value == 0)
        *value = standard;
}

static void fill_in(struct ln_download_options *o)
{
    if (o->time_max_ms == 0)
        o->time_max_ms = UINT64_C(24) * 3600 * 1000;
    use_default(&o->attempts_max, 8);
    use_default(&o->restarts_max, 3);
    use_default(&o->backoff_first_ms, 1000);
    use_default(&o->backoff_max_ms, 300000);
    use_default(&o->save_bytes, 256 * 1024);
    use_default(&o->sync_bytes, 4 * 1024 * 1024);
}

static enum ln_status copy_text(const struct ln_env *env, const char **text)
{
    if (*text == NULL)
        return LN_OK;
    *text = ln_strdup(env, *text);
    return *text != NULL ? LN_OK : LN_NO_MEMORY;
}

static void free_text(const struct ln_env *env, const char *text)
{
    if (text != NULL)
        ln_free_secret(env, (void *)(uintptr_t)text, strlen(text));
}

/* The strings of `o` become ours, or NULL. */
static enum ln_status copy_options(struct ln_download *d, const struct ln_download_options *o,
                                   struct ln_diag *diag)
{
    const char **texts[] = { &d->options.uri, &d->options.user, &d->options.password,
                             &d->options.sock.interface_name };
    size_t count = sizeof texts / sizeof texts[0];
    size_t copied = 0;
    d->options = *o;
    while (copied < count && copy_text(d->env, texts[copied]) == LN_OK)
        copied++;
    for (size_t i = copied; i < count; i++)
        *texts[i] = NULL;
    if (d->options.tls != NULL)
        (void)ln_tls_config_ref(d->options.tls);
    if (o->sha256.len > 0)
        memcpy(d->sha256, o->sha256.data, LN__SHA256_LEN);
    d->options.sha256.data = d->sha256;
    fill_in(&d->options);
    return copied == count ? LN_OK : out_of_memory(diag);
}

/* ---- the URI ---- */

static enum ln_status read_uri(struct ln_download *d, struct ln_diag *diag)
{
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    struct ln_span text = ln_span_str(d->options.uri);
    size_t len = 0;
    if (text.len > LN_URI_MAX)
        return wrong(diag, "uri: longer than 8192 bytes");
    d->text = ln_calloc(d->env, 1, text.len + 1);
    if (d->text == NULL)
        return out_of_memory(diag);
    TRY(ln_uri_strip(text, ln_mspan(d->text, text.len), &len));
    if (ln_uri_read(ln_span_str(d->text), &d->uri, &problem) != LN_OK)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "uri: %s",
                           ln_uri_problem_text(problem));
    d->driver = ln__download_driver_of(d->uri.scheme);
    if (d->driver == NULL)
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "uri: this build cannot download by %s",
                           ln_uri_scheme_text(d->uri.scheme));
    return LN_OK;
}

static enum ln_status name_it(struct ln_download *d, struct ln_diag *diag)
{
    enum ln_status st = ln__download_name(d);
    if (st == LN_UNSUPPORTED)
        return ln_diag_set(diag, st, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "neither the environment nor a TLS library has SHA-256");
    return st == LN_OK ? LN_OK : out_of_memory(diag);
}

/* ---- life ---- */

static enum ln_status set_up(struct ln_download *d, const struct ln_download_options *options,
                             struct ln_diag *diag)
{
    TRY(copy_options(d, options, diag));
    TRY(read_uri(d, diag));
    TRY(name_it(d, diag));
    return ln__download_check_tls(d, diag);
}

enum ln_status ln_download_new(const struct ln_env *env, const struct ln_download_options *options,
                               struct ln_diag *diag, struct ln_download **out)
{
    if (*out != NULL)
        return wrong(diag, "*out must be NULL");
    TRY(check_options(options, diag));
    struct ln_download *d = ln_calloc(env, 1, sizeof *d);
    if (d == NULL)
        return out_of_memory(diag);
    d->env = env;
    d->total = LN__UNKNOWN;
    d->retry_after_s = -1;
    ln_diag_clear(&d->diag);
    enum ln_status st = set_up(d, options, diag);
    if (st != LN_OK) {
        ln__download_destroy(d);
        return st;
    }
    *out = d;
    return LN_OK;
}

void ln__download_destroy(struct ln_download *d)
{
    const struct ln_env *env = d->env;
    if (d->fetch != NULL)
        d->driver->free(d->fetch);
    ln_hasher_free(d->hasher);
    ln_free(env, d->scratch);
    free_text(env, d->options.uri);
    free_text(env, d->options.user);
    free_text(env, d->options.password);
    free_text(env, d->options.sock.interface_name);
    ln_tls_config_unref(d->options.tls);
    ln_free(env, d->text);
    ln_free(env, d);
}

/* Callbacks may free the download: it is given back by the outermost of our calls. */
static void enter(struct ln_download *d)
{
    d->inside++;
}

static bool leave(struct ln_download *d)
{
    d->inside--;
    if (d->inside > 0 || !d->doomed)
        return true;
    ln__download_destroy(d);
    return false;
}

void ln_download_free(struct ln_download *d)
{
    if (d == NULL)
        return;
    if (d->inside > 0) {
        d->doomed = true;
        return;
    }
    enter(d);
    if (d->begun && d->state == LN_DOWNLOAD_RUNNING)
        ln__download_save(d, d->now);
    d->doomed = true;
    (void)leave(d);
}

enum ln_status ln_download_step(struct ln_download *d, ln_msec now)
{
    if (d->inside > 0)
        return LN_BAD_STATE;
    enter(d);
    d->now = now;
    enum ln_status st = ln__download_run(d, now);
    return leave(d) ? st : LN_CLOSED;
}

static void wish(struct ln_download *d, enum ln__download_wish what)
{
    if (d->wish != LN__CANCEL) /* nothing takes that back */
        d->wish = what;
    if (d->inside > 0)
        return;
    enter(d);
    ln__download_obey(d, d->now);
    (void)leave(d);
}

void ln_download_suspend(struct ln_download *d)
{
    wish(d, LN__SUSPEND);
}

void ln_download_reconnect(struct ln_download *d)
{
    wish(d, LN__RECONNECT);
}

void ln_download_cancel(struct ln_download *d)
{
    wish(d, LN__CANCEL);
}

void ln_download_resume(struct ln_download *d)
{
    if (d->wish == LN__SUSPEND)
        d->wish = LN__NO_WISH;
    if (d->state != LN_DOWNLOAD_SUSPENDED)
        return;
    bool checking = !d->started || d->scratch != NULL;
    d->state = checking ? LN_DOWNLOAD_CHECKING : LN_DOWNLOAD_WAITING;
    d->wait_until = d->now;
}

void ln_download_ready(struct ln_download *d)
{
    d->full = false;
}

/* ---- what is known ---- */

void ln_download_interest(const struct ln_download *d, struct ln_interest *want)
{
    *want = ln_interest(0);
    switch (d->state) {
    case LN_DOWNLOAD_CHECKING:
        want->ready = true;
        break;
    case LN_DOWNLOAD_WAITING:
        ln_interest_until(want, d->wait_until);
        ln_interest_until(want, ln__download_time_limit(d));
        break;
    case LN_DOWNLOAD_RUNNING:
        if (!ln__download_is_held(d))
            d->driver->interest(d->fetch, want);
        else if (!d->full)
            ln_interest_until(want, d->early);
        ln_interest_until(want, ln__download_time_limit(d));
        break;
    case LN_DOWNLOAD_SUSPENDED:
    case LN_DOWNLOAD_COMPLETE:
    case LN_DOWNLOAD_FAILED:
        break;
    }
}

static void describe_etag(const struct ln_download *d, char *text, size_t room)
{
    static const char digits[] = "0123456789abcdef";
    const struct ln__validator *v = &d->validator;
    bool is_text = d->uri.scheme == LN_URI_HTTP || d->uri.scheme == LN_URI_HTTPS;
    text[0] = '\0';
    if (is_text) {
        (void)ln__text_copy(text, room, ln_span(v->data, v->len));
        return;
    }
    for (size_t i = 0; i < v->len && 2 * i + 2 < room; i++) {
        text[2 * i] = digits[v->data[i] >> 4];
        text[2 * i + 1] = digits[v->data[i] & 15];
        text[2 * i + 2] = '\0';
    }
}

void ln_download_info(const struct ln_download *d, struct ln_download_info *out)
{
    bool cancelled = d->wish == LN__CANCEL && d->state != LN_DOWNLOAD_COMPLETE;
    *out = (struct ln_download_info) {
        .state = cancelled ? LN_DOWNLOAD_FAILED : d->state,
        .reason = cancelled ? LN_DOWNLOAD_CANCELLED : d->reason,
        .answer = d->answer,
        .offset = d->offset,
        .has_total = d->total != LN__UNKNOWN,
        .total = d->total != LN__UNKNOWN ? d->total : 0,
        .resumed_at = d->resumed_at,
        .received = d->received,
        .requests = d->requests,
        .attempts = d->attempts,
        .restarts = d->restarts,
        .wait_until = d->wait_until,
        .has_validator = d->validator.kind != LN__NO_VALIDATOR,
        .has_sha256 = d->state == LN_DOWNLOAD_COMPLETE,
    };
    if (out->has_sha256)
        memcpy(out->sha256, d->digest, LN__SHA256_LEN);
    describe_etag(d, out->etag, sizeof out->etag);
}

const struct ln_diag *ln_download_diag(const struct ln_download *d)
{
    return &d->diag;
}

void ln_download_tls_info(const struct ln_download *d, struct ln_tls_info *out)
{
    memset(out, 0, sizeof *out);
    out->alpn = "";
    if (d->fetch != NULL)
        d->driver->tls_info(d->fetch, out);
}
