/* The floor: spawn and reap /bin/true, IN_FLIGHT at a time, as fast as the machine can. Usage: floor COUNT IN_FLIGHT */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int count = atoi(argv[1]), in_flight = atoi(argv[2]), started = 0, ended = 0;
    char *words[] = {"/bin/true", NULL};
    struct timespec began, now;
    clock_gettime(CLOCK_MONOTONIC, &began);
    while (ended < count) {
        while (started < count && started - ended < in_flight) {
            pid_t child;
            if (posix_spawn(&child, words[0], NULL, NULL, words, environ)) return 1;
            started++;
        }
        if (wait(NULL) < 0) return 1;
        ended++;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("%.6f\n", (now.tv_sec - began.tv_sec) + (now.tv_nsec - began.tv_nsec) / 1e9);
    return 0;
}
