/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file client.c
 * A client over TLS or DTLS whose TLS library is the back end of this folder: what is special is one
 * line, `options.backend = &custom_tls_gnutls`.
 *
 *   gnutls-serv --udp --port 5684 --pskpasswd keys.psk --priority NORMAL:+ECDHE-PSK:+PSK --echo
 *   example_06_custom_tls --dtls --psk-identity device-1 --psk-key 73656372 127.0.0.1 5684
 *   example_06_custom_tls --ca ca.pem server.example 443
 *
 * It sends one line and prints the first that comes back within ten seconds. Exit status: 0 if one
 * came, 1 if not, 2 if the command line is wrong.
 */
#include "custom_tls.h"
#include <linnet/blocking.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 10000

struct arguments {
    bool dtls;
    const char *psk_identity;
    const char *psk_key;
    const char *ca;
    const char *host;
    const char *port;
};

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--dtls] [--psk-identity TEXT --psk-key HEX | --ca FILE] HOST PORT\n",
            program);
    return 2;
}

static const char **value_of(struct arguments *a, const char *option)
{
    if (strcmp(option, "--psk-identity") == 0)
        return &a->psk_identity;
    if (strcmp(option, "--psk-key") == 0)
        return &a->psk_key;
    if (strcmp(option, "--ca") == 0)
        return &a->ca;
    return NULL;
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char **value = value_of(a, argv[i]);
        if (strcmp(argv[i], "--dtls") == 0)
            a->dtls = true;
        else if (value != NULL && i + 1 < argc)
            *value = argv[++i];
        else
            return false;
    }
    if (i + 2 != argc || (a->psk_identity == NULL) != (a->psk_key == NULL) ||
        (a->psk_key == NULL) == (a->ca == NULL))
        return false;
    a->host = argv[i];
    a->port = argv[i + 1];
    return true;
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static size_t from_hex(const char *text, uint8_t *out, size_t room)
{
    size_t len = 0;
    while (len < room && digit(text[0]) >= 0 && digit(text[1]) >= 0) {
        out[len++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
        text += 2;
    }
    return *text == '\0' ? len : 0; /* no key is better than half of one */
}

static enum ln_status complain(const struct ln_diag *diag)
{
    char line[LN_DIAG_LINE_MAX];
    ln_diag_line(diag, line, sizeof line);
    fprintf(stderr, "%s\n", line);
    return diag->status;
}

static enum ln_status talk(struct ln_env *env, struct ln_sock *sock, const struct arguments *a)
{
    uint8_t room[256];
    size_t got = 0;
    struct ln_sock_info info;
    ln_msec deadline = ln_deadline_in(env, PATIENCE_MS);
    enum ln_status st =
        ln_sock_connect_until(sock, a->host, (uint16_t)strtoul(a->port, NULL, 10), deadline);
    if (st != LN_OK)
        return complain(ln_sock_diag(sock));
    ln_sock_info(sock, &info);
    printf("%s, %s\n", ln_version_name(info.tls.version), ln_suite_name(info.tls.suite));
    st = ln_sock_send_until(sock, ln_span_str("hello from Linnet\n"), deadline, NULL);
    if (st == LN_OK)
        st = ln_sock_recv_until(sock, ln_mspan(room, sizeof room), deadline, &got);
    if (st == LN_TIMEOUT)
        fprintf(stderr, "no answer\n");
    else if (st != LN_OK)
        return complain(ln_sock_diag(sock));
    printf("%.*s", (int)got, (const char *)room);
    return st;
}

static enum ln_status run(struct ln_env *env, const struct arguments *a)
{
    uint8_t key[256];
    struct ln_diag diag;
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    options.backend = &custom_tls_gnutls;
    if (a->psk_key != NULL) {
        options.auth = LN_AUTH_PSK;
        options.psk_identity = ln_span_str(a->psk_identity);
        options.psk_key = ln_span(key, from_hex(a->psk_key, key, sizeof key));
    } else {
        options.trust = ln_source_file(a->ca);
    }
    struct ln_tls_config *tls = NULL;
    struct ln_sock *sock = NULL;
    enum ln_sock_kind kind = a->dtls ? LN_DTLS : LN_TLS;
    enum ln_status st = ln_tls_config_new(env, kind, &options, &diag, &tls);
    ln_wipe(key, sizeof key);
    if (st == LN_OK)
        st = ln_sock_new(env, kind, NULL, tls, &diag, &sock);
    st = st == LN_OK ? talk(env, sock, a) : complain(&diag);
    ln_sock_free(sock);
    ln_tls_config_unref(tls);
    return st;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .dtls = false };
    struct ln_env *env = NULL;
    if (!read_arguments(argc, argv, &arguments))
        return usage(argv[0]);
    if (ln_env_posix_new(&env) != LN_OK)
        return 1;
    enum ln_status st = run(env, &arguments);
    ln_env_posix_free(env);
    return st == LN_OK ? 0 : 1;
}
