/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: the socket options of struct ln_net_open (<linnet/env.h>). What cannot be set is told,
 * never left out silently.
 */
#include "net/posix/net_posix.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* An option that is a number. */
struct option {
    int level;
    int name;
    int value;
    const char *verb; /* what could not be done */
};

static enum ln_status option_failed(struct ln_diag *diag, const char *verb)
{
    return ln__posix_fail(diag, &(struct ln__posix_failure) {
                                    .error = errno, .phase = LN_PHASE_CONFIGURE, .verb = verb });
}

static enum ln_status set_option(int fd, const struct option *o, struct ln_diag *diag)
{
    if (setsockopt(fd, o->level, o->name, &o->value, sizeof o->value) != 0)
        return option_failed(diag, o->verb);
    return LN_OK;
}

/* The code point is the upper six bits of the octet, ECN the lower two (RFC 2474, RFC 3168). */
static enum ln_status set_dscp(int fd, struct option o, uint8_t dscp, struct ln_diag *diag)
{
    int before = 0;
    socklen_t len = sizeof before;
    if (getsockopt(fd, o.level, o.name, &before, &len) != 0 || before < 0)
        before = 0; /* not set yet */
    o.value = dscp << 2 | (before & 3);
    return set_option(fd, &o, diag);
}

static enum ln_status set_traffic_class(int fd, const struct ln_net_open *how, struct ln_diag *diag)
{
    static const struct option v4 = { IPPROTO_IP, IP_TOS, 0, "setting the DSCP (IP_TOS)" };
    static const struct option v6 = { IPPROTO_IPV6, IPV6_TCLASS, 0,
                                      "setting the DSCP (IPV6_TCLASS)" };
    if (how->dscp == 0)
        return LN_OK;
    enum ln_status st = LN_OK;
    if (how->family == LN_IPV6)
        st = set_dscp(fd, v6, how->dscp, diag);
    /* a socket of IPv6 sends IPv4 packets too, unless it may not */
    if (st == LN_OK && (how->family == LN_IPV4 || !how->v6_only))
        st = set_dscp(fd, v4, how->dscp, diag);
    return st;
}

static enum ln_status bind_to_interface(int fd, const char *name, struct ln_diag *diag)
{
    if (name == NULL || name[0] == '\0')
        return LN_OK;
    size_t len = strlen(name);
    if (len >= IF_NAMESIZE)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "interface_name: %s is longer than %d characters", name,
                           IF_NAMESIZE - 1);
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)(len + 1)) == 0)
        return LN_OK;
    if (errno != ENODEV)
        return option_failed(diag, "binding to the interface (SO_BINDTODEVICE)");
    (void)ln_diag_set(diag, LN_NOT_FOUND, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                      "interface_name: this machine has no interface %s", name);
    ln_diag_native(diag, "posix", ENODEV, "No such device");
    return LN_NOT_FOUND;
}

static enum ln_status check_ranges(const struct ln_net_open *how, struct ln_diag *diag)
{
    if (how->dscp > 63)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "dscp: %u is not 0 to 63", how->dscp);
    if (how->priority > 7)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "priority: %u is not 0 to 7", how->priority);
    return LN_OK;
}

enum ln_status ln__posix_apply_options(int fd, const struct ln_net_open *how, struct ln_diag *diag)
{
    bool v6 = how->family == LN_IPV6;
    const struct {
        bool wanted;
        struct option option;
    } settings[] = {
        /* always said: the default is a setting of the machine (net.ipv6.bindv6only) */
        { v6, { IPPROTO_IPV6, IPV6_V6ONLY, how->v6_only, "setting IPV6_V6ONLY" } },
        { how->reuse_addr, { SOL_SOCKET, SO_REUSEADDR, 1, "setting SO_REUSEADDR" } },
        { how->priority != 0, { SOL_SOCKET, SO_PRIORITY, how->priority, "setting SO_PRIORITY" } },
        { how->transparent && !v6, { IPPROTO_IP, IP_TRANSPARENT, 1, "setting IP_TRANSPARENT" } },
        { how->transparent && v6,
          { IPPROTO_IPV6, IPV6_TRANSPARENT, 1, "setting IPV6_TRANSPARENT" } },
    };
    enum ln_status st = check_ranges(how, diag);
    if (st == LN_OK)
        st = set_traffic_class(fd, how, diag); /* before SO_PRIORITY: Linux derives one from it */
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && st == LN_OK; i++)
        if (settings[i].wanted)
            st = set_option(fd, &settings[i].option, diag);
    if (st == LN_OK)
        st = bind_to_interface(fd, how->interface_name, diag);
    return st;
}

void ln__posix_no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* only slower without */
}
