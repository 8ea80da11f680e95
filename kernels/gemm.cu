// Products of matrices and what follows them: out = act(a b + bias).
// nvrtc: compute_75 compute_80
#include "igemm_tiles.cuh"

// Each operand lies along k or across it: a row-major a and the transpose of a row-major b
// lie along k.
using GemmKK = Form<PLAIN, true, PLAIN, true>;
using GemmKN = Form<PLAIN, true, PLAIN, false>;
using GemmMK = Form<PLAIN, false, PLAIN, true>;
using GemmMN = Form<PLAIN, false, PLAIN, false>;

IGEMM(gemm_kk, GemmKK)
IGEMM(gemm_kn, GemmKN)
IGEMM(gemm_mk, GemmMK)
IGEMM(gemm_mn, GemmMN)

// Sums of partial sums.
extern "C" __global__ void gemm_sum(const __grid_constant__ Igemm p) { igemm_sum<false, 1>(p); }
extern "C" __global__ void gemm_sum4(const __grid_constant__ Igemm p) { igemm_sum<false, 4>(p); }
