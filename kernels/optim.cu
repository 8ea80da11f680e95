// nvrtc: --fmad=false
// Adam for many parameters at once, to the bit that of crates/kernels/src/optim/cpu.rs.
#include "detach.cuh"

constexpr u32 THREADS = 256;
// Elements of a block: two float4 of each stream for a thread, all asked for before the
// first is needed.
constexpr u32 DEPTH = 2;
constexpr u32 CHUNK = THREADS * 4 * DEPTH;
constexpr u32 MOST = 64;

// A parameter, the running means of its gradient and of its square, and its gradient, each
// aligned to 16 bytes. Its first block is the grid's block `first`.
struct Moving {
    float* param;
    float* m;
    float* v;
    const float* grad;
    u64 len;
    u64 first;
};
struct Table {
    Moving moving[MOST];
};

// What every step has in common.
struct Rule {
    double lr, beta1, beta2;
    // 1 - beta1 and beta1, beta2 and 1 - beta2, rounded.
    float weight, rest, decay, square_weight;
    float eps;
    // Whether the weight is below a half.
    u32 near;
};

// x to the power of n, by the CPU's sequence of multiplications.
__device__ __forceinline__ double power(double x, u64 n) {
    double out = 1.0;
    for (; n > 0; n /= 2) {
        if (n % 2 == 1) out *= x;
        x *= x;
    }
    return out;
}

struct Four {
    float4 param, m, v, grad;
};

__device__ __forceinline__ float4& four_at(float* x, u64 at) {
    return *reinterpret_cast<float4*>(x + at);
}

__device__ __forceinline__ void move(const Rule& rule, float size, float inverse, float& p,
                                     float& m, float& v, float g) {
    float d = g - m;
    m = rule.near ? m + rule.weight * d : g - d * rule.rest;
    v = v * rule.decay + rule.square_weight * g * g;
    p -= size * m / (sqrtf(v) * inverse + rule.eps);
}

extern "C" __global__ void __launch_bounds__(THREADS)
optim_adam(Table table, u32 count, Rule rule, const double* step) {
    u32 of = 0, end = count;
    while (end - of > 1) {
        u32 middle = (of + end) / 2;
        if (table.moving[middle].first <= blockIdx.x) {
            of = middle;
        } else {
            end = middle;
        }
    }
    float* param = table.moving[of].param;
    float* m = table.moving[of].m;
    float* v = table.moving[of].v;
    const float* grad = table.moving[of].grad;
    u64 len = table.moving[of].len;
    u64 first = (blockIdx.x - table.moving[of].first) * CHUNK + 4 * threadIdx.x;

    Four four[DEPTH];
#pragma unroll
    for (u32 i = 0; i < DEPTH; ++i) {
        u64 at = first + i * 4 * THREADS;
        if (at + 4 <= len) {
            four[i] = {four_at(param, at), four_at(m, at), four_at(v, at),
                       *reinterpret_cast<const float4*>(grad + at)};
        }
    }

    // The bias corrections, each by a warp of its own.
    __shared__ float factors[2];
    if (threadIdx.x == 0) {
        factors[0] = static_cast<float>(rule.lr / (1.0 - power(rule.beta1, static_cast<u64>(*step))));
    }
    if (threadIdx.x == 32) {
        factors[1] =
            static_cast<float>(1.0 / sqrt(1.0 - power(rule.beta2, static_cast<u64>(*step))));
    }
    __syncthreads();
    float size = factors[0], inverse = factors[1];

#pragma unroll
    for (u32 i = 0; i < DEPTH; ++i) {
        u64 at = first + i * 4 * THREADS;
        if (at + 4 <= len) {
            Four& f = four[i];
            move(rule, size, inverse, f.param.x, f.m.x, f.v.x, f.grad.x);
            move(rule, size, inverse, f.param.y, f.m.y, f.v.y, f.grad.y);
            move(rule, size, inverse, f.param.z, f.m.z, f.v.z, f.grad.z);
            move(rule, size, inverse, f.param.w, f.m.w, f.v.w, f.grad.w);
            four_at(param, at) = f.param;
            four_at(m, at) = f.m;
            four_at(v, at) = f.v;
            continue;
        }
        for (u64 tail = at; tail < len; ++tail) {
            move(rule, size, inverse, param[tail], m[tail], v[tail], grad[tail]);
        }
    }
}
