/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation with linnet-agent. See control.h. */
#include "control.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Far more than an agent has to say; what goes on for ever is none. */
#define LINE_MAX_BYTES (1u << 20)
#define ANSWER_MAX_LINES 100000

static const char start_it[] =
    "start it (systemctl start linnet-agent, or see linnet-agent --help)";

static bool fail(struct control_failure *failure, int exit, const char *word, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

static bool fail(struct control_failure *failure, int exit, const char *word, const char *format,
                 ...)
{
    va_list args;
    failure->exit = exit;
    snprintf(failure->word, sizeof failure->word, "%s", word);
    va_start(args, format);
    vsnprintf(failure->text, sizeof failure->text, format, args);
    va_end(args);
    return false;
}

static bool no_memory(struct control_failure *failure)
{
    return fail(failure, CONTROL_FAULT, "internal", "out of memory");
}

/* ---- where the socket is ---- */

static bool take_path(struct control *c, const char *path, struct control_failure *failure)
{
    size_t len = strlen(path);
    if (len < sizeof c->path) {
        memcpy(c->path, path, len + 1);
        return true;
    }
    return fail(failure, 2, "usage",
                "the path of a socket has at most %zu bytes, and '%.80s...' has %zu",
                sizeof c->path - 1, path, len);
}

static bool find_path(struct control *c, const char *asked, struct control_failure *failure)
{
    static const char system_wide[] = "/run/linnet/agent.sock";
    const char *named = asked != NULL ? asked : getenv("LINNET_SOCKET");
    const char *own = getenv("XDG_RUNTIME_DIR");
    char path[256];
    struct stat info;
    if (named != NULL && named[0] != '\0')
        return take_path(c, named, failure);
    if (own == NULL || stat(system_wide, &info) == 0 || errno == EACCES)
        return take_path(c, system_wide, failure);
    snprintf(path, sizeof path, "%s/linnet/agent.sock", own);
    return take_path(c, stat(path, &info) == 0 ? path : system_wide, failure);
}

/* ---- connecting ---- */

static bool tell_denied(const struct control *c, struct control_failure *failure)
{
    struct stat info;
    const struct group *group = stat(c->path, &info) == 0 ? getgrgid(info.st_gid) : NULL;
    if (group == NULL)
        return fail(failure, CONTROL_DENIED, "permission",
                    "you may not speak with the agent at %s: its user, its group and root may",
                    c->path);
    return fail(
        failure, CONTROL_DENIED, "permission",
        "you may not speak with the agent at %s: its user, members of the group '%s' and root "
        "may",
        c->path, group->gr_name);
}

static bool tell_connect(const struct control *c, int error, struct control_failure *failure)
{
    struct stat info;
    if (error == EACCES || error == EPERM)
        return tell_denied(c, failure);
    if (error == ENOENT || error == ENOTDIR)
        return fail(
            failure, CONTROL_ABSENT, "not_running",
            "no agent is running: there is no socket %s; %s, or say with --socket where it is",
            c->path, start_it);
    if (stat(c->path, &info) == 0 && !S_ISSOCK(info.st_mode))
        return fail(failure, CONTROL_ABSENT, "not_running",
                    "%s is no socket; --socket wants that of a linnet-agent", c->path);
    if (error == ECONNREFUSED)
        return fail(failure, CONTROL_ABSENT, "not_running",
                    "no agent is running: one left its socket %s and has ended; %s", c->path,
                    start_it);
    return fail(failure, CONTROL_ABSENT, "not_running", "%s: %s", c->path, strerror(error));
}

bool control_open(struct control *c, const char *path, int64_t timeout_ms,
                  struct control_failure *failure)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    *c = (struct control) { .fd = -1, .timeout_ms = timeout_ms };
    if (!find_path(c, path, failure))
        return false;
    _Static_assert(sizeof c->path <= sizeof address.sun_path, "a path fits an address");
    memcpy(address.sun_path, c->path, sizeof c->path);
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (c->fd >= 0 && connect(c->fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return true;
    int error = errno;
    control_close(c);
    return tell_connect(c, error, failure);
}

void control_close(struct control *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->line);
    c->fd = -1;
    c->line = NULL;
    c->len = c->room = c->taken = 0;
}

/* ---- lines ---- */

static bool tell_silence(const struct control *c, struct control_failure *failure)
{
    return fail(failure, CONTROL_BROKEN, "no_answer",
                "the agent at %s did not answer within %.3g s; its log may say why "
                "(journalctl -u linnet-agent)",
                c->path, (double)c->timeout_ms / 1000);
}

static bool tell_end(const struct control *c, struct control_failure *failure)
{
    if (c->len > 0)
        return fail(failure, CONTROL_BROKEN, "cut",
                    "the agent at %s ended in the middle of its answer; its log may say why "
                    "(journalctl -u linnet-agent)",
                    c->path);
    return fail(failure, CONTROL_BROKEN, "cut",
                "the agent at %s has ended, or closed the connection; its log may say why "
                "(journalctl -u linnet-agent)",
                c->path);
}

static bool tell_garbage(const struct control *c, const char *what, struct control_failure *failure)
{
    return fail(failure, CONTROL_BROKEN, "garbage",
                "what answers at %s is no linnet-agent, or one of another version: %s", c->path,
                what);
}

/* 1 = ready; 0 = it took too long */
static int wait_for(const struct control *c, short events, bool patient)
{
    struct pollfd wanted = { .fd = c->fd, .events = events };
    int found = 0;
    do
        found = poll(&wanted, 1, patient ? -1 : (int)c->timeout_ms);
    while (found < 0 && errno == EINTR);
    return found != 0; /* an error shows in the call that follows */
}

bool control_send(struct control *c, const cJSON *request, struct control_failure *failure)
{
    char *text = cJSON_PrintUnformatted(request);
    if (text == NULL)
        return no_memory(failure);
    size_t len = strlen(text);
    text[len] = '\n'; /* in the place of the NUL */
    size_t sent = 0;
    bool good = true;
    while (good && sent < len + 1) {
        ssize_t n = -1;
        if (!wait_for(c, POLLOUT, false))
            good = tell_silence(c, failure);
        else if ((n = send(c->fd, text + sent, len + 1 - sent, MSG_NOSIGNAL)) < 0 && errno != EINTR)
            good = tell_end(c, failure);
        if (n > 0)
            sent += (size_t)n;
    }
    text[len] = '\0';
    cJSON_free(text);
    return good;
}

static bool make_room(struct control *c, struct control_failure *failure)
{
    if (c->len < c->room)
        return true;
    if (c->room >= LINE_MAX_BYTES)
        return tell_garbage(c, "a line without an end", failure);
    size_t room = c->room == 0 ? 4096 : 2 * c->room;
    char *line = realloc(c->line, room);
    if (line == NULL)
        return no_memory(failure);
    c->line = line;
    c->room = room;
    return true;
}

/* More bytes behind what is there. */
static bool receive(struct control *c, bool patient, struct control_failure *failure)
{
    if (!make_room(c, failure))
        return false;
    if (!wait_for(c, POLLIN, patient))
        return tell_silence(c, failure);
    ssize_t n = recv(c->fd, c->line + c->len, c->room - c->len, 0);
    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return tell_end(c, failure);
    c->len += (size_t)n;
    return true;
}

static void drop_taken(struct control *c)
{
    if (c->taken > 0)
        memmove(c->line, c->line + c->taken, c->len - c->taken);
    c->len -= c->taken;
    c->taken = 0;
}

cJSON *control_line(struct control *c, bool patient, struct control_failure *failure)
{
    size_t searched = 0;
    const char *end = NULL;
    drop_taken(c);
    while (end == NULL) {
        if (c->len > searched)
            end = memchr(c->line + searched, '\n', c->len - searched);
        searched = c->len;
        if (end == NULL && !receive(c, patient, failure))
            return NULL;
    }
    size_t len = (size_t)(end - c->line);
    c->taken = len + 1;
    const char *rest = NULL;
    cJSON *object = memchr(c->line, '\0', len) == NULL
                        ? cJSON_ParseWithLengthOpts(c->line, len, &rest, false)
                        : NULL;
    if (cJSON_IsObject(object) && rest != NULL && rest + strspn(rest, " \t\r\n") >= end)
        return object;
    cJSON_Delete(object);
    tell_garbage(c, "a line that is no JSON object", failure);
    return NULL;
}

/* ---- answers ---- */

bool control_is_refusal(const cJSON *line, struct control_failure *failure)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(line, "error");
    if (error == NULL)
        return false;
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "word"));
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "text"));
    fail(failure, CONTROL_REFUSED, word != NULL ? word : "internal", "%s",
         text != NULL ? text : "the agent says no, and does not say why");
    return true;
}

/* The last line becomes the answer. */
static cJSON *finish(cJSON *last, cJSON *values, struct control_failure *failure)
{
    cJSON_DeleteItemFromObjectCaseSensitive(last, "done");
    if (control_is_refusal(last, failure)) {
        cJSON_Delete(values);
        cJSON_Delete(last);
        return NULL;
    }
    if (values == NULL || cJSON_AddItemToObject(last, "values", values))
        return last;
    cJSON_Delete(values);
    cJSON_Delete(last);
    no_memory(failure);
    return NULL;
}

cJSON *control_answer(struct control *c, struct control_failure *failure)
{
    cJSON *values = NULL;
    for (int count = 0; count < ANSWER_MAX_LINES; count++) {
        cJSON *line = control_line(c, false, failure);
        if (line == NULL) {
            cJSON_Delete(values);
            return NULL;
        }
        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "done")))
            return finish(line, values, failure);
        if (values == NULL)
            values = cJSON_CreateArray();
        if (!cJSON_AddItemToArray(values, line)) {
            cJSON_Delete(line);
            cJSON_Delete(values);
            no_memory(failure);
            return NULL;
        }
    }
    cJSON_Delete(values);
    tell_garbage(c, "an answer without an end", failure);
    return NULL;
}
