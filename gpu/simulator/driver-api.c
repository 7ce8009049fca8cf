/* The driver API: Initialization, Error Handling, Device, Primary Context, Module and Execution Control. */
#define _GNU_SOURCE
#include "simulator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Device device = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .profile = {.memory_bytes = 8e9, .multiprocessors = 46, .copy_engines = 1, .major = 12, .pinned_gbps = 50,
                .pageable_gbps = 6, .device_gbps = 1000, .launch_us = 3, .speed = 1, .move_data = 1,
                .driver_version = 13000},
    .name = "Simulated device",
};
static _Thread_local int current;

void lock(void) { pthread_mutex_lock(&device.lock); }
int unlock(int result) {
  pthread_mutex_unlock(&device.lock);
  return result;
}

int fault(void) {
  if (!device.initialized) return NOT_INITIALIZED;
  if (device.lost) return device.lost;
  return current ? OK : INVALID_CONTEXT;
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

API int cuDriverGetVersion(int *version) { return *version = (int)device.profile.driver_version, OK; }
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
  static const struct {
    int error;
    const char *name;
  } names[] = {
      {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
      {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
      {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
      {DEVICE_UNAVAILABLE, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
      {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
      {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
      {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
      {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
      {NOT_READY, "CUDA_ERROR_NOT_READY"},
      {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {ALREADY_REGISTERED, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED"},
      {NOT_REGISTERED, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED"},
      {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].error == error) return *name = names[i].name, OK;
  return INVALID_VALUE;
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
