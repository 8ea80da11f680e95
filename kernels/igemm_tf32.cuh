// Products on tensor cores.
#pragma once
#include "igemm.cuh"

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

// Sums by tensor cores, of factors rounded to TF32. Tiles come to shared memory by asynchronous copies,
// STAGES of them, as they lie in memory: [line][k] where neighbours are along k, else [k][line].
//
// The multiply-add counts lines g and g + 8 and k t and t + 4 of a tile (`mma_tf32_m16n8k8`), but which
// lines and k those are is ours to say: lines 2g and 2g + 1, k 2t and 2t + 1. So a lane reads two
// neighbours at a time in either arrangement, without conflicts for the strides below, and
// its sums are four neighbours of a row.
template <bool ALONG_K, int LINES, int DEPTH>
struct Arrangement {
    static constexpr int STRIDE = (ALONG_K ? DEPTH : LINES) + 4;
    static constexpr int LEN = (ALONG_K ? LINES : DEPTH) * STRIDE;

    static __device__ __forceinline__ u32 at(u32 line, u32 k) {
        return ALONG_K ? line * STRIDE + k : k * STRIDE + line;
    }

    // Elements (line, k), (line, k + 1), (line + 1, k), (line + 1, k + 1).
    static __device__ __forceinline__ void four(const float *tile, u32 line, u32 k, u32 (&q)[2][2]) {
        const float2 v = *reinterpret_cast<const float2 *>(tile + at(line, k));
        const u32 next = ALONG_K ? at(line + 1, k) : at(line, k + 1);
        const float2 w = *reinterpret_cast<const float2 *>(tile + next);
        q[0][0] = to_tf32(v.x), q[1][1] = to_tf32(w.y);
        q[ALONG_K ? 0 : 1][ALONG_K ? 1 : 0] = to_tf32(v.y);
        q[ALONG_K ? 1 : 0][ALONG_K ? 0 : 1] = to_tf32(w.x);
    }
};

// A warp's tile is 16 TM by 16 TN.
template <typename F, int BM, int BN, int WM, int WN, int TM, int TN>
__device__ __forceinline__ void igemm_tf32(const Igemm &p) {
    constexpr int DEPTH = 16, STAGES = 4, THREADS = WM * WN * 32;
    static_assert(BM == WM * 16 * TM && BN == WN * 16 * TN, "the warps' tiles make the block's");
    using A = Reader<F::A, F::A_ALONG_K, BM, DEPTH, THREADS, 4>;
    using B = Reader<F::B, F::B_ALONG_K, BN, DEPTH, THREADS, 4>;
    using Left = Arrangement<F::A_ALONG_K, BM, DEPTH>;
    using Right = Arrangement<F::B_ALONG_K, BN, DEPTH>;
    SHARED(float, tiles);

    const Work<F> work(p, BM, BN);
    if (work.m >= work.at.m) return;
    A a = work.template rows<A>();
    B b = work.template columns<B>();
    const u32 steps = ceil_div(work.end - work.begin, u32(DEPTH));
    auto copy = [&](u32 step) {
        float *left = tiles + step % STAGES * (Left::LEN + Right::LEN), *right = left + Left::LEN;
        if (step < steps) {
            a.tile([&](int pass, const float *from, bool valid) {
                cp_async16(left + Left::at(A::line_of(pass), A::k_of(pass)), from, valid);
            });
            b.tile([&](int pass, const float *from, bool valid) {
                cp_async16(right + Right::at(B::line_of(pass), B::k_of(pass)), from, valid);
            });
        }
        cp_async_commit();
    };

    const u32 warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const u32 row = warp % WM * (16 * TM) + lane / 4 * 2;
    const u32 column = warp / WM * (16 * TN) + lane / 4 * 2;
    const u32 pair = lane % 4 * 2;
    float sums[TM][TN][2][4] = {};

    for (u32 step = 0; step < STAGES - 1; ++step) copy(step);
    for (u32 step = 0; step < steps; ++step) {
        cp_async_wait<STAGES - 2>();
        // Everybody's copies have come, and nobody reads what the next one writes over.
        __syncthreads();
        copy(step + STAGES - 1);
        const float *left = tiles + step % STAGES * (Left::LEN + Right::LEN), *right = left + Left::LEN;
#pragma unroll
        for (int k = 0; k < DEPTH; k += 8) {
            u32 x[TM][2][2], y[TN][2][2];
#pragma unroll
            for (int i = 0; i < TM; ++i) Left::four(left, row + 16 * i, k + pair, x[i]);
#pragma unroll
            for (int j = 0; j < TN; ++j) Right::four(right, column + 16 * j, k + pair, y[j]);
#pragma unroll
            for (int i = 0; i < TM; ++i) {
                const u32 lines[4] = {x[i][0][0], x[i][1][0], x[i][0][1], x[i][1][1]};
#pragma unroll
                for (int j = 0; j < TN; ++j) {
                    mma_tf32_m16n8k8(sums[i][j][0], lines, y[j][0]);
                    mma_tf32_m16n8k8(sums[i][j][1], lines, y[j][1]);
                }
            }
        }
    }
    cp_async_wait<0>();

    const Writer<F> writer(work);
    const u32 first = work.n + warp / WM * (16 * TN) + lane % 4 * 4;
#pragma unroll
    for (int r = 0; r < 2 * TM; ++r) {
        const u32 m = work.m + row + r / 2 * 16 + r % 2;
        if (m >= work.at.m) continue;
        float *to = writer.row(m);
#pragma unroll
        for (int j = 0; j < TN; ++j) {
            const float(&even)[4] = sums[r / 2][j][0], (&odd)[4] = sums[r / 2][j][1];
            const int h = r % 2 * 2;
            const float four[4] = {even[h], odd[h], even[h + 1], odd[h + 1]};
            writer.template write<4>(to, first + 16 * j, four);
        }
    }
}

#endif
