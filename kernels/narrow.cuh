// Convolutions with few channels on one side, up to four: an image's first and last layer. A product's tile
// would be idle in most of its columns, and memory is what these wait for.
//
// In all three the other image has `channels` channels, a multiple of four, of which a thread takes
// four neighbours at a time.
#pragma once
#include "igemm.cuh"

struct Narrow {
    const float *in;
    const float *weight;
    const float *bias;  // or null
    float *out;
    float slope;
    u32 pixels;         // of the batch: those of `out`, or of the wide image for the weight
    u32 size[2];        // rows and columns of that image
    u32 other[2];       // and of the one that is read around it
    u32 kernel[2], stride[2], padding[2];
    u32 backward;       // the pixels are of the big image, not of the small one
    u32 channels;       // of the wide image
    u32 few, tap, wide; // elements of the weight from few channel to few channel, tap to tap, wide to wide
    u32 chunk;          // pixels of one partial sum
    u32 len;            // elements of the weight
};

// The taps that a pixel meets along one axis, and where: the tap goes up by `step`, the place
// by `move`.
struct Axis {
    u32 tap, step, place, move;

    __device__ __forceinline__ Axis(const Narrow &p, int axis, u32 at) {
        const u32 stride = p.stride[axis], far = at + p.padding[axis];
        tap = p.backward ? far % stride : 0;
        step = p.backward ? stride : 1;
        place = p.backward ? far / stride : at * stride - p.padding[axis];
        move = p.backward ? ~0u : 1;
    }
};

// Calls `f(tap, pixel)` for the taps that meet pixels of the other image from pixel number `at`.
template <typename F>
__device__ __forceinline__ void each_tap(const Narrow &p, u32 at, F f) {
    const u32 line = at / p.size[1], image = line / p.size[0];
    Axis down(p, 0, line - image * p.size[0]);
    const Axis left(p, 1, at - line * p.size[1]);
    for (; down.tap < p.kernel[0]; down.tap += down.step, down.place += down.move) {
        if (down.place >= p.other[0]) continue;
        Axis across = left;
        const u32 row = (image * p.other[0] + down.place) * p.other[1];
        for (; across.tap < p.kernel[1]; across.tap += across.step, across.place += across.move) {
            if (across.place < p.other[1]) f(down.tap * p.kernel[1] + across.tap, row + across.place);
        }
    }
}

// The weight to shared memory, as [few][tap][wide].
__device__ __forceinline__ void stage_weight(const Narrow &p, float *weight) {
    const u32 taps = p.kernel[0] * p.kernel[1];
    for (u32 i = threadIdx.x; i < p.len; i += blockDim.x) {
        const u32 line = i / p.channels, few = line / taps;
        weight[i] = p.weight[few * p.few + (line - few * taps) * p.tap + (i - line * p.channels) * p.wide];
    }
    __syncthreads();
}

// Many channels to FEW: sixteen lanes share a pixel's sums.
template <u32 FEW>
__device__ __forceinline__ void narrow_gather(const Narrow &p) {
    SHARED(float, weight);
    stage_weight(p, weight);
    const u32 taps = p.kernel[0] * p.kernel[1];
    const u32 lane = threadIdx.x % 16, each = blockDim.x / 16;
    // All lanes of a warp come as often to the exchange.
    for (u32 first = blockIdx.x * each + threadIdx.x / 32 * 2; first < p.pixels; first += gridDim.x * each) {
        const u32 pixel = first + threadIdx.x / 16 % 2;
        float sums[FEW] = {};
        each_tap(p, min(pixel, p.pixels - 1), [&](u32 tap, u32 at) {
            const float *from = p.in + u64(at) * p.channels;
            for (u32 c = lane * 4; c < p.channels; c += 64) {
                float x[4];
                four(from + c, x);
#pragma unroll
                for (u32 q = 0; q < FEW; ++q) {
                    float w[4];
                    four(weight + (q * taps + tap) * p.channels + c, w);
#pragma unroll
                    for (int i = 0; i < 4; ++i) sums[q] = fmaf(x[i], w[i], sums[q]);
                }
            }
        });
#pragma unroll
        for (u32 q = 0; q < FEW; ++q) {
            for (int distance = 8; distance > 0; distance /= 2) {
                sums[q] += __shfl_xor_sync(WARP, sums[q], distance);
            }
            if (lane == q && pixel < p.pixels) {
                p.out[u64(pixel) * FEW + q] = finish(sums[q], p.bias ? p.bias[q] : 0.0f, p.slope);
            }
        }
    }
}

