/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: the error functions of net_posix.h: errno -> status, category and a sentence.
 */
#include "net/posix/net_posix.h"

#include <errno.h>

struct meaning {
    int error;
    enum ln_status status;
    enum ln_category category;
    const char *clause; /* goes on "connect to 192.0.2.1:5684 ..." */
};

static const struct meaning meanings[] = {
    { ECONNREFUSED, LN_REFUSED, LN_CAT_PEER_REFUSED, "was refused" },

    { ECONNRESET, LN_CLOSED, LN_CAT_RESET, "failed: the connection was reset" },
    { ECONNABORTED, LN_CLOSED, LN_CAT_RESET, "failed: the connection was aborted" },
    { EPIPE, LN_CLOSED, LN_CAT_RESET, "failed: the connection is closed" },

    { ENETUNREACH, LN_REFUSED, LN_CAT_UNREACHABLE, "failed: there is no route to that network" },
    { EHOSTUNREACH, LN_REFUSED, LN_CAT_UNREACHABLE, "failed: that host cannot be reached" },
    { EHOSTDOWN, LN_REFUSED, LN_CAT_UNREACHABLE, "failed: that host is down" },
    { ENETDOWN, LN_REFUSED, LN_CAT_UNREACHABLE, "failed: the network is down" },
    { ENONET, LN_REFUSED, LN_CAT_UNREACHABLE, "failed: this machine is on no network" },
    { EADDRNOTAVAIL, LN_REFUSED, LN_CAT_UNREACHABLE,
      "failed: this machine has no such local address, or no local port left" },
    { EPROTO, LN_REFUSED, LN_CAT_UNREACHABLE, "failed: a router found the packet wrong (ICMP)" },
    { ENOPROTOOPT, LN_REFUSED, LN_CAT_UNREACHABLE,
      "failed: that host does not speak this protocol (ICMP)" },

    { ETIMEDOUT, LN_TIMEOUT, LN_CAT_NO_ANSWER, "had no answer" },

    { EMSGSIZE, LN_NO_SPACE, LN_CAT_CONFIGURATION,
      "failed: the datagram is too long for the path" },
    { EINVAL, LN_BAD_ARG, LN_CAT_CONFIGURATION,
      "failed: the system does not take this (link-local addresses need their zone: %2)" },
    { EAFNOSUPPORT, LN_UNSUPPORTED, LN_CAT_UNREACHABLE,
      "failed: this system or this socket does not have that address family" },
    { EPROTONOSUPPORT, LN_UNSUPPORTED, LN_CAT_CONFIGURATION,
      "failed: this system does not have that protocol" },
    { EOPNOTSUPP, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, "is not supported by this socket" },

    { EACCES, LN_DENIED, LN_CAT_LOCAL_IO, "is not permitted" },
    { EPERM, LN_DENIED, LN_CAT_LOCAL_IO, "is not permitted (privilege, or a local firewall)" },
    { EADDRINUSE, LN_BAD_STATE, LN_CAT_LOCAL_IO, "failed: another socket uses that local address" },
    { EISCONN, LN_BAD_STATE, LN_CAT_LOCAL_IO, "failed: the socket is connected already" },
    { ENOTCONN, LN_BAD_STATE, LN_CAT_LOCAL_IO, "failed: the socket is not connected" },
    { EDESTADDRREQ, LN_BAD_STATE, LN_CAT_LOCAL_IO, "failed: the socket is not connected" },
    { EALREADY, LN_BAD_STATE, LN_CAT_LOCAL_IO, "failed: a connect is under way" },

    { ENOMEM, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, "failed: the system is out of memory" },
    { ENOBUFS, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, "failed: the system is out of buffers" },
    { EMFILE, LN_NO_SPACE, LN_CAT_LOCAL_IO,
      "failed: this process has no descriptor left (RLIMIT_NOFILE, ulimit -n)" },
    { ENFILE, LN_NO_SPACE, LN_CAT_LOCAL_IO,
      "failed: this machine has no descriptor left (fs.file-max)" },
    { EAGAIN, LN_IO, LN_CAT_LOCAL_IO, "failed: there is no local port left" },

    { EBADF, LN_INTERNAL, LN_CAT_INTERNAL_FAULT, "failed: the handle is not open" },
    { ENOTSOCK, LN_INTERNAL, LN_CAT_INTERNAL_FAULT, "failed: the handle is no socket" },
};

static const struct meaning *find_meaning(int error)
{
    static const struct meaning other = { 0, LN_IO, LN_CAT_LOCAL_IO, "failed" };
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].error == error)
            return &meanings[i];
    return &other;
}

bool ln__posix_would_block(int error)
{
    return error == EAGAIN; /* EWOULDBLOCK is the same on Linux */
}

enum ln_status ln__posix_fail(struct ln_diag *diag, const struct ln__posix_failure *failure)
{
    const struct meaning *m = find_meaning(failure->error);
    char addr[LN_ADDR_TEXT_MAX] = "";
    char words[96] = "";
    if (failure->addr != NULL)
        ln_addr_format(failure->addr, addr);
    (void)strerror_r(failure->error, words, sizeof words); /* a number without words stays so */
    (void)ln_diag_set(diag, m->status, m->category, failure->phase, "%s%s%s %s", failure->verb,
                      addr[0] != '\0' ? failure->link : "", addr, m->clause);
    ln_diag_native(diag, "posix", failure->error, words);
    return m->status;
}
