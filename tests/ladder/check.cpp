// Multiplies matrices with one rung of kernels/ladder, through the driver's interface:
// `check NAME ROWS COLUMNS THREADS SIZES`, where a block makes ROWS x COLUMNS of the result
// and SIZES says how many of the sizes below are tried. Prints a line a size: its three sizes, the error against double, a hash of the bits.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
using Pointer = unsigned long long;
int cuInit(unsigned);
int cuDevicePrimaryCtxRetain(void**, int);
int cuCtxSetCurrent(void*);
int cuCtxSynchronize();
int cuModuleLoadData(void**, const void*);
int cuModuleGetFunction(void**, void*, const char*);
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                   void*, void**, void**);
int cuMemAlloc_v2(Pointer*, size_t);
int cuMemFree_v2(Pointer);
int cuMemcpyHtoD_v2(Pointer, const void*, size_t);
int cuMemcpyDtoH_v2(void*, Pointer, size_t);
}

namespace {

void ok_at(int status, const char* what, int line) {
    if (status != 0) {
        std::printf("check.cpp:%d: %s: error %d\n", line, what, status);
        std::exit(1);
    }
}
#define OK(call) ok_at(call, #call, __LINE__)

// Of the PTX the emulator reads the heading alone.
std::string heading(const std::string& name) {
    std::string text = ".version 8.0\n.target sm_75\n.address_size 64\n\n.visible .entry " + name + "(\n";
    for (int i = 0; i < 6; ++i) {
        text += std::string(i == 0 ? "" : ",\n") + "\t.param .u" + (i < 3 ? "64 " : "32 ") + name +
                "_param_" + std::to_string(i);
    }
    return text + "\n)\n{\n\tret;\n}\n";
}

std::vector<float> numbers(size_t count, uint32_t seed) {
    std::vector<float> values(count);
    for (float& value : values) {
        seed = seed * 1664525u + 1013904223u;
        value = float(seed >> 8) / float(1 << 23) - 1.0f;
    }
    return values;
}

Pointer upload(const std::vector<float>& values) {
    Pointer at = 0;
    OK(cuMemAlloc_v2(&at, values.size() * sizeof(float)));
    OK(cuMemcpyHtoD_v2(at, values.data(), values.size() * sizeof(float)));
    return at;
}

struct Shape {
    int m, n, k;
};

// |c - a b| / |a b|, the latter in double.
double error(const std::vector<float>& a, const std::vector<float>& b,
             const std::vector<float>& c, Shape s) {
    double wrong = 0, all = 0;
    for (int row = 0; row < s.m; ++row) {
        for (int column = 0; column < s.n; ++column) {
            double sum = 0;
            for (int i = 0; i < s.k; ++i) {
                sum += double(a[size_t(row) * s.k + i]) * b[size_t(i) * s.n + column];
            }
            double off = c[size_t(row) * s.n + column] - sum;
            wrong += off * off;
            all += sum * sum;
        }
    }
    return std::sqrt(wrong / all);
}

}  // namespace

int main(int, char** arguments) {
    std::string name = arguments[1];
    unsigned rows = std::atoi(arguments[2]), columns = std::atoi(arguments[3]);
    unsigned threads = std::atoi(arguments[4]);
    void *context, *module, *kernel;
    OK(cuInit(0));
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
    OK(cuModuleLoadData(&module, heading(name).c_str()));
    OK(cuModuleGetFunction(&kernel, module, name.c_str()));
    // Alone; odd; rows of whole float4s, and more steps than stages; of A or B only; many blocks.
    const Shape shapes[] = {{1, 1, 1},    {37, 29, 53},  {132, 36, 40},
                            {129, 68, 7}, {66, 131, 36}, {260, 259, 33}};
    int sizes = std::atoi(arguments[5]);
    for (int i = 0; i < sizes; ++i) {
        Shape shape = shapes[i];
        auto [m, n, k] = shape;
        auto a = numbers(size_t(m) * k, 1), b = numbers(size_t(k) * n, 2);
        std::vector<float> c(size_t(m) * n, NAN);
        Pointer at_a = upload(a), at_b = upload(b), at_c = upload(c);
        void* list[] = {&at_a, &at_b, &at_c, &m, &n, &k};
        OK(cuLaunchKernel(kernel, (n + columns - 1) / columns, (m + rows - 1) / rows, 1, threads,
                          1, 1, 0, nullptr, list, nullptr));
        OK(cuCtxSynchronize());
        OK(cuMemcpyDtoH_v2(c.data(), at_c, c.size() * sizeof(float)));
        uint64_t hash = 14695981039346656037u;
        for (float value : c) {
            uint32_t bits;
            std::memcpy(&bits, &value, sizeof bits);
            hash = (hash ^ bits) * 1099511628211u;
        }
        std::printf("%d %d %d %.3g %016llx\n", m, n, k, error(a, b, c, shape),
                    static_cast<unsigned long long>(hash));
        for (Pointer at : {at_a, at_b, at_c}) {
            OK(cuMemFree_v2(at));
        }
    }
}
