/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file 00_secure_socket.c
 * The shortest useful program: talk to a DTLS server with a pre-shared key, and say what went wrong.
 *
 *   openssl s_server -dtls1_2 -port 5684 -nocert -psk 73656372 -cipher PSK-AES128-GCM-SHA256
 *   example_00_secure_socket 127.0.0.1 5684 device-1 73656372
 *
 * Exit status: 0 if the greeting was sent, 1 otherwise.
 */
#include <linnet/blocking.h>
#include <linnet/tls.h>
#include <stdio.h>
#include <stdlib.h>

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* 0: these are no digits, or too many; ln_tls_config_new() then misses the key. */
static size_t from_hex(const char *text, uint8_t *out, size_t room)
{
    size_t len = 0;
    while (len < room && digit(text[0]) >= 0 && digit(text[1]) >= 0) {
        out[len++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
        text += 2;
    }
    return text[0] == '\0' ? len : 0;
}

static void complain(const struct ln_diag *diag)
{
    char line[LN_DIAG_LINE_MAX];
    ln_diag_line(diag, line, sizeof line);
    fprintf(stderr, "%s\n", line);
}

static enum ln_status greet(struct ln_env *env, struct ln_sock *sock, char **argv)
{
    ln_msec deadline = ln_deadline_in(env, 10000);
    uint16_t port = (uint16_t)strtoul(argv[2], NULL, 10);
    enum ln_status st = ln_sock_connect_until(sock, argv[1], port, deadline);
    if (st == LN_OK)
        st = ln_sock_send_until(sock, ln_span_str("hello from Linnet\n"), deadline, NULL);
    if (st != LN_OK)
        complain(ln_sock_diag(sock));
    return st;
}

static enum ln_status run(struct ln_env *env, char **argv)
{
    uint8_t key[64];
    struct ln_diag diag;
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    options.auth = LN_AUTH_PSK;
    options.psk_identity = ln_span_str(argv[3]);
    options.psk_key = ln_span(key, from_hex(argv[4], key, sizeof key));

    struct ln_tls_config *tls = NULL;
    struct ln_sock *sock = NULL;
    enum ln_status st = ln_tls_config_new(env, LN_DTLS, &options, &diag, &tls);
    if (st == LN_OK)
        st = ln_sock_new(env, LN_DTLS, NULL, tls, &diag, &sock);
    if (st != LN_OK)
        complain(&diag);
    else
        st = greet(env, sock, argv);
    ln_sock_free(sock);
    ln_tls_config_unref(tls);
    return st;
}

int main(int argc, char **argv)
{
    struct ln_env *env = NULL;
    if (argc != 5) {
        fprintf(stderr, "usage: %s HOST PORT IDENTITY HEXKEY\n", argv[0]);
        return 1;
    }
    if (ln_env_posix_new(&env) != LN_OK)
        return 1;
    enum ln_status st = run(env, argv);
    ln_env_posix_free(env);
    return st == LN_OK ? 0 : 1;
}
