<?php

declare(strict_types=1);

// php tests/test.php: the .torrent files that all clients must read alike, and servers that fail the client.

use Mika\BadTorrent;
use Mika\Client;
use Mika\Event;
use Mika\Metainfo;
use Mika\Method;
use Mika\MikaException;
use Mika\Problem;
use Mika\Unreachable;
use Mika\User;

require __DIR__ . '/check.php';

function test_torrent_files_are_read_and_made_personal(array $document): void
{
    foreach ($document['good'] as $expected) {
        $metainfo = Metainfo::read(base64_decode($expected['torrent']));
        $about = $expected['about'];
        same($expected['info_hash'], $metainfo->infoHash, $about);
        same($expected['info_hash_v2'], $metainfo->infoHashV2, $about);
        same($expected['name'], $metainfo->name, $about);
        same($expected['size'], $metainfo->size, $about);
        same($expected['private'], $metainfo->private, $about);
        $private = $metainfo->madePrivate();
        same($expected['private_info_hash'], $private->infoHash, $about);
        same($expected['personal'], base64_encode($private->announcingTo($document['announce'])), $about);
        same($expected['name'], $metainfo->fields()['name'], $about);
    }
}

function test_what_is_no_torrent_file_is_refused(array $document): void
{
    foreach ($document['bad'] as $bad) {
        thrown(BadTorrent::class, static fn () => Metainfo::read(base64_decode($bad['torrent'])));
    }
}

function test_idempotent_requests_are_sent_again(Server $server): void
{
    foreach (Method::cases() as $method) {
        $server->forget();
        $ask = static fn () => $server->client('busy')->request($method, '/v1/status');
        $method->isIdempotent() ? $ask() : same(503, thrown(Problem::class, $ask)->status);
        same($method->isIdempotent() ? 3 : 1, count($server->asked()), $method->value);
    }
}

function test_patience_has_an_end(Server $server): void
{
    same(503, thrown(Problem::class, static fn () => $server->client('away')->user(1))->status);
    same(4, count($server->asked()));
    $server->forget();
    same(3600, thrown(Problem::class, static fn () => $server->client('later')->user(1))->retryAfter);
    same(1, count($server->asked()));
}

function test_problems_name_fields(Server $server): void
{
    $problem = thrown(Problem::class, static fn () => $server->client('fields')->addTorrents([]));
    same([422, 3, 'size'], [$problem->status, $problem->index, $problem->errors[0]->field]);
    same('422 Unprocessable Content: item 3: size: too small', $problem->getMessage());
    same('[]', $server->asked()[0][2]);
}

function test_what_is_not_mika_is_said(Server $server): void
{
    same(502, thrown(Problem::class, static fn () => $server->client('gateway')->user(1))->status);
    thrown(Unreachable::class, static fn () => $server->client('welcome')->user(1));
    thrown(Unreachable::class, static fn () => $server->client('nothing')->user(1));
    $server->forget();
    same(302, thrown(Problem::class, static fn () => $server->client('moved')->user(1))->status);
    same(1, count($server->asked()));
}

function test_silence_ends(): void
{
    $server = new Server(); // of its own: the request may arrive when nobody waits any more
    $problem = thrown(Unreachable::class, static fn () => $server->client('silent', 0.1)->deleteUser(1));
    $server->stop();
    same(true, str_contains($problem->getMessage(), 'whether the change was made is not known'));
}

function test_requests_hold_token_condition_and_changes_only(Server $server): void
{
    $user = $server->client('user')->changeUser(1, ['enabled' => false, 'multiplier_up' => 0.1], '"one"');
    [$method, $path, $body, $headers] = $server->asked()[0];
    same(['PATCH', '/user/v1/users/1', '{"enabled":false,"multiplier_up":0.1}'], [$method, $path, $body]);
    same(['Bearer secret', '"one"'], [$headers['authorization'], $headers['if-match']]);
    same(['"two"', PHP_INT_MAX, '12.5', 1.0, null], [
        $user->etag, $user->uploaded, $user->bonus, $user->multiplierUp, $user->remoteId,
    ]);
    same(PHP_INT_MAX / 2, $user->ratio());
    $server->client('user')->changeUser(1, []);
    same('{}', $server->asked()[1][2]);
}

