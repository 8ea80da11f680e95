// What a training step is told by the host.
#include "detach.cuh"

// Words that travel with the launch.
struct Words {
    u32 word[256];
};

// Writes the first `len` words to `to`.
extern "C" __global__ void step_put(u32 *to, Words words, u32 len) {
    for (u32 i = threadIdx.x; i < len; i += blockDim.x) to[i] = words.word[i];
}
