"""What a peers store must do, as tests."""
# ruff: noqa: PT009 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

from typing import Any

from zope.interface.verify import verifyObject

from mika.interfaces import Circle, IPeerStore, Mark, PeerBatch
from mika.model import LEFT_UNKNOWN
from mika.testing.contract import Contract
from mika.testing.subjects import make_peer, peer_facts, peers_of


class PeerStoreContract(Contract):
    """What `IPeerStore` says."""

    async def loaded(self) -> dict[tuple[bytes, int, bytes], dict[str, Any]]:
        """Return what is kept of each peer by its key."""
        return {
            (info_hash, peer.user_id, peer.peer_id): peer_facts(peer) for info_hash, peer in await peers_of(self.store)
        }

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
            seen4=2**32 - 1,
            seen6=5,
            first_seen=1,
            last_seen=2**32 - 1,
            location=(-89.5, 179.25),
        )
        await self.store.apply_peers(PeerBatch(self.mark(), [(b"h" * 20, peer)], []))
        ((info_hash, found),) = await peers_of(self.store)
        self.assertIsNot(found, peer)
        self.assertEqual((info_hash, found.slot4, found.slot6), (b"h" * 20, -1, -1))
        self.assertEqual(peer_facts(found), peer_facts(peer))

    async def test_peers_are_replaced_and_deleted_by_key(self) -> None:
        """The same peer id of two users, or in two swarms, is two peers."""
        swarms = (b"a" * 20, b"b" * 20)
        present = [(swarm, make_peer(user)) for swarm in swarms for user in (1, 2)]
        await self.store.apply_peers(PeerBatch(self.mark(), present, []))
        present[0][1].uploaded = 5
        gone = [(swarms[0], 2, make_peer(2).peer_id), (swarms[1], 9, make_peer(9).peer_id)]
        await self.store.apply_peers(PeerBatch(self.mark(), present[:1], gone))
        found = await self.loaded()
        self.assertEqual({key[:2] for key in found}, {(swarms[0], 1), (swarms[1], 1), (swarms[1], 2)})
        self.assertEqual(found[swarms[0], 1, make_peer(1).peer_id]["uploaded"], 5)

    async def test_kept_peer_is_a_copy(self) -> None:
        """What a peer announces while it is being written may be kept already; what comes later is not."""
        peer = make_peer(1)
        written = self.store.apply_peers(PeerBatch(self.mark(), [(b"h" * 20, peer)], []))
        peer.uploaded = 5
        await written
        peer.uploaded = 7
        ((_, found),) = await peers_of(self.store)
        self.assertIn(found.uploaded, (0, 5))

    async def test_peer_whose_place_is_unknown(self) -> None:
        """It comes back with None, as it was, and so does one without a key and endpoints."""
        await self.store.apply_peers(PeerBatch(self.mark(), [(b"h" * 20, make_peer(1))], []))
        ((_, found),) = await peers_of(self.store)
        self.assertEqual(peer_facts(found), peer_facts(make_peer(1)))

    async def test_peers_mark(self) -> None:
        """The number travels with a batch."""
        await self.store.apply_peers(PeerBatch(Mark("a", 7), [], []))
        await self.store.apply_peers(PeerBatch(self.mark(), [], []))
        self.assertEqual(await self.store.last_number("peers", "a"), 7)

    async def test_peers_batch_out_of_step_is_refused_whole(self) -> None:
        """A batch that comes late does not overwrite what is newer: a baseline would go back, and count twice."""
        await self.store.apply_peers(PeerBatch(Mark("a", 7), [(b"h" * 20, make_peer(1, uploaded=7))], []))
        for mark in (Mark("a", 7), Mark("a", 9, 8)):
            await self.out_of_step(
                self.store.apply_peers(PeerBatch(mark, [(b"h" * 20, make_peer(1)), (b"i" * 20, make_peer(1))], []))
            )
        ((_, found),) = await peers_of(self.store)
        self.assertEqual(found.uploaded, 7)
        self.assertEqual(await self.store.last_number("peers", "a"), 7)

    async def test_peers_near_a_place(self) -> None:
        """Those of this swarm whose place is in the circle, nearest first, measured on the globe; also past 180."""
        places = {
            1: (52.52, 13.40),
            2: (48.85, 2.35),
            3: (52.40, 13.06),
            4: None,
            5: (-18.1, 179.9),
            6: (-18.1, -179.9),
        }
        present = [(b"h" * 20, make_peer(user, location=place)) for user, place in places.items()]
        await self.store.apply_peers(
            PeerBatch(self.mark(), [*present, (b"i" * 20, make_peer(9, location=places[1]))], [])
        )
        for latitude, longitude, metres, expected in (
            (52.5, 13.3, 30_000, [1, 3]),
            (52.5, 13.3, 1_000_000, [1, 3, 2]),
            (48.85, 2.35, 1, [2]),
            (52.52, 13.40, 876_000, [1, 3]),
            (52.52, 13.40, 878_000, [1, 3, 2]),
            (-18.1, -179.95, 30_000, [6, 5]),
            (0.0, 0.0, 1_000, []),
        ):
            found = await self.store.peers_near(b"h" * 20, Circle(latitude, longitude, metres))
            self.assertEqual([user_id for user_id, _ in found], expected)
            self.assertEqual({peer_id for _, peer_id in found} - {make_peer(1).peer_id}, set())

    async def test_many_peers_are_loaded_each_once(self) -> None:
        """Twelve thousand, in one batch, some of them replaced later."""
        hashes = [number.to_bytes(20, "big") for number in range(12_000)]
        await self.store.apply_peers(PeerBatch(self.mark(), [(info_hash, make_peer(1)) for info_hash in hashes], []))
        again = [(info_hash, make_peer(1, uploaded=9)) for info_hash in hashes[::1000]]
        await self.store.apply_peers(PeerBatch(self.mark(), again, []))
        found = await peers_of(self.store)
        self.assertEqual(len(found), len(hashes))
        self.assertEqual({info_hash for info_hash, _ in found}, set(hashes))
        self.assertEqual({info_hash for info_hash, peer in found if peer.uploaded}, set(hashes[::1000]))

    async def test_peer_of_whom_little_is_known(self) -> None:
        """No key, no endpoint, no place; and the places where degrees begin and end are places."""
        places = (None, (0.0, 0.0), (90.0, 180.0), (-90.0, -180.0), (52.123456789012, 13.1))
        present = [(b"h" * 20, make_peer(user, location=place)) for user, place in enumerate(places)]
        await self.store.apply_peers(PeerBatch(self.mark(), present, []))
        found = {peer.user_id: peer_facts(peer) for _, peer in await peers_of(self.store)}
        self.assertEqual(found, {peer.user_id: peer_facts(peer) for _, peer in present})

    async def test_ids_and_endpoints_of_any_bytes(self) -> None:
        """A peer id is 20 bytes of anything, told apart by each; so is an info hash."""
        ids = (b"\x00" * 20, b"\xff" * 20, b"a" * 20, b"A" * 20, b"a" * 19 + b" ", bytes(range(20)))
        present = []
        for info_hash in ids:
            for peer_id in ids:
                peer = make_peer(1, endpoint4=b"\x7f\x00\x00\x01\x00\x00", endpoint6=info_hash[:16] + b"\x1a\xe1")
                peer.peer_id = peer_id
                present.append((info_hash, peer))
        await self.store.apply_peers(PeerBatch(self.mark(), present, []))
        found = await self.loaded()
        self.assertEqual(found, {(swarm, 1, peer.peer_id): peer_facts(peer) for swarm, peer in present})
        gone = [(swarm, 1, peer.peer_id) for swarm, peer in present[1:]]
        await self.store.apply_peers(PeerBatch(self.mark(), [], gone))
        self.assertEqual(list(await self.loaded()), [(ids[0], 1, ids[0])])

    async def test_no_peers_are_loaded(self) -> None:
        """Of an empty store nothing is told, and nobody is near."""
        self.assertEqual(await peers_of(self.store), [])
        self.assertEqual(await self.store.peers_near(b"h" * 20, Circle(0, 0, 10**7)), [])

    async def test_same_batch_of_peers_at_the_same_time(self) -> None:
        """However calls cross, a batch is written once."""
        batch = PeerBatch(self.mark(), [(b"h" * 20, make_peer(1))], [])
        await self.written_once(lambda: self.store.apply_peers(batch))
        self.assertEqual(len(await peers_of(self.store)), 1)

    async def test_close_waits_for_peers(self) -> None:
        """What was asked for before `close` is done and answered before it, and is there afterwards."""
        answers: list[None] = []
        present = [(number.to_bytes(20, "big"), make_peer(1)) for number in range(1000)]
        self.store.apply_peers(PeerBatch(Mark("a", 1), present, [])).addCallback(answers.append)
        await self.store.close()
        self.assertEqual(answers, [None])
        await self.restart()
        self.assertEqual(len(await peers_of(self.store)), 1000)

    async def test_peers_outlive_a_restart(self) -> None:
        """Swarms, with the silent in them, and marks are there after a restart."""
        silent = make_peer(2, active=False, uploaded=5)
        batch = PeerBatch(Mark("a", 3), [(b"h" * 20, make_peer(1, active=True)), (b"h" * 20, silent)], [])
        await self.store.apply_peers(batch)
        before = await self.loaded()
        await self.restart()
        self.assertEqual(await self.loaded(), before)
        self.assertEqual(await self.store.last_number("peers", "a"), 3)
