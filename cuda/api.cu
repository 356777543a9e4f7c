// The C interface of libcudakernels.so and of the emulator's library: ffi/library.ts lists the same functions.
//
// Work arrives as commands in a ring of doubles that both sides see: [words, kernel, operands...], the kernel being a place
// in the library's table. Addresses are the device's own, whole numbers below 2^53; every operand is checked before its
// kernel is launched. Functions return 0 or more, or a negative number: then `dino_error` has the reason in words.
#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common.cuh"

#define API extern "C" __attribute__((visibility("default")))

thread_local Current current;

namespace {

constexpr int ABI = 1;
constexpr int RING_WORDS = 1 << 15;
// How many names of kernels an error lists that came to light later.
constexpr size_t REMEMBERED = 12;

std::vector<Kernel>& table() {
  static std::vector<Kernel> kernels;
  return kernels;
}

// What one opener of one device has: contexts do not know of each other.
struct Context {
  int device;
  cudaStream_t stream;
  // What the context has of its own, and what kernels get: that, or more that was lent to it.
  void* ownWorkspace;
  void* workspace;
  Size room;
  alignas(64) double ring[RING_WORDS];
  // What was allocated: address -> bytes.
  std::map<uintptr_t, size_t> segments;
  std::vector<cudaEvent_t> events;
  std::vector<int> freeEvents;
  // Recorded graphs; null where one was freed.
  std::vector<cudaGraphExec_t> graphs;
  bool capturing = false;
  // The kernels launched since the last synchronisation, newest last.
  std::vector<const char*> launched;
};

std::mutex guard;
std::vector<Context*> contexts;
thread_local std::string text;

int fail(const std::string& reason) {
  text = reason;
  return -1;
}

std::string describe(cudaError_t error) {
  return std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")";
}

int fail(const char* what, cudaError_t error) {
  cudaGetLastError();
  return fail(std::string(what) + ": " + describe(error));
}

// The context of a handle, with its device made current; null for a handle that is none.
Context* enter(int handle) {
  Context* context = nullptr;
  {
    std::lock_guard<std::mutex> lock(guard);
    if (handle >= 0 && (size_t)handle < contexts.size()) context = contexts[(size_t)handle];
  }
  if (!context) {
    fail("no such context");
    return nullptr;
  }
  const cudaError_t error = cudaSetDevice(context->device);
  if (error != cudaSuccess) {
    fail("cudaSetDevice", error);
    return nullptr;
  }
  return context;
}

// An error that kernels made while they ran: which one is not known, but which there were.
int failLate(Context* context, const char* what, cudaError_t error) {
  std::string kernels;
  for (const char* name : context->launched) kernels += (kernels.empty() ? "" : ", ") + std::string(name);
  if (kernels.empty()) return fail(what, error);
  cudaGetLastError();
  return fail(describe(error) + ", in one of the kernels launched last: " + kernels +
              "; with CUDA_LAUNCH_BLOCKING=1 in the environment the call that launches it fails");
}

int synchronize(Context* context, const char* what) {
  const cudaError_t error = cudaStreamSynchronize(context->stream);
  if (error != cudaSuccess) return failLate(context, what, error);
  context->launched.clear();
  return 0;
}

// Whether [address, address + bytes) lies in what was allocated.
bool holds(const Context* context, double address, double bytes) {
  if (!(address > 0 && address < 9007199254740992.0 && address == std::floor(address))) return false;
  const uintptr_t place = (uintptr_t)address;
  auto next = context->segments.upper_bound(place);
  if (next == context->segments.begin()) return false;
  --next;
  return bytes >= 0 && (double)(place - next->first) + bytes <= (double)next->second;
}

// Null where the operands suit the kernel, else what is wrong.
const char* unsuitable(const Context* context, const Kernel& kernel, const double* values) {
  for (int i = 0; kernel.parameters[i]; i++) {
    const double value = values[i];
    switch (kernel.parameters[i]) {
      case 'p':
        if (value == 0) break;  // an operand that is left out
        if (!holds(context, value, 0)) return "an address that is not in this device's memory";
        if ((uintptr_t)value % kernel.alignments[i]) return "an address that is not a multiple of the elements' size";
        break;
      case 'n':
        if (!(std::fabs(value) < 9007199254740992.0 && value == std::floor(value))) return "a size that is not a whole number";
    }
  }
  return nullptr;
}

void remember(Context* context, const char* name) {
  if (context->launched.size() == REMEMBERED) context->launched.erase(context->launched.begin());
  context->launched.push_back(name);
}

int launch(Context* context, const Kernel& kernel, const double* values, bool more) {
  if (const char* reason = unsuitable(context, kernel, values)) return fail(std::string(kernel.name) + ": met " + reason);
  current = {context->stream, context->workspace, context->room, kernel.name, cudaSuccess, more};
  kernel.run(values);
  if (current.error != cudaSuccess) {
    if (current.error != cudaErrorInvalidConfiguration) remember(context, kernel.name);
    return fail(std::string(kernel.name) + ": " + describe(current.error));
  }
  remember(context, kernel.name);
  return 0;
}

cudaEvent_t eventOf(Context* context, int event) {
  if (event >= 0 && (size_t)event < context->events.size()) return context->events[(size_t)event];
  fail("no such event");
  return nullptr;
}

}  // namespace

