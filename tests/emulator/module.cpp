// Modules: what the PTX says is checked against the kernels compiled in; what runs is those.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <sstream>

#include "driver.h"

namespace emu {
namespace {

std::set<Module*> modules;

const Kernel* find(const std::string& name) {
    for (Registered* entry = registered; entry != nullptr; entry = entry->next) {
        if (name == entry->kernel.name) {
            return &entry->kernel;
        }
    }
    return nullptr;
}

// The text without comments.
std::string uncommented(const char* text) {
    std::string out;
    for (const char* at = text; *at != 0;) {
        if (at[0] == '/' && at[1] == '/') {
            while (*at != 0 && *at != '\n') {
                ++at;
            }
        } else if (at[0] == '/' && at[1] == '*') {
            const char* end = std::strstr(at + 2, "*/");
            at = end == nullptr ? at + std::strlen(at) : end + 2;
        } else {
            out += *at++;
        }
    }
    return out;
}

// The word behind `key`, up to white space or one of `until`.
std::string word_after(const std::string& text, const char* key, const char* until) {
    size_t at = text.find(key);
    if (at == std::string::npos) {
        return "";
    }
    at = text.find_first_not_of(" \t\n\r", at + std::strlen(key));
    size_t end = text.find_first_of(std::string(" \t\n\r") + until, at);
    return at == std::string::npos ? "" : text.substr(at, end - at);
}

unsigned type_size(const std::string& type) {
    size_t digits = type.find_first_of("0123456789");
    return digits == std::string::npos ? 0 : std::atoi(type.c_str() + digits) / 8;
}

struct Declared {
    unsigned size = 0, align = 0;
};

// `.align 8 .b8 name[24]` or `.u64 name`, which may be `.u64 .ptr .global .align 4 name`.
Declared declaration(const std::string& text) {
    Declared is;
    unsigned element = 0;
    std::istringstream words(text);
    std::string word, last;
    while (words >> word) {
        if (word == ".align") {
            words >> is.align;
        } else if (element == 0 && word[0] == '.' && type_size(word) != 0) {
            element = type_size(word);
        } else if (word == ".ptr") {
            is.align = element;
            break;
        }
        last = word;
    }
    size_t bracket = text.find('[');
    unsigned length = bracket == std::string::npos ? 1 : std::atoi(text.c_str() + bracket + 1);
    is.size = element * length;
    is.align = is.align == 0 ? element : is.align;
    return is;
}

Result check_parameters(const Kernel& kernel, const std::string& list) {
    std::vector<Declared> declared;
    for (size_t at = list.find(".param"); at != std::string::npos;) {
        size_t end = list.find(".param", at + 1);
        declared.push_back(declaration(list.substr(at + 6, end == std::string::npos ? end : end - at - 6)));
        at = end;
    }
    if (declared.size() != kernel.count) {
        return refuse(INVALID_PTX, "%s takes %zu parameters in the PTX and %u in %s; the PTX is not of this source",
                      kernel.name, declared.size(), kernel.count, kernel.file);
    }
    for (unsigned i = 0; i < kernel.count; ++i) {
        const Parameter& ours = kernel.parameters[i];
        if (declared[i].size != ours.size || declared[i].align != ours.align) {
            return refuse(INVALID_PTX,
                          "parameter %u of %s has %u bytes, aligned to %u, in the PTX, and %u, aligned to %u, in %s",
                          i, kernel.name, declared[i].size, declared[i].align, ours.size, ours.align, kernel.file);
        }
    }
    return SUCCESS;
}

// The bytes of shared memory declared in `text`, each piece where its alignment puts it.
size_t shared_bytes(const std::string& text) {
    size_t bytes = 0;
    for (size_t at = text.find(".shared .align"); at != std::string::npos; at = text.find(".shared .align", at + 1)) {
        if (at >= 8 && text.compare(at - 8, 8, ".extern ") == 0) {
            continue;
        }
        Declared is = declaration(text.substr(at + 7, text.find(';', at) - at - 7));
        bytes = (bytes + is.align - 1) / is.align * is.align + is.size;
    }
    return bytes;
}

Result read_entry(const std::string& text, size_t at, Module& module) {
    size_t open = text.find('(', at), close = text.find(')', open), body = text.find('{', close);
    size_t end = text.find(".entry", body);
    if (open == std::string::npos || close == std::string::npos || body == std::string::npos) {
        return refuse(INVALID_PTX, "an .entry without parameters or body");
    }
    Function function;
    std::istringstream(text.substr(at + 6, open - at - 6)) >> function.name;
    function.kernel = find(function.name);
    if (function.kernel == nullptr) {
        return refuse(INVALID_PTX, "the PTX has a kernel %s, but no source compiled into the emulator has",
                      function.name.c_str());
    }
    Result result = check_parameters(*function.kernel, text.substr(open, close - open));
    if (result != SUCCESS) {
        return result;
    }
    std::string directives = text.substr(close, body - close);
    size_t bound = directives.find(".maxntid");
    if (bound != std::string::npos) {
        unsigned x = 1, y = 1, z = 1;
        std::sscanf(directives.c_str() + bound, ".maxntid %u , %u , %u", &x, &y, &z);
        function.most_threads = x * y * z;
    }
    function.shared = shared_bytes(text.substr(body, end == std::string::npos ? end : end - body));
    if (function.shared > 48 << 10) {
        return refuse(INVALID_PTX, "%s declares %zu bytes of shared memory; 49152 are allowed",
                      function.name.c_str(), function.shared);
    }
    function.dynamic = (48 << 10) - function.shared;
    module.functions[function.name] = function;
    return SUCCESS;
}

Result read(const char* image, Module& module) {
    std::string text = uncommented(image);
    int major = 0, minor = 0, target = 0;
    std::sscanf(word_after(text, ".version", ",").c_str(), "%d.%d", &major, &minor);
    std::sscanf(word_after(text, ".target", ",").c_str(), "sm_%d", &target);
    if (major == 0 || target == 0) {
        return refuse(INVALID_PTX, "what was loaded is no PTX: no .version or .target");
    }
    // CUDA 11.N reads ISA 7.N, 12.N reads 8.N.
    int newest = (settings().driver / 1000 - 4) * 10 + settings().driver % 1000 / 10;
    if (major * 10 + minor > newest) {
        return refuse(UNSUPPORTED_PTX_VERSION, "PTX ISA %d.%d is newer than driver %d reads", major, minor,
                      settings().driver);
    }
    if (target > settings().capability) {
        return refuse(INVALID_PTX, "PTX for sm_%d on a device of capability %d", target, settings().capability);
    }
    for (size_t at = text.find(".entry"); at != std::string::npos; at = text.find(".entry", at + 1)) {
        Result result = read_entry(text, at, module);
        if (result != SUCCESS) {
            return result;
        }
    }
    for (auto& [name, function] : module.functions) {
        function.ptx = major * 10 + minor;
    }
    return SUCCESS;
}

size_t most_dynamic() {
    return settings().capability >= 90 ? 227 << 10 : settings().capability >= 80 ? 163 << 10 : 64 << 10;
}

// What a launch was given, kept until it runs.
struct Kept {
    Launch launch;
    std::vector<std::vector<unsigned char>> values;
    std::vector<void*> arguments;
};

void check_pointers(const Kept& kept) {
    const Kernel& kernel = *kept.launch.kernel;
    for (unsigned i = 0; i < kernel.count; ++i) {
        Pointer at = 0;
        if (kernel.parameters[i].pointer) {
            std::memcpy(&at, kept.arguments[i], sizeof at);
        }
        if (at != 0 && !on_device(at)) {
            fail("%s (%s): parameter %u is %#llx, which is no memory of the device (freed, or the host's)",
                 kernel.name, kernel.file, i, at);
        }
    }
}

Result launch(Function* function, Dim grid, Dim block, unsigned shared, Stream* stream, void** arguments) {
    const Kernel& kernel = *function->kernel;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || block.x == 0 || block.y == 0 || block.z == 0 ||
        grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535 || block.x > 1024 || block.y > 1024 ||
        block.z > 64 || block.volume() > 1024 || block.volume() > function->most_threads) {
        return refuse(INVALID_VALUE, "%s: no grid of (%u, %u, %u) blocks of (%u, %u, %u) threads (at most %u)",
                      kernel.name, grid.x, grid.y, grid.z, block.x, block.y, block.z, function->most_threads);
    }
    if (shared > function->dynamic) {
        return refuse(INVALID_VALUE, "%s: %u bytes of dynamic shared memory beside %zu; %zu are allowed",
                      kernel.name, shared, function->shared, function->dynamic);
    }
    auto kept = std::make_shared<Kept>();
    for (unsigned i = 0; i < kernel.count; ++i) {
        auto from = static_cast<unsigned char*>(arguments[i]);
        kept->values.emplace_back(from, from + kernel.parameters[i].size);
    }
    for (auto& value : kept->values) {
        kept->arguments.push_back(value.data());
    }
    kept->launch = {&kernel, grid, block, shared, kept->arguments.data()};
    check_pointers(*kept);
    return submit(stream, [kept] {
        check_pointers(*kept);
        run(kept->launch);
    });
}

}  // namespace
}  // namespace emu

