"""PyTorch in the benchmark on a GPU: python3 gpu_peer.py [words...]. gpu_rows.ts has the rows; the names are the same."""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch_models import GPT

dev, bf16 = "cuda", torch.bfloat16
ROWS = []


def row(name, make, step=False):
    ROWS.append((name, make, step))


def randn(*shape, dtype=torch.float32):
    return torch.randn(*shape, device=dev).to(dtype)


def matmul(n, dtype, tf32):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    a, b = randn(n, n, dtype=dtype), randn(n, n, dtype=dtype)
    return lambda: a @ b


for n in (512, 1024, 2048, 4096, 8192):
    for name, dtype, tf32 in (("float32", torch.float32, False), ("TF32", torch.float32, True), ("bfloat16", bf16, False)):
        row(f"matmul {n} {name}", lambda n=n, dtype=dtype, tf32=tf32: matmul(n, dtype, tf32))


def memory(name, shape, f, dtype=torch.float32):
    def make():
        x = randn(*shape, dtype=dtype)
        return lambda: f(x)

    row(name, make)


M = 1 << 20
memory("clone, 64 M", (64, M), lambda x: x.clone())
memory("add, 64 M", (64, M), lambda x: x + x)
memory("gelu, 64 M", (64, M), F.gelu)
memory("gelu, 64 M, bfloat16", (64, M), F.gelu, bf16)
memory("transposed copy, 8192 x 8192", (8192, 8192), lambda x: x.t().contiguous())
memory("sum, 64 M", (64, M), lambda x: x.sum())
memory("sum of 65536 rows of 1024", (65536, 1024), lambda x: x.sum(1))
memory("sum of 1024 columns of 65536", (65536, 1024), lambda x: x.sum(0))
memory("softmax, rows of 1024", (65536, 1024), lambda x: x.softmax(-1))
memory("softmax, rows of 1024, bfloat16", (65536, 1024), lambda x: x.softmax(-1), bf16)
memory("logSoftmax, rows of 50257", (2048, 50257), lambda x: x.log_softmax(-1))
memory("layerNorm, rows of 768", (65536, 768), lambda x: F.layer_norm(x, [768]))
memory("sort, 64 rows of 65536", (64, 65536), lambda x: x.sort(-1))
memory("topk 10, 64 rows of 65536", (64, 65536), lambda x: x.topk(10))
memory("median, 64 rows of 65536", (64, 65536), lambda x: x.median(-1))
memory(
    "interpolate bilinear, 16 x 64 x 128 x 128 to 256",
    (16, 64, 128, 128),
    lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
)


def index_add():
    y, x = torch.zeros(65536, 64, device=dev), randn(M, 64)
    at = torch.randint(0, 65536, (M,), device=dev)
    return lambda: y.index_add(0, at, x)


row("indexAdd, 1 M rows of 64 into 65536", index_add)


def linalg(name):
    a = randn(256, 64, 64)
    spd = a @ a.transpose(1, 2) + torch.eye(64, device=dev)
    if name == "cholesky":
        return lambda: torch.linalg.cholesky(spd)
    return (lambda: torch.linalg.svd(a)) if name == "svd" else (lambda: torch.linalg.solve(spd, a))


for name in ("cholesky", "svd", "solve"):
    row(f"linalg.{name}, 256 of 64 x 64", lambda name=name: linalg(name))
memory("dropout, 64 M", (64, M), lambda x: F.dropout(x, 0.1))


def entropy(grad):
    x, t = randn(8192, 50257), torch.randint(0, 50257, (8192,), device=dev)
    if not grad:
        return lambda: F.cross_entropy(x, t)
    x.requires_grad_()
    return lambda: torch.autograd.grad(F.cross_entropy(x, t), x)


row("cross entropy, 8192 x 50257", lambda: entropy(False))
row("cross entropy and its gradient, 8192 x 50257", lambda: entropy(True))


def norm():
    x, dy, m = randn(65536, 768).requires_grad_(), randn(65536, 768), nn.LayerNorm(768).to(dev)
    return lambda: torch.autograd.grad(m(x), [x, *m.parameters()], dy)