Family::Family(const Kernel* kernels, int count) { table().insert(table().end(), kernels, kernels + count); }

API int32_t dino_abi() { return ABI; }

// The reason of the last failure on this thread, in UTF-8; its length.
API int32_t dino_error(uint8_t* out, int32_t capacity) {
  const size_t n = std::min((size_t)std::max(capacity, 0), text.size());
  memcpy(out, text.data(), n);
  return (int32_t)n;
}

// The table: "name parameters\n" for each kernel, in order; with no room, the bytes it takes.
API int32_t dino_kernels(uint8_t* out, int32_t capacity) {
  std::string list;
  for (const Kernel& kernel : table()) list += std::string(kernel.name) + " " + kernel.parameters + "\n";
  if ((size_t)std::max(capacity, 0) >= list.size()) memcpy(out, list.data(), list.size());
  return (int32_t)list.size();
}

// How many devices there are.
API int32_t dino_device_count() {
  int count = 0, driver = 0, runtime = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess) return count;
  cudaGetLastError();
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const auto version = [](int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); };
  if (driver == 0) return fail("no NVIDIA driver is installed: " + describe(error));
  if (driver < runtime) {
    return fail("the NVIDIA driver is for CUDA " + version(driver) + ", the library for " + version(runtime) +
                ": update the driver, or build the library with an older CUDA: " + describe(error));
  }
  return fail("no usable CUDA device: " + describe(error));
}

// A device's name, in UTF-8; its length.
API int32_t dino_device_name(int32_t device, uint8_t* out, int32_t capacity) {
  cudaDeviceProp properties;
  const cudaError_t error = cudaGetDeviceProperties(&properties, device);
  if (error != cudaSuccess) return fail("cudaGetDeviceProperties", error);
  const size_t n = std::min((size_t)std::max(capacity, 0), strlen(properties.name));
  memcpy(out, properties.name, n);
  return (int32_t)n;
}

// A context on a device.
API int32_t dino_open(int32_t device) {
  cudaError_t error = cudaSetDevice(device);
  if (error != cudaSuccess) return fail("cudaSetDevice", error);
  Context* context = new Context();
  context->device = device;
  if ((error = cudaStreamCreateWithFlags(&context->stream, cudaStreamNonBlocking)) != cudaSuccess) {
    delete context;
    return fail("cudaStreamCreate", error);
  }
  if ((error = cudaMalloc(&context->ownWorkspace, WORKSPACE)) != cudaSuccess) {
    cudaStreamDestroy(context->stream);
    delete context;
    return fail("cudaMalloc", error);
  }
  context->workspace = context->ownWorkspace;
  context->room = WORKSPACE;
  std::lock_guard<std::mutex> lock(guard);
  contexts.push_back(context);
  return (int32_t)contexts.size() - 1;
}

// The context's ring, and how many words it holds.
API void* dino_ring(int32_t handle) {
  Context* context = enter(handle);
  return context ? context->ring : nullptr;
}
API int32_t dino_ring_words() { return RING_WORDS; }

// Lets kernels that come from now on work in `bytes` bytes at `address`; at 0, in the context's own working space.
API int32_t dino_workspace(int32_t handle, double address, double bytes) {
  Context* context = enter(handle);
  if (!context) return -1;
  if (address != 0 && (bytes < (double)WORKSPACE || !holds(context, address, bytes))) return fail("workspace: no such room");
  context->workspace = address == 0 ? context->ownWorkspace : (void*)(uintptr_t)address;
  context->room = address == 0 ? WORKSPACE : (Size)bytes;
  return 0;
}

// ---------------------------------------------------------------- graphs

// From now on commands are recorded, not carried out.
API int32_t dino_capture_begin(int32_t handle) {
  Context* context = enter(handle);
  if (!context) return -1;
  if (synchronize(context, "capture") < 0) return -1;
  // Relaxed: memory is allocated while recording.
  const cudaError_t error = cudaStreamBeginCapture(context->stream, cudaStreamCaptureModeRelaxed);
  if (error != cudaSuccess) return fail("cudaStreamBeginCapture", error);
  context->capturing = true;
  return 0;
}

