/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of `linnet probe` -> settings of the library. */
#include "probe.h"
#include "values.h"

#include <string.h>

static bool fail(struct option_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return false;
}

/* ---- URI ---- */

static const struct scheme {
    enum ln_uri_scheme scheme;
    enum ln_sock_kind kind;
    enum probe_after after;
    const char *alpn;
} schemes[] = {
    { LN_URI_UDP, LN_UDP, PROBE_AFTER_DATAGRAM, NULL },
    { LN_URI_TCP, LN_TCP, PROBE_AFTER_NOTHING, NULL },
    { LN_URI_DTLS, LN_DTLS, PROBE_AFTER_NOTHING, NULL },
    { LN_URI_TLS, LN_TLS, PROBE_AFTER_LISTEN, NULL },
    { LN_URI_COAP, LN_UDP, PROBE_AFTER_COAP_PING, NULL },
    { LN_URI_COAPS, LN_DTLS, PROBE_AFTER_NOTHING, NULL },
    { LN_URI_COAP_TCP, LN_TCP, PROBE_AFTER_NOTHING, NULL },
    { LN_URI_COAPS_TCP, LN_TLS, PROBE_AFTER_LISTEN, "coap" }, /* RFC 8323 8.2 */
    { LN_URI_HTTPS, LN_TLS, PROBE_AFTER_LISTEN, "http/1.1" },
};

static const struct scheme *find_scheme(enum ln_uri_scheme scheme)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (schemes[i].scheme == scheme)
            return &schemes[i];
    }
    return NULL;
}

static bool read_uri(const char *text, struct probe_settings *out, struct option_error *error)
{
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    if (ln_uri_read(ln_span_str(text), &out->uri, &problem) != LN_OK) {
        snprintf(error->text, sizeof error->text, "'%.80s': %s", text,
                 ln_uri_problem_text(problem));
        return false;
    }
    const struct scheme *scheme = find_scheme(out->uri.scheme);
    if (scheme == NULL)
        return fail(error, "http cannot be probed, only https; for the bare connection use tcp");
    ln_uri_host_text(&out->uri, out->host);
    out->kind = scheme->kind;
    out->after = scheme->after;
    out->secure = scheme->kind == LN_DTLS || scheme->kind == LN_TLS;
    if (scheme->alpn != NULL) {
        out->alpn[0] = scheme->alpn;
        out->security.tls.alpn_count = 1;
    }
    return true;
}

/* ---- network ---- */

static bool read_network(const struct probe_args *args, struct probe_settings *out,
                         struct option_error *error)
{
    if (args->v4 && args->v6)
        return fail(error, "-4 and -6 exclude each other");
    if (args->v4)
        out->sock.family = LN_IPV4;
    if (args->v6)
        out->sock.family = LN_IPV6;
    out->sock.mtu = (uint16_t)args->mtu;
    out->sock.resolve_timeout_ms = (uint32_t)args->timeout_ms;
    out->sock.connect_timeout_ms = (uint32_t)args->timeout_ms;
    out->security.tls.handshake_total_ms = (uint32_t)args->timeout_ms;
    return true;
}

/* ---- what is offered ---- */

static bool read_alpn(struct probe_args *args, struct probe_settings *out,
                      struct option_error *error)
{
    if (args->alpn != NULL && strcmp(args->alpn, "none") == 0)
        out->security.tls.alpn_count = 0;
    else if (args->alpn != NULL && !value_words("alpn", args->alpn, out->alpn, PROBE_ALPN_MAX,
                                                &out->security.tls.alpn_count, error))
        return false;
    out->security.tls.alpn = out->alpn;
    return true;
}

static bool read_versions(const struct probe_args *args, struct probe_settings *out,
                          struct option_error *error)
{
    bool datagram = out->kind == LN_DTLS;
    if (args->old_versions) {
        out->security.tls.insecure_old_versions = true;
        out->security.tls.min_version = datagram ? LN_DTLS_1_0 : LN_TLS_1_0;
        security_warn(&out->security, "--insecure-old-versions: the old versions have known holes");
    }
    if (args->legacy_server) {
        out->security.tls.insecure_legacy_server = true;
        security_warn(
            &out->security,
            "--insecure-legacy-server: a server that renegotiates can be made to mix up clients");
    }
    return (args->min_version == NULL || value_version("min-version", args->min_version, datagram,
                                                       &out->security.tls.min_version, error)) &&
           (args->max_version == NULL || value_version("max-version", args->max_version, datagram,
                                                       &out->security.tls.max_version, error));
}

static bool read_offer(struct probe_args *args, struct probe_settings *out,
                       struct option_error *error)
{
    out->security.tls.suites = out->suites;
    out->security.tls.groups = out->groups;
    if (args->ciphers != NULL &&
        !value_ids("ciphers", args->ciphers, ln_suite_id, out->suites, PROBE_SUITES_MAX,
                   &out->security.tls.suite_count, error))
        return false;
    if (args->groups != NULL && !value_ids("groups", args->groups, ln_group_id, out->groups,
                                           PROBE_GROUPS_MAX, &out->security.tls.group_count, error))
        return false;
    return read_alpn(args, out, error) && read_versions(args, out, error);
}

/* ---- all of it ---- */

/* An option that cannot have an effect is a misunderstanding, and that is told. */
static bool plain_is_plain(const struct probe_args *args, const struct probe_settings *out,
                           struct option_error *error)
{
    bool any = security_any(&args->security) || args->old_versions || args->legacy_server ||
               args->ciphers != NULL || args->groups != NULL || args->alpn != NULL ||
               args->min_version != NULL || args->max_version != NULL || args->resume != NULL ||
               args->keylog != NULL;
    if (out->secure || !any)
        return true;
    snprintf(error->text, sizeof error->text,
             "%s: is not encrypted, so options about keys, certificates and TLS have no meaning",
             ln_uri_scheme_text(out->uri.scheme));
    return false;
}

bool probe_settings_read(struct probe_args *args, struct probe_settings *out,
                         struct option_error *error)
{
    *out = (struct probe_settings) {
        .args = args,
        .sock = LN_SOCK_OPTIONS_INIT,
        .security = { .tls = LN_TLS_OPTIONS_INIT },
    };
    return read_uri(args->uri, out, error) && plain_is_plain(args, out, error) &&
           read_network(args, out, error) &&
           security_read(&args->security, &out->security, error) && read_offer(args, out, error);
}

void probe_settings_wipe(struct probe_settings *settings)
{
    security_wipe(&settings->security);
}
