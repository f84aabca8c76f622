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
 * A program with options of its own lists them: struct account_own. --help ends the program with
 * status 0, a command line that is wrong is told in one sentence and is status 1.
 *
 * A real device has this in its factory data; see docs/howto-firmware.md and the agent.
 */
#include <linnet/objects.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* An option of the program itself, and where its value goes. */
struct account_own {
    const char *name;   /* "--folder"; NULL ends the list */
    const char *value;  /* what the usage calls it: "FOLDER" */
    const char **where; /* its value when the option is not given stays there */
};

struct account_args {
    const struct account_own *own; /* NULL: there are none */
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

/* What a file holds. NULL, or why it cannot be used. */
static inline const char *account_file(const char *path, uint8_t *room, size_t size,
                                       struct ln_span *out)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return strerror(errno);
    size_t len = fread(room, 1, size, f);
    bool whole = ferror(f) == 0 && (feof(f) != 0 || fgetc(f) == EOF);
    fclose(f);
    *out = ln_span(room, len);
    return !whole ? "cannot be read, or is too long" : len == 0 ? "is empty" : NULL;
}

/* A key in hexadecimal, or the file that holds it so. */
static inline const char *account_hex(const char *text, uint8_t *room, size_t size,
                                      struct ln_span *out)
{
    uint8_t from_file[2 * 64 + 3];
    struct ln_span digits = ln_span_str(text);
    const char *why =
        text[0] != '@' ? NULL : account_file(text + 1, from_file, sizeof from_file, &digits);
    size_t len = 0, at = 0;
    while (why == NULL && digits.len > 0 && strchr("\r\n", digits.data[digits.len - 1]) != NULL)
        digits.len--; /* the end of a line in a file */
    if (why == NULL && (digits.len == 0 || digits.len % 2 != 0 || digits.len / 2 > size))
        why = "a key is 2 to 128 digits in hexadecimal, two for each byte";
    for (; why == NULL && at < digits.len; at += 2) {
        int high = account_digit((char)digits.data[at]);
        int low = account_digit((char)digits.data[at + 1]);
        if (high < 0 || low < 0)
            why = "is not in hexadecimal";
        else
            room[len++] = (uint8_t)(high << 4 | low);
    }
    *out = ln_span(room, len);
    memset(from_file, 0, sizeof from_file);
    return why;
}

/* A number in decimal. */
static inline const char *account_number(const char *text, unsigned long max, unsigned long *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoul(text, &end, 10);
    return text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *out > max
               ? "is not a number, or is too large"
               : NULL;
}

static const char account_unknown[] = "there is no such option; --help shows those there are";

static inline const char *account_own_option(const struct account_args *a, const char *option,
                                             const char *value)
{
    for (const struct account_own *own = a->own; own != NULL && own->name != NULL; own++) {
        if (strcmp(own->name, option) == 0) {
            *own->where = value;
            return NULL;
        }
    }
    return account_unknown;
}

/* One option and its value. NULL, or what is wrong. */
static inline const char *account_option(struct account_args *a, const char *option,
                                         const char *value)
{
    struct ln_account *account = &a->account;
    unsigned long number = 0;
    const char *why = NULL;
    if (strcmp(option, "--server") == 0) {
        account->uri = value;
    } else if (strcmp(option, "--endpoint") == 0) {
        a->endpoint = value;
    } else if (strcmp(option, "--lifetime") == 0) {
        why = account_number(value, UINT32_MAX, &number);
        account->lifetime_s = (uint32_t)number;
    } else if (strcmp(option, "--psk-identity") == 0) {
        account->mode = LN_SECURITY_PSK;
        account->identity = ln_span_str(value);
    } else if (strcmp(option, "--psk-key") == 0) {
        account->mode = LN_SECURITY_PSK;
        why = account_hex(value, a->key, sizeof a->key, &account->secret);
    } else if (strcmp(option, "--cert") == 0) {
        account->mode = LN_SECURITY_CERTIFICATE;
        why = account_file(value, a->cert, sizeof a->cert, &account->identity);
    } else if (strcmp(option, "--key") == 0) {
        why = account_file(value, a->private_key, sizeof a->private_key, &account->secret);
    } else if (strcmp(option, "--server-cert") == 0) {
        why = account_file(value, a->server_cert, sizeof a->server_cert, &account->server_key);
    } else if (strcmp(option, "--usage") == 0) {
        why = account_number(value, 3, &number);
        account->usage = (uint8_t)number;
    } else if (strcmp(option, "--ca") == 0) {
        a->ca = value;
    } else if (strcmp(option, "--insecure-legacy-server") == 0) {
        a->legacy_server = strcmp(value, "yes") == 0;
    } else {
        why = account_own_option(a, option, value);
    }
    return why;
}

static inline void account_usage(const struct account_own *own, const char *program)
{
    printf("usage: %s --server URI --endpoint NAME [--lifetime SECONDS]\n"
           "       [--psk-identity ID --psk-key HEX|@FILE]\n"
           "       [--cert FILE --key FILE [--server-cert FILE --usage 0..3] [--ca FILE]]\n"
           "       [--insecure-legacy-server yes]\n",
           program);
    for (; own != NULL && own->name != NULL; own++)
        printf("       [%s %s]\n", own->name, own->value);
}

/** Read the command line; `own` may be NULL. False: what is wrong was printed. */
static inline bool account_read(struct account_args *a, const struct account_own *own, int argc,
                                char **argv)
{
    const struct ln_account defaults = LN_ACCOUNT_INIT;
    memset(a, 0, sizeof *a);
    a->account = defaults;
    a->own = own;
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            account_usage(own, argv[0]);
            exit(0);
        }
        bool whole = i + 1 < argc;
        const char *why = account_option(a, argv[i], whole ? argv[i + 1] : "");
        if (!whole && (why == NULL || strcmp(why, account_unknown) != 0))
            why = "a value is missing behind it";
        bool shown = whole && (strcmp(argv[i], "--psk-key") != 0 || argv[i + 1][0] == '@');
        if (why != NULL) {
            fprintf(stderr, "%s%s%s: %s\n", argv[i], shown ? " " : "", shown ? argv[i + 1] : "",
                    why);
            return false;
        }
    }
    if (a->account.uri != NULL && a->endpoint != NULL)
        return true;
    fprintf(stderr, "%s is missing; %s --help shows the options\n",
            a->account.uri == NULL ? "--server" : "--endpoint", argv[0]);
    return false;
}

/** What is asked of servers: --ca and --insecure-legacy-server. */
static inline void account_trust(const struct account_args *a, struct ln_client_config *config)
{
    config->insecure_legacy_server = a->legacy_server;
    if (a->ca != NULL)
        config->trust = ln_source_file(a->ca);
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

/** Print what an attempt to register has met: the server's answer, or why there was none. */
static inline void account_failed(const struct ln_client_event *event)
{
    char code[LN_COAP_CODE_ROOM];
    if (event->code != 0 && (event->diag == NULL || event->diag->status == LN_OK))
        fprintf(stderr, "server %u refuses the registration: %s\n", event->ssid,
                ln_coap_code_text(event->code, code));
    else
        account_complain(LN_TIMEOUT, event->diag);
}

#endif
