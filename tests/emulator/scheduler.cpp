// Runs a kernel's blocks one after the other, and the threads of a block in turns: each
// until it ends or must wait for others. A thread that waits keeps its stack, and the
// next ones run on another; so a kernel without barriers runs on one stack, as plain calls.
//
// For ThreadSanitizer every thread has a stack and an announced fiber of its own, nothing
// orders two threads but barriers, and blocks take turns between two sets of fibers, so that
// neighbouring blocks are unordered too.

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <link.h>
#include <mutex>
#include <vector>

#include "fiber.h"
#include "runtime.h"

namespace emu {

Registered* registered = nullptr;

extern "C" {
Dim emu_thread, emu_block, emu_block_size, emu_grid_size;
unsigned emu_lane;
void* emu_shared;
}

namespace {

constexpr unsigned MOST = 1024;
#ifdef EMU_THREAD
constexpr bool OWN_STACKS = true;
constexpr unsigned SETS = 2;
#else
constexpr bool OWN_STACKS = false;
constexpr unsigned SETS = 1;
#endif

enum class State { Fresh, Ready, Barrier, Collective, Done };

struct Thread {
    Dim index;
    State state;
    Fiber* fiber;
    // What it brought to a collective, and what it took away.
    Collective kind;
    unsigned mask, source;
    uint64_t value;
    // Its copies under way: `closed` counts the groups closed, a copy has its group's number.
    std::vector<Copy> copies;
    std::vector<unsigned> groups;
    size_t taken;
    unsigned closed;
};

struct Order {
    enum { Forward, Reverse, Shuffled } kind = Forward;
    uint64_t seed = 0;
};

Thread threads[MOST];
Fiber process;
Fiber stacks[SETS][MOST];
std::vector<Fiber*> idle;
Fiber* here = &process;
Thread* self = nullptr;
const Launch* launch = nullptr;
unsigned count, set, made;
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

// The numbers below n in the order asked for; another shuffle at every call.
void arrange(std::vector<unsigned>& numbers, unsigned n) {
    numbers.resize(n);
    for (unsigned i = 0; i < n; ++i) {
        numbers[i] = order().kind == Order::Reverse ? n - 1 - i : i;
    }
    if (order().kind == Order::Shuffled) {
        uint64_t state = scramble(order().seed ^ scramble(++turns));
        for (unsigned i = n; i > 1; --i) {
            state = scramble(state);
            std::swap(numbers[i - 1], numbers[state % i]);
        }
    }
}

void push(unsigned thread) { queue[(first + queued++) % MOST] = thread; }

// ThreadSanitizer: all that these threads did is before all that they will do.
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

#ifdef EMU_THREAD
char begun, ended;
#endif

void adopt(unsigned thread) {
    self = &threads[thread];
    emu_thread = self->index;
    emu_lane = thread % 32;
}

void mma(unsigned warp) {
    auto part = [&](unsigned lane) {
        return *reinterpret_cast<const Fragments*>(threads[warp + lane].value);
    };
    auto number = [](unsigned bits) {
        float x;
        bits &= 0xffffe000u;
        std::memcpy(&x, &bits, sizeof x);
        return x;
    };
    float a[16][8], b[8][8];
    for (unsigned lane = 0; lane < 32; ++lane) {
        unsigned g = lane / 4, t = lane % 4;
        Fragments own = part(lane);
        for (unsigned i = 0; i < 4; ++i) {
            a[g + 8 * (i % 2)][t + 4 * (i / 2)] = number(own.a[i]);
        }
        b[t][g] = number(own.b[0]);
        b[t + 4][g] = number(own.b[1]);
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
        float* d = part(lane).d;
        for (unsigned i = 0; i < 4; ++i) {
            unsigned row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
            float sum = 0;
            for (unsigned k = 0; k < 8; ++k) {
                sum += a[row][k] * b[k][column];
            }
            d[i] += sum;
        }
    }
}

// What all lanes of `mask` that exist brought becomes what each takes away.
void settle(unsigned warp, Collective kind, unsigned mask) {
    uint64_t brought[32];
    unsigned present = 0, votes = 0;
    for (unsigned lane = 0; lane < 32 && warp + lane < count; ++lane) {
        if ((mask >> lane & 1) && threads[warp + lane].state != State::Done) {
            present |= 1u << lane;
            brought[lane] = threads[warp + lane].value;
            votes |= (brought[lane] != 0) << lane;
        }
    }
    if (kind == Collective::Mma) {
        if (present != 0xffffffffu) {
            fail("mma needs all 32 lanes, and has %08x", present);
        }
        mma(warp);
        return;
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
        if (!(present >> lane & 1)) {
            continue;
        }
        Thread& thread = threads[warp + lane];
        switch (kind) {
            case Collective::Shuffle:
                // A lane that is not there has no value: NaN.
                thread.value = thread.source < 32 && (present >> thread.source & 1)
                                   ? brought[thread.source] : ~uint64_t(0);
                break;
            case Collective::Ballot: thread.value = votes; break;
            case Collective::Any: thread.value = votes != 0; break;
            case Collective::All: thread.value = votes == present; break;
            default: break;
        }
    }
}

// Whether every lane of `mask` has come or ended.
bool complete(unsigned warp, Collective kind, unsigned mask) {
    for (unsigned lane = 0; lane < 32 && warp + lane < count; ++lane) {
        if (!(mask >> lane & 1)) {
            continue;
        }
        Thread& thread = threads[warp + lane];
        if (thread.state == State::Done) {
            continue;
        }
        if (thread.state != State::Collective) {
            return false;
        }
        if (thread.mask != mask || thread.kind != kind) {
            fail("its warp's operation (kind %d, mask %08x) meets lane %u in another (kind %d, "
                 "mask %08x)", int(kind), mask, lane, int(thread.kind), thread.mask);
        }
    }
    return true;
}

// Lets the lanes that came to a collective go on; the one that runs is not queued.
void release(unsigned warp, Collective kind, unsigned mask, const Thread* running) {
    settle(warp, kind, mask);
    unsigned together[32], n = 0;
    for (unsigned i = 0; i < 32; ++i) {
        unsigned lane = order().kind == Order::Reverse ? 31 - i : i;
        Thread* thread = &threads[warp + lane];
        if ((mask >> lane & 1) && warp + lane < count && thread->state == State::Collective) {
            thread->state = State::Ready;
            together[n++] = warp + lane;
            if (thread != running) {
                push(warp + lane);
            }
        }
    }
    if (kind == Collective::Sync || kind == Collective::Mma) {
        join(together, n);
    }
}

// A lane that ends may be the last that its warp waited for.
void release_orphans() {
    for (unsigned i = 0; i < count; ++i) {
        const Thread& thread = threads[i];
        unsigned warp = i / 32 * 32;
        if (thread.state == State::Collective && complete(warp, thread.kind, thread.mask)) {
            release(warp, thread.kind, thread.mask, nullptr);
        }
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

void open_barrier() {
    at_barrier = 0;
    arrange(permutation, count);
    join(permutation.data(), count);
    for (unsigned thread : permutation) {
        threads[thread].state = State::Ready;
        push(thread);
    }
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

// Gives way until this thread is the next again.
void give_way() {
    Thread* me = self;
    Thread* thread = next();
    if (thread != me) {
        leave_for(thread);
    }
}

// The library's thread-local variables: those that the kernels have in shared memory.
thread_local char anchor;
struct Range {
    char* low;
    size_t size;
};

Range shared_variables() {
    anchor = 1;
    Range range{nullptr, 0};
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* to) {
            auto own = reinterpret_cast<uintptr_t>(&shared_variables);
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

// Shared memory of a launch. What kernels declare is poisoned whole once; after that, the
// part that some block of this kernel has written.
struct Shared {
    Range variables{nullptr, 0};
    const Kernel* kernel = nullptr;
    size_t low = 0, high = 0;
    char* dynamic = nullptr;
    size_t bytes = 0;

    void begin(const Kernel* of, size_t dynamic_bytes) {
#ifndef EMU_ADDRESS
        Range now = shared_variables();
        if (now.low != variables.low) {
            variables = now;
            clean(variables.low, variables.size);
        }
#endif
        if (kernel != of) {
            kernel = of;
            low = high = 0;
        }
        bytes = dynamic_bytes;
#ifdef EMU_ADDRESS
        if (posix_memalign(reinterpret_cast<void**>(&dynamic), 16, bytes) != 0) {
            std::abort();
        }
#else
        size_t room = (bytes + 4095) / 4096 * 4096;
        auto at = static_cast<char*>(mmap(nullptr, room + 4096, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (at == MAP_FAILED || mprotect(at + room, 4096, PROT_NONE) != 0) {
            std::abort();
        }
        dynamic = at + room - (bytes + 15) / 16 * 16;
#endif
        emu_shared = dynamic;
    }

    void before_block() {
        clean(dynamic, bytes);
        clean(variables.low + low, high - low);
    }

    // Finds what was written, at the first block and at the last.
    void look() {
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

    void end() {
        look();
        clean(variables.low + low, high - low);
#ifdef EMU_ADDRESS
        std::free(dynamic);
#else
        size_t room = (bytes + 4095) / 4096 * 4096;
        munmap(dynamic + (bytes + 15) / 16 * 16 - room, room + 4096);
#endif
    }

    // Poison, and nobody has written it yet.
    static void clean(char* at, size_t size) {
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
} shared;

void run_block(uint64_t number) {
    Dim grid = launch->grid;
    emu_block = {unsigned(number % grid.x), unsigned(number / grid.x % grid.y),
                 unsigned(number / grid.x / grid.y)};
    set = (set + 1) % SETS;
    shared.before_block();
    at_barrier = done = first = queued = 0;
    arrange(permutation, count);
    for (unsigned thread : permutation) {
        Thread& fresh = threads[thread];
        fresh.state = State::Fresh;
        fresh.closed = 0;
        fresh.taken = 0;
        fresh.copies.clear();
        fresh.groups.clear();
        push(thread);
    }
    leave_for(next());
}

}  // namespace

void run(const Launch& what) {
    static std::mutex one;
    std::lock_guard<std::mutex> lock(one);
    launch = &what;
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
        if (i == 0) {
            shared.look();
        }
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

uint64_t emu_collective(Collective kind, unsigned mask, uint64_t value, unsigned source) {
    Thread* me = self;
    unsigned warp = unsigned(me - threads) / 32 * 32;
    if (!(mask >> emu_lane & 1)) {
        fail("takes part in a warp's operation whose mask %08x does not name it", mask);
    }
    me->state = State::Collective;
    me->kind = kind;
    me->mask = mask;
    me->value = value;
    me->source = source;
    if (!complete(warp, kind, mask)) {
        give_way();
        return me->value;
    }
    release(warp, kind, mask, me);
    return me->value;
}

void emu_copy_start(const Copy* copy) {
    self->copies.push_back(*copy);
    self->groups.push_back(self->closed);
}

void emu_copy_commit() { ++self->closed; }

bool emu_copy_take(unsigned pending, Copy* copy) {
    Thread& me = *self;
    if (me.taken == me.copies.size()) {
        me.copies.clear();
        me.groups.clear();
        me.taken = 0;
        return false;
    }
    // Wait counts closed groups only; one that is still open is not among them.
    if (me.groups[me.taken] + pending >= me.closed) {
        return false;
    }
    *copy = me.copies[me.taken++];
    return true;
}

void emu_trap(const char* why) { fail("%s", why); }

}  // extern "C"

}  // namespace emu
