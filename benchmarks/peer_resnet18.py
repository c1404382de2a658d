"""A plain ResNet-18 for 32 px images, trained for a given time as a fair user would. Prints one JSON document.

    python peer_resnet18.py DATA.npz SECONDS [SEED]

DATA.npz: x_train, y_train, x_test, y_test; images uint8 (n, 32, 32, 3). 3x3 stem without max-pooling; SGD with
Nesterov momentum 0.9, weight decay 5e-4, one cycle to 0.1, random crop with 4 px of padding, mirroring, batch 128,
channels last. The schedule is fitted to what is left of SECONDS (counted from process start) by a measured time a
step; the final scoring is not counted.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as Sightline does: fair on a machine with other work

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH, HIGHEST, TRIED = 128, 0.1, 9
started = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
begun = time.perf_counter() - (float(Path("/proc/uptime").read_text().split()[0]) - started)
"""When this process started, imports and all (Linux)."""


class Block(nn.Module):
    """Two convolutions and a shortcut (He et al. 2015)."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        first = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.first = nn.Sequential(first, nn.BatchNorm2d(out), nn.ReLU(True))
        self.second = nn.Sequential(nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
        changed = stride > 1 or channels != out
        short = [nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)] if changed else []
        self.short = nn.Sequential(*short)

    def forward(self, images: Tensor) -> Tensor:
        return functional.relu(self.second(self.first(images)) + self.short(images))


def resnet18() -> nn.Sequential:
    """Four stages of two blocks."""
    stages, channels = [], 64
    for out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        stages += [Block(channels, out, stride), Block(out, out, 1)]
        channels = out
    stem = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(True)]
    return nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def crop_and_flip(images: Tensor) -> Tensor:
    """Each image shifted by up to 4 px (zeros come in) and mirrored by chance."""
    count, _, height, width = images.shape
    padded = functional.pad(images, (4, 4, 4, 4))
    top, left = torch.randint(0, 9, (2, count, 1))
    rows = (top + torch.arange(height))[:, :, None]
    columns = (left + torch.arange(width))[:, None, :]
    columns = torch.where(torch.rand(count, 1, 1) < 0.5, columns.flip(2), columns)
    return padded[torch.arange(count)[:, None, None], :, rows, columns].permute(0, 3, 1, 2)


seconds = float(sys.argv[2])
torch.manual_seed(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
arrays = np.load(Path(sys.argv[1]), allow_pickle=False)
mean, std = arrays["x_train"].mean((0, 1, 2)), arrays["x_train"].std((0, 1, 2))


def prepared(part: str) -> tuple[Tensor, Tensor]:
    """Normalised images, and the numbers of their classes."""
    names = np.unique(arrays["y_train"])
    images = torch.from_numpy(((arrays[f"x_{part}"] - mean) / std).astype(np.float32)).permute(0, 3, 1, 2)
    return images, torch.from_numpy(np.searchsorted(names, arrays[f"y_{part}"]))


images, labels = prepared("train")
test_images, test_labels = prepared("test")
network = resnet18().to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(network.parameters(), lr=HIGHEST / 25, momentum=0.9, weight_decay=5e-4, nesterov=True)


def train_step(chosen: Tensor) -> None:
    batch = crop_and_flip(images[chosen]).contiguous(memory_format=torch.channels_last)
    loss = functional.cross_entropy(network(batch), labels[chosen])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def epochs():
    """Batches without end; every epoch has a new order."""
    while True:
        yield from torch.randperm(len(images)).split(BATCH)[:-1]


network.train()
batches, times = epochs(), []
while len(times) < 2 or (len(times) < TRIED and time.perf_counter() - begun < 0.1 * seconds):
    start = time.perf_counter()
    train_step(next(batches))  # at the lowest rate: these steps warm up, and are not lost
    times.append(time.perf_counter() - start)
per_step = statistics.median(times[1:])
steps = max(2, int(0.98 * (seconds - (time.perf_counter() - begun)) / per_step))
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, HIGHEST, total_steps=steps + 1)
done = 0
while done < steps and time.perf_counter() - begun < seconds:
    train_step(next(batches))
    schedule.step()
    done += 1
trained = time.perf_counter() - begun
network.eval()
with torch.inference_mode():
    answers = [network(part.contiguous(memory_format=torch.channels_last)).argmax(1) for part in test_images.split(256)]
accuracy = float((torch.cat(answers) == test_labels).float().mean())
epochs_done = done * BATCH / len(images)
print(json.dumps({"accuracy": accuracy, "seconds": trained, "steps": done, "planned": steps, "epochs": epochs_done}))