row("layerNorm and its gradients, rows of 768", norm)


def conv(grad):
    torch.backends.cudnn.allow_tf32 = False
    x, w, dy = randn(32, 64, 56, 56), randn(64, 64, 3, 3), randn(32, 64, 56, 56)
    if not grad:
        return lambda: F.conv2d(x, w, padding=1)
    x.requires_grad_(), w.requires_grad_()
    return lambda: torch.autograd.grad(F.conv2d(x, w, padding=1), [x, w], dy)


row("conv2d 3 x 3, 64 channels, 32 x 56 x 56", lambda: conv(False))
row("conv2d 3 x 3 and its gradients, 64 channels, 32 x 56 x 56", lambda: conv(True))


def attention(batch, length, dtype, grad):
    q, k, v = (randn(batch, 12, length, 64, dtype=dtype) for _ in range(3))
    run = lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    if not grad:
        return run
    for x in (q, k, v):
        x.requires_grad_()

    def both():
        y = run()
        return torch.autograd.grad(y, [q, k, v], y.detach())

    return both


row("attention, causal, 8 x 12 x 512 x 64", lambda: attention(8, 512, torch.float32, False))
row("attention, causal, 16 x 12 x 1024 x 64, bfloat16", lambda: attention(16, 1024, bf16, False))
row("attention and its gradients, 16 x 12 x 1024 x 64, bfloat16", lambda: attention(16, 1024, bf16, True))


def cnn():
    """The model of examples/mnist_cnn.ts."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 10)),
    )


def step(name, model_of, optimizer_of, data, loss_of):
    def make(graph):
        torch.manual_seed(0)
        model = model_of().to(dev)
        optimizer = optimizer_of(model.parameters(), graph)
        x, target = data()

        def run():
            loss = loss_of(model(x), target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

        if not graph:
            return run
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(5):
                run()
        torch.cuda.current_stream().wait_stream(side)
        recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(recorded):
            run()
        return recorded.replay

    row(name, lambda: make(False), True)
    row(f"{name}, as a graph", lambda: make(True), True)


step(
    "two-layer network's step",
    lambda: nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10)),
    lambda p, graph: torch.optim.SGD(p, lr=1e-6),
    lambda: (randn(64, 1000), randn(64, 10)),
    lambda y, t: F.mse_loss(y, t, reduction="sum"),
)
step(
    "MNIST CNN's step",
    cnn,
    lambda p, graph: torch.optim.Adam(p, lr=1e-3, capturable=graph),
    lambda: (randn(64, 1, 28, 28), torch.randint(0, 10, (64,), device=dev)),
    F.cross_entropy,
)
step(
    "character GPT's step",
    lambda: GPT(65, n_layer=4, n_head=4, n_embd=128, block=64),
    lambda p, graph: torch.optim.AdamW(p, lr=1e-3, capturable=graph),
    lambda: (torch.randint(0, 65, (12, 64), device=dev), torch.randint(0, 65, (12 * 64,), device=dev)),
    lambda y, t: F.cross_entropy(y.flatten(0, 1), t),
)


def timed(f):
    best, calls = float("inf"), 1
    for r in range(6):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(calls):
            f()
        end.record()
        end.synchronize()
        ms = start.elapsed_time(end) / calls
        if r > 1:
            best = min(best, ms)
        calls = max(3, min(1500, int(15 / ms) + 1))
    return best


def timed_step(f):
    for _ in range(30):
        f()
    times = []
    for _ in range(7):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(40):
            f()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / 40 * 1e3)
    return sorted(times)[3]


def tell(**message):
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("PyTorch is there, but not for CUDA")
    tell(about=f"PyTorch {torch.__version__}")
    for name, make, is_step in ROWS:
        if not all(word in name for word in sys.argv[1:]):
            continue
        try:
            f = make()
            tell(row=name, ms=timed_step(f) if is_step else timed(f))
            del f
            torch.cuda.empty_cache()
        except Exception as e:  # noqa: BLE001 - a row that fails loses itself alone
            tell(row=name, error=str(e).splitlines()[0])
