/* SPDX-License-Identifier: Apache-2.0 */
/* Options about trust and keys -> settings of the library. */
#include "security.h"

#include "values.h"

#include <string.h>
#include <sys/stat.h>

static bool fail(struct option_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return false;
}

void security_warn(struct security *security, const char *sentence)
{
    if (security->warning_count < SECURITY_WARNINGS_MAX)
        security->warnings[security->warning_count++] = sentence;
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

static bool read_dane(struct security_args *args, struct security *out, struct option_error *error)
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
        security_warn(out, "--dane without --tlsa: no record is known (none is looked up in DNS)");
    return true;
}

static bool read_trust(struct security_args *args, struct security *out, struct option_error *error)
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
        security_warn(out,
                      "--insecure: the server can be anybody; its certificate is not verified");
    }
    return true;
}

/* ---- credentials ---- */

const char security_exposed[] =
    "others on this machine can read a key or password in a list of processes; "
    "put it into a file and write @FILE";

bool security_on_command_line(const char *argument)
{
    return argument != NULL && argument[0] != '@';
}

void security_wipe_argument(char *argument)
{
    if (security_on_command_line(argument))
        ln_wipe(argument, strlen(argument));
}

static bool read_psk(struct security_args *args, struct security *out, struct option_error *error)
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

    char text[SECURITY_PSK_KEY_MAX * 3 + 2]; /* "ab:cd:..." */
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

static bool read_certificate(struct security_args *args, struct security *out,
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

static bool read_credentials(struct security_args *args, struct security *out,
                             struct option_error *error)
{
    if (security_on_command_line(args->psk_key) || security_on_command_line(args->key_password))
        security_warn(out, security_exposed);
    bool good = read_psk(args, out, error) && read_certificate(args, out, error);
    security_wipe_argument(args->psk_key);
    security_wipe_argument(args->key_password);
    return good;
}

/* ---- all of it ---- */

bool security_read(struct security_args *args, struct security *out, struct option_error *error)
{
    return read_trust(args, out, error) && read_credentials(args, out, error);
}

bool security_any(const struct security_args *args)
{
    return args->insecure || args->system_trust || args->psk_identity != NULL ||
           args->psk_key != NULL || args->cert != NULL || args->key != NULL ||
           args->key_password != NULL || args->sni != NULL || args->ca.count > 0 ||
           args->crl.count > 0 || args->tlsa.count > 0 || args->dane.given;
}

void security_wipe(struct security *security)
{
    ln_wipe(security->psk_key, sizeof security->psk_key);
    ln_wipe(security->key_password, sizeof security->key_password);
}
