/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file download_small.c
 * download.c of a small build: an answer must fit into one message. One that is marked as the first and
 * only block is whole; any other block ends the request.
 */
#include "coap/internal.h"

void ln__coap_on_block(struct ln_coap *coap, struct ln__coap_exchange *leg,
                       const struct ln_coap_msg *msg, ln_msec now)
{
    if (msg->block2.num == 0 && !msg->block2.more && msg->payload.len <= leg->answer_max)
        (void)ln__coap_hand_over(coap, leg, msg, msg->payload, 0, true, now);
    else
        ln__coap_end(coap, leg, LN_COAP_BROKEN, NULL, now);
}

/* Nothing is ever under way. */

void ln__coap_download_go_on(struct ln_coap *coap, struct ln__coap_exchange *root, ln_msec now)
{
    (void)coap;
    (void)root;
    (void)now;
}

void ln__coap_download_void(struct ln_coap *coap, struct ln__coap_exchange *root)
{
    (void)coap;
    (void)root;
}
