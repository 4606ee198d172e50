<?php

declare(strict_types=1);

namespace Mika;

/**
 * The admin API of a mika tracker.
 *
 *     $mika = new Mika\Client();                       // MIKA_URL, MIKA_TOKEN and MIKA_CA from the environment
 *     $user = $mika->addUser('ann', ['id' => 4711]);
 *     $mika->changeUser($user->id, ['role' => 2]);
 *
 * Every method throws `Problem` when the tracker refuses and `Unreachable` when it does not answer. `$ifMatch` is the
 * `etag` of what was read: somebody else's change in between is a `Problem` of status 412. Fields are named as in the API:
 *
 * @phpstan-type UserFields array{name?: string, passkey?: string, role?: int, enabled?: bool, download_enabled?: bool,
 *     upload_enabled?: bool, multiplier_up?: float, multiplier_down?: float, remote_id?: ?string, uploaded?: int,
 *     downloaded?: int, uploaded_real?: int, downloaded_real?: int, bonus?: string, seed_seconds?: int, announces?: int}
 * @phpstan-type NewUser array{id?: int, name: string, passkey?: string, role?: int, enabled?: bool,
 *     download_enabled?: bool, upload_enabled?: bool, multiplier_up?: float, multiplier_down?: float,
 *     remote_id?: ?string, uploaded?: int, downloaded?: int, uploaded_real?: int, downloaded_real?: int, bonus?: string,
 *     seed_seconds?: int, announces?: int}
 * @phpstan-type TorrentFields array{info_hash_v2?: ?string, name?: string, size?: int, enabled?: bool, reason?: string,
 *     multiplier_up?: float, multiplier_down?: float, uploaded?: int, downloaded?: int, uploaded_real?: int,
 *     downloaded_real?: int, completed?: int, announces?: int}
 * @phpstan-type NewTorrent array{info_hash: string, info_hash_v2?: ?string, name?: string, size?: int, enabled?: bool,
 *     reason?: string, multiplier_up?: float, multiplier_down?: float, uploaded?: int, downloaded?: int,
 *     uploaded_real?: int, downloaded_real?: int, completed?: int, announces?: int}
 * @phpstan-type RoleFields array{name?: string, priority?: int, multiplier_up?: float, multiplier_down?: float,
 *     download_enabled?: bool, upload_enabled?: bool, download_slots?: ?int, peers_per_user_torrent?: ?int}
 */
final class Client
{
    private const PAGE = 1000;
    private const LONGEST_WAIT = 30;

    private readonly string $url;
    private readonly string $token;
    private readonly ?string $caFile;
    private readonly \CurlHandle $curl;

    /**
     * @param ?string $url      else MIKA_URL, else https://127.0.0.1:34001
     * @param ?string $token    else MIKA_TOKEN
     * @param ?string $caFile   else MIKA_CA: a PEM file of what alone is trusted; else the system's authorities
     * @param float   $timeout  seconds of each exchange
     * @param int     $attempts at an idempotent request that is answered 429 or 503
     */
    public function __construct(
        ?string $url = null,
        #[\SensitiveParameter] ?string $token = null,
        ?string $caFile = null,
        private readonly float $timeout = 30.0,
        private readonly int $attempts = 4,
    ) {
        if (PHP_INT_SIZE < 8) {
            throw new MikaException('totals need the integers of a 64-bit PHP');
        }
        $this->url = rtrim($url ?? (getenv('MIKA_URL') ?: 'https://127.0.0.1:34001'), '/');
        $this->token = trim($token ?? (getenv('MIKA_TOKEN') ?: ''));
        $this->caFile = $caFile ?? (getenv('MIKA_CA') ?: null);
        $parts = parse_url($this->url);
        $scheme = $parts['scheme'] ?? '';
        if (!in_array($scheme, ['https', 'http'], true) || !isset($parts['host'])) {
            throw new MikaException("'$this->url' is no URL of an API, such as https://127.0.0.1:34001");
        }
        if ($scheme === 'http' && !in_array($parts['host'], ['127.0.0.1', '[::1]', 'localhost'], true)) {
            throw new MikaException("$this->url would show the token to the network: use https");
        }
        if ($this->token === '' || !ctype_graph($this->token)) {
            throw new MikaException('there is no token: give one, or set MIKA_TOKEN');
        }
        if ($this->caFile !== null && !is_readable($this->caFile)) {
            throw new MikaException("cannot read the certificates in $this->caFile");
        }
        $this->curl = curl_init();
    }

