/* The driver API's functions, and beside them those that set the simulator up. */
#define _GNU_SOURCE
#include "simulator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

Device device = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .profile = {.memory_bytes = 8e9, .multiprocessors = 46, .copy_engines = 1, .major = 12, .pinned_gbps = 50,
                .pageable_gbps = 6, .device_gbps = 1000, .launch_us = 3, .speed = 1, .move_data = 1},
    .name = "Simulated device",
};
static _Thread_local int current;

static void lock(void) { pthread_mutex_lock(&device.lock); }
static int unlock(int result) {
  pthread_mutex_unlock(&device.lock);
  return result;
}

/* With the lock: the error that any call with a context must return first. */
static int fault(void) {
  if (!device.initialized) return NOT_INITIALIZED;
  if (device.lost) return device.lost;
  return current ? OK : INVALID_CONTEXT;
}

static Stream *stream_of(uint64_t handle) {
  for (Stream *stream = device.streams; stream; stream = stream->next)
    if ((uint64_t)stream == handle) return stream;
  return NULL;
}

static Event *event_of(uint64_t handle) {
  for (Event *event = device.events; event; event = event->next)
    if ((uint64_t)event == handle) return event;
  return NULL;
}

API int cuInit(unsigned flags) {
  (void)flags;
  lock();
  if (!device.initialized) {
    device.lose_when = getenv("CUDA_SIMULATOR_LOSE_WHEN");
    start_device();
  }
  device.initialized = 1;
  return unlock(OK);
}

API int cuDriverGetVersion(int *version) { return *version = 13000, OK; }
API int cuDeviceGetCount(int *count) { return *count = 1, OK; }
API int cuDeviceGet(int *out, int ordinal) { return *out = 0, ordinal == 0 ? OK : INVALID_DEVICE; }
API int cuDeviceTotalMem_v2(size_t *bytes, int ordinal) {
  return *bytes = (size_t)device.profile.memory_bytes, ordinal == 0 ? OK : INVALID_DEVICE;
}
API int cuDeviceGetName(char *name, int length, int ordinal) {
  snprintf(name, length, "%s", device.name);
  return ordinal == 0 ? OK : INVALID_DEVICE;
}

API int cuGetErrorName(int error, const char **name) {
  switch (error) {
    case INVALID_VALUE: *name = "CUDA_ERROR_INVALID_VALUE"; return OK;
    case OUT_OF_MEMORY: *name = "CUDA_ERROR_OUT_OF_MEMORY"; return OK;
    case NOT_INITIALIZED: *name = "CUDA_ERROR_NOT_INITIALIZED"; return OK;
    case DEVICE_UNAVAILABLE: *name = "CUDA_ERROR_DEVICE_UNAVAILABLE"; return OK;
    case INVALID_DEVICE: *name = "CUDA_ERROR_INVALID_DEVICE"; return OK;
    case INVALID_CONTEXT: *name = "CUDA_ERROR_INVALID_CONTEXT"; return OK;
    case INVALID_HANDLE: *name = "CUDA_ERROR_INVALID_HANDLE"; return OK;
    case NOT_FOUND: *name = "CUDA_ERROR_NOT_FOUND"; return OK;
    case NOT_READY: *name = "CUDA_ERROR_NOT_READY"; return OK;
    case ILLEGAL_ADDRESS: *name = "CUDA_ERROR_ILLEGAL_ADDRESS"; return OK;
    case ALREADY_REGISTERED: *name = "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED"; return OK;
    case NOT_REGISTERED: *name = "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED"; return OK;
    case LAUNCH_FAILED: *name = "CUDA_ERROR_LAUNCH_FAILED"; return OK;
    default: return INVALID_VALUE;
  }
}

API int cuDeviceGetAttribute(int *value, int attribute, int ordinal) {
  const Profile *profile = &device.profile;
  *value = attribute == 16   ? (int)profile->multiprocessors
           : attribute == 40 ? (int)profile->copy_engines
           : attribute == 75 ? (int)profile->major
           : attribute == 76 ? (int)profile->minor
                             : 0;
  return ordinal == 0 ? OK : INVALID_DEVICE;
}

