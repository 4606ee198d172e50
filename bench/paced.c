/* Load at a steady rate: each request is due at its time, whatever became of those before it.
 *
 * So what a slow answer keeps waiting counts as waiting, which a load that sends the next request after an answer never
 * sees ("coordinated omission"). One thread, epoll.
 *
 * paced ADDRESS PORT RATE CONNECTIONS < REQUESTS: RATE requests a second, each with a connection of its own
 * (CONNECTIONS 0) or over so many that are kept. Requests are HTTP heads, one behind the other. Two numbers of
 * nanoseconds come out for each, as 64 bits: from when it was due until it was sent, and until its answer was whole.
 * bench/latency.py compiles and starts it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_OPEN = 8192, MAX_EVENTS = 256, ANSWER = 65536, PATIENCE = 30 };

struct request { const char *text; size_t length; int64_t due; uint64_t waited[2]; };
struct connection { int fd; bool connected, answered; struct request *request; size_t got; char *answer; };

static struct sockaddr_storage server;
static socklen_t server_length;
static int epoll;
static struct connection connections[MAX_OPEN];
static int unused[MAX_OPEN], unused_count; /* connections that carry no request now */

static void give_up(const char *what)
{
    fprintf(stderr, "paced: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void find_server(const char *address, int port)
{
    struct sockaddr_in *four = (void *)&server;
    struct sockaddr_in6 *six = (void *)&server;

    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET, four->sin_port = htons((uint16_t)port), server_length = sizeof *four;
    } else if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6, six->sin6_port = htons((uint16_t)port), server_length = sizeof *six;
    } else {
        errno = EINVAL, give_up(address);
    }
}

/* Read all of standard input and find where each request begins. */
static struct request *read_requests(size_t *count)
{
    size_t length = 0, room = 1 << 20, places = 1 << 16;
    char *text = malloc(room);
    struct request *requests = malloc(places * sizeof *requests);
    ssize_t got;

    while ((got = read(0, text + length, room - length)) > 0)
        if ((length += (size_t)got) == room)
            text = realloc(text, room *= 2);
    for (char *at = text, *end; (end = memmem(at, (size_t)(text + length - at), "\r\n\r\n", 4)) != NULL; at = end + 4) {
        if (*count == places)
            requests = realloc(requests, (places *= 2) * sizeof *requests);
        requests[(*count)++] = (struct request){.text = at, .length = (size_t)(end + 4 - at)};
    }
    return requests;
}

static void open_connection(struct connection *one)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = one};

    one->fd = socket(server.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    one->connected = false;
    if (one->fd < 0 || (connect(one->fd, (void *)&server, server_length) < 0 && errno != EINPROGRESS))
        give_up("cannot connect");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, one->fd, &event) < 0)
        give_up("epoll");
}

static void send_request(struct connection *one)
{
    struct request *request = one->request;

    if (send(one->fd, request->text, request->length, MSG_NOSIGNAL) != (ssize_t)request->length)
        give_up("cannot send");
    request->waited[0] = (uint64_t)(now_ns() - request->due);
}

/* Whether the answer is whole; what is no success ends the load. */
static bool is_whole(struct connection *one)
{
    char *head = memmem(one->answer, one->got, "\r\n\r\n", 4), *length;

    if (head == NULL)
        return false;
    *head = '\0';
    length = strcasestr(one->answer, "\r\ncontent-length:");
    *head = '\r';
    if (length == NULL || one->got < (size_t)(head + 4 - one->answer) + strtoul(length + 17, NULL, 10))
        return false;
    if (one->got < 12 || memcmp(one->answer + 9, "200", 3) != 0 || memmem(one->answer, one->got, "failure reason", 14)) {
        fprintf(stderr, "paced: the answer was %.*s\n", (int)(one->got < 300 ? one->got : 300), one->answer);
        exit(1);
    }
    return true;
}

static void set_free(struct connection *one)
{
    one->answered = false;
    one->got = 0;
    unused[unused_count++] = (int)(one - connections);
}

