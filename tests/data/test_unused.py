"""Folders kept for a while: the longest unused goes first, and none that is in use."""

from pathlib import Path

from ststudio.data.unused import UNFINISHED, forget_unused


def folders(home: Path, *names: str) -> list[Path]:
    for name in names:
        (home / name).mkdir()
        (home / name / "file").write_bytes(b"x" * 10)
    return [home / name for name in names]


def test_over_the_bytes_the_longest_unused_go_and_what_is_still_written_stays(
    tmp_path: Path,
) -> None:
    made = folders(tmp_path, f"{UNFINISHED}x", "old", "older", "new")
    when = dict(zip(made, (1.0, 3.0, 2.0, 4.0), strict=True))
    forget_unused(made, when.__getitem__, before=0.5, most=25)
    assert [folder.exists() for folder in made] == [True, False, False, True]


def test_what_is_used_while_others_are_forgotten_stays(tmp_path: Path) -> None:
    (folder,) = folders(tmp_path, "used")
    looks = iter((1.0, 9.0))
    forget_unused([folder], lambda _: next(looks), before=5.0, most=100)
    assert folder.exists()
