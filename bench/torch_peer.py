"""PyTorch in the benchmark: python3 torch_peer.py <threads>.

Says what it is in a line of JSON; then answers each line {"row", "inputs", "setup", "code", "warm", "ms"} with
{"best", "median", "result"}, or {"error"}. What participant.ts does for the libraries in JavaScript.
"""
import ctypes
import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch_models import GPT, CharGRU, ResNet18, causal_attention

SAMPLE = 2e-4


def hashes(seed, size):
    """data.ts has the same."""
    with np.errstate(over="ignore"):
        h = np.arange(size, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
        h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
        h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
        return h ^ h >> np.uint32(16)


def floats(seed, *shape):
    return torch.from_numpy((hashes(seed, math.prod(shape)) / 2**31 - 1).astype(np.float32)).reshape(shape)


def ints(seed, below, *shape):
    return torch.from_numpy((hashes(seed, math.prod(shape)) % below).astype(np.int64)).reshape(shape)


def fill(model):
    """Sets the parameters, in the order of their names."""
    with torch.no_grad():
        for i, (name, p) in enumerate(sorted(model.named_parameters())):
            if p.dim() > 1:
                p.copy_(floats(100 + i, *p.shape) * np.float32(0.1))
            else:
                p.fill_(0.0 if "bias" in name else 1.0)


def kernels():
    """Which of its kernels OpenBLAS has chosen, if PyTorch uses it."""
    try:
        with open("/proc/self/maps") as maps:
            path = next(line.split()[-1] for line in maps if "openblas" in line.lower())
        name = ctypes.CDLL(path).openblas_get_corename
        name.restype = ctypes.c_char_p
        return f"OpenBLAS's {name().decode()} kernels"
    except (OSError, StopIteration, AttributeError):
        return "MKL" if torch.backends.mkl.is_available() else "its own BLAS"


NAMES = dict(torch=torch, nn=nn, F=F, GPT=GPT, CharGRU=CharGRU, ResNet18=ResNet18,
             causal_attention=causal_attention, floats=floats, ints=ints, fill=fill)


def prepare(request):
    """A function that does the row's work n times and returns the last result."""
    names = dict(NAMES)
    for i, given in enumerate(request["inputs"]):
        names[chr(97 + i)] = (ints(i + 1, given["below"], *given["ints"]) if isinstance(given, dict)
                              else floats(i + 1, *given))
    exec(request["setup"], names)
    exec(f"def run(n):\n    for _ in range(n):\n        y = {request['code']}\n    return y", names)
    return names["run"]


def sample(run, n):
    start = time.perf_counter()
    run(n)
    return time.perf_counter() - start


def warm(run, seconds):
    end = time.perf_counter() + seconds
    n = 1
    if sample(run, n) > max(seconds, 1):
        return n
    while True:
        spent = sample(run, n)
        if spent < SAMPLE:
            n *= 2
        if time.perf_counter() >= end and (spent >= SAMPLE or n >= 1 << 20):
            return n


def measure(run, n, seconds):
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        times.append(sample(run, n) / n * 1e6)
    times.sort()
    return dict(best=times[0], median=times[len(times) // 2])


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.ones(64, 64) @ torch.ones(64, 64)  # loads the BLAS
    version = torch.__version__.split("+")[0]
    print(json.dumps({"about": f"PyTorch {version} ({kernels()})"}), flush=True)
    current, run, n = None, None, 1
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {}
            if request["row"] != current or run is None:
                current, run = request["row"], None
                prepared = prepare(request)
                answer["result"] = prepared(1).detach().double().abs().mean().item()
                n = warm(prepared, request["warm"] / 1e3)
                run = prepared
            answer.update(measure(run, n, request["ms"] / 1e3))
        except Exception as e:  # one row's mistake is that row's alone
            answer = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(answer), flush=True)


main()
