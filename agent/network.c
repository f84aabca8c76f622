/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Network bearers of /4/x/0. */
#define BEARER_WLAN 21
#define BEARER_ETHERNET 41

struct route {
    char interface[IF_NAMESIZE];
    char gateway[INET6_ADDRSTRLEN];
};

/* The default route of IPv4, from /proc/net/route: addresses there are hexadecimal, in the order of
 * this machine. */
static bool default_route(struct route *out)
{
    char line[256];
    bool found = false;
    FILE *file = fopen("/proc/net/route", "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        char name[IF_NAMESIZE];
        char destination[9];
        char gateway[9];
        if (sscanf(line, "%15s %8s %8s", name, destination, gateway) != 3 ||
            strcmp(destination, "00000000") != 0)
            continue;
        struct in_addr address = { .s_addr = (in_addr_t)strtoul(gateway, NULL, 16) };
        (void)snprintf(out->interface, sizeof out->interface, "%s", name);
        found = inet_ntop(AF_INET, &address, out->gateway, sizeof out->gateway) != NULL;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static bool is_wireless(const char *interface)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/sys/class/net/%.15s/wireless", interface);
    return access(path, F_OK) == 0;
}

/* dBm of an interface in /proc/net/wireless; 0: it is not there */
static int32_t signal_of(const char *interface)
{
    char line[256];
    int32_t dbm = 0;
    size_t len = strlen(interface);
    FILE *file = fopen("/proc/net/wireless", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *at = line + strspn(line, " ");
        if (strncmp(at, interface, len) != 0 || at[len] != ':')
            continue;
        at += len + 1; /* "0000   54.  -56.": status, link, level */
        for (int column = 0; column < 2; column++) {
            at += strspn(at, " ");
            at += strcspn(at, " ");
        }
        dbm = (int32_t)strtol(at, NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return dbm;
}

static void add_address(struct ln_connectivity *out, const struct ifaddrs *it)
{
    const void *bytes = NULL;
    int family = it->ifa_addr->sa_family;
    uint16_t i = out->addresses.count;
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    if (i == LN_CONNECTIVITY_ADDRESSES_MAX)
        return;
    if (family == AF_INET) {
        memcpy(&address.v4, it->ifa_addr, sizeof address.v4);
        bytes = &address.v4.sin_addr;
    } else {
        memcpy(&address.v6, it->ifa_addr, sizeof address.v6);
        if (IN6_IS_ADDR_LINKLOCAL(&address.v6.sin6_addr))
            return;
        bytes = &address.v6.sin6_addr;
    }
    if (inet_ntop(family, bytes, out->addresses.values[i], sizeof out->addresses.values[i]) == NULL)
        return;
    out->addresses.ids[i] = i;
    out->addresses.count++;
}

static void read_addresses(struct ln_connectivity *out, const char *interface)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *it = all; it != NULL; it = it->ifa_next) {
        if (it->ifa_addr == NULL || (it->ifa_flags & IFF_UP) == 0 ||
            (it->ifa_addr->sa_family != AF_INET && it->ifa_addr->sa_family != AF_INET6))
            continue;
        bool fits = interface != NULL ? strcmp(it->ifa_name, interface) == 0
                                      : (it->ifa_flags & IFF_LOOPBACK) == 0;
        if (fits)
            add_address(out, it);
    }
    freeifaddrs(all);
}

void network_read(struct ln_connectivity *out)
{
    struct route route = { "", "" };
    bool has_route = default_route(&route);
    bool wireless = has_route && is_wireless(route.interface);
    out->bearer = wireless ? BEARER_WLAN : BEARER_ETHERNET;
    out->signal = wireless ? signal_of(route.interface) : 0;
    out->bearers.count = 1;
    out->bearers.ids[0] = 0;
    out->bearers.values[0] = out->bearer;
    out->addresses.count = 0;
    read_addresses(out, has_route ? route.interface : NULL);
    if (out->addresses.count == 0) {
        (void)snprintf(out->addresses.values[0], sizeof out->addresses.values[0], "127.0.0.1");
        out->addresses.ids[0] = 0;
        out->addresses.count = 1;
    }
    out->routers.count = has_route ? 1 : 0;
    out->routers.ids[0] = 0;
    (void)snprintf(out->routers.values[0], sizeof out->routers.values[0], "%s", route.gateway);
}
