/* SPDX-License-Identifier: Apache-2.0 */
#include "config_tell.h"

#include <stdarg.h>
#include <stdio.h>

/* "agent.ini:7: [server cloud] lifetime: ", "--lifetime: " */
static size_t place_text(const struct config_place *place, const struct config_key *key, char *room,
                         size_t size)
{
    int made = 0;
    char line[16] = "";
    if (place->line > 0)
        (void)snprintf(line, sizeof line, ":%d", place->line);
    if (place->file == NULL && key != NULL && key->option != NULL)
        made = snprintf(room, size, "--%s: ", key->option);
    else if (place->file == NULL)
        made = snprintf(room, size, "%s", "");
    else if (key == NULL)
        made = snprintf(room, size, "%.300s%s: ", place->file, line);
    else
        made = snprintf(room, size, "%.300s%s: [%s%s%s] %s: ", place->file, line, key->section,
                        place->server != NULL && place->server[0] != '\0' ? " " : "",
                        place->server != NULL ? place->server : "", key->name);
    return made < 0 ? 0 : (size_t)made < size ? (size_t)made : size - 1;
}

static void tell(struct config_teller *teller, enum ln_level level,
                 const struct config_place *place, const struct config_key *key, const char *text,
                 va_list values) __attribute__((__format__(__printf__, 5, 0)));

static void tell(struct config_teller *teller, enum ln_level level,
                 const struct config_place *place, const struct config_key *key, const char *text,
                 va_list values)
{
    char line[CONFIG_LINE_MAX];
    size_t used = place_text(place, key, line, sizeof line);
    if (vsnprintf(line + used, sizeof line - used, text, values) < 0)
        line[used] = '\0';
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) /* a line is a line, whatever was in the file */
            *c = '?';
    teller->tell(teller->user, level, line);
}

bool config_wrong(struct config_teller *teller, const struct config_place *place,
                  const struct config_key *key, const char *text, ...)
{
    va_list values;
    teller->errors++;
    va_start(values, text);
    tell(teller, LN_LOG_ERROR, place, key, text, values);
    va_end(values);
    return false;
}

void config_warn(struct config_teller *teller, const struct config_place *place,
                 const struct config_key *key, const char *text, ...)
{
    va_list values;
    va_start(values, text);
    tell(teller, LN_LOG_WARN, place, key, text, values);
    va_end(values);
}

struct config_place config_place_of(const struct config *config, const struct config_server *server,
                                    const struct config_key *key)
{
    const char *name = server != NULL ? server->name : "";
    int line = 0;
    if (key != NULL)
        line = (server != NULL ? server->lines : config->lines)[key - config_keys];
    if (line == CONFIG_BY_OPTION)
        return (struct config_place) { NULL, 0, name };
    if (line == 0 && server != NULL)
        line = server->line;
    return (struct config_place) { config->path, line, name };
}
