"""Restores that are killed, or that the disk refuses: whole entries or none."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.caches import small_cache

from tcv_action.image import PackOptions, pack
from tcv_action.oci.layout import Layout
from tcv_action.triton.reader import read_cache, read_entries

ENTRIES = 300
RESTORE = """
import sys
from pathlib import Path
from tcv_action.errors import TcvError
from tcv_action.oci.layout import Layout
from tcv_action.oci.manifest import open_image
from tcv_action.restore import restore

layout = Layout.open(Path(sys.argv[1]))
descriptor = layout.find("t")
image = open_image(layout.read_bytes(descriptor), descriptor, layout)
print("ready", flush=True)
try:
    restore(image, Path(sys.argv[2]))
except TcvError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout.create(tmp_path / "layout")
    cache = read_cache(small_cache(tmp_path / "cache", entries=ENTRIES))
    layout.add(pack(cache, None, layout, options=PackOptions()).descriptor, ["t"])
    return layout


def start(layout: Layout, destination: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RESTORE, str(layout.root), str(destination)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_restore_leaves_whole_entries_only(tmp_path: Path, layout: Layout) -> None:
    destination = tmp_path / "destination"
    for delay in (0, 10, 20, 30, 40, 60, 80, 120):
        with start(layout, destination) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            try:
                process.wait(delay / 1000)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        if destination.exists():
            cache = read_entries(destination)
            assert all(len(entry.files) == 7 for entry in cache.entries)
            assert all(name.startswith(".tcv-restore-") for name in cache.dropped)

    with start(layout, destination) as process:
        assert process.wait() == 0
    cache = read_cache(destination)
    assert (len(cache.entries), cache.dropped) == (ENTRIES, ())


def test_a_disk_that_refuses_is_a_store_error_and_leaves_nothing(
    tmp_path: Path, layout: Layout
) -> None:
    destination = tmp_path / "destination"

    process = subprocess.run(
        [sys.executable, "-c", RESTORE, str(layout.root), str(destination)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)),
    )

    assert process.returncode == 1
    assert process.stderr.startswith("DiskError: cannot write")
    assert not destination.exists()
