/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: small.h.
 */
#include "base/small.h"

enum ln_status ln__diag_code(struct ln_diag *diag, enum ln_status status, enum ln_category category,
                             enum ln_phase phase)
{
    if (diag == NULL || status == LN_OK || status == LN_AGAIN || diag->status != LN_OK)
        return status;
    ln_diag_clear(diag);
    diag->status = status;
    diag->category = category;
    diag->phase = phase;
    return status;
}