    /** @return array<string, mixed> without the token, which is nothing for a page of errors */
    public function __debugInfo(): array
    {
        return ['url' => $this->url];
    }

    // ---- users

    /** @return \Generator<int, User> all users in order of id, a page at a time as they are needed */
    public function users(int $page = self::PAGE): \Generator
    {
        return $this->pages('/v1/users', User::read(...), $page);
    }

    public function user(int $id): User
    {
        return User::read(...$this->send(Method::Get, "/v1/users/$id"));
    }

    /**
     * Adds a user. Id and passkey are made when they are not given.
     *
     * @param array<string, mixed> $fields UserFields, and `id`
     */
    public function addUser(string $name, array $fields = []): User
    {
        return User::read(...$this->send(Method::Post, '/v1/users', ['name' => $name] + $fields));
    }

    /**
     * Adds all of these users (20,000 at most) or none; `Problem::$index` names the bad one.
     *
     * @param iterable<NewUser> $users
     * @return list<User>
     */
    public function addUsers(iterable $users): array
    {
        return $this->addAll('/v1/users', User::read(...), $users);
    }

    /**
     * Creates a user under an id of yours, or sets all but passkey and counters to `$fields` and their defaults.
     * With `$onlyNew`, one that is there stays as it is, and is a `Problem` of status 412.
     *
     * @param UserFields $fields
     */
    public function putUser(int $id, array $fields, ?string $ifMatch = null, bool $onlyNew = false): User
    {
        return User::read(...$this->send(Method::Put, "/v1/users/$id", (object) $fields, $ifMatch, $onlyNew));
    }

    /**
     * Changes what is named: `['role' => 2]`, `['enabled' => false]`.
     *
     * @param UserFields $fields
     */
    public function changeUser(int $id, array $fields, ?string $ifMatch = null): User
    {
        return User::read(...$this->send(Method::Patch, "/v1/users/$id", (object) $fields, $ifMatch));
    }

    /**
     * Changes what is named of each of these users (20,000 at most), by id, or nothing: `[4711 => ['enabled' => false]]`.
     * `Problem::$index` tells the bad one by its place.
     *
     * @param array<int, UserFields> $changes
     * @return list<User>
     */
    public function changeUsers(array $changes): array
    {
        return $this->changeAll('/v1/users', User::read(...), 'id', $changes);
    }

    /** Gives a user a new passkey; the old one stops at once. */
    public function renewPasskey(int $id, ?string $ifMatch = null): User
    {
        return User::read(...$this->send(Method::Post, "/v1/users/$id/passkey", null, $ifMatch));
    }

    /** What announces this torrent alone in the passkey's place: `/KEY/announce`. */
    public function torrentKey(int $id, string $infoHash): string
    {
        return $this->request(Method::Get, self::torrentKeyPath($id, $infoHash))['key'];
    }

    /** Replaces it; the old one stops at once, and the user's other torrents go on. */
    public function renewTorrentKey(int $id, string $infoHash): string
    {
        return $this->request(Method::Post, self::torrentKeyPath($id, $infoHash))['key'];
    }

    /** Deletes an account, and its peers from their swarms. */
    public function deleteUser(int $id, ?string $ifMatch = null): void
    {
        $this->send(Method::Delete, "/v1/users/$id", null, $ifMatch);
    }

    /**
     * Gives points, a decimal such as '12.5', or (a negative amount) spends them; returns what the user then has. More than
     * there is cannot be spent: a `Problem` of status 409. What is sent again with the same `$key`, a name of yours for it,
     * counts once.
     */
    public function addBonus(int $id, string $amount, string $reason = '', ?string $key = null): string
    {
        $entry = ['amount' => $amount, 'reason' => $reason] + ($key === null ? [] : ['key' => $key]);
        return $this->request(Method::Post, "/v1/users/$id/bonus", $entry)['balance'];
    }

