// A stand-in for the driver, libcuda.so.1: the part of its interface that cudarc's
// `driver::result` calls. Kernels run on the CPU (scheduler.cpp).
//
// What is asynchronous waits here too: work runs when something synchronises, so that
// what is read too early is seen to be old. Memory that the real driver would leave
// undefined holds POISON.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <pthread.h>

#include "driver.h"

namespace emu {
namespace {

struct Context {
    int retained = 0;
} context;

std::map<Pointer, size_t> device_memory, host_memory;
size_t in_use;
constexpr size_t TOTAL = size_t(8) << 30;

int number(const char* name, int otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoi(text);
}

bool within(const std::map<Pointer, size_t>& memory, Pointer at, size_t bytes) {
    auto next = memory.upper_bound(at);
    if (next == memory.begin()) {
        return false;
    }
    --next;
    return at + bytes <= next->first + next->second;
}

// The memory that a copy or fill touches; null where it is all right.
Result check(const char* call, Pointer at, size_t bytes) {
    if (within(device_memory, at, bytes) || within(host_memory, at, bytes)) {
        return SUCCESS;
    }
    return refuse(INVALID_VALUE, "%s: %zu bytes at %#llx are not all memory of the device", call, bytes, at);
}

}  // namespace

bool initialised;

std::recursive_mutex& lock() {
    static std::recursive_mutex one;
    return one;
}

const Settings& settings() {
    static const Settings settings{number("EMU_CAPABILITY", 90), number("EMU_DRIVER", 12000),
                                   number("EMU_DEVICES", 1)};
    return settings;
}

bool on_device(Pointer at) { return within(device_memory, at, 0) || within(host_memory, at, 0); }

namespace {

Result allocate(std::map<Pointer, size_t>& memory, size_t bytes, Pointer* to) {
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    void* at = nullptr;
    if (in_use + bytes > TOTAL || posix_memalign(&at, 512, bytes) != 0) {
        return OUT_OF_MEMORY;
    }
    poison(at, bytes);
    *to = reinterpret_cast<Pointer>(at);
    memory[*to] = bytes;
    in_use += bytes;
    return SUCCESS;
}

Result release(std::map<Pointer, size_t>& memory, Pointer at) {
    drain();
    auto found = memory.find(at);
    if (at == 0 || found == memory.end()) {
        return at == 0 ? SUCCESS : refuse(INVALID_VALUE, "%#llx is freed, but was not allocated", at);
    }
    in_use -= found->second;
    memory.erase(found);
    std::free(reinterpret_cast<void*>(at));
    return SUCCESS;
}

pthread_key_t current() {
    static pthread_key_t key = [] {
        pthread_key_t made;
        pthread_key_create(&made, nullptr);
        return made;
    }();
    return key;
}

Result has_context() { return pthread_getspecific(current()) != nullptr ? SUCCESS : INVALID_CONTEXT; }

void* pointer(Pointer at) { return reinterpret_cast<void*>(at); }
Pointer address(const void* at) { return reinterpret_cast<Pointer>(at); }

Result upload(const char* call, Pointer to, const void* from, size_t bytes, Stream* stream) {
    Result result = valid(stream) ? check(call, to, bytes) : INVALID_HANDLE;
    if (result != SUCCESS || bytes == 0) {
        return result;
    }
    if (within(host_memory, address(from), bytes)) {
        return submit(stream, [=] { std::memcpy(pointer(to), from, bytes); });
    }
    if (stream->capture != Capture::None) {
        stream->capture = Capture::Invalid;
        return refuse(CAPTURE_UNSUPPORTED, "%s from pageable memory in a capture", call);
    }
    auto first = static_cast<const unsigned char*>(from);
    auto kept = std::make_shared<std::vector<unsigned char>>(first, first + bytes);
    return submit(stream, [=] { std::memcpy(pointer(to), kept->data(), bytes); });
}

Result download(const char* call, void* to, Pointer from, size_t bytes, Stream* stream) {
    Result result = valid(stream) ? check(call, from, bytes) : INVALID_HANDLE;
    if (result != SUCCESS || bytes == 0) {
        return result;
    }
    bool pinned = within(host_memory, address(to), bytes);
    if (!pinned && stream->capture != Capture::None) {
        stream->capture = Capture::Invalid;
        return refuse(CAPTURE_UNSUPPORTED, "%s to pageable memory in a capture", call);
    }
    if (stream->capture == Capture::None) {
        poison(to, bytes);
    }
    result = submit(stream, [=] { std::memcpy(to, pointer(from), bytes); });
    if (!pinned) {
        drain();
    }
    return result;
}

template <typename T>
Result fill(const char* call, Pointer to, T value, size_t count, Stream* stream) {
    Result result = check(call, to, count * sizeof(T));
    if (result != SUCCESS || to % sizeof(T) != 0) {
        return result != SUCCESS ? result : INVALID_VALUE;
    }
    return submit(stream, [=] {
        auto at = static_cast<T*>(pointer(to));
        for (size_t i = 0; i < count; ++i) {
            at[i] = value;
        }
    });
}

// A call without a stream: nothing of it is left to do when it returns.
template <typename Call>
Result at_once(const char* call, Call does) {
    Result result = forbidden(call, true);
    result = result == SUCCESS ? does() : result;
    drain();
    return result;
}

}  // namespace
}  // namespace emu

