from tests.cli.conftest import airgap as in_process

__all__ = ["in_process"]
