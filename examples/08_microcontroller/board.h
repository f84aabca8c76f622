/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARD_H
#define BOARD_H
/**
 * @file board.h
 * What a device has in place of an operating system: memory, clocks, randomness and datagrams. Write
 * one of board_*.c for yours; docs/howto-microcontroller.md goes through it.
 */
#include <linnet/client.h>

/** Who it is and where its server is. A real device has this in its flash. */
struct board_settings {
    const char *endpoint;
    const char *server; /**< "coap://192.0.2.1:5683" */
};

/** Start the hardware, and fill in alloc, clock, random and net. `argc` and `argv` are main()'s. */
void board_start(struct ln_env *env, struct board_settings *settings, int argc, char **argv);

/** Something has happened: a lamp, a line on the console. */
void board_event(const struct ln_client_event *event);

/** Percent, for /3/0/9. */
int32_t board_battery(void);

/** Restart. May return: then the client is de-registered first. */
void board_reboot(void);

#endif
