/* The driver API, Stream Management and Event Management. */
#include "simulator.h"
#include <stdlib.h>

Stream *stream_of(uint64_t handle) {
  for (Stream *stream = device.streams; stream; stream = stream->next)
    if (stream->handle == handle && !stream->destroyed) return stream;
  return NULL;
}

static Event *event_of(uint64_t handle) {
  for (Event *event = device.events; event; event = event->next)
    if (event->handle == handle) return event;
  return NULL;
}

API int cuStreamCreate(uint64_t *handle, unsigned flags) {
  (void)flags;
  lock();
  int error = fault();
  if (error) return unlock(error);
  Stream *stream = calloc(1, sizeof *stream);
  stream->handle = ++device.handles;
  stream->next = device.streams;
  device.streams = stream;
  *handle = stream->handle;
  return unlock(OK);
}

/* Does not wait: what the stream holds is done. */
API int cuStreamDestroy_v2(uint64_t handle) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  Stream *stream = stream_of(handle);
  if (!stream) return unlock(INVALID_HANDLE);
  /* One operation more, so that it is the device's thread that ends the stream. */
  enqueue(stream, RECORD)->mark = new_mark(1);
  stream->destroyed = 1;
  ring_bell();
  return unlock(OK);
}

API int cuStreamSynchronize(uint64_t handle) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  Stream *stream = stream_of(handle);
  return unlock(stream ? drain(stream) : INVALID_HANDLE);
}

API int cuEventCreate(uint64_t *handle, unsigned flags) {
  (void)flags;
  lock();
  int error = fault();
  if (error) return unlock(error);
  Event *event = calloc(1, sizeof *event);
  event->handle = ++device.handles;
  event->next = device.events;
  device.events = event;
  *handle = event->handle;
  return unlock(OK);
}

/* Does not wait: recordings asked for and waits for them go on. */
API int cuEventDestroy_v2(uint64_t handle) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  for (Event **at = &device.events; *at; at = &(*at)->next) {
    Event *event = *at;
    if (event->handle != handle) continue;
    *at = event->next;
    release_mark(event->mark);
    free(event);
    return unlock(OK);
  }
  return unlock(INVALID_HANDLE);
}

API int cuEventRecord(uint64_t event_handle, uint64_t stream_handle) {
  lock();
  int error = fault();
  if (error) return unlock(error);
  Event *event = event_of(event_handle);
  Stream *stream = stream_of(stream_handle);
  if (!event || !stream) return unlock(INVALID_HANDLE);
  release_mark(event->mark);
  event->mark = new_mark(1);
  enqueue(stream, RECORD)->mark = hold_mark(event->mark);
  ring_bell();
  return unlock(OK);
}

/* For the recording asked for last; a later one changes nothing. */
API int cuStreamWaitEvent(uint64_t stream_handle, uint64_t event_handle, unsigned flags) {
  (void)flags;
  lock();
  int error = fault();
  if (error) return unlock(error);
  Event *event = event_of(event_handle);
  Stream *stream = stream_of(stream_handle);
  if (!event || !stream) return unlock(INVALID_HANDLE);
  if (event->mark) enqueue(stream, WAIT)->mark = hold_mark(event->mark);
  ring_bell();
  return unlock(OK);
}

API int cuEventSynchronize(uint64_t handle) {
  lock();
  int error = fault();
  Event *event = event_of(handle);
  if (error || !event) return unlock(error ? error : INVALID_HANDLE);
  return unlock(event->mark ? wait_for(event->mark) : OK);
}

static int pending(const Event *event) { return event->mark && event->mark->pending; }

API int cuEventQuery(uint64_t handle) {
  lock();
  int error = fault();
  Event *event = event_of(handle);
  if (error || !event) return unlock(error ? error : INVALID_HANDLE);
  return unlock(pending(event) ? NOT_READY : OK);
}

API int cuEventElapsedTime(float *ms, uint64_t from_handle, uint64_t to_handle) {
  lock();
  int error = fault();
  Event *from = event_of(from_handle), *to = event_of(to_handle);
  if (error || !from || !to) return unlock(error ? error : INVALID_HANDLE);
  if (!from->mark || !to->mark) return unlock(INVALID_HANDLE);
  if (pending(from) || pending(to)) return unlock(NOT_READY);
  *ms = (float)((to->mark->at_ns - from->mark->at_ns) / 1e6);
  return unlock(OK);
}
