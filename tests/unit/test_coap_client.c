/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/coap: our requests over UDP. */
#include "support/coapend.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- an exchange ---- */

static void piggybacked(void **state)
{
    struct coapend e;
    (void)state;
    coapend_init(&e, NULL);
    assert_int_equal(coapend_request(&e, "GET Uri-Path:3 Uri-Path:0", NULL, NULL), LN_OK);
    coapend_expect(&e, "CON GET $m $t Uri-Path:3 Uri-Path:0");
    assert_int_equal(e.vars.value['t'].len, 8);
    coapend_receive(&e, "ACK 2.05 $m $t Content-Format:0 | @0+4");
    coapend_expect_log(&e, "response 2.05 0+4 last final\n");
    coapend_expect_nothing(&e);
    assert_int_equal(ln_coap_deadline(e.coap), LN_NEVER);
    assert_false(ln_coap_is_busy(e.coap));
    coapend_deinit(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(piggybacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
