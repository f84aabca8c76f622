/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration refers to: files and programs of this machine, and what the library says to
 * each server. See config_look() and config_try() of config.h. */
#include "config_tell.h"

#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct looking {
    const struct config *config;
    enum ln_level level;
    struct config_teller *teller;
};

/* ---- this machine ---- */

static bool found(const struct looking *l, const char *section, const char *name, const char *value,
                  const char *what)
{
    const struct config_key *key = config_key_named(section, name);
    struct config_place place = config_place_of(l->config, NULL, key);
    if (l->level == LN_LOG_ERROR)
        return config_wrong(l->teller, &place, key, "%.300s %s", value, what);
    config_warn(l->teller, &place, key, "%.300s %s", value, what);
    return false;
}

static bool can_read(const struct looking *l, const char *section, const char *name,
                     const char *path)
{
    struct stat about;
    if (path == NULL)
        return true;
    if (stat(path, &about) != 0)
        return found(l, section, name, path, "does not exist; expected a file");
    if (S_ISDIR(about.st_mode))
        return found(l, section, name, path, "is a folder; expected a file");
    if (access(path, R_OK) != 0)
        return found(l, section, name, path, "may not be read by this user; expected that it may");
    return true;
}

static bool can_run(const struct looking *l, const char *section, const char *name,
                    const char *path)
{
    struct stat about;
    if (path == NULL)
        return true;
    if (stat(path, &about) != 0)
        return found(l, section, name, path, "does not exist; expected a program");
    if (!S_ISREG(about.st_mode) || access(path, X_OK) != 0)
        return found(l, section, name, path, "cannot be executed by this user; expected a program");
    return true;
}

bool config_look(const struct config *config, enum ln_level level, struct config_teller *teller)
{
    const struct looking l = { config, level, teller };
    struct sockaddr_un address;
    bool good = can_read(&l, "agent", "ca", config->ca);
    good = can_read(&l, "firmware", "ca", config->firmware.ca) && good;
    good = can_read(&l, "firmware", "certificate", config->firmware.certificate) && good;
    good = can_read(&l, "firmware", "key", config->firmware.key) && good;
    good = can_run(&l, "firmware", "hook", config->firmware.hook) && good;
    good = can_run(&l, "device", "reboot", config->device.reboot) && good;
    if (config->socket != NULL && strlen(config->socket) >= sizeof address.sun_path)
        good = found(&l, "agent", "socket", config->socket,
                     "is too long for a socket; expected at most 107 bytes");
    if (config->socket_group != NULL && getgrnam(config->socket_group) == NULL)
        good = found(&l, "agent", "socket_group", config->socket_group,
                     "is no group here; expected the name of one");
    return good;
}

/* ---- the library ---- */

/* The library's sentences name a field of its own; those about no field are about the server. */
static const struct {
    const char *field;
    const char *section, *name;
} fields[] = {
    { "tlsa[", "server", "server_certificate" },
    { "chain:", "server", "certificate" },
    { "key:", "server", "key" },
    { "trust:", "agent", "ca" },
    { "psk_identity", "server", "psk_identity" },
    { "psk_key", "server", "psk_key" },
    { "server_name", "server", "sni" },
    { "binding", "server", "binding" },
};

static const struct config_key *key_meant(const char *text)
{
    for (size_t i = 0; i < LN_COUNT_OF(fields); i++)
        if (strstr(text, fields[i].field) != NULL)
            return config_key_named(fields[i].section, fields[i].name);
    return config_key_named("server", "uri");
}

static enum ln_status try_server(const struct config *config, const struct config_server *server,
                                 const struct ln_env *env, struct ln_diag *diag)
{
    struct ln_client *client = NULL;
    struct ln_client_config settings;
    config_client(config, &settings);
    settings.env = env;
    enum ln_status st = ln_client_new(&settings, diag, &client);
    if (st == LN_OK)
        st = ln_core_objects_add(client);
    if (st == LN_OK)
        st = ln_client_add_account(client, &server->account, diag);
    if (st == LN_OK)
        st = ln_client_start(client, ln_now(env), diag);
    ln_client_free(client);
    return st;
}

bool config_try(const struct config *config, const struct ln_env *env, struct config_teller *teller)
{
    unsigned before = teller->errors;
    struct ln_env quiet = *env;
    quiet.log = (struct ln_log) { .level = LN_LOG_OFF };
    for (size_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = &config->servers[i];
        struct ln_diag diag = { .status = LN_OK };
        enum ln_status st = try_server(config, server, &quiet, &diag);
        const char *text = diag.status != LN_OK ? diag.text : ln_status_meaning(st);
        const struct config_key *key = key_meant(text);
        bool own = strcmp(key->section, "server") == 0;
        struct config_place place = config_place_of(config, own ? server : NULL, key);
        if (st != LN_OK)
            config_wrong(teller, &place, key, "%s", text);
    }
    return teller->errors == before;
}
