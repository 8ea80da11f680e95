// Activations, as crates/kernels/src/act.rs has them. Compiled with --fmad=false they have
// the CPU's bits.
#pragma once
#include "detach.cuh"

// An activation as a launch names it: `kind` as in WITH_ACT.
struct Act {
    u32 kind;
    float slope;
};

// Value at `x` of the polynomial with these coefficients, highest power first.
template <int N>
__device__ __forceinline__ float horner(float x, const float (&coefficients)[N]) {
    float y = coefficients[0];
#pragma unroll
    for (int i = 1; i < N; ++i) {
        y = y * x + coefficients[i];
    }
    return y;
}

// e^(2x) for x >= 0: x = n ln 2 + r, and e^r by its Taylor series.
__device__ __forceinline__ float exp_twice(float x) {
    // 1.5 * 2^23: adding it leaves a small number, rounded, in the low bits.
    constexpr float ROUND = 12582912.0f;
    x = 2.0f * x;
    x = x > 89.0f ? 89.0f : x;
    float shifted = x * 1.44269504088896340735992468100189214f + ROUND;
    i32 n = static_cast<i32>(__float_as_uint(shifted) - __float_as_uint(ROUND));
    float whole = shifted - ROUND;
    float r = (x - whole * 0.6933594f) - whole * -2.1219444e-4f;
    float tail = horner(r, {1.0f / 5040.0f, 1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f,
                            1.0f / 6.0f, 0.5f});
    float e = 1.0f + (r + r * r * tail);
    i32 half = n >> 1;
    float low = __uint_as_float(static_cast<u32>(half + 127) << 23);
    float high = __uint_as_float(static_cast<u32>(n - half + 127) << 23);
    return e * low * high;
}

// An odd polynomial near 0, 1 - 2 / (e^2x + 1) beyond.
__device__ __forceinline__ float tanh_of(float x) {
    float z = x * x;
    float small = x + x * z * horner(z, {-5.704379e-3f, 2.0638565e-2f, -5.373956e-2f,
                                         0.1333144f, -0.33333283f});
    float magnitude = fabsf(x);
    float large = 1.0f - 2.0f / (exp_twice(magnitude) + 1.0f);
    return copysignf(magnitude < 0.625f ? small : large, x);
}

struct Identity {
    __device__ __forceinline__ float value(float x) const { return x; }
    __device__ __forceinline__ float derivative(float) const { return 1.0f; }
};

// A NaN fails every comparison and stays one.
struct Relu {
    __device__ __forceinline__ float value(float x) const { return x <= 0.0f ? 0.0f : x; }
    __device__ __forceinline__ float derivative(float x) const { return x > 0.0f ? 1.0f : 0.0f; }
};

struct LeakyRelu {
    float slope;
    __device__ __forceinline__ float value(float x) const { return x > 0.0f ? x : slope * x; }
    __device__ __forceinline__ float derivative(float x) const { return x > 0.0f ? 1.0f : slope; }
};

struct Tanh {
    __device__ __forceinline__ float value(float x) const { return tanh_of(x); }
    __device__ __forceinline__ float derivative(float x) const {
        float y = tanh_of(x);
        return 1.0f - y * y;
    }
};

// Evaluates the expression with `act` the activation that `by` names: loops inside of what
// it calls are compiled once for each.
#define WITH_ACT(by, act, ...)                                                     \
    switch ((by).kind) {                                                           \
        case 0: { Identity act; __VA_ARGS__; break; }                              \
        case 1: { Relu act; __VA_ARGS__; break; }                                  \
        case 2: { LeakyRelu act{(by).slope}; __VA_ARGS__; break; }                 \
        default: { Tanh act; __VA_ARGS__; break; }                                 \
    }
