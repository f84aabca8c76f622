/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_VTIME_H
#define LN_TESTS_VTIME_H
/**
 * @file vtime.h
 * Virtual time for TLS libraries that ask the system for it.
 *
 * OpenSSL's DTLS timers call gettimeofday(), its sessions time(); Mbed TLS asks clock_gettime() for
 * the age of a ticket. A program that links this file defines all three: they answer from the current
 * world of the testkit, and tell the real time where there is none.
 */

/** How often they were answered from a world. A call also makes sure that the
 *  linker takes this file. */
unsigned long vtime_calls(void);

#endif
