/**
 * The nouns of the API, with their fields named as in it. Totals in bytes are bigints, which are exact up to 2^63 - 1; every
 * other figure is a number, which is exact up to 2^53.
 */

/** A member's account: `uploaded` and `downloaded` are what is credited, `…_real` what was transferred. */
export interface User {
  id: number;
  name: string;
  passkey: string;
  role: number;
  enabled: boolean;
  download_enabled: boolean;
  upload_enabled: boolean;
  uploaded: bigint;
  downloaded: bigint;
  uploaded_real: bigint;
  downloaded_real: bigint;
  /** Points, an exact decimal. */
  bonus: string;
  seed_seconds: number;
  announces: number;
  multiplier_up: number;
  multiplier_down: number;
  remote_id: string | null;
  created_at: Date;
  updated_at: Date;
  /** What `ifMatch` takes; not in lists. */
  etag?: string;
}

/** A torrent with its live totals and swarm; `info_hash` is 40 lower-case hex digits. */
export interface Torrent {
  info_hash: string;
  info_hash_v2: string | null;
  name: string;
  size: number;
  enabled: boolean;
  reason: string;
  multiplier_up: number;
  multiplier_down: number;
  seeders: number;
  leechers: number;
  completed: number;
  uploaded: bigint;
  downloaded: bigint;
  uploaded_real: bigint;
  downloaded_real: bigint;
  announces: number;
  created_at: Date;
  updated_at: Date;
  /** What `ifMatch` takes; not in lists. */
  etag?: string;
}

/** A class of users; null is no limit of its own. */
export interface Role {
  id: number;
  name: string;
  priority: number;
  multiplier_up: number;
  multiplier_down: number;
  download_enabled: boolean;
  upload_enabled: boolean;
  download_slots: number | null;
  peers_per_user_torrent: number | null;
}

/** A peer id prefix whose clients are served, and what they are called. */
export interface WhitelistedClient {
  prefix: string;
  name: string;
}

/** The tracker at a glance; `uptime` is in seconds. */
export interface Status {
  version: string;
  uptime: number;
  started_at: string;
  stores: { kind: string; url: string; ok: boolean }[];
  queues: Record<string, number>;
  swarms: number;
  peers: number;
  users: number;
  torrents: number;
}

type Settable<T> = { [Field in keyof T]?: T[Field] extends bigint ? bigint | number : T[Field] };

/** What of a user can be set. */
export type UserFields = Settable<Omit<User, "id" | "created_at" | "updated_at" | "etag">>;

/** A user to add: id and passkey are made when they are not given. */
export type NewUser = UserFields & { id?: number; name: string };

/** What of a torrent can be set. */
export type TorrentFields = Settable<
  Omit<Torrent, "info_hash" | "seeders" | "leechers" | "created_at" | "updated_at" | "etag">
>;

/** A torrent to add; `Metainfo.fields` is what a .torrent file says. */
export type NewTorrent = TorrentFields & { info_hash: string };

/** What of a role can be set. */
export type RoleFields = Settable<Omit<Role, "id">>;

/** Credited upload by credited download; undefined while nothing is downloaded. */
export function ratio(user: Pick<User, "uploaded" | "downloaded">): number | undefined {
  return user.downloaded === 0n ? undefined : Number(user.uploaded) / Number(user.downloaded);
}

const TOTALS = new Set(["uploaded", "downloaded", "uploaded_real", "downloaded_real"]);
const TIMES = new Set(["created_at", "updated_at"]);

/** Reads a user as the API shows it. */
export const readUser = (shown: unknown, etag?: string): User => read(shown, etag) as User;

/** Reads a torrent as the API shows it. */
export const readTorrent = (shown: unknown, etag?: string): Torrent => read(shown, etag) as Torrent;

function read(shown: unknown, etag: string | undefined): unknown {
  const fields = Object.entries(shown as Record<string, unknown>).map(([name, value]) => [name, typed(name, value)]);
  return { ...Object.fromEntries(fields), ...(etag === undefined ? {} : { etag }) };
}

function typed(name: string, value: unknown): unknown {
  if (TOTALS.has(name)) return BigInt(value as number | bigint);
  if (TIMES.has(name)) return new Date(value as string);
  return typeof value === "bigint" ? Number(value) : value;
}
