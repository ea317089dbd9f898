"""The root of every error that this package raises on purpose."""


class HubtrustError(Exception):
    """One line: what failed, the fact found, what to do next; never a part of a secret."""

    def __init__(self, what: str, fact: str, remedy: str) -> None:
        super().__init__(f"{what}: {fact}; {remedy}")
        self.what = what
        self.fact = fact
        self.remedy = remedy


def one_line(text: object, most: int = 200) -> str:
    """Somebody else's text for an error of ours: on one line, without a full stop at its end.

    If it is longer than ``most`` characters, it ends after a whole sentence or a whole word, with … in place of the rest.
    """
    whole = " ".join(str(text).split()).rstrip(".")
    if len(whole) <= most:
        return whole
    sentences, _, _ = whole[: most + 1].rpartition(". ")
    words, _, _ = whole[: most + 1].rpartition(" ")
    return f"{(sentences if len(sentences) > most // 2 else words or whole[:most]).rstrip('.,;: ')} …"
