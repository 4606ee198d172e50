<?php

/**
 * Webhooks: tell a URL of your site what happens on the tracker, as it happens.
 *
 * usage: php examples/webhooks.php URL LAST_ID_FILE [TYPE...]
 *
 * Each event is a POST of JSON, {"id", "type", "data"}. Its header X-Mika-Signature is the HMAC (SHA-256, hex) of the body
 * with MIKA_WEBHOOK_SECRET. Where the site does not answer 2xx, the event comes again; what happened while this program was
 * away comes when it is back, as far as the tracker still keeps it. So an event may come twice: its id says so. Run it as a
 * service that is restarted when it ends.
 */

declare(strict_types=1);

use Mika\Client;
use Mika\Event;
use Mika\MikaException;

require __DIR__ . '/../autoload.php';

if ($argc < 3 || getenv('MIKA_WEBHOOK_SECRET') === false) {
    fwrite(STDERR, "usage: MIKA_WEBHOOK_SECRET=… php webhooks.php URL LAST_ID_FILE [TYPE...]\n");
    exit(2);
}
[, $url, $file] = $argv;
$types = array_slice($argv, 3);

/** Sends an event to the site; says whether the site took it. */
function deliver(Event $event, string $url): bool
{
    $body = json_encode(['id' => $event->id, 'type' => $event->type, 'data' => $event->data], JSON_THROW_ON_ERROR);
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_POSTFIELDS => $body,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 10,
        CURLOPT_HTTPHEADER => [
            'Content-Type: application/json',
            'X-Mika-Signature: ' . hash_hmac('sha256', $body, (string) getenv('MIKA_WEBHOOK_SECRET')),
        ],
    ]);
    curl_exec($curl);
    return intdiv(curl_getinfo($curl, CURLINFO_RESPONSE_CODE), 100) === 2;
}

$mika = new Client();
for (;; sleep(3)) {
    try {
        $mika->watch(
            static fn (Event $event): bool => deliver($event, $url) && file_put_contents($file, $event->id) !== false,
            $types,
            is_file($file) ? (string) file_get_contents($file) : null,
        );
    } catch (MikaException $problem) {
        fwrite(STDERR, 'webhooks.php: ' . $problem->getMessage() . "\n");
    }
}
