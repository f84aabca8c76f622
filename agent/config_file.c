/* SPDX-License-Identifier: Apache-2.0 */
/* The INI file, by inih. See config.h.
 *
 * inih hands on section, key and value; it tells no line, so that the lines are counted where they
 * are read. What it would read otherwise than one sees it, is refused: a long line, which it cuts, and
 * an indented one, which it takes as more of the value before. */
#include "config_tell.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A configuration is some kilobytes; what is much more is the wrong file. */
#define FILE_MAX ((size_t)1 << 20)
#define SECTION_ROOM 64
#define HEADINGS_MAX 16

struct reading {
    struct config *config;
    struct config_teller *teller;
    const char *name; /* of the file */
    const char *text;
    size_t len;
    size_t at;
    int line;
    bool has[CONFIG_KEYS_MAX];                 /* which keys of the table this section has had */
    char headings[HEADINGS_MAX][SECTION_ROOM]; /* those so far */
    size_t heading_count;
};

static struct config_place here(const struct reading *r, const char *server)
{
    return (struct config_place) { r->name, r->line, server };
}

/* ---- lines ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What is wrong with a line before anybody has read it; NULL: nothing. */
static const char *line_problem(const struct reading *r, size_t len, size_t room)
{
    const char *line = r->text + r->at;
    size_t blanks = 0;
    if (len + 2 > room)
        return "this line is too long for an INI file; expected a shorter value, or @FILE";
    if (memchr(line, '\0', len) != NULL)
        return "there is a NUL in this line; expected text";
    while (blanks < len && is_blank(line[blanks]))
        blanks++;
    if (blanks > 0 && blanks < len && line[blanks] != '#' && line[blanks] != ';')
        return "this line begins with a blank; expected its first letter in the first column";
    return NULL;
}

/* fgets() of the text in memory, for inih. */
static char *next_line(char *room, int size, void *user)
{
    struct reading *r = user;
    if (r->at >= r->len || size < 2)
        return NULL;
    const char *from = r->text + r->at;
    const char *end = memchr(from, '\n', r->len - r->at);
    size_t len = end != NULL ? (size_t)(end - from) : r->len - r->at;
    r->line++;
    const char *problem = line_problem(r, len, (size_t)size);
    if (problem != NULL) {
        struct config_place place = here(r, "");
        config_wrong(r->teller, &place, NULL, "%s", problem);
        len = 0; /* the others may have errors of their own */
    }
    memcpy(room, from, len);
    room[len] = '\n';
    room[len + 1] = '\0';
    r->at = end != NULL ? (size_t)(end - r->text) + 1 : r->len;
    return room;
}

/* ---- keys ---- */

/* "server cloud" -> "server" and "cloud" */
static void split(const char *heading, char section[SECTION_ROOM], const char **name)
{
    size_t len = strcspn(heading, " \t");
    size_t kept = len < SECTION_ROOM ? len : SECTION_ROOM - 1;
    memcpy(section, heading, kept);
    section[kept] = '\0';
    *name = heading + len + strspn(heading + len, " \t");
}

static bool unknown(struct reading *r, const char *section, const char *name, const char *key)
{
    struct config_place place = here(r, name);
    if (section[0] == '\0')
        return config_wrong(r->teller, &place, NULL,
                            "'%.60s' stands before any section; expected [agent], [server], "
                            "[device] or [firmware] first",
                            key);
    if (!config_has_section(section) || (name[0] != '\0' && strcmp(section, "server") != 0))
        return config_wrong(r->teller, &place, NULL,
                            "there is no section [%.60s%s%.60s]; expected [agent], [server], "
                            "[server NAME], [device] or [firmware]",
                            section, name[0] != '\0' ? " " : "", name);
    const struct config_key *like = config_key_like(section, key);
    return config_wrong(r->teller, &place, NULL, "[%s] has no key '%.60s'; %s%s%s", section, key,
                        like != NULL ? "did you mean '" : "linnet-agent --keys lists them",
                        like != NULL ? like->name : "", like != NULL ? "'?" : "");
}

