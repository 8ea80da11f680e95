// nvrtc: --fmad=false
// Resampling of channels-last images: crates/kernels/src/resample has the formula. Sums are taken
// as on the CPU: along columns first, then along the row, each product rounded.
#include "strides.cuh"

constexpr u32 MOST_TAPS = 8;

// As crates/kernels/src/resample/cuda.rs fills it in. `channels` are groups of V.
struct Resample {
    Divisor channels, width, height;
    u32 from[2];
    i32 up, down, before, len;
    float taps[MOST_TAPS];
};

// What a pixel is made of along one axis: tap `tap` and every `up`-th after it, of `count`
// neighbours from `source` on.
struct Reads {
    i32 tap, source, count;

    __device__ __forceinline__ Reads(const Resample& of, u32 j, u32 from) {
        i32 first = static_cast<i32>(j) * of.down - of.before;
        tap = -first % of.up;
        if (tap < 0) tap += of.up;
        source = (first + tap) / of.up;
        if (source < 0) {
            tap -= source * of.up;
            source = 0;
        }
        i32 taps = tap < of.len ? (of.len - tap + of.up - 1) / of.up : 0;
        count = min(taps, static_cast<i32>(from) - source);
    }
};

// Neighbours in memory.
template <u32 V>
struct alignas(4 * V) Pack {
    float at[V];
};

template <u32 V>
__device__ __forceinline__ void resample(float* __restrict__ y, const float* __restrict__ x,
                                         const Resample& of, u32 groups) {
    // Indexed by what only a thread knows, which parameters are not.
    __shared__ float taps[MOST_TAPS];
#pragma unroll
    for (u32 k = 0; k < MOST_TAPS; ++k) {
        if (threadIdx.x == k) taps[k] = of.taps[k];
    }
    __syncthreads();
    u32 i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= groups) return;
    u32 pixel = of.channels.of(i);
    u32 group = i - pixel * of.channels.value;
    u32 line = of.width.of(pixel);
    u32 n = of.height.of(line);
    Reads rows(of, line - n * of.height.value, of.from[0]);
    Reads columns(of, pixel - line * of.width.value, of.from[1]);
    Pack<V> total;
#pragma unroll
    for (u32 v = 0; v < V; ++v) total.at[v] = 0.0f;
    for (i32 b = 0; b < columns.count && rows.count > 0; ++b) {
        Pack<V> sum;
#pragma unroll
        for (u32 v = 0; v < V; ++v) sum.at[v] = 0.0f;
        for (i32 a = 0; a < rows.count; ++a) {
            u64 from = (static_cast<u64>(n) * of.from[0] + rows.source + a) * of.from[1] +
                       columns.source + b;
            Pack<V> in = *reinterpret_cast<const Pack<V>*>(
                x + (from * of.channels.value + group) * V);
            float tap = taps[rows.tap + a * of.up];
#pragma unroll
            for (u32 v = 0; v < V; ++v) sum.at[v] += tap * in.at[v];
        }
        float tap = taps[columns.tap + b * of.up];
#pragma unroll
        for (u32 v = 0; v < V; ++v) total.at[v] += tap * sum.at[v];
    }
    *reinterpret_cast<Pack<V>*>(y + static_cast<u64>(i) * V) = total;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    resample_one(float* __restrict__ y, const float* __restrict__ x, Resample of, u32 groups) {
    resample<1>(y, x, of, groups);
}

// The same for channels in fours.
extern "C" __global__ void __launch_bounds__(THREADS)
    resample_four(float* __restrict__ y, const float* __restrict__ x, Resample of, u32 groups) {
    resample<4>(y, x, of, groups);
}
