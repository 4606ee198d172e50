<?php

declare(strict_types=1);

namespace Mika;

/** These bytes are no .torrent file; the message says why. */
final class BadTorrent extends MikaException
{
}
