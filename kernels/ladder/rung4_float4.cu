// C = A B, 8x8 elements a thread, all memory in pieces of 16 bytes.
//
// Rung 3 took nine numbers from shared memory for eight multiply-adds: a tile of one column
// reuses one operand only. A square reuses both. 8 numbers of A and 8 of B make 64
// multiply-adds: a quarter of a number for each. With float4 those 16 numbers are 4
// instructions, one for 16 multiply-adds.
//
// The block is 128x128 with 256 threads. Global loads are 2/128 = 1/64 for a multiply-add,
// 1/32 of a byte an operation: at 60 TFLOP/s that is 2 TB/s, most of it from the L2 cache,
// where the blocks of one row meet. Shared memory is 8 KiB and a little. 64 registers hold sums,
// 16 operands; with addresses and what is fetched ahead it may be 128, so that two blocks
// fit: 2 x 256 x 128 = 65536. Fewer threads than before, and faster: the 64
// independent sums of each thread hide what other threads did.
//
// A thread's rows and columns are two groups of four, 64 apart, so that eight lanes read 128
// neighbouring bytes of B: with eight columns in one piece lanes 0 and 4 would want the
// same banks. The tile of A is stored transposed, to be read by float4 as well; its rows are
// four longer than needed, so that the transposing stores come to different banks.
//
// In a profiler: the FMA pipe is the busiest and "MIO throttle" is gone. What is left is "long
// scoreboard" and "barrier": a tile is fetched, waited for, and used, one after the other.
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
    ladder_float4(const float* a, const float* b, float* c, int m, int n, int k) {
    __shared__ __align__(16) float as[DEPTH][TILE + 4];
    __shared__ __align__(16) float bs[DEPTH][TILE];
    int thread = threadIdx.x;
    int x = thread % 16 * 4, y = thread / 16 * 4;
    int top = blockIdx.y * TILE, left = blockIdx.x * TILE;
    bool wide_a = k % 4 == 0, wide_b = n % 4 == 0;
    // What this thread fetches: four numbers of a row of A, four of B.
    int a_row = thread / 2, a_column = thread % 2 * 4;
    int b_row = thread / 32, b_column = thread % 32 * 4;
    const float* a_from = a + i64(top + a_row) * k;
    int a_end = top + a_row < m ? k : 0;
    float sums[8][8] = {};
    for (int first = 0; first < k; first += DEPTH) {
        int b_end = first + b_row < k ? n : 0;
        float4 left4 = load4(a_from, first + a_column, a_end, wide_a);
        float4 right4 = load4(b + i64(first + b_row) * n, left + b_column, b_end, wide_b);
        as[a_column][a_row] = left4.x;
        as[a_column + 1][a_row] = left4.y;
        as[a_column + 2][a_row] = left4.z;
        as[a_column + 3][a_row] = left4.w;
        *reinterpret_cast<float4*>(&bs[b_row][b_column]) = right4;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < DEPTH; ++i) {
            float down[8], across[8];
            load8(down, &as[i][y]);
            load8(across, &bs[i][x]);
#pragma unroll
            for (int at = 0; at < 64; ++at) {
                sums[at / 8][at % 8] = fmaf(down[at / 8], across[at % 8], sums[at / 8][at % 8]);
            }
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
