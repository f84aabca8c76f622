/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cbor_single.c
 * Contract: cbor.h. The format application/cbor: exactly one item (OMA-TS-LightweightM2M_Core-V1_1_1
 * 7.4.3 "CBOR"), which is the value of what the request is about.
 */
#include "base/try.h"
#include "codec/cbor.h"
#include "codec/reader.h"
#include "codec/writer.h"

static enum ln_status read_next(struct ln_reader *r, struct ln_entry *out)
{
    bool end = false;
    if (!r->state.cbor.told) {
        TRY(ln__cbor_begin(r, &r->state.cbor.value));
        r->state.cbor.told = true;
        out->kind = LN_ENTRY_VALUE;
        out->path = r->base;
        out->length = r->left;
        return LN_OK;
    }
    TRY(ln__cbor_finish(r, &r->state.cbor.value));
    TRY(ln__reader_at_end(r, &end));
    if (!end)
        return LN_BAD_PEER;
    out->kind = LN_ENTRY_END;
    return LN_OK;
}

static enum ln_status read_scalar(struct ln_reader *r, enum ln_value_type type,
                                  struct ln_value *out)
{
    return ln__cbor_scalar(r, &r->state.cbor.value, type, out);
}

static enum ln_status read_piece(struct ln_reader *r, enum ln_value_type type, struct ln_mspan room,
                                 struct ln_span *out)
{
    (void)room;
    return ln__cbor_piece(r, &r->state.cbor.value, type, out);
}

static enum ln_status write_scalar(struct ln_writer *w, const struct ln_path *path,
                                   const struct ln_value *value)
{
    (void)path;
    if (value->type == LN_VALUE_NONE || !ln__cbor_put_value(&w->out, value, true))
        return LN_UNSUPPORTED;
    return LN_OK;
}

static enum ln_status write_bytes(struct ln_writer *w, const struct ln_path *path,
                                  enum ln_value_type type, size_t length)
{
    (void)path;
    ln__cbor_put_head(&w->out, type == LN_VALUE_OPAQUE ? LN_CBOR_BYTES : LN_CBOR_TEXT, length);
    return LN_OK;
}

const struct ln_format ln__format_cbor = {
    .number = LN_CONTENT_CBOR,
    .traits = LN_FORMAT_READS | LN_FORMAT_WRITES | LN_FORMAT_SINGLE | LN_FORMAT_TYPED,
    .name = "cbor",
    .read_next = read_next,
    .read_scalar = read_scalar,
    .read_piece = read_piece,
    .write_scalar = write_scalar,
    .write_bytes = write_bytes,
};
