/* SPDX-License-Identifier: Apache-2.0 */
#include "secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ROOM 4096
#define FILE_MAX ((size_t)256 << 10) /* a chain of certificates is some kilobytes */

bool secrets_path(const char *path, const char *folder, char *room, size_t size)
{
    bool relative = path[0] != '/' && folder != NULL;
    int made = snprintf(room, size, "%s%s%s", relative ? folder : "", relative ? "/" : "", path);
    return made >= 0 && (size_t)made < size;
}

/* ---- files ---- */

static bool complain(char why[SECRETS_WHY_MAX], const char *path, const char *what)
{
    (void)snprintf(why, SECRETS_WHY_MAX, "%.150s %s", path, what);
    return false;
}

static bool read_path(const struct ln_env *env, const char *path, struct ln_mspan *out,
                      char why[SECRETS_WHY_MAX])
{
    size_t len = 0;
    uint8_t *room = malloc(FILE_MAX);
    if (room == NULL)
        return complain(why, path, "cannot be read: there is not enough memory");
    enum ln_status st = env->files.read(env->files.ctx, path, ln_mspan(room, FILE_MAX), &len);
    if (st == LN_OK && len > 0) {
        *out = ln_mspan(room, len);
        return true;
    }
    ln_wipe(room, FILE_MAX);
    free(room);
    return complain(why, path,
                    st == LN_OK          ? "is empty"
                    : st == LN_NOT_FOUND ? "does not exist"
                    : st == LN_DENIED    ? "may not be read by this user"
                    : st == LN_NO_SPACE  ? "is longer than any certificate or key"
                    : st == LN_BAD_ARG   ? "is not a plain file"
                                         : "cannot be read");
}

bool secrets_file(const struct ln_env *env, const char *path, const char *folder,
                  struct ln_mspan *out, char why[SECRETS_WHY_MAX])
{
    char full[PATH_ROOM];
    if (!secrets_path(path, folder, full, sizeof full))
        return complain(why, path, "is too long for a path");
    return read_path(env, full, out, why);
}

/* ---- hexadecimal ---- */

static int digit(char c, const char *digits)
{
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static int hex_digit(char c)
{
    int value = digit(c, "0123456789abcdef");
    return value >= 0 ? value : digit(c, "0123456789ABCDEF");
}

static bool is_gap(char c)
{
    return c == ' ' || c == ':' || c == '\t' || c == '\r' || c == '\n';
}

static bool read_hex(struct ln_span text, uint8_t out[SECRETS_KEY_MAX], size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len;) {
        char c = (char)text.data[i];
        if (is_gap(c)) {
            i++;
            continue;
        }
        int high = hex_digit(c);
        int low = i + 1 < text.len ? hex_digit((char)text.data[i + 1]) : -1;
        if (high < 0 || low < 0 || *len == SECRETS_KEY_MAX)
            return false;
        out[(*len)++] = (uint8_t)(high * 16 + low);
        i += 2;
    }
    return *len > 0;
}

static bool key_of_text(struct ln_span text, struct ln_mspan *out, char why[SECRETS_WHY_MAX])
{
    uint8_t *key = malloc(SECRETS_KEY_MAX);
    size_t len = 0;
    if (key != NULL && read_hex(text, key, &len)) {
        *out = ln_mspan(key, len);
        return true;
    }
    if (key != NULL)
        ln_wipe(key, SECRETS_KEY_MAX);
    free(key);
    (void)snprintf(why, SECRETS_WHY_MAX,
                   "the key cannot be read; expected 1 to %d bytes as pairs of hexadecimal digits",
                   SECRETS_KEY_MAX);
    return false;
}

/* @FILE or credential:NAME, as the path of a file. */
static bool path_of_key(const char *given, const char *folder, char *path, size_t size,
                        char why[SECRETS_WHY_MAX])
{
    static const char prefix[] = "credential:";
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (given[0] == '@')
        return secrets_path(given + 1, folder, path, size) ||
               complain(why, given + 1, "is too long for a path");
    const char *name = given + strlen(prefix);
    if (credentials == NULL)
        return complain(why, given,
                        "needs systemd's LoadCredential=: CREDENTIALS_DIRECTORY is not set");
    if (name[0] == '\0' || strchr(name, '/') != NULL)
        return complain(why, given, "is no name; expected credential:NAME");
    return secrets_path(name, credentials, path, size) ||
           complain(why, given, "is too long for a path");
}

bool secrets_key(const struct ln_env *env, const char *given, const char *folder,
                 struct ln_mspan *out, char why[SECRETS_WHY_MAX])
{
    char path[PATH_ROOM];
    struct ln_mspan text = ln_mspan(NULL, 0);
    if (given[0] != '@' && strncmp(given, "credential:", 11) != 0)
        return key_of_text(ln_span_str(given), out, why);
    if (!path_of_key(given, folder, path, sizeof path, why) || !read_path(env, path, &text, why))
        return false;
    bool good = key_of_text(ln_span(text.data, text.len), out, why);
    ln_wipe(text.data, text.len);
    free(text.data);
    return good;
}

/* ---- PEM ---- */

/* The bytes between BEGIN and END, decoded in place. @return how many; 0: they are not base64 */
static size_t decode_base64(uint8_t *text, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t made = 0;
    for (size_t i = 0; i < len && text[i] != '='; i++) {
        int value = digit((char)text[i], digits);
        if (value < 0 && !is_gap((char)text[i]))
            return 0;
        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            text[made++] = (uint8_t)(bits >> held);
        }
    }
    return made;
}

static const uint8_t *find(const uint8_t *text, size_t len, const char *what)
{
    size_t size = strlen(what);
    for (size_t i = 0; i + size <= len; i++)
        if (memcmp(text + i, what, size) == 0)
            return text + i;
    return NULL;
}

bool secrets_certificate(const struct ln_env *env, const char *path, const char *folder,
                         struct ln_mspan *out, char why[SECRETS_WHY_MAX])
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    if (!secrets_file(env, path, folder, out, why))
        return false;
    const uint8_t *head = find(out->data, out->len, begin);
    if (head == NULL)
        return true; /* DER; the library says if it is not */
    size_t from = (size_t)(head - out->data) + sizeof begin - 1;
    const uint8_t *end = find(out->data + from, out->len - from, "-----END CERTIFICATE-----");
    if (end != NULL) {
        size_t len = (size_t)(end - out->data) - from;
        memmove(out->data, out->data + from, len);
        out->len = decode_base64(out->data, len);
    }
    if (end != NULL && out->len > 0)
        return true;
    free(out->data);
    *out = ln_mspan(NULL, 0);
    return complain(why, path, "is a damaged PEM file");
}
