// Pads that repeat an image's own pixels, and their adjoint, of channels-last images:
// crates/kernels/src/border has the geometry. Sums are taken as on the CPU: along columns first,
// then along the row.
#include "strides.cuh"

// As crates/kernels/src/border/cuda.rs fills it in. `channels` are groups of V; `width` and
// `height` are those of what is written.
struct Border {
    Divisor channels, width, height;
    u32 size[2];
    u32 pads[2][2];
    u32 reflect;
};

// Neighbours in memory.
template <u32 V>
struct alignas(4 * V) Pack {
    float at[V];

    __device__ __forceinline__ void zero() {
#pragma unroll
        for (u32 v = 0; v < V; ++v) at[v] = 0.0f;
    }

    __device__ __forceinline__ void add(const Pack& other) {
#pragma unroll
        for (u32 v = 0; v < V; ++v) at[v] += other.at[v];
    }
};

// Which group of channels of which pixel a thread writes.
struct Written {
    u32 n, row, column, group;

    __device__ __forceinline__ Written(const Border& of, u32 i) {
        u32 pixel = of.channels.of(i);
        group = i - pixel * of.channels.value;
        u32 line = of.width.of(pixel);
        column = pixel - line * of.width.value;
        n = of.height.of(line);
        row = line - n * of.height.value;
    }
};

// The pixel that stands at place `at` of a padded axis.
template <int AXIS>
__device__ __forceinline__ u32 source(const Border& of, u32 at) {
    u32 last = of.size[AXIS] - 1, before = of.pads[AXIS][0];
    if (at < before) return of.reflect ? before - at : 0;
    u32 pixel = at - before;
    if (pixel <= last) return pixel;
    return of.reflect ? 2 * last - pixel : last;
}

// Calls `f` with the places of a padded axis that `pixel` stands at, in order.
template <int AXIS, typename F>
__device__ __forceinline__ void places(const Border& of, u32 pixel, F f) {
    u32 last = of.size[AXIS] - 1, before = of.pads[AXIS][0], after = of.pads[AXIS][1];
    u32 own = before + pixel;
    if (of.reflect) {
        if (pixel > 0 && pixel <= before) f(before - pixel);
        f(own);
        if (pixel < last && last - pixel <= after) f(before + 2 * last - pixel);
    } else {
        u32 first = pixel == 0 ? 0 : own;
        u32 end = own + 1 + (pixel == last ? after : 0);
        for (u32 place = first; place < end; ++place) f(place);
    }
}

template <u32 V>
__device__ __forceinline__ void pad(float* __restrict__ y, const float* __restrict__ x,
                                    const Border& of, u32 groups) {
    u32 i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= groups) return;
    Written to(of, i);
    u64 row = static_cast<u64>(to.n) * of.size[0] + source<0>(of, to.row);
    u64 from = (row * of.size[1] + source<1>(of, to.column)) * of.channels.value + to.group;
    reinterpret_cast<Pack<V>*>(y)[i] = reinterpret_cast<const Pack<V>*>(x)[from];
}

template <u32 V>
__device__ __forceinline__ void fold(float* __restrict__ x, const float* __restrict__ y,
                                     const Border& of, u32 groups) {
    u32 i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= groups) return;
    Written to(of, i);
    u32 rows = of.size[0] + of.pads[0][0] + of.pads[0][1];
    u32 columns = of.size[1] + of.pads[1][0] + of.pads[1][1];
    Pack<V> total;
    total.zero();
    places<1>(of, to.column, [&](u32 column) {
        Pack<V> sum;
        sum.zero();
        places<0>(of, to.row, [&](u32 row) {
            u64 pixel = (static_cast<u64>(to.n) * rows + row) * columns + column;
            sum.add(reinterpret_cast<const Pack<V>*>(y)[pixel * of.channels.value + to.group]);
        });
        total.add(sum);
    });
    reinterpret_cast<Pack<V>*>(x)[i] = total;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    border_pad(float* __restrict__ y, const float* __restrict__ x, Border of, u32 groups) {
    pad<1>(y, x, of, groups);
}

// The same for channels in fours.
extern "C" __global__ void __launch_bounds__(THREADS)
    border_pad_four(float* __restrict__ y, const float* __restrict__ x, Border of, u32 groups) {
    pad<4>(y, x, of, groups);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    border_fold(float* __restrict__ x, const float* __restrict__ y, Border of, u32 groups) {
    fold<1>(x, y, of, groups);
}

// The same for channels in fours.
extern "C" __global__ void __launch_bounds__(THREADS)
    border_fold_four(float* __restrict__ x, const float* __restrict__ y, Border of, u32 groups) {
    fold<4>(x, y, of, groups);
}
