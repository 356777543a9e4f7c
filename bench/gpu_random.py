"""PyTorch's random numbers on a GPU, for bench/gpu_random.ts: a line of JSON for each draw."""
import json
import torch
import torch.nn.functional as F

f16, f32, f64, i64 = torch.float16, torch.float32, torch.float64, torch.int64


def draws(g):
    def fill(dtype, n):
        return torch.empty(n, dtype=dtype, device="cuda")

    o = {"device": "cuda", "generator": g}
    for n in (1000, 1001, 1002, 300_000, 1_000_002, 3_000_000):
        yield f"randint {n}", lambda: torch.randint(-5, 1000, (n,), **o)
        yield f"randint 2^40 {n}", lambda: torch.randint(2**40, (n,), **o)
        for name, dtype in (("", f32), (" float64", f64)):
            yield f"rand{name} {n}", lambda: torch.rand(n, dtype=dtype, **o)
            yield f"randn{name} {n}", lambda: torch.randn(n, dtype=dtype, **o)
            yield f"uniform_{name} {n}", lambda: fill(dtype, n).uniform_(-3, 5, generator=g)
            yield f"normal_{name} {n}", lambda: fill(dtype, n).normal_(2, 0.5, generator=g)
            yield f"exponential_{name} {n}", lambda: fill(dtype, n).exponential_(0.5, generator=g)
            yield f"log_normal_{name} {n}", lambda: fill(dtype, n).log_normal_(0, 0.5, generator=g)
            yield f"cauchy_{name} {n}", lambda: fill(dtype, n).cauchy_(1, 2, generator=g)
            yield f"bernoulli{name} {n}", lambda: torch.bernoulli(fill(dtype, n).fill_(0.3), generator=g)
        for name, dtype in (("", f32), (" float64", f64), (" int64", i64)):
            yield f"geometric_{name} {n}", lambda: fill(dtype, n).geometric_(0.2, generator=g)
            yield f"bernoulli_{name} {n}", lambda: fill(dtype, n).bernoulli_(0.3, generator=g)
        # Dropout takes the device's default generator.
        for name, dtype in (("", f32), (" float64", f64), (" float16", f16)):
            yield f"dropout{name} {n}", lambda: F.dropout(torch.ones(n, dtype=dtype, device="cuda"), 0.3)


def drawn(name, draw, g):
    g.manual_seed(2024)
    torch.cuda.manual_seed(42)
    torch.rand(10, device="cuda", generator=g)
    x = draw().cpu()
    state = torch.cuda.get_rng_state() if name.startswith("dropout") else g.get_state()
    step = max(1, x.numel() // 2000)
    offset = int.from_bytes(bytes(state.tolist()[8:16]), "little")
    return {"name": name, "values": x[::step].tolist(), "offset": offset}


generator = torch.Generator("cuda")
for name, draw in draws(generator):
    print(json.dumps(drawn(name, draw, generator)))
print(json.dumps({"name": "version", "values": [torch.__version__, torch.cuda.get_device_name()]}))
