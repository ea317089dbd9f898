"""What a rule reports, as it is shown: names in certificates, tags and ids may hold anything."""

_MOST = 2000  # characters
_CUT = " … (shortened)"


def one_line(message: str) -> str:
    r"""The message on one line of bounded length: what can't be seen is an escape, such as `\n` or `\u200e`."""
    every = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in message[: _MOST + 1])
    return every if len(every) <= _MOST else every[: _MOST - len(_CUT)].rpartition(" ")[0] + _CUT