/* A section begins: each comes once, for who writes [server] twice means two servers. */
static bool enter(struct reading *r, const char *heading)
{
    if (r->heading_count > 0 && strcmp(r->headings[r->heading_count - 1], heading) == 0)
        return true;
    memset(r->has, 0, sizeof r->has);
    for (size_t i = 0; i < r->heading_count; i++)
        if (strcmp(r->headings[i], heading) == 0)
            return false;
    if (r->heading_count == HEADINGS_MAX || strlen(heading) >= SECTION_ROOM)
        return false;
    memcpy(r->headings[r->heading_count++], heading, strlen(heading) + 1);
    return true;
}

/* A key may stand in a section once. */
static bool is_new(struct reading *r, const struct config_key *key)
{
    bool *has = &r->has[key - config_keys];
    bool had = *has;
    *has = true;
    return !had;
}

static int on_key(void *user, const char *heading, const char *name, const char *value)
{
    struct reading *r = user;
    char section[SECTION_ROOM];
    const char *server = "";
    split(heading, section, &server);
    const struct config_key *key = config_key_named(section, name);
    if (key == NULL || (server[0] != '\0' && strcmp(section, "server") != 0)) {
        unknown(r, section, server, name);
        return 1;
    }
    struct config_place place = here(r, server);
    if (!enter(r, heading))
        config_wrong(
            r->teller, &place, NULL,
            "the section [%.60s] comes again, or there are too many; expected it once, and "
            "[server NAME] for more servers",
            heading);
    else if (!is_new(r, key))
        config_wrong(r->teller, &place, key, "it is given twice; expected it once%s",
                     strcmp(section, "server") == 0 ? ", and [server NAME] for another server"
                                                    : "");
    else
        (void)config_set(r->config, key, value, &place, r->teller);
    return 1; /* go on: all errors are told */
}

bool config_read_text(struct config *config, const char *name, const char *text, size_t len,
                      struct config_teller *teller)
{
    struct reading r = {
        .config = config, .teller = teller, .name = name, .text = text, .len = len
    };
    unsigned before = teller->errors;
    int line = ini_parse_stream(next_line, &r, on_key, &r);
    struct config_place place = { name, line > 0 ? line : 0, "" };
    if (line > 0)
        config_wrong(teller, &place, NULL,
                     "this line cannot be read; expected [section] or key = value");
    else if (line < 0)
        config_wrong(teller, &place, NULL, "there is not enough memory to read it");
    return teller->errors == before;
}

/* ---- the file ---- */

static char *read_all(FILE *file, size_t *len)
{
    char *text = malloc(FILE_MAX + 1);
    if (text == NULL)
        return NULL;
    *len = fread(text, 1, FILE_MAX + 1, file);
    return text;
}

bool config_read_file(struct config *config, const char *path, struct config_teller *teller)
{
    struct config_place place = { path, 0, "" };
    size_t len = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return config_wrong(teller, &place, NULL,
                            "it cannot be opened: %s; expected an INI file there, another one by "
                            "--config, or --server and --endpoint",
                            strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no copy of a secret stays in a buffer of stdio */
    char *text = read_all(file, &len);
    bool failed = text == NULL || ferror(file) != 0;
    fclose(file);
    free(config->path);
    config->path = strdup(path);
    bool good = false;
    if (failed || config->path == NULL)
        config_wrong(teller, &place, NULL, "it cannot be read");
    else if (len > FILE_MAX)
        config_wrong(teller, &place, NULL, "it has more than %zu bytes; expected an INI file",
                     FILE_MAX);
    else
        good = config_read_text(config, path, text, len, teller);
    if (text != NULL)
        ln_wipe(text, len);
    free(text);
    return good;
}
