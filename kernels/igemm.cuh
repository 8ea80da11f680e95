// Products of matrices that need not exist: out[m, n] = sum over k of a[m, k] b[k, n], where an
// operand's element lies at a linear function of the digits of its indices. So a convolution is
// a product whose operand is an image read in patches ("implicit GEMM"), and the forms below differ in
// a few template parameters.
//
// A *line* is what an operand's other index than k counts: a row of a, a column of b. Lines of
// an image operand, and k everywhere, are numbers of three digits of which the inner two have the
// sizes `inner` (digit 0 varies fastest).
#pragma once
#include "detach.cuh"

enum Kind {
    PLAIN,   // a matrix: the element is at line * line[0] + k * k[0]
    DIGITS,  // lines as they are, k in digits: the weight of a transposed convolution
    TAPS,    // an image, lines (n, i, j) are pixels and k is (ky, kx, channel)
    PIXELS,  // an image, lines (ky, kx, channel) are taps and k is a pixel (n, i, j)
};

struct Operand {
    const float *data;
    u32 batch;         // elements from product to product
    u32 line[3];       // elements from line to line, by digit
    u32 k[3];          // and along k
    u32 size[2];       // of an image: rows and columns; outside of them it is 0
    u32 line_step[2];  // TAPS: rows and columns of the image for a step of i and j
    u32 k_step[2];     // PIXELS: the same
};

// What differs between products that are asked for together: the classes of pixels of a
// strided transposed convolution meet different taps. Sums that wrap are meant to.
struct Class {
    u32 m, k;
    u32 line_inner[2], k_inner[2];  // none of them 0
    u32 a, b, out;      // where the operands and the output start
    u32 origin[2];      // the row and column that line 0 meets at k = 0
};

struct Igemm {
    Operand a, b;
    float *out;
    float *partial;     // [products, splits, rows, n] where k is split, to be summed up
    const float *bias;  // [n], or null
    float slope;        // results below 0 are multiplied by it
    u32 n;
    u32 rows;           // the largest m of the classes
    u32 splits, slice;  // parts of k, and how long one is: a multiple of any DEPTH
    u32 batch;          // elements from product to product of the output
    u32 out_line[3];    // of an output that is scattered: elements from row to row, by digit
    Class classes[4];
};

__device__ constexpr bool is_image(Kind kind) { return kind == TAPS || kind == PIXELS; }

__device__ __forceinline__ float finish(float sum, float bias, float slope) {
    sum += bias;
    return sum < 0.0f ? sum * slope : sum;
}

