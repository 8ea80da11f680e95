// nvrtc: --fmad=false
// Optimisers on many parameters at once, to the bit those of crates/kernels/src/optim/cpu.rs.
#include "detach.cuh"

constexpr u32 THREADS = 256;
// Elements of a block: two float4 of each stream for a thread, all asked for before the
// first is needed.
constexpr u32 DEPTH = 2;
constexpr u32 CHUNK = THREADS * 4 * DEPTH;
constexpr u32 MOST = 64;
constexpr u32 MOST_STATE = 3;

// A parameter, what is kept of its gradients, and its gradient, each aligned to 16 bytes. Its
// first block is the grid's block `first`.
struct Moving {
    float* param;
    float* state[MOST_STATE];
    const float* grad;
    u64 len;
    u64 first;
};
struct Table {
    Moving moving[MOST];
};

// What happens to a gradient before it is used.
struct Prepare {
    const double* scale;
    float limit, weight_decay;
};

// A running mean and a running mean of squares.
struct Means {
    // 1 - the mean's decay, the decay, the squares' decay and 1 - that, rounded.
    float weight, rest, decay, square_weight;
    float eps;
    // Whether the weight is below a half.
    u32 near;

    __device__ __forceinline__ float mean(float m, float g) const {
        float d = g - m;
        return near ? m + weight * d : g - d * rest;
    }
    __device__ __forceinline__ float square(float v, float g) const {
        return v * decay + square_weight * g * g;
    }
};

// x to the power of n, by the CPU's sequence of multiplications.
__device__ __forceinline__ double power(double x, u64 n) {
    double out = 1.0;
    for (; n > 0; n /= 2) {
        if (n % 2 == 1) out *= x;
        x *= x;
    }
    return out;
}

// A rule keeps STATE values of each element; `size` and `other` are numbers of the step, each
// computed by one thread of a block; `move` moves an element.
template <bool AMSGRAD>
struct Adam {
    static constexpr int STATE = AMSGRAD ? 3 : 2;
    double beta1, beta2;
    Means means;
    // Whether eps is added before the correction of v.
    u32 keras;
    u32 unused;

    __device__ __forceinline__ float size(double lr, u64 step) const {
        double size = keras ? lr * sqrt(1.0 - power(beta2, step)) : lr;
        return static_cast<float>(size / (1.0 - power(beta1, step)));
    }
    __device__ __forceinline__ float other(u64 step) const {
        return keras ? 1.0f : static_cast<float>(1.0 / sqrt(1.0 - power(beta2, step)));
    }
    __device__ __forceinline__ void move(float size, float inverse, float& p, float* state,
                                         float g) const {
        float m = means.mean(state[0], g), v = means.square(state[1], g);
        state[0] = m;
        state[1] = v;
        if (AMSGRAD) {
            float largest = state[STATE - 1];
            v = v > largest || v != v ? v : largest;
            state[STATE - 1] = v;
        }
        p -= size * m / (sqrtf(v) * inverse + means.eps);
    }
};

template <bool CENTRED, bool MOMENTUM>
struct RmsProp {
    static constexpr int STATE = 1 + CENTRED + MOMENTUM;
    Means means;
    float momentum;

    __device__ __forceinline__ float size(double lr, u64) const { return static_cast<float>(lr); }
    __device__ __forceinline__ float other(u64) const { return 1.0f; }
    __device__ __forceinline__ void move(float lr, float, float& p, float* state, float g) const {
        float variance = means.square(state[0], g);
        state[0] = variance;
        if (CENTRED) {
            float m = means.mean(state[CENTRED], g);
            state[CENTRED] = m;
            variance -= m * m;
        }
        float root = sqrtf(variance) + means.eps;
        if (MOMENTUM) {
            float sum = state[STATE - 1] * momentum + g / root;
            state[STATE - 1] = sum;
            p -= lr * sum;
        } else {
            p -= lr * g / root;
        }
    }
};

template <bool MOMENTUM>
struct Sgd {
    static constexpr int STATE = MOMENTUM;
    double dampening;
    float momentum;
    u32 nesterov;

