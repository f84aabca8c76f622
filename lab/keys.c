/* SPDX-License-Identifier: Apache-2.0 */
/** @file keys.c  See keys.h. */
#include "keys.h"

#include "util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest identity and key that libcoap's server takes. */
#define IDENTITY_MAX 255
#define SECRET_MAX 64

static void key_free(struct key *key)
{
    if (key == NULL)
        return;
    if (key->secret != NULL)
        lab_wipe(key->secret, key->secret_len);
    free(key->secret);
    free(key->identity);
    free(key->endpoint);
    free(key);
}

const struct key *keys_of_endpoint(const struct keys *keys, const char *endpoint)
{
    for (const struct key *key = keys->first; key != NULL; key = key->next) {
        if (strcmp(key->endpoint, endpoint) == 0)
            return key;
    }
    return NULL;
}

const struct key *keys_of_identity(const struct keys *keys, const void *identity, size_t len)
{
    for (const struct key *key = keys->first; key != NULL; key = key->next) {
        if (key->identity != NULL && strlen(key->identity) == len &&
            memcmp(key->identity, identity, len) == 0)
            return key;
    }
    return NULL;
}

static const char *add(struct keys *keys, struct key *key)
{
    const char *wrong = NULL;
    if (key->endpoint[0] == '\0')
        wrong = "the endpoint is missing";
    else if (keys_of_endpoint(keys, key->endpoint) != NULL)
        wrong = "this endpoint has an entry already";
    else if (key->identity != NULL &&
             keys_of_identity(keys, key->identity, strlen(key->identity)) != NULL)
        wrong = "this identity belongs to another endpoint";
    if (wrong != NULL) {
        key_free(key);
        return wrong;
    }
    key->next = keys->first;
    keys->first = key;
    return NULL;
}

const char *keys_add(struct keys *keys, const char *entry)
{
    const char *equals = strchr(entry, '=');
    const char *colon = strrchr(entry, ':');
    if (equals == NULL || colon == NULL || colon < equals)
        return "write it as ENDPOINT=IDENTITY:HEXKEY";
    size_t identity = (size_t)(colon - equals - 1);
    if (identity == 0 || identity > IDENTITY_MAX)
        return "an identity has 1 to 255 bytes";
    size_t len = 0;
    uint8_t *secret = lab_hex(colon + 1, &len);
    if (secret == NULL)
        return "the key is not hexadecimal";
    struct key *key = lab_alloc(sizeof *key);
    key->endpoint = lab_copy(entry, (size_t)(equals - entry));
    key->identity = lab_copy(equals + 1, identity);
    key->secret = secret;
    key->secret_len = len;
    if (len == 0 || len > SECRET_MAX) {
        key_free(key);
        return "a key has 1 to 64 bytes";
    }
    return add(keys, key);
}

const char *keys_add_certificate(struct keys *keys, const char *endpoint)
{
    struct key *key = lab_alloc(sizeof *key);
    key->endpoint = lab_text(endpoint);
    return add(keys, key);
}

/* One line of a file, without its comment and the spaces around it. */
static char *trimmed(char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    line += strspn(line, " \t");
    if (line[0] == '#')
        line[0] = '\0';
    size_t len = strlen(line);
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        line[--len] = '\0';
    return line;
}

static char *read_lines(struct keys *keys, const char *path, FILE *file)
{
    char line[1024];
    char *wrong = NULL;
    for (unsigned number = 1; wrong == NULL && fgets(line, sizeof line, file) != NULL; number++) {
        const char *entry = trimmed(line);
        const char *why = entry[0] == '\0' ? NULL : keys_add(keys, entry);
        if (why != NULL)
            wrong = lab_format("%s, line %u: %s", path, number, why);
    }
    lab_wipe(line, sizeof line);
    if (wrong == NULL && ferror(file))
        wrong = lab_format("%s: %s", path, strerror(errno));
    return wrong;
}

char *keys_read(struct keys *keys, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return lab_format("%s: %s", path, strerror(errno));
    char *wrong = read_lines(keys, path, file);
    fclose(file);
    return wrong;
}

bool keys_remove(struct keys *keys, const char *endpoint)
{
    for (struct key **at = &keys->first; *at != NULL; at = &(*at)->next) {
        struct key *key = *at;
        if (strcmp(key->endpoint, endpoint) == 0) {
            *at = key->next;
            key_free(key);
            return true;
        }
    }
    return false;
}

void keys_free(struct keys *keys)
{
    while (keys->first != NULL) {
        struct key *key = keys->first;
        keys->first = key->next;
        key_free(key);
    }
}