// Ends a recording; the graph's number. If `keep` is 0, what was recorded is dropped, and the result is 0.
API int32_t dino_capture_end(int32_t handle, int32_t keep) {
  Context* context = enter(handle);
  if (!context) return -1;
  context->capturing = false;
  context->launched.clear();
  cudaGraph_t graph = nullptr;
  cudaError_t error = cudaStreamEndCapture(context->stream, &graph);
  if (error != cudaSuccess) return fail("cudaStreamEndCapture", error);
  if (!keep) {
    cudaGraphDestroy(graph);
    return 0;
  }
  cudaGraphExec_t executable = nullptr;
  error = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  if (error != cudaSuccess) return fail("cudaGraphInstantiate", error);
  context->graphs.push_back(executable);
  return (int32_t)context->graphs.size() - 1;
}

static cudaGraphExec_t graphOf(Context* context, int graph) {
  if (graph >= 0 && (size_t)graph < context->graphs.size() && context->graphs[(size_t)graph]) return context->graphs[(size_t)graph];
  fail("no such graph");
  return nullptr;
}

// Carries out what was recorded.
API int32_t dino_replay(int32_t handle, int32_t number) {
  Context* context = enter(handle);
  cudaGraphExec_t graph = context ? graphOf(context, number) : nullptr;
  if (!graph) return -1;
  const cudaError_t error = cudaGraphLaunch(graph, context->stream);
  if (error != cudaSuccess) return failLate(context, "cudaGraphLaunch", error);
  remember(context, "a graph");
  return 0;
}

API int32_t dino_graph_free(int32_t handle, int32_t number) {
  Context* context = enter(handle);
  cudaGraphExec_t graph = context ? graphOf(context, number) : nullptr;
  if (!graph) return -1;
  if (synchronize(context, "graph") < 0) return -1;
  context->graphs[(size_t)number] = nullptr;
  const cudaError_t error = cudaGraphExecDestroy(graph);
  return error == cudaSuccess ? 0 : fail("cudaGraphExecDestroy", error);
}

// ---------------------------------------------------------------- commands

// Launches the commands in the first `words` words of the ring, those after one that fails too; the first failure counts.
API int32_t dino_submit(int32_t handle, int32_t words) {
  Context* context = enter(handle);
  if (!context) return -1;
  if (words < 0 || words > RING_WORDS) return fail("submit: more words than the ring has");
  std::string first;
  for (int32_t i = 0; i < words;) {
    const double* command = context->ring + i;
    const int32_t length = command[0] >= 2 && command[0] <= words - i ? (int32_t)command[0] : 0;
    if (length == 0) return fail("submit: a command of a wrong length");
    if (!(command[1] >= 0 && command[1] < (double)table().size())) return fail("submit: no such kernel");
    const Kernel& kernel = table()[(size_t)command[1]];
    if ((size_t)length != strlen(kernel.parameters) + 2) return fail(std::string(kernel.name) + ": a wrong number of operands");
    const double* next = command + length;
    const bool more = i + length < words && next[0] == command[0] && next[1] == command[1] && length <= words - i - length &&
                      !unsuitable(context, kernel, next + 2);
    if (launch(context, kernel, command + 2, more) < 0 && first.empty()) first = text;
    i += length;
  }
  return first.empty() ? 0 : fail(first);
}

// Waits until everything is done.
API int32_t dino_synchronize(int32_t handle) {
  Context* context = enter(handle);
  return context ? synchronize(context, "synchronize") : -1;
}

// The address of `bytes` bytes of device memory, or 0 when it has no room.
API double dino_allocate(int32_t handle, double bytes) {
  Context* context = enter(handle);
  if (!context) return -1;
  void* address = nullptr;
  const cudaError_t error = cudaMalloc(&address, (size_t)bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return 0;
  }
  if (error != cudaSuccess) return failLate(context, "cudaMalloc", error);
  context->segments[(uintptr_t)address] = (size_t)bytes;
  return (double)(uintptr_t)address;
}

API int32_t dino_free(int32_t handle, double address) {
  Context* context = enter(handle);
  if (!context) return -1;
  if (!holds(context, address, 0) || !context->segments.erase((uintptr_t)address)) return fail("free: not an allocated address");
  const cudaError_t error = cudaFree((void*)(uintptr_t)address);
  return error == cudaSuccess ? 0 : failLate(context, "cudaFree", error);
}

// Free and total bytes of the device.
API int32_t dino_memory(int32_t handle, double* out) {
  if (!enter(handle)) return -1;
  size_t available = 0, total = 0;
  const cudaError_t error = cudaMemGetInfo(&available, &total);
  if (error != cudaSuccess) return fail("cudaMemGetInfo", error);
  out[0] = (double)available;
  out[1] = (double)total;
  return 0;
}