API int cuDevicePrimaryCtxSetFlags_v2(int ordinal, unsigned flags) { return (void)flags, ordinal == 0 ? OK : INVALID_DEVICE; }
API int cuDevicePrimaryCtxRetain(uint64_t *context, int ordinal) {
  lock();
  device.contexts++;
  *context = (uint64_t)&device;
  return unlock(ordinal == 0 ? device.lost : INVALID_DEVICE);
}
API int cuDevicePrimaryCtxRelease_v2(int ordinal) {
  lock();
  if (device.contexts > 0) device.contexts--;
  return unlock(ordinal == 0 ? OK : INVALID_DEVICE);
}
API int cuCtxSetCurrent(uint64_t context) {
  current = context == (uint64_t)&device;
  return current || context == 0 ? OK : INVALID_CONTEXT;
}

API int cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
  lock();
  *total = (size_t)device.profile.memory_bytes;
  *free_bytes = (size_t)(device.profile.memory_bytes - device.allocated_bytes);
  return unlock(fault());
}

static int add_block(Block **list, uint64_t address, uint64_t bytes) {
  Block *block = malloc(sizeof *block);
  *block = (Block){*list, address, bytes};
  *list = block;
  return OK;
}

/* Takes the block that begins at an address out of its list; 0 when there is none. */
static uint64_t take_block(Block **list, uint64_t address) {
  for (Block **at = list; *at; at = &(*at)->next) {
    if ((*at)->address != address) continue;
    Block *block = *at;
    uint64_t bytes = block->bytes;
    *at = block->next;
    free(block);
    return bytes;
  }
  return 0;
}

API int cuMemAlloc_v2(uint64_t *pointer, size_t bytes) {
  lock();
  int error = fault();
  if (error || bytes == 0) return unlock(error ? error : INVALID_VALUE);
  int denied = device.fail_what == FAIL_MEMORY && --device.fail_after < 0;
  if (denied || device.allocated_bytes + bytes > device.profile.memory_bytes) {
    if (denied) device.fail_what = FAIL_NOTHING;
    return unlock(OUT_OF_MEMORY);
  }
  *pointer = (uint64_t)aligned_alloc(256, (bytes + 255) / 256 * 256);
  device.allocated_bytes += bytes;
  return unlock(add_block(&device.blocks, *pointer, bytes));
}

/* With the lock: waits until every stream is empty, or the device lost. */
static void drain(const Stream *only) {
  for (const Stream *stream = device.streams; stream && !device.lost;) {
    if ((only && stream != only) || !stream->head) stream = stream->next;
    else pthread_cond_wait(&device.done, &device.lock);
  }
}

API int cuMemFree_v2(uint64_t pointer) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  drain(NULL);
  uint64_t bytes = take_block(&device.blocks, pointer);
  if (!bytes) return unlock(INVALID_VALUE);
  free((void *)pointer);
  device.allocated_bytes -= bytes;
  return unlock(OK);
}

API int cuMemHostRegister_v2(uint64_t address, size_t bytes, unsigned flags) {
  (void)flags;
  lock();
  int error = fault();
  if (error) return unlock(error);
  for (Block *pin = device.pins; pin; pin = pin->next)
    if (address < pin->address + pin->bytes && pin->address < address + bytes) return unlock(ALREADY_REGISTERED);
  return unlock(add_block(&device.pins, address, bytes));
}

API int cuMemHostUnregister(uint64_t address) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  drain(NULL);
  return unlock(take_block(&device.pins, address) ? OK : NOT_REGISTERED);
}

API int cuStreamCreate(uint64_t *handle, unsigned flags) {
  (void)flags;
  lock();
  int error = fault();
  if (error) return unlock(error);
  Stream *stream = calloc(1, sizeof *stream);
  stream->next = device.streams;
  device.streams = stream;
  *handle = (uint64_t)stream;
  return unlock(OK);
}

API int cuStreamDestroy_v2(uint64_t handle) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  Stream *stream = stream_of(handle);
  if (!stream) return unlock(INVALID_HANDLE);
  drain(stream);
  for (Stream **at = &device.streams; *at; at = &(*at)->next) {
    if (*at != stream) continue;
    *at = stream->next;
    free(stream);
    break;
  }
  return unlock(device.lost);
}

API int cuStreamSynchronize(uint64_t handle) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  Stream *stream = stream_of(handle);
  if (!stream) return unlock(INVALID_HANDLE);
  drain(stream);
  return unlock(device.lost);
}

API int cuEventCreate(uint64_t *handle, unsigned flags) {
  (void)flags;
  lock();
  int error = fault();
  if (error) return unlock(error);
  Event *event = calloc(1, sizeof *event);
  event->next = device.events;
  device.events = event;
  *handle = (uint64_t)event;
  return unlock(OK);
}

