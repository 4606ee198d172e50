"""What a peers store must do, as tests."""
# ruff: noqa: PT009 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

from typing import Any

from zope.interface.verify import verifyObject

from mika.interfaces import IPeerStore, Mark, PeerBatch
from mika.model import LEFT_UNKNOWN
from mika.testing.contract import Contract
from mika.testing.subjects import MARK, make_peer, peer_facts


class PeerStoreContract(Contract):
    """What `IPeerStore` says."""

    async def loaded(self) -> dict[tuple[bytes, int, bytes], dict[str, Any]]:
        """Return what is kept of each peer by its key."""
        peers = await self.store.load_peers()
        return {(info_hash, peer.user_id, peer.peer_id): peer_facts(peer) for info_hash, peer in peers}

    async def test_provides_peer_store(self) -> None:
        """All methods of the interface are there."""
        verifyObject(IPeerStore, self.store)

    async def test_peer_comes_back_with_everything_but_its_slots(self) -> None:
        """Also with counters past 63 bits, an unknown `left`, and the negative account of public mode."""
        peer = make_peer(
            -(2**62),
            key=b"\x00key",
            uploaded=2**63,
            downloaded=2**64 - 2,
            left=LEFT_UNKNOWN,
            seeder=True,
            paused=True,
            active=True,
            crypto=2,
            endpoint4=b"\x00" * 6,
            endpoint6=b"\xff" * 18,
            slot4=3,
            slot6=4,
            seen4=2**33,
            seen6=5,
            first_seen=1,
            last_seen=2**33,
        )
        await self.store.apply_peers(PeerBatch(MARK, [(b"h" * 20, peer)], []))
        ((info_hash, found),) = await self.store.load_peers()
        self.assertIsNot(found, peer)
        self.assertEqual((info_hash, found.slot4, found.slot6), (b"h" * 20, -1, -1))
        self.assertEqual(peer_facts(found), peer_facts(peer))

    async def test_peers_are_replaced_and_deleted_by_key(self) -> None:
        """The same peer id of two users, or in two swarms, is two peers."""
        swarms = (b"a" * 20, b"b" * 20)
        present = [(swarm, make_peer(user)) for swarm in swarms for user in (1, 2)]
        await self.store.apply_peers(PeerBatch(MARK, present, []))
        present[0][1].uploaded = 5
        gone = [(swarms[0], 2, make_peer(2).peer_id), (swarms[1], 9, make_peer(9).peer_id)]
        await self.store.apply_peers(PeerBatch(MARK, present[:1], gone))
        found = await self.loaded()
        self.assertEqual({key[:2] for key in found}, {(swarms[0], 1), (swarms[1], 1), (swarms[1], 2)})
        self.assertEqual(found[swarms[0], 1, make_peer(1).peer_id]["uploaded"], 5)

    async def test_kept_peer_is_a_copy(self) -> None:
        """A peer that announces while it is being written is kept as it was at the call."""
        peer = make_peer(1)
        written = self.store.apply_peers(PeerBatch(MARK, [(b"h" * 20, peer)], []))
        peer.uploaded = 5
        await written
        ((_, found),) = await self.store.load_peers()
        self.assertEqual(found.uploaded, 0)

    async def test_peers_mark(self) -> None:
        """The number travels with a batch."""
        await self.store.apply_peers(PeerBatch(Mark("a", 7), [], []))
        await self.store.apply_peers(PeerBatch(MARK, [], []))
        self.assertEqual(await self.store.last_number("peers", "a"), 7)

    async def test_peers_outlive_a_restart(self) -> None:
        """Swarms, with the silent in them, and marks are there after a restart."""
        silent = make_peer(2, active=False, uploaded=5)
        batch = PeerBatch(Mark("a", 3), [(b"h" * 20, make_peer(1, active=True)), (b"h" * 20, silent)], [])
        await self.store.apply_peers(batch)
        before = await self.loaded()
        await self.restart()
        self.assertEqual(await self.loaded(), before)
        self.assertEqual(await self.store.last_number("peers", "a"), 3)
