"""The same networks in PyTorch, as a plain user writes them.

torch_nn.py WHAT X Y N [DEVICE]

mlp      784-256-128-10, batch 128, Adam
cnn      conv 32, conv 64 (3 x 3, same, relu, each max-pooled by 2), dense 128-10, batch 128, Adam
lstm     LSTM of 64 units over 50 steps of 32 features, dense 10, batch 64, Adam
steps40, steps160   10-40x4-1 and 10-160x8-1, batch 32, SGD

X and Y are files of float32 (N samples, row-major), Y of int32 labels but for the steps. Prints one
number: seconds per epoch, the median of three after one that is not counted. DEVICE is cpu or cuda;
on cuda the data lies on the device, and X may be "random" (with any Y).
"""
import statistics
import sys
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(2)
torch.manual_seed(1)


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.dense = nn.Linear(64, 10)

    def forward(self, x):
        return self.dense(self.lstm(x)[0][:, -1])


def adam(net):
    return torch.optim.Adam(net.parameters(), 0.001)


def sgd(net):
    return torch.optim.SGD(net.parameters(), 0.01)


# the network, the shape of a sample, batch size, loss, optimiser
NETS = {
    "mlp": (lambda: mlp(784, 256, 128, 10), (784,), 128, nn.CrossEntropyLoss(), adam),
    "cnn": (cnn, (1, 28, 28), 128, nn.CrossEntropyLoss(), adam),
    "lstm": (Lstm, (50, 32), 64, nn.CrossEntropyLoss(), adam),
    "steps40": (lambda: mlp(10, *[40] * 4, 1), (10,), 32, nn.MSELoss(), sgd),
    "steps160": (lambda: mlp(10, *[160] * 8, 1), (10,), 32, nn.MSELoss(), sgd),
}


def read(x_file, y_file, n, shape, classes):
    if x_file == "random":
        y = torch.randint(10, (n,)) if classes else torch.rand(n, 1)
        return torch.rand(n, *shape), y
    x = torch.from_numpy(np.fromfile(x_file, "float32").reshape(n, *shape))
    if classes:
        return x, torch.from_numpy(np.fromfile(y_file, "int32").astype("int64"))
    return x, torch.from_numpy(np.fromfile(y_file, "float32").reshape(-1, 1))


def epoch(net, x, y, batch, loss, optimizer):
    start = time.perf_counter()
    order = torch.randperm(len(x), device=x.device)
    for i in range(0, len(x), batch):
        rows = order[i:i + batch]
        optimizer.zero_grad()
        loss(net(x[rows]), y[rows]).backward()
        optimizer.step()
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main(what, x_file, y_file, n, device="cpu"):
    make, shape, batch, loss, optimizer = NETS[what]
    x, y = read(x_file, y_file, int(n), shape, isinstance(loss, nn.CrossEntropyLoss))
    net = make().to(device)
    run = (net, x.to(device), y.to(device), batch, loss, optimizer(net))
    epoch(*run)
    print(statistics.median(epoch(*run) for _ in range(3)))


main(*sys.argv[1:])
