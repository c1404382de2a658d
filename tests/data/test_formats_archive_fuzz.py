"""zip and tar: anything at all loads or is refused."""

import pytest
from archive_files import KINDS, write
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import SightlineError
from sightline.data.formats import open_data


def loads_or_refuses(path):
    try:
        data = open_data(path)
        for index in range(len(data)):
            data.images.load(index)
    except SightlineError:
        pass


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=700), head=st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0"])
)
def test_arbitrary_bytes(tmp_path_factory, data, head):
    path = tmp_path_factory.getbasetemp() / "fuzz.zip"
    path.write_bytes(head + data)
    loads_or_refuses(path)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), max_size=5), cut=st.integers(0, 60))
def test_mutated_archives(tmp_path_factory, kind, changes, cut):
    path = tmp_path_factory.getbasetemp() / f"mutated-{kind}"
    seed = tmp_path_factory.getbasetemp() / f"seed-{kind}"
    data = bytearray((seed if seed.exists() else write(seed)).read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data[: len(data) - max(0, cut - 40)])
    loads_or_refuses(path)
