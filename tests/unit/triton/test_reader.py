"""Reading cache folders: what counts, what is left out, what is refused and how."""

import json
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.caches import HIP, LIBRARY, add_entry, add_helper, key_of, unpack_native_h100

from tcv_action.errors import InputError, NothingToPackageError
from tcv_action.triton.listing import reading
from tcv_action.triton.reader import read_cache, read_entries
from tcv_action.triton.target import Target

CUDA_90 = Target("cuda", "90", 32)
HIP_942 = Target("hip", "gfx942", 64)


def test_a_real_cache_has_its_entries_and_helpers(tmp_path: Path) -> None:
    cache = read_cache(unpack_native_h100(tmp_path))

    assert (len(cache.entries), len(cache.helpers), cache.dropped) == (31, 5, ())
    assert cache.targets == (CUDA_90,)
    assert {entry.name for entry in cache.entries} == {
        "add_kernel", "softmax_kernel", "layernorm_kernel", "matmul_kernel",
    }  # fmt: skip
    assert {(one.python_abi, one.host_arch) for one in cache.helpers} == {("cpython-312", "x86_64")}
    assert cache.size_by_kind == {
        "llir": 5598317, "cubin": 971816, "ptx": 912575, "source": 503592, "ttgir": 405648,
        "ttir": 219251, "so": 118792, "json": 59087,
    }  # fmt: skip


def test_entries_come_sorted_with_all_their_files(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        add_entry(tmp_path, number)

    cache = read_cache(tmp_path)

    assert [entry.key for entry in cache.entries] == sorted(map(key_of, (1, 2, 3)))
    assert sum(file.size for file in cache.files) == sum(
        path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize(
    "target",
    [
        {"backend": "cuda", "arch": 90, "warp_size": 32},
        {"backend": "cuda", "arch": "90", "warp_size": 32},
        ["cuda", 90, 32],
        ["cuda", 90],
        "cuda:90",
    ],
    ids=str,
)
def test_every_release_s_way_to_write_a_target_is_read(tmp_path: Path, target: object) -> None:
    add_entry(tmp_path, target=target)

    assert read_cache(tmp_path).targets == (CUDA_90,)


def test_an_amd_target_is_read_without_its_features(tmp_path: Path) -> None:
    add_entry(tmp_path, target={**HIP, "arch": "gfx942:sramecc+:xnack-"})

    assert read_cache(tmp_path).targets == (HIP_942,)


def test_a_cache_is_split_by_target_and_helpers_go_with_each(tmp_path: Path) -> None:
    add_entry(tmp_path, 1)
    add_entry(tmp_path, 2, target=HIP)
    add_helper(tmp_path)
    cache = read_cache(tmp_path)

    assert cache.targets == (CUDA_90, HIP_942)
    part = cache.for_target(HIP_942)
    assert [entry.key for entry in part.entries] == [key_of(2)]
    assert part.helpers == cache.helpers


def test_a_target_that_is_not_there_is_nothing_to_package(tmp_path: Path) -> None:
    add_entry(tmp_path)

    with pytest.raises(NothingToPackageError, match="no entry for 'hip:gfx942'") as raised:
        read_cache(tmp_path).for_target(HIP_942)
    assert "cuda:90" in raised.value.cause


def test_an_entry_of_another_target_is_refused_by_name(tmp_path: Path) -> None:
    add_entry(tmp_path, 1)
    add_entry(tmp_path, 2, target=HIP, name="stray")
    cache = read_cache(tmp_path)

    with pytest.raises(InputError, match=rf"'{key_of(2)}' \(stray\) is for 'hip:gfx942'"):
        cache.only(CUDA_90)
    assert cache.for_target(CUDA_90).only(CUDA_90).targets == (CUDA_90,)


def test_leftovers_are_dropped_and_named(tmp_path: Path) -> None:
    entry = add_entry(tmp_path, 1)
    (entry / "lock").touch()
    (entry / "tmp.pid_7_aa").mkdir()
    (entry / "tmp.pid_7_aa" / "half.cubin").touch()
    (tmp_path / "tmp.pid_8_bb").mkdir()
    (tmp_path / ".tcv-restore-00").mkdir()
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "notes.txt").touch()
    killed = add_entry(tmp_path, 2)
    (killed / "add_kernel.json").unlink()
    without_binary = add_entry(tmp_path, 3)
    (without_binary / "add_kernel.cubin").unlink()

    cache = read_cache(tmp_path)

    assert [one.key for one in cache.entries] == [entry.name]
    assert cache.helpers == ()
    assert set(cache.dropped) == {
        str(Path(entry.name, "lock")), str(Path(entry.name, "tmp.pid_7_aa")), "tmp.pid_8_bb", ".tcv-restore-00",
        "EMPTY", "notes.txt", killed.name, without_binary.name,
    }  # fmt: skip


def test_helpers_without_a_telling_name_say_nothing(tmp_path: Path) -> None:
    add_entry(tmp_path)
    add_helper(tmp_path, name="hip_utils.so")

    helper = read_cache(tmp_path).helpers[0]

    assert (helper.python_abi, helper.host_arch) == (None, None)


def test_autotuning_results_are_carried_and_counted(tmp_path: Path) -> None:
    entry = add_entry(tmp_path, 1)
    (entry / "add_kernel.autotune.json").write_text('{"key": [], "configs_timings": []}')
    add_helper(tmp_path, name="matmul.autotune.json")

    cache = read_cache(tmp_path)

    assert (len(cache.entries), len(cache.helpers), cache.autotune_results) == (1, 1, 2)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no cache folder '.*nowhere'"):
        read_cache(tmp_path / "nowhere")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match="is not a folder"):
        read_cache(tmp_path / "file")


