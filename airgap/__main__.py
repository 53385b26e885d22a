"""The program ``airgap``."""

import gc
import sys


def main() -> None:
    """Run the command line; the version is answered before anything else is loaded."""
    if sys.argv[1:] == ["--version"]:
        from airgap import __version__  # noqa: PLC0415

        sys.stdout.write(f"airgap {__version__}\n")
        return
    from airgap.cli.app import run  # noqa: PLC0415

    # 100,000 entries are a million objects and no cycle: the default threshold spends 15 % of an export looking for some
    gc.set_threshold(50_000, 20, 50)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
