/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_SERVICE_H
#define LN_AGENT_SERVICE_H
/**
 * @file service.h
 * What a service manager wants to hear: sd_notify(3), a datagram to $NOTIFY_SOCKET.
 *
 * Without one, nothing happens. The protocol is stable and a few lines; libsystemd is not worth it.
 */
#include <linnet/env.h>

/** "READY=1", "STOPPING=1", "STATUS=..." and so on, several with line breaks between them. */
void service_tell(const char *text);
/** How often WATCHDOG=1 is to be told, in ms; 0 = not wanted. Half of what the manager allows. */
ln_msec service_watchdog_ms(void);

#endif
