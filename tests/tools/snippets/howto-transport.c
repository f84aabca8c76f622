/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/filter.h>
#include <linnet/tls.h>

struct air {
    int packets;
};

/* snippet 1 */

enum ln_status radio_connect(struct ln_sock *s, ln_msec now);
enum ln_status radio_send(struct ln_sock *s, struct ln_span data, size_t *sent);
enum ln_status radio_recv(struct ln_sock *s, struct ln_mspan room, size_t *got);
void radio_interest(const struct ln_sock *s, struct ln_interest *want);
void radio_info(const struct ln_sock *s, struct ln_sock_info *out);

/* snippet 2 */

enum ln_status radio_new(const struct ln_env *env, struct air *out, struct air *in,
                         struct ln_sock **sock);
enum ln_status fail(struct ln_sock *s);
enum ln_status use(const struct ln_env *env, struct air up, struct air down,
                   struct ln_tls_config *tls, struct ln_diag diag);

enum ln_status fail(struct ln_sock *s)
{
    /* snippet 3 */
}

enum ln_status use(const struct ln_env *env, struct air up, struct air down,
                   struct ln_tls_config *tls, struct ln_diag diag)
{
    /* snippet 4 */
    return st;
}
