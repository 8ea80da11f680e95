// The three convolutions of conv/mod.rs. Images are [n, row, column, channel], weights
// [o, ky, kx, c].
// nvrtc: compute_75 compute_80
#include "igemm_tiles.cuh"
#include "narrow.cuh"

// y[(n, i, j), o] = sum over (ky, kx, c) of x[(n, i, j), (ky, kx, c)] w[o, (ky, kx, c)]
using Fprop = Form<TAPS, true, PLAIN, true>;
// x[(n, i, j), c] = sum over (ky, kx, o) of y[(n, i, j), (ky, kx, o)] w[o, (ky, kx, c)], for the
// pixels of one class, which are those that the same taps meet.
using Dgrad = Form<TAPS, true, DIGITS, false, true>;
// w[o, (ky, kx, c)] = sum over pixels (n, i, j) of y[(n, i, j), o] x[(n, i, j), (ky, kx, c)]
using Wgrad = Form<PLAIN, false, PIXELS, false>;

IGEMM(conv_fprop, Fprop)
IGEMM(conv_dgrad, Dgrad)
IGEMM(conv_wgrad, Wgrad)

// Sums of partial sums.
extern "C" __global__ void conv_sum(const __grid_constant__ Igemm p) { igemm_sum<false, 1>(p); }
extern "C" __global__ void conv_sum4(const __grid_constant__ Igemm p) { igemm_sum<false, 4>(p); }
extern "C" __global__ void conv_scatter(const __grid_constant__ Igemm p) { igemm_sum<true, 1>(p); }
extern "C" __global__ void conv_scatter4(const __grid_constant__ Igemm p) { igemm_sum<true, 4>(p); }

// Few channels on one side.
#define NARROW(few)                                                                            \
    extern "C" __global__ void __launch_bounds__(256, 4)                                        \
        conv_gather_##few(const __grid_constant__ Narrow p) {                                  \
        narrow_gather<few>(p);                                                                 \
    }                                                                                          \
    extern "C" __global__ void __launch_bounds__(256, 4)                                        \
        conv_spread_##few(const __grid_constant__ Narrow p) {                                  \
        narrow_spread<few>(p);                                                                 \
    }
NARROW(1)
NARROW(2)
NARROW(3)
NARROW(4)

extern "C" __global__ void __launch_bounds__(256, 4)
    conv_narrow_wgrad(const __grid_constant__ Narrow p) {
    narrow_wgrad(p);
}
