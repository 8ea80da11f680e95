// Runs a kernel's blocks one after the other, and the threads of a block in turns: each
// until it ends or must wait for others. A thread that waits keeps its stack, and the
// next ones run on another; so a kernel without barriers runs on one stack, as plain calls.
//
// For ThreadSanitizer every thread has a stack and an announced fiber of its own, nothing
// orders two threads but barriers, and blocks take turns between two sets of fibers, so that
// neighbouring blocks are unordered too.

#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "fiber.h"
#include "scheduler.h"

namespace emu {

Registered* registered = nullptr;

Thread threads[1024];
unsigned count;
Thread* self = nullptr;

extern "C" {
Dim emu_thread, emu_block, emu_block_size, emu_grid_size;
unsigned emu_lane;
void* emu_shared;
}

namespace {

constexpr unsigned MOST = sizeof threads / sizeof threads[0];
#ifdef EMU_THREAD
constexpr bool OWN_STACKS = true;
constexpr unsigned SETS = 2;
#else
constexpr bool OWN_STACKS = false;
constexpr unsigned SETS = 1;
#endif

struct Order {
    enum { Forward, Reverse, Shuffled } kind = Forward;
    uint64_t seed = 0;
};

Fiber process;
Fiber stacks[SETS][MOST];
std::vector<Fiber*> idle;
Fiber* here = &process;
const Launch* launch = nullptr;
unsigned set, made;
uint64_t turns;
// Threads that can run, in order; a ring, as no thread is in it twice.
unsigned queue[MOST], first, queued;
unsigned at_barrier, done;
std::vector<unsigned> permutation;

// Splitmix64, so that an order is a function of the seed.
uint64_t scramble(uint64_t x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

Order order_from_environment() {
    Order order;
    const char* text = std::getenv("EMU_ORDER");
    if (text == nullptr || std::strcmp(text, "forward") == 0) {
        return order;
    }
    if (std::strcmp(text, "reverse") == 0) {
        order.kind = Order::Reverse;
    } else if (std::strncmp(text, "shuffled:", 9) == 0) {
        order.kind = Order::Shuffled;
        order.seed = std::strtoull(text + 9, nullptr, 10);
    } else {
        std::fprintf(stderr, "emulator: EMU_ORDER is %s; it may be forward, reverse or shuffled:SEED\n", text);
        std::abort();
    }
    return order;
}

const Order& order() {
    static const Order order = order_from_environment();
    return order;
}

}  // namespace

unsigned ordered(unsigned i, unsigned n) {
    return order().kind == Order::Reverse ? n - 1 - i : i;
}

namespace {

// The numbers below n in the order asked for; another shuffle at every call.
void arrange(std::vector<unsigned>& numbers, unsigned n) {
    numbers.resize(n);
    for (unsigned i = 0; i < n; ++i) {
        numbers[i] = ordered(i, n);
    }
    if (order().kind == Order::Shuffled) {
        uint64_t state = scramble(order().seed ^ scramble(++turns));
        for (unsigned i = n; i > 1; --i) {
            state = scramble(state);
            std::swap(numbers[i - 1], numbers[state % i]);
        }
    }
}

}  // namespace

void push(unsigned thread) { queue[(first + queued++) % MOST] = thread; }

void join([[maybe_unused]] const unsigned* which, [[maybe_unused]] unsigned n) {
#ifdef EMU_THREAD
    static char meeting[SETS][MOST / 32 + 1];
    char* at = &meeting[set][n > 32 ? MOST / 32 : which[0] / 32];
    for (unsigned i = 0; i < n; ++i) {
        __tsan_switch_to_fiber(stacks[set][which[i]].mark, 1);
        __tsan_release(at);
    }
    for (unsigned i = 0; i < n; ++i) {
        __tsan_switch_to_fiber(stacks[set][which[i]].mark, 1);
        __tsan_acquire(at);
    }
    __tsan_switch_to_fiber(here->mark, 1);
#endif
}

namespace {

#ifdef EMU_THREAD
char begun, ended;
#endif

void adopt(unsigned thread) {
    self = &threads[thread];
    emu_thread = self->index;
    emu_lane = thread % 32;
}

void open_barrier() {
    at_barrier = 0;
    arrange(permutation, count);
    join(permutation.data(), count);
    for (unsigned thread : permutation) {
        threads[thread].state = State::Ready;
        push(thread);
    }
}

[[noreturn]] void stuck() {
    unsigned waiting = 0, lost = 0;
    Thread* one = nullptr;
    for (unsigned i = 0; i < count; ++i) {
        if (threads[i].state == State::Done) {
            ++lost;
        } else if (threads[i].state == State::Collective) {
            one = &threads[i];
        } else {
            ++waiting;
        }
    }
    if (one != nullptr) {
        self = one;
        emu_thread = one->index;
        fail("a warp's operation with mask %08x waits for lanes that do not come (%u threads "
             "of the block at a barrier, %u ended)", one->mask, waiting, lost);
    }
    for (unsigned i = 0; i < count; ++i) {
        if (threads[i].state == State::Done) {
            emu_thread = threads[i].index;
            break;
        }
    }
    fail("ended without coming to a __syncthreads() at which %u threads of its block wait "
         "(%u ended)", waiting, lost);
}

// The next thread to run. Null when all have ended.
Thread* next() {
    if (queued == 0) {
        if (done == count) {
            return nullptr;
        }
        if (at_barrier == count) {
            open_barrier();
        } else {
            release_orphans();
        }
        if (queued == 0) {
            stuck();
        }
    }
    unsigned thread = queue[first];
    first = (first + 1) % MOST;
    --queued;
    return &threads[thread];
}

void enter();

Fiber* stack_for(Thread* thread) {
    if (OWN_STACKS) {
        return &stacks[set][thread - threads];
    }
    if (idle.empty()) {
        stacks[0][made].allocate(made);
        idle.push_back(&stacks[0][made++]);
    }
    Fiber* fiber = idle.back();
    idle.pop_back();
    return fiber;
}

void go(Fiber* to) {
    Fiber* from = here;
    here = to;
    transfer(*from, *to);
}

// Leaves this stack for the thread that is next, which is not to run on it.
void leave_for(Thread* thread) {
    if (thread == nullptr) {
        self = nullptr;
        go(&process);
        return;
    }
    if (thread->state == State::Fresh) {
        thread->fiber = stack_for(thread);
        prepare(*thread->fiber, enter);
    }
    adopt(thread - threads);
    go(thread->fiber);
}

void run_self() {
    self->state = State::Ready;
#ifdef EMU_THREAD
    __tsan_acquire(&begun);
#endif
    launch->kernel->call(launch->arguments);
#ifdef EMU_THREAD
    __tsan_release(&ended);
#endif
    self->state = State::Done;
    ++done;
}

// A stack's first function: runs `self`, then threads that have not begun, and gives the
// stack back when another's turn comes.
void enter() {
    arrive(*here, &process);
    for (;;) {
        run_self();
        Thread* thread = next();
        if (OWN_STACKS || thread == nullptr || thread->state != State::Fresh) {
            if (!OWN_STACKS) {
                idle.push_back(here);
            }
            leave_for(thread);
            fail("a stack was entered again");
        }
        thread->fiber = here;
        adopt(thread - threads);
    }
}

}  // namespace

void give_way() {
    Thread* me = self;
    Thread* thread = next();
    if (thread != me) {
        leave_for(thread);
    }
}

namespace {

Shared shared;

void run_block(uint64_t number) {
    Dim grid = launch->grid;
    emu_block = {unsigned(number % grid.x), unsigned(number / grid.x % grid.y),
                 unsigned(number / grid.x / grid.y)};
    set = (set + 1) % SETS;
    shared.before_block();
    forget_copies();
    at_barrier = done = first = queued = 0;
    arrange(permutation, count);
    for (unsigned thread : permutation) {
        threads[thread].state = State::Fresh;
        push(thread);
    }
    leave_for(next());
}

// An access to memory that is not there, or not aligned as the device needs it, is named
// as long as this lives. Sanitizers have their own word for it.
class Faults {
#if !defined(EMU_THREAD) && !defined(EMU_ADDRESS)
public:
    Faults() {
        struct sigaction action = {};
        action.sa_sigaction = [](int, siginfo_t* what, void*) {
            fail("no access to %p: out of bounds, or not aligned", what->si_addr);
        };
        // A thread's own stack may be what is used up.
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigaction(SIGSEGV, &action, &before[0]);
        sigaction(SIGBUS, &action, &before[1]);
    }
    ~Faults() {
        sigaction(SIGSEGV, &before[0], nullptr);
        sigaction(SIGBUS, &before[1], nullptr);
    }

private:
    struct sigaction before[2];
#else
public:
    Faults() {}
#endif
};

}  // namespace

void run(const Launch& what) {
    static std::mutex one;
    std::lock_guard<std::mutex> lock(one);
    launch = &what;
    Faults faults;
    count = what.block.volume();
    emu_block_size = what.block;
    emu_grid_size = what.grid;
    for (unsigned i = 0; i < count; ++i) {
        threads[i].index = {i % what.block.x, i / what.block.x % what.block.y,
                            i / what.block.x / what.block.y};
    }
#ifdef EMU_ADDRESS
    process.low = nullptr;
#endif
    shared.begin(what.kernel, what.shared);
#ifdef EMU_THREAD
    process.mark = __tsan_get_current_fiber();
    // Here, as a fiber comes after all that its maker did.
    for (; made < count; ++made) {
        for (unsigned of = 0; of < SETS; ++of) {
            stacks[of][made].allocate(made);
        }
    }
    __tsan_release(&begun);
#endif
    uint64_t blocks = what.grid.volume();
    std::vector<unsigned> turn;
    if (blocks > 0xffffffffu) {
        fail("%llu blocks are more than the emulator runs", (unsigned long long)blocks);
    }
    arrange(turn, blocks);
    for (uint64_t i = 0; i < blocks; ++i) {
        run_block(turn[i]);
        shared.after_block(i == 0);
    }
    shared.end();
#ifdef EMU_THREAD
    __tsan_acquire(&ended);
#endif
    launch = nullptr;
}

void poison(void* at, size_t bytes) {
#ifdef __x86_64__
    asm volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(POISON) : "memory");
#else
    auto to = static_cast<volatile unsigned char*>(at);
    for (size_t i = 0; i < bytes; ++i) {
        to[i] = POISON;
    }
#endif
}

void fail(const char* format, ...) {
    std::fflush(stdout);
    std::fprintf(stderr, "emulator: ");
    if (launch != nullptr) {
        std::fprintf(stderr, "%s (%s), block (%u, %u, %u), thread (%u, %u, %u): ",
                     launch->kernel->name, launch->kernel->file, emu_block.x, emu_block.y,
                     emu_block.z, emu_thread.x, emu_thread.y, emu_thread.z);
    }
    va_list rest;
    va_start(rest, format);
    std::vfprintf(stderr, format, rest);
    va_end(rest);
    std::fprintf(stderr, "\n");
    std::fflush(stderr);
    std::abort();
}

extern "C" {

void emu_barrier() {
    self->state = State::Barrier;
    ++at_barrier;
    give_way();
}

void emu_trap(const char* why) { fail("%s", why); }

}  // extern "C"

}  // namespace emu
