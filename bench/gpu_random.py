"""PyTorch's random numbers on a GPU, for bench/gpu_random.ts: a line of JSON for each draw."""
import json
import torch
import torch.nn.functional as F


def draws(g):
    def fill(dtype, n):
        return torch.empty(n, dtype=dtype, device="cuda")

    f32, f64, i64 = torch.float32, torch.float64, torch.int64
    for n in (1000, 1001, 1002, 3_000_000):
        yield f"rand {n}", torch.rand(n, device="cuda", generator=g)
        yield f"randn {n}", torch.randn(n, device="cuda", generator=g)
        yield f"rand float64 {n}", torch.rand(n, dtype=f64, device="cuda", generator=g)
        yield f"randn float64 {n}", torch.randn(n, dtype=f64, device="cuda", generator=g)
        yield f"uniform_ {n}", fill(f32, n).uniform_(-3, 5, generator=g)
        yield f"normal_ {n}", fill(f32, n).normal_(2, 0.5, generator=g)
        yield f"randint {n}", torch.randint(-5, 1000, (n,), device="cuda", generator=g)
        yield f"randint 2^40 {n}", torch.randint(2**40, (n,), device="cuda", generator=g)
        yield f"bernoulli_ {n}", fill(f32, n).bernoulli_(0.3, generator=g)
        yield f"bernoulli_ int64 {n}", fill(i64, n).bernoulli_(0.3, generator=g)
        yield f"bernoulli {n}", torch.bernoulli(fill(f32, n).fill_(0.3), generator=g)
        yield f"exponential_ {n}", fill(f32, n).exponential_(0.5, generator=g)
        yield f"log_normal_ {n}", fill(f32, n).log_normal_(0, 0.5, generator=g)
        yield f"cauchy_ {n}", fill(f32, n).cauchy_(1, 2, generator=g)
        yield f"geometric_ {n}", fill(f32, n).geometric_(0.2, generator=g)
        # Dropout takes the device's default generator.
        torch.manual_seed(42)
        yield f"dropout {n}", F.dropout(torch.ones(n, device="cuda"), 0.3)
        yield f"dropout again {n}", F.dropout(torch.ones(n, device="cuda"), 0.3)
        yield f"dropout float64 {n}", F.dropout(torch.ones(n, dtype=f64, device="cuda"), 0.3)


for name, x in draws(torch.Generator("cuda").manual_seed(2024)):
    x = x.cpu()
    step = max(1, x.numel() // 2000)
    print(json.dumps({"name": name, "values": x[::step].tolist()}))
print(json.dumps({"name": "version", "values": [torch.__version__, torch.cuda.get_device_name()]}))
