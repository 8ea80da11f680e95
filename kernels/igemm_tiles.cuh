// The tiles a product comes in. FAMILY_FORM names the kernels; `any` reads one element at a time and so
// takes any strides and alignment.
#pragma once
#include "igemm_fp32.cuh"
#include "igemm_tf32.cuh"

#define IGEMM_FP32(name, form, bm, bn, wm, wn, tm, tn, vec, blocks)                            \
    extern "C" __global__ void __launch_bounds__(32 * wm * wn, blocks)                         \
        name(const __grid_constant__ Igemm p) {                                                \
        igemm_fp32<form, bm, bn, wm, wn, tm, tn, vec>(p);                                      \
    }

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define IGEMM_TF32(name, form, bm, bn, wm, wn, tm, tn, blocks)                                 \
    extern "C" __global__ void __launch_bounds__(32 * wm * wn, blocks)                         \
        name(const __grid_constant__ Igemm p) {                                                \
        igemm_tf32<form, bm, bn, wm, wn, tm, tn>(p);                                           \
    }
#else
#define IGEMM_TF32(name, form, bm, bn, wm, wn, tm, tn, blocks)
#endif

#define IGEMM(name, form)                                                                      \
    IGEMM_FP32(name##_128x64, form, 128, 64, 4, 1, 8, 8, 4, 3)                                 \
    IGEMM_FP32(name##_64x64, form, 64, 64, 2, 1, 8, 8, 4, 6)                                   \
    IGEMM_FP32(name##_any, form, 64, 64, 4, 2, 4, 4, 1, 3)                                     \
    IGEMM_TF32(name##_tf32_128x128, form, 128, 128, 2, 2, 4, 4, 2)                             \
    IGEMM_TF32(name##_tf32_128x64, form, 128, 64, 2, 2, 4, 2, 3)                               \
    IGEMM_TF32(name##_tf32_64x64, form, 64, 64, 2, 2, 2, 2, 4)
