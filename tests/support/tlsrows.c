/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tlsrows.h"

#include "support/shelf.h"

#include <linnet/testkit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- those that are linked ---- */

const struct ln_tls_backend *tls_linked(size_t index)
{
    size_t built_in = 0;
    const struct ln_tls_backend *backend = NULL;
    while ((backend = ln_tls_builtin(built_in)) != NULL) {
        if (built_in++ == index)
            return backend;
    }
    size_t extra = 0;
    while (tests_extra_backends[extra] != NULL) {
        if (built_in + extra++ == index)
            return tests_extra_backends[extra - 1];
    }
    return NULL;
}

bool tls_is_built_in(const struct ln_tls_backend *backend)
{
    const struct ln_tls_backend *own = NULL;
    for (size_t i = 0; (own = ln_tls_builtin(i)) != NULL; i++) {
        if (own == backend)
            return true;
    }
    return false;
}

/* ---- what the libraries lack ---- */

/* Beyond their capabilities. A back end that is not listed lacks nothing. */
static const struct {
    const char *backend;
    unsigned needs;
} lacking[] = {
    /* its identities are C strings; DTLS 1.2 has no suite for an Edwards key there */
    { "openssl", TLS_NEED_NUL_IN_IDENTITY | TLS_NEED_ED25519_DTLS | TLS_NEED_PSK_ALONE },
    /* no TLS before 1.2 since 3.0; no Edwards curves; external PSKs of TLS 1.3 with SHA-256 only, and
     * of MBEDTLS_PSK_MAX_LEN; no KeyUpdate; a handshake message fits its record buffer; no callback
     * for what it encrypts */
    { "mbedtls", TLS_NEED_OLD_VERSIONS | TLS_NEED_PSK_SHA384 | TLS_NEED_ED25519 |
                     TLS_NEED_ED25519_DTLS | TLS_NEED_LONG_PSK | TLS_NEED_KEY_UPDATE |
                     TLS_NEED_HUGE_CERTIFICATE | TLS_NEED_OWN_ALERTS },
    /* GnuTLS 3.7 multiplies lists of key exchanges and ciphers; its names are shorter */
    { "gnutls", TLS_NEED_PSK_SHA384 | TLS_NEED_ANY_SUITES | TLS_NEED_ALPN_32 | TLS_NEED_PSK_ALONE },
};

static unsigned lacks(const struct ln_tls_backend *backend, unsigned needs)
{
    struct ln_tls_capabilities have;
    ln_tls_capabilities(backend, &have);
    unsigned beyond = 0;
    for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
        if (strcmp(lacking[i].backend, backend->name) == 0)
            beyond = lacking[i].needs;
    }
    const unsigned capabilities = TLS_NEED_OLD_VERSIONS - 1; /* ours are all above */
    return (needs & capabilities & ~have.caps) | (needs & beyond);
}

bool tls_can(const struct ln_tls_backend *backend, unsigned needs)
{
    return lacks(backend, needs) == 0;
}

bool tls_is_openssl(const struct ln_tls_backend *backend)
{
    return strcmp(backend->name, "openssl") == 0;
}

/* ---- refusals ---- */

void tls_must_refuse(const struct ln_tls_backend *backend, enum ln_sock_kind kind,
                     const struct ln_tls_options *options, const char *word)
{
    struct ln_testkit_config kit_config = { .seed = 1 };
    struct ln_testkit *kit = NULL;
    struct ln_testkit_host *host = NULL;
    struct ln_env env;
    struct ln_diag diag;
    struct ln_tls_config *config = NULL;
    struct ln_tls_options o = *options;
    assert_int_equal(ln_testkit_new(&kit_config, &kit), LN_OK);
    assert_int_equal(ln_testkit_host_new(kit, "device", "192.0.2.10", &host), LN_OK);
    ln_testkit_env(host, &env);
    o.backend = backend;
    enum ln_status st = ln_tls_config_new(&env, kind, &o, &diag, &config);
    if (st != LN_UNSUPPORTED || diag.status != st || diag.category != LN_CAT_CONFIGURATION ||
        diag.phase != LN_PHASE_CONFIGURE || strstr(diag.text, word) == NULL)
        fail_msg("%s cannot do what is asked with %s and says: %s: %s", backend->name, word,
                 ln_status_name(st), st == LN_OK ? "nothing" : diag.text);
    assert_null(config);
    ln_testkit_free(kit);
}

struct flavour {
    const char *name;
    enum ln_sock_kind kind;
    uint16_t version;
    unsigned caps; /* that a back end needs for it */
    unsigned psk_caps;
};

static const struct flavour flavours[] = {
    { "TLS 1.2", LN_TLS, LN_TLS_1_2, 0, LN_TLS_CAP_PSK },
    { "TLS 1.3", LN_TLS, LN_TLS_1_3, LN_TLS_CAP_TLS_1_3, LN_TLS_CAP_PSK_TLS_1_3 },
    { "DTLS 1.2", LN_DTLS, LN_DTLS_1_2, LN_TLS_CAP_DTLS_1_2, LN_TLS_CAP_PSK },
};

static void ignore_line(void *user, const char *line)
{
    (void)user;
    (void)line;
}

