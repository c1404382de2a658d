"""torchvision's ImageFolder and DataLoader: the first pass over a folder. Prints one JSON document.

python peer_imagefolder.py FOLDER crop|stretch WORKERS
"""

import json
import sys
import time

import torch
from torchvision import datasets, transforms

folder, kind, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
shape = {
    "crop": [transforms.Resize(256), transforms.CenterCrop(224)],
    "stretch": [transforms.Resize((224, 224))],
}[kind]
begun = time.perf_counter()
# PILToTensor keeps uint8; the ToTensor of most tutorials would also convert to float.
dataset = datasets.ImageFolder(folder, transforms.Compose([*shape, transforms.PILToTensor()]))
loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True, num_workers=workers)
count = 0
for images, _ in loader:
    assert images.shape[1:] == (3, 224, 224) and images.dtype == torch.uint8
    count += len(images)
print(json.dumps({"count": count, "seconds": time.perf_counter() - begun}))
