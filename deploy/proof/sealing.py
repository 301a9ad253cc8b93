"""Seals a log: follows its lanes outside the way of writing, and signs now and then how far their chains are."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.proof.chain import Link
from deploy.proof.checkpoints import Checkpoints, Statement, Story
from deploy.proof.walking import Step, ends_agree, heads, walk
from shared.database import Connection


@dataclass
class Seal:
    """The chain of one service's log as it grows; `links` may be ahead of the newest checkpoint."""

    service: str
    checkpoints: Checkpoints
    key: Ed25519PrivateKey
    story: Story = field(init=False)
    links: dict[int, Link] = field(default_factory=dict)
    _size_bytes: int = -1

    def __post_init__(self) -> None:
        """Nothing read yet."""
        self.story = Story(self.service)

    def read(self) -> None:
        """Begin where the checkpoints end, when another process has written to them or nothing was read yet. Raises CheckpointsBroken."""
        path = self.checkpoints.path
        size = path.stat().st_size if path.exists() else 0
        if size != self._size_bytes:
            self.story = self.checkpoints.read(self.key.public_key())
            self.links = dict(self.story.newest)
            self._size_bytes = size

    async def follow(self, connection: Connection) -> list[Step]:
        """Take in what was appended since the last time. Raises Broken and CheckpointsBroken; nothing is signed then."""
        self.read()
        await ends_agree(connection, self.story)
        taken: list[Step] = []
        for lane, head in (await heads(connection)).items():
            async for steps in walk(connection, self.story, lane, until=head, link=self.links.get(lane)):
                self.links[lane] = steps[-1].link
                taken += steps
        return taken

    def sign(self, at: datetime) -> Statement | None:
        """Put what was followed on record; None when that was done before. Raises CheckpointsBroken."""
        with self.checkpoints.held():
            moved = {lane: link for lane, link in self.links.items() if self.story.newest.get(lane) != link}
            path = self.checkpoints.path
            if not moved or path.stat().st_size != max(self._size_bytes, 0):
                return None  # another process has signed meanwhile: what it wrote is read first
            statement = self.checkpoints.append(self.key, self.story, moved, at)
            self._size_bytes = path.stat().st_size
            return statement
