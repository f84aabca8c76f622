/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_MACHINE_H
#define LN_AGENT_MACHINE_H
/**
 * @file machine.h
 * Device /3 and Connectivity Monitoring /4 with the values of this Linux machine.
 *
 * What never changes is read once; memory, battery, addresses and signal are read when somebody asks.
 * What the machine does not tell does not exist as a resource.
 */
#include "config.h"

#define MACHINE_TEXT_MAX 129

struct machine {
    struct ln_device device;
    struct ln_connectivity connectivity;
    struct ln_time time;
    char manufacturer[MACHINE_TEXT_MAX], model[MACHINE_TEXT_MAX], serial[MACHINE_TEXT_MAX];
    char firmware[MACHINE_TEXT_MAX], hardware[MACHINE_TEXT_MAX], type[MACHINE_TEXT_MAX];
    char battery[300];          /**< folder of it in /sys; "" = none */
    void (*reboot)(void *user); /**< a server's wish; NULL = not possible */
    void *user;
};

/** Read the machine; what `config` names wins. `config` is borrowed. */
void machine_init(struct machine *machine, const struct config *config, const char *version);
/** Add /3, /4 and /3333 to a client. */
LN_MUST_USE enum ln_status machine_add(struct machine *machine, struct ln_client *client);
/** Read anew what changes by itself. */
void machine_refresh(struct machine *machine);

#endif
