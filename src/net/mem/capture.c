/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file capture.c
 * The capture: a pcapng file (draft-ietf-opsawg-pcapng) of raw IP packets, as they are sent.
 *
 * Times are microseconds of the virtual wall clock. Checksums are right, so that no reader warns.
 * What the network did to a packet stands in its comment.
 */
#include "net/mem/mem.h"

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    BYTE_ORDER = 0x1a2b3c4d,
    LINKTYPE_RAW = 101, /* IPv4 or IPv6, told by the first nibble */
    OPTION_COMMENT = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    HEADERS_MAX = 60, /* IPv6 and TCP */
    HOP_LIMIT = 64,
};

static void put16be(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32be(uint8_t *at, uint32_t value)
{
    put16be(at, value >> 16);
    put16be(at + 2, value & 0xffff);
}

static void emit(struct ln_testkit *kit, const void *data, size_t len)
{
    if (len > 0)
        kit->capture(kit->capture_user, ln_span(data, len));
}

/* ---- checksums (RFC 1071) ---- */

static uint32_t sum_bytes(uint32_t sum, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
    return sum;
}

static size_t fold(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static size_t ip_bytes(const struct ln_addr *addr)
{
    return addr->family == LN_IPV6 ? 16 : 4;
}

static size_t transport_checksum(const struct ln__mem_frame *frame, const uint8_t *header,
                                 size_t header_len)
{
    uint8_t protocol = frame->kind == LN_NET_STREAM ? PROTOCOL_TCP : PROTOCOL_UDP;
    size_t len = header_len + frame->data.len;
    uint32_t sum = (uint32_t)len + protocol;
    sum = sum_bytes(sum, frame->from->ip, ip_bytes(frame->from));
    sum = sum_bytes(sum, frame->to->ip, ip_bytes(frame->to));
    sum = sum_bytes(sum, header, header_len);
    size_t checksum = fold(sum_bytes(sum, frame->data.data, frame->data.len));
    return checksum == 0 && frame->kind == LN_NET_DATAGRAM ? 0xffff : checksum; /* RFC 768 */
}

/* ---- headers ---- */

static size_t put_transport(const struct ln__mem_frame *frame, uint8_t *at)
{
    put16be(at, frame->from->port);
    put16be(at + 2, frame->to->port);
    if (frame->kind == LN_NET_DATAGRAM) {
        put16be(at + 4, 8 + frame->data.len);
        put16be(at + 6, 0);
        put16be(at + 6, transport_checksum(frame, at, 8));
        return 8;
    }
    put32be(at + 4, frame->seq);
    put32be(at + 8, frame->tcp_flags & LN__MEM_TCP_ACK ? frame->ack : 0);
    at[12] = 5 << 4;
    at[13] = frame->tcp_flags;
    put16be(at + 14, 0xffff);
    put32be(at + 16, 0);
    put16be(at + 16, transport_checksum(frame, at, 20));
    return 20;
}

static size_t put_ip(const struct ln__mem_frame *frame, size_t payload, uint8_t *at)
{
    uint8_t protocol = frame->kind == LN_NET_STREAM ? PROTOCOL_TCP : PROTOCOL_UDP;
    if (frame->to->family == LN_IPV6) {
        put32be(at, (uint32_t)6 << 28 | (uint32_t)frame->dscp << 22);
        put16be(at + 4, payload);
        at[6] = protocol;
        at[7] = HOP_LIMIT;
        memcpy(at + 8, frame->from->ip, 16);
        memcpy(at + 24, frame->to->ip, 16);
        return 40;
    }
    memset(at, 0, 20);
    at[0] = 0x45;
    at[1] = (uint8_t)(frame->dscp << 2);
    put16be(at + 2, 20 + payload);
    put16be(at + 6, 0x4000); /* don't fragment */
    at[8] = HOP_LIMIT;
    at[9] = protocol;
    memcpy(at + 12, frame->from->ip, 4);
    memcpy(at + 16, frame->to->ip, 4);
    put16be(at + 10, fold(sum_bytes(0, at, 20)));
    return 20;
}

/* ---- blocks: everything in them is in this machine's byte order and padded to 32 bits ---- */

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

static void emit_padded(struct ln_testkit *kit, const void *data, size_t len)
{
    static const uint8_t zero[4];
    emit(kit, data, len);
    emit(kit, zero, padded(len) - len);
}

static void emit_comment(struct ln_testkit *kit, const char *comment, size_t len)
{
    const uint16_t head[2] = { OPTION_COMMENT, (uint16_t)len };
    static const uint16_t end[2];
    if (len == 0)
        return;
    emit(kit, head, sizeof head);
    emit_padded(kit, comment, len);
    emit(kit, end, sizeof end);
}

void ln__mem_capture_frame(struct ln_testkit *kit, const struct ln__mem_frame *frame)
{
    uint8_t transport[20], headers[HEADERS_MAX];
    size_t transport_len = put_transport(frame, transport);
    size_t len = put_ip(frame, transport_len + frame->data.len, headers);
    memcpy(headers + len, transport, transport_len);
    len += transport_len;
    const char *comment = ln__mem_word(frame->fate);
    size_t comment_len = frame->fate != LN_TESTKIT_SENT ? strlen(comment) : 0;
    size_t options = comment_len > 0 ? 4 + padded(comment_len) + 4 : 0;
    uint32_t total = (uint32_t)(28 + padded(len + frame->data.len) + options + 4);
    uint64_t wall = (uint64_t)(kit->now_us + kit->wall_offset_us);
    uint32_t packet = (uint32_t)(len + frame->data.len);
    const uint32_t head[7] = { BLOCK_PACKET,   total,  0,     (uint32_t)(wall >> 32),
                               (uint32_t)wall, packet, packet };
    static const uint8_t zero[4];
    emit(kit, head, sizeof head);
    emit(kit, headers, len);
    emit(kit, frame->data.data, frame->data.len);
    emit(kit, zero, padded(packet) - packet);
    emit_comment(kit, comment, comment_len);
    emit(kit, &total, sizeof total);
}

void ln_testkit_capture(struct ln_testkit *kit, void (*write)(void *user, struct ln_span bytes),
                        void *user)
{
    kit->capture = write;
    kit->capture_user = user;
    if (write == NULL)
        return;
    static const uint32_t section[3] = { BLOCK_SECTION, 28, BYTE_ORDER };
    static const uint16_t version[2] = { 1, 0 };
    static const uint32_t section_end[3] = { UINT32_MAX, UINT32_MAX, 28 }; /* length not known */
    static const uint32_t interface[2] = { BLOCK_INTERFACE, 20 };
    static const uint16_t link_type[2] = { LINKTYPE_RAW, 0 };
    static const uint32_t interface_end[2] = { 0, 20 }; /* no limit to the length of packets */
    emit(kit, section, sizeof section);
    emit(kit, version, sizeof version);
    emit(kit, section_end, sizeof section_end);
    emit(kit, interface, sizeof interface);
    emit(kit, link_type, sizeof link_type);
    emit(kit, interface_end, sizeof interface_end);
}