__device__ __forceinline__ void four(const float *from, float *to) {
    const float4 v = *reinterpret_cast<const float4 *>(from);
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

// The digits of a number.
__device__ __forceinline__ void digits(u32 number, const u32 (&inner)[2], u32 (&digit)[3]) {
    const u32 rest = number / inner[0];
    digit[0] = number - rest * inner[0];
    digit[2] = rest / inner[1];
    digit[1] = rest - digit[2] * inner[1];
}

// Where row m of a scattered output starts.
__device__ __forceinline__ u32 scattered(const Igemm &p, const Class &at, u32 m) {
    u32 d[3];
    digits(m, at.line_inner, d);
    return at.out + d[0] * p.out_line[0] + d[1] * p.out_line[1] + d[2] * p.out_line[2];
}

// Where one thread reads one operand. A tile is LINES lines by DEPTH of k, read in chunks of VEC
// that are neighbours in memory: along k (ALONG_K) or from line to line. Lines past the last
// are read as the last: their sums are not stored. What is past the end of k is 0.
template <Kind KIND, bool ALONG_K, int LINES, int DEPTH, int THREADS, int VEC>
struct Reader {
    static constexpr int ALONG = (ALONG_K ? DEPTH : LINES) / VEC;
    static constexpr int ACROSS = THREADS / ALONG;
    static constexpr int PASSES = (ALONG_K ? LINES : DEPTH) / ACROSS;
    static constexpr int OWN = ALONG_K ? PASSES : 1;
    static constexpr u32 STEP = ALONG_K ? DEPTH : ACROSS;
    static_assert(ALONG * ACROSS == THREADS && PASSES > 0, "every thread reads as much");

    const Operand &of;
    const Class &at;
    const float *data;
    u32 k, end;
    u32 digit[3], step[3];
    u32 start[OWN], y[OWN], x[OWN];

    __device__ __forceinline__ Reader(const Operand &of, const Class &at, const float *data, u32 base,
                                      u32 first_line, u32 lines, u32 begin, u32 end)
        : of(of), at(at), data(data), end(end) {
        const u32 along = threadIdx.x % ALONG * VEC, across = threadIdx.x / ALONG;
        k = begin + (ALONG_K ? along : across);
        if (KIND != PLAIN) {
            digits(k, at.k_inner, digit);
            digits(STEP, at.k_inner, step);
        }
#pragma unroll
        for (int i = 0; i < OWN; ++i) {
            const u32 line = first_line + (ALONG_K ? across + i * ACROSS : along);
            own(i, min(line, lines - (ALONG_K ? 1 : VEC)));
            start[i] += base;
        }
    }

    __device__ __forceinline__ void own(int i, u32 line) {
        if (!is_image(KIND)) {
            start[i] = line * of.line[0];
            return;
        }
        u32 d[3];
        digits(line, at.line_inner, d);
        start[i] = d[0] * of.line[0] + d[1] * of.line[1] + d[2] * of.line[2];
        y[i] = at.origin[0] + (KIND == TAPS ? d[1] * of.line_step[0] : d[2]);
        x[i] = at.origin[1] + (KIND == TAPS ? d[0] * of.line_step[1] : d[1]);
    }

    __device__ __forceinline__ void advance() {
        k += STEP;
        if (KIND == PLAIN) return;
        digit[0] += step[0];
        u32 carry = digit[0] >= at.k_inner[0];
        digit[0] -= carry ? at.k_inner[0] : 0;
        digit[1] += step[1] + carry;
        carry = digit[1] >= at.k_inner[1];
        digit[1] -= carry ? at.k_inner[1] : 0;
        digit[2] += step[2] + carry;
    }

    // Calls `read(pass, address, valid)` for each chunk of the tile and goes on to the next tile.
    template <typename Read>
    __device__ __forceinline__ void tile(Read read) {
#pragma unroll
        for (int pass = 0; pass < PASSES; ++pass) {
            const int i = ALONG_K ? pass : 0;
            u32 from = start[i];
            bool valid = k < end;
            if (KIND == PLAIN) {
                from += k * of.k[0];
            } else {
                from += digit[0] * of.k[0] + digit[1] * of.k[1] + digit[2] * of.k[2];
            }
            if (is_image(KIND)) {
                const u32 down = KIND == TAPS ? digit[2] : digit[1] * of.k_step[0];
                const u32 right = KIND == TAPS ? digit[1] : digit[0] * of.k_step[1];
                valid = valid && y[i] + down < of.size[0] && x[i] + right < of.size[1];
            }
            read(pass, data + (valid ? from : 0), valid);
            if (!ALONG_K) advance();
        }
        if (ALONG_K) advance();
    }

    // Where chunk `pass` belongs in a tile: its first line and k.
    static __device__ __forceinline__ u32 line_of(int pass) {
        return ALONG_K ? threadIdx.x / ALONG + pass * ACROSS : threadIdx.x % ALONG * VEC;
    }
    static __device__ __forceinline__ u32 k_of(int pass) {
        return ALONG_K ? threadIdx.x % ALONG * VEC : threadIdx.x / ALONG + pass * ACROSS;
    }
};

// A tile's way to shared memory through registers, so that the next tile is under way while this
// one is computed with. There it lies as [k][line].
template <typename Of, bool ALONG_K, int STRIDE, int VEC>
struct Stage {
    float held[Of::PASSES][VEC];

    __device__ __forceinline__ void read(Of &reader) {
        reader.tile([&](int pass, const float *from, bool valid) {
            if (VEC == 4) {
                const float4 zero = {0.0f, 0.0f, 0.0f, 0.0f};
                const float4 v = valid ? *reinterpret_cast<const float4 *>(from) : zero;
                held[pass][0] = v.x, held[pass][1 % VEC] = v.y;
                held[pass][2 % VEC] = v.z, held[pass][3 % VEC] = v.w;
            } else {
                held[pass][0] = valid ? *from : 0.0f;
            }
        });
    }

    __device__ __forceinline__ void write(float *tile) const {
#pragma unroll
        for (int pass = 0; pass < Of::PASSES; ++pass) {
            float *to = tile + Of::k_of(pass) * STRIDE + Of::line_of(pass);
            if constexpr (!ALONG_K && VEC == 4) {
                *reinterpret_cast<float4 *>(to) = make_float4(
                    held[pass][0], held[pass][1 % VEC], held[pass][2 % VEC], held[pass][3 % VEC]);
            } else {
#pragma unroll
                for (int i = 0; i < VEC; ++i) to[i * STRIDE] = held[pass][i];
            }
        }
    }
};

// What a product reads. SCATTER: the output's rows are pixels (n, i, j) that do not follow each other.
template <Kind A_KIND, bool A_ALONG, Kind B_KIND, bool B_ALONG, bool SCATTERED = false>
struct Form {
    static constexpr Kind A = A_KIND, B = B_KIND;
    static constexpr bool A_ALONG_K = A_ALONG, B_ALONG_K = B_ALONG, SCATTER = SCATTERED;
};

// Which part of which product a block computes.
template <typename F>
struct Work {
    const Igemm &p;
    const Class &at;
    u32 product, split;
    u32 m, n;        // the tile's first row and column
    u32 begin, end;  // its part of k

    // Products are classes of pixels, or a batch of matrices.
    static constexpr bool CLASSES = F::SCATTER;
    __device__ __forceinline__ Work(const Igemm &p, u32 tile_m, u32 tile_n)
        : p(p), at(p.classes[CLASSES ? blockIdx.z / p.splits : 0]) {
        product = blockIdx.z / p.splits;
        split = blockIdx.z - product * p.splits;
        m = blockIdx.x * tile_m;
        n = blockIdx.y * tile_n;
        begin = min(split * p.slice, at.k);
        end = p.splits == 1 ? at.k : min(begin + p.slice, at.k);
    }
    // The block's readers of the two operands.
    template <typename Of>
    __device__ __forceinline__ Of rows() const {
        return Of(p.a, at, p.a.data + u64(CLASSES ? 0 : product) * p.a.batch, at.a, m, at.m, begin, end);
    }
    template <typename Of>
    __device__ __forceinline__ Of columns() const {
        return Of(p.b, at, p.b.data + u64(CLASSES ? 0 : product) * p.b.batch, at.b, n, p.n, begin, end);
    }
};

// Where sums go: to memory as they are meant to be, or to a split's partial sums.
template <typename F>
struct Writer {
    const Work<F> &work;
    float *out;
    bool whole;

    __device__ __forceinline__ explicit Writer(const Work<F> &work) : work(work) {
        const Igemm &p = work.p;
        whole = p.splits == 1;
        const u64 part = u64(work.product) * p.splits + work.split;
        out = whole ? p.out + (F::SCATTER ? 0 : u64(work.product) * p.batch)
                    : p.partial + part * p.rows * p.n;
    }

    // Where row m starts.
    __device__ __forceinline__ float *row(u32 m) const {
        if (F::SCATTER && whole) return out + scattered(work.p, work.at, m);
        return out + u64(m) * work.p.n;
    }

    // V (1, 2 or 4) neighbouring sums of a row, which starts at `row`, from column n on.
    template <int V>
    __device__ __forceinline__ void write(float *row, u32 n, const float *sums) const {
        const Igemm &p = work.p;
        float value[V];
#pragma unroll
        for (int i = 0; i < V; ++i) {
            value[i] = sums[i];
            if (whole && n + i < p.n) value[i] = finish(value[i], p.bias ? p.bias[n + i] : 0.0f, p.slope);
        }
        if (V == 4 && p.n % 4 == 0) {
            if (n < p.n) *reinterpret_cast<float4 *>(row + n) = make_float4(value[0], value[1 % V], value[2 % V], value[3 % V]);
        } else if (V == 2 && p.n % 2 == 0) {
            if (n < p.n) *reinterpret_cast<float2 *>(row + n) = make_float2(value[0], value[1 % V]);
        } else {
#pragma unroll
            for (int i = 0; i < V; ++i) {
                if (n + i < p.n) row[n + i] = value[i];
            }
        }
    }
};

// Sums in single precision: a warp's tile is 4 TM by 8 TN, a lane's TM by TN in groups of four
// neighbours, so that both operands are read from shared memory four at a time and without conflicts.
template <typename F, int BM, int BN, int WM, int WN, int TM, int TN, int VEC>
__device__ __forceinline__ void igemm_fp32(const Igemm &p) {
    constexpr int DEPTH = 16, THREADS = WM * WN * 32;
    constexpr int SA = BM + 4, SB = BN + 4;
    static_assert(BM == WM * 4 * TM && BN == WN * 8 * TN, "the warps' tiles make the block's");
    using A = Reader<F::A, F::A_ALONG_K, BM, DEPTH, THREADS, VEC>;
    using B = Reader<F::B, F::B_ALONG_K, BN, DEPTH, THREADS, VEC>;
    __shared__ __align__(16) float tiles[2][DEPTH * (SA + SB)];

    const Work<F> work(p, BM, BN);
    if (work.m >= work.at.m) return;
    A a = work.template rows<A>();
    B b = work.template columns<B>();
    Stage<A, F::A_ALONG_K, SA, VEC> next_a;
    Stage<B, F::B_ALONG_K, SB, VEC> next_b;

    const u32 warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const u32 row = warp % WM * (4 * TM) + lane / 8 * 4;
    const u32 column = warp / WM * (8 * TN) + lane % 8 * 4;
    float sums[TM][TN] = {};

    next_a.read(a);
    next_b.read(b);
    next_a.write(tiles[0]);
    next_b.write(tiles[0] + DEPTH * SA);
    __syncthreads();
    u32 now = 0;
    for (u32 k = work.begin; k < work.end; k += DEPTH) {
        const bool more = k + DEPTH < work.end;
        if (more) {
            next_a.read(a);
            next_b.read(b);
        }
        const float *left = tiles[now] + row, *right = tiles[now] + DEPTH * SA + column;
#pragma unroll 8
        for (int i = 0; i < DEPTH; ++i) {
            float x[TM], y[TN];
#pragma unroll
            for (int g = 0; g < TM; g += 4) four(left + i * SA + 4 * g, x + g);
#pragma unroll
            for (int g = 0; g < TN; g += 4) four(right + i * SB + 8 * g, y + g);
#pragma unroll
            for (int r = 0; r < TM; ++r) {
#pragma unroll
                for (int c = 0; c < TN; ++c) sums[r][c] = fmaf(x[r], y[c], sums[r][c]);
            }
        }
        now ^= 1;
        if (more) {
            next_a.write(tiles[now]);
            next_b.write(tiles[now] + DEPTH * SA);
        }
        __syncthreads();
    }

    const Writer<F> writer(work);
#pragma unroll
    for (int r = 0; r < TM; ++r) {
        const u32 m = work.m + row + r / 4 * 16 + r % 4;
        if (m >= work.at.m) continue;
        float *to = writer.row(m);
#pragma unroll
        for (int c = 0; c < TN; c += 4) writer.template write<4>(to, work.n + column + c * 8, sums[r] + c);
    }
}

// Adds up the parts of every sum, first to last, and finishes it.
template <bool SCATTER, int V>
__device__ __forceinline__ void igemm_sum(const Igemm &p) {
    const u32 product = blockIdx.y;
    const Class &at = p.classes[SCATTER ? product : 0];
    const u64 part = u64(p.rows) * p.n;
    const u32 len = at.m * p.n / V;
    const float *first = p.partial + part * p.splits * product;
    for (u32 i = blockIdx.x * blockDim.x + threadIdx.x; i < len; i += gridDim.x * blockDim.x) {
        const u32 m = i * V / p.n, n = i * V - m * p.n;
        float sum[V] = {};
        for (u32 s = 0; s < p.splits; ++s) {
            float v[4];
            if (V == 4) {
                four(first + part * s + u64(i) * V, v);
            } else {
                v[0] = first[part * s + i];
            }
#pragma unroll
            for (int j = 0; j < V; ++j) sum[j] += v[j];
        }
        float *to = p.out + n + (SCATTER ? u64(scattered(p, at, m)) : u64(product) * p.batch + u64(m) * p.n);
#pragma unroll
        for (int j = 0; j < V; ++j) to[j] = finish(sum[j], p.bias ? p.bias[n + j] : 0.0f, p.slope);
    }
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

// Sums by tensor cores, of factors rounded to TF32. Tiles come to shared memory by asynchronous copies,
// STAGES of them, as they lie in memory: [line][k] where neighbours are along k, else [k][line].
//
// The multiply-add counts lines g and g + 8 and k t and t + 4 of a tile (`mma_tf32_m16n8k8`), but which
// lines and k those are is ours to say: lines 2g and 2g + 1, k 2t and 2t + 1. So a lane reads two
// neighbours at a time in either arrangement, without conflicts for the strides below, and
// its sums are four neighbours of a row.
template <bool ALONG_K, int LINES, int DEPTH>
struct Arrangement {
    static constexpr int STRIDE = (ALONG_K ? DEPTH : LINES) + 4;
    static constexpr int LEN = (ALONG_K ? LINES : DEPTH) * STRIDE;

    static __device__ __forceinline__ u32 at(u32 line, u32 k) {
        return ALONG_K ? line * STRIDE + k : k * STRIDE + line;
    }

    // Elements (line, k), (line, k + 1), (line + 1, k), (line + 1, k + 1).
    static __device__ __forceinline__ void four(const float *tile, u32 line, u32 k, u32 (&q)[2][2]) {
        const float2 v = *reinterpret_cast<const float2 *>(tile + at(line, k));
        const u32 next = ALONG_K ? at(line + 1, k) : at(line, k + 1);
        const float2 w = *reinterpret_cast<const float2 *>(tile + next);
        q[0][0] = to_tf32(v.x), q[1][1] = to_tf32(w.y);
        q[ALONG_K ? 0 : 1][ALONG_K ? 1 : 0] = to_tf32(v.y);
        q[ALONG_K ? 1 : 0][ALONG_K ? 0 : 1] = to_tf32(w.x);
    }
};

// A warp's tile is 16 TM by 16 TN.
template <typename F, int BM, int BN, int WM, int WN, int TM, int TN>
__device__ __forceinline__ void igemm_tf32(const Igemm &p) {
    constexpr int DEPTH = 16, STAGES = 4, THREADS = WM * WN * 32;
    static_assert(BM == WM * 16 * TM && BN == WN * 16 * TN, "the warps' tiles make the block's");
    using A = Reader<F::A, F::A_ALONG_K, BM, DEPTH, THREADS, 4>;
    using B = Reader<F::B, F::B_ALONG_K, BN, DEPTH, THREADS, 4>;
    using Left = Arrangement<F::A_ALONG_K, BM, DEPTH>;
    using Right = Arrangement<F::B_ALONG_K, BN, DEPTH>;
    SHARED(float, tiles);

    const Work<F> work(p, BM, BN);
    if (work.m >= work.at.m) return;
    A a = work.template rows<A>();
    B b = work.template columns<B>();
    const u32 steps = ceil_div(work.end - work.begin, u32(DEPTH));
    auto copy = [&](u32 step) {
        float *left = tiles + step % STAGES * (Left::LEN + Right::LEN), *right = left + Left::LEN;
        if (step < steps) {
            a.tile([&](int pass, const float *from, bool valid) {
                cp_async16(left + Left::at(A::line_of(pass), A::k_of(pass)), from, valid);
            });
            b.tile([&](int pass, const float *from, bool valid) {
                cp_async16(right + Right::at(B::line_of(pass), B::k_of(pass)), from, valid);
            });
        }
        cp_async_commit();
    };

    const u32 warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const u32 row = warp % WM * (16 * TM) + lane / 4 * 2;
    const u32 column = warp / WM * (16 * TN) + lane / 4 * 2;
    const u32 pair = lane % 4 * 2;
    float sums[TM][TN][2][4] = {};

    for (u32 step = 0; step < STAGES - 1; ++step) copy(step);
    for (u32 step = 0; step < steps; ++step) {
        cp_async_wait<STAGES - 2>();
        // Everybody's copies have come, and nobody reads what the next one writes over.
        __syncthreads();
        copy(step + STAGES - 1);
        const float *left = tiles + step % STAGES * (Left::LEN + Right::LEN), *right = left + Left::LEN;
#pragma unroll
        for (int k = 0; k < DEPTH; k += 8) {
            u32 x[TM][2][2], y[TN][2][2];
#pragma unroll
            for (int i = 0; i < TM; ++i) Left::four(left, row + 16 * i, k + pair, x[i]);
#pragma unroll
            for (int j = 0; j < TN; ++j) Right::four(right, column + 16 * j, k + pair, y[j]);
#pragma unroll
            for (int i = 0; i < TM; ++i) {
                const u32 lines[4] = {x[i][0][0], x[i][1][0], x[i][0][1], x[i][1][1]};
#pragma unroll
                for (int j = 0; j < TN; ++j) {
                    mma_tf32_m16n8k8(sums[i][j][0], lines, y[j][0]);
                    mma_tf32_m16n8k8(sums[i][j][1], lines, y[j][1]);
                }
            }
        }
    }
    cp_async_wait<0>();

    const Writer<F> writer(work);
    const u32 first = work.n + warp / WM * (16 * TN) + lane % 4 * 4;
#pragma unroll
    for (int r = 0; r < 2 * TM; ++r) {
        const u32 m = work.m + row + r / 2 * 16 + r % 2;
        if (m >= work.at.m) continue;
        float *to = writer.row(m);
#pragma unroll
        for (int j = 0; j < TN; ++j) {
            const float(&even)[4] = sums[r / 2][j][0], (&odd)[4] = sums[r / 2][j][1];
            const int h = r % 2 * 2;
            const float four[4] = {even[h], odd[h], even[h + 1], odd[h + 1]};
            writer.template write<4>(to, first + 16 * j, four);
        }
    }
}

#endif
