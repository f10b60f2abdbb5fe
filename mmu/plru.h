/* plru: tree pseudo-LRU of 1, 2, 4 or 8 ways in one byte per set.
 *
 * The nodes of the tree are numbered as in a heap (root 1, children 2n and 2n+1); bit n-1 belongs
 * to node n and says which half to evict next, 0 the lower ways, 1 the upper. A hit points every
 * node on its way to the other half. With two ways that is plain LRU: the byte is the way to evict
 * next. */
#pragma once

#include "sim/core/types.h"

/* What a hit does to the byte: byte = byte & keep | set. */
struct plru_effect {
    uint8_t keep, set;
};

static inline struct plru_effect plru_effect(uint32_t ways, uint32_t way)
{
    static const struct plru_effect table[4][8] = {
        {{0xFF, 0x00}},
        {{0xFE, 0x01}, {0xFE, 0x00}},
        {{0xFC, 0x03}, {0xFC, 0x01}, {0xFA, 0x04}, {0xFA, 0x00}},
        {{0xF4, 0x0B}, {0xF4, 0x03}, {0xEC, 0x11}, {0xEC, 0x01},
         {0xDA, 0x24}, {0xDA, 0x04}, {0xBA, 0x40}, {0xBA, 0x00}},
    };
    return table[__builtin_ctz(ways)][way];
}

static inline void plru_touch(uint8_t *byte, uint32_t ways, uint32_t way)
{
    struct plru_effect e = plru_effect(ways, way);
    *byte = (uint8_t)((*byte & e.keep) | e.set);
}

static inline uint32_t plru_victim(uint8_t byte, uint32_t ways)
{
    uint32_t node = 1;
    while (node < ways)
        node = node * 2 + ((byte >> (node - 1)) & 1);
    return node - ways;
}

/* 16 ways take two bytes: each is the tree of eight ways, and bit 7 of the first, which such a tree
 * leaves free, is the root above both. */
static inline void plru_touch_16(uint8_t pair[2], uint32_t way)
{
    plru_touch(&pair[way >> 3], 8, way & 7);
    pair[0] = (uint8_t)((pair[0] & 0x7F) | (way < 8 ? 0x80 : 0));
}

/* 32 ways: two of these, and bit 7 of the second byte of the first is the root above both. */
static inline void plru_touch_32(uint8_t four[4], uint32_t way)
{
    plru_touch_16(&four[way >> 4 << 1], way & 15);
    four[1] = (uint8_t)((four[1] & 0x7F) | (way < 16 ? 0x80 : 0));
}

static inline uint32_t plru_victim_16(const uint8_t pair[2])
{
    uint32_t half = pair[0] >> 7;
    return half * 8 + plru_victim(pair[half] & 0x7F, 8);
}

static inline uint32_t plru_victim_32(const uint8_t four[4])
{
    uint32_t half = four[1] >> 7;
    return half * 16 + plru_victim_16(&four[half * 2]);
}
