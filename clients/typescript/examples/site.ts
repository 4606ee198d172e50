/**
 * Sign up a member, upload a torrent, hand out its .torrent file, and show the member's ratio.
 *
 * usage: npm run build && node dist/examples/site.js ID NAME FILE.torrent ANNOUNCE_BASE OUT.torrent
 *
 * MIKA_URL, MIKA_TOKEN and MIKA_CA say where the tracker is. Run it again after some announces: the ratio has changed.
 */
import { readFile, writeFile } from "node:fs/promises";

import { Client, Metainfo, Problem, ratio, type Torrent, type User } from "../src/index.js";

const isConflict = (error: unknown): boolean => error instanceof Problem && error.status === 409;

/** Makes an account under the id that the site uses; one that is there stays as it is. */
async function signUp(mika: Client, id: number, name: string): Promise<User> {
  try {
    return await mika.addUser({ id, name });
  } catch (error) {
    if (isConflict(error)) return mika.user(id);
    throw error;
  }
}

/** Adds a torrent, unless it is there. */
async function upload(mika: Client, metainfo: Metainfo): Promise<Torrent> {
  try {
    return await mika.addTorrent(metainfo.fields);
  } catch (error) {
    if (isConflict(error)) return mika.torrent(metainfo.infoHash);
    throw error;
  }
}

async function main(id: string, name: string, file: string, announceBase: string, out: string): Promise<void> {
  const mika = new Client();
  const member = await signUp(mika, Number(id), name);
  console.log(`member ${member.id} is ${member.name}, role ${member.role}`);

  const metainfo = Metainfo.read(await readFile(file)).madePrivate();
  const torrent = await upload(mika, metainfo);
  await writeFile(out, metainfo.announcingTo(`${announceBase}/${member.passkey}/announce`));
  console.log(`torrent ${torrent.info_hash} is ${torrent.name}, ${torrent.size} bytes, ${torrent.seeders} seeders`);

  const shown = ratio(member)?.toFixed(2) ?? "none yet";
  console.log(`up ${member.uploaded}, down ${member.downloaded}, ratio ${shown}`);
}

const [id, name, file, announceBase, out] = process.argv.slice(2);
if (id === undefined || name === undefined || file === undefined || announceBase === undefined || out === undefined) {
  console.error("usage: node dist/examples/site.js ID NAME FILE.torrent ANNOUNCE_BASE OUT.torrent");
  process.exitCode = 2;
} else {
  main(id, name, file, announceBase, out).catch((error: unknown) => {
    console.error(`site: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