/* Go on with a connection; true when it has brought an answer. One that is not kept is the server's to close first. */
static bool serve(struct connection *one, uint32_t events, bool kept)
{
    bool brought = false;

    if (!one->connected && (events & EPOLLOUT)) {
        one->connected = true;
        if (one->request != NULL)
            send_request(one);
    }
    while (one->request != NULL || one->answered) {
        ssize_t got = recv(one->fd, one->answer + one->got, ANSWER - one->got, 0);
        if (got < 0 && errno == EAGAIN)
            break;
        if (one->answered && got <= 0) {
            close(one->fd);
            set_free(one);
            break;
        }
        if (got <= 0)
            give_up("a connection was closed before its answer");
        one->got += (size_t)got;
        if (one->request != NULL && is_whole(one)) {
            brought = true;
            one->request->waited[1] = (uint64_t)(now_ns() - one->request->due);
            one->request = NULL;
            one->answered = !kept;
            if (kept)
                set_free(one);
        }
    }
    return brought;
}

/* Send what is due over connections that are free; return how many requests were begun. */
static size_t begin_due(struct request *requests, size_t begun, size_t count, bool kept)
{
    int64_t now = now_ns();

    while (begun < count && requests[begun].due <= now && unused_count > 0) {
        struct connection *one = &connections[unused[--unused_count]];
        one->request = &requests[begun++];
        if (!kept)
            open_connection(one);
        else if (one->connected)
            send_request(one);
    }
    return begun;
}

static void wait_for(struct request *requests, size_t begun, size_t count, bool kept, size_t *answered)
{
    struct epoll_event events[MAX_EVENTS];
    struct timespec until = {.tv_nsec = 100000000};
    int64_t left = begun < count && unused_count > 0 ? requests[begun].due - now_ns() : until.tv_nsec;

    until.tv_nsec = left < 0 ? 0 : left > 100000000 ? 100000000 : left;
    int ready = epoll_pwait2(epoll, events, MAX_EVENTS, &until, NULL);
    for (int i = 0; i < ready; i++)
        *answered += serve(events[i].data.ptr, events[i].events, kept);
}

int main(int argc, char **argv)
{
    size_t count = 0, begun = 0, answered = 0;
    struct rlimit files;

    if (argc != 5 || atof(argv[3]) <= 0 || atoi(argv[4]) < 0 || atoi(argv[4]) > MAX_OPEN) {
        fprintf(stderr, "usage: paced ADDRESS PORT RATE CONNECTIONS < REQUESTS\n");
        return 2;
    }
    bool kept = atoi(argv[4]) > 0;
    double rate = atof(argv[3]);
    struct request *requests = read_requests(&count);
    find_server(argv[1], atoi(argv[2]));
    prctl(PR_SET_TIMERSLACK, 1UL); /* nanosecond: be woken in time */
    getrlimit(RLIMIT_NOFILE, &files);
    unused_count = kept ? atoi(argv[4]) : (int)(files.rlim_cur < MAX_OPEN + 16 ? files.rlim_cur - 16 : MAX_OPEN);
    epoll = epoll_create1(0);
    for (int i = 0; i < unused_count; i++) {
        unused[i] = i;
        connections[i].answer = malloc(ANSWER);
        if (kept)
            open_connection(&connections[i]);
    }
    int64_t first = now_ns() + 100000000; /* kept connections have a moment to be made */
    for (size_t i = 0; i < count; i++)
        requests[i].due = first + (int64_t)((double)i / rate * 1e9);
    while (answered < count) {
        begun = begin_due(requests, begun, count, kept);
        wait_for(requests, begun, count, kept, &answered);
        if (count > 0 && now_ns() > requests[count - 1].due + PATIENCE * 1000000000LL) {
            fprintf(stderr, "paced: %zu of %zu requests were not answered\n", count - answered, count);
            return 1;
        }
    }
    for (size_t i = 0; i < count; i++)
        fwrite(requests[i].waited, sizeof requests[i].waited, 1, stdout);
    return 0;
}
