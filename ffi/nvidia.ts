/**
 * Where NVIDIA's libraries are looked for. The library of CUDA kernels opens the first that is there, when it first needs
 * it. Permissions that were granted are used, and none is asked for.
 *
 * @module
 */
import type { CudaLibrary, CudaLibraryName } from "../src/backend/devices.ts";
import { granted, type Library } from "./library.ts";

/** A library of NVIDIA's. */
interface Wanted {
  name: CudaLibraryName;
  /** Its file, for CUDA 13 and for CUDA 12. */
  files: readonly string[];
  /** Folders of Python's `nvidia` that wheels put it in. */
  wheels: readonly string[];
  /** What computes where it is missing. */
  instead: string;
  /** What pip installs. */
  packages: readonly string[];
}

/** The libraries, in the order of cuda/library.cuh. */
const WANTED: readonly Wanted[] = [
  {
    name: "cuBLASLt",
    files: ["libcublasLt.so.13", "libcublasLt.so.12"],
    wheels: ["cu13", "cublas"],
    instead: "products of matrices are computed by dinotorch's own kernels",
    packages: ["nvidia-cublas", "nvidia-cublas-cu12"],
  },
  {
    name: "cuDNN",
    files: ["libcudnn.so.9"],
    wheels: ["cudnn", "cu13"],
    instead: "convolutions are computed by dinotorch's own kernels",
    packages: ["nvidia-cudnn-cu13", "nvidia-cudnn-cu12"],
  },
  {
    name: "NCCL",
    files: ["libnccl.so.2"],
    wheels: ["nccl", "cu13"],
    instead: "nothing needs it yet",
    packages: ["nvidia-nccl-cu13", "nvidia-nccl-cu12"],
  },
];

/** Where the libraries lie in a toolkit. */
const TOOLKIT_FOLDERS = ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"];

/** What is known of the machine: with permissions that were granted. */
export interface Machine {
  /** An environment variable; undefined where it is not set, or may not be read. */
  variable(name: string): string | undefined;
  /** The names in a folder; none where it is not there, or may not be read. */
  namesIn(folder: string): string[];
  /** Whether a library may be opened. */
  mayOpen(path: string): boolean;
}

/** This machine. */
const here: Machine = {
  variable: (name) =>
    granted({ name: "env", variable: name }) ? Deno.env.get(name) || undefined : undefined,
  namesIn(folder) {
    if (!granted({ name: "read", path: folder })) return [];
    try {
      return [...Deno.readDirSync(folder)].map(({ name }) => name);
    } catch {
      return [];
    }
  },
  mayOpen: (path) => granted({ name: "ffi", path }),
};

/** Newer versions first. */
function newest(names: string[]): string[] {
  return names.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
}