function test_pages_are_asked_for_as_they_are_needed(Server $server): void
{
    foreach ($server->client('page')->users() as $user) {
        same(1, count($server->asked()));
        break;
    }
    $server->forget();
    $users = iterator_to_array($server->client('page')->users(), false);
    same([2, true], [count($users), $users[0] instanceof User]);
    same('/page/v1/users?limit=1000&after=a+b', $server->asked()[1][1]);
    thrown(Unreachable::class, static fn () => iterator_to_array($server->client('same')->users()));
}

function test_events_are_told_as_they_come(Server $server): void
{
    $told = [];
    $server->client('events')->watch(function (Event $event) use (&$told): void {
        $told[] = [$event->id, $event->type, $event->data];
    }, ['user', 'torrent'], 'a-0');
    same([['a-1', 'user', ['id' => 1]], ['a-2', 'torrent', ['name' => 'x: y']]], $told); // the third is cut short
    [, $path, , $headers] = $server->asked()[0];
    same(['/events/v1/events?types=user,torrent', 'a-0'], [$path, $headers['last-event-id']]);

    $told = 0;
    $server->client('events')->watch(function () use (&$told): bool {
        $told++;
        return false;
    });
    same(1, $told);
    $fail = static fn () => throw new DomainException('mine');
    thrown(DomainException::class, static fn () => $server->client('events')->watch($fail));
    $ignore = static fn () => null;
    same('item 3: size: too small', thrown(Problem::class, static fn () => $server->client('fields')->watch($ignore))->detail);
    $nowhere = new Client('http://127.0.0.1:1', 'secret');
    thrown(Unreachable::class, static fn () => $nowhere->watch($ignore));
}

function test_configuration_that_cannot_work_is_refused(): void
{
    putenv('MIKA_TOKEN');
    $bad = [
        ['https://127.0.0.1:34001', null],
        ['http://tracker.example', 'secret'],
        ['ftp://127.0.0.1', 'secret'],
        ['127.0.0.1:34001', 'secret'],
        [null, "two\nlines"],
        [null, 'secret', '/there/is/no/such/file'],
    ];
    foreach ($bad as $arguments) {
        thrown(MikaException::class, static fn () => new Client(...$arguments));
    }
    same(false, str_contains(print_r(new Client(null, 'secret'), true), 'secret'));
}

/** A server of server.php, and what it was asked: method, path, body and headers of each request. */
final class Server
{
    private readonly string $asked;
    private readonly string $address;
    /** @var resource */
    private $process;

    public function __construct()
    {
        $socket = stream_socket_server('tcp://127.0.0.1:0');
        $this->address = stream_socket_get_name($socket, false);
        fclose($socket);
        $this->asked = tempnam(sys_get_temp_dir(), 'mika');
        $this->process = proc_open(
            [PHP_BINARY, '-S', $this->address, __DIR__ . '/server.php'],
            [0 => ['file', '/dev/null', 'r'], 1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']],
            $pipes,
            null,
            ['ASKED' => $this->asked],
        );
        for ($patience = 600; ; $patience--) {
            $connection = @stream_socket_client("tcp://$this->address");
            if ($connection !== false) {
                fclose($connection);
                return;
            }
            same(true, $patience > 0, 'the server did not start');
            usleep(50_000);
        }
    }

    public function client(string $how, float $timeout = 30.0): Client
    {
        return new Client("http://$this->address/$how", 'secret', null, $timeout);
    }

    /** @return list<array{string, string, string, array<string, string>}> */
    public function asked(): array
    {
        return array_map(static fn (string $line): array => json_decode($line, true), file($this->asked));
    }

    public function forget(): void
    {
        file_put_contents($this->asked, '');
    }

    public function stop(): void
    {
        proc_terminate($this->process);
        proc_close($this->process);
        unlink($this->asked);
    }
}

set_error_handler(static function (int $level, string $message, string $file, int $line): bool {
    if ((error_reporting() & $level) === 0) {
        return false; // after an @
    }
    throw new ErrorException($message, 0, $level, $file, $line);
});
$server = new Server();
$document = json_decode(file_get_contents(__DIR__ . '/../../testdata/torrents.json'), true, 512, JSON_THROW_ON_ERROR);
same(true, count($document['good']) > 0 && count($document['bad']) > 0);
try {
    foreach (get_defined_functions()['user'] as $function) {
        if (str_starts_with($function, 'test_')) {
            $server->forget();
            $type = ((new ReflectionFunction($function))->getParameters()[0] ?? null)?->getType()?->getName();
            match ($type) {
                'Server' => $function($server),
                'array' => $function($document),
                null => $function(),
            };
            echo "ok $function\n";
        }
    }
} finally {
    $server->stop();
}
