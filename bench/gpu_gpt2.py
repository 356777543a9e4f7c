"""The training step of bench/gpu_gpt2.ts in PyTorch: autocast to bfloat16, its fused attention and fused AdamW.

    python3 bench/gpu_gpt2.py [--batch 16] [--compile]
"""
import argparse, math, time
import torch
from torch import nn
from torch.nn import functional as F

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


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn = nn.Linear(o.width, 3 * o.width)
        self.c_proj = nn.Linear(o.width, o.width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, o.heads, c // o.heads).transpose(1, 2) for y in self.c_attn(x).split(c, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(b, t, c))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(o.width), nn.LayerNorm(o.width)
        self.attn = Attention()
        self.c_fc, self.c_proj = nn.Linear(o.width, 4 * o.width), nn.Linear(4 * o.width, o.width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.c_proj(F.gelu(self.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(o.vocabulary, o.width), nn.Embedding(o.length, o.width)
        self.h = nn.ModuleList(Block() for _ in range(o.layers))
        self.ln_f = nn.LayerNorm(o.width)
        self.lm_head = nn.Linear(o.width, o.vocabulary, bias=False)
        self.wte.weight = self.lm_head.weight
        for name, p in self.named_parameters():
            if p.ndim > 1:
                nn.init.normal_(p, 0, 0.02 / math.sqrt(2 * o.layers) if "c_proj" in name else 0.02)
            elif "bias" in name:
                nn.init.zeros_(p)

    def forward(self, idx):
        x = self.wte(idx) + self.wpe(torch.arange(idx.shape[1], device=idx.device))
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


torch.manual_seed(1337)
torch.set_float32_matmul_precision("high")
model = GPT().to(o.device)
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim == 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0}],
    lr=6e-4, betas=(0.9, 0.95), fused=o.device == "cuda")
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
