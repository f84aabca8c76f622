/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file prompt.c
 * The prompt, by libedit: history, kept between runs, and completion of commands, endpoints, names
 * and formats. See input.h.
 */
#include "clients.h"
#include "command.h"
#include "formats.h"
#include "input.h"
#include "lab.h"
#include "names.h"
#include "util.h"

#include <editline/readline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HISTORY_MAX 500
#define PROMPT "lab> "

static struct lab *at_prompt;
static void (*give_line)(char *text);
static char *history_path;
static bool shown;

/* ---- completion ---- */

/** The candidates of one attempt, one after another: commands, endpoints, and so on. */
typedef const char *(*list_fn)(size_t i);

static const char *endpoint_at(size_t i)
{
    const struct client *client = clients_first(at_prompt->clients);
    while (client != NULL && i-- > 0)
        client = client->next;
    return client == NULL ? NULL : client->endpoint;
}

static char *next_of(list_fn list, const char *text, int state)
{
    static size_t i;
    if (state == 0)
        i = 0;
    for (const char *candidate = list(i); candidate != NULL; candidate = list(i)) {
        i++;
        if (lab_begins(candidate, text))
            return lab_text(candidate);
    }
    return NULL;
}

static char *next_command(const char *text, int state)
{
    return next_of(command_name_at, text, state);
}

static char *next_endpoint(const char *text, int state)
{
    return next_of(endpoint_at, text, state);
}

static char *next_format(const char *text, int state)
{
    return next_of(formats_name_at, text, state);
}

/* "/dev" -> "/device/"; "/device/0/batt" -> "/device/0/battery-level" */
static char *next_path(const char *text, int state)
{
    static size_t i;
    struct ln_path parent;
    const char *last = strrchr(text, '/') + 1;
    char *front = lab_copy(text, (size_t)(last - text));
    if (state == 0)
        i = 0;
    char *before = lab_copy(text, last - text > 1 ? (size_t)(last - text) - 1 : 1);
    bool known = names_read_path(before, &parent) == NULL;
    free(before);
    char *found = NULL;
    while (known && found == NULL && (parent.levels == 0 || parent.levels == 2)) {
        const char *name =
            parent.levels == 0 ? names_object_at(i) : names_resource_at(parent.id[0], i);
        if (name == NULL)
            break;
        i++;
        char *word = names_word(name);
        if (lab_begins(word, last))
            found = lab_format("%s%s%s", front, word, parent.levels == 0 ? "/" : "");
        free(word);
    }
    free(front);
    return found;
}

static char **complete(const char *text, int start, int end)
{
    (void)end;
    rl_attempted_completion_over = 1; /* file names are nothing here */
    if (start == 0)
        return rl_completion_matches(text, next_command);
    if (text[0] == '/') {
        rl_completion_append_character = '\0';
        return rl_completion_matches(text, next_path);
    }
    if (start >= 9 && strncmp(rl_line_buffer + start - 9, "--format ", 9) == 0)
        return rl_completion_matches(text, next_format);
    return rl_completion_matches(text, next_endpoint);
}

/* ---- history ---- */

static void read_past(void)
{
    const char *home = getenv("HOME");
    const char *state = getenv("XDG_STATE_HOME");
    if (state == NULL && home == NULL)
        return;
    char *folder = state != NULL ? lab_text(state) : lab_format("%s/.local/state", home);
    history_path = lab_format("%s/linnet-lab-history", folder);
    free(folder);
    using_history();
    stifle_history(HISTORY_MAX);
    (void)read_history(history_path); /* the first time there is none */
}

static bool is_secret(const char *line)
{
    return lab_begins(line + strspn(line, " \t"), "psk");
}

/* ---- life ---- */

/* From here to the next prompt the terminal is an ordinary one. */
static void on_line(char *text)
{
    rl_callback_handler_remove();
    shown = false;
    if (text != NULL && *text != '\0' && !is_secret(text))
        add_history(text);
    if (text == NULL)
        putchar('\n');
    give_line(text);
}

void prompt_start(struct lab *lab, void (*line)(char *text))
{
    at_prompt = lab;
    give_line = line;
    rl_readline_name = "linnet-lab";
    rl_attempted_completion_function = complete;
    rl_basic_word_break_characters = " \t";
    read_past();
}

void prompt_show(void)
{
    if (!shown)
        rl_callback_handler_install(PROMPT, on_line);
    shown = true;
}

void prompt_read(void)
{
    rl_callback_read_char();
}

void prompt_step_aside(void)
{
    if (shown)
        fputs("\r\033[K", stdout);
}

void prompt_come_back(void)
{
    if (shown) {
        fflush(stdout);
        rl_forced_update_display();
    }
}

void prompt_stop(void)
{
    if (shown)
        rl_callback_handler_remove();
    shown = false;
    if (history_path != NULL && write_history(history_path) == 0)
        (void)chmod(history_path, S_IRUSR | S_IWUSR);
    free(history_path);
    history_path = NULL;
}
