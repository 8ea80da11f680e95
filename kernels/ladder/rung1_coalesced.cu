// C = A B, one element a thread, but now the lanes of a warp are neighbours in `column`.
//
// Rung 0 waited for 32 sectors at every load of A. Two words are exchanged below, `row` and
// `column`, and nothing else. The 32 lanes now read 32 neighbouring numbers of B, 128 bytes or 4 sectors,
// all used; they share one number of A, which is one sector; and they write 128 bytes of C
// together. That is 5 sectors for both loads, where there were 33.
//
// The arithmetic a thread does is what it was: two loads for each multiply-add, 4 bytes
// an operation, one instruction of three useful. The cache answers most of them, so what is
// waited for is the cache: 160 bytes in whole sectors for a warp's 64 operations.
//
// In a profiler: sectors per request fall to (1 + 4) / 2; the L1 hit rate is high and "L1/TEX
// throughput" is what is near its peak, while the pipes that compute are idle most of the time.
//
// launch: block 8x32, registers 1x1, 256 threads
#include "../detach.cuh"

extern "C" __global__ void __launch_bounds__(256)
    ladder_coalesced(const float* a, const float* b, float* c, int m, int n, int k) {
    int row = blockIdx.y * 8 + threadIdx.x / 32;
    int column = blockIdx.x * 32 + threadIdx.x % 32;
    if (row >= m || column >= n) {
        return;
    }
    float sum = 0.0f;
    for (int i = 0; i < k; ++i) {
        sum = fmaf(a[i64(row) * k + i], b[i64(i) * n + column], sum);
    }
    c[i64(row) * n + column] = sum;
}
