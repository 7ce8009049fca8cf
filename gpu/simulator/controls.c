/* What the real driver does not have: the simulator's settings, failures and counters. */
#include "simulator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

API int vizaviSimulator(void) { return 1; }

API int simulatorSet(const char *name, double value) {
  static const char *const names[] = {"memoryBytes",  "multiprocessors", "copyEngines",  "major", "minor",    "pinnedGBps",
                                      "pageableGBps", "deviceGBps",      "launchMicros", "speed", "moveData", "driverVersion"};
  lock();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    if (strcmp(name, "speed") == 0) set_speed(value);
    else ((double *)&device.profile)[i] = value;
    return unlock(OK);
  }
  return unlock(INVALID_VALUE);
}

static void forget(Block **list, int memory) {
  while (*list) {
    Block *block = *list;
    *list = block->next;
    if (memory) free((void *)block->address);
    free(block);
  }
}

API void simulatorName(const char *name) {
  lock();
  snprintf(device.name, sizeof device.name, "%s", name);
  unlock(OK);
}

API void simulatorFail(int what, int64_t after) {
  lock();
  device.fail_what = what;
  device.fail_after = after;
  unlock(OK);
}

/* Brings a lost or hanging device back as a new process would find it: nothing is allocated, and who waits gets an error. */
API void simulatorReset(void) {
  lock();
  device.lost = OK;
  device.fail_what = FAIL_NOTHING;
  while (device.streams) {
    Stream *stream = device.streams;
    while (stream->head) {
      Op *op = stream->head;
      if (op->kind == RECORD) op->mark->pending = 0, op->mark->error = DEVICE_UNAVAILABLE;
      release_mark(op->mark);
      stream->head = op->next;
      free(op);
    }
    device.streams = stream->next;
    free(stream);
  }
  while (device.events) {
    Event *event = device.events;
    device.events = event->next;
    release_mark(event->mark);
    free(event);
  }
  forget(&device.blocks, 1);
  forget(&device.pins, 0);
  device.allocated_bytes = 0;
  pthread_cond_broadcast(&device.done);
  unlock(OK);
}

/* Keeps the next operations, at most so many, for simulatorLogged; 0: none. */
API void simulatorLog(uint64_t capacity) {
  lock();
  free(device.log);
  device.log = capacity ? malloc(capacity * sizeof *device.log) : NULL;
  device.log_length = 0;
  device.log_capacity = capacity;
  unlock(OK);
}

/* Gives out at most so many, and how many it gave. */
API uint64_t simulatorLogged(Logged *out, uint64_t most) {
  lock();
  uint64_t length = device.log_length < most ? device.log_length : most;
  if (length) memcpy(out, device.log, length * sizeof *out);
  unlock(OK);
  return length;
}

/* busy ns, copy ns, bytes copied to the host, operations, allocations, streams, events, pins */
API void simulatorCounters(double *out) {
  lock();
  double live[4] = {0, 0, 0, 0};
  for (Block *block = device.blocks; block; block = block->next) live[0]++;
  for (Stream *stream = device.streams; stream; stream = stream->next) live[1] += !stream->destroyed;
  for (Event *event = device.events; event; event = event->next) live[2]++;
  for (Block *pin = device.pins; pin; pin = pin->next) live[3]++;
  double counters[] = {device.busy_ns, device.copy_ns, device.copied_out_bytes, device.operations,
                       live[0],        live[1],        live[2],                 live[3]};
  memcpy(out, counters, sizeof counters);
  unlock(OK);
}
