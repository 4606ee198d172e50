<?php

/**
 * Sign up a member, upload a torrent, hand out its .torrent file, and show the member's ratio.
 *
 * usage: php examples/site.php ID NAME FILE.torrent ANNOUNCE_BASE OUT.torrent
 *
 * MIKA_URL, MIKA_TOKEN and MIKA_CA say where the tracker is. Run it again after some announces: the ratio has changed.
 */

declare(strict_types=1);

use Mika\Client;
use Mika\Metainfo;
use Mika\MikaException;
use Mika\Problem;
use Mika\Torrent;
use Mika\User;

require __DIR__ . '/../autoload.php';

/** Makes an account under the id that the site uses; one that is there stays as it is. */
function sign_up(Client $mika, int $id, string $name): User
{
    try {
        return $mika->addUser($name, ['id' => $id]);
    } catch (Problem $problem) {
        return $problem->isConflict() ? $mika->user($id) : throw $problem;
    }
}

/** Adds a torrent, unless it is there. */
function upload(Client $mika, Metainfo $metainfo): Torrent
{
    try {
        return $mika->addTorrent($metainfo->fields());
    } catch (Problem $problem) {
        return $problem->isConflict() ? $mika->torrent($metainfo->infoHash) : throw $problem;
    }
}

if ($argc !== 6) {
    fwrite(STDERR, "usage: php site.php ID NAME FILE.torrent ANNOUNCE_BASE OUT.torrent\n");
    exit(2);
}
[, $id, $name, $file, $announceBase, $out] = $argv;

try {
    $mika = new Client();
    $member = sign_up($mika, (int) $id, $name);
    echo "member $member->id is $member->name, role $member->role\n";

    $metainfo = Metainfo::read((string) file_get_contents($file))->madePrivate();
    $torrent = upload($mika, $metainfo);
    file_put_contents($out, $metainfo->announcingTo("$announceBase/$member->passkey/announce"));
    echo "torrent $torrent->infoHash is $torrent->name, $torrent->size bytes, $torrent->seeders seeders\n";

    $ratio = $member->ratio();
    $shown = $ratio === null ? 'none yet' : sprintf('%.2f', $ratio);
    echo "up $member->uploaded, down $member->downloaded, ratio $shown\n";
} catch (MikaException $problem) {
    fwrite(STDERR, 'site.php: ' . $problem->getMessage() . "\n");
    exit(1);
}
