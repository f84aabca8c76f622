/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: struct ln_resolver_ops of <linnet/env.h>, by c-ares 1.18 or later.
 *
 * One channel for each lookup. A shared one would save reading /etc/resolv.conf each time, but: the
 * environment is shared by threads and a channel would need a lock; c-ares cannot cancel one question
 * of many; a device that changes its network gets new name servers, which only a new channel reads;
 * and a new channel asks from a new port, which makes forged answers harder (RFC 5452).
 *
 * Never blocks: c-ares reads some small files when a channel is made; all else is non-blocking
 * sockets. They are opened here and not by c-ares, which would write to a TCP connection without
 * MSG_NOSIGNAL (a name server could kill the process by SIGPIPE) and mark descriptors too late
 * (another thread's fork and exec would inherit them).
 *
 * Order of addresses: that of the answer, so that name servers can spread load. Not sorted by
 * RFC 6724: the race above finds out what is reachable.
 *
 * /etc/hosts comes first, as the system's configuration says; but localhost, and what ends in it, is
 * answered here without asking anybody (RFC 6761 6.3). c-ares 1.18 would ask name servers for
 * "x.localhost", and loses some bytes for localhost of a family that /etc/hosts does not give.
 *
 * Memory: the lookup from the environment; what c-ares needs, it takes from the heap.
 */
#define CARES_NO_DEPRECATED /* 1.34 renamed the socket functions; 1.18 has the old ones only */

#include "port/posix/posix.h"

#include "base/text.h"
#include "net/posix/net_posix.h"

#include <linnet/sock.h>

#include <ares.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

/* Added in 1.22; the numbers never change. */
#define NO_SERVER_CONFIGURED 26

/* When c-ares names no timer, look again after this time rather than hang on its mistake. */
#define NO_TIMER_MS 1000

struct lookup {
    struct ln_lookup base; /* first: the contract */
    const struct ln_env *env;
    ares_channel channel; /* NULL: local */
    enum ln_family family;
    char host[LN_HOST_MAX + 1];
    bool local; /* the loopback, without any question */
    bool done;
    int result; /* of c-ares; counts once done */
    struct ares_addrinfo *answer;
    ln_msec deadline;
    struct ln_wait sockets[LN_WAIT_MAX];
    size_t socket_count;
};

static struct lookup *lookup_of(struct ln_lookup *lookup)
{
    return (struct lookup *)(void *)lookup;
}

/* ---- sockets for c-ares ---- */

static ares_socket_t open_socket(int domain, int type, int protocol, void *user)
{
    (void)user;
    return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t s, void *user)
{
    (void)user;
    return close(s);
}

static int connect_socket(ares_socket_t s, const struct sockaddr *to, ares_socklen_t len,
                          void *user)
{
    (void)user;
    return connect(s, to, len);
}

static ares_ssize_t receive(ares_socket_t s, void *data, size_t room, int flags,
                            struct sockaddr *from, ares_socklen_t *from_len, void *user)
{
    (void)user;
    return recvfrom(s, data, room, flags, from, from_len);
}

static ares_ssize_t send_parts(ares_socket_t s, const struct iovec *parts, int count, void *user)
{
    (void)user;
    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)parts, /* sendmsg() only reads it */
        .msg_iovlen = (size_t)count,
    };
    return sendmsg(s, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions socket_functions = {
    .asocket = open_socket,
    .aclose = close_socket,
    .aconnect = connect_socket,
    .arecvfrom = receive,
    .asendv = send_parts,
};

/* ---- what c-ares waits for ---- */

static void drop_socket(struct lookup *l, size_t index)
{
    l->socket_count--;
    memmove(&l->sockets[index], &l->sockets[index + 1],
            (l->socket_count - index) * sizeof l->sockets[0]);
}

/* c-ares tells when a socket comes, changes or goes. */
static void socket_changed(void *user, ares_socket_t s, int readable, int writable)
{
    struct lookup *l = (struct lookup *)user;
    unsigned events = (readable ? LN_WANT_READ : 0) | (writable ? LN_WANT_WRITE : 0);
    size_t i = 0;
    while (i < l->socket_count && l->sockets[i].handle != s)
        i++;
    if (i < l->socket_count && events == 0) {
        drop_socket(l, i);
        return;
    }
    if (events == 0)
        return;
    if (i == l->socket_count) {
        /* more name servers than can be watched: the oldest one has had its time */
        if (l->socket_count == LN_WAIT_MAX)
            drop_socket(l, 0);
        i = l->socket_count++;
    }
    l->sockets[i] = (struct ln_wait) { .handle = s, .events = events };
}

/* The environment's time of the next timer of c-ares, which runs on a clock of its own. */
static void note_deadline(struct lookup *l, ln_msec now)
{
    struct timeval left;
    if (ares_timeout(l->channel, NULL, &left) == NULL) {
        l->deadline = now + NO_TIMER_MS;
        return;
    }
    l->deadline = now + (ln_msec)left.tv_sec * 1000 + left.tv_usec / 1000 + 1; /* not too early */
}

/* Let c-ares handle what is ready now, and its timers. */
static void process(struct lookup *l)
{
    struct pollfd ready[LN_WAIT_MAX]; /* a copy: the table changes while c-ares works */
    size_t count = l->socket_count;
    for (size_t i = 0; i < count; i++) {
        bool reads = (l->sockets[i].events & LN_WANT_READ) != 0;
        bool writes = (l->sockets[i].events & LN_WANT_WRITE) != 0;
        ready[i] = (struct pollfd) {
            .fd = (int)l->sockets[i].handle,
            .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)),
        };
    }
    if (poll(ready, (nfds_t)count, 0) > 0) {
        for (size_t i = 0; i < count && !l->done; i++) {
            bool failed = (ready[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
            bool reads = failed || (ready[i].revents & POLLIN) != 0;
            bool writes = (ready[i].revents & POLLOUT) != 0;
            if (reads || writes)
                ares_process_fd(l->channel, reads ? ready[i].fd : ARES_SOCKET_BAD,
                                writes ? ready[i].fd : ARES_SOCKET_BAD);
        }
    }
    if (!l->done)
        ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* ---- results ---- */

/* What c-ares says, as a sentence about a host: "%s" is the host. */
struct verdict {
    int result;
    enum ln_status status;
    const char *before; /* ... host */
    const char *behind; /* host ... */
};

/* ARES_ENODATA is not here: its sentence names the family. */
static const struct verdict verdicts[] = {
    { ARES_ENOTFOUND, LN_NOT_FOUND, "there is no host named ", "" },
    { ARES_ENONAME, LN_NOT_FOUND, "there is no host named ", "" },
    { ARES_EBADNAME, LN_BAD_ARG, "this is no host name: ", "" },
    { ARES_ETIMEOUT, LN_TIMEOUT, "no name server answered the question for ", "" },
    /* before 1.22 also what remains when all servers failed or refused */
    { ARES_ECONNREFUSED, LN_REFUSED, "no name server could be asked for ",
      ": they cannot be reached, or they failed" },
    { ARES_ESERVFAIL, LN_REFUSED, "the name server failed to find ", " (SERVFAIL)" },
    { ARES_EREFUSED, LN_REFUSED, "the name server refused the question for ", "" },
    { ARES_ENOTIMP, LN_REFUSED, "the name server cannot answer the question for ", "" },
    { ARES_EFORMERR, LN_REFUSED, "the name server did not understand the question for ", "" },
    { ARES_EBADRESP, LN_BAD_PEER, "the name server sent a malformed answer about ", "" },
    { ARES_EFILE, LN_IO, "the system's name service files cannot be read to find ", "" },
    { NO_SERVER_CONFIGURED, LN_REFUSED, "no name server is configured to find ", "" },
};

static const char *family_name(enum ln_family family)
{
    return family == LN_IPV6 ? "IPv6" : "IPv4";
}

static enum ln_status add_native(struct ln_diag *diag, enum ln_status status, int result)
{
    ln_diag_native(diag, "c-ares", result, ares_strerror(result));
    return status;
}

static enum ln_status no_memory(struct ln_diag *diag, const char *host)
{
    return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_RESOLVE,
                       "out of memory while looking up %s", host);
}

static enum ln_status no_such_family(const struct lookup *l, struct ln_diag *diag)
{
    return ln_diag_set(diag, LN_NOT_FOUND, LN_CAT_DNS, LN_PHASE_RESOLVE, "%s has no %s address",
                       l->host, family_name(l->family));
}

static enum ln_status explain(const struct lookup *l, int result, struct ln_diag *diag)
{
    if (result == ARES_ENOMEM)
        return add_native(diag, no_memory(diag, l->host), result);
    if (result == ARES_ENODATA)
        return add_native(diag, no_such_family(l, diag), result);
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        const struct verdict *v = &verdicts[i];
        if (v->result == result)
            return add_native(diag,
                              ln_diag_set(diag, v->status, LN_CAT_DNS, LN_PHASE_RESOLVE, "%s%s%s",
                                          v->before, l->host, v->behind),
                              result);
    }
    return add_native(
        diag,
        ln_diag_set(diag, LN_IO, LN_CAT_DNS, LN_PHASE_RESOLVE, "looking up %s failed", l->host),
        result);
}

