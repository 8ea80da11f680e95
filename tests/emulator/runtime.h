// What the three parts of the emulator know of each other: kernels compiled for the host
// (emulator.h), the fibers that run their threads (scheduler.cpp) and the driver that
// the program under test talks to (libcuda.cpp, module.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace emu {

struct Dim {
    unsigned x, y, z;
    uint64_t volume() const { return uint64_t(x) * y * z; }
};

// What g++ knows of a parameter; the PTX must agree.
struct Parameter {
    unsigned size, align;
    bool pointer;
};

// A kernel: `call` runs one thread with arguments that lie at `arguments[i]`.
struct Kernel {
    const char* name;
    const char* file;
    unsigned count;
    const Parameter* parameters;
    void (*call)(void* const* arguments);
};

struct Launch {
    const Kernel* kernel;
    Dim grid, block;
    size_t shared;
    void* const* arguments;
};

// The list that every compiled kernel enters before main.
struct Registered {
    Kernel kernel;
    Registered* next;
};
__attribute__((visibility("hidden"))) extern Registered* registered;

// Runs all blocks, one after the other, in the order of EMU_ORDER.
__attribute__((visibility("hidden"))) void run(const Launch&);

// What a fresh allocation and shared memory hold: NaN, and no index.
constexpr unsigned char POISON = 0xff;
// Writes it where no sanitizer looks.
__attribute__((visibility("hidden"))) void poison(void* at, size_t bytes);

// Prints the kernel, block and thread that run now, and the message; ends the process.
[[noreturn]] __attribute__((visibility("hidden"), format(printf, 1, 2))) void fail(
    const char* format, ...);

// What the threads of a warp do together.
enum class Collective { Sync, Shuffle, Ballot, Any, All, Mma };

struct Copy {
    void* to;
    const void* from;  // null: zeros
    unsigned bytes;
};

// Of Mma: where a lane's fragments lie.
struct Fragments {
    float* d;
    const unsigned* a;
    const unsigned* b;
};

extern "C" {
#pragma GCC visibility push(hidden)
extern Dim emu_thread, emu_block, emu_block_size, emu_grid_size;
extern unsigned emu_lane;
extern void* emu_shared;
void emu_barrier();
uint64_t emu_collective(Collective, unsigned mask, uint64_t value, unsigned source);
void emu_copy_start(const Copy*);
void emu_copy_commit();
// The next copy of all but the `pending` latest groups, taken from the list.
bool emu_copy_take(unsigned pending, Copy* copy);
[[noreturn]] void emu_trap(const char* why);
#pragma GCC visibility pop
}

}  // namespace emu
