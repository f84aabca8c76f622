/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include "json.h"
#include "log.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PEERS_MAX 16
#define LINE_MAX_BYTES 65536u
/* A whole tree in one answer is some tens of kilobytes; who lets more pile up does not read. */
#define ANSWER_MAX ((size_t)4 << 20)
#define FOLLOW_MS 200 /* between two lines of a status that is followed */

struct control_peer {
    struct control *control;
    int fd; /* -1: free */
    bool follows, stale;
    bool over;  /* close when all is written */
    bool skips; /* the rest of a line that is too long */
    ln_msec told;
    char *in;
    size_t in_len;
    char *out;
    size_t out_len, out_room;
};

struct control {
    struct agent *agent;
    int fd;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    struct control_peer peers[PEERS_MAX];
};

/* ---- peers ---- */

static void peer_drop(struct control_peer *peer)
{
    if (peer->fd >= 0)
        (void)close(peer->fd);
    free(peer->in);
    free(peer->out);
    *peer = (struct control_peer) { .control = peer->control, .fd = -1 };
}

static void peer_write(struct control_peer *peer)
{
    size_t done = 0;
    while (done < peer->out_len) {
        ssize_t n =
            send(peer->fd, peer->out + done, peer->out_len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            peer_drop(peer);
            return;
        }
        if (n < 0)
            break;
        done += (size_t)n;
    }
    if (done > 0)
        memmove(peer->out, peer->out + done, peer->out_len - done);
    peer->out_len -= done;
    if (peer->over && peer->out_len == 0)
        peer_drop(peer);
}

static bool peer_append(struct control_peer *peer, const char *text, size_t len)
{
    if (peer->out_len + len > ANSWER_MAX)
        return false;
    if (peer->out_len + len > peer->out_room) {
        size_t room = 2 * (peer->out_len + len);
        char *more = realloc(peer->out, room);
        if (more == NULL)
            return false;
        peer->out = more;
        peer->out_room = room;
    }
    memcpy(peer->out + peer->out_len, text, len);
    peer->out_len += len;
    return true;
}

static void put(struct control_peer *peer, const char *text)
{
    if (peer->fd < 0 || peer->over)
        return;
    if (peer_append(peer, text, strlen(text)) && peer_append(peer, "\n", 1))
        return;
    peer->over = true; /* half an answer without "done" tells that it is not whole */
    if (peer->out_len > ANSWER_MAX / 2)
        peer->out_len = 0; /* and who does not read is not waited for */
}

/* The end of an answer that cannot be whole. */
static void give_up(struct control_peer *peer)
{
    put(peer, "{\"done\":true,\"error\":{\"word\":\"internal\",\"text\":"
              "\"there is not enough memory for the answer\"}}");
    peer->over = true;
}

void control_answer(struct control_peer *peer, cJSON *line)
{
    char *text = json_text(line);
    if (text != NULL)
        put(peer, text);
    else
        give_up(peer);
    cJSON_free(text);
    cJSON_Delete(line);
}

void control_refuse(struct control_peer *peer, const char *word, const char *text, ...)
{
    char sentence[512];
    va_list values;
    va_start(values, text);
    (void)vsnprintf(sentence, sizeof sentence, text, values);
    va_end(values);
    cJSON *line = cJSON_CreateObject();
    cJSON_AddBoolToObject(line, "done", true);
    cJSON *error = cJSON_AddObjectToObject(line, "error");
    cJSON_AddStringToObject(error, "word", word);
    cJSON_AddStringToObject(error, "text", sentence);
    control_answer(peer, line);
}

void control_follow(struct control_peer *peer)
{
    peer->follows = true;
    peer->stale = true;
}

static void run_line(struct control_peer *peer, const char *line, size_t len)
{
    json_begin();
    cJSON *request = cJSON_ParseWithLength(line, len);
    if (!json_is_whole())
        give_up(peer);
    else if (!utf8_is(line, len))
        control_refuse(peer, "bad_request", "the request is not UTF-8; expected text in UTF-8");
    else if (cJSON_IsObject(request))
        command_run(peer->control->agent, peer, request);
    else
        control_refuse(peer, "bad_request",
                       "the request cannot be read; expected one JSON object in one line");
    cJSON_Delete(request);
}

static void run_lines(struct control_peer *peer)
{
    size_t from = 0;
    for (;;) {
        const char *end = memchr(peer->in + from, '\n', peer->in_len - from);
        if (end == NULL || peer->over)
            break;
        size_t len = (size_t)(end - peer->in) - from;
        if (!peer->skips)
            run_line(peer, peer->in + from, len);
        peer->skips = false;
        from += len + 1;
    }
    memmove(peer->in, peer->in + from, peer->in_len - from);
    peer->in_len -= from;
    if (peer->in_len < LINE_MAX_BYTES)
        return;
    if (!peer->skips)
        control_refuse(peer, "bad_request", "the request is longer than %u bytes", LINE_MAX_BYTES);
    peer->skips = true;
    peer->in_len = 0;
}

static void peer_read(struct control_peer *peer)
{
    ssize_t n =
        recv(peer->fd, peer->in + peer->in_len, LINE_MAX_BYTES - peer->in_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        peer->over = true; /* what was asked before the end is still answered */
        peer->follows = false;
        return;
    }
    peer->in_len += (size_t)n;
    run_lines(peer);
}

