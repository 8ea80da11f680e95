// Drives the stand-in through the driver's interface, for the tests of the emulator:
// `check CASE` ends with 0 where what it says holds.

#include <ctime>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
using Pointer = unsigned long long;
int cuInit(unsigned);
int cuDeviceGetCount(int*);
int cuDevicePrimaryCtxRetain(void**, int);
int cuCtxSetCurrent(void*);
int cuStreamCreate(void**, unsigned);
int cuStreamSynchronize(void*);
int cuStreamBeginCapture_v2(void*, int);
int cuStreamEndCapture(void*, void**);
int cuGraphInstantiateWithFlags(void**, void*, unsigned long long);
int cuGraphLaunch(void*, void*);
int cuGraphDestroy(void*);
int cuModuleLoadData(void**, const void*);
int cuModuleGetFunction(void**, void*, const char*);
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
int cuMemAlloc_v2(Pointer*, size_t);
int cuMemFree_v2(Pointer);
int cuMemAllocHost_v2(void**, size_t);
int cuMemcpyHtoD_v2(Pointer, const void*, size_t);
int cuMemcpyDtoH_v2(void*, Pointer, size_t);
int cuMemcpyDtoHAsync_v2(void*, Pointer, size_t, void*);
int cuMemsetD32_v2(Pointer, unsigned, size_t);
}

namespace {

void expect_at(bool holds, const char* what, int line) {
    if (!holds) {
        std::printf("check.cpp:%d: does not hold: %s\n", line, what);
        std::exit(1);
    }
}
#define EXPECT(what) expect_at(what, #what, __LINE__)
#define OK(call) EXPECT((call) == 0)

void* module;
void* stream;

// The heading that NVRTC writes, with the parameters of one kernel: "u64 u64 u32".
std::string ptx(const char* version, const char* target, const char* name, const char* parameters) {
    std::string text = std::string("//\n.version ") + version + "\n.target " + target +
                       "\n.address_size 64\n\n.visible .entry " + name + "(\n";
    std::string types = parameters;
    for (size_t at = 0, i = 0; at < types.size(); at = types.find(' ', at) == std::string::npos ? types.size() : types.find(' ', at) + 1, ++i) {
        text += (i == 0 ? "" : ",\n") + std::string("\t.param .") + types.substr(at, types.find(' ', at) - at) + " " + name + "_param_" + std::to_string(i);
    }
    return text + "\n)\n.maxntid 1024, 1, 1\n{\n\tret;\n}\n";
}

void* function(const char* name, const char* parameters) {
    void* found = nullptr;
    OK(cuModuleLoadData(&module, ptx("8.0", "sm_75", name, parameters).c_str()));
    OK(cuModuleGetFunction(&found, module, name));
    return found;
}

template <typename T>
Pointer upload(const std::vector<T>& values) {
    Pointer at = 0;
    OK(cuMemAlloc_v2(&at, values.size() * sizeof(T)));
    OK(cuMemcpyHtoD_v2(at, values.data(), values.size() * sizeof(T)));
    return at;
}

template <typename T>
std::vector<T> download(Pointer at, size_t count) {
    std::vector<T> values(count);
    OK(cuStreamSynchronize(stream));
    OK(cuMemcpyDtoH_v2(values.data(), at, count * sizeof(T)));
    return values;
}

template <typename... A>
int launch(void* kernel, unsigned gx, unsigned gy, unsigned bx, unsigned by, unsigned shared, A... arguments) {
    void* list[] = {&arguments...};
    return cuLaunchKernel(kernel, gx, gy, 1, bx, by, 1, shared, stream, list, nullptr);
}

std::vector<float> numbers(size_t count) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) {
        values[i] = float(i * 2654435761u % 1000) / 500.0f - 1.0f;
    }
    return values;
}

