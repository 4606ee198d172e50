<?php

declare(strict_types=1);

namespace Mika;

/**
 * What a .torrent file says (BEP 3, 27, 47, 52), and the file that one member is given.
 *
 *     $metainfo = Mika\Metainfo::read(file_get_contents($_FILES['torrent']['tmp_name']))->madePrivate();
 *     $mika->addTorrent($metainfo->fields());
 *
 * Nothing is encoded anew but what is changed: the bytes that an info hash is made of are those of the file.
 */
final class Metainfo
{
    private const MAX_DEPTH = 64;
    private const MAX_SIZE = 2 ** 53; // what the API takes

    /**
     * @param string                    $infoHash 40 hex digits; of a v2-only torrent the beginning of `$infoHashV2`
     * @param int                       $size     bytes of content, without padding files
     * @param array<int|string, string> $file     the keys of the file and their values as they are in it
     */
    private function __construct(
        public readonly string $infoHash,
        public readonly ?string $infoHashV2,
        public readonly string $name,
        public readonly int $size,
        public readonly bool $private,
        private readonly array $file,
    ) {
    }

    /** Reads a whole .torrent file; throws `BadTorrent` when it is none. */
    public static function read(string $data): self
    {
        if (!str_starts_with($data, 'd')) {
            throw new BadTorrent('this is no .torrent file');
        }
        return self::of(self::raw($data));
    }

    /** @return array{info_hash: string, info_hash_v2?: string, name: string, size: int} what `Client::addTorrent` takes */
    public function fields(): array
    {
        preg_match('/^.{0,1000}/us', $this->name, $match);
        $fields = ['info_hash' => $this->infoHash, 'name' => $match[0], 'size' => $this->size];
        return $this->infoHashV2 === null ? $fields : $fields + ['info_hash_v2' => $this->infoHashV2];
    }

    /** Returns it with the private flag, without which clients find peers elsewhere: with another info hash. */
    public function madePrivate(): self
    {
        if ($this->private) {
            return $this;
        }
        $info = self::encode(['private' => 'i1e'] + self::raw($this->file['info']));
        return self::of(['info' => $info] + $this->file);
    }

