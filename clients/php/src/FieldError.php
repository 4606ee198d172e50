<?php

declare(strict_types=1);

namespace Mika;

/** One thing that is wrong with what was sent; `$index` is the item of an array, where one was sent. */
final class FieldError
{
    public function __construct(
        public readonly string $field,
        public readonly string $detail,
        public readonly ?int $index = null,
    ) {
    }
}
