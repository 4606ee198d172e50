<?php

declare(strict_types=1);

namespace Mika;

/** The tracker refused: a problem document (RFC 9457). `$detail` is the sentence for people. */
final class Problem extends MikaException
{
    /**
     * @param list<FieldError> $errors     each wrong field
     * @param ?int             $index      the item of an array that it is about
     * @param ?int             $retryAfter seconds after which the tracker may be asked again
     */
    public function __construct(
        public readonly int $status,
        public readonly string $title,
        public readonly string $detail,
        public readonly array $errors = [],
        public readonly ?int $index = null,
        public readonly ?int $retryAfter = null,
    ) {
        parent::__construct("$status $title" . ($detail === '' ? '' : ": $detail"), $status);
    }

    /** Whether this id, passkey or torrent is there already. */
    public function isConflict(): bool
    {
        return $this->status === 409;
    }

    /** Reads an answer that is no success. */
    public static function read(int $status, mixed $document, ?string $retryAfter): self
    {
        $document = is_array($document) ? $document : [];
        $errors = array_map(
            static fn (array $error): FieldError => new FieldError(
                (string) ($error['field'] ?? ''),
                (string) ($error['detail'] ?? ''),
                $error['index'] ?? null,
            ),
            array_values($document['errors'] ?? []),
        );
        return new self(
            $status,
            (string) ($document['title'] ?? 'not an answer of mika'),
            (string) ($document['detail'] ?? ''),
            $errors,
            $document['index'] ?? null,
            $retryAfter !== null && ctype_digit($retryAfter) ? (int) $retryAfter : null,
        );
    }
}
