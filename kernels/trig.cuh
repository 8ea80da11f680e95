// Sine and cosine, operation by operation those of crates/kernels/src/map/trig.rs, which says what
// they are. With --fmad=false they have the CPU's bits.
#pragma once

#include "detach.cuh"

// sin(q pi/2 + r).
__device__ __forceinline__ float turned(u32 q, float r) {
    float z = r * r;
    float sin = r + r * z * (z * (z * (1.0f / 362880.0f * z - 1.0f / 5040.0f) + 1.0f / 120.0f) - 1.0f / 6.0f);
    float cos = z * (z * (z * (1.0f / 40320.0f * z - 1.0f / 720.0f) + 1.0f / 24.0f) - 0.5f) + 1.0f;
    float y = (q & 1u) == 0 ? sin : cos;
    return (q & 2u) == 0 ? y : -y;
}

// sin(x + turn pi/2).
__device__ __forceinline__ float fast_sin(float x, u32 turn) {
    constexpr double HALF_PI_HIGH = 0x1.921fb544p+0, HALF_PI_LOW = 0x1.0b4611a626331p-34;
    constexpr double TWO_OVER_PI = 0x1.45f306dc9c883p-1, ROUND_DOUBLE = 6755399441055744.0;
    constexpr u32 INFINITE = 0x7f800000u;
    u32 bits = __float_as_uint(x) & 0x7fffffffu;
    if (fabsf(x) <= 1048576.0f || bits >= INFINITE) {
        if (turn == 0 && x == 0.0f) return x;
        double wide = x;
        double shifted = wide * TWO_OVER_PI + ROUND_DOUBLE;
        double q = shifted - ROUND_DOUBLE;
        double r = (wide - q * HALF_PI_HIGH) - q * HALF_PI_LOW;
        u32 quadrant = static_cast<u32>(__double_as_longlong(shifted));
        return turned(quadrant + turn, static_cast<float>(r));
    }
    const u32 four_over_pi[] = {
        0x000000a2u, 0x0000a2f9u, 0x00a2f983u, 0xa2f9836eu, 0xf9836e4eu, 0x836e4e44u,
        0x6e4e4415u, 0x4e441529u, 0x441529fcu, 0x1529fc27u, 0x29fc2757u, 0xfc2757d1u,
        0x2757d1f5u, 0x57d1f534u, 0xd1f534ddu, 0xf534ddc0u, 0x34ddc0dbu, 0xddc0db62u,
        0xc0db6295u, 0xdb629599u, 0x6295993cu, 0x95993c43u, 0x993c4390u, 0x3c439041u,
    };
    const u32* words = four_over_pi + (bits >> 26 & 15u);
    u32 mantissa = ((bits & 0x007fffffu) | 0x00800000u) << (bits >> 23 & 7u);
    u64 high = static_cast<u64>(mantissa * words[0]) << 32;
    u64 middle = static_cast<u64>(mantissa) * words[4];
    u64 low = static_cast<u64>(mantissa) * words[8];
    u64 turns = (high | low >> 32) + middle;
    u64 quadrant = (turns + (1ull << 61)) >> 62;
    i64 rest = static_cast<i64>(turns - (quadrant << 62));
    double r = static_cast<double>(rest) * (1.57079632679489661923 / 4611686018427387904.0);
    bool below = x < 0.0f;
    u32 q = static_cast<u32>(quadrant);
    return turned((below ? 0u - q : q) + turn, static_cast<float>(below ? -r : r));
}
