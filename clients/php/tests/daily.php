<?php

declare(strict_types=1);

// php tests/daily.php BASE: does what a site does every day, with the tracker that MIKA_URL names. BASE is a number from
// which on a hundred ids are free there.

use Mika\Client;
use Mika\Method;
use Mika\Problem;
use Mika\User;

require __DIR__ . '/check.php';

function users(Client $mika, int $base): void
{
    $role = $mika->addRole('elite', ['multiplier_up' => 1.5]);
    $made = $mika->addUser('ann', ['id' => $base]);
    same(1, $made->role, 'role of a new user');
    same($role->id, $mika->changeUser($base, ['role' => $role->id])->role, 'role');
    same(true, $mika->renewPasskey($base)->passkey !== $made->passkey, 'passkey is another one');
    $disabled = $mika->changeUser($base, [
        'enabled' => false, 'uploaded' => PHP_INT_MAX, 'downloaded' => 2 ** 53 + 1, 'bonus' => '12.000000001',
    ]);
    $shown = $mika->user($base);
    same(true, $shown == $disabled, 'the change is shown');
    same([false, PHP_INT_MAX, 2 ** 53 + 1, '12.000000001'], [
        $shown->enabled, $shown->uploaded, $shown->downloaded, $shown->bonus,
    ]);
    $stale = static fn () => $mika->changeUser($base, ['role' => 1], ifMatch: $made->etag);
    same(412, thrown(Problem::class, $stale)->status, 'a change of what has changed since');
    $mika->changeUser($base, ['name' => 'Ann'], ifMatch: $shown->etag);
    $new = static fn () => $mika->putUser($base, ['name' => 'another ann'], onlyNew: true);
    same(412, thrown(Problem::class, $new)->status, 'a new one that is there');
    $conflict = thrown(Problem::class, static fn () => $mika->addUser('another ann', ['id' => $base]));
    same(true, $conflict->isConflict(), 'an id that is taken');
}

function listing(Client $mika, int $base): void
{
    $ids = range($base + 1, $base + 5);
    $added = $mika->addUsers(array_map(static fn (int $id): array => ['id' => $id, 'name' => "member $id"], $ids));
    same($ids, array_map(static fn (User $user): int => $user->id, $added), 'added');
    $listed = [];
    foreach ($mika->users(page: 2) as $user) {
        if (in_array($user->id, $ids, true)) {
            $listed[] = $user->id;
        }
    }
    same($ids, $listed, 'all are listed in order');
    [$one, $other] = $mika->changeUsers([
        $base + 2 => ['enabled' => false], $base + 1 => ['name' => 'first', 'uploaded' => 5],
    ]);
    same([$base + 2, false, 'first', 5], [$one->id, $one->enabled, $other->name, $other->uploaded], 'changed together');
    $absent = static fn () => $mika->changeUsers([$base + 1 => ['name' => 'x'], $base + 99 => ['name' => 'y']]);
    same([404, 1], [thrown(Problem::class, $absent)->status, thrown(Problem::class, $absent)->index]);
    same('12.5', $mika->addBonus($base + 4, '12.5', 'a gift'));
    same('10', $mika->addBonus($base + 4, '-2.5', 'a token', 'order 7'));
    same('10', $mika->addBonus($base + 4, '-2.5', 'a token', 'order 7'), 'which counts once');
    $spend = static fn () => $mika->addBonus($base + 4, '-10.000000001');
    same(409, thrown(Problem::class, $spend)->status, 'more than there is');
    $mika->deleteUser($base + 5);
    same(404, thrown(Problem::class, static fn () => $mika->user($base + 5))->status, 'a user who is deleted');
}

function torrents(Client $mika, int $base): void
{
    $hash = static fn (int $number): string => sprintf('%040d', $base + $number);
    $sizes = static fn (int $second): array => [
        ['info_hash' => $hash(1), 'size' => 2 ** 53], ['info_hash' => $hash(2), 'size' => $second],
    ];
    $problem = thrown(Problem::class, static fn () => $mika->addTorrents($sizes(-1)));
    same([422, 1, 'size'], [$problem->status, $problem->index, $problem->errors[0]->field]);
    same(404, thrown(Problem::class, static fn () => $mika->torrent($hash(1)))->status, 'nothing is added');

    same(2 ** 53, $mika->addTorrents($sizes(2))[0]->size, 'size');
    $free = $mika->changeTorrent($hash(1), ['multiplier_down' => 0.0, 'name' => 'frei & schön']);
    same([0.0, 'frei & schön'], [$free->multiplierDown, $free->name]);
    same('two', $mika->changeTorrents([$hash(2) => ['name' => 'two']])[0]->name);
    $mika->request(Method::Patch, '/v1/config', ['tracker' => ['torrent_keys' => 'accepted']]);
    $key = $mika->torrentKey($base + 4, $hash(1));
    same(64, strlen($key), 'a key');
    same(true, $mika->renewTorrentKey($base + 4, $hash(1)) !== $key, 'another key');
    $mika->grantFreeleech($base + 4, $hash(1), new DateTimeImmutable('+1 day'));
    $mika->revokeFreeleech($base + 4, $hash(1));
    $again = static fn () => $mika->revokeFreeleech($base + 4, $hash(1));
    same(404, thrown(Problem::class, $again)->status, 'a token that is gone');
    $mika->deleteTorrent($hash(2), 'Ersetzt: größer & schöner?');
    same('put', $mika->putTorrent($hash(3), ['name' => 'put'])->name);
}

function whitelist(Client $mika, int $base): void
{
    $mika->allowClient("-/$base", 'Client');
    same('Client', iterator_to_array($mika->whitelist())["-/$base"]);
    $mika->disallowClient("-/$base");
}

$mika = new Client();
$base = (int) $argv[1];
users($mika, $base);
listing($mika, $base);
torrents($mika, $base);
whitelist($mika, $base);
echo "ok\n";
