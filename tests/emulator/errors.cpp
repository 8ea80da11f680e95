// The names of errors, and what the stand-in says of them beside.

#include <cstdarg>
#include <cstdio>

#include "driver.h"

namespace emu {

Result refuse(Result result, const char* format, ...) {
    std::fprintf(stderr, "emulated driver: error %d: ", int(result));
    va_list rest;
    va_start(rest, format);
    std::vfprintf(stderr, format, rest);
    va_end(rest);
    std::fprintf(stderr, "\n");
    return result;
}

}  // namespace emu

using namespace emu;

namespace {
struct Named {
    int code;
    const char *name, *text;
};
const Named NAMES[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "capture was not initiated in this stream"},
    {CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event last recorded in a capturing stream"},
};
const Named* named(int code) {
    for (const Named& entry : NAMES) {
        if (entry.code == code) {
            return &entry;
        }
    }
    return nullptr;
}
}  // namespace

EMU_API int cuGetErrorName(int code, const char** to) {
    const Named* entry = named(code);
    *to = entry == nullptr ? nullptr : entry->name;
    return entry == nullptr ? INVALID_VALUE : SUCCESS;
}
EMU_API int cuGetErrorString(int code, const char** to) {
    const Named* entry = named(code);
    *to = entry == nullptr ? nullptr : entry->text;
    return entry == nullptr ? INVALID_VALUE : SUCCESS;
}
