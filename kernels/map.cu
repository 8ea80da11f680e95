// nvrtc: --fmad=false
// Element by element, with the CPU's bits: every operation is the one that
// crates/kernels/src/map/cpu.rs does, in its order, and none is contracted. The only
// exceptions are powers other than small integers, which ask a library on either side.
#include "fastmath.cuh"
#include "strides.cuh"
#include "trig.cuh"

// As crates/kernels/src/map/cuda.rs numbers them.
enum class Unary : u32 {
    Neg, Exp, Ln, Sqrt, Recip, Abs, Sign, Tanh, Sigmoid, Softplus, Relu, LeakyRelu, Square,
    Scale, Shift, Same, Cube, ClampMin, Step, Div, Ln1p, Elu, Clip,
    Floor, Ceil, Round, Erf,
};
enum class Binary : u32 {
    Add, Sub, Mul, Div, Equal, Maximum, ReluGrad, LeakyReluGrad, TanhGrad, SigmoidGrad,
    ClampMinGrad, NotEqual, Less, LessEqual, Minimum, EluGrad, ClipGrad,
};

__device__ __forceinline__ float flag(bool yes) { return yes ? 1.0f : 0.0f; }

// The larger of `x` and `bound`; NaN when `x` is, which fmaxf is not.
__device__ __forceinline__ float larger(float x, float bound) { return x <= bound ? bound : x; }

// The smaller of `x` and `bound`; NaN when `x` is.
__device__ __forceinline__ float smaller(float x, float bound) { return x >= bound ? bound : x; }

__device__ __forceinline__ float elu(float x, float alpha) {
    float below = alpha * fast_exp_m1_below(x);
    return x > 0.0f ? x : below;
}

template <typename F>
__device__ __forceinline__ float4 each(float4 x, F f) {
    return make_float4(f(x.x), f(x.y), f(x.z), f(x.w));
}

template <typename F>
__device__ __forceinline__ float4 each(float4 a, float4 b, F f) {
    return make_float4(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w));
}

// The choice is the same in all threads of a launch, and made once for four elements.
__device__ __forceinline__ float4 apply(Unary op, float c, float d, float4 x) {
    switch (op) {
        case Unary::Neg: return each(x, [](float x) { return -x; });
        case Unary::Exp: return each(x, [](float x) { return fast_exp(x); });
        case Unary::Ln: return each(x, [](float x) { return fast_ln(x); });
        case Unary::Sqrt: return each(x, [](float x) { return sqrtf(x); });
        case Unary::Recip: return each(x, [](float x) { return 1.0f / x; });
        case Unary::Abs: return each(x, [](float x) { return fabsf(x); });
        case Unary::Sign: return each(x, [](float x) { return flag(x > 0.0f) - flag(x < 0.0f); });
        case Unary::Tanh: return each(x, [](float x) { return fast_tanh(x); });
        case Unary::Sigmoid: return each(x, [](float x) { return fast_sigmoid(x); });
        case Unary::Softplus: return each(x, [](float x) { return fast_softplus(x); });
        case Unary::Relu: return each(x, [](float x) { return larger(x, 0.0f); });
        case Unary::LeakyRelu: return each(x, [=](float x) { return x > 0.0f ? x : c * x; });
        case Unary::Square: return each(x, [](float x) { return x * x; });
        case Unary::Scale: return each(x, [=](float x) { return c * x; });
        case Unary::Shift: return each(x, [=](float x) { return x + c; });
        case Unary::Same: return x;
        case Unary::Cube: return each(x, [](float x) { return x * x * x; });
        case Unary::ClampMin: return each(x, [=](float x) { return larger(x, c); });
        case Unary::Step: return each(x, [](float x) { return flag(x > 0.0f); });
        case Unary::Div: return each(x, [=](float x) { return x / c; });
        case Unary::Ln1p: return each(x, [](float x) { return fast_ln_1p(x); });
        case Unary::Elu: return each(x, [=](float x) { return elu(x, c); });
        case Unary::Clip: return each(x, [=](float x) { return smaller(larger(x, c), d); });
        case Unary::Floor: return each(x, [](float x) { return floorf(x); });
        case Unary::Ceil: return each(x, [](float x) { return ceilf(x); });
        case Unary::Round: return each(x, [](float x) { return rintf(x); });
        case Unary::Erf: return each(x, [](float x) { return fast_erf(x); });
    }
    return x;
}

__device__ __forceinline__ float4 apply(Binary op, float c, float d, float4 a, float4 b) {
    switch (op) {
        case Binary::Add: return each(a, b, [](float a, float b) { return a + b; });
        case Binary::Sub: return each(a, b, [](float a, float b) { return a - b; });
        case Binary::Mul: return each(a, b, [](float a, float b) { return a * b; });
        case Binary::Div: return each(a, b, [](float a, float b) { return a / b; });
        case Binary::Equal: return each(a, b, [](float a, float b) { return flag(a == b); });
        case Binary::Maximum:
            return each(a, b, [](float a, float b) { return a > b || a != a ? a : b; });
        case Binary::ReluGrad:
            return each(a, b, [](float dy, float x) { return x > 0.0f ? dy : 0.0f; });
        case Binary::LeakyReluGrad:
            return each(a, b, [=](float dy, float x) { return x > 0.0f ? dy : c * dy; });
        case Binary::TanhGrad:
            return each(a, b, [](float dy, float y) { return dy * (1.0f - y * y); });
        case Binary::SigmoidGrad:
            return each(a, b, [](float dy, float y) { return dy * y * (1.0f - y); });
        case Binary::ClampMinGrad:
            return each(a, b, [=](float dy, float x) { return x > c ? dy : 0.0f; });
        case Binary::NotEqual: return each(a, b, [](float a, float b) { return flag(a != b); });
        case Binary::Less: return each(a, b, [](float a, float b) { return flag(a < b); });
        case Binary::LessEqual: return each(a, b, [](float a, float b) { return flag(a <= b); });
        case Binary::Minimum:
            return each(a, b, [](float a, float b) { return a < b || a != a ? a : b; });
        case Binary::EluGrad:
            return each(a, b, [=](float dy, float y) { return y > 0.0f ? dy : dy * (y + c); });
        case Binary::ClipGrad:
            return each(a, b, [=](float dy, float x) { return x >= c && x <= d ? dy : 0.0f; });
    }
    return a;
}

