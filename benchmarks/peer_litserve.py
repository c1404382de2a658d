"""The same with LitServe and its batching: `python peer_litserve.py MODEL.onnx CLASSES.json PORT BATCH SECONDS`."""

import io
import json
import sys
from pathlib import Path

import litserve
import numpy as np
import onnxruntime
from PIL import Image

model, classes_file, port, batch, seconds = sys.argv[1:]


class Api(litserve.LitAPI):
    def setup(self, device):
        self.classes = json.loads(Path(classes_file).read_text())
        self.session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        _, self.height, self.width, self.channels = self.session.get_inputs()[0].shape

    def decode_request(self, request):
        image = Image.open(io.BytesIO(request["image"].file.read())).convert("L" if self.channels == 1 else "RGB")
        if image.size != (self.width, self.height):
            image = image.resize((self.width, self.height), Image.BILINEAR)
        return np.asarray(image).reshape(self.height, self.width, self.channels)

    def batch(self, inputs):
        return np.stack(inputs)

    def predict(self, batch):
        return self.session.run(None, {"image": batch})[0]

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        best = int(output.argmax())
        return {"label": self.classes[best], "confidence": float(output[best])}


if __name__ == "__main__":
    api = Api(max_batch_size=int(batch), batch_timeout=float(seconds))
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(port), generate_client_file=False, log_level="warning")
