// Stacks to change between, announced to the sanitizer in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>

#if defined(EMU_THREAD)
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_set_fiber_name(void* fiber, const char* name);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* at);
void __tsan_release(void* at);
}
#elif defined(EMU_ADDRESS)
extern "C" {
void __sanitizer_start_switch_fiber(void** save, const void* bottom, size_t size);
void __sanitizer_finish_switch_fiber(void* save, const void** bottom, size_t* size);
}
#endif

#ifndef __x86_64__
#include <ucontext.h>
#endif

#include <sys/mman.h>

namespace emu {

// A stack, or the one the process came with.
struct Fiber {
    void* sp = nullptr;
    char* low = nullptr;
    size_t size = 0;
    void* mark = nullptr;  // the sanitizer's

    static constexpr size_t SIZE = 256 << 10;

    // Neighbouring stacks would use the same sets of the caches, as all start at a
    // multiple of a page; so each starts a little lower than the one before.
    void allocate(unsigned number) {
        size_t page = 4096, whole = SIZE + page;
        void* at = mmap(nullptr, whole, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED || mprotect(at, page, PROT_NONE) != 0) {
            __builtin_trap();
        }
        low = static_cast<char*>(at) + page;
        size = SIZE - (number % 61) * 192;
#if defined(EMU_THREAD)
        mark = __tsan_create_fiber(0);
        char name[32];
        std::snprintf(name, sizeof name, "CUDA thread %u", number);
        __tsan_set_fiber_name(mark, name);
#endif
    }
};

#ifdef __x86_64__

extern "C" void emu_switch(void** save, void* to);
asm(R"(
    .text
    .p2align 4
    .hidden emu_switch
    .globl emu_switch
    .type emu_switch, @function
emu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size emu_switch, .-emu_switch
)");

inline void prepare(Fiber& fiber, void (*entry)()) {
    auto top = reinterpret_cast<uintptr_t>(fiber.low + fiber.size) & ~uintptr_t(15);
    auto words = reinterpret_cast<uint64_t*>(top) - 8;
    for (int word = 0; word < 8; ++word) {
        words[word] = 0;  // the last is where a backtrace ends
    }
    words[6] = reinterpret_cast<uint64_t>(entry);
    fiber.sp = words;
}

#else

inline void emu_switch(void** save, void* to) {
    ucontext_t here;
    *save = &here;
    swapcontext(&here, static_cast<ucontext_t*>(to));
}

inline void prepare(Fiber& fiber, void (*entry)()) {
    auto context = reinterpret_cast<ucontext_t*>(fiber.low);
    getcontext(context);
    context->uc_stack.ss_sp = fiber.low + sizeof(ucontext_t);
    context->uc_stack.ss_size = fiber.size - sizeof(ucontext_t);
    context->uc_link = nullptr;
    makecontext(context, entry, 0);
    fiber.sp = context;
}

#endif

// To be called first on a stack that `transfer` came to.
inline void arrive([[maybe_unused]] Fiber& here, [[maybe_unused]] Fiber* process) {
#if defined(EMU_ADDRESS)
    const void* bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(here.mark, &bottom, &size);
    if (process != nullptr && process->low == nullptr) {
        process->low = static_cast<char*>(const_cast<void*>(bottom));
        process->size = size;
    }
#endif
}

inline void transfer(Fiber& from, Fiber& to) {
#if defined(EMU_THREAD)
    __tsan_switch_to_fiber(to.mark, 1);
#elif defined(EMU_ADDRESS)
    __sanitizer_start_switch_fiber(&from.mark, to.low, to.size);
#endif
    emu_switch(&from.sp, to.sp);
    arrive(from, nullptr);
}

}  // namespace emu
