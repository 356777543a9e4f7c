"""The rows of gpu_rows.ts, by PyTorch on the same GPU."""

import torch
from torch.nn import functional as F

device = "cuda"


def randn(*shape):
    return torch.randn(*shape, device=device)


def time(f):
    times = []
    for round in range(8):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        calls = 1 if round == 0 else 5
        start.record()
        for _ in range(calls):
            f()
        end.record()
        torch.cuda.synchronize()
        if round > 0:
            times.append(start.elapsed_time(end) / calls)
    return sorted(times)[len(times) // 2]


def row(name, amount, unit, f):
    ms = time(f)
    rate = amount / ms / (1e6 if unit == "GB/s" else 1e9)
    print(f"{name:<48} {ms:>9.3f} ms {rate:>7.0f} {unit}", flush=True)


def main():
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}\n")
    x, y = randn(65536, 1024), randn(65536, 1024)
    size, bias, column, narrow = 4 * x.numel(), randn(1024), randn(65536, 1), x.bfloat16()
    row("copy, 64 M", 2 * size, "GB/s", lambda: x.clone())
    row("add", 3 * size, "GB/s", lambda: x.add(y))
    row("mul by a number", 2 * size, "GB/s", lambda: x.mul(3))
    row("add a bias", 2 * size, "GB/s", lambda: x.add(bias))
    row("mul by a column", 2 * size, "GB/s", lambda: x.mul(column))
    row("gelu", 2 * size, "GB/s", lambda: F.gelu(x))
    row("add, bfloat16", 1.5 * size, "GB/s", lambda: narrow.add(narrow))
    row("float32 to bfloat16", 1.5 * size, "GB/s", lambda: x.bfloat16())
    row("transpose, 65536 x 1024", 2 * size, "GB/s", lambda: x.t().contiguous())
    heads = x.view(64, 1024, 16, 64)
    row("permute heads", 2 * size, "GB/s", lambda: heads.transpose(1, 2).contiguous())
    row("sum", size, "GB/s", lambda: x.sum())
    row("sum of columns", size, "GB/s", lambda: x.sum(0))
    row("sum of rows", size, "GB/s", lambda: x.sum(1))
    row("amax of rows", size, "GB/s", lambda: x.amax(1))
    del x, y, narrow, heads
    for n in [64, 1024, 4096, 50257]:
        x = randn(2**26 // n, n)
        size, y, leaf = 4 * x.numel(), x.softmax(-1), x.detach().requires_grad_()
        row(f"softmax, rows of {n}", 2 * size, "GB/s", lambda: x.softmax(-1))
        row(f"logSoftmax, rows of {n}", 2 * size, "GB/s", lambda: x.log_softmax(-1))
        out = leaf.softmax(-1)
        row("softmax, backward", 3 * size, "GB/s", lambda: torch.autograd.grad(out, leaf, y, retain_graph=True))
        target = torch.randint(0, n, [x.shape[0]], device=device)
        row("crossEntropy", size, "GB/s", lambda: F.cross_entropy(x, target))
        loss = F.cross_entropy(leaf, target)
        row("crossEntropy, backward", 2 * size, "GB/s", lambda: torch.autograd.grad(loss, leaf, retain_graph=True))
        del x, y, leaf, out, loss
    for n in [768, 4096]:
        x = randn(2**26 // n, n).requires_grad_()
        size, w, b, dy = 4 * x.numel(), randn(n).requires_grad_(), randn(n).requires_grad_(), randn(*x.shape)
        row(f"layerNorm, rows of {n}", 2 * size, "GB/s", lambda: F.layer_norm(x, [n], w, b))
        y = F.layer_norm(x, [n], w, b)
        row("layerNorm, backward", 5 * size, "GB/s", lambda: torch.autograd.grad(y, [x, w, b], dy, retain_graph=True))
        del x, y, dy
    x = randn(256, 64, 64, 64).requires_grad_()
    size, dy, w, b = 4 * x.numel(), randn(*x.shape), torch.ones(64, device=device, requires_grad=True), torch.zeros(64, device=device, requires_grad=True)
    y = F.batch_norm(x, None, None, w, b, True)
    row("batchNorm, 64 channels of 64 x 64", 2 * size, "GB/s", lambda: F.batch_norm(x, None, None, w, b, True))
    row("batchNorm, backward", 3 * size, "GB/s", lambda: torch.autograd.grad(y, [x, w, b], dy, retain_graph=True))
    del x, y, dy
    sizes = [(4, 16, 4096, 64, 2), (4, 16, 4096, 128, 2), (16, 12, 1024, 64, 2), (4, 12, 1024, 64, 4)]
    for batch, heads, length, width, bytes in sizes:
        for causal in [False, True]:
            dtype = torch.bfloat16 if bytes == 2 else torch.float32
            q, k, v, dy = (randn(batch, heads, length, width).to(dtype).requires_grad_() for _ in range(4))
            flops = 4 * batch * heads * length**2 * width / (2 if causal else 1)
            name = f"attention {str(dtype)[6:]}, {batch} x {heads} x {length} x {width}{', causal' if causal else ''}"
            row(name, flops, "TFLOP/s", lambda: F.scaled_dot_product_attention(q, k, v, is_causal=causal))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            grad = dy.detach()
            row("  backward", 2.5 * flops, "TFLOP/s", lambda: torch.autograd.grad(y, [q, k, v], grad, retain_graph=True))


if __name__ == "__main__":
    main()
