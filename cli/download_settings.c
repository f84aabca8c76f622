/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of `linnet download` -> settings. */
#include "download.h"
#include "values.h"

#include <string.h>
#include <sys/stat.h>

static bool fail(struct option_error *error, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return false;
}

/* ---- URI ---- */

static bool read_uri(const char *text, struct download_settings *out, struct option_error *error)
{
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    size_t len = 0;
    if (strlen(text) > LN_URI_MAX)
        return fail(error, "the URI is longer than 8192 bytes");
    if (ln_uri_strip(ln_span_str(text), ln_mspan(out->text, LN_URI_MAX), &len) != LN_OK ||
        ln_uri_read(ln_span(out->text, len), &out->uri, &problem) != LN_OK) {
        snprintf(error->text, sizeof error->text, "'%.80s': %s", out->text,
                 ln_uri_problem_text(problem));
        return false;
    }
    if (ln_download_speaks(out->uri.scheme))
        return true;
    snprintf(error->text, sizeof error->text, "this build cannot download by %s",
             ln_uri_scheme_text(out->uri.scheme));
    return false;
}

/* ---- where it goes ---- */

static bool is_fit_for_a_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f || name[i] == '/')
            return false;
    return len > 0 && name[0] != '.' && name[0] != '-';
}

/* The last part of the path, as a server's file name must be to be used here. */
static bool name_from_uri(const struct download_settings *s, char name[256],
                          struct option_error *error)
{
    struct ln_span path = s->uri.path;
    size_t start = path.len;
    size_t len = 0;
    while (start > 0 && path.data[start - 1] != '/')
        start--;
    struct ln_span last = ln_span(path.len > 0 ? path.data + start : NULL, path.len - start);
    if (ln_uri_decode(last, ln_mspan(name, 255), &len) == LN_OK && is_fit_for_a_name(name, len)) {
        name[len] = '\0';
        return true;
    }
    return fail(error, "the URI's path does not end in a name for a file: give one with -o FILE");
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool read_output(const struct download_args *args, struct download_settings *out,
                        struct option_error *error)
{
    const char *given = args->output;
    char name[256] = "";
    if (given != NULL && strcmp(given, "-") == 0)
        return true;
    if (given != NULL && given[0] == '\0')
        return fail(error, "--output: expected FILE, FOLDER or -");
    bool folder = given != NULL && is_folder(given);
    if ((given == NULL || folder) && !name_from_uri(out, name, error))
        return false;
    int made = folder ? snprintf(out->path, sizeof out->path, "%s/%s", given, name)
                      : snprintf(out->path, sizeof out->path, "%s", given != NULL ? given : name);
    if (made < 0 || (size_t)made >= sizeof out->path)
        return fail(error, "--output: longer than 4095 bytes");
    return true;
}

/* ---- the rest ---- */

static bool read_sha256(const struct download_args *args, struct download_settings *out,
                        struct option_error *error)
{
    char text[256];
    size_t len = 0;
    if (args->sha256 == NULL)
        return true;
    if (!value_text("sha256", args->sha256, ln_mspan(text, sizeof text), &len, error))
        return false;
    text[strcspn(text, " \t\r\n")] = '\0'; /* as sha256sum writes it, a name follows */
    if (!value_hex("sha256", text, ln_mspan(out->sha256, sizeof out->sha256), &len, error) ||
        len != sizeof out->sha256)
        return fail(error, "--sha256: expected 64 hexadecimal digits");
    out->has_sha256 = true;
    return true;
}

static bool read_login(struct download_args *args, struct download_settings *out,
                       struct option_error *error)
{
    size_t len = 0;
    bool in_uri = ln_uri_userinfo(ln_span_str(args->uri)).data != NULL;
    if (args->password != NULL && args->user == NULL)
        return fail(error, "--password: --user is missing");
    if (in_uri && args->user != NULL)
        return fail(error, "--user: there is a user name in the URI already");
    if (security_on_command_line(args->password) || in_uri)
        security_warn(&out->security, security_exposed);
    if (args->password != NULL &&
        !value_text("password", args->password, ln_mspan(out->password, sizeof out->password), &len,
                    error))
        return false;
    security_wipe_argument(args->password);
    return true;
}

static bool read_network(const struct download_args *args, struct download_settings *out,
                         struct option_error *error)
{
    if (args->v4 && args->v6)
        return fail(error, "-4 and -6 exclude each other");
    if (args->v4)
        out->sock.family = LN_IPV4;
    if (args->v6)
        out->sock.family = LN_IPV6;
    return true;
}

/* An option that cannot have an effect is a misunderstanding, and that is told. From http a redirect
 * may lead to https. */
static bool plain_is_plain(const struct download_args *args, const struct download_settings *s,
                           struct option_error *error)
{
    bool plain = s->uri.scheme == LN_URI_COAP || s->uri.scheme == LN_URI_COAP_TCP;
    bool http = s->uri.scheme == LN_URI_HTTP || s->uri.scheme == LN_URI_HTTPS;
    if (!http && (args->user != NULL || args->insecure_basic || args->insecure_downgrade))
        return fail(error, "--user, --insecure-basic and --insecure-downgrade are for http only");
    if (!plain || !security_any(&args->security))
        return true;
    snprintf(error->text, sizeof error->text,
             "%s: is not encrypted, so options about keys, certificates and TLS have no meaning",
             ln_uri_scheme_text(s->uri.scheme));
    return false;
}

bool download_settings_read(struct download_args *args, struct download_settings *out,
                            struct option_error *error)
{
    *out = (struct download_settings) {
        .args = args,
        .security = { .tls = LN_TLS_OPTIONS_INIT },
        .sock = LN_SOCK_OPTIONS_INIT,
    };
    return read_uri(args->uri, out, error) && plain_is_plain(args, out, error) &&
           read_output(args, out, error) && read_sha256(args, out, error) &&
           read_login(args, out, error) && read_network(args, out, error) &&
           security_read(&args->security, &out->security, error);
}

void download_settings_wipe(struct download_settings *settings)
{
    security_wipe(&settings->security);
    ln_wipe(settings->password, sizeof settings->password);
}
