/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/client.h>

/* snippet 1 */
/* snippet 4 */

static const struct ln_object_ops ops = { .validate = validate };

void add(struct ln_client *client, struct ln_diag diag);

void add(struct ln_client *client, struct ln_diag diag)
{
    (void)ops;
    /* snippet 2 */
    /* snippet 3 */
}
