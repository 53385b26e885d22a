"""The program ``airgap``."""

import sys


def main() -> None:
    """Run the command line; the version is answered before anything else is loaded."""
    if sys.argv[1:] == ["--version"]:
        from airgap import __version__  # noqa: PLC0415

        sys.stdout.write(f"airgap {__version__}\n")
        return
    from airgap.cli.app import run  # noqa: PLC0415

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
