// C = A B, one element a thread, from tiles of A and B in shared memory.
//
// Rung 1 asked global memory and its caches twice for each multiply-add. But the 32x32
// elements of C that a block of 1024 threads computes need only 32 rows of A and 32 columns of B:
// each number is wanted 32 times. So the block walks along k in steps of 32; at each step
// every thread fetches one number of A and one of B into shared memory, all wait at a barrier, and
// 32 multiply-adds later all wait again, before the tiles are overwritten.
//
// Global loads fall from 2 to 2/32 = 1/16 for a multiply-add, an eighth of a byte an operation. What is left
// is two loads from shared memory for each multiply-add: a broadcast of A, a row of B over all 32
// banks, free of conflicts both. A multiprocessor starts one such load for a warp in a cycle, but four
// multiply-adds: at two loads for each, at least seven eighths of the multipliers wait.
//
// The barriers cost little where another block fills the time; with 1024 threads and 8 KiB
// a block, two fit on an sm_80 or sm_90 (2048 threads), one on an sm_75 (1024): threads are what runs out.
//
// In a profiler: "shared memory throughput" near its peak; stalls on "MIO throttle" (the queue to
// shared memory is full) and "barrier".
//
// launch: block 32x32, registers 1x1, 1024 threads
#include "../detach.cuh"

constexpr int TILE = 32;

extern "C" __global__ void __launch_bounds__(TILE* TILE)
    ladder_shared(const float* a, const float* b, float* c, int m, int n, int k) {
    __shared__ float as[TILE][TILE];
    __shared__ float bs[TILE][TILE];
    int y = threadIdx.x / TILE, x = threadIdx.x % TILE;
    int row = blockIdx.y * TILE + y, column = blockIdx.x * TILE + x;
    float sum = 0.0f;
    for (int first = 0; first < k; first += TILE) {
        // Zeros beyond the edges add nothing, and every thread comes to the barriers.
        bool in_a = row < m && first + x < k, in_b = column < n && first + y < k;
        as[y][x] = in_a ? a[i64(row) * k + first + x] : 0.0f;
        bs[y][x] = in_b ? b[i64(first + y) * n + column] : 0.0f;
        __syncthreads();
        for (int i = 0; i < TILE; ++i) {
            sum = fmaf(as[y][i], bs[i][x], sum);
        }
        __syncthreads();
    }
    if (row < m && column < n) {
        c[i64(row) * n + column] = sum;
    }
}
