/**
 * A .torrent file into what the tracker keeps of it, and into the file that one member is given (BEP 3, 27, 47, 52).
 *
 * Nothing is encoded anew but what is changed: the bytes that an info hash is made of are those of the file.
 */
import { createHash } from "node:crypto";

import type { NewTorrent } from "./models.js";

const MAX_DEPTH = 64;
const MAX_SIZE = 2 ** 53; // what the API takes

/** The keys of a bencoded dictionary, a character a byte, and its values as they are in the file. */
type Raw = Map<string, Buffer>;
type Value = bigint | Buffer | Value[] | Dictionary;
type Dictionary = Map<string, Value>;

/** These bytes are no .torrent file; the message says why. */
export class BadTorrent extends Error {
  override readonly name = "BadTorrent";
}

/** What a .torrent file says. */
export class Metainfo {
  readonly #file: Raw;

  private constructor(
    file: Raw,
    /** 40 hex digits; of a v2-only torrent the beginning of `infoHashV2`, which is what clients announce. */
    readonly infoHash: string,
    readonly infoHashV2: string | undefined,
    readonly title: string,
    /** Bytes of content, without padding files. */
    readonly size: number,
    readonly isPrivate: boolean,
  ) {
    this.#file = file;
  }

  /** Reads a whole .torrent file; throws `BadTorrent` when it is none. */
  static read(data: Uint8Array): Metainfo {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    if (bytes[0] !== 0x64) throw new BadTorrent("this is no .torrent file");
    return Metainfo.#of(readRaw(bytes));
  }

  /** What `addTorrent` takes. */
  get fields(): NewTorrent {
    return {
      info_hash: this.infoHash,
      name: [...this.title].slice(0, 1000).join(""),
      size: this.size,
      ...(this.infoHashV2 === undefined ? {} : { info_hash_v2: this.infoHashV2 }),
    };
  }

  /** Returns it with the private flag, without which clients find peers elsewhere: with another info hash. */
  madePrivate(): Metainfo {
    if (this.isPrivate) return this;
    const info = readRaw(this.#file.get("info")!).set("private", Buffer.from("i1e"));
    return Metainfo.#of(new Map(this.#file).set("info", encode(info)));
  }

  /** Returns the .torrent file that announces to `url` and to no other tracker; the info hash is the same. */
  announcingTo(url: string): Buffer {
    const file = new Map(this.#file);
    file.delete("announce-list");
    file.delete("nodes");
    return encode(file.set("announce", Buffer.from(`${Buffer.byteLength(url)}:${url}`)));
  }

  static #of(file: Raw): Metainfo {
    const encoded = file.get("info");
    if (encoded === undefined || encoded[0] !== 0x64) throw new BadTorrent('it has no "info" dictionary');
    const info = new Reader(encoded).value(0) as Dictionary;
    const name = [info.get("name.utf-8"), info.get("name")].find((each) => Buffer.isBuffer(each) && each.length > 0);
    if (name === undefined) throw new BadTorrent('its "info" has no "name"');
    const version = info.get("meta version") ?? 1n;
    if (version !== 1n && version !== 2n) throw new BadTorrent('its "meta version" is neither 1 nor 2');
    if (version === 1n && !info.has("pieces")) throw new BadTorrent('its "info" has no "pieces"');
    const size = version === 2n ? sizeOfTree(info.get("file tree")) : sizeV1(info);
    if (size > MAX_SIZE) throw new BadTorrent("its files are larger than 2^53 bytes");
    const hashV2 = version === 2n ? createHash("sha256").update(encoded).digest("hex") : undefined;
    const hashV1 = createHash("sha1").update(encoded).digest("hex");
    return new Metainfo(
      file,
      hashV2 === undefined || info.has("pieces") ? hashV1 : hashV2.slice(0, 40),
      hashV2,
      (name as Buffer).toString("utf8").replace(/[\x00-\x1f\x7f]/g, "\ufffd"),
      Number(size),
      info.get("private") === 1n,
    );
  }
}

function sizeV1(info: Dictionary): bigint {
  const files = info.get("files") ?? [info];
  if (!Array.isArray(files)) throw new BadTorrent('its "files" is no list of files');
  return files.reduce((size: bigint, file) => {
    const length = lengthOf(file);
    const attributes = (file as Dictionary).get("attr");
    return Buffer.isBuffer(attributes) && attributes.includes("p") ? size : size + length; // padding
  }, 0n);
}

function sizeOfTree(tree: Value | undefined): bigint {
  if (!(tree instanceof Map) || tree.size === 0) throw new BadTorrent('its "file tree" is no dictionary of files');
  return [...tree].reduce((size, [name, node]) => size + (name === "" ? lengthOf(node) : sizeOfTree(node)), 0n);
}

function lengthOf(file: Value): bigint {
  const length = file instanceof Map ? file.get("length") : undefined;
  if (typeof length !== "bigint" || length < 0n || length > MAX_SIZE) {
    throw new BadTorrent('a file has no "length", or an impossible one');
  }
  return length;
}

function encode(raw: Raw): Buffer {
  const parts = [...raw.keys()].sort().flatMap((key) => [Buffer.from(`${key.length}:${key}`, "latin1"), raw.get(key)!]);
  return Buffer.concat([Buffer.from("d"), ...parts, Buffer.from("e")]);
}

/** Returns the entries of the dictionary that all of `data` is. */
function readRaw(data: Buffer): Raw {
  const raw: Raw = new Map();
  const reader = new Reader(data, 1);
  while (!reader.ends()) {
    const key = reader.text();
    const begin = reader.at;
    reader.value(1);
    raw.set(key, data.subarray(begin, reader.at));
  }
  if (reader.at !== data.length) throw new BadTorrent("it has bytes after its end");
  return raw;
}

/** Reads bencoded values, one after another. */
class Reader {
  constructor(
    readonly data: Buffer,
    public at = 0,
  ) {}