using namespace emu;
#define LOCKED std::lock_guard<std::recursive_mutex> guard(lock())

EMU_API int cuInit(unsigned) {
    LOCKED;
    if (settings().devices == 0) {
        return NO_DEVICE;
    }
    initialised = true;
    return SUCCESS;
}
EMU_API int cuDriverGetVersion(int* to) {
    *to = settings().driver;
    return SUCCESS;
}

EMU_API int cuDeviceGetCount(int* to) {
    *to = settings().devices;
    return initialised ? SUCCESS : NOT_INITIALIZED;
}
EMU_API int cuDeviceGet(int* to, int ordinal) {
    *to = ordinal;
    return ordinal >= 0 && ordinal < settings().devices ? SUCCESS : INVALID_DEVICE;
}
EMU_API int cuDeviceGetName(char* to, int length, int) {
    std::snprintf(to, length, "Emulated device, capability %d.%d", settings().capability / 10,
                  settings().capability % 10);
    return SUCCESS;
}
EMU_API int cuDeviceTotalMem_v2(size_t* to, int) {
    *to = TOTAL;
    return SUCCESS;
}
EMU_API int cuDeviceGetUuid(unsigned char* to, int device) {
    std::memset(to, 0xe0 + device, 16);
    return SUCCESS;
}
EMU_API int cuDeviceGetUuid_v2(unsigned char* to, int device) { return cuDeviceGetUuid(to, device); }

EMU_API int cuDeviceGetAttribute(int* to, int attribute, int) {
    int capability = settings().capability;
    int optin = capability >= 90 ? 227 << 10 : capability >= 80 ? 163 << 10 : 64 << 10;
    switch (attribute) {
        case 1: case 2: case 3: *to = 1024; break;
        case 4: *to = 64; break;
        case 5: *to = 0x7fffffff; break;
        case 6: case 7: *to = 65535; break;
        case 8: *to = 48 << 10; break;
        case 9: *to = 64 << 10; break;
        case 10: *to = 32; break;
        case 12: case 82: *to = 65536; break;
        case 13: case 36: *to = 1000000; break;
        case 14: *to = 512; break;
        case 16: *to = 8; break;
        case 37: *to = 1024; break;
        case 38: *to = 32 << 20; break;
        case 39: *to = capability == 75 ? 1024 : 2048; break;
        case 75: *to = capability / 10; break;
        case 76: *to = capability % 10; break;
        case 81: *to = optin + 1024; break;
        case 97: *to = optin; break;
        case 106: *to = capability == 75 ? 16 : 32; break;
        case 111: *to = 1024; break;
        // Held so on real devices: maps host memory, concurrent kernels, one address space.
        case 15: case 19: case 31: case 40: case 41: case 78: case 90: *to = 1; break;
        default: *to = 0; break;
    }
    return attribute > 0 && attribute < 140 ? SUCCESS : INVALID_VALUE;
}

EMU_API int cuDevicePrimaryCtxRetain(Context** to, int device) {
    LOCKED;
    if (device < 0 || device >= settings().devices) {
        return INVALID_DEVICE;
    }
    ++context.retained;
    *to = &context;
    return initialised ? SUCCESS : NOT_INITIALIZED;
}
EMU_API int cuDevicePrimaryCtxRelease_v2(int) {
    LOCKED;
    drain();
    return context.retained-- > 0 ? SUCCESS : INVALID_CONTEXT;
}
EMU_API int cuDevicePrimaryCtxSetFlags_v2(int, unsigned) { return SUCCESS; }
EMU_API int cuDevicePrimaryCtxGetState(int, unsigned* flags, int* active) {
    LOCKED;
    *flags = 0;
    *active = context.retained > 0;
    return SUCCESS;
}
EMU_API int cuCtxSetCurrent(Context* to) {
    pthread_setspecific(current(), to);
    return to == nullptr || to == &context ? SUCCESS : INVALID_CONTEXT;
}
EMU_API int cuCtxGetCurrent(Context** to) {
    *to = static_cast<Context*>(pthread_getspecific(current()));
    return SUCCESS;
}
EMU_API int cuCtxGetDevice(int* to) {
    *to = 0;
    return pthread_getspecific(current()) != nullptr ? SUCCESS : INVALID_CONTEXT;
}
EMU_API int cuCtxSetFlags(unsigned) { return SUCCESS; }
EMU_API int cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    *least = 0;
    *greatest = -5;
    return SUCCESS;
}