using namespace emu;

EMU_API int cuModuleLoadData(Module** to, const void* image) {
    std::lock_guard guard(lock());
    Result result = forbidden("cuModuleLoadData", false);
    auto module = std::make_unique<Module>();
    result = result == SUCCESS ? read(static_cast<const char*>(image), *module) : result;
    if (result == SUCCESS) {
        *to = module.release();
        modules.insert(*to);
    }
    return result;
}

EMU_API int cuModuleLoadDataEx(Module** to, const void* image, unsigned, int*, void**) {
    return cuModuleLoadData(to, image);
}

EMU_API int cuModuleUnload(Module* module) {
    std::lock_guard guard(lock());
    drain();
    if (modules.erase(module) == 0) {
        return INVALID_HANDLE;
    }
    delete module;
    return SUCCESS;
}

EMU_API int cuModuleGetFunction(Function** to, Module* module, const char* name) {
    std::lock_guard guard(lock());
    if (modules.count(module) == 0) {
        return INVALID_HANDLE;
    }
    auto found = module->functions.find(name);
    if (found == module->functions.end()) {
        return NOT_FOUND;
    }
    *to = &found->second;
    return SUCCESS;
}

EMU_API int cuFuncGetAttribute(int* to, int attribute, Function* function) {
    std::lock_guard guard(lock());
    switch (attribute) {
        case 0: *to = function->most_threads; break;
        case 1: *to = function->shared; break;
        case 2: case 3: *to = 0; break;
        case 4: *to = 64; break;
        case 5: *to = function->ptx; break;
        case 6: *to = settings().capability; break;
        case 8: *to = function->dynamic; break;
        default: *to = 0; return attribute < 16 ? SUCCESS : INVALID_VALUE;
    }
    return SUCCESS;
}

