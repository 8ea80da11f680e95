// nvrtc: --fmad=false
// Elements moved: strided copies, rows picked by index, rows added up by index, images picked
// out of bytes.
#include "strides.cuh"

__device__ __forceinline__ float not_a_number() { return __uint_as_float(0x7fc00000u); }

// out = x in the order of the output, four elements to a thread. As quads (strides.rs) they
// are neighbours on both sides; else a block's width apart.
extern "C" __global__ void __launch_bounds__(THREADS)
    copy_strided(float* __restrict__ out, const float* __restrict__ x, Strides<2> places, u32 count,
                 u32 quads) {
    u32 first = blockIdx.x * THREADS * EACH;
    if (quads) {
        u32 i = first + EACH * threadIdx.x;
        if (i >= count) return;
        Offsets<2> at = places(i);
        store_quad(out, at.at[0], load_quad(x, at.at[1], places.steps[0][1], count - i), count - i);
        return;
    }
#pragma unroll
    for (u32 k = 0; k < EACH; ++k) {
        u32 i = first + k * THREADS + threadIdx.x;
        if (i >= count) return;
        Offsets<2> at = places(i);
        out[at.at[0]] = x[at.at[1]];
    }
}

// A batch of transpositions: out[p * out_step + q] = x[p + q * x_step].
struct Transposes {
    u32 p_size, q_size, out_step, x_step;
    // Tiles along p and q.
    Divisor p_tiles, q_tiles;
    // From a matrix's number to where it starts in output and operand.
    Strides<2> batch;
};

constexpr u32 TILE = 32;

// A block moves one tile: it reads rows along p, and writes rows along q.
extern "C" __global__ void __launch_bounds__(THREADS)
    copy_transposed(float* __restrict__ out, const float* __restrict__ x, Transposes t) {
    // A column more, so that a column's elements lie in different banks.
    __shared__ float tile[TILE][TILE + 1];
    u32 rest = t.q_tiles.of(blockIdx.x);
    u32 q_first = (blockIdx.x - rest * t.q_tiles.value) * TILE;
    u32 matrix = t.p_tiles.of(rest);
    u32 p_first = (rest - matrix * t.p_tiles.value) * TILE;
    Offsets<2> at = t.batch(matrix);
    u32 column = threadIdx.x % TILE, row = threadIdx.x / TILE;
    constexpr u32 ROWS = THREADS / TILE;
#pragma unroll
    for (u32 k = 0; k < TILE; k += ROWS) {
        u32 p = p_first + column, q = q_first + row + k;
        if (p < t.p_size && q < t.q_size) tile[row + k][column] = x[at.at[1] + p + q * t.x_step];
    }
    __syncthreads();
#pragma unroll
    for (u32 k = 0; k < TILE; k += ROWS) {
        u32 p = p_first + row + k, q = q_first + column;
        if (p < t.p_size && q < t.q_size) out[at.at[0] + p * t.out_step + q] = tile[column][row + k];
    }
}

// Rows of an operand, as long as the output's.
struct Rows {
    Divisor length;
    // From one row of the operand to the next.
    u32 stride;
    // From an element's number to where it is in its row.
    Strides<1> places;
};

// The integer that `index` is, if one in 0..bound; else `bound`.
__device__ __forceinline__ u32 row_of(float index, u32 bound) {
    constexpr float TWO_32 = 4294967296.0f;
    bool whole = index >= 0.0f && index < TWO_32 && truncf(index) == index;
    return whole ? min(static_cast<u32>(index), bound) : bound;
}

