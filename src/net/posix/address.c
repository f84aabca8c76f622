/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: the address functions of net_posix.h: struct ln_addr <-> struct sockaddr. Copies through
 * memcpy: a sockaddr may stand anywhere.
 */
#include "base/addr.h"
#include "net/posix/net_posix.h"

#include <netinet/in.h>
#include <sys/socket.h>

static void read_v4(const struct sockaddr *from, struct ln_addr *out)
{
    struct sockaddr_in in;
    memcpy(&in, from, sizeof in);
    out->family = LN_IPV4;
    out->port = ntohs(in.sin_port);
    memcpy(out->ip, &in.sin_addr, 4);
}

static void read_v6(const struct sockaddr *from, struct ln_addr *out)
{
    struct sockaddr_in6 in6;
    memcpy(&in6, from, sizeof in6);
    out->family = LN_IPV6;
    out->port = ntohs(in6.sin6_port);
    out->scope = in6.sin6_scope_id;
    memcpy(out->ip, &in6.sin6_addr, 16);
}

bool ln__posix_addr_read(const struct sockaddr *from, size_t len, struct ln_addr *out)
{
    struct ln_addr addr = { .family = LN_FAMILY_ANY };
    if (from == NULL || len < sizeof from->sa_family)
        return false;
    if (from->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
        read_v4(from, &addr);
    else if (from->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
        read_v6(from, &addr);
    else
        return false;
    ln__addr_normalise(&addr);
    *out = addr;
    return true;
}

static size_t write_v4(const struct ln_addr *from, struct sockaddr_storage *out)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(from->port) };
    memcpy(&in.sin_addr, from->ip, 4);
    memcpy(out, &in, sizeof in);
    return sizeof in;
}

static size_t write_v6(const struct ln_addr *from, struct sockaddr_storage *out)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(from->port) };
    if (from->family == LN_IPV4) {
        memset(&in6.sin6_addr.s6_addr[10], 0xff, 2); /* ::ffff:192.0.2.1 */
        memcpy(&in6.sin6_addr.s6_addr[12], from->ip, 4);
    } else {
        memcpy(&in6.sin6_addr, from->ip, 16);
        in6.sin6_scope_id = from->scope;
    }
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

size_t ln__posix_addr_write(const struct ln_addr *from, enum ln_family socket_family,
                            struct sockaddr_storage *out)
{
    struct ln_addr addr = { .family = LN_FAMILY_ANY };
    if (from != NULL)
        addr = *from;
    if (addr.family == LN_FAMILY_ANY) {
        addr.family = (uint8_t)socket_family;
        memset(addr.ip, 0, sizeof addr.ip);
    }
    ln__addr_normalise(&addr);
    memset(out, 0, sizeof *out);
    if (socket_family == LN_IPV6)
        return write_v6(&addr, out);
    if (socket_family == LN_IPV4 && addr.family == LN_IPV4)
        return write_v4(&addr, out);
    return 0;
}

enum ln_family ln__posix_family(int fd)
{
    struct sockaddr_storage local;
    socklen_t len = sizeof local;
    if (getsockname(fd, (struct sockaddr *)&local, &len) != 0)
        return LN_FAMILY_ANY;
    return local.ss_family == AF_INET6  ? LN_IPV6
           : local.ss_family == AF_INET ? LN_IPV4
                                        : LN_FAMILY_ANY;
}
