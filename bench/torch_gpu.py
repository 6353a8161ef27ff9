"""PyTorch on the GPU (cuBLAS, cuSOLVER): "torch_gpu.py SIZE..." prints lines as bench/gpu.c."""
import sys
import time

import torch

if not torch.cuda.is_available():
    sys.exit("no CUDA")


def shortest(f):
    f()
    torch.cuda.synchronize()
    best, until, runs = 1e300, time.perf_counter() + 2, 0
    while runs < 3 or (runs < 50 and time.perf_counter() < until):
        start = time.perf_counter()
        f()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
        runs += 1
    return best


def show(what, n, value, unit):
    print(f"{what} {n}\t{value:.4g}\t{unit}\t", flush=True)


for n in map(int, sys.argv[1:]):
    rate = 2e-9 * n**3
    a = torch.rand(n, n, device="cuda") * 2 - 1
    b = torch.rand(n, n, device="cuda") * 2 - 1
    v = torch.rand(n, 1, device="cuda")
    torch.backends.cuda.matmul.allow_tf32 = False
    show("matmul float32 exact", n, rate / shortest(lambda: a @ b), "GFLOP/s")
    show("matrix by vector float32", n, 2e-9 * n * n / shortest(lambda: a @ v), "GFLOP/s")
    torch.backends.cuda.matmul.allow_tf32 = True
    show("matmul float32 tf32", n, rate / shortest(lambda: a @ b), "GFLOP/s")
    torch.backends.cuda.matmul.allow_tf32 = False
    c, d = a.bfloat16(), b.bfloat16()
    show("matmul float32 bf16", n, rate / shortest(lambda: c @ d), "GFLOP/s")
    c, d = a.double(), b.double()
    show("matmul float64", n, rate / shortest(lambda: c @ d), "GFLOP/s")
    del c, d
    s = (a + a.T) / 2 + 2 * n * torch.eye(n, device="cuda")
    show("chol float32", n, 1e3 * shortest(lambda: torch.linalg.cholesky(s)), "ms")
    show("solve float32", n, 1e3 * shortest(lambda: torch.linalg.solve(s, v)), "ms")

x = torch.rand(1 << 26, device="cuda")
print(f"elementwise, float32\t{8e-9 * x.numel() / shortest(lambda: x * x):.4g}\tGB/s\t")
