/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/sock.h>
#include <stdio.h>

void print(const struct ln_sock *sock);

void print(const struct ln_sock *sock)
{
    /* snippet 1 */
}
