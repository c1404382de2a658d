"""The peer of detect_vs_yolo.py: Ultralytics' smallest YOLO11 from its yaml, no weights, its own defaults.

Arguments: data.yaml, minutes, input side, seed, folder. Prints one JSON line: what its own val says of the best epoch.
"""

from __future__ import annotations

import json
import sys

import torch
from ultralytics import YOLO

data, minutes, side, seed, folder = sys.argv[1:]
torch.set_num_threads(2)
model = YOLO("yolo11n.yaml")
options = {"imgsz": int(side), "seed": int(seed), "device": "cpu", "workers": 0, "plots": False, "verbose": False}
model.train(data=data, time=float(minutes) / 60, epochs=10_000, project=folder, name="run", amp=False, **options)
found = YOLO(f"{folder}/run/weights/best.pt").val(data=data, imgsz=int(side), device="cpu", plots=False, verbose=False)
print(json.dumps({"map50": float(found.box.map50), "map50_95": float(found.box.map)}))