  value(depth: number): Value {
    if (depth > MAX_DEPTH) throw new BadTorrent("it is nested too deep");
    switch (this.data[this.at]) {
      case 0x69: // i
        this.at++;
        return this.#integer("e");
      case 0x6c: // l
        return this.#list(depth);
      case 0x64: // d
        return this.#dictionary(depth);
      default:
        return this.#string();
    }
  }

  /** Reads a string, a character a byte. */
  text(): string {
    return this.#string().toString("latin1");
  }

  /** Tells whether the list or dictionary ends here, and steps over its end. */
  ends(): boolean {
    const ends = this.data[this.at] === 0x65;
    if (ends) this.at++;
    return ends;
  }

  #list(depth: number): Value[] {
    const items: Value[] = [];
    for (this.at++; !this.ends(); ) items.push(this.value(depth + 1));
    return items;
  }

  #dictionary(depth: number): Dictionary {
    const entries: Dictionary = new Map();
    let last: string | undefined;
    for (this.at++; !this.ends(); ) {
      const key = this.text();
      if (last !== undefined && key <= last) {
        throw new BadTorrent("the keys of a dictionary are not sorted: make the file again");
      }
      entries.set(key, this.value(depth + 1));
      last = key;
    }
    return entries;
  }

  #string(): Buffer {
    const length = this.#integer(":");
    if (length < 0n || length > this.data.length - this.at) throw new BadTorrent("it is cut short");
    const begin = this.at;
    this.at += Number(length);
    return this.data.subarray(begin, this.at);
  }

  #integer(end: string): bigint {
    const window = this.data.toString("latin1", this.at, this.at + 21);
    const digits = window.slice(0, Math.max(0, window.indexOf(end)));
    if (!/^(?:0|-?[1-9]\d*)$/.test(digits)) throw new BadTorrent("it is not bencoded, or damaged");
    this.at += digits.length + 1;
    return BigInt(digits);
  }
}
