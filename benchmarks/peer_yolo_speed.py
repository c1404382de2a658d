"""The peer of detect_speed.py: Ultralytics' own ONNX export of YOLO11n, in onnxruntime, through its own `predict`.

`peer_yolo_speed.py export WEIGHTS SIDE` writes the graph beside the weights and prints its path.
`peer_yolo_speed.py run GRAPH FOLDER SIDE` prints {"images": n, "seconds": s} for a folder, the first pass left out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ["YOLO_AUTOINSTALL"] = "false"
import torch
from ultralytics import YOLO

what, path, *rest = sys.argv[1:]
torch.set_num_threads(2)
if what == "export":
    model = YOLO(path)
    print(model.export(format="onnx", imgsz=int(rest[0]), simplify=True, verbose=False))
else:
    folder, side = rest[0], int(rest[1])
    model = YOLO(path, task="detect")
    names = sorted(str(p) for p in Path(folder).iterdir())
    seconds = 0.0
    for _ in range(2):
        begun = time.perf_counter()
        for _ in model.predict(names, imgsz=side, device="cpu", verbose=False, stream=True):
            pass
        seconds = time.perf_counter() - begun
    print(json.dumps({"images": len(names), "seconds": seconds}))
