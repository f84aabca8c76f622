/* SPDX-License-Identifier: Apache-2.0 */
#include <linnet/coap_link.h>

/* snippet 3 */

enum ln_coap_verdict on_response(void *user, const struct ln_coap_response *r);
void loop(const struct ln_env *env, struct ln_sock *sock, const char *host, uint16_t port,
          struct ln_diag diag, const struct ln_coap_handler *handler_of_mine);
void ask(struct ln_coap *coap, void *me, ln_msec now);

void loop(const struct ln_env *env, struct ln_sock *sock, const char *host, uint16_t port,
          struct ln_diag diag, const struct ln_coap_handler *handler_of_mine)
{
    struct ln_coap_handler handler = *handler_of_mine;
    enum ln_status st;
    handler.request = request;
    /* snippet 1 */
}

void ask(struct ln_coap *coap, void *me, ln_msec now)
{
    enum ln_status st;
    uint32_t id;
    /* snippet 2 */
}