    __device__ __forceinline__ float size(double lr, u64) const { return static_cast<float>(lr); }
    // The first gradient is the sum, all of it.
    __device__ __forceinline__ float other(u64 step) const {
        return step == 1 ? 1.0f : static_cast<float>(1.0 - dampening);
    }
    __device__ __forceinline__ void move(float lr, float weight, float& p, float* state,
                                         float g) const {
        if (MOMENTUM) {
            float sum = state[0] * momentum + weight * g;
            state[0] = sum;
            g = nesterov ? g + momentum * sum : sum;
        }
        p -= lr * g;
    }
};

__device__ __forceinline__ float4& four_at(float* x, u64 at) {
    return *reinterpret_cast<float4*>(x + at);
}

__device__ __forceinline__ float4 four_of(const float* x, u64 at) {
    return *reinterpret_cast<const float4*>(x + at);
}

__device__ __forceinline__ float& part(float4& x, u32 i) { return (&x.x)[i]; }

// The row of a table that this block is of, and the first element of this thread; its next
// four are 4 * THREADS further on.
struct Own {
    u32 row;
    u64 first;

    __device__ __forceinline__ Own(const Table& table, u32 count) {
        u32 of = 0, end = count;
        while (end - of > 1) {
            u32 middle = (of + end) / 2;
            if (table.moving[middle].first <= blockIdx.x) {
                of = middle;
            } else {
                end = middle;
            }
        }
        row = of;
        first = (blockIdx.x - table.moving[of].first) * CHUNK + 4 * threadIdx.x;
    }
};

// What a thread has of its row: the next four elements of each stream.
template <int STATE>
struct Four {
    float4 param, grad, state[STATE + 1];
};

__device__ __forceinline__ float larger(float x, float bound) { return x < bound ? bound : x; }
__device__ __forceinline__ float smaller(float x, float bound) { return x > bound ? bound : x; }

template <typename R>
__device__ __forceinline__ void update(const Table& table, u32 count, const R& rule,
                                       const Prepare& prepare, const double* step,
                                       const double* lr) {
    constexpr int STATE = R::STATE;
    Own own(table, count);
    float* param = table.moving[own.row].param;
    const float* grad = table.moving[own.row].grad;
    float* state[STATE + 1];
#pragma unroll
    for (int s = 0; s < STATE; ++s) state[s] = table.moving[own.row].state[s];
    u64 len = table.moving[own.row].len;

    Four<STATE> four[DEPTH];
#pragma unroll
    for (u32 i = 0; i < DEPTH; ++i) {
        u64 at = own.first + i * 4 * THREADS;
        if (at + 4 <= len) {
            four[i].param = four_of(param, at);
#pragma unroll
            for (int s = 0; s < STATE; ++s) four[i].state[s] = four_of(state[s], at);
            four[i].grad = four_of(grad, at);
        }
    }

    // The numbers of the step, each by a warp of its own.
    __shared__ float numbers[3];
    if (threadIdx.x == 0) numbers[0] = rule.size(*lr, static_cast<u64>(*step));
    if (threadIdx.x == 32) numbers[1] = rule.other(static_cast<u64>(*step));
    if (threadIdx.x == 64) {
        numbers[2] = prepare.scale == nullptr ? 1.0f : static_cast<float>(*prepare.scale);
    }
    __syncthreads();
    float size = numbers[0], other = numbers[1], scale = numbers[2];

    auto move = [&](float& p, float* state, float g) {
        g = larger(smaller(g * scale, prepare.limit), -prepare.limit);
        if (prepare.weight_decay != 0.0f) g += prepare.weight_decay * p;
        rule.move(size, other, p, state, g);
    };
    u64 tail = len;
#pragma unroll
    for (u32 i = 0; i < DEPTH; ++i) {
        u64 at = own.first + i * 4 * THREADS;
        if (at + 4 <= len) {
            Four<STATE>& f = four[i];
#pragma unroll
            for (u32 k = 0; k < 4; ++k) {
                float kept[STATE + 1];
#pragma unroll
                for (int s = 0; s < STATE; ++s) kept[s] = part(f.state[s], k);
                move(part(f.param, k), kept, part(f.grad, k));
#pragma unroll
                for (int s = 0; s < STATE; ++s) part(f.state[s], k) = kept[s];
            }
            four_at(param, at) = f.param;
#pragma unroll
            for (int s = 0; s < STATE; ++s) four_at(state[s], at) = f.state[s];
        } else if (at < len) {
            tail = at;
        }
    }
#pragma unroll 1
    for (; tail < len; ++tail) {
        float kept[STATE + 1];
#pragma unroll
        for (int s = 0; s < STATE; ++s) kept[s] = state[s][tail];
        move(param[tail], kept, grad[tail]);
#pragma unroll
        for (int s = 0; s < STATE; ++s) state[s][tail] = kept[s];
    }
}