void product() {
#ifdef EMU_THREAD
    const int n = 64;
#else
    const int n = 256;
#endif
    auto a = numbers(n * n), b = numbers(n * n);
    Pointer da = upload(a), db = upload(b), dc = upload(a);
    void* kernel = function("planted_product", "u64 u64 u64 u32");
    std::clock_t start = std::clock();
    OK(launch(kernel, n / 16, n / 16, 16, 16, 0, da, db, dc, n));
    auto c = download<float>(dc, n * n);
    double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
    std::printf("%.2f GFLOP/s\n", 2.0 * n * n * n / seconds / 1e9);
    for (int row = 0; row < n; row += 7) {
        for (int column = 0; column < n; column += 5) {
            double sum = 0;
            for (int k = 0; k < n; ++k) {
                sum += double(a[row * n + k]) * b[k * n + column];
            }
            EXPECT(std::abs(sum - c[row * n + column]) < 1e-4);
        }
    }
}

void sums() {
    auto in = numbers(512);
    Pointer from = upload(in), to = upload(numbers(2));
    OK(launch(function("planted_sums", "u64 u64"), 2, 1, 256, 1, 0, from, to));
    auto out = download<float>(to, 2);
    for (int block = 0; block < 2; ++block) {
        double sum = 0;
        for (int i = 0; i < 256; ++i) {
            sum += in[block * 256 + i];
        }
        EXPECT(std::abs(sum - out[block]) < 1e-4);
    }
}

void missing_barrier() {
    auto in = numbers(128);
    Pointer from = upload(in), to = upload(in);
    OK(launch(function("planted_missing_barrier", "u64 u64"), 2, 1, 64, 1, 0, from, to));
    auto out = download<float>(to, 128);
    for (int i = 1; i < 64; ++i) {
        EXPECT(out[i] == in[i - 1]);
    }
}

void out_of_bounds() {
    Pointer out = upload(numbers(64));
    OK(launch(function("planted_out_of_bounds", "u64 u32"), 2, 1, 64, 1, 0, out, 64));
    download<float>(out, 64);
}

void racing_blocks() {
    Pointer out = upload(numbers(1));
    OK(launch(function("planted_racing_blocks", "u64"), 8, 1, 32, 1, 0, out));
    std::printf("last block: %u\n", download<unsigned>(out, 1)[0]);
}

void absent_thread() {
    Pointer out = upload(numbers(64));
    OK(launch(function("planted_absent_thread", "u64"), 1, 1, 64, 1, 0, out));
    download<float>(out, 64);
}

void unwritten() {
    Pointer out = upload(numbers(64));
    void* kernel = function("planted_unwritten", "u64");
    for (int twice = 0; twice < 2; ++twice) {
        OK(launch(kernel, 3, 1, 32, 1, 128, out));
        for (float x : download<float>(out, 64)) {
            EXPECT(std::isnan(x));
        }
    }
    Pointer fresh = 0;
    OK(cuMemAlloc_v2(&fresh, 64));
    EXPECT(std::isnan(download<float>(fresh, 16)[5]));
}

void copies() {
    auto in = numbers(128);
    Pointer from = upload(in), to = upload(in);
    void* kernel = function("planted_copy", "u64 u64 u32");
    OK(launch(kernel, 1, 1, 32, 1, 512, from, to, 1));
    auto out = download<float>(to, 128);
    for (int i = 0; i < 128; ++i) {
        EXPECT(out[i] == (i < 64 ? in[i] : 0.0f));
    }
    OK(launch(kernel, 1, 1, 32, 1, 512, from, to, 0));
    EXPECT(std::isnan(download<float>(to, 128)[3]));
}

void mma() {
    auto a = numbers(16 * 8), b = numbers(8 * 8);
    Pointer da = upload(a), db = upload(b), dd = upload(a);
    OK(launch(function("planted_mma", "u64 u64 u64"), 1, 1, 32, 1, 0, da, db, dd));
    auto d = download<float>(dd, 16 * 8);
    for (int row = 0; row < 16; ++row) {
        for (int column = 0; column < 8; ++column) {
            double sum = 0;
            for (int k = 0; k < 8; ++k) {
                sum += double(a[row * 8 + k]) * b[k * 8 + column];
            }
            EXPECT(std::abs(sum - d[row * 8 + column]) < 4e-3);
        }
    }
}

