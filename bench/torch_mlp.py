"""The same networks in PyTorch, on the CPU, as a plain user writes them.

torch_mlp.py mlp X Y N      784-256-128-10, batch 128, Adam: seconds per epoch
torch_mlp.py steps X Y N    10-40x4-1, batch 32, SGD: seconds per epoch

X and Y are files of float32 (N rows) and, for mlp, int32 labels. Prints one number: the
median of three epochs after one that is not counted.
"""
import statistics
import sys
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(2)
torch.manual_seed(1)


def network(*sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def epoch(net, x, y, batch, loss, optimizer):
    start = time.perf_counter()
    order = torch.randperm(len(x))
    for i in range(0, len(x), batch):
        rows = order[i:i + batch]
        optimizer.zero_grad()
        loss(net(x[rows]), y[rows]).backward()
        optimizer.step()
    return time.perf_counter() - start


def main(what, x_file, y_file, n):
    x = torch.from_numpy(np.fromfile(x_file, "float32").reshape(int(n), -1))
    if what == "mlp":
        y = torch.from_numpy(np.fromfile(y_file, "int32").astype("int64"))
        net = network(784, 256, 128, 10)
        run = (net, x, y, 128, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), 0.001))
    else:
        y = torch.from_numpy(np.fromfile(y_file, "float32").reshape(-1, 1))
        net = network(10, 40, 40, 40, 40, 1)
        run = (net, x, y, 32, nn.MSELoss(), torch.optim.SGD(net.parameters(), 0.01))
    epoch(*run)
    print(statistics.median(epoch(*run) for _ in range(3)))


main(*sys.argv[1:])
