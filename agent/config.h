/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_CONFIG_H
#define LN_AGENT_CONFIG_H
/**
 * @file config.h
 * What the agent is told: by an INI file, by its command line, or both.
 *
 * Life:    config_new -> config_read_file, config_set -> config_finish -> use it -> config_free;
 *          config_look and config_try say beforehand what would fail when it is used.
 * Order:   defaults, then the file, then the command line; a later one wins.
 * Tables:  every key is a row of keys.h: parser, --check, --help and the manual page are made of it.
 * Errors:  each is one line for a person, told to the function that was given: where it is, the key,
 *          what is wrong and what was expected. All are told, not the first alone. A warning is
 *          told in the same way and fails nothing.
 * Secrets: are wiped when the configuration is freed, and never part of an error.
 */
#include <linnet/client.h>
#include <linnet/env.h>
#include <linnet/objects.h>

#define CONFIG_SERVERS_MAX 8
#define CONFIG_KEYS_MAX 64 /* rows that the table of keys may grow to */
#define CONFIG_NAME_MAX 32

/** In `lines`, instead of a line: it was given on the command line. 0: it was not given. */
#define CONFIG_BY_OPTION (-1)

/** What happens when the hook has installed an image. */
enum config_after { CONFIG_RESTART = 0, CONFIG_WAIT, CONFIG_NOTHING };

/** One management server. Texts are owned by the configuration; NULL = not given. */
struct config_server {
    char name[CONFIG_NAME_MAX]; /**< behind "server" in the heading; "" = none */
    int line;                   /**< of its first key; 0 = the command line */
    int lines[CONFIG_KEYS_MAX]; /**< of each key of the table; see config_place_of() */
    char *uri;
    char *psk_identity;
    char *psk_key; /**< as given: hexadecimal, "@FILE" or "credential:NAME" */
    char *certificate;
    char *key;
    char *server_certificate;
    char *sni;
    char *binding;
    long ssid; /**< 0 = not given: config_finish() chooses */
    long lifetime_s;
    long usage;
    bool store;
    /* made by config_finish() */
    struct ln_account account;
    struct ln_mspan identity_bytes, secret_bytes, server_bytes;
};

struct config {
    char *path;                 /**< of the file; NULL = none was read */
    int lines[CONFIG_KEYS_MAX]; /**< of each key that is of no server */
    char *endpoint;
    char *state;
    char *socket;
    char *socket_group;
    long log_level; /**< enum ln_level */
    char *tls_library;
    long version; /**< LN_LWM2M_1_0 .. */
    bool queue_mode;
    char *ca;
    bool system_trust;
    bool insecure_legacy_server;
    struct {
        char *manufacturer, *model, *serial, *firmware, *hardware, *software, *type;
        char *reboot;
    } device;
    struct {
        char *hook;
        long after; /**< enum config_after */
        long verify_s, install_s, confirm_s;
        char *ca, *certificate, *key;
        bool system_trust;
        long size_max_mib, rate_max_kib;
    } firmware;
    struct config_server servers[CONFIG_SERVERS_MAX];
    size_t server_count;
    const struct ln_tls_backend *tls; /**< made by config_finish() */
};

/** Where errors and warnings go. */
struct config_teller {
    void (*tell)(void *user, enum ln_level level, const char *line); /**< LN_LOG_ERROR, _WARN */
    void *user;
    unsigned errors;
};

/** With every default. NULL: no memory. */
struct config *config_new(void);
/** NULL is allowed. */
void config_free(struct config *config);

/** Read an INI file. Every error is told. @return no error was found */
bool config_read_file(struct config *config, const char *path, struct config_teller *teller);
/** The same from memory; `name` stands in the errors. */
bool config_read_text(struct config *config, const char *name, const char *text, size_t len,
                      struct config_teller *teller);

/** Where a value stands, for errors. */
struct config_place {
    const char *file; /**< NULL: the command line */
    int line;
    const char *server; /**< the name of a [server NAME] section; "" */
};

struct config_key; /* keys.h */
/** Take a value for a key of the table. @return false: it was told */
bool config_set(struct config *config, const struct config_key *key, const char *value,
                const struct config_place *place, struct config_teller *teller);

/**
 * Check what belongs together, choose what was left open, and read keys and certificates.
 * @return no error was found
 */
bool config_finish(struct config *config, const struct ln_env *env, struct config_teller *teller);

/**
 * Look at what is named on this machine: files, programs, a group. Nothing is read or executed.
 * @param level  how a finding is told: LN_LOG_ERROR is a mistake, LN_LOG_WARN is not
 * @return nothing was found
 */
bool config_look(const struct config *config, enum ln_level level, struct config_teller *teller);

/**
 * Hand each server to the library, as it would be used, without connecting: URIs, bindings,
 * certificates and keys that the library refuses are told as errors, each with its key.
 * @return none was refused
 */
bool config_try(const struct config *config, const struct ln_env *env,
                struct config_teller *teller);

/** What of it is a setting of the client; borrows the configuration's texts. */
void config_client(const struct config *config, struct ln_client_config *out);

/** The same servers, in the same order, with the same keys: a registration can go on. */
bool config_same_servers(const struct config *a, const struct config *b);

#endif
