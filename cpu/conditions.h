/* conditions: the sixteen condition codes, once, for Jcc, SETcc and CMOVcc. [SDM2 app. B]
 *
 * X(cc, digit, name, flags): the code as encoded, its hexadecimal digit in the opcode, the suffix
 * of the mnemonic, and the flags it reads. */
#pragma once

#define CONDITIONS(X)                                                                              \
    X(0, "0", "O", F_OF)                                                                           \
    X(1, "1", "NO", F_OF)                                                                          \
    X(2, "2", "B", F_CF)                                                                           \
    X(3, "3", "AE", F_CF)                                                                          \
    X(4, "4", "E", F_ZF)                                                                           \
    X(5, "5", "NE", F_ZF)                                                                          \
    X(6, "6", "BE", F_CF | F_ZF)                                                                   \
    X(7, "7", "A", F_CF | F_ZF)                                                                    \
    X(8, "8", "S", F_SF)                                                                           \
    X(9, "9", "NS", F_SF)                                                                          \
    X(10, "A", "P", F_PF)                                                                          \
    X(11, "B", "NP", F_PF)                                                                         \
    X(12, "C", "L", F_SF | F_OF)                                                                   \
    X(13, "D", "GE", F_SF | F_OF)                                                                  \
    X(14, "E", "LE", F_ZF | F_SF | F_OF)                                                           \
    X(15, "F", "G", F_ZF | F_SF | F_OF)
