// Activations, as crates/kernels/src/act.rs has them. Compiled with --fmad=false they have
// the CPU's bits.
#pragma once
#include "fastmath.cuh"

// An activation as a launch names it: `kind` as in WITH_ACT.
struct Act {
    u32 kind;
    float slope;
};

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
    __device__ __forceinline__ float value(float x) const { return fast_tanh(x); }
    __device__ __forceinline__ float derivative(float x) const {
        float y = fast_tanh(x);
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