static void want_psk(struct ln_tls_options *o)
{
    o->auth = LN_AUTH_PSK;
    o->psk_identity = ln_span_str("device-1");
    o->psk_key = ln_span_str("0123456789abcdef");
}
static void want_psk_sha384(struct ln_tls_options *o)
{
    want_psk(o);
    o->psk_hash = LN_SHA384;
}
static void want_nothing_more(struct ln_tls_options *o)
{
    (void)o; /* the version says it, or the kind of authentication */
}
static void want_sessions(struct ln_tls_options *o)
{
    o->sessions = &shelf_nothing;
}
static void want_keylog(struct ln_tls_options *o)
{
    o->insecure_keylog = ignore_line;
}
static void want_token(struct ln_tls_options *o)
{
    o->chain = ln_source_uri("pkcs11:object=device-1");
    o->key = ln_source_uri("pkcs11:object=device-1");
}

/* How to ask for what may be missing, and the word that the refusal has. */
static const struct {
    unsigned need;
    void (*ask)(struct ln_tls_options *o);
    const char *word;
} asking[] = {
    { LN_TLS_CAP_TLS_1_3, want_nothing_more, "version" },
    { LN_TLS_CAP_DTLS_1_2, want_nothing_more, "kind" },
    { LN_TLS_CAP_PSK, want_psk, "auth" },
    { LN_TLS_CAP_PSK_TLS_1_3, want_psk, "version" },
    { LN_TLS_CAP_CERTIFICATES, want_nothing_more, "auth" },
    { LN_TLS_CAP_RESUMPTION, want_sessions, "sessions" },
    { LN_TLS_CAP_KEYLOG, want_keylog, "insecure_keylog" },
    { LN_TLS_CAP_PKCS11, want_token, "chain" },
    { TLS_NEED_PSK_SHA384, want_psk_sha384, "psk_hash" },
};

void tls_must_refuse_need(const struct ln_tls_backend *backend, uint16_t version, unsigned missing)
{
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
        if ((missing & asking[i].need) == 0)
            continue;
        struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
        o.min_version = version;
        o.max_version = version;
        asking[i].ask(&o);
        tls_must_refuse(backend, version == LN_DTLS_1_2 ? LN_DTLS : LN_TLS, &o, asking[i].word);
        return;
    }
    fail_msg("a need that nobody can ask %s for: 0x%x", backend->name, missing);
}

unsigned tls_askable_needs(void)
{
    unsigned all = 0;
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++)
        all |= asking[i].need;
    return all;
}

/* ---- pairs ---- */

static const char *wanted_pair(void)
{
    const char *pair = getenv("LN_TEST_PAIR");
    return pair != NULL && pair[0] != '\0' ? pair : NULL;
}

static bool is_wanted(const struct ln_tls_backend *client, const struct ln_tls_backend *server)
{
    char name[64];
    const char *pair = wanted_pair();
    (void)snprintf(name, sizeof name, "%s:%s", client->name, server->name);
    return pair == NULL || strcmp(pair, name) == 0;
}

/* As client or as server. */
static bool takes_part(const struct ln_tls_backend *backend)
{
    const struct ln_tls_backend *other = NULL;
    for (size_t i = 0; (other = tls_linked(i)) != NULL; i++) {
        if (is_wanted(backend, other) || is_wanted(other, backend))
            return true;
    }
    return false;
}

const struct ln_tls_backend *tls_backend(size_t index)
{
    const struct ln_tls_backend *backend = NULL;
    for (size_t i = 0; (backend = tls_linked(i)) != NULL; i++) {
        if (takes_part(backend) && index-- == 0)
            return backend;
    }
    return NULL;
}

static void add_row(struct tls_rows *rows, const struct flavour *flavour,
                    const struct ln_tls_backend *client, const struct ln_tls_backend *server,
                    unsigned needs)
{
    needs |= flavour->caps | ((needs & LN_TLS_CAP_PSK) != 0 ? flavour->psk_caps : 0);
    unsigned client_lacks = lacks(client, needs);
    unsigned server_lacks = lacks(server, needs);
    if (client_lacks != 0)
        tls_must_refuse_need(client, flavour->version, client_lacks);
    if (server_lacks != 0)
        tls_must_refuse_need(server, flavour->version, server_lacks);
    if (client_lacks != 0 || server_lacks != 0)
        return;
    assert_true(rows->count < TLS_ROWS_MAX);
    struct tls_row *row = &rows->row[rows->count++];
    row->kind = flavour->kind;
    row->version = flavour->version;
    row->client = client;
    row->server = server;
    (void)snprintf(row->name, sizeof row->name, "%s, %s to %s", flavour->name, client->name,
                   server->name);
}

static void add_pairs(struct tls_rows *rows, const struct flavour *flavour, unsigned needs)
{
    const struct ln_tls_backend *client = NULL;
    const struct ln_tls_backend *server = NULL;
    bool any = false;
    for (size_t c = 0; (client = tls_linked(c)) != NULL; c++) {
        for (size_t s = 0; (server = tls_linked(s)) != NULL; s++) {
            if (!is_wanted(client, server))
                continue;
            add_row(rows, flavour, client, server, needs);
            any = true;
        }
    }
    if (!any)
        fail_msg("LN_TEST_PAIR=%s is no pair of client:server that this build has", wanted_pair());
}

static struct tls_rows rows_that(uint16_t version, unsigned needs)
{
    struct tls_rows rows = { .count = 0 };
    for (size_t i = 0; i < sizeof flavours / sizeof flavours[0]; i++) {
        if (version == 0 || flavours[i].version == version)
            add_pairs(&rows, &flavours[i], needs);
    }
    return rows;
}

struct tls_rows tls_rows(unsigned needs)
{
    return rows_that(0, needs);
}

struct tls_rows tls_rows_of(uint16_t version, unsigned needs)
{
    return rows_that(version, needs);
}