EMU_API int cuFuncSetAttribute(Function* function, int attribute, int value) {
    std::lock_guard guard(lock());
    if (attribute == 9) {
        return SUCCESS;
    }
    if (attribute != 8 || value < 0 || value + function->shared > most_dynamic()) {
        return refuse(INVALID_VALUE, "%s: attribute %d to %d; the device has %zu bytes of shared memory for a block",
                      function->name.c_str(), attribute, value, most_dynamic());
    }
    function->dynamic = value;
    return SUCCESS;
}

EMU_API int cuFuncSetCacheConfig(Function*, int) { return SUCCESS; }

EMU_API int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* to, Function* function, int threads,
                                                                 size_t dynamic, unsigned) {
    std::lock_guard guard(lock());
    if (threads <= 0 || unsigned(threads) > function->most_threads) {
        return INVALID_VALUE;
    }
    size_t shared = function->shared + dynamic + 1024;
    size_t blocks = std::min<size_t>({32, 2048 / size_t(threads), (most_dynamic() + 1024) / shared});
    *to = blocks;
    return SUCCESS;
}

EMU_API int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* to, Function* function, int threads, size_t dynamic) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(to, function, threads, dynamic, 0);
}

EMU_API int cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                           unsigned bz, unsigned shared, Stream* stream, void** arguments, void** extra) {
    std::lock_guard guard(lock());
    if (function == nullptr || extra != nullptr || (arguments == nullptr && function->kernel->count > 0)) {
        return INVALID_VALUE;
    }
    return launch(function, {gx, gy, gz}, {bx, by, bz}, shared, stream, arguments);
}
