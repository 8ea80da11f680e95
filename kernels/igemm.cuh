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
    u32 line_step[2];  // of an image: rows and columns for a step of i and j, or of ky and kx
    u32 k_step[2];     // and along k
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
        y[i] = at.origin[0] + (KIND == TAPS ? d[1] : d[2]) * of.line_step[0];
        x[i] = at.origin[1] + (KIND == TAPS ? d[0] : d[1]) * of.line_step[1];
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
                const u32 down = (KIND == TAPS ? digit[2] : digit[1]) * of.k_step[0];
                const u32 right = (KIND == TAPS ? digit[1] : digit[0]) * of.k_step[1];
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
