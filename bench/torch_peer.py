"""Times PyTorch for bench/table.ts: reads one JSON object a line ({"setup", "code", "ms"}), answers with one."""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
print(json.dumps({"version": torch.__version__.split("+")[0], "threads": torch.get_num_threads()}), flush=True)
rows = {}
for line in sys.stdin:
    row = json.loads(line)
    key = row["setup"] + row["code"]
    if key not in rows:
        names = {"torch": torch, "nn": nn, "F": F}
        exec(row["setup"], names)
        body = "\n".join("        " + part for part in row["code"].split("\n"))
        exec(f"def run(n):\n    for _ in range(n):\n{body}", names)
        names["run"](3)
        rows[key] = names["run"]
    run = rows[key]
    n, times = 1, []
    end = time.perf_counter() + row["ms"] / 1e3
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run(n)
        spent = time.perf_counter() - start
        if spent < 2e-4 and len(times) == 0 and n < 1 << 20:
            n *= 2
            continue
        times.append(spent / n * 1e6)
    times.sort()
    print(json.dumps({"best": times[0], "median": times[len(times) // 2]}), flush=True)
