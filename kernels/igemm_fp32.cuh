// Products in single precision, and what sums up the parts of a product whose k is split.
#pragma once
#include "igemm.cuh"

// A tile's way to shared memory through registers, so that the next tile is under way while this
// one is computed with. There it lies as [k][line].
template <typename Of, bool ALONG_K, int STRIDE, int VEC>
struct Stage {
    float held[Of::PASSES][VEC];

    __device__ __forceinline__ void read(Of &reader) {
        reader.tile([&](int pass, const float *from, bool valid) {
            if (VEC == 4) {
                const float4 zero = {0.0f, 0.0f, 0.0f, 0.0f};
                const float4 v = valid ? *reinterpret_cast<const float4 *>(from) : zero;
                held[pass][0] = v.x, held[pass][1 % VEC] = v.y;
                held[pass][2 % VEC] = v.z, held[pass][3 % VEC] = v.w;
            } else {
                held[pass][0] = valid ? *from : 0.0f;
            }
        });
    }

    __device__ __forceinline__ void write(float *tile) const {
#pragma unroll
        for (int pass = 0; pass < Of::PASSES; ++pass) {
            float *to = tile + Of::k_of(pass) * STRIDE + Of::line_of(pass);
            if constexpr (!ALONG_K && VEC == 4) {
                *reinterpret_cast<float4 *>(to) = make_float4(
                    held[pass][0], held[pass][1 % VEC], held[pass][2 % VEC], held[pass][3 % VEC]);
            } else {
#pragma unroll
                for (int i = 0; i < VEC; ++i) to[i * STRIDE] = held[pass][i];
            }
        }
    }
};

// Sums in single precision: a warp's tile is 4 TM by 8 TN, a lane's TM by TN in groups of four
// neighbours, so that both operands are read from shared memory four at a time and without conflicts.
template <typename F, int BM, int BN, int WM, int WN, int TM, int TN, int VEC>
__device__ __forceinline__ void igemm_fp32(const Igemm &p) {
    constexpr int DEPTH = 16, THREADS = WM * WN * 32;
    constexpr int SA = BM + 4, SB = BN + 4;
    static_assert(BM == WM * 4 * TM && BN == WN * 8 * TN, "the warps' tiles make the block's");
    using A = Reader<F::A, F::A_ALONG_K, BM, DEPTH, THREADS, VEC>;
    using B = Reader<F::B, F::B_ALONG_K, BN, DEPTH, THREADS, VEC>;
    __shared__ __align__(16) float tiles[2][DEPTH * (SA + SB)];

    const Work<F> work(p, BM, BN);
    if (work.m >= work.at.m) return;
    A a = work.template rows<A>();
    B b = work.template columns<B>();
    Stage<A, F::A_ALONG_K, SA, VEC> next_a;
    Stage<B, F::B_ALONG_K, SB, VEC> next_b;

    const u32 warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const u32 row = warp % WM * (4 * TM) + lane / 8 * 4;
    const u32 column = warp / WM * (8 * TN) + lane % 8 * 4;
    float sums[TM][TN] = {};

    next_a.read(a);
    next_b.read(b);
    next_a.write(tiles[0]);
    next_b.write(tiles[0] + DEPTH * SA);
    __syncthreads();
    u32 now = 0;
    for (u32 k = work.begin; k < work.end; k += DEPTH) {
        const bool more = k + DEPTH < work.end;
        if (more) {
            next_a.read(a);
            next_b.read(b);
        }
        const float *left = tiles[now] + row, *right = tiles[now] + DEPTH * SA + column;
#pragma unroll 8
        for (int i = 0; i < DEPTH; ++i) {
            float x[TM], y[TN];
#pragma unroll
            for (int g = 0; g < TM; g += 4) four(left + i * SA + 4 * g, x + g);
#pragma unroll
            for (int g = 0; g < TN; g += 4) four(right + i * SB + 8 * g, y + g);
#pragma unroll
            for (int r = 0; r < TM; ++r) {
#pragma unroll
                for (int c = 0; c < TN; ++c) sums[r][c] = fmaf(x[r], y[c], sums[r][c]);
            }
        }
        now ^= 1;
        if (more) {
            next_a.write(tiles[now]);
            next_b.write(tiles[now] + DEPTH * SA);
        }
        __syncthreads();
    }

    const Writer<F> writer(work);
#pragma unroll
    for (int r = 0; r < TM; ++r) {
        const u32 m = work.m + row + r / 4 * 16 + r % 4;
        if (m >= work.at.m) continue;
        float *to = writer.row(m);
#pragma unroll
        for (int c = 0; c < TN; c += 4) writer.template write<4>(to, work.n + column + c * 8, sums[r] + c);
    }
}

// Adds up the parts of every sum, first to last, and finishes it.
template <bool SCATTER, int V>
__device__ __forceinline__ void igemm_sum(const Igemm &p) {
    const u32 product = blockIdx.y;
    const Class &at = p.classes[SCATTER ? product : 0];
    const u64 part = u64(p.rows) * p.n;
    const u32 len = at.m * p.n / V;
    const float *first = p.partial + part * p.splits * product;
    for (u32 i = blockIdx.x * blockDim.x + threadIdx.x; i < len; i += gridDim.x * blockDim.x) {
        const u32 m = i * V / p.n, n = i * V - m * p.n;
        float sum[V] = {};
#pragma unroll 8
        for (u32 s = 0; s < p.splits; ++s) {
            float v[4];
            if (V == 4) {
                four(first + part * s + u64(i) * V, v);
            } else {
                v[0] = first[part * s + i];
            }
#pragma unroll
            for (int j = 0; j < V; ++j) sum[j] += v[j];
        }
        float *to = p.out + n + (SCATTER ? u64(scattered(p, at, m)) : u64(product) * p.batch + u64(m) * p.n);
#pragma unroll
        for (int j = 0; j < V; ++j) to[j] = finish(sum[j], p.bias ? p.bias[n + j] : 0.0f, p.slope);
    }
}
