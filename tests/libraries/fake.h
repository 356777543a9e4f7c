// What the stand-ins for NVIDIA's libraries share. Each computes, on the emulator's memory, what the real one is documented to
// compute from the descriptors that it was given, and answers with an error where the real one would.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "../../cuda/emulator/emulator.h"

#define API extern "C" __attribute__((visibility("default")))

// Whether the environment wants this to go wrong.
static inline bool wanted(const char* what) {
  const char* faults = getenv("FAKE_FAULTS");
  return faults && std::string(faults).find(what) != std::string::npos;
}

// Counts what was called, for the tests to read; the emulator takes a library only if it has this function.
static std::map<std::string, int>& counts() {
  static std::map<std::string, int> all;
  return all;
}
API int emulated(const char* what) { return counts()[what]; }

// Rounds to TF32: 10 bits after the leading one.
static inline float toTf32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  bits = (bits + 0x1000) & ~0x1fffu;
  memcpy(&x, &bits, 4);
  return x;
}
