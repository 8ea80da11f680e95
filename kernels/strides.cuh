// Where the elements of several operands of one shape lie (crates/kernels/src/strides.rs
// fills these in).
#pragma once

#include "detach.cuh"

// The most dimensions a layout has.
constexpr u32 RANK = 6;

// Division by a number that is known at launch: by a multiplication and a shift (Granlund
// and Montgomery, 1994). Exact for dividends below 2^31.
struct Divisor {
    u32 value, magic, shift;

    __device__ __forceinline__ u32 of(u32 n) const { return (__umulhi(n, magic) + n) >> shift; }
};

template <int N>
struct Offsets {
    u32 at[N];
};

// Dimensions, innermost first. Those from `rank` on are not there.
template <int N>
struct Strides {
    u32 rank;
    Divisor sizes[RANK];
    u32 steps[RANK][N];

    // Where element `i` is in each operand, counted from its first.
    __device__ __forceinline__ Offsets<N> operator()(u32 i) const {
        Offsets<N> found;
#pragma unroll
        for (int k = 0; k < N; ++k) found.at[k] = 0;
        // Unrolled, so that the parameters are read where they are and not copied.
#pragma unroll
        for (u32 d = 0; d < RANK; ++d) {
            if (d >= rank) break;
            bool last = d + 1 == rank;
            u32 rest = last ? 0 : sizes[d].of(i);
            u32 index = i - rest * sizes[d].value;
#pragma unroll
            for (int k = 0; k < N; ++k) found.at[k] += index * steps[d][k];
            i = rest;
        }
        return found;
    }
};

// Threads of a block, and elements of each thread, of kernels that go element by element.
constexpr u32 THREADS = 256;
constexpr u32 EACH = 4;

// Four neighbours from `at` on in an operand whose innermost step is 1, or one of them four
// times where it is 0. Past `count` there is nothing to read. Four are read at once where
// all are there: `x + at` is aligned to 16 bytes then.
__device__ __forceinline__ float4 load_quad(const float* x, u32 at, u32 step, u32 count) {
    if (step == 0) {
        float same = x[at];
        return make_float4(same, same, same, same);
    }
    if (count >= 4) return *reinterpret_cast<const float4*>(x + at);
    float4 v = make_float4(x[at], 0.0f, 0.0f, 0.0f);
    if (count > 1) v.y = x[at + 1];
    if (count > 2) v.z = x[at + 2];
    return v;
}

// Stores the first `count` of four neighbours; all are aligned to 16 bytes.
__device__ __forceinline__ void store_quad(float* out, u32 at, float4 v, u32 count) {
    if (count >= 4) {
        *reinterpret_cast<float4*>(out + at) = v;
        return;
    }
    out[at] = v.x;
    if (count > 1) out[at + 1] = v.y;
    if (count > 2) out[at + 2] = v.z;
}