static void on_peer(void *user, short events)
{
    struct control_peer *peer = user;
    if (peer->fd < 0)
        return;
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !peer->over)
        peer_read(peer);
    peer_write(peer);
}

/* ---- listening ---- */

static void on_knock(void *user, short events)
{
    struct control *c = user;
    (void)events;
    int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    for (size_t i = 0; fd >= 0 && i < PEERS_MAX; i++) {
        struct control_peer *peer = &c->peers[i];
        if (peer->fd >= 0)
            continue;
        peer->in = malloc(LINE_MAX_BYTES);
        if (peer->in == NULL)
            break;
        peer->fd = fd;
        return;
    }
    if (fd >= 0)
        (void)close(fd); /* too many at once: the peer sees an end without an answer */
}

void control_watch(struct control *c, struct loop *loop)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        struct control_peer *peer = &c->peers[i];
        if (peer->fd < 0)
            continue;
        short events = (short)((peer->over ? 0 : POLLIN) | (peer->out_len > 0 ? POLLOUT : 0));
        (void)loop_add(loop, peer->fd, events, on_peer, peer);
        if (peer->follows && peer->stale)
            loop_until(loop, peer->told + FOLLOW_MS);
    }
    (void)loop_add(loop, c->fd, POLLIN, on_knock, c); /* behind those who leave: they make room */
}

void control_changed(struct control *c)
{
    for (size_t i = 0; c != NULL && i < PEERS_MAX; i++)
        c->peers[i].stale = true;
}

void control_step(struct control *c, ln_msec now)
{
    for (size_t i = 0; c != NULL && i < PEERS_MAX; i++) {
        struct control_peer *peer = &c->peers[i];
        if (peer->fd < 0)
            continue;
        if (peer->follows && peer->stale && now >= peer->told + FOLLOW_MS && peer->out_len == 0) {
            peer->stale = false;
            peer->told = now;
            json_begin();
            control_answer(peer, status_json(c->agent));
        }
        if (peer->out_len > 0 || peer->over)
            peer_write(peer);
    }
}

/* ---- life ---- */

/* A socket that nobody listens on any more is in the way; one that is alive is another agent's. */
static bool clear_way(const struct sockaddr_un *address, char *why, size_t why_size)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool let_in = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    if (let_in || error == EAGAIN) { /* EAGAIN: many wait at its door */
        (void)snprintf(why, why_size,
                       "another agent listens at %s; give this one a socket of its own",
                       address->sun_path);
        return false;
    }
    struct stat about;
    if (error != ECONNREFUSED)
        return true; /* bind() tells what it is */
    if (lstat(address->sun_path, &about) == 0 && S_ISSOCK(about.st_mode))
        (void)unlink(address->sun_path);
    return true;
}

/* The folder, if only it is missing. */
static void make_folder(const char *path)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    (void)mkdir(folder, 0755); /* bind() tells */
}

static bool give_to_group(const char *path, const char *group, char *why, size_t why_size)
{
    const struct group *entry = group != NULL ? getgrnam(group) : NULL;
    if (group != NULL && entry == NULL) {
        (void)snprintf(why, why_size, "there is no group '%s'; correct socket_group", group);
        return false;
    }
    if (entry != NULL && chown(path, (uid_t)-1, entry->gr_gid) != 0) {
        (void)snprintf(why, why_size, "%s cannot be given to the group '%s': %s", path, group,
                       strerror(errno));
        return false;
    }
    return true;
}

static bool listen_at(struct control *c, const char *group, char *why, size_t why_size)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", c->path);
    make_folder(c->path);
    if (!clear_way(&address, why, why_size))
        return false;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0117); /* the socket is never open to all, not even for a moment */
    bool bound = c->fd >= 0 && bind(c->fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)umask(mask);
    if (!bound || listen(c->fd, PEERS_MAX) != 0) {
        (void)snprintf(why, why_size,
                       "the control socket %s cannot be made: %s; `linnet status` and "
                       "its sisters do not work",
                       c->path, strerror(errno));
        return false;
    }
    return give_to_group(c->path, group, why, why_size);
}

struct control *control_open(struct agent *agent, const char *path, const char *group, char *why,
                             size_t why_size)
{
    struct control *c = calloc(1, sizeof *c);
    if (c == NULL || strlen(path) >= sizeof c->path) {
        (void)snprintf(why, why_size,
                       c == NULL ? "there is not enough memory"
                                 : "the path of the control socket is too long");
        free(c);
        return NULL;
    }
    c->agent = agent;
    c->fd = -1;
    for (size_t i = 0; i < PEERS_MAX; i++)
        c->peers[i] = (struct control_peer) { .control = c, .fd = -1 };
    (void)snprintf(c->path, sizeof c->path, "%s", path);
    if (listen_at(c, group, why, why_size))
        return c;
    c->path[0] = '\0'; /* it may be another agent's */
    control_close(c);
    return NULL;
}

void control_close(struct control *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        if (c->peers[i].fd >= 0)
            peer_write(&c->peers[i]);
        peer_drop(&c->peers[i]);
    }
    if (c->fd >= 0)
        (void)close(c->fd);
    if (c->path[0] != '\0')
        (void)unlink(c->path);
    free(c);
}
