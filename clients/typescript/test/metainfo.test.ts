import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { BadTorrent, Metainfo } from "../src/index.js";

interface Good {
  about: string;
  torrent: string;
  info_hash: string;
  info_hash_v2: string | null;
  name: string;
  size: number;
  private: boolean;
  private_info_hash: string;
  personal: string;
}

/** The files that all clients must read alike; MIKA_TESTDATA says where they are when this folder was copied. */
const testdata = process.env["MIKA_TESTDATA"] ?? join(process.cwd(), "..", "testdata");
const document = JSON.parse(readFileSync(join(testdata, "torrents.json"), "utf8")) as {
  announce: string;
  good: Good[];
  bad: { about: string; torrent: string }[];
};
assert.ok(document.good.length > 0 && document.bad.length > 0);

for (const expected of document.good) {
  test(`read and made personal: ${expected.about}`, () => {
    const metainfo = Metainfo.read(Buffer.from(expected.torrent, "base64"));
    assert.deepEqual(metainfo.fields, {
      info_hash: expected.info_hash,
      name: expected.name,
      size: expected.size,
      ...(expected.info_hash_v2 === null ? {} : { info_hash_v2: expected.info_hash_v2 }),
    });
    assert.equal(metainfo.isPrivate, expected.private);
    const made = metainfo.madePrivate();
    assert.equal(made.isPrivate, true);
    assert.equal(made.infoHash, expected.private_info_hash);
    assert.equal(made.announcingTo(document.announce).toString("base64"), expected.personal);
  });
}

for (const bad of document.bad) {
  test(`refused: ${bad.about}`, () => {
    assert.throws(() => Metainfo.read(Buffer.from(bad.torrent, "base64")), BadTorrent);
  });
}
