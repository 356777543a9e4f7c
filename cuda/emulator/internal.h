// What the two halves of the emulator know of each other.
#pragma once
#include <functional>
#include <mutex>
#include <vector>

#include "emulator.h"

namespace emu {

// One kernel runs at a time, whichever thread of the host launched it.
extern std::recursive_mutex mu;
// An error in a kernel: every call answers with it from then on, until emu_reset.
extern cudaError_t sticky;
// That error in words.
extern char message[512];

// What a thread of the running block does: not begun, ready to go on, waiting, done.
enum : uint8_t { FRESH, READY, AT_BARRIER, AT_WARP, DONE };
// The threads of the running block.
extern std::vector<Thread> threads;
// A warp of it: the lanes that it has not, or that have exited, and how many wait in a collective of the whole warp.
struct Warp {
  unsigned gone, arrived;
};
extern std::vector<Warp> warps;
// Lets another thread of the block run.
void yield();
// Forgets the copies to shared memory that a block did not wait for.
void dropCopies();

// A number from the environment.
size_t environment(const char* name, size_t otherwise);
// Runs all threads of all blocks of a launch.
void runGrid(const Launch& launch, std::function<void()>& thread);
// The order of threads and blocks: "forward", "reverse", "random:7".
void setPolicy(const char* name);

}  // namespace emu
