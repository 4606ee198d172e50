<?php

declare(strict_types=1);

namespace Mika;

/** No answer came, or none that mika gives. A change that was asked for may have been made, or not. */
final class Unreachable extends MikaException
{
}
