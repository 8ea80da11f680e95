// nvrtc: --fmad=false
// Normalisation of [groups, rows, channels]: crates/kernels/src/norm has the formulas.
//
// Sums over rows are taken as on the CPU: in f32 over a few rows that are shifted by the first
// of them, then in f64. A block leaves those of its rows, and another kernel adds up
// what the blocks left, in order. Where one block has all rows, it finishes by itself.
#include "act.cuh"

constexpr u32 THREADS = 256;

// How a grid goes over rows and channels. A block has `width` groups of V channels side by
// side and `lanes` rows at once, `height` rows in all; blocks lie along x for the rows of one
// group after the other, `splits` blocks each, and along y for the channels.
struct Tiling {
    u32 rows, channels;
    u32 width, lanes, height, splits;
};

// Neighbours in memory.
template <u32 V>
struct alignas(4 * V) Pack {
    float at[V];
};

template <u32 V>
__device__ __forceinline__ Pack<V> load(const float* x) {
    return *reinterpret_cast<const Pack<V>*>(x);
}

template <u32 V>
__device__ __forceinline__ void store(float* x, const Pack<V>& pack) {
    *reinterpret_cast<Pack<V>*>(x) = pack;
}

// What a thread has of a group's matrix: V channels from `column` in every `lanes`-th row from
// `first` to before `end`, no rows where there is nothing left for it. Rows are counted through all
// groups.
struct Place {
    u32 group, lane, column, first, end;
    bool active;
};

template <u32 V>
__device__ __forceinline__ Place place(const Tiling& t) {
    Place here;
    here.lane = threadIdx.x / t.width;
    here.column = (blockIdx.y * t.width + threadIdx.x % t.width) * V;
    here.active = here.lane < t.lanes && here.column < t.channels;
    here.group = blockIdx.x / t.splits;
    u32 block = blockIdx.x - here.group * t.splits;
    u32 top = here.group * t.rows;
    here.first = top + block * t.height + here.lane;
    here.end = here.active ? top + min(t.rows, (block + 1) * t.height) : 0;
    return here;
}

__device__ __forceinline__ u64 offset(const Tiling& t, u32 row, u32 column) {
    return static_cast<u64>(row) * t.channels + column;
}

// Where the column's first of two numbers is in [groups, 2, channels].
__device__ __forceinline__ u64 pair(const Tiling& t, const Place& here) {
    return 2 * offset(t, here.group, 0) + here.column;
}

// Two sums over rows.
struct Sums {
    double a, b;
};

// The sum over a block's lanes, in a fixed order; valid in lane 0.
__device__ __forceinline__ Sums across_lanes(Sums sums, const Tiling& t, u32 lane) {
    __shared__ Sums shared[THREADS];
    Sums* mine = shared + threadIdx.x;
    *mine = sums;
    u32 half = 1;
    while (2 * half < t.lanes) {
        half *= 2;
    }
    for (; half > 0; half /= 2) {
        __syncthreads();
        if (lane < half && lane + half < t.lanes) {
            const Sums& other = mine[half * t.width];
            mine->a += other.a;
            mine->b += other.b;
        }
    }
    return *mine;
}

// Hands the sums of a block's rows on: to `finish` where these are all rows, else to
// `partial` [groups, splits, 2, channels].
template <typename F>
__device__ __forceinline__ void leave(Sums sums, const Tiling& t, const Place& here,
                                      double* partial, F finish) {
    sums = across_lanes(sums, t, here.lane);
    if (here.lane > 0 || !here.active) return;
    if (t.splits == 1) return finish(sums, here);
    double* to = partial + 2 * offset(t, blockIdx.x, 0) + here.column;
    to[0] = sums.a;
    to[t.channels] = sums.b;
}

// The sums of a group's blocks to `finish`. The tiling's rows are these blocks.
template <typename F>
__device__ __forceinline__ void merge(const double* partial, const Tiling& t, F finish) {
    Place here = place<1>(t);
    Sums sums = {0.0, 0.0};
    for (u32 block = here.first; block < here.end; block += t.lanes) {
        const double* from = partial + 2 * offset(t, block, 0) + here.column;
        sums.a += from[0];
        sums.b += from[t.channels];
    }
    sums = across_lanes(sums, t, here.lane);
    if (here.lane == 0 && here.active) finish(sums, here);
}

// Rows that are summed in f32.
constexpr u32 RUN = 16;

// Mean and variance of sums that are shifted by the first of `rows`, into [groups, 2, channels].
__device__ __forceinline__ void moments(Sums sums, const float* x, u32 rows, const Tiling& t,
                                        const Place& here, float* out) {
    float origin = x[offset(t, here.group * rows, here.column)];
    float* to = out + pair(t, here);
    double off = sums.a / rows;
    double square = sums.b / rows - off * off;
    to[0] = static_cast<float>(origin + off);
    to[t.channels] = static_cast<float>(square < 0.0 ? 0.0 : square);
}

