<?php

declare(strict_types=1);

namespace Mika;

/** Everything that this client throws by itself. */
class MikaException extends \RuntimeException
{
}