// out[i] = x[index[i]], NaN where `index[i]` is none of the `bound` rows of x. `count`
// elements of the output; quads as above.
extern "C" __global__ void __launch_bounds__(THREADS)
    copy_gather(float* __restrict__ out, const float* __restrict__ x,
                const float* __restrict__ index, Rows rows, u32 bound, u32 count, u32 quads) {
    u32 each = quads ? EACH : 1;
    u32 i = (blockIdx.x * THREADS + threadIdx.x) * each;
    if (i >= count) return;
    u32 which = rows.length.of(i);
    u32 row = row_of(index[which], bound);
    bool there = row < bound;
    const float* from = x + static_cast<u64>(there ? row : 0) * rows.stride;
    u32 at = rows.places(i - which * rows.length.value).at[0];
    float nan = not_a_number();
    if (quads) {
        float4 v = make_float4(nan, nan, nan, nan);
        if (there) v = load_quad(from, at, rows.places.steps[0][0], EACH);
        store_quad(out, i, v, EACH);
    } else {
        out[i] = there ? from[at] : nan;
    }
}

// out[r] = the sum of the x[i] with index[i] = r, in the order of i: every thread goes through
// all of the `picks` indices for its element, and so do its neighbours, together. An
// index that is none of the `bound` rows makes all of them NaN: it belongs to none, and must
// be seen.
extern "C" __global__ void __launch_bounds__(THREADS)
    copy_scatter_add(float* __restrict__ out, const float* __restrict__ x,
                     const float* __restrict__ index, Rows rows, u32 bound, u32 count, u32 picks) {
    u32 i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    u32 row = rows.length.of(i);
    const float* from = x + rows.places(i - row * rows.length.value).at[0];
    float total = 0.0f;
    bool wrong = false;
    for (u32 pick = 0; pick < picks; ++pick) {
        u32 to = row_of(index[pick], bound);
        wrong |= to == bound;
        if (to == row) total += from[static_cast<u64>(pick) * rows.stride];
    }
    out[i] = wrong ? not_a_number() : total;
}

// Images made of a set of smaller or larger ones, `[.., channels, from_height, from_width]`.
struct Pictures {
    Divisor channels, width, height;
    u32 from_width, from_height;
};

// Two pixels of an axis and the weight of the second: one column of `taps` `[3, count]`.
struct Tap {
    u32 first, second;
    float weight;

    __device__ __forceinline__ Tap(const float* __restrict__ taps, u32 count, u32 i)
        : first(static_cast<u32>(taps[i])), second(static_cast<u32>(taps[count + i])),
          weight(taps[2 * count + i]) {}

    __device__ __forceinline__ float between(float a, float b) const {
        return (1.0f - weight) * a + weight * b;
    }
};

// Pixel `x` of a row of bytes, made of two.
__device__ __forceinline__ float across(const unsigned char* __restrict__ row, const Tap& x) {
    float a = (static_cast<float>(row[x.first]) - 127.5f) / 127.5f;
    float b = (static_cast<float>(row[x.second]) - 127.5f) / 127.5f;
    return x.between(a, b);
}

// out[n, y, x, c] = image index[n] of `bytes`, scaled to [-1, 1] and resized along x, then y; NaN
// where `index[n]` is none of the `bound` images. `count` elements of the output.
extern "C" __global__ void __launch_bounds__(THREADS)
    copy_pick(float* __restrict__ out, const unsigned char* __restrict__ bytes,
              const float* __restrict__ index, const float* __restrict__ rows,
              const float* __restrict__ columns, Pictures p, u32 bound, u32 count) {
    u32 i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    u32 pixel = p.channels.of(i);
    u32 c = i - pixel * p.channels.value;
    u32 line = p.width.of(pixel);
    Tap x(columns, p.width.value, pixel - line * p.width.value);
    u32 n = p.height.of(line);
    Tap y(rows, p.height.value, line - n * p.height.value);
    u32 image = row_of(index[n], bound);
    if (image == bound) {
        out[i] = not_a_number();
        return;
    }
    u64 plane = static_cast<u64>(image) * p.channels.value + c;
    const unsigned char* from = bytes + plane * p.from_height * p.from_width;
    float above = across(from + y.first * p.from_width, x);
    float below = across(from + y.second * p.from_width, x);
    out[i] = y.between(above, below);
}
