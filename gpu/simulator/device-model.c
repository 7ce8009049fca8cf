/* The model of the device: streams, events and engines on one timeline. */
#define _GNU_SOURCE
#include "simulator.h"
#include <stdlib.h>
#include <sys/prctl.h>
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
  ring_bell();
}

Op *enqueue(Stream *stream, Kind kind) {
  Op *op = calloc(1, sizeof *op);
  op->kind = kind;
  op->order = device.orders++;
  op->asked_ns = now_ns();
  if (stream->tail) stream->tail->next = op;
  else stream->head = op;
  stream->tail = op;
  return op;
}

void ring_bell(void) { pthread_cond_signal(&device.work); }

void lose_device(int error) {
  device.lost = error;
  pthread_cond_broadcast(&device.done);
}

Block *find_block(Block *list, uint64_t address, uint64_t bytes) {
  for (Block *block = list; block; block = block->next)
    if (address >= block->address && address + bytes <= block->address + block->bytes) return block;
  return NULL;
}

static double later(double a, double b) { return a > b ? a : b; }

/* A device with one copy engine copies in one direction at a time. */
static double *engine_of(const Op *op) {
  if (op->kind == COPY_OUT) return &device.out_ns;
  if (op->kind == COPY_IN) return device.profile.copy_engines > 1 ? &device.in_ns : &device.out_ns;
  return &device.compute_ns;
}

static double earliest_start(const Stream *stream, const Op *op) {
  double start = later(stream->free_ns, op->asked_ns);
  if (op->kind == WAIT) return later(start, op->mark->at_ns);
  return op->kind == RECORD ? start : later(start, *engine_of(op));
}

static int blocked(const Op *op) { return op->kind == WAIT && op->mark->pending; }

/* Whether the failure that was asked for comes now. */
static int fails(const Op *op) {
  int counts = device.fail_what == FAIL_LOST || device.fail_what == FAIL_HANG ||
               (device.fail_what == FAIL_LAUNCH && op->kind == KERNEL);
  return counts && --device.fail_after < 0;
}

static void log_op(const Stream *stream, const Op *op, double bytes) {
  if (device.log_length == device.log_capacity) return;
  device.log[device.log_length++] = (Logged){(double)stream->handle, op->kind, bytes, op->start_ns, op->end_ns};
}

static void begin(Stream *stream, Op *op) {
  op->start_ns = earliest_start(stream, op);
  op->end_ns = op->start_ns + op->length_ns;
  op->running = 1;
  if (op->kind == WAIT || op->kind == RECORD) return;
  double bytes = (double)op->move.row_bytes * op->move.rows;
  *engine_of(op) = op->end_ns;
  device.operations++;
  if (op->kind == COPY_IN || op->kind == COPY_OUT) device.copy_ns += op->length_ns;
  else device.busy_ns += op->length_ns;
  if (op->kind == COPY_OUT) device.copied_out_bytes += bytes;
  log_op(stream, op, bytes);
  if (!reachable(op)) return lose_device(ILLEGAL_ADDRESS);
  if (fails(op)) {
    int what = device.fail_what;
    device.fail_what = FAIL_NOTHING;
    if (what != FAIL_HANG) return lose_device(what == FAIL_LAUNCH ? LAUNCH_FAILED : DEVICE_UNAVAILABLE);
    op->end_ns = 1e300;
  }
  if (device.lose_when && unlink(device.lose_when) == 0) return lose_device(DEVICE_UNAVAILABLE);
  move_data(op, 0);
}

static void end_stream(Stream *stream) {
  Stream **at = &device.streams;
  while (*at != stream) at = &(*at)->next;
  *at = stream->next;
  free(stream);
}

static void complete(Stream *stream, Op *op) {
  if (!reachable(op)) return lose_device(ILLEGAL_ADDRESS);
  move_data(op, 1);
  stream->free_ns = op->end_ns;
  if (op->kind == RECORD) {
    op->mark->pending--;
    op->mark->at_ns = later(op->mark->at_ns, op->end_ns);
    pthread_cond_broadcast(&device.done);
  }
  release_mark(op->mark);
  stream->head = op->next;
  if (!stream->head) stream->tail = NULL;
  free(op);
  if (!stream->head && stream->destroyed) end_stream(stream);
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
      if (at < next || (due && at == next && op->order < due->head->order)) next = at, due = stream;
    }
    if (!due || next > now) return next;
    if (due->head->running) complete(due, due->head);
    else begin(due, due->head);
    if (device.lost) return 1e300;
  }
}

static void *run(void *unused) {
  (void)unused;
  /* The kernel may wake a thread 50 µs late, to save power; not this one. */
  prctl(PR_SET_TIMERSLACK, 1UL);
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
