// C = A B, 8x8 elements a thread; while one pair of tiles is used, the next is on its way.
//
// Rung 4 did one thing after the other: fetch a pair of tiles, wait for it (hundreds of
// cycles if it comes from main memory), barrier, compute, barrier. The other block on the
// multiprocessor fills only part of that. Here shared memory holds two pairs. Each thread
// starts the loads of the next pair into registers, computes with the present one, and then
// puts the registers into the other half: the loads have the whole computation to arrive,
// 8 x 64 = 512 multiply-adds a thread. And one barrier a step is enough, because nobody
// reads in a step what is written in it.
//
// The price: shared memory doubles to 16.25 KiB, and 8 registers a thread hold what is on
// its way, within the 128 that two blocks leave each other. Loads for a multiply-add stay what
// they were, 1/64 of a number from global memory, a quarter from shared memory, and so do
// bytes an operation. What changes is when they are waited for.
//
// In a profiler: "long scoreboard" moves from the top of the loop to its end and shrinks;
// "barrier" too. There are more eligible warps a cycle though no more warps.
//
// launch: block 128x128, registers 8x8, 256 threads
#include "../detach.cuh"

constexpr int TILE = 128, DEPTH = 8, HALF = TILE / 2;

// Four numbers of a row from `column` on, zeros beyond its end. `wide` where rows begin
// at multiples of 16 bytes.
__device__ __forceinline__ float4 load4(const float* row, int column, int columns, bool wide) {
    if (wide && column < columns) {
        return *reinterpret_cast<const float4*>(row + column);
    }
    return make_float4(column < columns ? row[column] : 0.0f,
                       column + 1 < columns ? row[column + 1] : 0.0f,
                       column + 2 < columns ? row[column + 2] : 0.0f,
                       column + 3 < columns ? row[column + 3] : 0.0f);
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
    ladder_double_buffer(const float* a, const float* b, float* c, int m, int n, int k) {
    __shared__ __align__(16) float as[2][DEPTH][TILE + 4];
    __shared__ __align__(16) float bs[2][DEPTH][TILE];
    int thread = threadIdx.x;
    int x = thread % 16 * 4, y = thread / 16 * 4;
    int top = blockIdx.y * TILE, left = blockIdx.x * TILE;
    bool wide_a = k % 4 == 0, wide_b = n % 4 == 0;
    int a_row = thread / 2, a_column = thread % 2 * 4;
    int b_row = thread / 32, b_column = thread % 32 * 4;
    const float* a_from = a + i64(top + a_row) * k;
    int a_end = top + a_row < m ? k : 0;

    float4 left4, right4;
    auto fetch = [&](int first) {
        int b_end = first + b_row < k ? n : 0;
        left4 = load4(a_from, first + a_column, a_end, wide_a);
        right4 = load4(b + i64(first + b_row) * n, left + b_column, b_end, wide_b);
    };
    auto put = [&](int half) {
        as[half][a_column][a_row] = left4.x;
        as[half][a_column + 1][a_row] = left4.y;
        as[half][a_column + 2][a_row] = left4.z;
        as[half][a_column + 3][a_row] = left4.w;
        *reinterpret_cast<float4*>(&bs[half][b_row][b_column]) = right4;
    };

    float sums[8][8] = {};
    fetch(0);
    put(0);
    __syncthreads();
    for (int first = 0, half = 0; first < k; first += DEPTH, half ^= 1) {
        bool more = first + DEPTH < k;
        if (more) {
            fetch(first + DEPTH);
        }
#pragma unroll
        for (int i = 0; i < DEPTH; ++i) {
            float down[8], across[8];
            load8(down, &as[half][i][y]);
            load8(across, &bs[half][i][x]);
#pragma unroll
            for (int at = 0; at < 64; ++at) {
                sums[at / 8][at % 8] = fmaf(down[at / 8], across[at % 8], sums[at / 8][at % 8]);
            }
        }
        // The other half was last read in the step before, which a barrier ended.
        if (more) {
            put(half ^ 1);
        }
        __syncthreads();
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
