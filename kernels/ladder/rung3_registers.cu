// C = A B, eight elements of a column a thread, their sums in registers.
//
// Rung 2 waited for shared memory: two loads for each multiply-add. Here a thread has eight
// rows of one column. One number of B, once in a register, serves eight multiply-adds, so
// that a step along k takes 1 + 8 loads for 8 of them: 1.125 instead of 2, nearly half.
// The numbers of A are the same for all lanes of a warp, a broadcast.
//
// The block is 64x64 elements now with 512 threads, and steps along k are of 8: tiles of
// 64x8 and 8x64, 512 numbers each, one of each for every thread to fetch. Global loads are
// 1/64 + 1/64 = 1/32 for a multiply-add. Shared memory is down to 4 KiB, as the tiles are thin; the
// eight sums and eight addresses or so are what the registers hold. Few registers and little shared memory: threads
// are again what limits the blocks on a multiprocessor, to four of sm_80's 2048.
//
// In a profiler: instructions of the FMA pipe rise against those of shared memory (from 1:2 to 8:9);
// "MIO throttle" is less, and still first. Eight chains of additions in a thread that do not wait for each
// other hide the four cycles that a multiply-add takes.
//
// launch: block 64x64, registers 8x1, 512 threads
#include "../detach.cuh"

constexpr int TILE = 64, DEPTH = 8, ROWS = 8;

extern "C" __global__ void __launch_bounds__(512)
    ladder_registers(const float* a, const float* b, float* c, int m, int n, int k) {
    __shared__ float as[TILE][DEPTH];
    __shared__ float bs[DEPTH][TILE];
    int thread = threadIdx.x;
    int x = thread % TILE, y = thread / TILE * ROWS;
    int top = blockIdx.y * TILE, left = blockIdx.x * TILE;
    // What this thread fetches is not what it computes with.
    int a_row = thread / DEPTH, a_column = thread % DEPTH;
    int b_row = thread / TILE, b_column = x;
    float sums[ROWS] = {};
    for (int first = 0; first < k; first += DEPTH) {
        bool in_a = top + a_row < m && first + a_column < k;
        bool in_b = left + b_column < n && first + b_row < k;
        as[a_row][a_column] = in_a ? a[i64(top + a_row) * k + first + a_column] : 0.0f;
        bs[b_row][b_column] = in_b ? b[i64(first + b_row) * n + left + b_column] : 0.0f;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < DEPTH; ++i) {
            float right = bs[i][x];
#pragma unroll
            for (int r = 0; r < ROWS; ++r) {
                sums[r] = fmaf(as[y + r][i], right, sums[r]);
            }
        }
        __syncthreads();
    }
    for (int r = 0; r < ROWS; ++r) {
        if (top + y + r < m && left + x < n) {
            c[i64(top + y + r) * n + left + x] = sums[r];
        }
    }
}
