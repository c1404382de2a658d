"""The options of read and of its networks. No torch here: `--help` and `networks` read them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from sightline.core.options import option
from sightline.tasks.read.text import FORMS


@dataclass(frozen=True)
class ReadOptions:
    """Options of the task read."""

    normalize: str = option("NFC", "Unicode normal form of the transcripts", choices=FORMS)
    lm: str = option(
        "auto",
        "language model of the beam search: auto (of the train transcripts, where it pays), none, or a text FILE "
        "whose language it learns besides",
    )
    lexicon: str | None = option(None, "a text file of words; only these are read (numbers and punctuation are free)")

    def absolute(self) -> ReadOptions:
        """The same with the whole paths of the files, so that a run can be resumed from any folder."""
        lm = self.lm if self.lm in ("auto", "none") else str(Path(self.lm).absolute())
        return dataclasses.replace(self, lm=lm, lexicon=self.lexicon and str(Path(self.lexicon).absolute()))


@dataclass(frozen=True)
class CRNNOptions:
    """Options of `crnn`."""

    cell: str = option("lstm", "recurrent cell over the columns", choices=("rnn", "gru", "lstm"))
    units: int = option(128, "units of the recurrent layer, each way", low=1)
    width: int = option(16, "channels of the first convolution; later ones have 2, 4 and 6 times as many", low=1)


@dataclass(frozen=True)
class LineOptions:
    """Options of `auto`."""

    width: int = option(16, "channels in units: the convolutions have 2, 3, 4 and 6 times as many", low=4)
    units: int = option(128, "units of each recurrent layer, each way", low=1)
    layers: int = option(2, "recurrent layers", low=1, high=4)


@dataclass(frozen=True)
class SmallOptions(LineOptions):
    """Options of `small`."""

    width: int = option(8, "channels in units: the convolutions have 2, 3, 4 and 6 times as many", low=4)
    units: int = option(96, "units of each recurrent layer, each way", low=1)
    layers: int = option(1, "recurrent layers", low=1, high=4)
