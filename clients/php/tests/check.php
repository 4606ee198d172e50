<?php

declare(strict_types=1);

// What the test programs share. A check that fails ends the program, with its line.
require __DIR__ . '/../autoload.php';

set_error_handler(static fn (int $level, string $message, string $file, int $line) => throw new ErrorException(
    $message,
    0,
    $level,
    $file,
    $line,
));

function same(mixed $expected, mixed $got, string $what = ''): void
{
    if ($expected !== $got) {
        throw new LogicException("$what: " . var_export($got, true) . ', not ' . var_export($expected, true));
    }
}

/**
 * @template T of Throwable
 * @param class-string<T> $kind
 * @return T
 */
function thrown(string $kind, callable $what): Throwable
{
    try {
        $what();
    } catch (Throwable $problem) {
        if ($problem instanceof $kind) {
            return $problem;
        }
        throw $problem;
    }
    throw new LogicException("no $kind was thrown");
}
