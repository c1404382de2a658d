"""What a user writes by hand: Pillow decodes, numpy stacks a batch, onnxruntime runs it, csv writes the rows.

    python peer_predict_loop.py MODEL.onnx CLASSES.json FOLDER OUT.csv BATCH

The graph takes uint8 (batch, height, width, channel) and gives probabilities, as the bundle's does.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

model, classes_file, folder, out, batch = sys.argv[1:]
classes = json.loads(Path(classes_file).read_text())
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
_, height, width, channels = session.get_inputs()[0].shape
mode = "L" if channels == 1 else "RGB"
paths = sorted(Path(folder).rglob("*.png"))
with open(out, "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["image", "label", "confidence"])
    for start in range(0, len(paths), int(batch)):
        part = paths[start : start + int(batch)]
        images = []
        for path in part:
            image = Image.open(path).convert(mode)
            if image.size != (width, height):
                image = image.resize((width, height), Image.BILINEAR)
            images.append(np.asarray(image).reshape(height, width, channels))
        (probabilities,) = session.run(None, {"image": np.stack(images)})
        for path, row in zip(part, probabilities, strict=True):
            best = int(row.argmax())
            writer.writerow([path, classes[best], round(float(row[best]), 6)])
