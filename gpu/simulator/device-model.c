/* The model of the device: streams, events and engines on one timeline. */
#define _GNU_SOURCE
#include "simulator.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double real_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e9 + now.tv_nsec;
}

double now_ns(void) {
  if (device.profile.speed <= 0) return device.from_ns;
  return device.from_ns + (real_ns() - device.from_real_ns) * device.profile.speed;
}

void set_speed(double speed) {
  device.from_ns = now_ns();
  device.from_real_ns = real_ns();
  device.profile.speed = speed;
}

Op *enqueue(Stream *stream, Kind kind) {
  Op *op = calloc(1, sizeof *op);
  op->kind = kind;
  op->asked_ns = now_ns();
  if (stream->tail) stream->tail->next = op;
  else stream->head = op;
  stream->tail = op;
  return op;
}

void ring_bell(void) { pthread_cond_signal(&device.work); }

Block *find_block(Block *list, uint64_t address, uint64_t bytes) {
  for (Block *block = list; block; block = block->next)
    if (address >= block->address && address + bytes <= block->address + block->bytes) return block;
  return NULL;
}

static double later(double a, double b) { return a > b ? a : b; }

/* The engine that is free first. */
static double *engine_of(const Op *op) {
  if (op->kind == KERNEL || op->kind == FILL || op->kind == COPY_ON) return &device.compute_ns;
  double *engines = op->kind == COPY_IN ? device.in_ns : device.out_ns;
  int count = (int)device.profile.copy_engines;
  double *best = engines;
  for (int i = 1; i < count && i < 8; i++)
    if (engines[i] < *best) best = &engines[i];
  return best;
}

static double earliest_start(const Stream *stream, const Op *op) {
  double start = later(stream->free_ns, op->asked_ns);
  if (op->kind == WAIT) return op->event ? later(start, op->event->at_ns) : start;
  return op->kind == RECORD ? start : later(start, *engine_of(op));
}

static int blocked(const Op *op) { return op->kind == WAIT && op->event && op->event->happened < op->version; }

static void begin(Stream *stream, Op *op) {
  op->start_ns = earliest_start(stream, op);
  op->end_ns = op->start_ns + op->length_ns;
  op->running = 1;
  if (op->kind == WAIT || op->kind == RECORD) return;
  *engine_of(op) = op->end_ns;
  device.operations++;
  if (op->kind == COPY_IN || op->kind == COPY_OUT) device.copy_ns += op->length_ns;
  else device.busy_ns += op->length_ns;
  if (op->kind == COPY_OUT) device.copied_out_bytes += (double)op->move.row_bytes * op->move.rows;
  int launch = op->kind == KERNEL && device.fail_what == FAIL_LAUNCH;
  int any = device.fail_what == FAIL_LOST || device.fail_what == FAIL_HANG;
  if ((launch || any) && --device.fail_after < 0) {
    if (device.fail_what == FAIL_HANG) op->end_ns = 1e300;
    else device.lost = launch ? LAUNCH_FAILED : DEVICE_UNAVAILABLE;
    device.fail_what = FAIL_NOTHING;
    pthread_cond_broadcast(&device.done);
    if (device.lost) return;
  }
  if (device.lose_when && unlink(device.lose_when) == 0) {
    device.lost = DEVICE_UNAVAILABLE;
    pthread_cond_broadcast(&device.done);
    return;
  }
  move_data(op, 0);
}

static void complete(Stream *stream, Op *op) {
  move_data(op, 1);
  stream->free_ns = op->end_ns;
  if (op->kind == RECORD && op->event) {
    op->event->happened = op->version;
    op->event->at_ns = op->end_ns;
  }
  stream->head = op->next;
  if (!stream->head) stream->tail = NULL;
  free(op);
  pthread_cond_broadcast(&device.done);
}

/* Does what is due; returns when the next thing is, or 1e300. */
static double advance(void) {
  for (;;) {
    double next = 1e300, now = now_ns();
    Stream *due = NULL;
    for (Stream *stream = device.streams; stream; stream = stream->next) {
      Op *op = stream->head;
      if (!op || blocked(op)) continue;
      double at = op->running ? op->end_ns : earliest_start(stream, op);
      if (at < next) next = at, due = stream;
    }
    if (!due || next > now) return next;
    if (due->head->running) complete(due, due->head);
    else begin(due, due->head);
    if (device.lost) return 1e300;
  }
}

static void *run(void *unused) {
  (void)unused;
  pthread_mutex_lock(&device.lock);
  for (;;) {
    double next = device.lost ? 1e300 : advance();
    if (next >= 1e299) {
      pthread_cond_wait(&device.work, &device.lock);
    } else if (device.profile.speed <= 0) {
      device.from_ns = later(device.from_ns, next);
    } else {
      double real = device.from_real_ns + (next - device.from_ns) / device.profile.speed;
      struct timespec until = {(time_t)(real / 1e9), 0};
      until.tv_nsec = (long)(real - until.tv_sec * 1e9);
      pthread_cond_timedwait(&device.work, &device.lock, &until);
    }
  }
  return NULL;
}

void start_device(void) {
  pthread_t thread;
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&device.work, &monotonic);
  pthread_cond_init(&device.done, &monotonic);
  pthread_create(&thread, NULL, run, NULL);
  pthread_detach(thread);
}
