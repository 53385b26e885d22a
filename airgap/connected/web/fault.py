"""A request that brought nothing."""


class Fault(Exception):  # noqa: N818 -- never leaves this package: what leaves it names the file as well
    """Why one address did not give what was asked.

    Attributes:
        got: what came instead, the end of ``expected X, got Y``.
        hint: the next action.
        may_pass: it may work in a moment.
        wait: seconds that the server asked to wait before.
        origin: scheme, host and port to which no connection could be made.
    """

    def __init__(
        self, got: str, *, hint: str | None = None, may_pass: bool = False, wait: float = 0, origin: str | None = None
    ) -> None:
        super().__init__(got)
        self.got = got
        self.hint = hint
        self.may_pass = may_pass
        self.wait = wait
        self.origin = origin
