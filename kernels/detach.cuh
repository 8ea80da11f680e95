// What every kernel includes: names for fixed-width numbers, shared memory of a size
// known at launch, the instructions C++ has no words for, and sums in a fixed order.
//
// Two compilers read this text. NVRTC makes the PTX that is shipped; there are no
// headers but the compiler's own. g++ (with DETACH_EMULATED, tests/emulator) makes a
// host library for tests; there is no PTX, so inline assembly stands in this file only.
#pragma once

#ifdef DETACH_EMULATED
#include "emulator.h"
#endif

using u32 = unsigned int;
using u64 = unsigned long long;
using i32 = int;
using i64 = long long;

// All lanes of a warp.
constexpr u32 WARP = 0xffffffffu;

template <typename T>
__device__ __forceinline__ constexpr T ceil_div(T a, T b) {
    return (a + b - 1) / b;
}

#ifndef DETACH_EMULATED

// `SHARED(float, tile);` makes `float* tile`: the block's dynamic shared memory, 16-byte
// aligned, as large as the launch says. Its contents start undefined.
#define SHARED(T, name)                                                        \
    extern __shared__ __align__(16) unsigned char detach_shared[];             \
    T* const name = reinterpret_cast<T*>(detach_shared)

#if __CUDA_ARCH__ >= 800

// Starts copying 16 bytes to shared memory, or zeros where not `valid` (`src` is not
// read then, but must be an address of global memory). Both 16-byte aligned.
__device__ __forceinline__ void cp_async16(void* dst, const void* src, bool valid) {
    u32 to = static_cast<u32>(__cvta_generic_to_shared(dst));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :: "r"(to), "l"(__cvta_generic_to_global(src)), "r"(valid ? 16 : 0)
                 : "memory");
}

// The same for 4 bytes, 4-byte aligned.
__device__ __forceinline__ void cp_async4(void* dst, const void* src, bool valid) {
    u32 to = static_cast<u32>(__cvta_generic_to_shared(dst));
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
                 :: "r"(to), "l"(__cvta_generic_to_global(src)), "r"(valid ? 4 : 0)
                 : "memory");
}

// Closes the group of copies that this thread started since the last one.
__device__ __forceinline__ void cp_async_commit() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits until at most the N latest groups of this thread are under way. Other threads
// see the copies after a __syncthreads() that follows.
template <int N>
__device__ __forceinline__ void cp_async_wait() {
    asm volatile("cp.async.wait_group %0;" :: "n"(N) : "memory");
}

// The nearest TF32 number (10 bits of mantissa), ties away from zero, as f32 bits.
__device__ __forceinline__ u32 to_tf32(float x) {
    u32 bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}

// d += a b for a warp's 16x8 tile: a is 16x8, b 8x8, both TF32 (`to_tf32`). With
// g = lane / 4 and t = lane % 4 a lane holds
//   a: (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4)    [row, k]
//   b: (t, g), (t + 4, g)                                [k, column]
//   d: (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)
__device__ __forceinline__ void mma_tf32_m16n8k8(float (&d)[4], const u32 (&a)[4],
                                                 const u32 (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif  // __CUDA_ARCH__ >= 800
#endif  // DETACH_EMULATED

// The sum over a warp, the same bits in every lane: a butterfly, so lane l's partner at
// distance d is l ^ d, from 16 down to 1. All 32 lanes must call.
template <typename T>
__device__ __forceinline__ T warp_sum(T value) {
    for (int distance = 16; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(WARP, value, distance);
    }
    return value;
}

// The largest of a warp, in every lane. All 32 lanes must call.
template <typename T>
__device__ __forceinline__ T warp_max(T value) {
    for (int distance = 16; distance > 0; distance /= 2) {
        value = max(value, __shfl_xor_sync(WARP, value, distance));
    }
    return value;
}

// The sum over a block of one dimension, a multiple of 32 threads: each warp's sum, then
// those in order of warps, so the bits depend on nothing but the values. Every thread
// gets it. `warps` is shared memory for blockDim.x / 32 values; it may be used again at
// once, by this or anything else.
template <typename T>
__device__ __forceinline__ T block_sum(T value, T* warps) {
    value = warp_sum(value);
    if (threadIdx.x % 32 == 0) {
        warps[threadIdx.x / 32] = value;
    }
    __syncthreads();
    T sum = warps[0];
    for (u32 warp = 1; warp < blockDim.x / 32; ++warp) {
        sum += warps[warp];
    }
    __syncthreads();
    return sum;
}
