// Elementary functions, operation by operation those of crates/kernels/src/map/fastmath.rs,
// which says what they are. With --fmad=false they have the CPU's bits.
#pragma once

#include "detach.cuh"

constexpr float LN_2_HIGH = 0.6933594f;
constexpr float LN_2_LOW = -2.1219444e-4f;
constexpr float LOG2_E = 1.44269504088896340736f;
// 1.5 * 2^23: adding it rounds a small number to an integer in the low bits.
constexpr float ROUND = 12582912.0f;

// The value at `x` of the polynomial with these coefficients, highest power first.
template <int N>
__device__ __forceinline__ float horner(float x, const float (&coefficients)[N]) {
    float y = coefficients[0];
#pragma unroll
    for (int i = 1; i < N; ++i) y = y * x + coefficients[i];
    return y;
}

// 2^n for n in -126..=127.
__device__ __forceinline__ float exp2i(i32 n) {
    return __uint_as_float((static_cast<u32>(n) + 127u) << 23);
}

// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2.
__device__ __forceinline__ float exp_tail(float r) {
    const float taylor[] = {1.0f / 5040.0f, 1.0f / 720.0f, 1.0f / 120.0f,
                            1.0f / 24.0f,   1.0f / 6.0f,   0.5f};
    return horner(r, taylor);
}

__device__ __forceinline__ float fast_exp(float x) {
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    float shifted = x * LOG2_E + ROUND;
    u32 n = __float_as_uint(shifted) - __float_as_uint(ROUND);
    float whole = shifted - ROUND;
    float r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    float e = 1.0f + (r + r * r * exp_tail(r));
    i32 half = static_cast<i32>(n) >> 1;
    return e * exp2i(half) * exp2i(static_cast<i32>(n - static_cast<u32>(half)));
}

// e^x - 1 of x <= 0.
__device__ __forceinline__ float fast_exp_m1_below(float x) {
    x = x < -30.0f ? -30.0f : x;
    x = x > 0.0f ? 0.0f : x;
    float shifted = x * LOG2_E + ROUND;
    u32 n = __float_as_uint(shifted) - __float_as_uint(ROUND);
    float whole = shifted - ROUND;
    float r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    float scale = exp2i(static_cast<i32>(n));
    return scale * (r + r * r * exp_tail(r)) + (scale - 1.0f);
}

__device__ __forceinline__ float fast_erf(float x) {
    float z = x * x;
    const float odd[] = {-5.967617e-4f, 4.991194e-3f,   -2.6768135e-2f,
                         1.1281992e-1f, -3.7612534e-1f, 1.2837917e-1f};
    float small = x + x * horner(z, odd);
    float t = fabsf(x);
    const float exponent[] = {-1.7285347e-5f, 3.831972e-4f,  -3.8839644e-3f, 2.4254622e-2f,
                              -1.0677788e-1f, -6.348469e-1f, -1.2871751e-1f};
    t = t > 4.0f ? 4.0f : t;
    float large = 1.0f - fast_exp(t * horner(t, exponent) - t);
    return copysignf(fabsf(x) < 0.9277344f ? small : large, x);
}

__device__ __forceinline__ float fast_ln(float x) {
    constexpr u32 SQRT_HALF = 0x3f3504f3u;
    constexpr float MIN_POSITIVE = 1.17549435e-38f;
    constexpr float TWO_23 = 8388608.0f;
    bool denormal = x < MIN_POSITIVE;
    float scaled = denormal ? x * TWO_23 : x;
    u32 bits = __float_as_uint(scaled) - SQRT_HALF;
    float exponent = static_cast<float>(static_cast<i32>(bits) >> 23) - (denormal ? 23.0f : 0.0f);
    float m = __uint_as_float((bits & 0x007fffffu) + SQRT_HALF);
    float f = m - 1.0f;
    float s = f / (2.0f + f);
    float z = s * s;
    const float series[] = {2.0f / 11.0f, 2.0f / 9.0f, 2.0f / 7.0f, 2.0f / 5.0f, 2.0f / 3.0f};
    float r = z * horner(z, series);
    float half_square = 0.5f * f * f;
    float low = s * (half_square + r) + exponent * LN_2_LOW;
    float y = exponent * LN_2_HIGH + (f - (half_square - low));
    y = x == __uint_as_float(0x7f800000u) ? x : y;
    y = x == 0.0f ? __uint_as_float(0xff800000u) : y;
    return x >= 0.0f ? y : __uint_as_float(0x7fc00000u);
}

__device__ __forceinline__ float fast_tanh(float x) {
    const float odd[] = {-5.704379e-3f, 2.0638565e-2f, -5.373956e-2f, 0.1333144f, -0.33333283f};
    float z = x * x;
    float small = x + x * z * horner(z, odd);
    float magnitude = fabsf(x);
    float large = 1.0f - 2.0f / (fast_exp(2.0f * magnitude) + 1.0f);
    return copysignf(magnitude < 0.625f ? small : large, x);
}

__device__ __forceinline__ float fast_sigmoid(float x) {
    float z = fast_exp(-fabsf(x));
    return (x < 0.0f ? z : 1.0f) / (1.0f + z);
}

__device__ __forceinline__ float fast_ln_1p(float x) {
    constexpr u32 INFINITE = 0x7f800000u;
    float u = 1.0f + x;
    float lost = fabsf(x) <= 1.0f ? x - (u - 1.0f) : 1.0f - (u - x);
    float rest = u > 0.0f && u < __uint_as_float(INFINITE) ? lost / u : 0.0f;
    float y = fast_ln(u) + rest;
    return u == 1.0f ? x : y;
}

// ln(1 + z) for z in [0, 1].
__device__ __forceinline__ float fast_ln_1p_of_unit(float z) {
    const float series[] = {1.0f / 15.0f, 1.0f / 13.0f, 1.0f / 11.0f, 1.0f / 9.0f,
                            1.0f / 7.0f,  1.0f / 5.0f,  1.0f / 3.0f};
    float twice = (z + z) / (2.0f + z);
    float w = 0.25f * twice * twice;
    return twice + twice * (w * horner(w, series));
}

__device__ __forceinline__ float fast_softplus(float x) {
    return (x <= 0.0f ? 0.0f : x) + fast_ln_1p_of_unit(fast_exp(-fabsf(x)));
}
