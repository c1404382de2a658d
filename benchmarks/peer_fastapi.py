"""What a user writes by hand: FastAPI, Pillow, onnxruntime. `uvicorn peer_fastapi:app`; MODEL and CLASSES in the
environment. The graph takes uint8 (batch, height, width, channel) and gives probabilities, as the bundle's does."""

import io
import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI, UploadFile
from PIL import Image

app = FastAPI()
classes = json.loads(Path(os.environ["CLASSES"]).read_text())
session = onnxruntime.InferenceSession(os.environ["MODEL"], providers=["CPUExecutionProvider"])
_, height, width, channels = session.get_inputs()[0].shape


def answer(data: bytes) -> dict:
    image = Image.open(io.BytesIO(data)).convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.BILINEAR)
    pixels = np.asarray(image).reshape(1, height, width, channels)
    (probabilities,) = session.run(None, {"image": pixels})
    best = int(probabilities[0].argmax())
    return {"label": classes[best], "confidence": float(probabilities[0][best])}


@app.post("/predict")
async def predict(image: UploadFile):
    return answer(await image.read())


@app.post("/predict-in-a-thread")
def predict_in_a_thread(image: UploadFile):
    return answer(image.file.read())
