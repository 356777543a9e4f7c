"""The training step of bench/gpu_gpt2.ts in PyTorch: autocast to bfloat16, its fused attention and fused AdamW.

    python3 bench/gpu_gpt2.py [--batch 16] [--compile]
"""
import argparse, math, time
import torch
from torch import nn
from torch.nn import functional as F
from torch_models import GPT

parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--length", type=int, default=1024)
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--layers", type=int, default=12)
parser.add_argument("--heads", type=int, default=12)
parser.add_argument("--width", type=int, default=768)
parser.add_argument("--vocabulary", type=int, default=50304)
parser.add_argument("--float32", action="store_true")
parser.add_argument("--compile", action="store_true")
parser.add_argument("--device", default="cuda")
o = parser.parse_args()


torch.manual_seed(1337)
torch.set_float32_matmul_precision("high")
model = GPT(o.vocabulary, o.layers, o.heads, o.width, o.length, bias=True)
for name, p in model.named_parameters():
    if p.ndim > 1:
        nn.init.normal_(p, 0, 0.02 / math.sqrt(2 * o.layers) if "c_proj" in name else 0.02)
    elif "bias" in name:
        nn.init.zeros_(p)
model.to(o.device)
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim == 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0}],
    lr=6e-4, betas=(0.9, 0.95), **({"fused": True} if o.device == "cuda" else {}))
parameters = decayed + others
idx = torch.randint(o.vocabulary, (o.batch, o.length), device=o.device)
target = torch.randint(o.vocabulary, (o.batch * o.length,), device=o.device)
forward = torch.compile(model) if o.compile else model


def step():
    with torch.autocast(o.device, dtype=torch.bfloat16, enabled=not o.float32):
        loss = F.cross_entropy(forward(idx).view(-1, o.vocabulary), target)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    return loss.detach()


wait = torch.cuda.synchronize if o.device == "cuda" else lambda: None
losses = [step() for _ in range(5)]
wait()
start = time.perf_counter()
losses += [step() for _ in range(o.steps)]
wait()
ms = (time.perf_counter() - start) / o.steps * 1000
memory = torch.cuda.max_memory_allocated() / 2**30 if o.device == "cuda" else 0
print(f"PyTorch {torch.__version__} {'compiled' if o.compile else 'eager'} GPT-2 {sum(p.numel() for p in parameters) / 1e6:.0f}M, "
      f"batch {o.batch} x {o.length}, {'float32' if o.float32 else 'bfloat16'}: {o.batch * o.length / ms * 1000:.0f} tokens/s, "
      f"{ms:.1f} ms a step, loss {losses[0].item():.4f} -> {losses[-1].item():.4f}, {memory:.1f} GiB")
