// The stand-in driver's own types, shared by libcuda.cpp and module.cpp.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "runtime.h"

#define EMU_API extern "C" __attribute__((visibility("default")))

namespace emu {

// CUresult, as far as it occurs here.
enum Result : int {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    INVALID_PTX = 218,
    UNSUPPORTED_PTX_VERSION = 222,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_OUT_OF_RESOURCES = 701,
    NOT_SUPPORTED = 801,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    CAPTURE_UNMATCHED = 903,
    CAPTURE_IMPLICIT = 906,
    CAPTURED_EVENT = 907,
};

using Pointer = unsigned long long;

struct Function {
    const Kernel* kernel;
    std::string name;
    unsigned most_threads = 1024;
    size_t shared = 0;          // declared in the kernel
    size_t dynamic = 48 << 10;  // allowed at launch
    int ptx = 80;
};

struct Module {
    std::map<std::string, Function> functions;
};

using Work = std::function<void()>;

enum class Capture { None, Active, Invalid };

struct Stream {
    bool blocking = true;
    Capture capture = Capture::None;
    int mode = 0;
    std::vector<Work> captured;
};

// One lock for all of the driver: calls may come from any thread.
std::recursive_mutex& lock();

// What the environment makes of the device.
struct Settings {
    int capability, driver, devices;
};
const Settings& settings();

// Says why a call is refused, which the real driver keeps to itself.
__attribute__((format(printf, 2, 3))) Result refuse(Result result, const char* format, ...);

// Whether the handle is a stream; null and the reserved ones become the default stream.
bool valid(Stream*& stream);
// Puts work at the end of a stream, or into the graph that it captures.
Result submit(Stream* stream, Work work);
// Runs all that was submitted.
void drain();
// An error, and an end of the capture, where the stream is captured.
Result no_capture(const char* call, Stream* stream);
// Whether a capture forbids this call; `implicit` where the call would use the default stream.
Result forbidden(const char* call, bool implicit);

// cuInit was called.
extern bool initialised;

// Whether the address lies in (or just behind) memory that kernels may use.
bool on_device(Pointer at);

}  // namespace emu
