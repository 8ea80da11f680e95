// C = A B on tensor cores: TF32 operands, sums in fp32.
//
// Rung 6 was to wait for nothing but the multipliers. mma.sync hands a small product to
// another unit: a warp gives 16x8 numbers of A and 8x8 of B and gets 16x8 sums, 1024
// multiply-adds by one instruction instead of 32. Operands are rounded to TF32, fp32's range
// with 10 bits of mantissa, so each is off by up to 5e-4 of itself and a product of random
// matrices by 3e-4 or so, where fp32 is at 1e-7. Sums stay fp32.
//
// The eight warps of a block hold 64x32 elements of C each, 4x4 such products for a step of
// 8 along k. From shared memory a warp reads 64 + 32 numbers for 64 x 32 multiply-adds, 3/64
// each, a fifth of rung 6's quarter: the lanes share operands through the instruction. They
// read single numbers, in the order that it wants; rows of 12 and 136 floats put 32 of them
// into 32 banks. 64 registers hold sums, 24 operands, and four stages take 41 KiB.
//
// In a profiler: the tensor pipe is busy, FMA idle. Global loads are still 1/64 for a
// multiply-add, while these are several times as fast: L2 is the next to wait for, and larger
// blocks (on an sm_90 with wgmma and TMA, which this project leaves alone) the next rung.
//
// launch: block 128x128, registers 64x32, 256 threads
// nvrtc: compute_80
#include "../detach.cuh"

constexpr int TILE = 128, DEPTH = 8, STAGES = 4;

// Starts copying four numbers of a row from `column` on, zeros beyond its end. `wide` where
// rows begin at multiples of 16 bytes; `matrix` is any address that may be named.
__device__ __forceinline__ void copy4(float* to, const float* matrix, const float* row,
                                      int column, int columns, bool wide) {
    if (wide) {
        bool valid = column < columns;
        cp_async16(to, valid ? row + column : matrix, valid);
        return;
    }
    for (int i = 0; i < 4; ++i) {
        bool valid = column + i < columns;
        cp_async4(to + i, valid ? row + column + i : matrix, valid);
    }
}

extern "C" __global__ void __launch_bounds__(256, 2)
    ladder_tf32(const float* a, const float* b, float* c, int m, int n, int k) {
    __shared__ __align__(16) float as[STAGES][TILE][DEPTH + 4];
    __shared__ __align__(16) float bs[STAGES][DEPTH][TILE + 8];
    int thread = threadIdx.x, warp = thread / 32;
    // The lane's place in fragments, as mma_tf32_m16n8k8 has them.
    int g = thread % 32 / 4, t = thread % 4;
    int y = warp / 4 * 64, x = warp % 4 * 32;
    int top = blockIdx.y * TILE, left = blockIdx.x * TILE;
    bool wide_a = k % 4 == 0, wide_b = n % 4 == 0;
    int a_row = thread / 2, a_column = thread % 2 * 4;
    int b_row = thread / 32, b_column = thread % 32 * 4;
    const float* a_from = a + i64(top + a_row) * k;
    int a_end = top + a_row < m ? k : 0;

    // Every call closes a group, empty behind the end, so that groups count steps.
    auto start = [&](int first) {
        if (first < k) {
            int stage = first / DEPTH % STAGES;
            int b_end = first + b_row < k ? n : 0;
            copy4(&as[stage][a_row][a_column], a, a_from, first + a_column, a_end, wide_a);
            copy4(&bs[stage][b_row][b_column], b, b + i64(first + b_row) * n, left + b_column,
                  b_end, wide_b);
        }
        cp_async_commit();
    };

    for (int ahead = 0; ahead < STAGES - 1; ++ahead) {
        start(ahead * DEPTH);
    }
    float sums[4][4][4] = {};
    for (int first = 0; first < k; first += DEPTH) {
        cp_async_wait<STAGES - 2>();
        // All have their copies of this step, and have left the step before: its stage is free.
        __syncthreads();
        start(first + (STAGES - 1) * DEPTH);
        int stage = first / DEPTH % STAGES;
        u32 down[4][4], across[4][2];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const float(*rows)[DEPTH + 4] = &as[stage][y + i * 16 + g];
            down[i][0] = to_tf32(rows[0][t]);
            down[i][1] = to_tf32(rows[8][t]);
            down[i][2] = to_tf32(rows[0][t + 4]);
            down[i][3] = to_tf32(rows[8][t + 4]);
        }
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            across[j][0] = to_tf32(bs[stage][t][x + j * 8 + g]);
            across[j][1] = to_tf32(bs[stage][t + 4][x + j * 8 + g]);
        }
#pragma unroll
        for (int at = 0; at < 16; ++at) {
            mma_tf32_m16n8k8(sums[at / 4][at % 4], down[at / 4], across[at % 4]);
        }
    }
#pragma unroll
    for (int at = 0; at < 64; ++at) {
        int i = at / 16, j = at / 4 % 4, s = at % 4;
        int row = top + y + i * 16 + g + s / 2 * 8;
        int column = left + x + j * 8 + t * 2 + s % 2;
        if (row < m && column < n) {
            c[i64(row) * n + column] = sums[i][j][s];
        }
    }
}
