// C = A B, one element a thread, from tiles of A and B in shared memory.
//
// Rung 1 asked global memory and its caches twice for each multiply-add. But the 32x32
// elements that a block of 1024 threads computes need only 32 rows of A and 32 columns of
// B: each number is wanted 32 times. So the block walks along k in steps of 32. At each
// step every thread fetches one number of A and one of B into shared memory, all wait at a
// barrier, and 32 multiply-adds later all wait again, before the tiles are overwritten.
//
// Global loads fall from 2 to 2/32 = 1/16 for a multiply-add, an eighth of a byte an
// operation. What is left is two loads from shared memory for each: a broadcast of A and a
// row of B over all 32 banks, both free of conflicts. (ptxas may join some of the broadcasts
// into wider loads.) Shared memory serves one warp a cycle; the multipliers take two warps
// (sm_75, sm_80) or four (sm_90). At two loads for a multiply-add, three quarters of
// them and more have nothing to do.
//
// Threads are what a multiprocessor runs out of: blocks of 1024 with 32 registers a thread
// fit twice on an sm_90, once on an sm_75, and when one waits at a barrier there is at most
// one other.
//
// In a profiler: shared memory throughput near its peak; stalls on "MIO throttle", the full
// queue to shared memory, and on "barrier".
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
