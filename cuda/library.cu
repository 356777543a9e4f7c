// Opens NVIDIA's libraries where ffi/nvidia.ts found places to look, and says what came of it.
#include "library.cuh"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

thread_local int libraryOptions[LIBRARY_OPTIONS] = {1, 1, 1, 0, 0, 0, 0};

namespace {

// What comes before a name that is only to be found if it is loaded already.
const std::string LOADED = "loaded:";

struct State {
  // Where to look, in order: paths, names that the loader looks for, and names of what may be loaded already.
  std::vector<std::string> candidates;
  bool tried = false;
  void* handle = nullptr;
  std::string path, problem, refusal;
};

State states[LIBRARIES];
std::recursive_mutex guard;

const char* const VERSION[LIBRARIES] = {"cublasLtGetVersion", "cudnnGetVersion", "ncclGetVersion"};

// The path of the file that a function is in.
std::string pathOf(const void* function, const std::string& otherwise) {
  Dl_info info;
  return dladdr(function, &info) && info.dli_fname ? info.dli_fname : otherwise;
}

// Null, or why a library that was opened cannot be used.
const char* unsuitable(void* handle, Library library) {
  if (!dlsym(handle, VERSION[library])) return "is not the library of that name";
#if CUDA_EMULATOR
  // A real one would take the host's memory for the device's.
  if (!dlsym(handle, "emulated")) return "is for a GPU, not for the emulator";
#endif
  return nullptr;
}

// cuDNN looks for these by name, and finds them when they are loaded already: they lie in folders that the loader does not know.
void openBeside(Library library, const std::string& path) {
  if (library != CUDNN) return;
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return;
  const std::string folder = path.substr(0, slash + 1);
  const struct {
    const char* wheel;
    const char* file;
  } others[] = {{"../../cu13/lib/", "libnvrtc.so.13"},
                {"../../cuda_nvrtc/lib/", "libnvrtc.so.12"},
                {"../../cu13/lib/", "libcublasLt.so.13"},
                {"../../cublas/lib/", "libcublasLt.so.12"}};
  for (const auto& other : others) {
    for (const std::string& place : {folder + other.file, folder + other.wheel + other.file}) {
      if (access(place.c_str(), F_OK) == 0 && dlopen(place.c_str(), RTLD_LAZY | RTLD_GLOBAL)) break;
    }
  }
}

void find(Library library) {
  State& state = states[library];
  state.tried = true;
  for (const std::string& candidate : state.candidates) {
    const bool loaded = candidate.compare(0, LOADED.size(), LOADED) == 0;
    const std::string path = loaded ? candidate.substr(LOADED.size()) : candidate;
    const bool isFile = path.find('/') != std::string::npos;
    if (isFile && access(path.c_str(), F_OK) != 0) continue;
    if (isFile) openBeside(library, path);
    void* handle = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL | (loaded ? RTLD_NOLOAD : 0));
    if (!handle) {
      const char* reason = dlerror();
      const std::string text = reason ? reason : "";
      if (isFile) state.problem += (state.problem.empty() ? "" : "; ") + (text.find(path) == 0 ? text : path + ": " + text);
      continue;
    }
    if (const char* reason = unsuitable(handle, library)) {
      state.problem += (state.problem.empty() ? "" : "; ") + path + " " + reason;
      dlclose(handle);
      continue;
    }
    state.handle = handle;
    state.path = pathOf(dlsym(handle, VERSION[library]), path);
    state.problem.clear();
    return;
  }
}

int copyText(const std::string& text, uint8_t* out, int32_t capacity) {
  memcpy(out, text.data(), std::min((size_t)std::max(capacity, 0), text.size()));
  return (int)std::min((size_t)std::max(capacity, 0), text.size());
}

// major.minor.patch: all three count in the same way.
long versionOf(const State& state, Library library) {
  void* function = dlsym(state.handle, VERSION[library]);
  if (library != NCCL) return (long)reinterpret_cast<size_t (*)()>(function)();
  int version = 0;
  return reinterpret_cast<int (*)(int*)>(function)(&version) == 0 ? version : 0;
}

}  // namespace

bool openLibrary(Library library, const LibraryFunction* functions, int count) {
  std::lock_guard<std::recursive_mutex> lock(guard);
  State& state = states[library];
  if (!state.tried) find(library);
  if (!state.handle) return false;
  for (int i = 0; i < count; i++) {
    *functions[i].function = dlsym(state.handle, functions[i].name);
    if (*functions[i].function) continue;
    state.problem = state.path + " has no function " + functions[i].name;
    state.handle = nullptr;
    return false;
  }
  return true;
}

void noteRefusal(Library library, const char* function, int status) {
  std::lock_guard<std::recursive_mutex> lock(guard);
  states[library].refusal = std::string(current.name) + ": " + function + " answered " + std::to_string(status);
}

namespace {
// Larger than what every kernel may use: of doubled sizes, and never given back, for graphs may remember where they lie.
struct Spaces {
  void* address[3] = {};
};
}  // namespace

void* libraryWorkspace(size_t bytes) {
  if (bytes <= WORKSPACE) return current.workspace;
  Spaces& spaces = ofContext<Spaces>();
  int i = 0;
  while (i < 2 && (size_t)WORKSPACE << (i + 1) < bytes) i++;
  const size_t size = (size_t)WORKSPACE << (i + 1);
  if (size < bytes) return nullptr;
  if (!spaces.address[i] && cudaMalloc(&spaces.address[i], size) != cudaSuccess) {
    cudaGetLastError();
    spaces.address[i] = nullptr;
  }
  return spaces.address[i];
}

// Tells where to look for a library: a line for each place, in UTF-8. It is opened when it is first needed.
API int32_t dino_library_places(int32_t library, const uint8_t* text, int32_t bytes) {
  if (library < 0 || library >= LIBRARIES) return -1;
  std::lock_guard<std::recursive_mutex> lock(guard);
  State& state = states[library];
  if (state.handle) return 0;
  state = State();
  std::string line;
  for (int32_t i = 0; i < bytes; i++) {
    if (text[i] != '\n') line += (char)text[i];
    if ((text[i] == '\n' || i == bytes - 1) && !line.empty()) {
      state.candidates.push_back(line);
      line.clear();
    }
  }
  return 0;
}

API int32_t dino_library_option(int32_t option, int32_t value) {
  if (option < 0 || option >= LIBRARY_OPTIONS) return -1;
  libraryOptions[option] = value;
  return 0;
}

// Opens a library, and says in three lines: its version, or 0 when it is not there; its path; what went wrong with it. Returns
// the text's length.
API int32_t dino_library_state(int32_t library, uint8_t* out, int32_t capacity) {
  if (library < 0 || library >= LIBRARIES) return -1;
  openLibrary((Library)library, nullptr, 0);
  std::lock_guard<std::recursive_mutex> lock(guard);
  const State& state = states[library];
  const long version = state.handle ? versionOf(state, (Library)library) : 0;
  const std::string& problem = state.handle ? state.refusal : state.problem;
  return copyText(std::to_string(version) + "\n" + state.path + "\n" + problem, out, capacity);
}
