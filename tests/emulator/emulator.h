// CUDA's C++ for g++: the words, types and functions that the kernels use, so that the
// same text runs on the CPU. A thread that comes to a barrier, a shuffle or an mma gives
// way to the next (scheduler.cpp). What is not here, kernels do not use; float atomics
// are left out on purpose.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "runtime.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __constant__ static

// One block runs at a time, so its shared variables are variables of this library alone.
// As thread-local ones they lie together, where the scheduler can poison them between
// blocks; AddressSanitizer guards ordinary ones only.
#ifdef EMU_ADDRESS
#define __shared__ static
#else
#define __shared__ static thread_local
#endif

#define SHARED(T, name) T* const name = static_cast<T*>(emu::emu_shared)

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
};

// Constant for a thread, though not for the program: the scheduler sets them whenever it
// changes threads.
extern const uint3 threadIdx asm("emu_thread") __attribute__((visibility("hidden")));
extern const uint3 blockIdx asm("emu_block") __attribute__((visibility("hidden")));
extern const dim3 blockDim asm("emu_block_size") __attribute__((visibility("hidden")));
extern const dim3 gridDim asm("emu_grid_size") __attribute__((visibility("hidden")));
constexpr int warpSize = 32;

#define EMU_VECTOR(T, name, align2, align4)                                        \
    struct alignas(align2) name##2 {                                               \
        T x, y;                                                                    \
    };                                                                             \
    struct alignas(align4) name##4 {                                               \
        T x, y, z, w;                                                              \
    };                                                                             \
    inline name##2 make_##name##2(T x, T y) { return {x, y}; }                     \
    inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMU_VECTOR(float, float, 8, 16)
EMU_VECTOR(int, int, 8, 16)
EMU_VECTOR(unsigned, uint, 8, 16)
EMU_VECTOR(unsigned char, uchar, 2, 4)
EMU_VECTOR(unsigned short, ushort, 4, 8)
EMU_VECTOR(double, double, 16, 16)
EMU_VECTOR(long long, longlong, 16, 16)
EMU_VECTOR(unsigned long long, ulonglong, 16, 16)
#undef EMU_VECTOR
struct float3 {
    float x, y, z;
};
struct int3 {
    int x, y, z;
};
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }

namespace emu {

template <typename To, typename From>
inline To bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

template <typename T>
inline T shuffle(unsigned mask, T value, unsigned source) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8);
    using Word = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    return bits<T>(static_cast<Word>(
        emu_collective(Collective::Shuffle, mask, bits<Word>(value), source)));
}

}  // namespace emu

inline void __syncthreads() { emu::emu_barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) {
    emu::emu_collective(emu::Collective::Sync, mask, 0, 0);
}

template <typename T>
inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32) {
    unsigned first = emu::emu_lane & ~(width - 1);
    return emu::shuffle(mask, value, first | (lane & (width - 1)));
}
template <typename T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    unsigned within = emu::emu_lane & (width - 1);
    return emu::shuffle(mask, value, within < delta ? emu::emu_lane : emu::emu_lane - delta);
}
template <typename T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    unsigned last = emu::emu_lane | (width - 1);
    return emu::shuffle(mask, value,
                        emu::emu_lane + delta > last ? emu::emu_lane : emu::emu_lane + delta);
}
template <typename T>
inline T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32) {
    unsigned last = emu::emu_lane | (width - 1), source = emu::emu_lane ^ with;
    return emu::shuffle(mask, value, source > last ? emu::emu_lane : source);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    return emu::emu_collective(emu::Collective::Ballot, mask, predicate != 0, 0);
}
inline int __any_sync(unsigned mask, int predicate) {
    return emu::emu_collective(emu::Collective::Any, mask, predicate != 0, 0);
}
inline int __all_sync(unsigned mask, int predicate) {
    return emu::emu_collective(emu::Collective::All, mask, predicate != 0, 0);
}

// A fence orders nothing here that atomics, which are acquire and release at once, do not.
inline void __threadfence() { asm volatile("" ::: "memory"); }
inline void __threadfence_block() { asm volatile("" ::: "memory"); }
[[noreturn]] inline void __trap() { emu::emu_trap("__trap()"); }

#define EMU_ATOMIC(T)                                                              \
    inline T atomicAdd(T* at, T value) {                                           \
        return __atomic_fetch_add(at, value, __ATOMIC_ACQ_REL);                    \
    }                                                                              \
    inline T atomicOr(T* at, T value) {                                            \
        return __atomic_fetch_or(at, value, __ATOMIC_ACQ_REL);                     \
    }                                                                              \
    inline T atomicExch(T* at, T value) {                                          \
        return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL);                   \
    }                                                                              \
    inline T atomicCAS(T* at, T compare, T value) {                                \
        __atomic_compare_exchange_n(at, &compare, value, false, __ATOMIC_ACQ_REL,  \
                                    __ATOMIC_ACQUIRE);                             \
        return compare;                                                            \
    }                                                                              \
    inline T atomicMax(T* at, T value) {                                           \
        T old = __atomic_load_n(at, __ATOMIC_ACQUIRE);                             \
        while (!__atomic_compare_exchange_n(at, &old, old < value ? value : old,   \
                                            false, __ATOMIC_ACQ_REL,               \
                                            __ATOMIC_ACQUIRE)) {                   \
        }                                                                          \
        return old;                                                                \
    }