EMU_API int cuMemGetInfo_v2(size_t* left, size_t* total) {
    LOCKED;
    *left = TOTAL - in_use;
    *total = TOTAL;
    return has_context();
}
EMU_API int cuMemAlloc_v2(Pointer* to, size_t bytes) {
    LOCKED;
    Result result = forbidden("cuMemAlloc", false);
    result = result == SUCCESS ? has_context() : result;
    return result == SUCCESS ? allocate(device_memory, bytes, to) : result;
}
EMU_API int cuMemFree_v2(Pointer at) {
    LOCKED;
    Result result = forbidden("cuMemFree", false);
    return result == SUCCESS ? release(device_memory, at) : result;
}
EMU_API int cuMemAllocAsync(Pointer* to, size_t bytes, Stream* stream) {
    LOCKED;
    if (!valid(stream)) {
        return INVALID_HANDLE;
    }
    if (stream->capture != Capture::None) {
        return refuse(NOT_SUPPORTED, "cuMemAllocAsync in a capture is not emulated");
    }
    return allocate(device_memory, bytes, to);
}
EMU_API int cuMemFreeAsync(Pointer at, Stream* stream) {
    LOCKED;
    if (!valid(stream)) {
        return INVALID_HANDLE;
    }
    if (stream->capture != Capture::None) {
        return refuse(NOT_SUPPORTED, "cuMemFreeAsync in a capture is not emulated");
    }
    return release(device_memory, at);
}
EMU_API int cuMemHostAlloc(void** to, size_t bytes, unsigned) {
    LOCKED;
    Result result = forbidden("cuMemHostAlloc", false);
    Pointer at = 0;
    result = result == SUCCESS ? allocate(host_memory, bytes, &at) : result;
    *to = pointer(at);
    return result;
}
EMU_API int cuMemAllocHost_v2(void** to, size_t bytes) { return cuMemHostAlloc(to, bytes, 0); }
EMU_API int cuMemFreeHost(void* at) {
    LOCKED;
    Result result = forbidden("cuMemFreeHost", false);
    return result == SUCCESS ? release(host_memory, address(at)) : result;
}
EMU_API int cuMemHostGetDevicePointer_v2(Pointer* to, void* at, unsigned) {
    *to = address(at);
    return SUCCESS;
}

EMU_API int cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, Stream* stream) {
    LOCKED;
    return upload("cuMemcpyHtoDAsync", to, from, bytes, stream);
}
EMU_API int cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, Stream* stream) {
    LOCKED;
    return download("cuMemcpyDtoHAsync", to, from, bytes, stream);
}
EMU_API int cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, Stream* stream) {
    LOCKED;
    Result result = check("cuMemcpyDtoDAsync", to, bytes);
    result = result == SUCCESS ? check("cuMemcpyDtoDAsync", from, bytes) : result;
    if (result != SUCCESS || bytes == 0) {
        return result;
    }
    if (to < from + bytes && from < to + bytes) {
        return refuse(INVALID_VALUE, "cuMemcpyDtoDAsync: source and target overlap");
    }
    return submit(stream, [=] { std::memcpy(pointer(to), pointer(from), bytes); });
}
EMU_API int cuMemcpyHtoD_v2(Pointer to, const void* from, size_t bytes) {
    LOCKED;
    return at_once("cuMemcpyHtoD", [&] { return upload("cuMemcpyHtoD", to, from, bytes, nullptr); });
}
EMU_API int cuMemcpyDtoH_v2(void* to, Pointer from, size_t bytes) {
    LOCKED;
    return at_once("cuMemcpyDtoH", [&] { return download("cuMemcpyDtoH", to, from, bytes, nullptr); });
}
EMU_API int cuMemcpyDtoD_v2(Pointer to, Pointer from, size_t bytes) {
    LOCKED;
    return at_once("cuMemcpyDtoD", [&] { return Result(cuMemcpyDtoDAsync_v2(to, from, bytes, nullptr)); });
}
EMU_API int cuMemsetD8Async(Pointer to, unsigned char value, size_t count, Stream* stream) {
    LOCKED;
    return fill("cuMemsetD8Async", to, value, count, stream);
}
EMU_API int cuMemsetD16Async(Pointer to, unsigned short value, size_t count, Stream* stream) {
    LOCKED;
    return fill("cuMemsetD16Async", to, value, count, stream);
}
EMU_API int cuMemsetD32Async(Pointer to, unsigned value, size_t count, Stream* stream) {
    LOCKED;
    return fill("cuMemsetD32Async", to, value, count, stream);
}
EMU_API int cuMemsetD8_v2(Pointer to, unsigned char value, size_t count) {
    LOCKED;
    return at_once("cuMemsetD8", [&] { return fill("cuMemsetD8", to, value, count, nullptr); });
}
EMU_API int cuMemsetD16_v2(Pointer to, unsigned short value, size_t count) {
    LOCKED;
    return at_once("cuMemsetD16", [&] { return fill("cuMemsetD16", to, value, count, nullptr); });
}
EMU_API int cuMemsetD32_v2(Pointer to, unsigned value, size_t count) {
    LOCKED;
    return at_once("cuMemsetD32", [&] { return fill("cuMemsetD32", to, value, count, nullptr); });
}