#define RULE(name, ...)                                                                    \
    extern "C" __global__ void __launch_bounds__(THREADS)                                  \
    name(const __grid_constant__ Table table, u32 count, __VA_ARGS__ rule, Prepare prepare,\
         const double* step, const double* lr) {                                           \
        update(table, count, rule, prepare, step, lr);                                     \
    }

RULE(optim_adam, Adam<false>)
RULE(optim_amsgrad, Adam<true>)
RULE(optim_rmsprop, RmsProp<false, false>)
RULE(optim_rmsprop_centred, RmsProp<true, false>)
RULE(optim_rmsprop_momentum, RmsProp<false, true>)
RULE(optim_rmsprop_centred_momentum, RmsProp<true, true>)
RULE(optim_sgd, Sgd<false>)
RULE(optim_sgd_momentum, Sgd<true>)

// Calls `f` with every element of the table's parameters and of what stands where its
// gradient does.
template <typename F>
__device__ __forceinline__ void each(const Table& table, u32 count, F f) {
    Own own(table, count);
    float* param = table.moving[own.row].param;
    const float* other = table.moving[own.row].grad;
    u64 len = table.moving[own.row].len, tail = len;
#pragma unroll
    for (u32 i = 0; i < DEPTH; ++i) {
        u64 at = own.first + i * 4 * THREADS;
        if (at + 4 <= len) {
            float4 p = four_of(param, at), q = four_of(other, at);
#pragma unroll
            for (u32 k = 0; k < 4; ++k) f(part(p, k), part(q, k));
            four_at(param, at) = p;
        } else if (at < len) {
            tail = at;
        }
    }
#pragma unroll 1
    for (; tail < len; ++tail) f(param[tail], other[tail]);
}

// An average, a step towards its values.
extern "C" __global__ void __launch_bounds__(THREADS)
optim_average(const __grid_constant__ Table table, u32 count, const double* decay) {
    double far = 1.0 - *decay;
    float weight = static_cast<float>(far), rest = static_cast<float>(1.0 - far);
    bool near = far < 0.5;
    each(table, count, [=](float& e, float p) {
        float d = p - e;
        e = near ? e + weight * d : p - d * rest;
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
optim_clamp(const __grid_constant__ Table table, u32 count, float limit) {
    each(table, count, [=](float& p, float) { p = larger(smaller(p, limit), -limit); });
}

// The sum of each block's squares, in the order of crates/kernels/src/optim/norm.rs.
extern "C" __global__ void __launch_bounds__(THREADS)
optim_squares(const __grid_constant__ Table table, u32 count, double* sums) {
    Own own(table, count);
    const float* grad = table.moving[own.row].grad;
    u64 len = table.moving[own.row].len;
    double lanes[4] = {0.0, 0.0, 0.0, 0.0};
#pragma unroll
    for (u32 i = 0; i < DEPTH; ++i) {
        u64 at = own.first + i * 4 * THREADS;
        float4 g = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        if (at + 4 <= len) {
            g = four_of(grad, at);
        } else {
#pragma unroll
            for (u32 k = 0; k < 4; ++k) {
                if (at + k < len) part(g, k) = grad[at + k];
            }
        }
#pragma unroll
        for (u32 k = 0; k < 4; ++k) {
            double x = part(g, k);
            lanes[k] += x * x;
        }
    }
    __shared__ double warps[THREADS / 32];
    double sum = block_sum((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]), warps);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// min(1, most / (norm + 1e-6)), of the sums of squares.
extern "C" __global__ void __launch_bounds__(THREADS)
optim_coefficient(const double* sums, u64 len, double most, double* out) {
    double sum = 0.0;
    for (u64 i = threadIdx.x; i < len; i += THREADS) sum += sums[i];
    __shared__ double warps[THREADS / 32];
    sum = block_sum(sum, warps);
    if (threadIdx.x > 0) return;
    double scale = most / (sqrt(sum) + 1e-6);
    *out = scale >= 1.0 ? 1.0 : scale;
}
