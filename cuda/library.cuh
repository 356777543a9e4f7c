// NVIDIA's own libraries: opened at run time where they are found, never linked, and none of their headers is needed. What
// they do not serve, the kernels here do.
#pragma once
#include <map>
#include <mutex>

#include "common.cuh"

enum Library { CUBLASLT, CUDNN, NCCL, LIBRARIES };

// How they are used by this thread: dino_library_option sets the places of this array.
enum LibraryOption {
  USE_CUBLASLT,
  USE_CUDNN,
  CUDNN_DETERMINISTIC,
  CUDNN_BENCHMARK,
  CUDNN_TF32,
  SMALL_PROBLEMS,
  MATMUL_TF32,  // of the kernels here, too
  LIBRARY_OPTIONS
};
extern thread_local int libraryOptions[LIBRARY_OPTIONS];

// A function of a library: its name, and the pointer to it.
struct LibraryFunction {
  const char* name;
  void** function;
};

// Whether a library is there, with all these functions; looked for at the first question.
bool openLibrary(Library library, const LibraryFunction* functions, int count);

// Notes why a library did not serve a problem it was asked to: the report tells the last reason.
void noteRefusal(Library library, const char* function, int status);

// So many bytes of the device's memory for one call of a library, on the current stream; null when there is no room.
void* libraryWorkspace(size_t bytes);

// What is kept for each context: references to it stay valid.
template <class T> T& ofContext() {
  static std::mutex guard;
  static std::map<cudaStream_t, T> all;
  std::lock_guard<std::mutex> lock(guard);
  return all[current.stream];
}

// ---------------------------------------------------------------- convolution

enum class Pass { forward, data, weight };
enum class Element { float32, float64, float16, bfloat16 };

// x [batch, groups * channels, size], y [batch, groups * outputs, count], weight [groups * outputs, channels, kernel].
struct Convolution {
  Size batch, groups, channels, outputs;
  int size[3], count[3], kernel[3], stride[3], padding[3], dilation[3];
};

// cuDNN's convolution, without a bias: forward (x, weight) -> y, data (weight, dy) -> dx, weight (x, dy) -> dw. False, and
// nothing done, when it is not there or not made for this one.
bool libraryConvolution(Pass pass, Element type, const void* a, const void* b, void* result, const Convolution& shape);