// A thread's four elements. In quads they are neighbours, and lie together in every operand or
// are one element repeated (`quads` in strides.rs); else they are a block's width apart, so
// that neighbours are read by neighbouring threads. The output is dense: element i is at i.
struct Four {
    u32 first, count;
    bool quad;

    __device__ __forceinline__ Four(u32 count, u32 quads) : count(count), quad(quads != 0) {
        first = blockIdx.x * THREADS * EACH + (quad ? EACH * threadIdx.x : threadIdx.x);
    }

    template <int N>
    __device__ __forceinline__ void load(const Strides<N>& places, const float* const (&from)[N],
                                         float4 (&to)[N]) const {
        if (quad) {
            Offsets<N> start = places(first);
#pragma unroll
            for (int n = 0; n < N; ++n) {
                to[n] = load_quad(from[n], start.at[n], places.steps[0][n], count - first);
            }
            return;
        }
        float values[N][EACH];
#pragma unroll
        for (u32 k = 0; k < EACH; ++k) {
            u32 i = first + k * THREADS;
            Offsets<N> place = places(min(i, count - 1));
#pragma unroll
            for (int n = 0; n < N; ++n) values[n][k] = from[n][place.at[n]];
        }
#pragma unroll
        for (int n = 0; n < N; ++n) {
            to[n] = make_float4(values[n][0], values[n][1], values[n][2], values[n][3]);
        }
    }

    __device__ __forceinline__ void store(float* out, float4 v) const {
        if (quad) return store_quad(out, first, v, count - first);
        float values[EACH] = {v.x, v.y, v.z, v.w};
#pragma unroll
        for (u32 k = 0; k < EACH; ++k) {
            u32 i = first + k * THREADS;
            if (i < count) out[i] = values[k];
        }
    }
};

extern "C" __global__ void __launch_bounds__(THREADS)
    map_unary(float* __restrict__ out, const float* __restrict__ x, Strides<1> places, u32 count,
              u32 quads, Unary op, float c, float d) {
    Four four(count, quads);
    if (four.first >= count) return;
    float4 v[1];
    four.load(places, {x}, v);
    four.store(out, apply(op, c, d, v[0]));
}

extern "C" __global__ void __launch_bounds__(THREADS)
    map_binary(float* __restrict__ out, const float* __restrict__ a, const float* __restrict__ b,
               Strides<2> places, u32 count, u32 quads, Binary op, float c, float d) {
    Four four(count, quads);
    if (four.first >= count) return;
    float4 v[2];
    four.load(places, {a, b}, v);
    four.store(out, apply(op, c, d, v[0], v[1]));
}

// a where the condition is not 0, else b.
extern "C" __global__ void __launch_bounds__(THREADS)
    map_select(float* __restrict__ out, const float* __restrict__ condition,
               const float* __restrict__ a, const float* __restrict__ b, Strides<3> places,
               u32 count, u32 quads) {
    Four four(count, quads);
    if (four.first >= count) return;
    float4 v[3];
    four.load(places, {condition, a, b}, v);
    float4 chosen = make_float4(v[0].x != 0.0f ? v[1].x : v[2].x, v[0].y != 0.0f ? v[1].y : v[2].y,
                                v[0].z != 0.0f ? v[1].z : v[2].z, v[0].w != 0.0f ? v[1].w : v[2].w);
    four.store(out, chosen);
}

// x to the power of `p`: apart from the others, for it is as large as all of them.
extern "C" __global__ void __launch_bounds__(THREADS)
    map_pow(float* __restrict__ out, const float* __restrict__ x, Strides<1> places, u32 count,
            float p) {
    u32 i = blockIdx.x * THREADS + threadIdx.x;
    if (i < count) out[i] = powf(x[places(i).at[0]], p);
}

// sin(x + turn pi/2): apart as well.
extern "C" __global__ void __launch_bounds__(THREADS)
    map_sin(float* __restrict__ out, const float* __restrict__ x, Strides<1> places, u32 count,
            u32 turn) {
    u32 i = blockIdx.x * THREADS + threadIdx.x;
    if (i < count) out[i] = fast_sin(x[places(i).at[0]], turn);
}

// a to the power of b.
extern "C" __global__ void __launch_bounds__(THREADS)
    map_powers(float* __restrict__ out, const float* __restrict__ a, const float* __restrict__ b,
               Strides<2> places, u32 count) {
    u32 i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    Offsets<2> at = places(i);
    out[i] = powf(a[at.at[0]], b[at.at[1]]);
}
