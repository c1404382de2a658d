"""The only lists to extend: names and where they are written. Nothing here is imported until it is asked for."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A name's place as "module:attribute" (or "module"), and one line for people."""

    place: str
    summary: str

    def load(self) -> Any:
        """The attribute, or the module, itself."""
        module, _, attribute = self.place.partition(":")
        loaded = importlib.import_module(module)
        return getattr(loaded, attribute) if attribute else loaded


@dataclass(frozen=True)
class NetworkEntry(Entry):
    """A network: `place` is the torch module, `options` its options without torch.

    named: how people write it where it stands for a family: `timm/NAME`.
    """

    options: str = ""
    named: str = ""

    def load_options(self) -> type[Any]:
        """The dataclass of the network's own options."""
        return Entry(self.options, "").load()


@dataclass(frozen=True)
class ExplainerEntry(Entry):
    """A method of explaining. weights: it needs the network's weights and torch; layers: it looks at one layer."""

    weights: bool = False
    layers: bool = False


@dataclass(frozen=True)
class ExportEntry(Entry):
    """A host to export for. runtime: it needs the files of a runtime that no Python package brings (`--runtime`);
    program: what runs its answers for the comparison, where that is not Python."""

    runtime: bool = False
    program: str = ""


VERBS = {
    "check": Entry("sightline.verbs.check:command", "look for what is wrong with the data before training"),
    "train": Entry("sightline.verbs.train:command", "train a network and write a bundle"),
    "evaluate": Entry("sightline.verbs.evaluate:command", "score a bundle on labelled data"),
    "predict": Entry("sightline.verbs.predict:command", "say what a bundle sees in images"),
    "explain": Entry("sightline.verbs.explain:command", "show what in an image an answer rests on"),
    "convert": Entry("sightline.verbs.convert:command", "write data with boxes as COCO, YOLO, Pascal VOC or CSV"),
    "render": Entry("sightline.verbs.render:command", "draw lines of text with fonts, to train a reader on"),
    "compress": Entry("sightline.verbs.compress:command", "make a bundle smaller and faster, and measure the cost"),
    "export": Entry("sightline.verbs.export:command", "write a bundle for other hosts, and compare its answers there"),
    "serve": Entry("sightline.verbs.serve:command", "answer for bundles at an address, over HTTP"),
    "networks": Entry("sightline.verbs.about:networks", "list the networks"),
    "formats": Entry("sightline.verbs.about:formats", "list the data formats"),
    "version": Entry("sightline.verbs.about:version", "show the versions of Sightline and what it stands on"),
}

TASKS = {
    "classify": Entry("sightline.tasks.classify.task:Classify", "a label for each image"),
    "multilabel": Entry("sightline.tasks.multilabel.task:Multilabel", "any number of labels for each image"),
    "regress": Entry("sightline.tasks.regress.task:Regress", "a number for each image"),
    "read": Entry("sightline.tasks.read.task:Read", "the text of each line image"),
    "segment": Entry("sightline.tasks.segment.task:Segment", "a label for each pixel"),
    "detect": Entry("sightline.tasks.detect.task:Detect", "boxes with labels in each image"),
}

_NETWORKS = "sightline.tasks.whole.networks"
_OPTIONS = "sightline.tasks.whole.options"
_OF_WHOLE_IMAGES = {
    "auto": NetworkEntry(
        f"{_NETWORKS}.residual:Residual",
        "our small residual network, 8 px to 224 px",
        f"{_OPTIONS}:ResidualOptions",
    ),
    "small": NetworkEntry(
        f"{_NETWORKS}.residual:Residual",
        "the same with about a quarter of the work; see `train --teacher`",
        f"{_OPTIONS}:SmallOptions",
    ),
    "cnn": NetworkEntry(
        f"{_NETWORKS}.cnn:CNN",
        "two conv-pool blocks and dense layers, as tutorials teach it",
        f"{_OPTIONS}:CNNOptions",
    ),
    "crnn": NetworkEntry(
        f"{_NETWORKS}.crnn:CRNN",
        "the same convolutions, then a recurrent layer over the columns",
        f"{_OPTIONS}:CRNNOptions",
    ),
    "timm": NetworkEntry(
        f"{_NETWORKS}.timm:Timm",
        "timm/NAME: any classifier of the timm library",
        f"{_OPTIONS}:TimmOptions",
        "timm/NAME",
    ),
}
NETWORKS: dict[str, dict[str, NetworkEntry]] = {
    "classify": _OF_WHOLE_IMAGES,
    "multilabel": _OF_WHOLE_IMAGES,
    "regress": _OF_WHOLE_IMAGES,
    "detect": {
        "auto": NetworkEntry(
            "sightline.tasks.detect.networks.detector:Detector",
            "our small anchor-free detector, to be trained from scratch",
            "sightline.tasks.detect.options:DetectorOptions",
        ),
        "small": NetworkEntry(
            "sightline.tasks.detect.networks.detector:Detector",
            "the same with about a quarter of the work; see `train --teacher`",
            "sightline.tasks.detect.options:SmallOptions",
        ),
        "timm": NetworkEntry(
            "sightline.tasks.detect.networks.timm:TimmDetector",
            "timm/NAME: a backbone of the timm library under our neck and heads",
            "sightline.tasks.detect.options:BackboneOptions",
            "timm/NAME",
        ),
    },
    "read": {
        "auto": NetworkEntry(
            "sightline.tasks.read.networks.lines:Lines",
            "our line reader: residual convolutions, two recurrent layers, CTC",
            "sightline.tasks.read.options:LineOptions",
        ),
        "small": NetworkEntry(
            "sightline.tasks.read.networks.lines:Lines",
            "the same with about a quarter of the work; see `train --teacher`",
            "sightline.tasks.read.options:SmallOptions",
        ),
        "crnn": NetworkEntry(
            "sightline.tasks.read.networks.crnn:CRNN",
            "convolutions, a recurrent layer over the columns, CTC",
            "sightline.tasks.read.options:CRNNOptions",
        ),
    },
    "segment": {
        "auto": NetworkEntry(
            "sightline.tasks.segment.networks.unet:UNet",
            "our small encoder and decoder, to be trained from a few dozen images on",
            "sightline.tasks.segment.options:UNetOptions",
        ),
        "small": NetworkEntry(
            "sightline.tasks.segment.networks.unet:UNet",
            "the same with about a fifth of the work; see `train --teacher`",
            "sightline.tasks.segment.options:SmallOptions",
        ),
        "smp": NetworkEntry(
            "sightline.tasks.segment.networks.smp:Smp",
            "smp/ARCH/ENCODER: any network of segmentation_models_pytorch",
            "sightline.tasks.segment.options:SmpOptions",
            "smp/ARCH/ENCODER",
        ),
    },
}