    /** Lets a user download a torrent for free until then. */
    public function grantFreeleech(int $id, string $infoHash, \DateTimeInterface $until): void
    {
        $time = gmdate('Y-m-d\TH:i:s\Z', $until->getTimestamp());
        $this->send(Method::Put, self::freeleechPath($id, $infoHash), ['until' => $time]);
    }

    /** Takes a freeleech token away. */
    public function revokeFreeleech(int $id, string $infoHash): void
    {
        $this->send(Method::Delete, self::freeleechPath($id, $infoHash));
    }

    // ---- torrents

    /** @return \Generator<int, Torrent> all torrents in order of info hash, a page at a time as they are needed */
    public function torrents(int $page = self::PAGE): \Generator
    {
        return $this->pages('/v1/torrents', Torrent::read(...), $page);
    }

    public function torrent(string $infoHash): Torrent
    {
        return Torrent::read(...$this->send(Method::Get, self::torrentPath($infoHash)));
    }

    /**
     * Adds a torrent. `Metainfo::$fields` is what a .torrent file says.
     *
     * @param NewTorrent $fields
     */
    public function addTorrent(array $fields): Torrent
    {
        return Torrent::read(...$this->send(Method::Post, '/v1/torrents', (object) $fields));
    }

    /**
     * Adds all of these torrents (20,000 at most) or none; `Problem::$index` names the bad one.
     *
     * @param iterable<NewTorrent> $torrents
     * @return list<Torrent>
     */
    public function addTorrents(iterable $torrents): array
    {
        return $this->addAll('/v1/torrents', Torrent::read(...), $torrents);
    }

    /**
     * Creates a torrent, or sets all but its counters to `$fields` and their defaults. `$onlyNew` as of `putUser`.
     *
     * @param TorrentFields $fields
     */
    public function putTorrent(
        string $infoHash,
        array $fields,
        ?string $ifMatch = null,
        bool $onlyNew = false,
    ): Torrent {
        $path = self::torrentPath($infoHash);
        return Torrent::read(...$this->send(Method::Put, $path, (object) $fields, $ifMatch, $onlyNew));
    }

    /**
     * Changes what is named: `['multiplier_down' => 0]` is freeleech.
     *
     * @param TorrentFields $fields
     */
    public function changeTorrent(string $infoHash, array $fields, ?string $ifMatch = null): Torrent
    {
        return Torrent::read(...$this->send(Method::Patch, self::torrentPath($infoHash), (object) $fields, $ifMatch));
    }

    /**
     * Changes what is named of each of these torrents, by info hash, as `changeUsers` does.
     *
     * @param array<string, TorrentFields> $changes
     * @return list<Torrent>
     */
    public function changeTorrents(array $changes): array
    {
        return $this->changeAll('/v1/torrents', Torrent::read(...), 'info_hash', $changes);
    }

    /** Deletes a torrent; `$reason` is what those who still announce it read. */
    public function deleteTorrent(string $infoHash, string $reason = '', ?string $ifMatch = null): void
    {
        $query = $reason === '' ? '' : '?reason=' . rawurlencode($reason);
        $this->send(Method::Delete, self::torrentPath($infoHash) . $query, null, $ifMatch);
    }

    // ---- roles, the whitelist, and the rest

    /** @return \Generator<int, Role> all roles in order of id */
    public function roles(): \Generator
    {
        return $this->pages('/v1/roles', Role::read(...), self::PAGE);
    }

    /** @param RoleFields $fields */
    public function addRole(string $name, array $fields = []): Role
    {
        return Role::read(...$this->send(Method::Post, '/v1/roles', ['name' => $name] + $fields));
    }

    /**
     * Changes what is named; it counts from its users' next announces.
     *
     * @param RoleFields $fields
     */
    public function changeRole(int $id, array $fields): Role
    {
        return Role::read(...$this->send(Method::Patch, "/v1/roles/$id", (object) $fields));
    }

