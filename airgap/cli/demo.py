"""airgap demo: the whole story on the shipped samples, offline, in seconds."""

from typing import TYPE_CHECKING, Annotated

import typer

from airgap.cli.options import Json

if TYPE_CHECKING:
    from airgap.cli.story import Story


def demo(
    keep: Annotated[
        str | None, typer.Option(help="Leave everything in this new folder, to look at.", metavar="DIR")
    ] = None,
    json: Json = False,
) -> None:
    """Tell the whole story on sample files: keys, trust, export, import, a tampered bundle refused, a rotten object found.

    Example: airgap demo --keep /tmp/airgap-demo
    """
    import os
    import shutil
    import tempfile

    from airgap.cli.story import Story
    from airgap.core.errors import UsageError

    if keep is not None and os.path.lexists(keep):
        raise UsageError(f"--keep: expected a new folder, got {keep}, which exists")
    folder = keep or tempfile.mkdtemp(prefix="airgap-demo-")
    os.makedirs(folder, exist_ok=True)
    try:
        _tell(Story(os.path.abspath(folder), is_json=json))
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _tell(story: "Story") -> None:
    story.make_keys()
    story.export()
    story.refuse_tampered()
    story.import_()
    story.find_rot()
    story.read_receipt()
    story.end()