// FEW channels to many: a thread has four channels of a pixel.
template <u32 FEW>
__device__ __forceinline__ void narrow_spread(const Narrow &p) {
    SHARED(float, weight);
    stage_weight(p, weight);
    const u32 taps = p.kernel[0] * p.kernel[1], fours = p.channels / 4;
    for (u32 i = blockIdx.x * blockDim.x + threadIdx.x; i < p.pixels * fours; i += gridDim.x * blockDim.x) {
        const u32 pixel = i / fours, c = (i - pixel * fours) * 4;
        float sums[4] = {};
        each_tap(p, pixel, [&](u32 tap, u32 at) {
#pragma unroll
            for (u32 q = 0; q < FEW; ++q) {
                const float x = p.in[u64(at) * FEW + q];
                float w[4];
                four(weight + (q * taps + tap) * p.channels + c, w);
#pragma unroll
                for (int j = 0; j < 4; ++j) sums[j] = fmaf(x, w[j], sums[j]);
            }
        });
#pragma unroll
        for (int j = 0; j < 4; ++j) sums[j] = finish(sums[j], p.bias ? p.bias[c + j] : 0.0f, p.slope);
        *reinterpret_cast<float4 *>(p.out + u64(i) * 4) = make_float4(sums[0], sums[1], sums[2], sums[3]);
    }
}

// Partial sums of the weight's gradient over chunks of pixels of the wide image `in`; `weight` is
// here the image of `few` channels, which lie side by side. A block has one row of taps of one few channel:
// grid (chunk, row of taps, few channel). Backward, the stride is 1.
__device__ __forceinline__ void narrow_wgrad(const Narrow &p) {
    constexpr u32 TAPS_IN_ROW = 8, BLOCK = 256;
    __shared__ __align__(16) float shares[BLOCK * 4];
    const u32 fours = p.channels / 4, groups = BLOCK / fours;
    const u32 group = threadIdx.x / fours, c = (threadIdx.x - group * fours) * 4;
    const u32 ky = blockIdx.y, q = blockIdx.z, few = gridDim.z;
    const u32 begin = blockIdx.x * p.chunk, end = min(begin + p.chunk, p.pixels);
    float sums[TAPS_IN_ROW][4] = {};
    for (u32 pixel = group < groups ? begin + group : end; pixel < end; pixel += groups) {
        const u32 line = pixel / p.size[1], image = line / p.size[0];
        const u32 i = line - image * p.size[0], j = pixel - line * p.size[1];
        const u32 row = p.backward ? i + p.padding[0] - ky : i * p.stride[0] - p.padding[0] + ky;
        if (row >= p.other[0]) continue;
        u32 column = p.backward ? j + p.padding[1] : j * p.stride[1] - p.padding[1];
        float x[4];
        four(p.in + u64(pixel) * p.channels + c, x);
#pragma unroll
        for (u32 kx = 0; kx < TAPS_IN_ROW; ++kx, column += p.backward ? ~0u : 1) {
            if (kx >= p.kernel[1] || column >= p.other[1]) continue;
            const float y = p.weight[(u64(image * p.other[0] + row) * p.other[1] + column) * few + q];
#pragma unroll
            for (int v = 0; v < 4; ++v) sums[kx][v] = fmaf(x[v], y, sums[kx][v]);
        }
    }
    float *to = p.out + u64(blockIdx.x) * p.len + q * p.few + ky * p.kernel[1] * p.tap;
#pragma unroll
    for (u32 kx = 0; kx < TAPS_IN_ROW; ++kx) {
        if (kx >= p.kernel[1]) continue;
        if (group < groups) {
            *reinterpret_cast<float4 *>(shares + group * p.channels + c) =
                make_float4(sums[kx][0], sums[kx][1], sums[kx][2], sums[kx][3]);
        }
        __syncthreads();
        for (u32 at = threadIdx.x; at < p.channels; at += BLOCK) {
            float sum = shares[at];
            for (u32 g = 1; g < groups; ++g) sum += shares[g * p.channels + at];
            to[kx * p.tap + at * p.wide] = sum;
        }
        __syncthreads();
    }
}