EXPLAINERS: dict[str, ExplainerEntry] = {
    "occlusion": ExplainerEntry("sightline.explain.occlusion:explain", "hide a window and watch the answer"),
    "lime": ExplainerEntry("sightline.explain.lime:explain", "a linear model over regions of like colour"),
    "gradcam": ExplainerEntry(
        "sightline.explain.gradcam:explain", "where the features that speak for the answer are strong", True, True
    ),
    "integrated-gradients": ExplainerEntry(
        "sightline.explain.integrated_gradients:explain", "what each pixel adds on the way to the answer", True
    ),
    "activations": ExplainerEntry(
        "sightline.explain.activations:explain", "the feature maps of a layer, whatever the answer", True, True
    ),
}

EXPORTS = {
    "onnx": ExportEntry("sightline.export.onnx", "the graph and its spec, for any ONNX host"),
    "openvino": ExportEntry(
        "sightline.export.openvino", "for Intel's processors and graphics (needs the extra `openvino`)"
    ),
    "python": ExportEntry("sightline.export.python", "a folder of plain Python: numpy, Pillow and onnxruntime"),
    "web": ExportEntry(
        "sightline.export.web", "a page that runs the model in the browser", runtime=True, program="node"
    ),
}

FORMATS = {
    "digits": Entry("sightline.data.formats.digits", "the embedded 8x8 digits: the word `digits`"),
    "arrays": Entry("sightline.data.formats.arrays", "numpy arrays, from Python: images and labels"),
    "idx": Entry("sightline.data.formats.idx", "MNIST's own files, gzipped or not: a folder, or one of its files"),
    "npz": Entry("sightline.data.formats.npz", "NPZ with x_train, y_train[, x_val, y_val][, x_test, y_test]"),
    "parquet": Entry(
        "sightline.data.formats.parquet",
        "Parquet with columns image (path or bytes) and label (needs the extra `parquet`)",
    ),
    "coco": Entry("sightline.data.formats.coco", "COCO JSON with its images: boxes; a file, or one a split"),
    "voc": Entry("sightline.data.formats.voc", "Pascal VOC: an XML file an image, with its boxes"),
    "yolo": Entry(
        "sightline.data.formats.yolo", "YOLO: data.yaml, or images/ and labels/: boxes, a text file an image"
    ),
    "boxes_table": Entry(
        "sightline.data.formats.boxes_table",
        "CSV or TSV with boxes: image,x,y,width,height,label (or xmin,ymin,xmax,ymax)[,split][,group]",
    ),
    "table": Entry(
        "sightline.data.formats.table",
        "CSV or TSV: image,label[,split][,group]; several labels: a;b, or a column a class; or value, or text",
    ),
    "lines": Entry("sightline.data.formats.lines", "line images with their text beside them: NAME.png, NAME.gt.txt"),
    "labels_json": Entry("sightline.data.formats.labels_json", "labels.json beside images/: a text for each image"),
    "pages": Entry("sightline.data.formats.pages", "PAGE XML or ALTO XML with the page images: lines are cut out"),
    "masks": Entry("sightline.data.formats.masks", "images/ beside masks/: a PNG an image says each pixel's class"),
    "archive": Entry("sightline.data.formats.archive", "zip or tar of class folders"),
    "folder": Entry("sightline.data.formats.folder", "a folder a class, flat or under train/val/test"),
}
"""In the order in which they are tried."""


def network_entry(task: str, name: str) -> NetworkEntry:
    """The entry of a network, where `timm/NAME` stands under `timm`. Raises SightlineError for an unknown name."""
    family = name.split("/", 1)[0] if "/" in name else name
    table = NETWORKS[task]
    if family not in table or bool(table[family].named) != ("/" in name):
        from sightline.core.errors import unknown

        raise unknown("network", name, [entry.named or known for known, entry in table.items()])
    return table[family]
