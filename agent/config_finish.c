/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs together in a configuration, and what it refers to. See config.h. */
#include "config_tell.h"
#include "secrets.h"

#include <linnet/tls_backend.h>
#include <linnet/uri.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_ROOM 4096

struct finishing {
    struct config *config;
    const struct ln_env *env;
    struct config_teller *teller;
    char room[FOLDER_ROOM];
    const char *folder; /* of the INI file; NULL: the current one */
};

static bool wrong(struct finishing *f, const struct config_server *s, const char *section,
                  const char *name, const char *text)
{
    const struct config_key *key = config_key_named(section, name);
    struct config_place place = config_place_of(f->config, s, key);
    return config_wrong(f->teller, &place, key, "%s", text);
}

/* A key that every user of the machine may read is one in the hands of all of them. */
static void warn_if_open(struct finishing *f, const struct config_server *s, const char *section,
                         const char *name, const char *path)
{
    char full[FOLDER_ROOM];
    struct stat about;
    const struct config_key *key = config_key_named(section, name);
    struct config_place place = config_place_of(f->config, s, key);
    if (secrets_path(path, f->folder, full, sizeof full) && stat(full, &about) == 0 &&
        (about.st_mode & S_IROTH) != 0)
        config_warn(f->teller, &place, key, "every user may read %.300s; run chmod o-r on it",
                    full);
}

/* ---- servers ---- */

static bool is_taken(const struct config *config, long ssid)
{
    for (size_t i = 0; i < config->server_count; i++)
        if (config->servers[i].ssid == ssid)
            return true;
    return false;
}

static bool check_ssids(struct finishing *f)
{
    struct config *c = f->config;
    for (size_t i = 0; i < c->server_count; i++)
        for (size_t j = i + 1; j < c->server_count; j++)
            if (c->servers[i].ssid != 0 && c->servers[i].ssid == c->servers[j].ssid)
                return wrong(f, &c->servers[j], "server", "ssid",
                             "another server has this number; expected a different one for each");
    for (size_t i = 0; i < c->server_count; i++)
        for (long ssid = 1; c->servers[i].ssid == 0; ssid++)
            if (!is_taken(c, ssid))
                c->servers[i].ssid = ssid;
    return true;
}

static bool read_psk(struct finishing *f, struct config_server *s)
{
    char why[SECRETS_WHY_MAX];
    if (s->psk_identity == NULL)
        return wrong(f, s, "server", "psk_identity", "it is missing; psk_key needs it");
    if (s->psk_key == NULL)
        return wrong(f, s, "server", "psk_key", "it is missing; psk_identity needs it");
    if (s->certificate != NULL || s->key != NULL || s->server_certificate != NULL)
        return wrong(f, s, "server", "psk_key",
                     "there are certificates too; expected a pre-shared key or certificates");
    if (!secrets_key(f->env, s->psk_key, f->folder, &s->secret_bytes, why))
        return wrong(f, s, "server", "psk_key", why);
    if (s->psk_key[0] == '@')
        warn_if_open(f, s, "server", "psk_key", s->psk_key + 1);
    s->account.mode = LN_SECURITY_PSK;
    s->account.identity = ln_span_str(s->psk_identity);
    s->account.secret = ln_span(s->secret_bytes.data, s->secret_bytes.len);
    return true;
}

static bool read_certificates(struct finishing *f, struct config_server *s)
{
    char why[SECRETS_WHY_MAX];
    struct ln_account *a = &s->account;
    if ((s->certificate == NULL) != (s->key == NULL))
        return wrong(f, s, "server", s->key == NULL ? "key" : "certificate",
                     "it is missing; certificate and key belong together");
    if (s->server_certificate == NULL && f->config->ca == NULL && !f->config->system_trust)
        return wrong(
            f, s, "server", "server_certificate",
            "nothing tells whom to trust; expected this, or ca or system_trust in [agent]");
    if (s->certificate != NULL &&
        !secrets_file(f->env, s->certificate, f->folder, &s->identity_bytes, why))
        return wrong(f, s, "server", "certificate", why);
    if (s->key != NULL && !secrets_file(f->env, s->key, f->folder, &s->secret_bytes, why))
        return wrong(f, s, "server", "key", why);
    if (s->key != NULL)
        warn_if_open(f, s, "server", "key", s->key);
    if (s->server_certificate != NULL &&
        !secrets_certificate(f->env, s->server_certificate, f->folder, &s->server_bytes, why))
        return wrong(f, s, "server", "server_certificate", why);
    a->mode = LN_SECURITY_CERTIFICATE;
    a->identity = ln_span(s->identity_bytes.data, s->identity_bytes.len);
    a->secret = ln_span(s->secret_bytes.data, s->secret_bytes.len);
    a->server_key = ln_span(s->server_bytes.data, s->server_bytes.len);
    return true;
}

static bool check_security(struct finishing *f, struct config_server *s, enum ln_uri_scheme scheme)
{
    bool psk = s->psk_identity != NULL || s->psk_key != NULL;
    bool certificates = s->certificate != NULL || s->key != NULL || s->server_certificate != NULL ||
                        f->config->ca != NULL || f->config->system_trust;
    if (scheme == LN_URI_COAPS && psk)
        return read_psk(f, s);
    if (scheme == LN_URI_COAPS && certificates)
        return read_certificates(f, s);
    if (scheme == LN_URI_COAPS)
        return wrong(f, s, "server", "uri",
                     "coaps needs keys; expected a pre-shared key (psk_identity, psk_key), or "
                     "certificates");
    if (psk || s->certificate != NULL)
        return wrong(f, s, "server", "uri",
                     "coap has no security, and there are keys; expected coaps://");
    s->account.mode = LN_SECURITY_NONE;
    return true;
}

