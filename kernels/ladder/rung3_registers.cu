// C = A B, eight elements of a column a thread, their sums in registers.
//
// Rung 2 waited for shared memory: two loads for each multiply-add. Here a thread has eight
// rows of one column. A number of B, once in a register, serves eight multiply-adds, so a
// step along k takes 1 + 8 loads for 8 of them: 1.125 each instead of 2. The numbers of A are
// the same for all lanes of a warp, a broadcast.
//
// The block is 64x64 now, with 512 threads, and steps along k are of 8: tiles of 64x8 and
// 8x64, 512 numbers each, so every thread fetches one of each. Global loads are 1/64 + 1/64 =
// 1/32 for a multiply-add. Shared memory is 4 KiB, as the tiles are thin. Registers begin to
// matter: eight sums, nine operands and the addresses of an unrolled loop, 512 times over.
// Two blocks fit with up to 64 registers a thread, three with up to 40.
//
// In a profiler: of the instructions in the loop 8 in 17 are FMA, where they were 1 in 3;
// "MIO throttle" is less and still first. The eight sums of a thread do not wait for each
// other, which hides the four cycles or so that a multiply-add takes.
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
