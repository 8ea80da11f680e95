// What runs a block: its threads and what they wait for (scheduler.cpp), what the threads
// of a warp do together (warp.cpp), the memory they share (shared.cpp).
#pragma once

#include <cstddef>
#include <vector>

#include "runtime.h"

namespace emu {

#pragma GCC visibility push(hidden)

struct Fiber;

enum class State { Fresh, Ready, Barrier, Collective, Done };

// A line of the cache: changing threads is most of what the emulator does.
struct alignas(64) Thread {
    Dim index;
    State state;
    Fiber* fiber;
    // What it brought to a collective, and what it took away.
    Collective kind;
    unsigned mask, source;
    uint64_t value;
};
static_assert(sizeof(Thread) == 64);

// The block's threads, how many it has, and the one that runs.
extern Thread threads[];
extern unsigned count;
extern Thread* self;

// Puts a thread at the end of those that can run.
void push(unsigned thread);
// Runs the others until the thread that calls, whose state says why it waits, can go on.
void give_way();
// For ThreadSanitizer: all that these did is before all that they will do.
void join(const unsigned* which, unsigned n);
// The i-th of n in the order asked for, where that order is no shuffle.
unsigned ordered(unsigned i, unsigned n);

// Forgets the copies that threads of the last block left under way.
void forget_copies();
// Lets lanes go on that wait only for lanes that have ended.
void release_orphans();

// Shared memory of a launch. What kernels declare is poisoned whole once; after that, the
// part that some block of this kernel has written.
class Shared {
public:
    void begin(const Kernel* of, size_t dynamic_bytes);
    // As a block finds it: poison, and written by nobody.
    void before_block();
    // Looks, where it is not known yet what blocks of this kernel write.
    void after_block(bool is_first);
    void end();

private:
    struct Range {
        char* low;
        size_t size;
    };
    static Range declared();
    // Finds what the blocks have written of what the kernel declares.
    void look();

    Range variables{nullptr, 0};
    const Kernel* kernel = nullptr;
    size_t low = 0, high = 0;
    bool has_none = false;
    char* dynamic = nullptr;
    size_t bytes = 0;
};

#pragma GCC visibility pop

}  // namespace emu
