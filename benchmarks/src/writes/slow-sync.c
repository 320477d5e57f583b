// Loaded before the C library: a sync takes SYNC_MICROS at least, as on a disk that keeps what it was told.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static int sync_slowly(const char *name, int fd) {
  static long micros = -1;
  if (micros < 0) {
    const char *set = getenv("SYNC_MICROS");
    micros = set ? atol(set) : 0;
    prctl(PR_SET_TIMERSLACK, 1);
  }
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  const long nanos = until.tv_nsec + micros * 1000;
  until.tv_sec += nanos / 1000000000;
  until.tv_nsec = nanos % 1000000000;
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  const int result = real(fd);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
  return result;
}

int fsync(int fd) { return sync_slowly("fsync", fd); }
int fdatasync(int fd) { return sync_slowly("fdatasync", fd); }
