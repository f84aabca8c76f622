/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_SECURITY_H
#define LN_CLI_SECURITY_H
/**
 * @file security.h
 * The options about trust and keys, which all subcommands that connect have in common: rules for
 * their tables, and what becomes of them.
 */
#include "options.h"

#include <linnet/tls.h>

/** As they were typed. */
struct security_args {
    bool insecure, system_trust;
    char *psk_identity, *psk_key;
    char *cert, *key, *key_password, *sni;
    struct option_many ca, crl, tlsa;
    struct option_maybe dane;
};

/** Rows for a table of rules; AT(member) is the offset of a member of struct security_args. */
#define SECURITY_SERVER_RULES(AT)                                                                  \
    { "ca", 0, OPTION_MANY, "FILE|FOLDER",                                                         \
      "trust these CAs (PEM or DER; may be repeated). Without --ca,\n"                             \
      "--tlsa and --psk-identity the system's CAs are trusted",                                    \
      AT(ca), 0, 0 },                                                                              \
    { "system-trust", 0, OPTION_FLAG, NULL, "trust the system's CAs beside those of --ca",         \
      AT(system_trust), 0, 0 },                                                                    \
    { "crl", 0, OPTION_MANY, "FILE|FOLDER", "refuse certificates that these CRLs revoke",          \
      AT(crl), 0, 0 },                                                                             \
    { "sni", 0, OPTION_TEXT, "NAME", "ask for, and verify, this name instead of the host",         \
      AT(sni), 0, 0 },                                                                             \
    { "tlsa", 0, OPTION_MANY, "'U S M HEX'",                                                       \
      "a DANE record as in DNS: usage, selector, matching type,\n"                                 \
      "data, such as '3 1 1 0123...' (may be repeated)",                                           \
      AT(tlsa), 0, 0 },                                                                            \
    { "dane", 0, OPTION_MAYBE, "opportunistic",                                                    \
      "verify by the records of --tlsa (which implies it);\n"                                      \
      "opportunistic: only where a record of usage 2 or 3 is given",                               \
      AT(dane), 0, 0 },                                                                            \
    { "insecure", 0, OPTION_FLAG, NULL, "accept any certificate, and say what was wrong with it",  \
      AT(insecure), 0, 0 }

#define SECURITY_OWN_RULES(AT)                                                                     \
    { "psk-identity", 0, OPTION_TEXT, "TEXT|@FILE", "use a pre-shared key, under this identity",   \
      AT(psk_identity), 0, 0 },                                                                    \
    { "psk-key", 0, OPTION_TEXT, "HEX|@FILE",                                                      \
      "the pre-shared key in hexadecimal. Others on this machine can\n"                            \
      "read a command line: better keep the key in a file",                                        \
      AT(psk_key), 0, 0 },                                                                         \
    { "cert", 0, OPTION_TEXT, "FILE", "client certificate, with its chain behind it", AT(cert), 0, \
      0 },                                                                                         \
    { "key", 0, OPTION_TEXT, "FILE", "private key of the client certificate", AT(key), 0, 0 },     \
    { "key-password", 0, OPTION_TEXT, "TEXT|@FILE", "password of that key", AT(key_password), 0, 0 }

#define SECURITY_PSK_IDENTITY_MAX 255
#define SECURITY_PSK_KEY_MAX 256
#define SECURITY_WARNINGS_MAX 8

/** What they mean. `tls` points into the rest. */
struct security {
    struct ln_tls_options tls;
    const char *warnings[SECURITY_WARNINGS_MAX]; /**< sentences; those of others may be added */
    size_t warning_count;
    struct ln_source ca[OPTION_MANY_MAX], crl[OPTION_MANY_MAX];
    struct ln_tlsa tlsa[OPTION_MANY_MAX];
    char psk_identity[SECURITY_PSK_IDENTITY_MAX + 2];
    uint8_t psk_key[SECURITY_PSK_KEY_MAX];
    char key_password[256];
};

/** Read files and numbers. Secrets are wiped from the command line, as far as that helps. */
bool security_read(struct security_args *args, struct security *out, struct option_error *error);
/** Whether any of the options was given. */
bool security_any(const struct security_args *args);
void security_warn(struct security *security, const char *sentence);
/** Wipe the secrets. */
void security_wipe(struct security *security);

/** A secret that was typed as such, not as the name of a file. */
bool security_on_command_line(const char *argument);
/** As far as that helps: from now on a list of processes shows nothing. NULL is allowed. */
void security_wipe_argument(char *argument);
/** The sentence for a secret on the command line. */
extern const char security_exposed[];

#endif
