"""The tutorials' CNN in Keras, as they write it. Prints one JSON document.

    python peer_keras_cnn.py MNIST_FOLDER MODEL.keras --epochs 10 --batch 32 --seed 0 [--count 54000]

"saved" and the like are seconds since the process started. The test accuracy is measured after that.
"""

import argparse
import gzip
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import layers


def age() -> float:
    """Seconds since this process started (Linux)."""
    started = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    return float(Path("/proc/uptime").read_text().split()[0]) - started / os.sysconf("SC_CLK_TCK")


def load(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images as float (n, 28, 28, 1) in 0..1, and labels."""
    images = np.frombuffer(gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    return images.reshape(-1, 28, 28, 1).astype("float32") / 255, labels


class Clock(keras.callbacks.Callback):
    """When the first batch began, when it was done, and when each epoch was."""

    first_batch_began = first_batch_done = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.epochs_done: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        self.first_batch_began = self.first_batch_began or age_now()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.first_batch_done = self.first_batch_done or age_now()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.epochs_done.append(age_now())


parser = argparse.ArgumentParser()
parser.add_argument("data", type=Path)
parser.add_argument("out")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--count", type=int, help="the first so many training images; all if left out")
options = parser.parse_args()
offset = age() - time.perf_counter()


def age_now() -> float:
    """`age`, without reading a file."""
    return time.perf_counter() + offset


keras.utils.set_random_seed(options.seed)
x_train, y_train = (part[: options.count] for part in load(options.data, "train"))
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, (3, 3), activation="relu"),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu"),
        layers.MaxPooling2D((2, 2)),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
clock = Clock()
model.fit(x_train, y_train, batch_size=options.batch, epochs=options.epochs, verbose=0, callbacks=[clock])
model.save(options.out)
saved = age_now()
accuracy = model.evaluate(*load(options.data, "t10k"), verbose=0, batch_size=256)[1]
found = {
    "count": len(x_train),
    "first_batch_began": clock.first_batch_began,
    "first_batch_done": clock.first_batch_done,
    "epochs_done": clock.epochs_done,
    "saved": saved,
    "accuracy": float(accuracy),
    "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
}
print(json.dumps(found))