def test_an_empty_folder_holds_no_kernel(tmp_path: Path) -> None:
    with pytest.raises(NothingToPackageError, match="holds no kernel") as raised:
        read_cache(tmp_path)
    assert raised.value.cause == "It is empty."


def test_helpers_alone_are_no_kernel_but_can_be_read(tmp_path: Path) -> None:
    add_helper(tmp_path)

    with pytest.raises(NothingToPackageError, match="holds no kernel"):
        read_cache(tmp_path)
    assert len(read_entries(tmp_path).helpers) == 1


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"hash": "\\ud800"}', "is not JSON"),
        (b'{"hash": "ab", "num_stages": NaN}', "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b"{}", "has no 'hash'"),
        (b'{"hash": 7}', "has no 'hash'"),
        (b'{"hash": "ab"}', "has no 'target'"),
        (b'{"hash": "ab", "target": {"backend": "../x", "arch": 1}}', "has the target"),
    ],
)
def test_broken_metadata_is_refused_by_name(tmp_path: Path, content: bytes, flaw: str) -> None:
    entry = add_entry(tmp_path, 1)
    (entry / "add_kernel.json").write_bytes(content)

    with pytest.raises(InputError, match=f"'{entry.name}/add_kernel.json' {flaw}") as raised:
        read_cache(tmp_path)
    assert raised.value.cause
    assert raised.value.next_step


def _link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(path.parent, os.O_RDONLY)
        # A socket's name has 108 bytes at most, so it is made from inside its folder.
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)


@pytest.mark.parametrize("make", [_link, _socket, os.mkfifo])
@pytest.mark.parametrize("where", ["", key_of(1)])
def test_links_and_special_files_are_refused_by_name(
    tmp_path: Path, make: Callable[[Path], None], where: str
) -> None:
    add_entry(tmp_path, 1)
    make(tmp_path / where / "odd")

    with pytest.raises(InputError, match="odd' in the cache folder is"):
        read_cache(tmp_path)


def test_names_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    entry = add_entry(tmp_path, 1)
    Path(os.fsdecode(os.fsencode(entry) + b"/\xff.cubin")).touch()

    with pytest.raises(InputError, match=r"\\xff.cubin' in .* is not UTF-8"):
        read_cache(tmp_path)


def test_names_with_control_characters_are_refused(tmp_path: Path) -> None:
    entry = add_entry(tmp_path, 1)
    (entry / "a\nb.cubin").touch()

    with pytest.raises(InputError, match=r"a\\nb.cubin' in .* holds control characters"):
        read_cache(tmp_path)


def test_names_that_delete_files_in_an_image_are_refused(tmp_path: Path) -> None:
    folder = add_entry(tmp_path / "cache", 1)
    (folder / ".wh.k.json").touch()

    with pytest.raises(InputError, match=r"'\.wh\.k\.json' in .* begins with"):
        read_cache(tmp_path / "cache")


def test_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    entry = add_entry(tmp_path, 1)
    (entry / "ADD_kernel.cubin").touch()

    with pytest.raises(InputError, match=f"Two names in '{entry.name}' differ in case only"):
        read_cache(tmp_path)


@pytest.mark.parametrize("name", ["add_kernel.json", ""])
def test_what_this_user_may_not_read_is_named(name: str) -> None:
    # Below tmp_path, only root may enter.
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        folder.chmod(0o755)
        entry = add_entry(folder, 1)
        (entry / name).chmod(0)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)
            with pytest.raises(InputError, match="cannot be read: Permission denied") as raised:
                read_cache(folder)
        finally:
            os.seteuid(user)
            entry.chmod(0o755)
    assert entry.name in raised.value.what
    assert "chmod" in raised.value.next_step


def test_a_file_that_vanishes_while_it_is_read_is_named() -> None:
    with pytest.raises(InputError, match=r"'KEY/k\.json' vanished"), reading("KEY/k.json"):
        Path("/nowhere/k.json").read_bytes()


def test_two_kernels_in_one_folder_are_refused(tmp_path: Path) -> None:
    entry = add_entry(tmp_path, 1)
    (entry / "other.json").write_text(json.dumps({"hash": "ab", "target": HIP}))

    with pytest.raises(InputError, match="metadata of several kernels"):
        read_cache(tmp_path)


def test_a_link_to_the_cache_folder_itself_is_followed(tmp_path: Path) -> None:
    add_entry(tmp_path / "real", 1)
    (tmp_path / "link").symlink_to("real")

    assert len(read_cache(tmp_path / "link").entries) == 1


def test_a_library_is_read_off_its_name(tmp_path: Path) -> None:
    add_entry(tmp_path)
    add_helper(tmp_path, name=LIBRARY.replace("312-x86_64", "313t-aarch64"))

    helper = read_cache(tmp_path).helpers[0]

    assert (helper.python_abi, helper.host_arch) == ("cpython-313t", "aarch64")
