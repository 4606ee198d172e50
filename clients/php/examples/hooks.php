<?php

/** What a site calls where something happens on it: docs/clients.md walks through this file from top to bottom. */

declare(strict_types=1);

use Mika\Client;
use Mika\Metainfo;
use Mika\Method;
use Mika\Problem;

/** Where members announce: the public address of the tracker, not that of its API. */
const ANNOUNCE_BASE = 'https://tracker.example';

/** A member signs up on the site. */
function on_sign_up(Client $mika, int $memberId, string $name): void
{
    try {
        $mika->putUser($memberId, ['name' => $name], onlyNew: true);
    } catch (Problem $problem) {
        if ($problem->status !== 412) { // there already: said twice
            throw $problem;
        }
    }
}

/** A member uploads a .torrent file: returns its info hash, and the file to keep. */
function on_upload(Client $mika, string $upload): array
{
    $metainfo = Metainfo::read($upload)->madePrivate();
    try {
        $mika->addTorrent($metainfo->fields());
    } catch (Problem $problem) {
        throw $problem->isConflict() ? new DomainException('This torrent is here already.') : $problem;
    }
    return [$metainfo->infoHash, $metainfo->announcingTo(ANNOUNCE_BASE . '/announce')];
}

/** A member downloads a .torrent file: returns it with the member's own announce URL. */
function on_download(Client $mika, int $memberId, string $kept): string
{
    $passkey = $mika->user($memberId)->passkey;
    return Metainfo::read($kept)->announcingTo(ANNOUNCE_BASE . "/$passkey/announce");
}

/** The line at the top of every page. */
function stats_line(Client $mika, int $memberId): string
{
    $user = $mika->user($memberId);
    $ratio = $user->ratio();
    return sprintf(
        'Up %s, down %s, ratio %s, %s points',
        in_words($user->uploaded),
        in_words($user->downloaded),
        $ratio === null ? 'none yet' : number_format($ratio, 2),
        $user->bonus,
    );
}

/** What a torrent's page shows of its swarm. */
function swarm_line(Client $mika, string $infoHash): string
{
    $torrent = $mika->torrent($infoHash);
    return "$torrent->seeders seeders, $torrent->leechers leechers, completed $torrent->completed times";
}

/** What a page that lists torrents (up to 300) shows of their swarms, by info hash. */
function swarms_of(Client $mika, array $infoHashes): array
{
    $stats = $mika->request(Method::Get, '/v1/stats?torrents=' . implode(',', $infoHashes));
    return array_column($stats['torrents'], null, 'info_hash');
}

/** Staff bans a member, and lets a member back in. */
function on_ban(Client $mika, int $memberId, bool $banned = true): void
{
    $mika->changeUser($memberId, ['enabled' => !$banned]);
}

/** A member gave the passkey away. The member's torrents must be downloaded again. */
function on_passkey_leak(Client $mika, int $memberId): void
{
    $mika->renewPasskey($memberId);
}

/** Staff removes a torrent; members who still have it read why in their clients. */
function on_torrent_removed(Client $mika, string $infoHash, string $reason): void
{
    try {
        $mika->deleteTorrent($infoHash, $reason);
    } catch (Problem $problem) {
        if ($problem->status !== 404) { // gone already
            throw $problem;
        }
    }
}

/** A torrent is free for all until `false` says otherwise. */
function on_freeleech(Client $mika, string $infoHash, bool $free = true): void
{
    $mika->changeTorrent($infoHash, ['multiplier_down' => $free ? 0 : 1]);
}

/** A member buys a day of freeleech for one torrent. Too few points are a `Problem` of status 409. */
function on_token_bought(Client $mika, int $memberId, string $infoHash, int $orderId): void
{
    $mika->addBonus($memberId, '-100', 'freeleech token', "order $orderId");
    $mika->grantFreeleech($memberId, $infoHash, new DateTimeImmutable('+1 day'));
}

/** Every night: members whom a broken connection at their sign-up left out. Returns how many. */
function make_up_for_lost_sign_ups(Client $mika, array $namesById): int
{
    foreach ($mika->users() as $user) { // a page at a time, however many there are
        unset($namesById[$user->id]);
    }
    foreach ($namesById as $memberId => $name) {
        on_sign_up($mika, $memberId, $name);
    }
    return count($namesById);
}

function in_words(int $bytes): string
{
    $units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
    $power = $bytes < 1024 ? 0 : min((int) floor(log($bytes, 1024)), count($units) - 1);
    return number_format($bytes / 1024 ** $power, $power === 0 ? 0 : 2) . ' ' . $units[$power];
}