    /** Returns the .torrent file that announces to `$url` and to no other tracker; the info hash is the same. */
    public function announcingTo(#[\SensitiveParameter] string $url): string
    {
        $kept = $this->file;
        unset($kept['announce-list'], $kept['nodes']);
        return self::encode(['announce' => strlen($url) . ":$url"] + $kept);
    }

    /** @param array<int|string, string> $file */
    private static function of(array $file): self
    {
        $encoded = $file['info'] ?? '';
        if (!str_starts_with($encoded, 'd')) {
            throw new BadTorrent('it has no "info" dictionary');
        }
        $at = 0;
        $info = self::value($encoded, $at, 0);
        $name = ($info['name.utf-8'] ?? null) ?: ($info['name'] ?? null); // the former: old clients, another encoding
        if (!is_string($name) || $name === '') {
            throw new BadTorrent('its "info" has no "name"');
        }
        $version = $info['meta version'] ?? 1;
        if ($version !== 1 && $version !== 2) {
            throw new BadTorrent('its "meta version" is neither 1 nor 2');
        }
        if ($version === 1 && !isset($info['pieces'])) {
            throw new BadTorrent('its "info" has no "pieces"');
        }
        $size = $version === 2 ? self::sizeOfTree($info['file tree'] ?? null) : self::sizeV1($info);
        if ($size > self::MAX_SIZE) {
            throw new BadTorrent('its files are larger than 2^53 bytes');
        }
        $hashV2 = $version === 2 ? hash('sha256', $encoded) : null;
        return new self(
            $hashV2 === null || isset($info['pieces']) ? sha1($encoded) : substr($hashV2, 0, 40),
            $hashV2,
            self::readable($name),
            $size,
            ($info['private'] ?? 0) === 1,
            $file,
        );
    }

    private static function readable(string $name): string
    {
        // json_encode and back: replaces what is not UTF-8, without the mbstring extension
        $utf8 = json_decode(json_encode($name, JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR));
        return preg_replace('/[\x00-\x1f\x7f]/', "\u{FFFD}", $utf8);
    }

    private static function sizeV1(array $info): int|float
    {
        $files = $info['files'] ?? [$info];
        if (!is_array($files)) {
            throw new BadTorrent('its "files" is no list of files');
        }
        $size = 0;
        foreach ($files as $file) {
            $length = self::length($file);
            $attributes = $file['attr'] ?? '';
            $size += is_string($attributes) && str_contains($attributes, 'p') ? 0 : $length; // padding
        }
        return $size;
    }

    private static function sizeOfTree(mixed $tree): int|float
    {
        if (!is_array($tree) || $tree === []) {
            throw new BadTorrent('its "file tree" is no dictionary of files');
        }
        $size = 0;
        foreach ($tree as $name => $node) {
            $size += $name === '' ? self::length($node) : self::sizeOfTree($node);
        }
        return $size;
    }

    private static function length(mixed $file): int
    {
        $length = is_array($file) ? $file['length'] ?? null : null;
        if (!is_int($length) || $length < 0 || $length > self::MAX_SIZE) {
            throw new BadTorrent('a file has no "length", or an impossible one');
        }
        return $length;
    }

    // ---- bencoding. PHP makes integers of keys such as "1": they are compared and written as the strings they were.

    /** @param array<int|string, string> $raw */
    private static function encode(array $raw): string
    {
        ksort($raw, SORT_STRING);
        $encoded = 'd';
        foreach ($raw as $key => $value) {
            $encoded .= strlen((string) $key) . ":$key$value";
        }
        return $encoded . 'e';
    }

    /** @return array<int|string, string> the entries of the dictionary that all of `$data` is */
    private static function raw(string $data): array
    {
        $raw = [];
        $at = 1;
        while (($data[$at] ?? '') !== 'e') {
            $key = self::string($data, $at);
            $begin = $at;
            self::value($data, $at, 1);
            $raw[$key] = substr($data, $begin, $at - $begin);
        }
        if ($at + 1 !== strlen($data)) {
            throw new BadTorrent('it has bytes after its end');
        }
        return $raw;
    }

    /** Returns the value that begins at `$at`, and moves `$at` to its end. */
    private static function value(string $data, int &$at, int $depth): int|string|array
    {
        if ($depth > self::MAX_DEPTH) {
            throw new BadTorrent('it is nested too deep');
        }
        switch ($data[$at] ?? '') {
            case 'i':
                $at++;
                return self::integer($data, $at, 'e');
            case 'l':
                $items = [];
                for ($at++; ($data[$at] ?? '') !== 'e';) {
                    $items[] = self::value($data, $at, $depth + 1);
                }
                $at++;
                return $items;
            case 'd':
                $entries = [];
                $last = null;
                for ($at++; ($data[$at] ?? '') !== 'e';) {
                    $key = self::string($data, $at);
                    if ($last !== null && strcmp($key, $last) <= 0) {
                        throw new BadTorrent('the keys of a dictionary are not sorted: make the file again');
                    }
                    $entries[$key] = self::value($data, $at, $depth + 1);
                    $last = $key;
                }
                $at++;
                return $entries;
            default:
                return self::string($data, $at);
        }
    }

    private static function string(string $data, int &$at): string
    {
        $length = self::integer($data, $at, ':');
        if ($length < 0 || $length > strlen($data) - $at) {
            throw new BadTorrent('it is cut short');
        }
        $string = substr($data, $at, $length);
        $at += $length;
        return $string;
    }

    private static function integer(string $data, int &$at, string $end): int
    {
        $size = strcspn(substr($data, $at, 21), $end);
        $digits = substr($data, $at, $size);
        if ((string) (int) $digits !== $digits || ($data[$at + $size] ?? '') !== $end) {
            throw new BadTorrent('it is not bencoded, or damaged');
        }
        $at += $size + 1;
        return (int) $digits;
    }
}
