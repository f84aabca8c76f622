/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of `linnet probe` -> settings of the library. */
#include "backends.h"
#include "probe.h"
#include "values.h"

#include <string.h>
#include <sys/stat.h>

static bool fail(struct option_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return false;
}

static void warn(struct probe_settings *s, const char *text)
{
    if (s->warning_count < PROBE_WARNINGS_MAX)
        s->warnings[s->warning_count++] = text;
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
        out->tls.alpn_count = 1;
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
    out->tls.handshake_total_ms = (uint32_t)args->timeout_ms;
    return true;
}

/* ---- trust ---- */

static struct ln_source file_or_folder(const char *path)
{
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return folder ? ln_source_directory(path) : ln_source_file(path);
}

static struct ln_source sources(const struct option_many *paths, struct ln_source *room)
{
    for (size_t i = 0; i < paths->count; i++)
        room[i] = file_or_folder(paths->text[i]);
    return ln_source_list(room, paths->count);
}

static bool read_dane(struct probe_args *args, struct probe_settings *out,
                      struct option_error *error)
{
    const char *mode = args->dane.text;
    if (mode != NULL && strcmp(mode, "opportunistic") != 0)
        return fail(error, "--dane: expected no value, or --dane=opportunistic");
    for (size_t i = 0; i < args->tlsa.count; i++) {
        if (!value_tlsa("tlsa", args->tlsa.text[i], &out->tlsa[i], error))
            return false;
    }
    out->tls.tlsa = out->tlsa;
    out->tls.tlsa_count = args->tlsa.count;
    if (mode != NULL)
        out->tls.auth = LN_AUTH_DANE_OPPORTUNISTIC;
    else if (args->dane.given || args->tlsa.count > 0)
        out->tls.auth = LN_AUTH_DANE;
    if (args->dane.given && args->tlsa.count == 0)
        warn(out, "--dane without --tlsa: no record is known (none is looked up in DNS)");
    return true;
}

static bool read_trust(struct probe_args *args, struct probe_settings *out,
                       struct option_error *error)
{
    if (args->ca.count > 0)
        out->tls.trust = sources(&args->ca, out->ca);
    if (args->crl.count > 0)
        out->tls.crls = sources(&args->crl, out->crl);
    out->tls.system_trust = args->system_trust || (args->ca.count == 0 && args->tlsa.count == 0 &&
                                                   args->psk_identity == NULL);
    if (!read_dane(args, out, error))
        return false;
    if (args->insecure) {
        out->tls.insecure_skip_verification = true;
        out->tls.system_trust = args->system_trust; /* what is found wrong shall not depend on it */
        warn(out, "--insecure: the server can be anybody; its certificate is not verified");
    }
    return true;
}

/* ---- credentials ---- */

static bool on_command_line(const char *argument)
{
    return argument != NULL && argument[0] != '@';
}

static bool read_psk(struct probe_args *args, struct probe_settings *out,
                     struct option_error *error)
{
    if (args->psk_identity == NULL && args->psk_key == NULL)
        return true;
    if (args->psk_identity == NULL || args->psk_key == NULL)
        return fail(error, "--psk-identity and --psk-key belong together: one is missing");
    size_t len = 0;
    struct ln_mspan room = ln_mspan(out->psk_identity, sizeof out->psk_identity);
    if (!value_text("psk-identity", args->psk_identity, room, &len, error))
        return false;
    out->tls.psk_identity = ln_span(out->psk_identity, len);

    char text[PROBE_PSK_KEY_MAX * 3 + 2]; /* "ab:cd:..." */
    bool good =
        value_text("psk-key", args->psk_key, ln_mspan(text, sizeof text), &len, error) &&
        value_hex("psk-key", text, ln_mspan(out->psk_key, sizeof out->psk_key), &len, error);
    ln_wipe(text, sizeof text);
    out->tls.psk_key = ln_span(out->psk_key, len);
    out->tls.auth = LN_AUTH_PSK;
    return good;
}

static struct ln_source file_or_uri(const char *text)
{
    return strncmp(text, "pkcs11:", 7) == 0 ? ln_source_uri(text) : ln_source_file(text);
}

static bool read_certificate(struct probe_args *args, struct probe_settings *out,
                             struct option_error *error)
{
    if (args->cert != NULL)
        out->tls.chain = file_or_uri(args->cert);
    if (args->key != NULL)
        out->tls.key = file_or_uri(args->key);
    else if (args->cert != NULL)
        out->tls.key = file_or_uri(args->cert); /* both in one file, as curl and nginx allow */
    if (args->key_password != NULL) {
        size_t len = 0;
        struct ln_mspan room = ln_mspan(out->key_password, sizeof out->key_password);
        if (!value_text("key-password", args->key_password, room, &len, error))
            return false;
        out->tls.key.password = out->key_password;
    }
    return true;
}

