"""Two caches side by side: what was added, removed, changed, and why."""

from dataclasses import replace

from tests.unit.triton.test_explain import ENVIRONMENT

from tcv_action.diff import Side, diff, to_json, to_text
from tcv_action.triton.key_inputs import KeyInputs


def entry(number: int, name: str = "add", **inputs: object) -> KeyInputs:
    known = KeyInputs(
        name=name, hash=f"{number:064x}", target="cuda:90", source="add.py:3", options={"warps": 4}
    )
    return replace(known, **inputs)  # type: ignore[arg-type]


def side(*entries: KeyInputs) -> Side:
    digests = {entry.hash: "digest" for entry in entries}
    return Side(entries=entries, environment=ENVIRONMENT, digests=digests)


def test_a_cache_equals_itself() -> None:
    comparison = diff(side(entry(1), entry(2)), side(entry(2), entry(1)))
    assert comparison.is_equal
    assert comparison.same == 2
    assert comparison.environment == ()


def test_kernels_of_one_side_only_are_added_and_removed() -> None:
    comparison = diff(side(entry(1, "old"), entry(2)), side(entry(2), entry(3, "new")))
    assert [item.name for item in comparison.added] == ["new"]
    assert [item.name for item in comparison.removed] == ["old"]
    assert comparison.changed == ()


def test_a_changed_entry_names_the_input() -> None:
    comparison = diff(side(entry(1)), side(entry(2, options={"warps": 8})))
    (changed,) = comparison.changed
    assert [(item.input, item.first, item.second) for item in changed.differences] == [
        ("option warps", "4", "8")
    ]
    assert (comparison.added, comparison.removed) == ((), ())


def test_a_kernel_that_moved_in_its_file_is_named() -> None:
    comparison = diff(side(entry(1)), side(entry(2, source="add.py:5")))
    (changed,) = comparison.changed
    assert [(item.input, item.second) for item in changed.differences] == [
        ("first line, and perhaps the text", "add.py:5")
    ]


def test_changed_entries_are_paired_with_their_nearest() -> None:
    first = [entry(1, options={"warps": 4, "stages": 1}), entry(2, options={"warps": 8})]
    second = [entry(3, options={"warps": 8}), entry(4, options={"warps": 4, "stages": 2})]
    pairs = diff(side(*first), side(*second, entry(5, options={"warps": 1}))).changed
    assert {(pair.first.hash[-1], pair.second.hash[-1]) for pair in pairs} == {
        ("1", "4"),
        ("2", "3"),
    }


def test_thousands_of_entries_of_one_kernel_are_paired_by_what_they_have_in_common() -> None:
    first = [
        entry(n, constants={"BLOCK": n}, signature={"x": "*fp32"}, source_hash="a")
        for n in range(2000)
    ]
    second = [replace(one, hash=f"{n + 5000:064x}", source_hash="b") for n, one in enumerate(first)]
    changed = diff(side(*first), side(*second, entry(9000, constants={"BLOCK": -1}))).changed
    assert len(changed) == 2000
    assert all(pair.first.constants == pair.second.constants for pair in changed)
    assert {len(pair.differences) for pair in changed} == {1}


def test_thousands_of_entries_that_have_nothing_in_common_are_paired_all_the_same() -> None:
    first = [entry(n, options={"a": n}) for n in range(500)]
    second = [entry(n + 5000, options={"a": -n - 1}) for n in range(600)]
    comparison = diff(side(*first), side(*second))
    assert (len(comparison.changed), len(comparison.added)) == (500, 100)


def test_entries_for_another_gpu_are_no_partners() -> None:
    comparison = diff(side(entry(1)), side(entry(2, target="cuda:80")))
    assert (len(comparison.added), len(comparison.removed)) == (1, 1)


def test_equal_keys_with_other_bytes_are_rebuilt() -> None:
    other = replace(side(entry(1)), digests={entry(1).hash: "another"})
    comparison = diff(side(entry(1)), other)
    assert [item.name for item in comparison.rebuilt] == ["add"]
    assert not comparison.is_equal


def test_environments_are_compared_once() -> None:
    other = replace(
        side(entry(1), entry(2)), environment=replace(ENVIRONMENT, triton_version="3.7.0")
    )
    comparison = diff(side(entry(1), entry(2)), other)
    assert comparison.environment is not None
    assert [item.input for item in comparison.environment] == ["triton version"]


def test_an_environment_that_is_not_recorded_is_said() -> None:
    comparison = diff(side(entry(1)), replace(side(entry(1)), environment=None))
    assert comparison.environment is None
    assert "not recorded" in to_text(comparison)


def test_the_text_and_the_json_tell_the_same() -> None:
    comparison = diff(side(entry(1), entry(9, "old")), side(entry(2, options={"warps": 8})))
    assert to_text(comparison).splitlines() == [
        "0 entries are the same, 0 rebuilt, 1 changed, 0 added, 1 removed.",
        "changed add (cuda:90, add.py:3) 000000000000 → add (cuda:90, add.py:3) 000000000000",
        "  option warps: 4 → 8",
        "removed old (cuda:90, add.py:3) 000000000000",
    ]
    document = to_json(comparison)
    assert document["equal"] is False
    assert document["changed"] == [
        {
            "first": {
                "kernel": "add",
                "target": "cuda:90",
                "hash": f"{1:064x}",
                "source": "add.py:3",
            },
            "second": {
                "kernel": "add",
                "target": "cuda:90",
                "hash": f"{2:064x}",
                "source": "add.py:3",
            },
            "differences": [{"input": "option warps", "first": "4", "second": "8"}],
        }
    ]
