// Sums, means, maxima and norms in f64, always in the same order: every thread folds its share from the
// first element on, the threads of an output are folded as a tree, and where blocks share
// an output, a second launch folds theirs the same way.
#include "fastmath.cuh"
#include "strides.cuh"

// `lift` is what an element counts in a total, `finish` makes a result of a total.
struct Sum {
    __device__ __forceinline__ static double start() { return 0.0; }
    __device__ __forceinline__ static double lift(double x) { return x; }
    __device__ __forceinline__ static double of(double a, double b) { return a + b; }
    // By 1, and for a mean by how many they are.
    __device__ __forceinline__ static double finish(double total, u32 divisor) {
        return total / divisor;
    }
};

// NaN if either is.
struct Max {
    __device__ __forceinline__ static double start() { return __longlong_as_double(0xfff0000000000000ll); }
    __device__ __forceinline__ static double lift(double x) { return x; }
    __device__ __forceinline__ static double of(double a, double b) { return a > b || a != a ? a : b; }
    __device__ __forceinline__ static double finish(double total, u32) { return total; }
};

// Of what is squared already.
struct Root {
    __device__ __forceinline__ static double start() { return 0.0; }
    __device__ __forceinline__ static double lift(double x) { return x; }
    __device__ __forceinline__ static double of(double a, double b) { return a + b; }
    __device__ __forceinline__ static double finish(double total, u32) { return sqrt(total); }
};

struct Norm : Root {
    __device__ __forceinline__ static double lift(double x) { return x * x; }
};

// Who folds what (crates/kernels/src/reduce/cuda.rs).
struct Fold {
    // From an output's number to its first element, and to its place.
    Strides<2> kept;
    // From the number of an element of an output to where it is, seen from the first.
    Strides<1> taken;
    u32 outputs, length;
    // Elements of an output that a block folds: block y the y-th part.
    u32 part;
    // Threads of a block side by side, each for an output, times the threads of each output.
    u32 across, lanes;
    // 1 where an output's elements are neighbours: so are its threads then.
    u32 rows;
    // What a sum is divided by.
    u32 divisor;
};

// Folds elements first, first + step, ... below `end`; element i is at `place(i)`. AHEAD of
// them are asked for at once.
template <typename F, u32 AHEAD, typename T, typename P>
__device__ __forceinline__ double serial(const T* x, P place, u32 first, u32 end, u32 step) {
    double total = F::start();
    u32 i = first;
    for (; i + (AHEAD - 1) * step < end; i += AHEAD * step) {
        T next[AHEAD];
#pragma unroll
        for (u32 k = 0; k < AHEAD; ++k) next[k] = x[place(i + k * step)];
#pragma unroll
        for (u32 k = 0; k < AHEAD; ++k) total = F::of(total, F::lift(next[k]));
    }
    for (; i < end; i += step) total = F::of(total, F::lift(x[place(i)]));
    return total;
}

// Writes the totals of a block's outputs: to their places in `out`, or where the block
// has a part of each only, to `partial` [parts, outputs].
template <typename F, typename T>
__device__ __forceinline__ void reduce(const T* __restrict__ x, float* __restrict__ out,
                                       double* __restrict__ partial, const Fold& fold) {
    __shared__ double totals[THREADS];
    u32 thread = threadIdx.x;
    u32 lane = fold.rows ? thread & (fold.lanes - 1) : thread / fold.across;
    u32 column = fold.rows ? thread / fold.lanes : thread & (fold.across - 1);
    u32 output = blockIdx.x * fold.across + column;
    bool mine = output < fold.outputs;
    Offsets<2> at = fold.kept(mine ? output : 0);
    u32 start = blockIdx.y * fold.part;
    u32 end = mine ? min(start + fold.part, fold.length) : start;
    const T* first = x + at.at[0];
    u32 step = fold.taken.steps[0][0];
    auto evenly = [=](u32 i) { return i * step; };
    auto anyhow = [&](u32 i) { return fold.taken(i).at[0]; };
    // Parts are one dimension.
    bool even = sizeof(T) == sizeof(double) || fold.taken.rank == 1;
    double total = even ? serial<F, 8>(first, evenly, start + lane, end, fold.lanes)
                        : serial<F, 2>(first, anyhow, start + lane, end, fold.lanes);
    double* slot = totals + lane * fold.across + column;
    *slot = total;
    for (u32 half = fold.lanes / 2; half > 0; half /= 2) {
        __syncthreads();
        if (lane < half) *slot = F::of(*slot, slot[half * fold.across]);
    }
    if (lane > 0 || !mine) return;
    if (partial != nullptr) {
        partial[blockIdx.y * fold.outputs + output] = *slot;
    } else {
        out[at.at[1]] = static_cast<float>(F::finish(*slot, fold.divisor));
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    reduce_sum(const float* x, float* out, double* partial, Fold fold) {
    reduce<Sum>(x, out, partial, fold);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    reduce_max(const float* x, float* out, double* partial, Fold fold) {
    reduce<Max>(x, out, partial, fold);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    reduce_norm(const float* x, float* out, double* partial, Fold fold) {
    reduce<Norm>(x, out, partial, fold);
}

// The second launch: over [parts, outputs] of the first.
extern "C" __global__ void __launch_bounds__(THREADS)
    reduce_sum_parts(const double* x, float* out, Fold fold) {
    reduce<Sum>(x, out, nullptr, fold);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    reduce_max_parts(const double* x, float* out, Fold fold) {
    reduce<Max>(x, out, nullptr, fold);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    reduce_norm_parts(const double* x, float* out, Fold fold) {
    reduce<Root>(x, out, nullptr, fold);
}

// The softmax of rows of `length`, or its logarithm: a warp a row.
extern "C" __global__ void __launch_bounds__(THREADS)
    reduce_softmax(float* __restrict__ out, const float* __restrict__ x, u32 rows, u32 length,
                   u32 log) {
    u32 row = (blockIdx.x * THREADS + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    x += static_cast<u64>(row) * length;
    out += static_cast<u64>(row) * length;
    float largest = __uint_as_float(0xff800000u);
    for (u32 i = lane; i < length; i += 32) largest = x[i] > largest ? x[i] : largest;
    largest = warp_max(largest);
    double sum = 0.0;
    for (u32 i = lane; i < length; i += 32) sum += static_cast<double>(fast_exp(x[i] - largest));
    float total = static_cast<float>(warp_sum(sum));
    float below = fast_ln(total);
    for (u32 i = lane; i < length; i += 32) {
        float from_top = x[i] - largest;
        out[i] = log ? from_top - below : fast_exp(from_top) / total;
    }
}

// The gradient dy of its result y brought back.
extern "C" __global__ void __launch_bounds__(THREADS)
    reduce_softmax_grad(float* __restrict__ out, const float* __restrict__ dy,
                        const float* __restrict__ y, u32 rows, u32 length, u32 log) {
    u32 row = (blockIdx.x * THREADS + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    u64 start = static_cast<u64>(row) * length;
    out += start;
    dy += start;
    y += start;
    double sum = 0.0;
    for (u32 i = lane; i < length; i += 32) sum += static_cast<double>(log ? dy[i] : dy[i] * y[i]);
    float total = static_cast<float>(warp_sum(sum));
    for (u32 i = lane; i < length; i += 32) {
        out[i] = log ? dy[i] - fast_exp(y[i]) * total : y[i] * (dy[i] - total);
    }
}
