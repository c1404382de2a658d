"""The tutorials' CNN in a plain PyTorch loop, channels last, data in memory. Prints seconds a batch as JSON.

python peer_torch_cnn.py MNIST_FOLDER COUNT BATCH
"""

import gzip
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as Sightline does: fair on a machine with other work

import numpy as np
import torch
from torch import nn
from torch.nn import functional

folder, count, batch = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
raw = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())
pixels = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:count]
images = torch.from_numpy(pixels.astype("float32") / 255)
raw = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())
labels = torch.from_numpy(np.frombuffer(raw, np.uint8, offset=8)[:count].astype("int64"))
images = images.to(memory_format=torch.channels_last)
network = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10),
).to(memory_format=torch.channels_last)  # fmt: skip
optimizer = torch.optim.Adam(network.parameters())
network.train()
order = torch.randperm(len(images))
first_done, steps = 0.0, 0
for start in range(0, len(images) - batch + 1, batch):
    chosen = order[start : start + batch]
    loss = functional.cross_entropy(network(images[chosen]), labels[chosen])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    first_done, steps = first_done or time.perf_counter(), steps + 1
print(json.dumps({"per_batch": (time.perf_counter() - first_done) / (steps - 1)}))
