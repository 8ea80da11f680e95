// C = A B, row-major: A is [m, k], B is [k, n], C is [m, n]. One thread computes one
// element, as the definition says.
//
// Nothing went before this. Its arithmetic: every multiply-add (two operations) reads two
// numbers, 8 bytes, so 4 bytes are asked for an operation. A GPU does ten to twenty-five
// operations in the time its memory delivers one byte; only caches keep this from being a
// hundred times too slow, and they are asked badly too. The lanes of a warp are neighbours
// in `row`: each of their 32 reads of A is in another row, k numbers away from the next, so
// one load touches 32 sectors of 32 bytes and uses 4 bytes of each. All 32 want the same
// number of B, which is one sector. Registers are few and there is no shared memory: a
// multiprocessor is full of threads, and nearly all of them wait.
//
// In a profiler (Nsight Compute, "Memory Workload Analysis"): sectors per request of global
// loads near (32 + 1) / 2, where 4 is what 32 neighbouring floats need. Warps stall on "LG
// throttle", a full queue to memory, and on "long scoreboard", an answer from it.
//
// launch: block 32x8, registers 1x1, 256 threads
#include "../detach.cuh"

extern "C" __global__ void __launch_bounds__(256)
    ladder_naive(const float* a, const float* b, float* c, int m, int n, int k) {
    int row = blockIdx.y * 32 + threadIdx.x % 32;
    int column = blockIdx.x * 8 + threadIdx.x / 32;
    if (row >= m || column >= n) {
        return;
    }
    float sum = 0.0f;
    for (int i = 0; i < k; ++i) {
        sum = fmaf(a[i64(row) * k + i], b[i64(i) * n + column], sum);
    }
    c[i64(row) * n + column] = sum;
}
