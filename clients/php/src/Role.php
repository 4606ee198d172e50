<?php

declare(strict_types=1);

namespace Mika;

/** A class of users; null is no limit of its own. */
final class Role
{
    public function __construct(
        public readonly int $id,
        public readonly string $name,
        public readonly int $priority,
        public readonly float $multiplierUp,
        public readonly float $multiplierDown,
        public readonly bool $downloadEnabled,
        public readonly bool $uploadEnabled,
        public readonly ?int $downloadSlots,
        public readonly ?int $peersPerUserTorrent,
    ) {
    }

    /** @param array<string, mixed> $shown */
    public static function read(array $shown, ?string $etag = null): self
    {
        return new self(
            $shown['id'],
            $shown['name'],
            $shown['priority'],
            $shown['multiplier_up'],
            $shown['multiplier_down'],
            $shown['download_enabled'],
            $shown['upload_enabled'],
            $shown['download_slots'],
            $shown['peers_per_user_torrent'],
        );
    }
}