static enum ln_status give_loopback(const struct lookup *l, struct ln_addr *out, size_t room,
                                    size_t *count)
{
    struct ln_addr addr = { .family = (uint8_t)l->family };
    if (l->family == LN_IPV6)
        addr.ip[15] = 1; /* ::1 */
    else
        memcpy(addr.ip, "\x7f\x00\x00\x01", 4);
    if (room > 0)
        out[(*count)++] = addr;
    return LN_OK;
}

static enum ln_status give_addresses(const struct lookup *l, struct ln_addr *out, size_t room,
                                     size_t *count, struct ln_diag *diag)
{
    size_t found = 0;
    const struct ares_addrinfo_node *node = l->answer != NULL ? l->answer->nodes : NULL;
    for (; node != NULL; node = node->ai_next) {
        struct ln_addr addr;
        if (!ln__posix_addr_read(node->ai_addr, (size_t)node->ai_addrlen, &addr) ||
            addr.family != l->family)
            continue; /* ::ffff:192.0.2.1 in an AAAA record is an IPv4 address: not asked for */
        addr.port = 0;
        found++;
        if (*count < room)
            out[(*count)++] = addr;
    }
    return found > 0 ? LN_OK : no_such_family(l, diag);
}

/* ---- the operations ---- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_result; /* written once, under library_once */