static bool finish_server(struct finishing *f, struct config_server *s)
{
    static const struct ln_account init = LN_ACCOUNT_INIT;
    struct ln_uri uri;
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    s->account = init;
    if (s->uri == NULL)
        return wrong(f, s, "server", "uri", "it is missing; expected coaps://HOST or coap://HOST");
    if (ln_uri_read(ln_span_str(s->uri), &uri, &problem) != LN_OK)
        return wrong(f, s, "server", "uri", ln_uri_problem_text(problem));
    if (uri.scheme != LN_URI_COAP && uri.scheme != LN_URI_COAPS)
        return wrong(f, s, "server", "uri",
                     "a server of LwM2M is reached by other schemes; expected coaps:// or coap://");
    s->account.uri = s->uri;
    s->account.ssid = (uint16_t)s->ssid;
    s->account.lifetime_s = (uint32_t)s->lifetime_s;
    s->account.binding = s->binding;
    s->account.store = s->store;
    s->account.usage = (uint8_t)s->usage;
    s->account.sni = s->sni;
    return check_security(f, s, uri.scheme);
}

/* ---- the rest ---- */

/* Relative files count from the INI file: they are made absolute, so that all read them alike. */
static bool resolve(struct finishing *f, char **path, const char *section, const char *name)
{
    char full[FOLDER_ROOM];
    if (*path == NULL)
        return true;
    char *copy = secrets_path(*path, f->folder, full, sizeof full) ? strdup(full) : NULL;
    if (copy == NULL)
        return wrong(f, NULL, section, name, "the path is too long");
    free(*path);
    *path = copy;
    return true;
}

static bool check_files(struct finishing *f)
{
    struct config *c = f->config;
    bool good = resolve(f, &c->ca, "agent", "ca") &&
                resolve(f, &c->firmware.ca, "firmware", "ca") &&
                resolve(f, &c->firmware.certificate, "firmware", "certificate") &&
                resolve(f, &c->firmware.key, "firmware", "key");
    if (good && (c->firmware.certificate == NULL) != (c->firmware.key == NULL))
        return wrong(f, NULL, "firmware", c->firmware.key == NULL ? "key" : "certificate",
                     "it is missing; certificate and key belong together");
    if (good && c->firmware.key != NULL)
        warn_if_open(f, NULL, "firmware", "key", c->firmware.key);
    return good;
}

static bool choose_tls(struct finishing *f)
{
    struct config *c = f->config;
    c->tls = ln_tls_builtin(0);
    for (size_t i = 0; c->tls_library != NULL; i++) {
        c->tls = ln_tls_builtin(i);
        if (c->tls == NULL)
            return wrong(f, NULL, "agent", "tls_library",
                         "it is not in this program; linnet-agent --version names those that are");
        if (strcmp(c->tls->name, c->tls_library) == 0)
            break;
    }
    return true;
}

static void find_folder(struct finishing *f)
{
    const char *path = f->config->path;
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash == NULL || (size_t)(slash - path) >= sizeof f->room)
        return;
    memcpy(f->room, path, (size_t)(slash - path));
    f->folder = slash == path ? "" : f->room;
}

bool config_finish(struct config *config, const struct ln_env *env, struct config_teller *teller)
{
    struct finishing f = { .config = config, .env = env, .teller = teller };
    find_folder(&f);
    bool good = check_files(&f);
    if (config->endpoint == NULL)
        good = wrong(&f, NULL, "agent", "endpoint",
                     "it is missing; expected the name by which servers know this device");
    if (config->server_count == 0)
        good = wrong(&f, NULL, "server", "uri",
                     "there is no server; expected at least one, coaps://HOST or coap://HOST");
    good = choose_tls(&f) && good;
    good = check_ssids(&f) && good;
    for (size_t i = 0; i < config->server_count; i++)
        good = finish_server(&f, &config->servers[i]) && good;
    return good;
}

void config_client(const struct config *config, struct ln_client_config *out)
{
    static const struct ln_client_config init = LN_CLIENT_CONFIG_INIT;
    *out = init;
    out->endpoint = config->endpoint;
    out->max_version = (uint8_t)config->version;
    out->queue_mode = config->queue_mode;
    out->system_trust = config->system_trust;
    out->insecure_legacy_server = config->insecure_legacy_server;
    out->tls = config->tls;
    if (config->ca != NULL)
        out->trust = ln_source_file(config->ca);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_bytes(struct ln_span a, struct ln_span b)
{
    return a.len == b.len && (a.len == 0 || ln_equal_secret(a.data, b.data, a.len));
}

bool config_same_servers(const struct config *a, const struct config *b)
{
    bool same = same_text(a->endpoint, b->endpoint) && a->server_count == b->server_count;
    for (size_t i = 0; same && i < a->server_count; i++) {
        const struct ln_account *x = &a->servers[i].account;
        const struct ln_account *y = &b->servers[i].account;
        same = x->ssid == y->ssid && same_text(x->uri, y->uri) && x->mode == y->mode &&
               same_bytes(x->identity, y->identity) && same_bytes(x->secret, y->secret);
    }
    return same;
}
