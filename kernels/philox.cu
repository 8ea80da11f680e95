// nvrtc: --fmad=false
// Random numbers, to the bit those of crates/kernels/src/philox: see there for what the
// counter is made of. A thread makes one block, which is four neighbouring elements.
#include "detach.cuh"

struct Cipher {
    u32 word[4];
};

// Philox4x32-10.
__device__ __forceinline__ Cipher philox4x32(u32 a, u32 b, u32 c, u32 d, u64 seed) {
    u32 low = static_cast<u32>(seed), high = static_cast<u32>(seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        u64 p = static_cast<u64>(a) * 0xD2511F53u;
        u64 q = static_cast<u64>(c) * 0xCD9E8D57u;
        a = static_cast<u32>(q >> 32) ^ b ^ low;
        b = static_cast<u32>(q);
        c = static_cast<u32>(p >> 32) ^ d ^ high;
        d = static_cast<u32>(p);
        low += 0x9E3779B9u;
        high += 0xBB67AE85u;
    }
    return {{a, b, c, d}};
}

// Fills `out` with `values` of the draw's blocks. `out` is aligned to 16 bytes.
template <typename F>
__device__ __forceinline__ void fill(float* out, u64 len, const double* step, u64 seed,
                                     u32 draw, u32 stream, F values) {
    u64 now = static_cast<u64>(*step);
    u32 low = static_cast<u32>(now), high = static_cast<u32>(now >> 32) << 16 | stream;
    u64 threads = static_cast<u64>(gridDim.x) * blockDim.x;
    u64 first = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (u64 block = first; 4 * block < len; block += threads) {
        float4 four = values(philox4x32(static_cast<u32>(block), draw, low, high, seed));
        float* to = out + 4 * block;
        if (4 * block + 4 <= len) {
            *reinterpret_cast<float4*>(to) = four;
            continue;
        }
        u64 rest = len - 4 * block;
        to[0] = four.x;
        if (rest > 1) to[1] = four.y;
        if (rest > 2) to[2] = four.z;
    }
}

template <typename F>
__device__ __forceinline__ float4 each(const Cipher& c, F f) {
    return make_float4(f(c.word[0]), f(c.word[1]), f(c.word[2]), f(c.word[3]));
}

// Uniform in [0, 1): 24 bits of a word.
extern "C" __global__ void philox_uniform(float* out, u64 len, const double* step, u64 seed,
                                          u32 draw, u32 stream) {
    fill(out, len, step, seed, draw, stream, [](const Cipher& c) {
        return each(c, [](u32 word) { return static_cast<float>(word >> 8) / 16777216.0f; });
    });
}

// `kept` where 24 bits of a word are below `threshold`, else 0.
extern "C" __global__ void philox_bernoulli(float* out, u64 len, const double* step, u64 seed,
                                            u32 draw, u32 stream, u32 threshold, float kept) {
    fill(out, len, step, seed, draw, stream, [=](const Cipher& c) {
        return each(c, [=](u32 word) { return (word >> 8) < threshold ? kept : 0.0f; });
    });
}

constexpr double TWO_30 = 1073741824.0;
constexpr double TWO_M32 = 1.0 / 4294967296.0;
constexpr double LN_2 = 0.693147180559945309417232121458176568;
constexpr double TAU = 6.28318530717958647692528676655900577;

// Value at `x` of the polynomial with these coefficients, highest power first.
template <int N>
__device__ __forceinline__ double horner(double x, const double (&coefficients)[N]) {
    double y = coefficients[0];
#pragma unroll
    for (int i = 1; i < N; ++i) {
        y = y * x + coefficients[i];
    }
    return y;
}

// Natural logarithm of a normal u = m 2^e with m in [sqrt(1/2), sqrt(2)):
// ln m = 2 atanh(s), s = (m - 1)/(m + 1).
__device__ __forceinline__ double ln(double u) {
    constexpr u64 SQRT_HALF = 0x3FE6A09E667F3BCDull;
    constexpr u64 MANTISSA = (1ull << 52) - 1;
    constexpr u64 BIAS = 1ull << 10;
    u64 bits = static_cast<u64>(__double_as_longlong(u)) - SQRT_HALF + (BIAS << 52);
    double exponent = static_cast<double>(static_cast<u32>(bits >> 52)) - 1024.0;
    double m = __longlong_as_double(static_cast<i64>((bits & MANTISSA) + SQRT_HALF));
    double s = (m - 1.0) / (m + 1.0);
    double z = s * s;
    double series = horner(z, {1.0 / 21.0, 1.0 / 19.0, 1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0,
                               1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0});
    return exponent * LN_2 + (2.0 * s + 2.0 * s * z * series);
}

// x with its sign turned where bit 1 of `turns` is set.
__device__ __forceinline__ double turned(double x, u32 turns) {
    u64 sign = static_cast<u64>(turns & 2) << 62;
    return __longlong_as_double(static_cast<i64>(static_cast<u64>(__double_as_longlong(x)) ^ sign));
}

// Cosine and sine of 2 pi b/2^32: the nearest quarter turn, exactly, and the series of
// what is left.
__device__ __forceinline__ double2 cos_sin(u32 b) {
    u32 quarter = static_cast<u32>((static_cast<u64>(b) + (1u << 29)) >> 30);
    double y = (static_cast<double>(b) - static_cast<double>(quarter) * TWO_30) * (TAU * TWO_M32);
    double z = y * y;
    double sin = y + y * z *
                         horner(z, {-1.0 / 1307674368000.0, 1.0 / 6227020800.0,
                                    -1.0 / 39916800.0, 1.0 / 362880.0, -1.0 / 5040.0,
                                    1.0 / 120.0, -1.0 / 6.0});
    double cos = 1.0 + z * horner(z, {1.0 / 20922789888000.0, -1.0 / 87178291200.0,
                                      1.0 / 479001600.0, -1.0 / 3628800.0, 1.0 / 40320.0,
                                      -1.0 / 720.0, 1.0 / 24.0, -0.5});
    bool odd = (quarter & 1) == 1;
    return make_double2(turned(odd ? sin : cos, quarter + 1), turned(odd ? cos : sin, quarter));
}

// Box-Muller: two independent normal numbers of two words.
__device__ __forceinline__ float2 normals(u32 a, u32 b) {
    double radius = sqrt(-2.0 * ln((static_cast<double>(a) + 1.0) * TWO_M32));
    double2 way = cos_sin(b);
    return make_float2(static_cast<float>(radius * way.x), static_cast<float>(radius * way.y));
}

// Normal with mean 0 and variance 1.
extern "C" __global__ void philox_normal(float* out, u64 len, const double* step, u64 seed,
                                         u32 draw, u32 stream) {
    fill(out, len, step, seed, draw, stream, [](const Cipher& c) {
        float2 ab = normals(c.word[0], c.word[1]), cd = normals(c.word[2], c.word[3]);
        return make_float4(ab.x, ab.y, cd.x, cd.y);
    });
}
