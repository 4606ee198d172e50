<?php

declare(strict_types=1);

namespace Mika;

/**
 * A torrent with its live totals in bytes and its swarm. `$infoHash` is 40 lower-case hex digits. `$etag` is what `ifMatch`
 * takes; null in lists.
 */
final class Torrent
{
    public function __construct(
        public readonly string $infoHash,
        public readonly ?string $infoHashV2,
        public readonly string $name,
        public readonly int $size,
        public readonly bool $enabled,
        public readonly string $reason,
        public readonly float $multiplierUp,
        public readonly float $multiplierDown,
        public readonly int $seeders,
        public readonly int $leechers,
        public readonly int $completed,
        public readonly int $uploaded,
        public readonly int $downloaded,
        public readonly int $uploadedReal,
        public readonly int $downloadedReal,
        public readonly int $announces,
        public readonly \DateTimeImmutable $createdAt,
        public readonly \DateTimeImmutable $updatedAt,
        public readonly ?string $etag = null,
    ) {
    }

    /** @param array<string, mixed> $shown */
    public static function read(array $shown, ?string $etag = null): self
    {
        return new self(
            $shown['info_hash'],
            $shown['info_hash_v2'],
            $shown['name'],
            $shown['size'],
            $shown['enabled'],
            $shown['reason'],
            $shown['multiplier_up'],
            $shown['multiplier_down'],
            $shown['seeders'],
            $shown['leechers'],
            $shown['completed'],
            $shown['uploaded'],
            $shown['downloaded'],
            $shown['uploaded_real'],
            $shown['downloaded_real'],
            $shown['announces'],
            new \DateTimeImmutable($shown['created_at']),
            new \DateTimeImmutable($shown['updated_at']),
            $etag,
        );
    }
}
