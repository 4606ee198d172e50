<?php

declare(strict_types=1);

// A server that fails its clients, for `php -S`: the first part of the path says how. What it was asked is in $ASKED.
$body = file_get_contents('php://input');
$headers = array_change_key_case(getallheaders());
$asked = [$_SERVER['REQUEST_METHOD'], $_SERVER['REQUEST_URI'], $body, $headers];
file_put_contents(getenv('ASKED'), json_encode($asked) . "\n", FILE_APPEND | LOCK_EX);
$times = count(file(getenv('ASKED')));

$user = '{"id": 1, "name": "ann", "passkey": "p", "role": 1, "enabled": true, "download_enabled": true,
 "upload_enabled": true, "uploaded": 9223372036854775807, "downloaded": 2, "uploaded_real": 0, "downloaded_real": 0,
 "bonus": "12.5", "seed_seconds": 0, "announces": 0, "multiplier_up": 1, "multiplier_down": 0.5, "remote_id": null,
 "created_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z", "of_tomorrow": 1}';

[$status, $more, $answer] = match (explode('/', $_SERVER['REQUEST_URI'])[1]) {
    'busy' => $times > 2 ? [200, [], '{}'] : [503, ['Retry-After: 0'], '{"title": "Busy", "detail": "wait"}'],
    'away' => [503, ['Retry-After: 0'], ''],
    'later' => [429, ['Retry-After: 3600'], ''],
    'user' => [200, ['ETag: "two"'], $user],
    'page' => [200, [], "{\"items\": [$user], \"next\": " . ($times > 1 ? 'null' : '"a b"') . '}'],
    'same' => [200, [], '{"items": [], "next": "1"}'],
    'gateway' => [502, [], '<h1>Bad Gateway</h1>'],
    'welcome' => [200, [], '<h1>Welcome</h1>'],
    'nothing' => [200, [], ''],
    'moved' => [302, ['Location: /user/v1/users/1'], ''],
    'fields' => [422, [], '{"type": "about:blank", "title": "Unprocessable Content", "status": 422, "index": 3,
        "detail": "item 3: size: too small", "errors": [{"index": 3, "field": "size", "detail": "too small"}]}'],
    'events' => [200, ['Content-Type: text/event-stream'], "retry: 3000\n\nid: a-1\nevent: user\ndata: {\"id\": 1}\n\n"
        . ":\n\nid: a-2\nevent: torrent\ndata: {\"name\": \"x: y\"}\n\nid: a-3\nevent: user\ndata: {\"id\""],
    'silent' => [200, [], sleep(2) . ''],
};
http_response_code($status);
array_map('header', $more);
echo $answer;