static void start_library(void)
{
    library_result = ares_library_init(ARES_LIB_INIT_ALL);
}

static void answered(void *user, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct lookup *l = (struct lookup *)user;
    (void)timeouts;
    l->done = true;
    l->result = status;
    l->answer = answer;
}

static int make_channel(struct lookup *l, const struct ln__posix_dns *dns)
{
    struct ares_options options = {
        .timeout = dns->timeout_ms,
        .tries = dns->tries,
        .sock_state_cb = socket_changed,
        .sock_state_cb_data = l,
    };
    int rc = ares_init_options(&l->channel, &options,
                               ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (rc != ARES_SUCCESS) {
        l->channel = NULL;
        return rc;
    }
    ares_set_socket_functions(l->channel, &socket_functions, NULL);
    return dns->servers != NULL ? ares_set_servers_ports_csv(l->channel, dns->servers)
                                : ARES_SUCCESS;
}

/* "localhost", "x.localhost", and both with the dot of the root. */
static bool is_localhost(const char *host, size_t len)
{
    static const char name[] = "localhost";
    const size_t name_len = sizeof name - 1;
    char end[sizeof name];
    if (len > 0 && host[len - 1] == '.')
        len--;
    if (len < name_len)
        return false;
    memcpy(end, host + len - name_len, name_len);
    end[name_len] = '\0';
    return ln__text_same(end, name) && (len == name_len || host[len - name_len - 1] == '.');
}

static void ask(struct lookup *l)
{
    struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = l->family == LN_IPV6 ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_DGRAM, /* any one, lest each address come once per type */
    };
    ares_getaddrinfo(l->channel, l->host, NULL, &hints, answered, l);
    note_deadline(l, ln_now(l->env));
}