API int cuEventDestroy_v2(uint64_t handle) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  drain(NULL);
  for (Event **at = &device.events; *at; at = &(*at)->next) {
    if ((uint64_t)*at != handle) continue;
    *at = (*at)->next;
    free((void *)handle);
    return unlock(OK);
  }
  return unlock(INVALID_HANDLE);
}

static int mark(uint64_t event_handle, uint64_t stream_handle, Kind kind) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  Event *event = event_of(event_handle);
  Stream *stream = stream_of(stream_handle);
  if (!event || !stream) return unlock(INVALID_HANDLE);
  Op *op = enqueue(stream, kind);
  op->event = event;
  op->version = kind == RECORD ? ++event->asked : event->asked;
  ring_bell();
  return unlock(OK);
}

API int cuEventRecord(uint64_t event, uint64_t stream) { return mark(event, stream, RECORD); }
API int cuStreamWaitEvent(uint64_t stream, uint64_t event, unsigned flags) {
  return (void)flags, mark(event, stream, WAIT);
}

API int cuEventSynchronize(uint64_t handle) {
  lock();
  int error = fault();
  Event *event = event_of(handle);
  if (error || !event) return unlock(error ? error : INVALID_HANDLE);
  uint64_t version = event->asked;
  while (event->happened < version && !device.lost) pthread_cond_wait(&device.done, &device.lock);
  return unlock(device.lost);
}

API int cuEventQuery(uint64_t handle) {
  lock();
  int error = fault();
  Event *event = event_of(handle);
  if (error || !event) return unlock(error ? error : INVALID_HANDLE);
  return unlock(event->happened < event->asked ? NOT_READY : OK);
}

API int cuEventElapsedTime(float *ms, uint64_t from_handle, uint64_t to_handle) {
  lock();
  int error = fault();
  Event *from = event_of(from_handle), *to = event_of(to_handle);
  if (error || !from || !to) return unlock(error ? error : INVALID_HANDLE);
  if (!from->asked || !to->asked) return unlock(INVALID_HANDLE);
  if (from->happened < from->asked || to->happened < to->asked) return unlock(NOT_READY);
  *ms = (float)((to->at_ns - from->at_ns) / 1e6);
  return unlock(OK);
}

/* Copies of rows. Host memory that is not pinned is staged by the driver: slower, and the call waits. */
static int copy(const Move *move, Kind kind, uint64_t stream_handle) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  Stream *stream = stream_of(stream_handle);
  if (!stream) return unlock(INVALID_HANDLE);
  uint64_t to_bytes = move->to_pitch * (move->rows - 1) + move->row_bytes;
  uint64_t from_bytes = move->from_pitch * (move->rows - 1) + move->row_bytes;
  int to_device = kind != COPY_OUT, from_device = kind != COPY_IN;
  if (to_device && !find_block(device.blocks, move->to, to_bytes)) return unlock(INVALID_VALUE);
  if (from_device && !find_block(device.blocks, move->from, from_bytes)) return unlock(INVALID_VALUE);
  int pinned = kind == COPY_ON || find_block(device.pins, kind == COPY_OUT ? move->to : move->from,
                                             kind == COPY_OUT ? to_bytes : from_bytes);
  const Profile *profile = &device.profile;
  double gbps = kind == COPY_ON ? profile->device_gbps : pinned ? profile->pinned_gbps : profile->pageable_gbps;
  Op *op = enqueue(stream, kind);
  op->move = *move;
  op->length_ns = profile->launch_us * 1e3 + (double)move->row_bytes * move->rows / gbps;
  ring_bell();
  if (!pinned) drain(stream);
  return unlock(device.lost);
}

static Move line(uint64_t to, uint64_t from, size_t bytes) { return (Move){to, from, bytes, bytes, bytes, 1}; }

API int cuMemcpyHtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, uint64_t stream) {
  Move move = line(to, from, bytes);
  return copy(&move, COPY_IN, stream);
}
API int cuMemcpyDtoHAsync_v2(uint64_t to, uint64_t from, size_t bytes, uint64_t stream) {
  Move move = line(to, from, bytes);
  return copy(&move, COPY_OUT, stream);
}
API int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, uint64_t stream) {
  Move move = line(to, from, bytes);
  return copy(&move, COPY_ON, stream);
}
/* CUDA_MEMCPY2D as words; only device to host. */
API int cuMemcpy2DAsync_v2(const uint64_t *words, uint64_t stream) {
  if ((uint32_t)words[2] != 2 || (uint32_t)words[9] != 1) return INVALID_VALUE;
  Move move = {words[10], words[4], words[13], words[6], words[14], words[15]};
  if (move.row_bytes > move.to_pitch || move.row_bytes > move.from_pitch || move.rows == 0) return INVALID_VALUE;
  return copy(&move, COPY_OUT, stream);
}

