"""What mkdocs does to each page of the manual: quoted code gets the number of its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_QUOTE = re.compile(r'^```python title="((?:sightline|tests)/[^"\s]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Writes the line at which the quoted code stands into the block's title. Raises where it stands nowhere."""

    def with_line(match: re.Match[str]) -> str:
        path, quoted = match[1], match[2]
        wanted = [line.strip() for line in quoted.strip().splitlines()]
        lines = [line.strip() for line in (ROOT / path).read_text(encoding="utf-8").splitlines()]
        places = [i + 1 for i in range(len(lines)) if lines[i : i + len(wanted)] == wanted]
        if not places:
            raise ValueError(f"{page.file.src_path} quotes what is not in {path}:\n{quoted}")
        return f'```python title="{path}, line {places[0]}"\n{quoted}```'

    return _QUOTE.sub(with_line, markdown)
