/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/client.h>

void turn(struct ln_client *client, const struct ln_env *env, const struct ln_net *net);

void turn(struct ln_client *client, const struct ln_env *env, const struct ln_net *net)
{
    struct ln_interest want;
    enum ln_status st;
    /* snippet 1 */
}
