"""One request to a registry: what is sent, and how often it may be tried."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Self

from tcv_action.stores.access import Patience

_FIRST_PAUSE = 0.25


class Body:
    """A stream that is sent once; requests sees its length, so it sends no chunked encoding."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Wrap bytes that must not be sent twice."""
        return cls(BytesIO(data), len(data))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def read(self, size: int = -1) -> bytes:
        """Read on in the stream."""
        return self._stream.read(size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `seconds` bounds its answer, from the request's end to the last byte."""

    method: str
    url: str
    data: bytes | Body | None
    headers: Mapping[str, str]
    seconds: float

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent again: a stream cannot be rewound."""
        return not isinstance(self.data, Body)


@dataclass(slots=True)
class Attempts:
    """The attempts of one request: pauses that double, all within the bound."""

    patience: Patience
    repeatable: bool
    may_sign_in: bool
    begun: float = field(init=False)
    pause: float = _FIRST_PAUSE

    def __post_init__(self) -> None:
        self.begun = self.patience.clock()

    def again(self, wanted: float | None = None) -> bool:
        """Wait the seconds that are wanted, or a little; False where the bound forbids it."""
        pause = self.pause if wanted is None else wanted
        self.pause *= 2
        late = self.patience.clock() - self.begun + pause > self.patience.retry
        if late or not self.repeatable:
            return False
        self.patience.sleep(pause)
        return True
