from __future__ import annotations

import pytest

from mlcicd import workfolder
from mlcicd.errors import UsageError


def test_the_folder_keeps_itself_out_of_git(tmp_path):
    assert (workfolder.make(tmp_path / ".mlcicd") / ".gitignore").read_text() == "*\n"
    assert workfolder.make(tmp_path / ".mlcicd").is_dir()


@pytest.mark.parametrize("link", [False, True])
def test_a_file_in_its_place_is_named_with_what_to_do(tmp_path, link):
    taken = tmp_path / ".mlcicd"
    if link:
        taken.symlink_to("nowhere")
    else:
        taken.write_text("mine")
    for folder in (taken, taken / "validate"):
        with pytest.raises(UsageError, match=r"\.mlcicd: is a file, and mlcicd needs a folder") as caught:
            workfolder.make(folder)
        assert f"mv {taken} {taken}.old" in caught.value.hint
    assert link or taken.read_text() == "mine"