void parameters() {
    void* loaded = nullptr;
    auto load = [&](const char* types) {
        return cuModuleLoadData(&loaded, ptx("8.0", "sm_75", "planted_increment", types).c_str());
    };
    OK(load("u64 u32"));
    EXPECT(load("u64 u64") == 218);
    EXPECT(load("u64") == 218);
    EXPECT(load("u64 u32 u32") == 218);
    EXPECT(cuModuleLoadData(&loaded, ptx("8.0", "sm_75", "planted_nothing", "u64").c_str()) == 218);
    EXPECT(cuModuleLoadData(&loaded, ptx("9.0", "sm_75", "planted_increment", "u64 u32").c_str()) == 222);
    EXPECT(cuModuleLoadData(&loaded, ptx("8.0", "sm_100", "planted_increment", "u64 u32").c_str()) == 218);
}

void limits() {
    Pointer out = upload(numbers(64));
    void* kernel = function("planted_increment", "u64 u32");
    EXPECT(launch(kernel, 1, 1, 1025, 1, 0, out, 64) != 0);
    EXPECT(launch(kernel, 1, 65536, 32, 1, 0, out, 64) != 0);
    EXPECT(launch(kernel, 1, 1, 32, 1, 49153, out, 64) != 0);
    OK(launch(kernel, 1, 1, 64, 1, 49152, out, 64));
}

void graph() {
    const unsigned n = 100;
    Pointer out = 0;
    OK(cuMemAlloc_v2(&out, n * 4));
    OK(cuMemsetD32_v2(out, 5, n));
    void *kernel = function("planted_increment", "u64 u32"), *recorded = nullptr, *ready = nullptr, *pinned = nullptr;
    OK(cuMemAllocHost_v2(&pinned, n * 4));
    OK(cuStreamBeginCapture_v2(stream, 2));
    OK(launch(kernel, 4, 1, 32, 1, 0, out, n));
    OK(launch(kernel, 4, 1, 32, 1, 0, out, n));
    OK(cuMemcpyDtoHAsync_v2(pinned, out, n * 4, stream));
    OK(cuStreamEndCapture(stream, &recorded));
    EXPECT(download<unsigned>(out, n)[0] == 5);
    OK(cuGraphInstantiateWithFlags(&ready, recorded, 0));
    OK(cuGraphDestroy(recorded));
    for (int i = 0; i < 3; ++i) {
        OK(cuGraphLaunch(ready, stream));
    }
    // Nobody has waited, so nothing has come.
    EXPECT(static_cast<unsigned*>(pinned)[n - 1] != 11);
    OK(cuStreamSynchronize(stream));
    EXPECT(static_cast<unsigned*>(pinned)[n - 1] == 11);
    // A wait ends a capture, with an error from there on.
    OK(cuStreamBeginCapture_v2(stream, 2));
    EXPECT(cuStreamSynchronize(stream) == 900);
    EXPECT(launch(kernel, 4, 1, 32, 1, 0, out, n) == 901);
    EXPECT(cuStreamEndCapture(stream, &recorded) == 901);
}

void stale() {
    Pointer out = upload(numbers(64));
    void* kernel = function("planted_increment", "u64 u32");
    OK(cuMemFree_v2(out));
    launch(kernel, 1, 1, 64, 1, 0, out, 64);
}

struct {
    const char* name;
    void (*run)();
} const CASES[] = {
    {"product", product}, {"sums", sums}, {"missing_barrier", missing_barrier},
    {"out_of_bounds", out_of_bounds}, {"racing_blocks", racing_blocks},
    {"absent_thread", absent_thread}, {"unwritten", unwritten}, {"copies", copies},
    {"mma", mma}, {"parameters", parameters}, {"limits", limits}, {"graph", graph},
    {"stale", stale},
};

}  // namespace

int main(int count, char** arguments) {
    void* context = nullptr;
    OK(cuInit(0));
    OK(cuDevicePrimaryCtxRetain(&context, 0));
    OK(cuCtxSetCurrent(context));
    OK(cuStreamCreate(&stream, 1));
    for (auto& one : CASES) {
        if (count == 2 && std::strcmp(arguments[1], one.name) == 0) {
            one.run();
            return 0;
        }
    }
    std::printf("no such case\n");
    return 2;
}
