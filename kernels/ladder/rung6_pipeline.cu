// C = A B, 8x8 elements a thread, tiles three steps ahead by asynchronous copies.
//
// Rung 5 looked one step ahead, and what was on its way passed through registers: a load that
// comes late holds the thread up where it puts the number down, and each piece takes two
// instructions, load and store. cp.async (sm_80 and later) copies from global to shared
// memory without registers and without the thread. It says "start", closes a group of
// copies, and later waits until at most so many groups are under way. With four stages,
// three pairs of tiles are on their way while one is used: 3 x 512 = 1536 multiply-adds a
// thread for a copy to arrive in.
//
// cp.async copies 16 bytes as they lie, so A cannot be transposed on the way. Its tile stays
// row-major, rows padded from 8 to 12 numbers, and a thread reads two steps of k of a row as
// a float2: 8 such for A and 4 float4 for B make 128 multiply-adds, one load for 10.7 where
// it was 16. Numbers for a multiply-add are what they were. Four stages of 128 x 12 and 8 x 128
// floats are 40 KiB; 64 registers hold sums, 24 operands. No block needs more than 128 of
// them, so two fit on a multiprocessor (2 x 256 x 128 = 65536).
//
// In a profiler: stalls on "long scoreboard" have left the loop; copies are LDGSTS
// instructions, and what is still waited for is the wait for their groups, if memory is too
// slow, or the FMA pipe itself. A product in fp32 can do no better than the latter.
//
// launch: block 128x128, registers 8x8, 256 threads
// nvrtc: compute_80
#include "../detach.cuh"

constexpr int TILE = 128, DEPTH = 8, HALF = TILE / 2, STAGES = 4;

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

__device__ __forceinline__ void store4(float* row, int column, int columns, bool wide,
                                       const float* values) {
    if (wide && column < columns) {
        *reinterpret_cast<float4*>(row + column) =
            make_float4(values[0], values[1], values[2], values[3]);
        return;
    }
    for (int i = 0; i < 4; ++i) {
        if (column + i < columns) {
            row[column + i] = values[i];
        }
    }
}

// Two groups of four, HALF apart.
__device__ __forceinline__ void load8(float (&to)[8], const float* from) {
    float4 low = *reinterpret_cast<const float4*>(from);
    float4 high = *reinterpret_cast<const float4*>(from + HALF);
    to[0] = low.x, to[1] = low.y, to[2] = low.z, to[3] = low.w;
    to[4] = high.x, to[5] = high.y, to[6] = high.z, to[7] = high.w;
}

extern "C" __global__ void __launch_bounds__(256, 2)
    ladder_pipeline(const float* a, const float* b, float* c, int m, int n, int k) {
    __shared__ __align__(16) float as[STAGES][TILE][DEPTH + 4];
    __shared__ __align__(16) float bs[STAGES][DEPTH][TILE];
    int thread = threadIdx.x;
    int x = thread % 16 * 4, y = thread / 16 * 4;
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
    float sums[8][8] = {};
    for (int first = 0; first < k; first += DEPTH) {
        cp_async_wait<STAGES - 2>();
        // All have their copies of this step, and have left the step before: its stage is free.
        __syncthreads();
        start(first + (STAGES - 1) * DEPTH);
        int stage = first / DEPTH % STAGES;
        // Unrolled further it takes more registers than two blocks leave each other.
#pragma unroll 1
        for (int i = 0; i < DEPTH; i += 2) {
            float2 down[8];
#pragma unroll
            for (int r = 0; r < 8; ++r) {
                int row = y + r % 4 + r / 4 * HALF;
                down[r] = *reinterpret_cast<const float2*>(&as[stage][row][i]);
            }
#pragma unroll
            for (int j = 0; j < 2; ++j) {
                float across[8];
                load8(across, &bs[stage][i + j][x]);
#pragma unroll
                for (int at = 0; at < 64; ++at) {
                    float left1 = j == 0 ? down[at / 8].x : down[at / 8].y;
                    sums[at / 8][at % 8] = fmaf(left1, across[at % 8], sums[at / 8][at % 8]);
                }
            }
        }
    }
#pragma unroll
    for (int r = 0; r < 8; ++r) {
        int row = top + y + r % 4 + r / 4 * HALF;
        if (row < m) {
            store4(c + i64(row) * n, left + x, n, wide_b, sums[r]);
            store4(c + i64(row) * n, left + x + HALF, n, wide_b, sums[r] + 4);
        }
    }
}
