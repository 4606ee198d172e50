/**
 * Does what a site does every day, with the tracker that MIKA_URL names. MIKA_TEST_BASE is a number from which on a hundred ids
 * are free there.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, Problem } from "../src/index.js";

const base = Number(process.env["MIKA_TEST_BASE"] ?? 0);
const skip = base === 0 && "MIKA_TEST_BASE names no ids on a tracker to play with";
const hash = (number: number): string => String(base + number).padStart(40, "0");
const mika = (): Client => new Client();
const refusal = (status: number) => (error: unknown) => error instanceof Problem && error.status === status;

test("users get a role, a new passkey, and are disabled", { skip }, async () => {
  const role = await mika().addRole({ name: "elite", multiplier_up: 1.5 });
  const made = await mika().addUser({ id: base, name: "ann" });
  assert.equal(made.role, 1);
  assert.equal((await mika().changeUser(base, { role: role.id })).role, role.id);
  assert.notEqual((await mika().renewPasskey(base)).passkey, made.passkey);
  const totals = { uploaded: 2n ** 63n - 1n, downloaded: 2n ** 53n + 1n, bonus: "12.000000001" };
  const disabled = await mika().changeUser(base, { enabled: false, ...totals });
  const shown = await mika().user(base);
  assert.deepEqual(shown, disabled);
  assert.equal(shown.enabled, false);
  assert.deepEqual({ uploaded: shown.uploaded, downloaded: shown.downloaded, bonus: shown.bonus }, totals);
  const [stale, current] = [made.etag!, shown.etag!];
  await assert.rejects(mika().changeUser(base, { role: 1 }, { ifMatch: stale }), refusal(412));
  await mika().changeUser(base, { name: "Ann" }, { ifMatch: current });
  await assert.rejects(mika().putUser(base, { name: "another ann" }, { onlyNew: true }), refusal(412));
  await assert.rejects(mika().addUser({ id: base, name: "another ann" }), refusal(409));
});

test("users are added together, listed and deleted", { skip }, async () => {
  const ids = [1, 2, 3, 4, 5].map((number) => base + number);
  const added = await mika().addUsers(ids.map((id) => ({ id, name: `member ${id}` })));
  assert.deepEqual(added.map((user) => user.id), ids);
  const listed: number[] = [];
  for await (const { id } of mika().users({ page: 2 })) if (ids.includes(id)) listed.push(id);
  assert.deepEqual(listed, ids);
  const changes = [{ id: base + 2, enabled: false }, { id: base + 1, name: "first", uploaded: 5n }];
  const changed = await mika().changeUsers(changes);
  assert.deepEqual(changed.map(({ id, enabled, uploaded }) => [id, enabled, uploaded]), [[base + 2, false, 0n], [base + 1, true, 5n]]);
  await assert.rejects(mika().changeUsers([...changes, { id: base + 99, name: "y" }]), refusal(404));
  assert.equal(await mika().addBonus(base + 4, { amount: "12.5", reason: "a gift" }), "12.5");
  const order = { amount: "-2.5", reason: "a token", key: "order 7" };
  assert.equal(await mika().addBonus(base + 4, order), "10");
  assert.equal(await mika().addBonus(base + 4, order), "10");
  await assert.rejects(mika().addBonus(base + 4, { amount: "-10.000000001" }), refusal(409));
  await mika().deleteUser(base + 5);
  await assert.rejects(mika().user(base + 5), refusal(404));
});

test("torrents are added together or not at all, changed, and deleted with a reason", { skip }, async () => {
  const sizes = (second: number) => [
    { info_hash: hash(1), size: 2 ** 53 },
    { info_hash: hash(2), size: second },
  ];
  await assert.rejects(mika().addTorrents(sizes(-1)), (error: unknown) => {
    assert.ok(error instanceof Problem);
    assert.deepEqual([error.status, error.index, error.errors[0]?.field], [422, 1, "size"]);
    return true;
  });
  await assert.rejects(mika().torrent(hash(1)), refusal(404));
  assert.equal((await mika().addTorrents(sizes(2)))[0]?.size, 2 ** 53);
  const free = await mika().changeTorrent(hash(1), { multiplier_down: 0, name: "frei & schön" });
  assert.deepEqual([free.multiplier_down, free.name], [0, "frei & schön"]);
  assert.equal((await mika().changeTorrents([{ info_hash: hash(2), name: "two" }]))[0]?.name, "two");
  await mika().request("PATCH", "/v1/config", { tracker: { torrent_keys: "accepted" } });
  const key = await mika().torrentKey(base + 4, hash(1));
  assert.equal(key.length, 64);
  assert.notEqual(await mika().renewTorrentKey(base + 4, hash(1)), key);
  await mika().grantFreeleech(base + 4, hash(1), new Date(Date.now() + 3_600_000));
  await mika().revokeFreeleech(base + 4, hash(1));
  await assert.rejects(mika().revokeFreeleech(base + 4, hash(1)), refusal(404));
  await mika().deleteTorrent(hash(2), "Ersetzt: größer & schöner?");
  assert.equal((await mika().putTorrent(hash(3), { name: "put" })).name, "put");
});

test("clients are whitelisted", { skip }, async () => {
  const prefix = `-/${base}`;
  await mika().allowClient(prefix, "Client");
  const names = new Map<string, string>();
  for await (const client of mika().whitelist()) names.set(client.prefix, client.name);
  assert.equal(names.get(prefix), "Client");
  await mika().disallowClient(prefix);
});