EMU_ATOMIC(int)
EMU_ATOMIC(unsigned)
EMU_ATOMIC(unsigned long long)
#undef EMU_ATOMIC
inline unsigned atomicInc(unsigned* at, unsigned last) {
    unsigned old = __atomic_load_n(at, __ATOMIC_ACQUIRE);
    while (!__atomic_compare_exchange_n(at, &old, old >= last ? 0 : old + 1, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
    return old;
}

template <typename T>
inline T __ldg(const T* at) {
    return *at;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
    return static_cast<unsigned>((static_cast<uint64_t>(a) * b) >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __brev(unsigned x) {
    unsigned reversed = 0;
    for (int bit = 0; bit < 32; ++bit) {
        reversed |= ((x >> bit) & 1u) << (31 - bit);
    }
    return reversed;
}

inline unsigned __float_as_uint(float x) { return emu::bits<unsigned>(x); }
inline int __float_as_int(float x) { return emu::bits<int>(x); }
inline float __uint_as_float(unsigned x) { return emu::bits<float>(x); }
inline float __int_as_float(int x) { return emu::bits<float>(x); }
inline long long __double_as_longlong(double x) { return emu::bits<long long>(x); }
inline double __longlong_as_double(long long x) { return emu::bits<double>(x); }

// Compiled with -ffp-contract=off, so every operation rounds once, to nearest.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline double __dsqrt_rn(double a) { return __builtin_sqrt(a); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline int __float2int_rn(float x) { return static_cast<int>(std::nearbyint(x)); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }
inline float rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
inline float __saturatef(float x) { return !(x > 0.0f) ? 0.0f : x < 1.0f ? x : 1.0f; }

using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;

#define EMU_MINMAX(T)                                                              \
    inline constexpr T min(T a, T b) { return b < a ? b : a; }                     \
    inline constexpr T max(T a, T b) { return a < b ? b : a; }
EMU_MINMAX(int)
EMU_MINMAX(unsigned)
EMU_MINMAX(long long)
EMU_MINMAX(unsigned long long)
#undef EMU_MINMAX
inline float min(float a, float b) { return __builtin_fminf(a, b); }
inline float max(float a, float b) { return __builtin_fmaxf(a, b); }
inline double min(double a, double b) { return __builtin_fmin(a, b); }
inline double max(double a, double b) { return __builtin_fmax(a, b); }

// A copy may land at any time from its start to its wait. So its place holds NaN in
// between: who reads too early, or what was there before, sees that.
namespace emu {
template <unsigned BYTES>
inline void copy_start(void* to, const void* from, bool valid) {
    if (reinterpret_cast<uintptr_t>(to) % BYTES != 0 ||
        reinterpret_cast<uintptr_t>(from) % BYTES != 0) {
        emu_trap("cp.async with an address that is not aligned");
    }
    auto words = static_cast<unsigned*>(to);
    for (unsigned word = 0; word < BYTES / 4; ++word) {
        words[word] = 0xffffffffu;
    }
    Copy copy{to, valid ? from : nullptr, BYTES};
    emu_copy_start(&copy);
}
}  // namespace emu
inline void cp_async16(void* to, const void* from, bool valid) {
    emu::copy_start<16>(to, from, valid);
}
inline void cp_async4(void* to, const void* from, bool valid) {
    emu::copy_start<4>(to, from, valid);
}
inline void cp_async_commit() { emu::emu_copy_commit(); }
template <int N>
inline void cp_async_wait() {
    emu::Copy copy;
    while (emu::emu_copy_take(N, &copy)) {
        auto to = static_cast<unsigned*>(copy.to);
        auto from = static_cast<const unsigned*>(copy.from);
        for (unsigned word = 0; word < copy.bytes / 4; ++word) {
            to[word] = from == nullptr ? 0u : from[word];
        }
    }
}

inline unsigned to_tf32(float x) {
    unsigned bits = __float_as_uint(x);
    bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    return (finite ? bits + 0x1000u : bits) & 0xffffe000u;
}
inline void mma_tf32_m16n8k8(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    emu::Fragments fragments{d, a, b};
    emu::emu_collective(emu::Collective::Mma, 0xffffffffu,
                        reinterpret_cast<uint64_t>(&fragments), 0);
}

// Entering a kernel into the list, with what g++ knows of its parameters.
namespace emu {

template <typename... P, size_t... I>
inline void spread(void (*kernel)(P...), void* const* arguments, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_reference_t<P>*>(arguments[I])...);
}

template <auto KERNEL>
struct Entry;
template <typename... P, void (*KERNEL)(P...)>
struct Entry<KERNEL> {
    static constexpr Parameter parameters[sizeof...(P) + 1] = {
        {sizeof(P), alignof(P), std::is_pointer_v<P>}..., {0, 0, false}};
    static void call(void* const* arguments) {
        spread(KERNEL, arguments, std::index_sequence_for<P...>());
    }
    Registered entry;
    Entry(const char* name, const char* file)
        : entry{{name, file, sizeof...(P), parameters, call}, registered} {
        registered = &entry;
    }
};

}  // namespace emu

#define EMU_KERNEL(name, file) static emu::Entry<&name> emu_entry_##name(#name, file);
