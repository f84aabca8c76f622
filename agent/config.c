/* SPDX-License-Identifier: Apache-2.0 */
/* Values into the configuration. See config.h; the file is read in config_file.c, what belongs
 * together is checked in config_finish.c. */
#include "config_tell.h"
#include "utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whatever the table says, a place in one of the two structures. */
static void *member(struct config *config, struct config_server *server,
                    const struct config_key *key)
{
    bool of_server = strcmp(key->section, "server") == 0;
    return (of_server ? (char *)server : (char *)config) + key->at;
}

static bool is_text(enum config_type type)
{
    return type == CONFIG_TEXT || type == CONFIG_PATH || type == CONFIG_FILE ||
           type == CONFIG_SECRET;
}

static void drop(char **text)
{
    if (*text != NULL)
        ln_wipe(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static bool keep(char **into, const char *value)
{
    char *copy = strdup(value);
    if (copy == NULL)
        return false;
    drop(into);
    *into = copy;
    return true;
}

/* ---- values ---- */

static bool read_bool(const char *text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = { { "yes", true }, { "no", false },  { "true", true }, { "false", false },
                  { "on", true },  { "off", false }, { "1", true },    { "0", false } };
    for (size_t i = 0; i < LN_COUNT_OF(words); i++) {
        if (strcmp(text, words[i].word) != 0)
            continue;
        *out = words[i].value;
        return true;
    }
    return false;
}

static bool read_number(const char *text, long low, long high, long *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return false;
    errno = 0;
    long value = strtol(text, NULL, 10);
    if (errno != 0 || value < low || value > high)
        return false;
    *out = value;
    return true;
}

static bool take_word(const struct config_key *key, const char *value, long *out,
                      const struct config_place *place, struct config_teller *teller)
{
    char list[128] = "";
    size_t used = 0;
    for (long i = 0; key->words[i] != NULL; i++) {
        if (strcmp(key->words[i], value) == 0) {
            *out = key->low + i;
            return true;
        }
        int made =
            snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", key->words[i]);
        used += made > 0 && (size_t)made < sizeof list - used ? (size_t)made : 0;
    }
    return config_wrong(teller, place, key, "'%.60s' is not known; expected one of %s", value,
                        list);
}

static bool take_text(const struct config_key *key, const char *value, char **out,
                      const struct config_place *place, struct config_teller *teller)
{
    size_t len = strlen(value);
    if (len == 0)
        return config_wrong(teller, place, key, "nothing is given; expected %s", key->value);
    if (key->high > 0 && len > (size_t)key->high)
        return config_wrong(teller, place, key, "%zu bytes are too many; expected at most %ld", len,
                            key->high);
    if (key->type == CONFIG_TEXT && !utf8_is(value, len))
        return config_wrong(teller, place, key, "it is not UTF-8; expected text in UTF-8");
    if (key->type == CONFIG_PATH && value[0] != '/')
        return config_wrong(teller, place, key, "'%.100s' is relative; expected an absolute path",
                            value);
    return keep(out, value) || config_wrong(teller, place, key, "there is not enough memory");
}

static bool take(const struct config_key *key, const char *value, void *into,
                 const struct config_place *place, struct config_teller *teller)
{
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_FILE:
    case CONFIG_SECRET:
        return take_text(key, value, into, place, teller);
    case CONFIG_NUMBER:
        return read_number(value, key->low, key->high, into) ||
               config_wrong(teller, place, key, "'%.60s'; expected a number from %ld to %ld", value,
                            key->low, key->high);
    case CONFIG_BOOL:
        return read_bool(value, into) ||
               config_wrong(teller, place, key, "'%.60s'; expected yes or no", value);
    case CONFIG_WORD:
        return take_word(key, value, into, place, teller);
    }
    return false;
}

/* ---- life ---- */

static void ignore(void *user, enum ln_level level, const char *line)
{
    (void)user;
    (void)level;
    (void)line;
}

static bool take_defaults(struct config *config, struct config_server *server)
{
    const struct config_place place = { NULL, 0, "" };
    struct config_teller teller = { ignore, NULL, 0 };
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        bool of_server = strcmp(key->section, "server") == 0;
        if (key->standard != NULL && of_server == (server != NULL) &&
            !take(key, key->standard, member(config, server, key), &place, &teller))
            return false;
    }
    return true;
}

struct config *config_new(void)
{
    struct config *config = calloc(1, sizeof *config);
    if (config != NULL && take_defaults(config, NULL))
        return config;
    config_free(config);
    return NULL;
}

static void drop_bytes(struct ln_mspan *bytes)
{
    if (bytes->data != NULL)
        ln_wipe(bytes->data, bytes->len);
    free(bytes->data);
    *bytes = ln_mspan(NULL, 0);
}

static void free_texts(struct config *config, struct config_server *server)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        bool of_server = strcmp(key->section, "server") == 0;
        if (is_text(key->type) && of_server == (server != NULL))
            drop(member(config, server, key));
    }
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->server_count; i++) {
        struct config_server *s = &config->servers[i];
        free_texts(config, s);
        drop_bytes(&s->identity_bytes);
        drop_bytes(&s->secret_bytes);
        drop_bytes(&s->server_bytes);
    }
    free_texts(config, NULL);
    free(config->path);
    free(config);
}

/* ---- setting ---- */

static struct config_server *find_server(struct config *config, const char *name)
{
    for (size_t i = 0; i < config->server_count; i++)
        if (strcmp(config->servers[i].name, name) == 0)
            return &config->servers[i];
    return NULL;
}

static struct config_server *new_server(struct config *config, const struct config_place *place,
                                        struct config_teller *teller)
{
    const char *name = place->server != NULL ? place->server : "";
    if (config->server_count == CONFIG_SERVERS_MAX || strlen(name) >= CONFIG_NAME_MAX) {
        config_wrong(teller, place, NULL,
                     "[server %.40s]: expected at most %d servers, with names of at most %d bytes",
                     name, CONFIG_SERVERS_MAX, CONFIG_NAME_MAX - 1);
        return NULL;
    }
    struct config_server *s = &config->servers[config->server_count];
    memset(s, 0, sizeof *s);
    if (!take_defaults(config, s)) {
        free_texts(config, s);
        config_wrong(teller, place, NULL, "there is not enough memory");
        return NULL;
    }
    memcpy(s->name, name, strlen(name));
    s->line = place->line;
    config->server_count++;
    return s;
}

bool config_set(struct config *config, const struct config_key *key, const char *value,
                const struct config_place *place, struct config_teller *teller)
{
    struct config_server *server = NULL;
    if (strcmp(key->section, "server") == 0) {
        server = find_server(config, place->server != NULL ? place->server : "");
        if (server == NULL)
            server = new_server(config, place, teller);
        if (server == NULL)
            return false;
    }
    int *lines = server != NULL ? server->lines : config->lines;
    lines[key - config_keys] = place->file != NULL ? place->line : CONFIG_BY_OPTION;
    return take(key, value, member(config, server, key), place, teller);
}