/** Where Python is installed: virtual environments, and where the first `python3` of PATH is. */
function pythons({ variable, namesIn }: Machine): string[] {
  const roots = [variable("VIRTUAL_ENV"), variable("CONDA_PREFIX")];
  const folder = (variable("PATH") ?? "").split(":").find((folder) =>
    folder.startsWith("/") && namesIn(folder).includes("python3")
  );
  if (folder !== undefined) {
    const root = folder.replace(/\/+[^/]+\/*$/, "");
    roots.push(root, root === "/usr" ? "/usr/local" : undefined);
  }
  return [...new Set(roots.filter((root) => root !== undefined))];
}

/** The folders in which Python's packages lie. */
function packageFolders(machine: Machine): string[] {
  return pythons(machine).flatMap((root) =>
    newest(machine.namesIn(`${root}/lib`).filter((name) => /^python3(\.\d+)?$/.test(name)))
      .flatMap((name) =>
        ["site-packages", "dist-packages"].map((packages) => `${root}/lib/${name}/${packages}`)
      )
  );
}

/** Toolkits' folders: CUDA_HOME, CUDA_PATH and /usr/local/cuda*, the newest first. */
function toolkits({ variable, namesIn }: Machine): string[] {
  const versions = newest(namesIn("/usr/local").filter((name) => /^cuda-/.test(name)));
  return [variable("CUDA_HOME"), variable("CUDA_PATH"), "/usr/local/cuda"]
    .concat(versions.map((name) => `/usr/local/${name}`))
    .filter((home) => home !== undefined)
    .flatMap((home) => TOOLKIT_FOLDERS.map((folder) => `${home}/${folder}`));
}

/**
 * Places of a library in the order in which they are tried, as cuda/library.cu understands them: paths, names that the
 * loader looks for, and `loaded:` names of what may be in the process already.
 */
export function placesOf(library: CudaLibraryName, machine: Machine = here): string[] {
  const { files, wheels } = WANTED.find(({ name }) => name === library)!;
  const named = machine.variable("CUDA_LIBRARY_DIR"), conda = machine.variable("CONDA_PREFIX");
  const inside = (folder: string) => files.map((file) => `${folder.replace(/\/+$/, "")}/${file}`);
  const packages = packageFolders(machine).flatMap((folder) =>
    wheels.map((wheel) => `${folder}/nvidia/${wheel}/lib`)
  );
  return [
    ...named === undefined ? [] : inside(named),
    ...files.map((file) => `loaded:${file}`),
    ...packages.flatMap(inside),
    ...conda === undefined ? [] : inside(`${conda}/lib`),
    ...files,
    ...toolkits(machine).flatMap(inside),
  ].filter((place) => machine.mayOpen(place.replace(/^loaded:/, "")));
}

/** What may not be looked at for want of a permission, in words; empty when everything may. */
function hidden(): string {
  const missing = [
    ...granted({ name: "env" }) ? [] : ["--allow-env"],
    ...granted({ name: "read" }) ? [] : ["--allow-read"],
  ];
  return missing.length === 0
    ? ""
    : ` (without ${missing.join(" and ")} not all places can be looked at)`;
}

/** `90100` -> "9.1.0". */
function dotted(version: number): string {
  return [Math.floor(version / 10000), Math.floor(version / 100) % 100, version % 100].join(".");
}

/** Tells the library of kernels where to look. */
export function tellPlaces(library: Library): void {
  WANTED.forEach(({ name }, i) => {
    const places = new TextEncoder().encode(placesOf(name).join("\n"));
    library.symbols.dino_library_places(i, places, places.length);
  });
}

/** Opens NVIDIA's libraries, and says what came of it. */
export function libraryStates(library: Library): CudaLibrary[] {
  return WANTED.map((wanted, i) => {
    const out = new Uint8Array(4096);
    const length = library.symbols.dino_library_state(i, out, out.length);
    const [version, path, ...rest] = new TextDecoder().decode(out.subarray(0, length)).split("\n");
    const problem = rest.join("\n"), { name } = wanted;
    if (Number(version) > 0) {
      return { name, path, version: dotted(Number(version)), problem: problem || null };
    }
    return { name, path: null, version: null, problem: missing(wanted, problem) };
  });
}

/** Why a library is not used, where it was looked for, what serves instead, and how it comes there. */
function missing({ name, files, wheels, instead, packages }: Wanted, problem: string): string {
  const why = problem === "" ? "was not found" : `cannot be used: ${problem}`;
  const folders = wheels.map((wheel) => `nvidia/${wheel}/lib`).join(" and ");
  return `${name} ${why}; looked for ${
    files.join(", then ")
  } in CUDA_LIBRARY_DIR, among the libraries that are loaded, in ${folders} of VIRTUAL_ENV's, ` +
    `CONDA_PREFIX's and PATH's python3, where the system has its libraries (LD_LIBRARY_PATH), in CUDA_HOME and ` +
    `in /usr/local/cuda*${hidden()}. Until it is there, ${instead}; \`pip install ${
      packages[0]
    }\` (CUDA 12: ${packages[1]}) brings it, CUDA_LIBRARY_DIR tells where it is`;
}
