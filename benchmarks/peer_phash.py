"""The usual way to find near duplicates: imagehash's pHash of each image, pairs within 6 of 64 bits.

python peer_phash.py FOLDER: prints {"pairs": [[name, name], …]} of the images in it.
"""

import json
import sys
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

BITS = 6

names = sorted(p.name for p in Path(sys.argv[1]).iterdir())
hashes = np.array([imagehash.phash(Image.open(Path(sys.argv[1]) / name)).hash.reshape(-1) for name in names])
packed = np.packbits(hashes, axis=1).view(np.uint64)[:, 0]
pairs = []
for place, own in enumerate(packed[:-1]):
    near = np.flatnonzero(np.bitwise_count(packed[place + 1 :] ^ own) <= BITS) + place + 1
    pairs += [[names[place], names[int(other)]] for other in near]
print(json.dumps({"pairs": pairs}))
