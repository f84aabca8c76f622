/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLES_ACCOUNT_H
#define EXAMPLES_ACCOUNT_H
/**
 * @file account.h
 * What the examples take from the command line: where the server is, and how to prove who we are.
 *
 *   --server URI --endpoint NAME [--lifetime S]
 *   [--psk-identity ID --psk-key HEX|@FILE]
 *   [--cert FILE --key FILE [--server-cert FILE --usage 0..3] [--ca FILE]]     all DER but --ca
 *   [--insecure-legacy-server yes]     for servers without RFC 5746, as Leshan's demo is
 *
 * A real device has this in its factory data; see docs/howto-firmware.md and the agent.
 */
#include <linnet/objects.h>
#include <stdio.h>
#include <stdlib.h>

struct account_args {
    struct ln_account account;
    const char *endpoint;
    const char *ca;
    bool legacy_server;
    uint8_t key[64];
    uint8_t cert[4096], private_key[2048], server_cert[4096];
};

static inline int account_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* A file, or nothing: an empty span, which the library refuses with a sentence. */
static inline struct ln_span account_file(const char *path, uint8_t *room, size_t size)
{
    FILE *f = fopen(path, "rb");
    size_t len = f != NULL ? fread(room, 1, size, f) : 0;
    if (f == NULL)
        perror(path);
    else
        fclose(f);
    return ln_span(room, len);
}

static inline struct ln_span account_hex(const char *text, uint8_t *room, size_t size)
{
    size_t len = 0;
    char from_file[256] = "";
    if (text[0] == '@') {
        FILE *f = fopen(text + 1, "r");
        if (f == NULL || fgets(from_file, sizeof from_file, f) == NULL)
            perror(text + 1);
        if (f != NULL)
            fclose(f);
        text = from_file;
    }
    for (; len < size && account_digit(text[0]) >= 0 && account_digit(text[1]) >= 0; text += 2)
        room[len++] = (uint8_t)(account_digit(text[0]) << 4 | account_digit(text[1]));
    return ln_span(room, len);
}

/* One option and its value. */
static inline bool account_option(struct account_args *a, const char *option, const char *value)
{
    struct ln_account *account = &a->account;
    if (strcmp(option, "--server") == 0) {
        account->uri = value;
    } else if (strcmp(option, "--endpoint") == 0) {
        a->endpoint = value;
    } else if (strcmp(option, "--lifetime") == 0) {
        account->lifetime_s = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(option, "--psk-identity") == 0) {
        account->mode = LN_SECURITY_PSK;
        account->identity = ln_span_str(value);
    } else if (strcmp(option, "--psk-key") == 0) {
        account->mode = LN_SECURITY_PSK;
        account->secret = account_hex(value, a->key, sizeof a->key);
    } else if (strcmp(option, "--cert") == 0) {
        account->mode = LN_SECURITY_CERTIFICATE;
        account->identity = account_file(value, a->cert, sizeof a->cert);
    } else if (strcmp(option, "--key") == 0) {
        account->secret = account_file(value, a->private_key, sizeof a->private_key);
    } else if (strcmp(option, "--server-cert") == 0) {
        account->server_key = account_file(value, a->server_cert, sizeof a->server_cert);
    } else if (strcmp(option, "--usage") == 0) {
        account->usage = (uint8_t)strtoul(value, NULL, 10);
    } else if (strcmp(option, "--ca") == 0) {
        a->ca = value;
    } else if (strcmp(option, "--insecure-legacy-server") == 0) {
        a->legacy_server = strcmp(value, "yes") == 0;
    } else {
        return false;
    }
    return true;
}

/** Read the command line. False: usage was printed. */
static inline bool account_read(struct account_args *a, int argc, char **argv)
{
    const struct ln_account defaults = LN_ACCOUNT_INIT;
    memset(a, 0, sizeof *a);
    a->account = defaults;
    bool good = argc % 2 == 1;
    for (int i = 1; good && i + 1 < argc; i += 2)
        good = account_option(a, argv[i], argv[i + 1]);
    if (good && a->account.uri != NULL && a->endpoint != NULL)
        return true;
    fprintf(stderr,
            "usage: %s --server URI --endpoint NAME [--lifetime S]\n"
            "       [--psk-identity ID --psk-key HEX|@FILE]\n"
            "       [--cert FILE --key FILE [--server-cert FILE --usage 0..3] [--ca FILE]]\n",
            argv[0]);
    return false;
}

/** Print a failure as one line. */
static inline void account_complain(enum ln_status st, const struct ln_diag *diag)
{
    char line[LN_DIAG_LINE_MAX];
    if (diag != NULL && diag->status != LN_OK)
        ln_diag_line(diag, line, sizeof line);
    else
        snprintf(line, sizeof line, "%s: %s", ln_status_name(st), ln_status_meaning(st));
    fprintf(stderr, "%s\n", line);
}

#endif
