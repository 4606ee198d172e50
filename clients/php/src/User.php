<?php

declare(strict_types=1);

namespace Mika;

/**
 * A member's account with its live totals in bytes: `$uploaded` and `$downloaded` are what is credited, `…Real` what was
 * transferred. `$bonus` is an exact decimal string. `$etag` is what `ifMatch` takes; null in lists.
 */
final class User
{
    public function __construct(
        public readonly int $id,
        public readonly string $name,
        public readonly string $passkey,
        public readonly int $role,
        public readonly bool $enabled,
        public readonly bool $downloadEnabled,
        public readonly bool $uploadEnabled,
        public readonly int $uploaded,
        public readonly int $downloaded,
        public readonly int $uploadedReal,
        public readonly int $downloadedReal,
        public readonly string $bonus,
        public readonly int $seedSeconds,
        public readonly int $announces,
        public readonly float $multiplierUp,
        public readonly float $multiplierDown,
        public readonly ?string $remoteId,
        public readonly \DateTimeImmutable $createdAt,
        public readonly \DateTimeImmutable $updatedAt,
        public readonly ?string $etag = null,
    ) {
    }

    /** Credited upload by credited download; null while nothing is downloaded. */
    public function ratio(): ?float
    {
        return $this->downloaded === 0 ? null : $this->uploaded / $this->downloaded;
    }

    /** @param array<string, mixed> $shown */
    public static function read(array $shown, ?string $etag = null): self
    {
        return new self(
            $shown['id'],
            $shown['name'],
            $shown['passkey'],
            $shown['role'],
            $shown['enabled'],
            $shown['download_enabled'],
            $shown['upload_enabled'],
            $shown['uploaded'],
            $shown['downloaded'],
            $shown['uploaded_real'],
            $shown['downloaded_real'],
            $shown['bonus'],
            $shown['seed_seconds'],
            $shown['announces'],
            $shown['multiplier_up'],
            $shown['multiplier_down'],
            $shown['remote_id'],
            new \DateTimeImmutable($shown['created_at']),
            new \DateTimeImmutable($shown['updated_at']),
            $etag,
        );
    }
}