// Copies from the device, when everything before is done.
API int32_t dino_read(int32_t handle, uint8_t* out, double address, double bytes) {
  Context* context = enter(handle);
  if (!context) return -1;
  if (bytes == 0) return synchronize(context, "read");
  if (!holds(context, address, bytes)) return fail("read: not in this device's memory");
  if (context->capturing) {
    // Past the recording, at once: nothing runs on the stream meanwhile.
    const cudaError_t error = cudaMemcpy(out, (const void*)(uintptr_t)address, (size_t)bytes, cudaMemcpyDeviceToHost);
    return error == cudaSuccess ? 0 : fail("read", error);
  }
  const cudaError_t error =
      cudaMemcpyAsync(out, (const void*)(uintptr_t)address, (size_t)bytes, cudaMemcpyDeviceToHost, context->stream);
  return error == cudaSuccess ? synchronize(context, "read") : failLate(context, "read", error);
}

// Copies to the device, after everything before; the source may be changed when this returns.
API int32_t dino_write(int32_t handle, double address, const uint8_t* source, double bytes) {
  Context* context = enter(handle);
  if (!context) return -1;
  if (bytes == 0) return 0;
  if (!holds(context, address, bytes)) return fail("write: not in this device's memory");
  if (context->capturing) {
    // The same.
    const cudaError_t error = cudaMemcpy((void*)(uintptr_t)address, source, (size_t)bytes, cudaMemcpyHostToDevice);
    return error == cudaSuccess ? 0 : fail("write", error);
  }
  const cudaError_t error =
      cudaMemcpyAsync((void*)(uintptr_t)address, source, (size_t)bytes, cudaMemcpyHostToDevice, context->stream);
  return error == cudaSuccess ? synchronize(context, "write") : failLate(context, "write", error);
}

// A new event.
API int32_t dino_event(int32_t handle) {
  Context* context = enter(handle);
  if (!context) return -1;
  if (!context->freeEvents.empty()) {
    const int number = context->freeEvents.back();
    context->freeEvents.pop_back();
    return number;
  }
  cudaEvent_t event;
  const cudaError_t error = cudaEventCreate(&event);
  if (error != cudaSuccess) return fail("cudaEventCreate", error);
  context->events.push_back(event);
  return (int32_t)context->events.size() - 1;
}

API int32_t dino_event_record(int32_t handle, int32_t number) {
  Context* context = enter(handle);
  cudaEvent_t event = context ? eventOf(context, number) : nullptr;
  if (!event) return -1;
  const cudaError_t error = cudaEventRecord(event, context->stream);
  return error == cudaSuccess ? 0 : fail("cudaEventRecord", error);
}

// Whether everything that was launched is done: 1 or 0.
API int32_t dino_idle(int32_t handle) {
  Context* context = enter(handle);
  if (!context) return -1;
  const cudaError_t error = cudaStreamQuery(context->stream);
  if (error == cudaSuccess) return 1;
  cudaGetLastError();
  return error == cudaErrorNotReady ? 0 : failLate(context, "cudaStreamQuery", error);
}

// Whether everything before the event's record is done: 1 or 0.
API int32_t dino_event_query(int32_t handle, int32_t number) {
  Context* context = enter(handle);
  cudaEvent_t event = context ? eventOf(context, number) : nullptr;
  if (!event) return -1;
  const cudaError_t error = cudaEventQuery(event);
  if (error == cudaSuccess) return 1;
  cudaGetLastError();
  return error == cudaErrorNotReady ? 0 : failLate(context, "cudaEventQuery", error);
}

// Milliseconds from one recorded event to another, when both are done; negative after a failure.
API double dino_event_elapsed(int32_t handle, int32_t from, int32_t to) {
  Context* context = enter(handle);
  cudaEvent_t start = context ? eventOf(context, from) : nullptr, end = context ? eventOf(context, to) : nullptr;
  if (!start || !end) return -1;
  if (synchronize(context, "elapsed") < 0) return -1;
  float milliseconds = 0;
  const cudaError_t error = cudaEventElapsedTime(&milliseconds, start, end);
  return error == cudaSuccess ? milliseconds : fail("cudaEventElapsedTime", error);
}

// Lets an event's number be used again.
API int32_t dino_event_free(int32_t handle, int32_t number) {
  Context* context = enter(handle);
  if (!context || !eventOf(context, number)) return -1;
  context->freeEvents.push_back(number);
  return 0;
}

// ---------------------------------------------------------------- the library's own kernel

// Puts 8 bytes, given as two halves of 32 bits, at y: how constants come to the device in the order of the commands.
static void store_constant(uint64_t* y, Size low, Size high) {
  const uint64_t value = (uint64_t)high << 32 | (uint64_t)low;
  forEach(0, 1, [=] DEVICE(Size) { *y = value; });
}

FAMILY(api, KERNEL(store_constant, store_constant))
