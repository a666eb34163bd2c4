/* A payload that writes when it began: nanoseconds of the wall clock, into the file named by its argument. */
#include <stdio.h>
#include <time.h>

int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (argc != 2) return 2;
    FILE *file = fopen(argv[1], "w");
    if (!file) return 1;
    fprintf(file, "%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
    return fclose(file) != 0;
}