// Means and biased variances, [groups, 2, channels].
extern "C" __global__ void __launch_bounds__(THREADS)
norm_stats(const float* __restrict__ x, double* partial, float* out, Tiling t) {
    Place here = place<1>(t);
    Sums sums = {0.0, 0.0};
    const float* first = x + offset(t, here.group * t.rows, here.column);
    for (u32 row = here.first; row < here.end; row += RUN * t.lanes) {
        const float* from = x + offset(t, row, here.column);
        float shift = *from, sum = 0.0f, square = 0.0f;
        u32 count = min(RUN, ceil_div(here.end - row, t.lanes));
#pragma unroll 8
        for (u32 i = 0; i < count; ++i) {
            float d = from[offset(t, i * t.lanes, 0)] - shift;
            sum += d;
            square = fmaf(d, d, square);
        }
        double off = static_cast<double>(shift) - static_cast<double>(*first);
        sums.a += sum + count * off;
        sums.b += square + off * (2.0 * sum + count * off);
    }
    leave(sums, t, here, partial, [=](Sums all, const Place& at) {
        moments(all, x, t.rows, t, at, out);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
norm_merge_stats(const double* __restrict__ partial, const float* x, float* out, Tiling t,
                 u32 rows) {
    merge(partial, t, [=](Sums all, const Place& at) { moments(all, x, rows, t, at, out); });
}

__device__ __forceinline__ float inverse_deviation(float var, float eps) {
    return 1.0f / sqrtf(var + eps);
}

// What there is one of for each channel of each group: mean and variance [groups, 2, channels],
// gamma and beta [groups, channels].
struct Channels {
    const float* stats;
    const float* gamma;
    const float* beta;
    float eps;
    // 1 / rows.
    float part;
};

// z = (x - mean) scale + beta of V channels.
template <u32 V>
struct Affine {
    Pack<V> mean, scale, beta, inverse;

    __device__ __forceinline__ Affine(const Channels& channels, const Tiling& t,
                                      const Place& here) {
        const float* stats = channels.stats + pair(t, here);
        u64 own = offset(t, here.group, here.column);
        mean = load<V>(stats);
        beta = load<V>(channels.beta + own);
        Pack<V> var = load<V>(stats + t.channels);
        Pack<V> gamma = load<V>(channels.gamma + own);
#pragma unroll
        for (u32 i = 0; i < V; ++i) {
            inverse.at[i] = inverse_deviation(var.at[i], channels.eps);
            scale.at[i] = gamma.at[i] * inverse.at[i];
        }
    }

    __device__ __forceinline__ float z(u32 i, float centred) const {
        return centred * scale.at[i] + beta.at[i];
    }
};

template <u32 V, typename A>
__device__ __forceinline__ void forward_rows(A act, const float* __restrict__ x,
                                             const Affine<V>& affine, float* __restrict__ y,
                                             const Place& here, const Tiling& t) {
#pragma unroll 4
    for (u32 row = here.first; row < here.end; row += t.lanes) {
        u64 at = offset(t, row, here.column);
        Pack<V> pack = load<V>(x + at);
#pragma unroll
        for (u32 i = 0; i < V; ++i) {
            pack.at[i] = act.value(affine.z(i, pack.at[i] - affine.mean.at[i]));
        }
        store(y + at, pack);
    }
}

template <u32 V>
__device__ __forceinline__ void forward(const float* __restrict__ x, const Channels& channels,
                                        float* __restrict__ y, const Tiling& t, Act by) {
    Place here = place<V>(t);
    if (!here.active) return;
    Affine<V> affine(channels, t, here);
    WITH_ACT(by, act, forward_rows<V>(act, x, affine, y, here, t));
}

// y = act((x - mean) scale + beta).
extern "C" __global__ void __launch_bounds__(THREADS)
norm_forward(const float* __restrict__ x, Channels channels, float* __restrict__ y, Tiling t,
             Act act) {
    forward<1>(x, channels, y, t, act);
}

// The same for channels in fours.
extern "C" __global__ void __launch_bounds__(THREADS)
norm_forward4(const float* __restrict__ x, Channels channels, float* __restrict__ y, Tiling t,
              Act act) {
    forward<4>(x, channels, y, t, act);
}

// dgamma and dbeta, [groups, 2, channels], of the sums of dz (x - mean) and dz.
__device__ __forceinline__ void affine_gradients(Sums sums, const Channels& channels,
                                                 const Tiling& t, const Place& here,
                                                 float* out) {
    u64 own = pair(t, here);
    float var = channels.stats[own + t.channels];
    out[own] = static_cast<float>(sums.a) * inverse_deviation(var, channels.eps);
    out[own + t.channels] = static_cast<float>(sums.b);
}

// Sums of dz (x - mean) and dz over a thread's rows.
template <typename A>
__device__ __forceinline__ Sums products(A act, const float* __restrict__ x,
                                         const float* __restrict__ dy, const Affine<1>& affine,
                                         const Place& here, const Tiling& t) {
    Sums sums = {0.0, 0.0};
    for (u32 row = here.first; row < here.end; row += RUN * t.lanes) {
        u64 first = offset(t, row, here.column);
        float product = 0.0f, sum = 0.0f;
        u32 count = min(RUN, ceil_div(here.end - row, t.lanes));
#pragma unroll 8
        for (u32 i = 0; i < count; ++i) {
            u64 at = first + offset(t, i * t.lanes, 0);
            float centred = x[at] - affine.mean.at[0];
            float dz = dy[at] * act.derivative(affine.z(0, centred));
            product = fmaf(dz, centred, product);
            sum += dz;
        }
        sums.a += product;
        sums.b += sum;
    }
    return sums;
}

extern "C" __global__ void __launch_bounds__(THREADS)
norm_grad_affine(const float* __restrict__ x, const float* __restrict__ dy, Channels channels,
                 double* partial, float* out, Tiling t, Act by) {
    Place here = place<1>(t);
    Sums sums = {0.0, 0.0};
    if (here.active) {
        Affine<1> affine(channels, t, here);
        WITH_ACT(by, act, sums = products(act, x, dy, affine, here, t));
    }
    leave(sums, t, here, partial, [=](Sums all, const Place& at) {
        affine_gradients(all, channels, t, at, out);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
norm_merge_affine(const double* __restrict__ partial, Channels channels, float* out, Tiling t) {
    merge(partial, t, [=](Sums all, const Place& at) {
        affine_gradients(all, channels, t, at, out);
    });
}

// What dx takes from the sums: dbeta/n and dgamma/n inverse.
template <u32 V>
struct Total {
    Pack<V> shift, steep;

    __device__ __forceinline__ Total(const float* sums, const Affine<V>& affine, float part,
                                     const Tiling& t, const Place& here) {
        steep = load<V>(sums + pair(t, here));
        shift = load<V>(sums + pair(t, here) + t.channels);
#pragma unroll
        for (u32 i = 0; i < V; ++i) {
            steep.at[i] = steep.at[i] * part * affine.inverse.at[i];
            shift.at[i] = shift.at[i] * part;
        }
    }
};

template <u32 V, typename A>
__device__ __forceinline__ void grad_input_rows(A act, const float* __restrict__ x,
                                                const float* __restrict__ dy,
                                                const Affine<V>& affine, const Total<V>& total,
                                                float* __restrict__ dx, const Place& here,
                                                const Tiling& t) {
#pragma unroll 4
    for (u32 row = here.first; row < here.end; row += t.lanes) {
        u64 at = offset(t, row, here.column);
        Pack<V> in = load<V>(x + at), out = load<V>(dy + at);
#pragma unroll
        for (u32 i = 0; i < V; ++i) {
            float centred = in.at[i] - affine.mean.at[i];
            float dz = out.at[i] * act.derivative(affine.z(i, centred));
            float inner = (dz - total.shift.at[i]) - centred * total.steep.at[i];
            out.at[i] = inner * affine.scale.at[i];
        }
        store(dx + at, out);
    }
}

template <u32 V>
__device__ __forceinline__ void grad_input(const float* __restrict__ x,
                                           const float* __restrict__ dy,
                                           const Channels& channels, const float* sums,
                                           float* __restrict__ dx, const Tiling& t, Act by) {
    Place here = place<V>(t);
    if (!here.active) return;
    Affine<V> affine(channels, t, here);
    Total<V> total(sums, affine, channels.part, t, here);
    WITH_ACT(by, act, grad_input_rows<V>(act, x, dy, affine, total, dx, here, t));
}

// dx = scale (dz - dbeta/n - (x - mean) dgamma/n inverse), with `sums` dgamma and dbeta.
extern "C" __global__ void __launch_bounds__(THREADS)
norm_grad_input(const float* __restrict__ x, const float* __restrict__ dy, Channels channels,
                const float* sums, float* __restrict__ dx, Tiling t, Act act) {
    grad_input<1>(x, dy, channels, sums, dx, t, act);
}

// The same for channels in fours.
extern "C" __global__ void __launch_bounds__(THREADS)
norm_grad_input4(const float* __restrict__ x, const float* __restrict__ dy, Channels channels,
                 const float* sums, float* __restrict__ dx, Tiling t, Act act) {
    grad_input<4>(x, dy, channels, sums, dx, t, act);
}

// Means and variances of a batch into running ones.
extern "C" __global__ void __launch_bounds__(THREADS)
norm_track(const float* stats, float* mean, float* var, u32 channels, float old, float new_mean,
           float new_var) {
    u32 c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    mean[c] = old * mean[c] + new_mean * stats[c];
    var[c] = old * var[c] + new_var * stats[channels + c];
}
