/* The driver API, Memory Management. */
#include "simulator.h"
#include <stdlib.h>

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

static int begins_block(Block *list, uint64_t address) {
  for (; list; list = list->next)
    if (list->address == address) return 1;
  return 0;
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

API int cuMemFree_v2(uint64_t pointer) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  if (!begins_block(device.blocks, pointer)) return unlock(INVALID_VALUE);
  if ((error = drain(NULL))) return unlock(error);
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
  if (!begins_block(device.pins, address)) return unlock(NOT_REGISTERED);
  if ((error = drain(NULL))) return unlock(error);
  return unlock(take_block(&device.pins, address) ? OK : NOT_REGISTERED);
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
  return unlock(pinned ? OK : drain(stream));
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
