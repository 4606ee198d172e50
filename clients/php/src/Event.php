<?php

declare(strict_types=1);

namespace Mika;

/** Something that happened, of `/v1/events`: `$type` is such as `user` or `announce`, `$data` has its fields. */
final class Event
{
    /** @param array<string, mixed> $data */
    public function __construct(
        public readonly string $id,
        public readonly string $type,
        public readonly array $data,
    ) {
    }

    /** Reads one block of a stream of server-sent events; null for what is no event. */
    public static function read(string $block): ?self
    {
        $fields = [];
        foreach (explode("\n", $block) as $line) {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $fields[$name] = ltrim($value, ' ');
        }
        $data = json_decode($fields['data'] ?? '', true);
        return is_array($data) ? new self($fields['id'] ?? '', $fields['event'] ?? 'message', $data) : null;
    }
}
