"""What losses say about missing evidence."""

from airgap.core.entries import Loss
from airgap.core.vouching import UNSIGNED, WITHHELD, losses_of


def test_of_several_files_under_one_name_the_withheld_one_counts() -> None:
    losses = [Loss("a", WITHHELD, "x"), Loss("a", UNSIGNED, "y"), Loss("b", UNSIGNED, ""), Loss("c", "not-selected", "")]

    assert losses_of(losses) == losses_of(losses[::-1]) == {"a": WITHHELD, "b": UNSIGNED}