static void cancel(struct ln_lookup *lookup)
{
    if (lookup == NULL)
        return;
    struct lookup *l = lookup_of(lookup);
    if (l->channel != NULL)
        ares_destroy(l->channel); /* calls answered() if that has not happened */
    ares_freeaddrinfo(l->answer);
    ln_free(l->env, l);
}

extern const struct ln_resolver_ops ln__posix_cares;

static enum ln_status start(void *ctx, const struct ln_env *env, const char *host,
                            enum ln_family family, struct ln_diag *diag, struct ln_lookup **out)
{
    *out = NULL;
    size_t host_len = strlen(host);
    if (host_len == 0 || host_len > LN_HOST_MAX)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_DNS, LN_PHASE_RESOLVE,
                           "a host name has 1 to %d characters", LN_HOST_MAX);
    struct lookup *l = (struct lookup *)ln_calloc(env, 1, sizeof *l);
    if (l == NULL)
        return no_memory(diag, host);
    l->base.ops = &ln__posix_cares;
    l->env = env;
    l->family = family;
    memcpy(l->host, host, host_len + 1);
    l->local = is_localhost(host, host_len);
    if (l->local) {
        l->done = true;
        *out = &l->base;
        return LN_OK;
    }
    int rc = make_channel(l, (const struct ln__posix_dns *)ctx);
    if (rc != ARES_SUCCESS) {
        enum ln_status st = explain(l, rc, diag);
        cancel(&l->base);
        return st;
    }
    ask(l);
    *out = &l->base;
    return LN_OK;
}

static enum ln_status poll_lookup(struct ln_lookup *lookup, ln_msec now, struct ln_addr *out,
                                  size_t room, size_t *count, struct ln_diag *diag)
{
    struct lookup *l = lookup_of(lookup);
    *count = 0;
    if (!l->done)
        process(l);
    if (!l->done) {
        note_deadline(l, now);
        return LN_AGAIN;
    }
    if (l->local)
        return give_loopback(l, out, room, count);
    if (l->result != ARES_SUCCESS)
        return explain(l, l->result, diag);
    return give_addresses(l, out, room, count, diag);
}

static void interest(const struct ln_lookup *lookup, struct ln_interest *want)
{
    const struct lookup *l = (const struct lookup *)(const void *)lookup;
    if (l->done) {
        want->ready = true;
        return;
    }
    for (size_t i = 0; i < l->socket_count; i++)
        ln_interest_add(want, l->sockets[i].handle, l->sockets[i].events);
    ln_interest_until(want, l->deadline);
}

const struct ln_resolver_ops ln__posix_cares = {
    .start = start,
    .poll = poll_lookup,
    .interest = interest,
    .cancel = cancel,
};

enum ln_status ln__posix_resolver_init(struct ln__posix_dns *dns, struct ln_resolver *out)
{
    if (pthread_once(&library_once, start_library) != 0)
        return LN_IO;
    if (library_result != ARES_SUCCESS)
        return library_result == ARES_ENOMEM ? LN_NO_MEMORY : LN_IO;
    *out = (struct ln_resolver) { .ops = &ln__posix_cares, .ctx = dns };
    return LN_OK;
}
