// Kernels for the tests of the emulator, some of them wrong on purpose. Never shipped.
#include "detach.cuh"

constexpr int TILE = 16;

// c = a b, [n, n] each, n a multiple of 16. Right where both barriers are there.
template <bool FIRST, bool SECOND>
__device__ __forceinline__ void product(const float* a, const float* b, float* c, int n) {
    __shared__ float left[TILE][TILE];
    __shared__ float right[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y;
    int column = blockIdx.x * TILE + threadIdx.x;
    float sum = 0.0f;
    for (int k = 0; k < n; k += TILE) {
        left[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
        right[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
        if (FIRST) {
            __syncthreads();
        }
        for (int i = 0; i < TILE; ++i) {
            sum = fmaf(left[threadIdx.y][i], right[i][threadIdx.x], sum);
        }
        if (SECOND) {
            __syncthreads();
        }
    }
    c[row * n + column] = sum;
}

extern "C" __global__ void planted_product(const float* a, const float* b, float* c, int n) {
    product<true, true>(a, b, c, n);
}

// Each thread writes the other half's number; a barrier is missing between the two.
// Threads that run one after the other, in order, do not show it.
extern "C" __global__ void planted_missing_barrier(const float* in, float* out) {
    __shared__ float tile[64];
    tile[threadIdx.x] = in[blockIdx.x * 64 + threadIdx.x];
    if (threadIdx.x > 0) {
        out[blockIdx.x * 64 + threadIdx.x] = tile[threadIdx.x - 1];  // the race
    }
}

// Writes one number too many.
extern "C" __global__ void planted_out_of_bounds(float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) {
        out[i] = 1.0f;
    }
}

// All blocks write the same place.
extern "C" __global__ void planted_racing_blocks(u32* out) {
    if (threadIdx.x == 0) {
        *out = blockIdx.x;
    }
}

// Half of the threads do not come to the barrier.
extern "C" __global__ void planted_absent_thread(float* out) {
    if (threadIdx.x < 32) {
        return;
    }
    __syncthreads();
    out[threadIdx.x] = 1.0f;
}

// out[i] += 1, as a step of which there are many.
extern "C" __global__ void planted_increment(u32* out, u32 n) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        out[i] += 1;
    }
}

// Sums of 256 numbers a block.
extern "C" __global__ void planted_sums(const float* in, float* out) {
    __shared__ float warps[8];
    float sum = block_sum(in[blockIdx.x * 256 + threadIdx.x], warps);
    if (threadIdx.x == 0) {
        out[blockIdx.x] = sum;
    }
}

// A shared array and what comes of reading it before it is written.
extern "C" __global__ void planted_unwritten(float* out) {
    __shared__ float tile[32];
    SHARED(float, more);
    out[threadIdx.x] = tile[threadIdx.x];
    out[32 + threadIdx.x] = more[threadIdx.x];
    tile[threadIdx.x] = 1.0f;
    more[threadIdx.x] = 1.0f;
}

// out = in through shared memory, one cp.async a thread; `wait` says whether to wait for it.
extern "C" __global__ void planted_copy(const float* in, float* out, int wait) {
    SHARED(float, tile);
    float* own = tile + 4 * threadIdx.x;
    cp_async16(own, in + 4 * threadIdx.x, threadIdx.x < 16);
    cp_async_commit();
    if (wait) {
        cp_async_wait<0>();
    }
    for (int i = 0; i < 4; ++i) {
        out[4 * threadIdx.x + i] = own[i];
    }
}

// d = a b, [16, 8] times [8, 8], in TF32.
extern "C" __global__ void planted_mma(const float* a, const float* b, float* d) {
    int g = threadIdx.x / 4, t = threadIdx.x % 4;
    u32 left[4] = {to_tf32(a[g * 8 + t]), to_tf32(a[(g + 8) * 8 + t]), to_tf32(a[g * 8 + t + 4]),
                   to_tf32(a[(g + 8) * 8 + t + 4])};
    u32 right[2] = {to_tf32(b[t * 8 + g]), to_tf32(b[(t + 4) * 8 + g])};
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    mma_tf32_m16n8k8(sum, left, right);
    d[g * 8 + 2 * t] = sum[0];
    d[g * 8 + 2 * t + 1] = sum[1];
    d[(g + 8) * 8 + 2 * t] = sum[2];
    d[(g + 8) * 8 + 2 * t + 1] = sum[3];
}
