/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_PROBE_H
#define LN_CLI_PROBE_H
/**
 * @file probe.h
 * The parts of `linnet probe`: arguments -> settings -> report -> text or JSON.
 */
#include "options.h"
#include "security.h"

#include <linnet/blocking.h>
#include <linnet/env.h>
#include <linnet/sock.h>
#include <linnet/tls.h>
#include <linnet/uri.h>

/* ---- the command line, as it was typed (probe_args.c) ---- */

struct probe_args {
    bool help, capabilities, json, verbose;
    bool v4, v6, old_versions, legacy_server;
    struct security_args security;
    char *ciphers, *groups, *alpn, *min_version, *max_version;
    char *resume, *keylog;
    long mtu, count;
    int64_t timeout_ms;
    char *uri;
};

bool probe_args_read(int argc, char **argv, struct probe_args *out, struct option_error *error);
void probe_args_help(void);

/* ---- what is to be done (probe_settings.c) ---- */

/** What is sent over a connection that carries no handshake of its own. */
enum probe_after {
    PROBE_AFTER_NOTHING = 0,
    PROBE_AFTER_DATAGRAM,  /**< udp: an empty datagram */
    PROBE_AFTER_COAP_PING, /**< coap: an empty message, which is to be answered by a reset */
    PROBE_AFTER_LISTEN,    /**< TLS: what a server says right behind its handshake */
};

#define PROBE_SUITES_MAX 64
#define PROBE_GROUPS_MAX 32
#define PROBE_ALPN_MAX 8

struct probe_settings {
    const struct probe_args *args;
    struct ln_uri uri;
    char host[LN_URI_HOST_ROOM];
    enum ln_sock_kind kind;
    enum probe_after after;
    bool secure;
    struct ln_sock_options sock;
    struct security security;

    /* what security.tls points to besides */
    uint16_t suites[PROBE_SUITES_MAX], groups[PROBE_GROUPS_MAX];
    const char *alpn[PROBE_ALPN_MAX];
};

/** Check the arguments and turn them into settings. Secrets are wiped from the command line. */
bool probe_settings_read(struct probe_args *args, struct probe_settings *out,
                         struct option_error *error);
/** Wipe the secrets. */
void probe_settings_wipe(struct probe_settings *settings);

/* ---- what happened (probe_run.c, probe_after.c) ---- */

/** One connect. Borrowed pointers of the socket's records are replaced by copies. */
struct probe_attempt {
    struct ln_diag diag; /**< status LN_OK: it worked */
    struct ln_sock_info info;
    char alpn[33];
    ln_msec total_ms;
    uint64_t wire_sent, wire_received; /**< of this attempt alone */
    char note[160];                    /**< what the transport allows to know, for a person */
};

struct probe_report {
    const struct probe_settings *settings;
    size_t count, good;
    struct probe_attempt *attempts; /**< `count` of them */
    size_t certificate_count;
    struct ln_certificate certificates[LN_CHAIN_MAX];
    bool second_look;      /**< the chain is of a connect without verification */
    struct ln_diag config; /**< why the configuration was refused, if it was */
    int64_t now;           /**< seconds since 1970, to count days */
};

/** Connect as often as was asked for. LN_OK: `out` tells the rest. */
enum ln_status probe_run(const struct ln_env *env, struct probe_settings *settings,
                         struct probe_report *out);
void probe_report_free(struct probe_report *report);
int probe_exit_status(const struct probe_report *report);
/** The record to explain: of the configuration or of the first attempt that failed; NULL if all
 *  went well. */
const struct ln_diag *probe_failure(const struct probe_report *report);

/** What comes behind the connect; a failure goes to attempt->diag. */
void probe_after(const struct ln_env *env, struct ln_sock *s, const struct probe_settings *settings,
                 struct probe_attempt *attempt);

/* ---- a session in a file of its own (probe_session.c) ---- */

struct probe_session {
    const struct ln_env *env;
    const char *path;
};
struct ln_session_store probe_session_store(struct probe_session *session);

/* ---- telling it ---- */

void probe_print(FILE *out, const struct probe_report *report, bool colour);
/** @return false if there was no memory for it */
bool probe_json(FILE *out, const struct probe_report *report);
bool probe_capabilities(FILE *out, bool json);

/** "2026-11-23", or with the time of day. */
void probe_date(int64_t seconds, bool time_of_day, char text[32]);
/** Whole days from `now` to `then`, rounded down. */
int64_t probe_days(int64_t now, int64_t then);

#endif