    /** Deletes a role; its users count as having the default one. */
    public function deleteRole(int $id): void
    {
        $this->send(Method::Delete, "/v1/roles/$id");
    }

    /** @return \Generator<string, string> the whitelisted clients: peer id prefix => what they are called */
    public function whitelist(): \Generator
    {
        foreach ($this->pages('/v1/whitelist', static fn (array $shown): array => $shown, self::PAGE) as $client) {
            yield $client['prefix'] => $client['name'];
        }
    }

    /** Whitelists the clients whose peer id begins with `$prefix`. */
    public function allowClient(string $prefix, string $name): void
    {
        $this->send(Method::Put, '/v1/whitelist/' . rawurlencode($prefix), ['name' => $name]);
    }

    /** Takes a prefix off the whitelist. */
    public function disallowClient(string $prefix): void
    {
        $this->send(Method::Delete, '/v1/whitelist/' . rawurlencode($prefix));
    }

    /** @return array<string, mixed> version, uptime, stores and figures */
    public function status(): array
    {
        return $this->request(Method::Get, '/v1/status');
    }

    /** Sends any other request of the API; returns decoded JSON, null where there is none. */
    public function request(Method $method, string $path, mixed $body = null, ?string $ifMatch = null): mixed
    {
        return $this->send($method, $path, $body, $ifMatch)[0];
    }

    /**
     * Tells what happens as it happens (`/v1/events`), until the connection ends or `$on` returns false.
     *
     * @param callable(Event): mixed $on
     * @param list<string>           $types  none: all of them
     * @param ?string                $lastId `Event::$id` of the last one that is known: what was missed comes first
     */
    public function watch(callable $on, array $types = [], ?string $lastId = null): void
    {
        $query = $types === [] ? '' : '?types=' . implode(',', $types);
        $options = $this->options(Method::Get, "/v1/events$query", null, []);
        if ($lastId !== null) {
            $options[CURLOPT_HTTPHEADER][] = "Last-Event-ID: $lastId";
        }
        $arrived = '';
        $ended = false;
        $curl = curl_init();
        curl_setopt_array($curl, [
            CURLOPT_RETURNTRANSFER => false,
            CURLOPT_TIMEOUT_MS => 0,
            CURLOPT_CONNECTTIMEOUT_MS => (int) ($this->timeout * 1000),
            CURLOPT_LOW_SPEED_LIMIT => 1, // the tracker says something every 15 seconds, or it is gone
            CURLOPT_LOW_SPEED_TIME => 60,
            CURLOPT_WRITEFUNCTION => static function (\CurlHandle $curl, string $data) use (&$arrived, &$ended, $on): int {
                $arrived .= $data;
                while (curl_getinfo($curl, CURLINFO_RESPONSE_CODE) === 200 && str_contains($arrived, "\n\n")) {
                    [$block, $arrived] = explode("\n\n", $arrived, 2);
                    $event = Event::read($block);
                    if ($event !== null && $on($event) === false) {
                        $ended = true;
                        return 0; // which ends the transfer
                    }
                }
                return strlen($data);
            },
        ] + $options);
        if (curl_exec($curl) === false && !$ended) {
            throw new Unreachable("$this->url does not answer: " . curl_error($curl));
        }
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($status !== 200) {
            throw Problem::read($status, json_decode($arrived, true), null);
        }
    }

    // ---- how

    private static function torrentKeyPath(int $id, string $infoHash): string
    {
        return "/v1/users/$id/torrents/" . rawurlencode($infoHash) . '/key';
    }

    private static function freeleechPath(int $id, string $infoHash): string
    {
        return "/v1/users/$id/freeleech/" . rawurlencode($infoHash);
    }

    private static function torrentPath(string $infoHash): string
    {
        return '/v1/torrents/' . rawurlencode($infoHash);
    }

    private function pages(string $path, callable $read, int $limit): \Generator
    {
        $after = null;
        do {
            $query = http_build_query(['limit' => $limit, 'after' => $after]);
            [$page] = $this->send(Method::Get, "$path?$query");
            foreach ($page['items'] as $item) {
                yield $read($item);
            }
            $last = $after;
            $after = $page['next'];
            if ($after !== null && $after === $last) {
                throw new Unreachable("$this->url$path answers the same page again and again");
            }
        } while ($after !== null);
    }

