/* The floor for an HTTP announce: what the kernel alone costs on this machine.
 *
 * One thread, epoll, and per request only recv and send of a fixed answer; accept4 and close too when told "close".
 * Nothing is read out of a request but where it ends. What a tracker spends above this is its own doing.
 *
 * floor ADDRESS PORT [close]: ADDRESS is 127.0.0.1 or ::1; bench/servers.py compiles and starts it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FDS = 4096, MAX_EVENTS = 256, ACCEPTS_IN_A_GO = 64, BODY = 440 }; /* BODY: 50 compact peers and the counts */

static char answer[BODY + 128];
static size_t answer_length;
static bool closes;
static unsigned char matched[MAX_FDS]; /* how much of "\r\n\r\n" each connection has ended with so far */

static void give_up(const char *what)
{
    perror(what);
    exit(1);
}

static void prepare_answer(void)
{
    int head = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n",
                        BODY, closes ? "Connection: close\r\n" : "");
    memset(answer + head, 'x', BODY);
    answer_length = (size_t)head + BODY;
}

/* How many requests end in these bytes; a request may be cut anywhere, so what matched is kept for the next ones. */
static int requests_ended(int fd, const char *bytes, ssize_t length)
{
    static const char END[] = "\r\n\r\n";
    int ended = 0;

    if (matched[fd] == 0 && length >= 4 && memmem(bytes, (size_t)length, END, 4) == bytes + length - 4)
        return 1; /* the usual case: one whole request */
    for (ssize_t i = 0; i < length; i++) {
        if (bytes[i] == END[matched[fd]])
            matched[fd]++;
        else
            matched[fd] = bytes[i] == '\r';
        if (matched[fd] == 4) {
            matched[fd] = 0;
            ended++;
        }
    }
    return ended;
}

/* Read what is there and answer it; false when the connection is closed. */
static bool serve(int fd)
{
    char bytes[4096];
    ssize_t length = recv(fd, bytes, sizeof bytes, 0);

    if (length < 0 && errno == EAGAIN)
        return true;
    if (length > 0) {
        int ended = requests_ended(fd, bytes, length);
        bool sent = true;
        for (int i = 0; i < ended && sent; i++) /* an answer fits any socket buffer of a client that reads */
            sent = send(fd, answer, answer_length, MSG_NOSIGNAL) == (ssize_t)answer_length;
        if (sent && !(closes && ended > 0))
            return true;
    }
    close(fd);
    return false;
}

static void accept_some(int listener, int epoll)
{
    for (int i = 0; i < ACCEPTS_IN_A_GO; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            return;
        if (fd >= MAX_FDS) {
            close(fd);
            continue;
        }
        matched[fd] = 0;
        if (serve(fd)) {
            struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
            if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
                close(fd);
        }
    }
}

static int listen_on(const char *address, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool six = strchr(address, ':') != NULL;
    int one = 1, fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (inet_pton(six ? AF_INET6 : AF_INET, address, six ? (void *)&at6.sin6_addr : (void *)&at.sin_addr) != 1)
        give_up("floor: no address");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof one);
    if (fd < 0 || bind(fd, six ? (void *)&at6 : (void *)&at, six ? sizeof at6 : sizeof at) < 0 || listen(fd, 4096) < 0)
        give_up("floor: cannot listen");
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[MAX_EVENTS], event = {.events = EPOLLIN};
    int listener, epoll;

    if (argc < 3 || atoi(argv[2]) <= 0) {
        fprintf(stderr, "usage: floor ADDRESS PORT [close]\n");
        return 2;
    }
    closes = argc > 3 && strcmp(argv[3], "close") == 0;
    prepare_answer();
    listener = listen_on(argv[1], atoi(argv[2]));
    epoll = epoll_create1(0);
    event.data.fd = listener;
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        give_up("floor: epoll");
    for (;;) {
        int count = epoll_wait(epoll, events, MAX_EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_some(listener, epoll);
            else
                serve(events[i].data.fd);
        }
    }
}
