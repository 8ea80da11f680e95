// The memory that a block shares: what its kernel declares, and what the launch adds.

#include <algorithm>
#include <cstdlib>
#include <link.h>
#include <mutex>
#include <sys/mman.h>

#include "scheduler.h"

#ifdef EMU_THREAD
// Made for the heaps of virtual machines, which also use memory anew.
extern "C" {
void __tsan_java_init(unsigned long heap, unsigned long bytes);
void __tsan_java_alloc(unsigned long at, unsigned long bytes);
void __tsan_java_free(unsigned long at, unsigned long bytes);
}
#endif

namespace emu {
namespace {

constexpr size_t PAGE = 4096;

// What kernels declare is thread-local (emulator.h), and this is all that else is.
thread_local char anchor;

// Not an assignment: the compiler would see that nobody reads it.
void anchor_of_library() { asm volatile("" : : "r"(&anchor) : "memory"); }

[[maybe_unused]] size_t pages(size_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

// Poison, and nobody has written it yet.
void clean(char* at, size_t size) {
    if (size == 0) {
        return;
    }
    poison(at, size);
#ifdef EMU_THREAD
    auto from = reinterpret_cast<uintptr_t>(at) & ~uintptr_t(7);
    size_t whole = (reinterpret_cast<uintptr_t>(at) + size + 7 - from) & ~size_t(7);
    static std::once_flag once;
    std::call_once(once, [] { __tsan_java_init(8, 1ul << 47); });
    __tsan_java_free(from, whole);
    __tsan_java_alloc(from, whole);
#endif
}

}  // namespace

Shared::Range Shared::declared() {
    anchor_of_library();
    Range range{nullptr, 0};
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* to) {
            auto own = reinterpret_cast<uintptr_t>(&anchor_of_library);
            bool ours = false;
            const ElfW(Phdr)* local = nullptr;
            for (int i = 0; i < info->dlpi_phnum; ++i) {
                const ElfW(Phdr)& part = info->dlpi_phdr[i];
                uintptr_t start = info->dlpi_addr + part.p_vaddr;
                ours |= part.p_type == PT_LOAD && own >= start && own < start + part.p_memsz;
                local = part.p_type == PT_TLS ? &part : local;
            }
            if (ours && local != nullptr && info->dlpi_tls_data != nullptr) {
                *static_cast<Range*>(to) = {static_cast<char*>(info->dlpi_tls_data),
                                            local->p_memsz};
            }
            return int(ours);
        },
        &range);
    return range;
}

void Shared::begin(const Kernel* of, size_t dynamic_bytes) {
#ifndef EMU_ADDRESS
    Range now = declared();
    if (now.low != variables.low) {
        variables = now;
        clean(variables.low, variables.size);
    }
#endif
    if (kernel != of) {
        kernel = of;
        low = high = 0;
        has_none = false;
    }
    bytes = dynamic_bytes;
    emu_shared = dynamic = nullptr;
    if (bytes == 0) {
        return;
    }
#ifdef EMU_ADDRESS
    if (posix_memalign(reinterpret_cast<void**>(&dynamic), 16, bytes) != 0) {
        std::abort();
    }
#else
    size_t room = pages(bytes);
    auto at = static_cast<char*>(mmap(nullptr, room + PAGE, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (at == MAP_FAILED || mprotect(at + room, PAGE, PROT_NONE) != 0) {
        std::abort();
    }
    dynamic = at + room - (bytes + 15) / 16 * 16;
#endif
    emu_shared = dynamic;
}

void Shared::before_block() {
    clean(dynamic, bytes);
    clean(variables.low + low, high - low);
}

void Shared::look() {
    size_t from = 0, to = variables.size;
    auto dirty = [&](size_t i) {
        return static_cast<unsigned char>(variables.low[i]) != POISON;
    };
    while (from < to && !dirty(from)) {
        ++from;
    }
    while (to > from && !dirty(to - 1)) {
        --to;
    }
    if (from < to) {
        low = high == 0 ? from & ~size_t(7) : std::min(low, from & ~size_t(7));
        high = std::max(high, std::min(variables.size, (to + 7) & ~size_t(7)));
    }
}

// The first block of a launch may end before it uses any, or use less than a later one. What is
// not known by then is not clean for the next block, which ThreadSanitizer takes for a race.
void Shared::after_block(bool is_first) {
#ifdef EMU_THREAD
    is_first = true;
#endif
    if (is_first || (high == 0 && !has_none)) {
        look();
    }
}

void Shared::end() {
    look();
    has_none = high == 0;
    clean(variables.low + low, high - low);
    if (bytes == 0) {
        return;
    }
#ifdef EMU_ADDRESS
    std::free(dynamic);
#else
    size_t room = pages(bytes);
    munmap(dynamic + (bytes + 15) / 16 * 16 - room, room + PAGE);
#endif
}

}  // namespace emu