    private function addAll(string $path, callable $read, iterable $items): array
    {
        $list = is_array($items) ? array_values($items) : iterator_to_array($items, false);
        $objects = array_map(static fn (array $item): object => (object) $item, $list);
        return array_map(static fn (array $shown) => $read($shown), $this->send(Method::Post, $path, $objects)[0]);
    }

    private function changeAll(string $path, callable $read, string $key, array $changes): array
    {
        $items = [];
        foreach ($changes as $each => $fields) {
            $items[] = [$key => $each] + $fields;
        }
        return array_map(static fn (array $shown) => $read($shown), $this->send(Method::Patch, $path, $items)[0]);
    }

    /** @return array{mixed, ?string} decoded JSON and the ETag */
    private function send(
        Method $method,
        string $path,
        mixed $body = null,
        ?string $ifMatch = null,
        bool $onlyNew = false,
    ): array {
        $conditions = $ifMatch === null ? [] : ["If-Match: $ifMatch"];
        if ($onlyNew) {
            $conditions[] = 'If-None-Match: *';
        }
        for ($attempt = 1; ; $attempt++) {
            try {
                return $this->sendOnce($method, $path, $body, $conditions);
            } catch (Problem $problem) {
                $wait = $problem->retryAfter ?? 0.5 * 2 ** ($attempt - 1);
                if (
                    !in_array($problem->status, [429, 503], true) || !$method->isIdempotent()
                    || $attempt >= $this->attempts || $wait > self::LONGEST_WAIT
                ) {
                    throw $problem;
                }
                usleep((int) ($wait * 1_000_000));
            }
        }
    }

    /**
     * @param list<string> $conditions
     * @return array{mixed, ?string}
     */
    private function sendOnce(Method $method, string $path, mixed $body, array $conditions): array
    {
        $headers = [];
        curl_reset($this->curl);
        curl_setopt_array($this->curl, $this->options($method, $path, $body, $conditions) + [
            CURLOPT_HEADERFUNCTION => static function (\CurlHandle $_, string $line) use (&$headers): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $headers[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ]);
        $content = curl_exec($this->curl);
        if ($content === false) {
            $unknown = $method === Method::Get ? '' : ' (whether the change was made is not known)';
            throw new Unreachable("$this->url does not answer: " . curl_error($this->curl) . $unknown);
        }
        $status = curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE);
        $decoded = json_decode($content, true);
        if ($status < 200 || $status > 299) {
            throw Problem::read($status, $decoded, $headers['retry-after'] ?? null);
        }
        if (!is_array($decoded) && $status !== 204) {
            throw new Unreachable("$this->url$path does not answer as mika does: is the URL right?");
        }
        return [$decoded, $headers['etag'] ?? null];
    }

    /**
     * @param list<string> $conditions
     * @return array<int, mixed>
     */
    private function options(Method $method, string $path, mixed $body, array $conditions): array
    {
        $headers = ["Authorization: Bearer $this->token", 'Accept: application/json', ...$conditions];
        $options = [
            CURLOPT_URL => $this->url . $path,
            CURLOPT_CUSTOMREQUEST => $method->value,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_FOLLOWLOCATION => false, // the token is for this address
            CURLOPT_TIMEOUT_MS => (int) ($this->timeout * 1000),
            CURLOPT_NOSIGNAL => true,
        ];
        if ($this->caFile !== null) {
            $options[CURLOPT_CAINFO] = $this->caFile;
            $options[CURLOPT_CAPATH] = __DIR__; // no certificates: the system's would be trusted as well
        }
        if ($body !== null) {
            $headers[] = 'Content-Type: application/json';
            $headers[] = 'Expect:'; // a large body goes at once
            $options[CURLOPT_POSTFIELDS] = json_encode($body, JSON_THROW_ON_ERROR);
        }
        return $options + [CURLOPT_HTTPHEADER => $headers];
    }
}
