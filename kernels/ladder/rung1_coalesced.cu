// C = A B, one element a thread, but now the lanes of a warp are neighbours in `column`.
//
// Rung 0 waited for 32 sectors at every load of A. Below, a lane's number goes into `column`
// instead of `row`, and nothing else changes. The 32 lanes now read 32 neighbouring numbers
// of B, 128 bytes or 4 sectors, all used; they share one number of A, which is one sector;
// and they write 128 bytes of C together. That is 5 sectors for both loads, where there were 33.
//
// What a thread does is what it was: two loads for each multiply-add, so of three
// instructions one is useful, and 4 bytes are asked for an operation. Most come from the L1
// cache, and so that sets the pace: 5 sectors, 160 bytes, for the 32 multiply-adds of a
// warp, where a multiprocessor gets 128 bytes from L1 in a cycle and could do 64 or 128
// multiply-adds in it.
//
// In a profiler: sectors per request fall to (1 + 4) / 2; the L1 hit rate is high, "L1/TEX
// throughput" is near its peak and the FMA pipe idles.
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