static bool read_credentials(struct probe_args *args, struct probe_settings *out,
                             struct option_error *error)
{
    bool exposed = on_command_line(args->psk_key) || on_command_line(args->key_password);
    if (exposed)
        warn(out, "others on this machine can read a key or password in a list of processes; "
                  "put it into a file and write @FILE");
    bool good = read_psk(args, out, error) && read_certificate(args, out, error);
    /* as far as that helps: from now on a list of processes shows nothing */
    if (on_command_line(args->psk_key))
        ln_wipe(args->psk_key, strlen(args->psk_key));
    if (on_command_line(args->key_password))
        ln_wipe(args->key_password, strlen(args->key_password));
    return good;
}

/* ---- what is offered ---- */

static bool read_backend(const struct probe_args *args, struct probe_settings *out,
                         struct option_error *error)
{
    const struct ln_tls_backend *backend = program_backend(0);
    if (args->backend != NULL)
        backend = program_backend_named(args->backend);
    out->tls.backend = backend;
    if (args->backend == NULL || backend != NULL)
        return true;
    char names[128] = "";
    size_t len = 0;
    for (size_t i = 0; len < sizeof names && (backend = program_backend(i)) != NULL; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, " %s", backend->name);
    snprintf(error->text, sizeof error->text, "--backend: '%.40s' is none of:%s", args->backend,
             names);
    return false;
}

static bool read_alpn(struct probe_args *args, struct probe_settings *out,
                      struct option_error *error)
{
    if (args->alpn != NULL && strcmp(args->alpn, "none") == 0)
        out->tls.alpn_count = 0;
    else if (args->alpn != NULL && !value_words("alpn", args->alpn, out->alpn, PROBE_ALPN_MAX,
                                                &out->tls.alpn_count, error))
        return false;
    out->tls.alpn = out->alpn;
    return true;
}

static bool read_versions(const struct probe_args *args, struct probe_settings *out,
                          struct option_error *error)
{
    bool datagram = out->kind == LN_DTLS;
    if (args->old_versions) {
        out->tls.insecure_old_versions = true;
        out->tls.min_version = datagram ? LN_DTLS_1_0 : LN_TLS_1_0;
        warn(out, "--insecure-old-versions: the old versions have known holes");
    }
    if (args->legacy_server) {
        out->tls.insecure_legacy_server = true;
        warn(out,
             "--insecure-legacy-server: a server that renegotiates can be made to mix up clients");
    }
    return (args->min_version == NULL || value_version("min-version", args->min_version, datagram,
                                                       &out->tls.min_version, error)) &&
           (args->max_version == NULL || value_version("max-version", args->max_version, datagram,
                                                       &out->tls.max_version, error));
}

static bool read_offer(struct probe_args *args, struct probe_settings *out,
                       struct option_error *error)
{
    out->tls.suites = out->suites;
    out->tls.groups = out->groups;
    if (args->ciphers != NULL && !value_ids("ciphers", args->ciphers, ln_suite_id, out->suites,
                                            PROBE_SUITES_MAX, &out->tls.suite_count, error))
        return false;
    if (args->groups != NULL && !value_ids("groups", args->groups, ln_group_id, out->groups,
                                           PROBE_GROUPS_MAX, &out->tls.group_count, error))
        return false;
    return read_backend(args, out, error) && read_alpn(args, out, error) &&
           read_versions(args, out, error);
}

/* ---- all of it ---- */

/* An option that cannot have an effect is a misunderstanding, and that is told. */
static bool plain_is_plain(const struct probe_args *args, const struct probe_settings *out,
                           struct option_error *error)
{
    bool any = args->insecure || args->old_versions || args->legacy_server || args->system_trust ||
               args->psk_identity != NULL || args->psk_key != NULL || args->cert != NULL ||
               args->key != NULL || args->key_password != NULL || args->sni != NULL ||
               args->backend != NULL || args->ciphers != NULL || args->groups != NULL ||
               args->alpn != NULL || args->min_version != NULL || args->max_version != NULL ||
               args->resume != NULL || args->keylog != NULL || args->ca.count > 0 ||
               args->crl.count > 0 || args->tlsa.count > 0 || args->dane.given;
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
        .tls = LN_TLS_OPTIONS_INIT,
    };
    return read_uri(args->uri, out, error) && plain_is_plain(args, out, error) &&
           read_network(args, out, error) && read_trust(args, out, error) &&
           read_credentials(args, out, error) && read_offer(args, out, error);
}

void probe_settings_wipe(struct probe_settings *settings)
{
    ln_wipe(settings->psk_key, sizeof settings->psk_key);
    ln_wipe(settings->key_password, sizeof settings->key_password);
}
