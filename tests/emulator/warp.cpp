// What the threads of a warp do together, and the copies that a thread has under way.

#include <cstring>

#include "scheduler.h"

namespace emu {
namespace {

// A thread's copies under way: `closed` counts its closed groups, and a copy belongs to the
// group that was open.
struct Copies {
    std::vector<Copy> started;
    std::vector<unsigned> groups;
    size_t taken = 0;
    unsigned closed = 0;
};
Copies copies[1024];
bool used;

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
        unsigned lane = ordered(i, 32);
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

}  // namespace

void forget_copies() {
    if (used) {
        for (unsigned i = 0; i < count; ++i) {
            copies[i].started.clear();
            copies[i].groups.clear();
            copies[i].taken = 0;
        }
    }
    used = false;
}

void release_orphans() {
    for (unsigned i = 0; i < count; ++i) {
        const Thread& thread = threads[i];
        unsigned warp = i / 32 * 32;
        if (thread.state == State::Collective && complete(warp, thread.kind, thread.mask)) {
            release(warp, thread.kind, thread.mask, nullptr);
        }
    }
}

extern "C" {

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
    Copies& own = copies[self - threads];
    own.started.push_back(*copy);
    own.groups.push_back(own.closed);
    used = true;
}

void emu_copy_commit() { ++copies[self - threads].closed; }

bool emu_copy_take(unsigned pending, Copy* copy) {
    Copies& own = copies[self - threads];
    if (own.taken == own.started.size()) {
        own.started.clear();
        own.groups.clear();
        own.taken = 0;
        return false;
    }
    // A wait is for groups that are closed.
    if (own.groups[own.taken] + pending >= own.closed) {
        return false;
    }
    *copy = own.started[own.taken++];
    return true;
}

}  // extern "C"

}  // namespace emu
