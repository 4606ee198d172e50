"""What waits to be written: who changed, and by how much since a store wrote it last."""

from __future__ import annotations

import pytest
from builders import INFO_HASH, OTHER_PASSKEY, PASSKEY, make_site, result

from mika.ledger.pending import Pending
from mika.model import INT64_MAX, Torrent, Totals, User


def test_growth_is_the_difference_to_what_is_written():
    """What was written before is not in it; a user without growth has zeros."""
    grown = User(1, "anna", PASSKEY, totals=Totals(uploaded=700, announces=9), written=Totals(uploaded=500))
    same = User(2, "bert", OTHER_PASSKEY, totals=Totals(uploaded=5), written=Totals(uploaded=5))
    taken = dict(Pending(users={grown, same}).take_users(10))
    assert taken == {grown: Totals(uploaded=200, announces=9), same: Totals()}


@pytest.mark.parametrize("most", [1, 3, 7, 8])
def test_every_account_is_taken_once(most):
    """Portions of at most `most`, until none is left."""
    torrents = {Torrent(bytes([number]) * 20) for number in range(7)}
    pending = Pending(torrents=set(torrents))
    portions = []
    while taken := pending.take_torrents(most):
        portions.append([torrent for torrent, _ in taken])
    assert max(len(portion) for portion in portions) == min(most, 7)
    assert sorted(each.info_hash for portion in portions for each in portion) == sorted(
        each.info_hash for each in torrents
    )


def test_total_beyond_what_a_store_holds_is_written_up_to_it():
    """A client can say more than 64 bits hold: the stored total stays at the largest, and nothing is added again."""
    user = User(1, "anna", PASSKEY, totals=Totals(uploaded=2**64), written=Totals(uploaded=10))
    ((_, growth),) = Pending(users={user}).take_users(1)
    user.written.add(growth)
    assert user.written.uploaded == INT64_MAX
    user.totals.uploaded += 5
    ((_, growth),) = Pending(users={user}).take_users(1)
    assert growth == Totals()


def test_announce_puts_user_and_torrent_on_the_list():
    """Each once, however often they announce; of a completion, who completed what."""
    site = make_site()
    site.announce()
    site.announce(event="completed", left=0)
    site.announce(OTHER_PASSKEY)
    assert site.pending.users == {site.user(), site.user(OTHER_PASSKEY)}
    assert site.pending.torrents == {site.torrent()}
    assert len(site.pending.completions) == 1


def test_public_peer_is_no_account():
    """What a torrent grew by waits, a user there is none."""
    site = make_site(public=True)
    assert "failure reason" not in site.announce(None)
    assert site.pending.users == set()
    assert site.pending.torrents == {site.torrent()}


def test_growth_of_a_torrent_that_was_replaced_is_nobodys():
    """Deleted and added again before the next flush: the new one has none of the growth or completions of the old."""
    site = make_site()
    site.announce()
    site.announce(uploaded=500, event="completed", left=0)
    result(site.directory.delete_torrent(INFO_HASH, "a bad rip"))
    result(site.directory.add_torrents([Torrent(INFO_HASH)]))
    for _, growth in site.pending.take_torrents(10):
        assert growth == Totals()
    assert site.pending.take_completions() == set()


def test_growth_of_a_user_who_was_replaced_is_nobodys():
    """Deleted and added again under the same id before the next flush: the new account starts at zero."""
    site = make_site()
    site.announce()
    site.announce(uploaded=500)
    result(site.directory.delete_user(1))
    result(site.directory.add_users([User(1, "anna", PASSKEY)]))
    site.announce()
    site.announce(uploaded=3)
    assert [growth.uploaded for _, growth in site.pending.take_users(10) if growth.uploaded] == [3]