API int cuMemsetD32Async(uint64_t pointer, unsigned value, size_t count, uint64_t stream_handle) {
  lock();
  int error = fault();
  Stream *stream = stream_of(stream_handle);
  if (error || !stream) return unlock(error ? error : INVALID_HANDLE);
  if (!find_block(device.blocks, pointer, count * 4)) return unlock(INVALID_VALUE);
  Op *op = enqueue(stream, FILL);
  op->move = line(pointer, 0, count * 4);
  op->value = value;
  op->length_ns = device.profile.launch_us * 1e3 + count * 4 / device.profile.device_gbps;
  ring_bell();
  return unlock(OK);
}

API int cuModuleLoadData(uint64_t *module, const void *image) {
  lock();
  *module = 1;
  return unlock(image ? fault() : INVALID_VALUE);
}

API int cuModuleGetFunction(uint64_t *function, uint64_t module, const char *name) {
  static const char *const names[] = {"", "simulated_generate", "simulated_decode", "simulated_frames", "simulated_busy"};
  (void)module;
  for (int i = GENERATE; i <= BUSY; i++)
    if (strcmp(name, names[i]) == 0) return *function = i, OK;
  return NOT_FOUND;
}

/* The last argument of every kernel is its time in nanoseconds. */
API int cuLaunchKernel(uint64_t function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                       unsigned shared, uint64_t stream_handle, uint64_t **params, void **extra) {
  static const int counts[] = {0, 6, 8, 5, 1};
  (void)gx, (void)gy, (void)gz, (void)bx, (void)by, (void)bz, (void)shared, (void)extra;
  lock();
  int error = fault();
  Stream *stream = stream_of(stream_handle);
  if (error || !stream) return unlock(error ? error : INVALID_HANDLE);
  if (function < GENERATE || function > BUSY) return unlock(INVALID_HANDLE);
  Op *op = enqueue(stream, KERNEL);
  op->kernel = (KernelName)function;
  for (int i = 0; i < counts[function]; i++) op->args[i] = *params[i];
  op->length_ns = device.profile.launch_us * 1e3 + (double)op->args[counts[function] - 1];
  ring_bell();
  return unlock(OK);
}

/* The simulator's own. */
API int vizaviSimulator(void) { return 1; }

API int simulatorSet(const char *name, double value) {
  static const char *const names[] = {"memoryBytes", "multiprocessors", "copyEngines",  "major",    "minor",   "pinnedGBps",
                                      "pageableGBps", "deviceGBps",     "launchMicros", "speed",    "moveData"};
  lock();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    if (strcmp(name, "speed") == 0) set_speed(value);
    else ((double *)&device.profile)[i] = value;
    return unlock(OK);
  }
  return unlock(INVALID_VALUE);
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

/* Brings a lost device back as a new process would find it. What was allocated is forgotten, not freed: a thread may use it. */
API void simulatorReset(void) {
  lock();
  device.lost = OK;
  device.fail_what = FAIL_NOTHING;
  for (Stream *stream = device.streams; stream; stream = stream->next) {
    while (stream->head) {
      Op *op = stream->head;
      if (op->kind == RECORD) op->event->happened = op->version;
      stream->head = op->next;
      free(op);
    }
    stream->tail = NULL;
    stream->free_ns = now_ns();
  }
  device.blocks = device.pins = NULL;
  device.streams = NULL;
  device.events = NULL;
  device.allocated_bytes = 0;
  pthread_cond_broadcast(&device.done);
  unlock(OK);
}

/* busy ns, copy ns, bytes copied to the host, operations, allocations, streams, events, pins */
API void simulatorCounters(double *out) {
  lock();
  double live[4] = {0, 0, 0, 0};
  for (Block *block = device.blocks; block; block = block->next) live[0]++;
  for (Stream *stream = device.streams; stream; stream = stream->next) live[1]++;
  for (Event *event = device.events; event; event = event->next) live[2]++;
  for (Block *pin = device.pins; pin; pin = pin->next) live[3]++;
  double counters[] = {device.busy_ns, device.copy_ns, device.copied_out_bytes, device.operations,
                       live[0],        live[1],        live[2],                 live[3]};
  memcpy(out, counters, sizeof counters);
  unlock(OK);
}
