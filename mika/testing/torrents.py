"""What a torrents store must do, as tests."""
# ruff: noqa: PT009 - these are methods of a trial TestCase, and say what differs under either runner

from __future__ import annotations

import time

from zope.interface.verify import verifyObject

from mika.interfaces import ITorrentStore, Mark, TorrentBatch
from mika.model import Torrent, Totals
from mika.testing.contract import Contract
from mika.testing.subjects import make_torrent, torrent_facts


class TorrentStoreContract(Contract):
    """What `ITorrentStore` says."""

    async def test_provides_torrent_store(self) -> None:
        """All methods of the interface are there."""
        verifyObject(ITorrentStore, self.store)

    async def test_torrent_is_found_with_everything_by_either_hash(self) -> None:
        """A hybrid torrent is found by its v1 hash and by the first 20 bytes of its v2 hash (BEP 52)."""
        torrent = make_torrent(
            1,
            v2=2,
            name="Ünïcode",
            size=2**50,
            enabled=False,
            reason="why",
            multiplier_up=1500,
            multiplier_down=0,
            created_at=3,
            updated_at=4,
            totals=Totals(1, 2, 3, 4, 5, 6, 7, 8),
            completers={3, -4},
        )
        await self.store.add_torrents([torrent])
        for info_hash in (torrent.info_hash, make_torrent(2).info_hash):
            found = await self.store.torrent(info_hash)
            self.assertIsNot(found, torrent)
            self.assertEqual(torrent_facts(found), torrent_facts(torrent))
            self.assertEqual((found.totals, found.written), (torrent.totals, torrent.totals))
            self.assertEqual(found.completers, {3, -4})
        self.assertIsNone(await self.store.torrent(make_torrent(9).info_hash))

    async def test_torrent_of_v2_alone(self) -> None:
        """A torrent whose info hash is that of its v2 hash, cut, does not clash with itself."""
        torrent = make_torrent(2, v2=2)
        await self.store.add_torrents([torrent])
        await self.store.save_torrent(torrent)
        self.assertEqual((await self.store.torrent(torrent.info_hash)).info_hash_v2, torrent.info_hash_v2)

    async def test_kept_torrent_is_a_copy(self) -> None:
        """What the caller does to its torrents later does not change what is kept."""
        torrent = make_torrent(1)
        await self.store.add_torrents([torrent])
        torrent.completers.add(1)
        torrent.totals.completed += 1
        found = await self.store.torrent(torrent.info_hash)
        self.assertEqual((found.completers, found.totals), (set(), Totals()))

    async def test_torrents_are_listed_in_pages_without_the_deleted(self) -> None:
        """Pages follow one another in order of info hash."""
        await self.store.add_torrents([make_torrent(number) for number in (5, 3, 200, 1, 4)])
        await self.store.save_torrent(make_torrent(3, deleted=True))
        first = await self.store.list_torrents(b"", 2)
        rest = await self.store.list_torrents(first[-1].info_hash, 10)
        self.assertEqual([torrent.info_hash[0] for torrent in first + rest], [1, 4, 5, 200])

    async def test_taken_hash_is_named_by_index_and_nothing_is_added(self) -> None:
        """A hash may be neither hash of another torrent, in the store or earlier in the list."""
        await self.store.add_torrents([make_torrent(1, v2=2)])
        for clash in (make_torrent(1), make_torrent(2), make_torrent(3, v2=1), make_torrent(3, v2=2)):
            self.assertEqual(await self.conflict(self.store.add_torrents([make_torrent(9), clash])), 1)
        for twin in (make_torrent(5), make_torrent(6), make_torrent(7, v2=5)):
            new = [make_torrent(9), make_torrent(5, v2=6), twin]
            self.assertEqual(await self.conflict(self.store.add_torrents(new)), 2)
        self.assertEqual(len(await self.store.list_torrents(b"", 10)), 1)

    async def test_save_torrent_leaves_totals_and_completers(self) -> None:
        """Everything else is written, a new v2 hash is found, and the old one is free."""
        await self.store.add_torrents([make_torrent(1, v2=2, totals=Totals(completed=1), completers={8})])
        changed = make_torrent(1, v2=3, name="new", totals=Totals(completed=5), completers={9})
        await self.store.save_torrent(changed)
        found = await self.store.torrent(make_torrent(3).info_hash)
        self.assertEqual(torrent_facts(found), torrent_facts(changed))
        self.assertEqual((found.totals, found.completers), (Totals(completed=1), {8}))
        self.assertIsNone(await self.store.torrent(make_torrent(2).info_hash))
        await self.store.add_torrents([make_torrent(2)])

    async def test_save_torrent_refuses_a_taken_hash(self) -> None:
        """Another's hash is a conflict; a torrent that is not there is not made."""
        await self.store.add_torrents([make_torrent(1), make_torrent(2, v2=3)])
        for v2 in (2, 3):
            await self.conflict(self.store.save_torrent(make_torrent(1, v2=v2, name="new")))
        self.assertEqual((await self.store.torrent(make_torrent(1).info_hash)).name, "")
        await self.store.save_torrent(make_torrent(4))
        self.assertIsNone(await self.store.torrent(make_torrent(4).info_hash))

    async def test_save_torrents_writes_all_and_leaves_totals_and_completers(self) -> None:
        """Each as `save_torrent` does, in whatever order they come; one that is not there is not made."""
        await self.store.add_torrents([make_torrent(1, v2=2, completers={8}), make_torrent(5), make_torrent(7)])
        await self.store.save_torrent(make_torrent(7, deleted=True))
        changed = [
            (make_torrent(5, v2=7, name="five", size=9, updated_at=3, totals=Totals(bonus=4)), Totals(uploaded=7)),
            (make_torrent(9), Totals(uploaded=1)),
            (make_torrent(1, v2=3, enabled=False, multiplier_down=0), None),
        ]
        await self.store.save_torrents(changed)
        for torrent, growth in (changed[0], changed[2]):
            found = await self.store.torrent(torrent.info_hash)
            self.assertEqual((torrent_facts(found), found.totals), (torrent_facts(torrent), growth or Totals()))
        self.assertEqual((await self.store.torrent(make_torrent(3).info_hash)).completers, {8})
        self.assertEqual((await self.store.torrent(make_torrent(7).info_hash)).name, "five")  # the deleted gave way
        for number in (2, 9):
            self.assertIsNone(await self.store.torrent(make_torrent(number).info_hash))
        await self.store.save_torrents([])

    async def test_save_torrents_refuses_a_taken_hash_whole(self) -> None:
        """Of another, one that another gives up in the same list too, or of an earlier one in the list."""
        await self.store.add_torrents([make_torrent(1), make_torrent(3, v2=4), make_torrent(5)])
        named, freed = make_torrent(1, name="new"), make_torrent(3, v2=9)
        for clash in (3, 4, 9):
            changes = [(named, Totals(uploaded=1)), (freed, None), (make_torrent(5, v2=clash), None)]
            self.assertEqual(await self.conflict(self.store.save_torrents(changes)), 2)
        found = await self.store.list_torrents(b"", 10)
        self.assertEqual([torrent.info_hash_v2 for torrent in found], [None, bytes([4]) * 32, None])
        self.assertEqual((found[0].name, found[0].totals), ("", Totals()))

    async def test_thousands_of_torrents_are_saved(self) -> None:
        """Each of five thousand is changed as it is said, and no other."""
        new = [Torrent(number.to_bytes(20, "big")) for number in range(6000)]
        await self.store.add_torrents(new)
        changes = [(Torrent(each.info_hash, name=each.info_hash.hex()), Totals(completed=1)) for each in new[1000:]]
        await self.store.save_torrents(changes)
        found = await self.store.list_torrents(b"", 7000)
        hybrids = [Torrent(each.info_hash, each.info_hash + bytes(12), "ü\\\t'", reason="%s") for each in new[:50]]
        await self.store.save_torrents([(each, None) for each in hybrids])
        again = await self.store.list_torrents(b"", 50)
        self.assertEqual(list(map(torrent_facts, again)), list(map(torrent_facts, hybrids)))
        expected = [("", 0)] * 1000 + [(torrent.name, 1) for torrent, _ in changes]
        self.assertEqual([(torrent.name, torrent.totals.completed) for torrent in found], expected)

    async def test_deleted_torrent_is_remembered_until_its_hash_is_used_again(self) -> None:
        """It is found as deleted, with the reason; a torrent with one of its hashes starts anew in its place."""
        for new in (make_torrent(1), make_torrent(2), make_torrent(3, v2=1), make_torrent(1, v2=2)):
            old = make_torrent(1, v2=2, totals=Totals(completed=1), completers={8})
            await self.store.add_torrents([old])
            await self.store.save_torrent(make_torrent(1, v2=2, deleted=True, reason="low quality"))
            found = await self.store.torrent(make_torrent(2).info_hash)
            self.assertEqual((found.deleted, found.reason, found.completers), (True, "low quality", {8}))
            await self.store.add_torrents([new])
            found = await self.store.torrent(new.info_hash)
            self.assertEqual((found.deleted, found.reason, found.totals), (False, "", Totals()))
            self.assertEqual(found.completers, set())
            for info_hash in {make_torrent(1).info_hash, make_torrent(2).info_hash} - {new.info_hash}:
                other = await self.store.torrent(info_hash)
                self.assertTrue(other is None or other.info_hash == new.info_hash)
            await self.store.save_torrent(make_torrent(new.info_hash[0], deleted=True))  # and room for the next

    async def test_growth_adds_to_torrents(self) -> None:
        """Totals grow, a completer counts once, and what is gone is skipped and not made."""
        await self.store.add_torrents([make_torrent(1), make_torrent(2, completers={7})])
        one, two, gone = (make_torrent(number).info_hash for number in (1, 2, 3))
        growth = [(info_hash, Totals(1, 2, 3, 4, 5, 6, 7, 8)) for info_hash in (one, two, gone)]
        await self.store.apply_torrents(TorrentBatch(self.mark(), growth, [(one, 7), (two, 6), (two, 7), (gone, 7)]))
        await self.store.apply_torrents(TorrentBatch(self.mark(), [(one, Totals(uploaded=-1))], [(one, 7), (one, -9)]))
        found = await self.store.torrent(one)
        self.assertEqual((found.totals, found.completers), (Totals(0, 2, 3, 4, 5, 6, 7, 8), {7, -9}))
        self.assertEqual((await self.store.torrent(two)).completers, {6, 7})
        self.assertIsNone(await self.store.torrent(gone))
        await self.store.add_torrents([make_torrent(3)])
        self.assertEqual((await self.store.torrent(gone)).completers, set())

    async def test_torrents_mark(self) -> None:
        """The number travels with a batch."""
        await self.store.apply_torrents(TorrentBatch(Mark("a", 7), []))
        await self.store.apply_torrents(TorrentBatch(self.mark(), []))
        self.assertEqual(await self.store.last_number("torrents", "a"), 7)

    async def test_torrents_batch_out_of_step_is_refused_whole(self) -> None:
        """Neither totals nor completers of a batch that comes again are written."""
        await self.store.add_torrents([make_torrent(1)])
        info_hash = make_torrent(1).info_hash
        growth = [(info_hash, Totals(completed=1))]
        await self.store.apply_torrents(TorrentBatch(Mark("a", 7), growth, [(info_hash, 1)]))
        for mark in (Mark("a", 7), Mark("a", 9, 8)):
            await self.out_of_step(self.store.apply_torrents(TorrentBatch(mark, growth, [(info_hash, 2)])))
        found = await self.store.torrent(info_hash)
        self.assertEqual((found.totals, found.completers), (Totals(completed=1), {1}))
        self.assertEqual(await self.store.last_number("torrents", "a"), 7)

    async def test_whole_list_has_the_deleted_and_completers(self) -> None:
        """As a tracker needs them that has all torrents in memory."""
        await self.store.add_torrents([make_torrent(1, completers={4, 5}), make_torrent(2), make_torrent(3)])
        await self.store.save_torrent(make_torrent(2, deleted=True, reason="why"))
        first = await self.store.list_torrents(b"", 2, True)
        rest = await self.store.list_torrents(first[-1].info_hash, 2, True)
        found = [(torrent.info_hash[0], torrent.reason, torrent.completers) for torrent in first + rest]
        self.assertEqual(found, [(1, "", {4, 5}), (2, "why", set()), (3, "", set())])

    async def test_whitelist(self) -> None:
        """Prefixes are added, renamed and deleted, and told apart by case."""
        await self.store.save_whitelisted("-TR40", "Transmission 4")
        await self.store.save_whitelisted("-tr40", "another")
        await self.store.save_whitelisted("-TR40", "Transmission 4.0")
        self.assertEqual(await self.store.whitelist(), {"-TR40": "Transmission 4.0", "-tr40": "another"})
        self.assertTrue(await self.store.delete_whitelisted("-tr40"))
        self.assertFalse(await self.store.delete_whitelisted("-tr40"))
        self.assertEqual(await self.store.whitelist(), {"-TR40": "Transmission 4.0"})

    async def test_names_of_torrents_are_kept_to_the_letter(self) -> None:
        """Whatever is in them; so it is with reasons, and with what is on the whitelist."""
        names = ("Zoë 😀 中文", 'O\'Neil "x" \\ % _ ? :x {y} $1', "line\nbreak\ttab", " spaces ", "")
        await self.store.add_torrents([make_torrent(at, name=name, reason=name) for at, name in enumerate(names, 1)])
        found = await self.store.list_torrents(b"", 10)
        self.assertEqual([(torrent.name, torrent.reason) for torrent in found], [(name, name) for name in names])
        prefixes = ("-TR40", "-%/?#", "M7-9", "a&b=c", "+ +")
        listed = dict(zip(prefixes, names, strict=True))
        for prefix, name in listed.items():
            await self.store.save_whitelisted(prefix, name)
        self.assertEqual(await self.store.whitelist(), listed)
        for prefix in prefixes:
            self.assertTrue(await self.store.delete_whitelisted(prefix))
        self.assertEqual(await self.store.whitelist(), {})

    async def test_pages_of_torrents_end(self) -> None:
        """Page after page of one comes to an end, and past it there is nothing; nothing can be added, too."""
        self.assertEqual(await self.store.list_torrents(b"", 10), [])
        await self.store.add_torrents([])
        await self.store.add_torrents([make_torrent(number) for number in (255, 1, 128)])
        seen, after = [], b""
        while page := await self.store.list_torrents(after, 1):
            seen += page
            after = page[-1].info_hash
        self.assertEqual([torrent.info_hash[0] for torrent in seen], [1, 128, 255])
        self.assertEqual(await self.store.list_torrents(after, 1000, True), [])

    async def test_large_batch_of_torrents(self) -> None:
        """Five thousand rows in one batch, each grown once and completed by one user."""
        new = [Torrent(number.to_bytes(20, "big")) for number in range(5000)]
        await self.store.add_torrents(new)
        growth = [(torrent.info_hash, Totals(completed=number)) for number, torrent in enumerate(new)]
        completers = [(torrent.info_hash, number) for number, torrent in enumerate(new)]
        await self.store.apply_torrents(TorrentBatch(self.mark(), growth, completers))
        found = await self.store.list_torrents(b"", 6000, True)
        self.assertEqual([torrent.totals.completed for torrent in found], list(range(5000)))
        self.assertEqual([torrent.completers for torrent in found], [{number} for number in range(5000)])

    async def test_same_batch_of_torrents_at_the_same_time(self) -> None:
        """However calls cross, a batch is written once."""
        await self.store.add_torrents([make_torrent(1)])
        info_hash = make_torrent(1).info_hash
        batch = TorrentBatch(self.mark(), [(info_hash, Totals(uploaded=1))], [(info_hash, 1)])
        await self.written_once(lambda: self.store.apply_torrents(batch))
        self.assertEqual((await self.store.torrent(info_hash)).totals, Totals(uploaded=1))

    async def test_torrents_are_written_as_they_were_at_the_call(self) -> None:
        """Torrents, their totals and completers go on changing while they are written."""
        torrent, totals = make_torrent(1, completers={1}), Totals(uploaded=1)
        added = self.store.add_torrents([torrent])
        torrent.name = "changed"
        torrent.completers.add(2)
        await added
        batch = TorrentBatch(self.mark(), [(torrent.info_hash, totals)], [(torrent.info_hash, 3)])
        written = self.store.apply_torrents(batch)
        totals.uploaded += 100
        batch.completers.append((torrent.info_hash, 4))
        await written
        found = await self.store.torrent(torrent.info_hash)
        self.assertEqual((found.name, found.totals.uploaded, found.completers), ("", 1, {1, 3}))

    async def test_torrents_changed_by_others_are_told(self) -> None:
        """A torrent that is deleted elsewhere is refused soon; so it is with the whitelist."""
        now = int(time.time())  # as the API sets it, which is what stores go by that are asked what changed
        await self.store.add_torrents([make_torrent(1, updated_at=now)])
        _, heard = await self.listening()
        await self.store.save_torrent(make_torrent(1, deleted=True, updated_at=now + 2))
        await self.told(heard, "torrent", make_torrent(1).info_hash)
        await self.store.save_whitelisted("-TR40", "Transmission 4")
        await self.told(heard, "whitelist", None)

    async def test_torrents_outlive_a_restart(self) -> None:
        """Torrents, completers, whitelist and marks are there after a restart."""
        await self.store.add_torrents([make_torrent(1, v2=2)])
        info_hash = make_torrent(1).info_hash
        await self.store.apply_torrents(
            TorrentBatch(Mark("a", 3), [(info_hash, Totals(completed=1))], [(info_hash, 4)])
        )
        await self.store.save_whitelisted("-TR40", "Transmission 4")
        await self.restart()
        found = await self.store.torrent(make_torrent(2).info_hash)
        self.assertEqual((found.totals, found.completers), (Totals(completed=1), {4}))
        self.assertEqual(await self.store.whitelist(), {"-TR40": "Transmission 4"})
        self.assertEqual(await self.store.last_number("torrents", "a"), 3)
